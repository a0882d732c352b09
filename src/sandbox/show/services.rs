//! Hosted zones, registries, secrets, log groups and load balancers.

use serde_json::{Value, json};

use super::item::{Form, Item};
use super::{Implicit, sha256};
use crate::sandbox::aws::Region;
use crate::sandbox::aws::ecr::Repository;
use crate::sandbox::aws::elbv2::{Elbv2, LoadBalancer, TargetGroup};
use crate::sandbox::aws::route53::{RecordSet, Route53, Zone};
use crate::sandbox::aws::secrets_manager::{Secret, SecretsManager, Value as Stored};
use crate::sandbox::aws::tags::Tags;

/// The tag by which the cloud provider inside Kubernetes marks what it makes for a Service.
const SERVICE_TAG: &str = "kubernetes.io/service-name";

/// Hosted zones and their records.
pub fn zones(route53: &Route53, implicit: &mut Implicit) -> Vec<Item> {
    let mut items = Vec::new();
    for each in route53.zones.values() {
        items.push(zone(each));
        for set in &each.records {
            let own = set.name == each.name && ["NS", "SOA"].contains(&set.kind.as_str());
            if own {
                *implicit.entry("zone NS/SOA record").or_default() += 1;
            } else {
                items.push(record(each, set));
            }
        }
    }
    items
}

fn zone(zone: &Zone) -> Item {
    let vpcs: Vec<&String> = zone.vpcs.iter().map(|vpc| &vpc.id).collect();
    Item::new(
        "route53_zone",
        &zone.name,
        json!({"comment": zone.comment, "private": zone.private, "vpcs": vpcs}),
    )
    .id(&zone.id)
    .tags(&zone.tags)
}

fn record(zone: &Zone, set: &RecordSet) -> Item {
    let alias = (set.alias.as_ref()).map(
        |alias| json!({"zone": alias.zone, "name": alias.name, "health": alias.evaluate_health}),
    );
    let values = (alias.is_none()).then(|| json!(set.values));
    Item::new(
        "route53_record",
        &set.name,
        json!({"ttl": set.ttl, "type": set.kind, "zone": zone.id}),
    )
    .maybe("values", values)
    .maybe("alias", alias)
    .maybe("set", set.set_identifier.as_deref())
    .maybe(
        "routing",
        (!set.routing.is_empty()).then(|| json!(set.routing)),
    )
}

/// The rest, which lives in a region.
pub fn items(region: &Region) -> Vec<Item> {
    let mut items: Vec<Item> = region.ecr.repositories.values().map(repository).collect();
    items.extend(secrets(&region.secrets_manager));
    items.extend((region.logs.groups.iter()).map(|(name, group)| {
        let body = json!({"retention_days": group.retention_days});
        Item::new("log_group", name, body).tags(&group.tags)
    }));
    let elbv2 = &region.elbv2;
    let tags = |arn: &str| elbv2.tags.get(arn).cloned().unwrap_or_default();
    items.extend((elbv2.load_balancers.iter()).map(|(arn, each)| balancer(arn, each, &tags(arn))));
    items.extend(
        (elbv2.target_groups.iter()).map(|(arn, each)| target_group(elbv2, arn, each, &tags(arn))),
    );
    items
}

fn repository(repository: &Repository) -> Item {
    let images: serde_json::Map<String, Value> = (repository.images.iter())
        .map(|(digest, image)| (digest.clone(), json!(image.tags)))
        .collect();
    let lifecycle = repository.lifecycle_policy.as_deref();
    Item::new(
        "ecr_repository",
        &repository.name,
        json!({"mutability": repository.mutability, "scan_on_push": repository.scan_on_push}),
    )
    .unless("encryption", repository.encryption.as_str(), "AES256")
    .maybe("key", repository.kms_key.as_deref())
    .maybe("lifecycle", lifecycle)
    .maybe("images", (!images.is_empty()).then_some(images))
    .tags(&repository.tags)
}

/// Secrets; one whose deletion can't be taken back is gone but for its name.
fn secrets(service: &SecretsManager) -> impl Iterator<Item = Item> {
    (service.secrets.values())
        .filter(|secret| !secret.deletion.is_some_and(|deletion| deletion.forced))
        .map(secret)
}

fn secret(secret: &Secret) -> Item {
    let current = (secret.versions.values()).find(|version| version.stages.contains("AWSCURRENT"));
    let digest = current.map(|version| match &version.value {
        Stored::Text(value) | Stored::Binary(value) => sha256(value.as_bytes()),
    });
    let mut item = Item::new(
        "secret",
        &secret.name,
        json!({"description": secret.description, "value_sha256": digest}),
    );
    for (id, version) in &secret.versions {
        let stages: Vec<&str> = version.stages.iter().map(String::as_str).collect();
        let name = format!("@secret_version/{}:{}", secret.name, stages.join("+"));
        item = item.written(id, Form::Text(name));
    }
    item.id(&secret.arn)
        .maybe("key", secret.kms_key.as_deref())
        .unless("scheduled_for_deletion", secret.deletion.is_some(), false)
        .tags(&secret.tags)
}

/// A load balancer that Kubernetes made is called after its Service: its own name is made up.
fn balancer(arn: &str, balancer: &LoadBalancer, tags: &Tags) -> Item {
    let name = tags.get(SERVICE_TAG).unwrap_or(&balancer.name);
    let listeners: Vec<Value> = (balancer.listeners.values())
        .map(|listener| {
            json!({
                "listens": listener.port, "protocol": listener.protocol, "target_group": listener.target_group,
            })
        })
        .collect();
    // The last part of the ARN also ends the description of the interfaces.
    let unique = arn.rsplit('/').next().unwrap_or_default();
    Item::new(
        "load_balancer",
        name,
        json!({
            "type": balancer.kind.as_str(), "internal": balancer.internal, "vpc": balancer.vpc_id,
            "subnets": balancer.subnet_ids, "security_groups": balancer.group_ids, "listeners": listeners,
            "status": if balancer.active { "active" } else { "provisioning" },
        }),
    )
    .id(arn)
    .id(&balancer.dns_name)
    .written(&balancer.name, Form::Name)
    .written(unique, Form::Text("…".to_owned()))
    .tags(tags)
}

fn target_group(elbv2: &Elbv2, arn: &str, group: &TargetGroup, tags: &Tags) -> Item {
    let listens = (elbv2.load_balancers.values())
        .flat_map(|balancer| balancer.listeners.values())
        .find(|listener| listener.target_group == arn)
        .map(|listener| format!(":{}", listener.port));
    let name = match tags.get(SERVICE_TAG) {
        Some(service) => format!("{service}{}", listens.unwrap_or_default()),
        None => group.name.clone(),
    };
    Item::new(
        "target_group",
        name,
        json!({
            "port": group.port, "protocol": group.protocol, "target_type": group.target_type, "vpc": group.vpc_id,
        }),
    )
    .id(arn)
    .written(&group.name, Form::Name)
    .tags(tags)
}
