//! Rows of rights, names, secrets and repositories.

use aws_sdk_ec2::types::VpcState;
use aws_sdk_ecr::types::{ImageScanningConfiguration, ImageTagMutability};
use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
    TagResourceType, Vpc, VpcRegion,
};

use super::Rows;
use crate::bench::document;
use crate::hands::Hands;

const POLICY: &str = "iam.policy.queue-readers";
const GROUP: &str = "iam.group.DB-Ops";
const ZONE: &str = "network.private-zone";
const RECORD: &str = "database.microservices.record";
const ALIAS: &str = "dns.private._any.staging.msur-vpc.com";
const SECRET: &str = "secret.mysql-password";
const REGISTRY: &str = "registry.flights";

const NAME: &str = "rds.staging.msur-vpc.com";

pub fn rows() -> Vec<Rows> {
    vec![
        policy(),
        group(),
        zone(),
        record(),
        alias(),
        secret(),
        repository(),
    ]
}

fn policy() -> Rows {
    Rows::of("iam.policy", POLICY)
        .hand("document", |h| {
            Box::pin(async move {
                let call = h.aws.iam.create_policy_version().policy_arn(h.id(POLICY));
                let call = call.policy_document(document("sqs:*").to_string());
                call.set_as_default(true).send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let tag = aws_sdk_iam::types::Tag::builder().key("groundwork:owner");
                let tag = tag.value("mallory").build().unwrap();
                let call = h.aws.iam.tag_policy().policy_arn(h.id(POLICY));
                call.tags(tag).send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.iam.detach_group_policy().group_name(h.id(GROUP));
                call.policy_arn(h.id(POLICY)).send().await.unwrap();
                let call = h.aws.iam.delete_policy().policy_arn(h.id(POLICY));
                call.send().await.unwrap();
            })
        })
}

fn group() -> Rows {
    Rows::of("iam.group", GROUP)
        .hand("policies", |h| {
            Box::pin(async move {
                let call = h.aws.iam.attach_group_policy().group_name(h.id(GROUP));
                let call = call.policy_arn("arn:aws:iam::aws:policy/AdministratorAccess");
                call.send().await.unwrap();
            })
        })
        .hand("inline", |h| {
            Box::pin(async move {
                let call = h.aws.iam.put_group_policy().group_name(h.id(GROUP));
                let call = call.policy_name("back-door");
                let call = call.policy_document(document("*").to_string());
                call.send().await.unwrap();
            })
        })
        .hand("members", |h| {
            Box::pin(async move {
                let call = h.aws.iam.remove_user_from_group().group_name(h.id(GROUP));
                call.user_name("ops-account").send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let (iam, name) = (&h.aws.iam, h.id(GROUP));
                let call = iam.remove_user_from_group().group_name(name);
                call.user_name("ops-account").send().await.unwrap();
                let call = iam.list_attached_group_policies().group_name(name);
                for policy in call.send().await.unwrap().attached_policies() {
                    let call = iam.detach_group_policy().group_name(name);
                    let call = call.policy_arn(policy.policy_arn().unwrap());
                    call.send().await.unwrap();
                }
                iam.delete_group().group_name(name).send().await.unwrap();
            })
        })
}

fn zone() -> Rows {
    Rows::of("dns.zone", ZONE)
        .file("domain", |environment| {
            let network = environment.network.as_mut().unwrap();
            let zone = network.private_zone.as_mut().unwrap();
            "other.msur-vpc.com".clone_into(&mut zone.name);
            let database = environment.databases.get_mut("microservices").unwrap();
            database.dns = Some("rds.other.msur-vpc.com".to_owned());
            "*.other.msur-vpc.com".clone_into(&mut environment.load_balancer_names[0].name);
        })
        .hand("comment", |h| {
            Box::pin(async move {
                let call = h.aws.route53.update_hosted_zone_comment().id(h.id(ZONE));
                call.comment("somebody's").send().await.unwrap();
            })
        })
        .hand("vpcs", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.create_vpc().cidr_block("10.99.0.0/16");
                let made = call.send().await.unwrap();
                let vpc = made.vpc().unwrap();
                assert_eq!(vpc.state(), Some(&VpcState::Pending));
                h.wait(60).await;
                let vpc = Vpc::builder()
                    .vpc_region(VpcRegion::UsEast1)
                    .vpc_id(vpc.vpc_id().unwrap());
                let call = h.aws.route53.associate_vpc_with_hosted_zone();
                let call = call.hosted_zone_id(h.id(ZONE)).vpc(vpc.build());
                call.send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let tag = aws_sdk_route53::types::Tag::builder().key("groundwork:owner");
                let call = h.aws.route53.change_tags_for_resource();
                let call = call.resource_type(TagResourceType::Hostedzone);
                let call = call.resource_id(h.id(ZONE));
                let tag = tag.value("mallory").build();
                call.add_tags(tag).send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                change(h, ChangeAction::Delete, ours(h)).await;
                change(h, ChangeAction::Delete, our_alias(h)).await;
                let call = h.aws.route53.delete_hosted_zone().id(h.id(ZONE));
                call.send().await.unwrap();
            })
        })
}

fn of_type(rr_type: RrType, ttl: i64, value: &str) -> ResourceRecordSet {
    let value = ResourceRecord::builder().value(value).build().unwrap();
    let set = ResourceRecordSet::builder().name(NAME).r#type(rr_type);
    set.ttl(ttl).resource_records(value).build().unwrap()
}

/// The record as we made it.
fn ours(hands: &Hands) -> ResourceRecordSet {
    let host = hands.output("database.microservices.instance", "endpoint");
    of_type(RrType::Cname, 300, host)
}

async fn change(hands: &Hands, action: ChangeAction, record: ResourceRecordSet) {
    let change = Change::builder().action(action).resource_record_set(record);
    let batch = ChangeBatch::builder().changes(change.build().unwrap());
    let call = hands.aws.route53.change_resource_record_sets();
    let call = call.hosted_zone_id(hands.id(ZONE));
    call.change_batch(batch.build().unwrap())
        .send()
        .await
        .unwrap();
}

fn record() -> Rows {
    Rows::of("dns.record", RECORD)
        .file("zone", |environment| {
            let network = environment.network.as_mut().unwrap();
            let zone = network.private_zone.as_mut().unwrap();
            "msur-vpc.com".clone_into(&mut zone.name);
        })
        .file("domain", |environment| {
            let database = environment.databases.get_mut("microservices").unwrap();
            database.dns = Some("db.staging.msur-vpc.com".to_owned());
        })
        .hand("type", |h| {
            Box::pin(async move {
                change(h, ChangeAction::Delete, ours(h)).await;
                let other = of_type(RrType::A, 300, "203.0.113.1");
                change(h, ChangeAction::Create, other).await;
            })
        })
        .hand("ttl", |h| {
            Box::pin(async move {
                let host = h.output("database.microservices.instance", "endpoint");
                let other = of_type(RrType::Cname, 5, host);
                change(h, ChangeAction::Upsert, other).await;
            })
        })
        .hand("values", |h| {
            Box::pin(async move {
                let other = of_type(RrType::Cname, 300, "evil.example.com");
                change(h, ChangeAction::Upsert, other).await;
            })
        })
        .deleted(|h| Box::pin(async move { change(h, ChangeAction::Delete, ours(h)).await }))
}

fn alias_of(host: &str) -> ResourceRecordSet {
    let target = AliasTarget::builder()
        .hosted_zone_id("Z26RNL4JYFTOTI")
        .dns_name(host)
        .evaluate_target_health(false);
    let set = ResourceRecordSet::builder().name("*.staging.msur-vpc.com");
    let set = set.r#type(RrType::A).alias_target(target.build().unwrap());
    set.build().unwrap()
}

/// The alias as we made it.
fn our_alias(hands: &Hands) -> ResourceRecordSet {
    alias_of(hands.output("bootstrap.ingress.service.traefik", "hostname"))
}

fn alias() -> Rows {
    Rows::of("dns.alias", ALIAS)
        .file("zone", |environment| {
            let network = environment.network.as_mut().unwrap();
            let zone = network.private_zone.as_mut().unwrap();
            "msur-vpc.com".clone_into(&mut zone.name);
        })
        .nobody(
            "domain",
            "its name is its address: another one is another resource",
        )
        .hand("type", |h| {
            Box::pin(async move {
                change(h, ChangeAction::Delete, our_alias(h)).await;
                let mut other = of_type(RrType::Cname, 300, "elsewhere.example.com");
                "*.staging.msur-vpc.com".clone_into(&mut other.name);
                change(h, ChangeAction::Create, other).await;
            })
        })
        .hand("target", |h| {
            Box::pin(async move {
                let other = alias_of("other-1.elb.us-east-1.amazonaws.com");
                change(h, ChangeAction::Upsert, other).await;
            })
        })
        .deleted(|h| Box::pin(async move { change(h, ChangeAction::Delete, our_alias(h)).await }))
}

fn secret() -> Rows {
    Rows::of("secrets.secret", SECRET)
        .hand("description", |h| {
            Box::pin(async move {
                let call = h.aws.secrets.update_secret().secret_id(h.id(SECRET));
                call.description("somebody's").send().await.unwrap();
            })
        })
        .hand("value", |h| {
            Box::pin(async move {
                let call = h.aws.secrets.put_secret_value().secret_id(h.id(SECRET));
                call.secret_string("mallory's").send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let tag = aws_sdk_secretsmanager::types::Tag::builder();
                let tag = tag.key("groundwork:owner").value("mallory").build();
                let call = h.aws.secrets.tag_resource().secret_id(h.id(SECRET));
                call.tags(tag).send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.secrets.delete_secret().secret_id(h.id(SECRET));
                let call = call.recovery_window_in_days(7);
                call.send().await.unwrap();
            })
        })
}

fn repository() -> Rows {
    Rows::of("registries.repository", REGISTRY)
        .hand("immutable_tags", |h| {
            Box::pin(async move {
                let call = h.aws.ecr.put_image_tag_mutability();
                let call = call.repository_name(h.id(REGISTRY));
                let call = call.image_tag_mutability(ImageTagMutability::Mutable);
                call.send().await.unwrap();
            })
        })
        .hand("scan_on_push", |h| {
            Box::pin(async move {
                let off = ImageScanningConfiguration::builder().scan_on_push(false);
                let call = h.aws.ecr.put_image_scanning_configuration();
                let call = call.repository_name(h.id(REGISTRY));
                let call = call.image_scanning_configuration(off.build());
                call.send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let tag = aws_sdk_ecr::types::Tag::builder().key("groundwork:owner");
                let tag = tag.value("mallory").build().unwrap();
                let call = h.aws.ecr.tag_resource().tags(tag);
                let call = call.resource_arn(h.output(REGISTRY, "arn"));
                call.send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.ecr.delete_repository();
                call.repository_name(h.id(REGISTRY)).send().await.unwrap();
            })
        })
}
