//! `cache.replication-group`: Redis or Valkey on ElastiCache, one primary and its replicas.

use async_trait::async_trait;
use aws_sdk_elasticache::types::{AutomaticFailoverStatus, MultiAzStatus};
use serde::{Deserialize, Serialize};

use super::inventory::{FoundGroup, describe, tags_given, tags_of};
use super::{replication_group, retag, written};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::Cache as Asked;
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::inventory::Inventory;
use crate::resources::network::security_group;
use crate::resources::sighting::{
    Sighting, address_by_name, has, is_older, is_patch_of, outputs, port_or_asked, version_as_asked,
};
use crate::resources::subnet_group::subnet_group;
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Problem, Tags,
    Unseen, Usual, Wanted,
};

/// The kind `cache.replication-group`.
pub struct ReplicationGroup;

/// The kind's name.
pub(super) const KIND: &str = "cache.replication-group";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    description: String,
    engine: String,
    version: String,
    node_type: String,
    /// The primary and its replicas.
    nodes: i32,
    /// Whether a replica takes over by itself; there must be one.
    automatic_failover: bool,
    /// Whether replicas are kept in other zones than the primary; only with fail-over.
    multi_az: bool,
    encryption_at_rest: bool,
    encryption_in_transit: bool,
    port: i32,
    /// The name of its subnet group.
    subnet_group: Input,
    security_groups: Vec<Input>,
    tags: Tags,
}

fn desired(context: &Context<'_>, key: &str, asked: &Asked) -> Desired {
    let address = replication_group(key);
    let environment = &context.environment.name;
    let spec = Spec {
        name: asked.name.clone(),
        description: format!("Cache {key} of {environment}"),
        engine: asked.engine.as_str().to_owned(),
        version: asked.version.clone(),
        node_type: asked.node_type.clone(),
        nodes: i32::try_from(asked.nodes).unwrap_or(i32::MAX),
        automatic_failover: asked.nodes > 1,
        multi_az: asked.nodes > 1,
        encryption_at_rest: asked.encryption,
        encryption_in_transit: asked.encryption,
        port: asked.port.into(),
        subnet_group: Input::of(&subnet_group(&["cache", key]), "id"),
        security_groups: vec![Input::of(&security_group(&["cache", key]), "id")],
        tags: context.ownership.named(&address, &asked.name),
    };
    Desired::new(KIND, address, &asked.name, &spec)
}

fn condition(status: Option<&str>) -> Condition {
    match status.unwrap_or("available") {
        "available" => Condition::Ready,
        "deleting" => Condition::Deleting,
        "create-failed" => Condition::Failed("create-failed".to_owned()),
        other => Condition::Settling(other.to_owned()),
    }
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &FoundGroup, tags: Tags) -> Observed {
    let (group, member) = (&found.group, found.member.as_ref());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let name = group.replication_group_id().unwrap_or_default();
    let shard = group.node_groups().first();
    let primary = shard.and_then(|shard| shard.primary_endpoint());
    let reader = shard.and_then(|shard| shard.reader_endpoint());
    let port = primary.and_then(|primary| primary.port());
    let memberships = member.map(|member| member.security_groups()).unwrap_or(&[]);
    let mut security_groups: Vec<Input> = memberships
        .iter()
        .filter_map(|group| group.security_group_id().map(Input::from))
        .collect();
    security_groups.sort();
    let version = member.and_then(|member| member.engine_version());
    let engine = group.engine().or(member.and_then(|member| member.engine()));
    let subnets = member.and_then(|member| member.cache_subnet_group_name());
    let failover = group.automatic_failover();
    let spec = Spec {
        name: name.to_owned(),
        description: text(group.description()),
        engine: text(engine),
        version: version_as_asked(wanted, &address, version.unwrap_or_default()),
        node_type: text(group.cache_node_type()),
        nodes: i32::try_from(group.member_clusters().len()).unwrap_or(i32::MAX),
        automatic_failover: matches!(
            failover,
            Some(AutomaticFailoverStatus::Enabled | AutomaticFailoverStatus::Enabling)
        ),
        multi_az: group.multi_az() == Some(&MultiAzStatus::Enabled),
        encryption_at_rest: group.at_rest_encryption_enabled().unwrap_or_default(),
        encryption_in_transit: group.transit_encryption_enabled().unwrap_or_default(),
        port: port_or_asked(wanted, &address, port),
        subnet_group: subnets.unwrap_or_default().into(),
        security_groups,
        tags: Tags::new(),
    };
    let port = port.map(|port| port.to_string());
    let sighting = Sighting {
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        tags,
        condition: condition(group.status()),
        outputs: outputs([
            ("id", Some(name)),
            ("arn", group.arn()),
            ("endpoint", primary.and_then(|primary| primary.address())),
            ("reader", reader.and_then(|reader| reader.address())),
            ("port", port.as_deref()),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for ReplicationGroup {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::in_place("description"),
                Field::replaces("engine"),
                Field::in_place("version"),
                Field::in_place("node_type"),
                Field::in_place("nodes"),
                Field::in_place("automatic_failover"),
                Field::in_place("multi_az"),
                Field::replaces("encryption_at_rest"),
                Field::replaces("encryption_in_transit"),
                Field::replaces("port"),
                Field::replaces("subnet_group"),
                Field::in_place("security_groups").holding(),
                Field::in_place("tags"),
            ]
        }
    }

    fn holds_data(&self, _fields: &Fields) -> bool {
        true
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(420, 240, 240)
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let caches = context.environment.caches.iter();
        caches
            .map(|(key, asked)| desired(context, key, asked))
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let groups = &inventory.caches.groups;
        let groups = groups.as_ref().map_err(Clone::clone)?.iter();
        let sightings = groups.filter_map(|(found, tags)| {
            let name = found.group.replication_group_id()?;
            let address = address_by_name(KIND, wanted, name, tags)?;
            Some(observed(wanted, address, found, tags.clone()))
        });
        Ok(sightings.collect())
    }

    async fn check(
        &self,
        cloud: &Cloud,
        inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let text = |field: &str| desired.fields.get(field).and_then(|value| value.as_str());
        let engine = text("engine").unwrap_or_default();
        let version = text("version").unwrap_or_default();
        let groups = inventory.caches.groups.as_deref().unwrap_or(&[]);
        let now = groups
            .iter()
            .find(|(found, _)| found.group.replication_group_id() == Some(&desired.name))
            .and_then(|(found, _)| found.member.as_ref())
            .filter(|member| member.engine() == Some(engine))
            .and_then(|member| member.engine_version());
        let problem = |message| Problem {
            address: desired.address.clone(),
            message,
        };
        match now {
            Some(now) if is_patch_of(now, version) => return Ok(Vec::new()),
            Some(now) if is_older(version, now) => {
                let message = format!(
                    "ElastiCache never goes back to an older {engine}: it runs {now}, and {version} is asked for"
                );
                return Ok(vec![problem(message)]);
            }
            Some(_) | None => {}
        }
        let call = cloud.aws.elasticache.describe_cache_engine_versions();
        let listed = call.engine(engine).into_paginator().items().send();
        let listed = listed.try_collect().await;
        let listed = listed.map_err(fault("elasticache", "DescribeCacheEngineVersions"))?;
        let known: Vec<&str> = listed.iter().filter_map(|v| v.engine_version()).collect();
        if known.iter().any(|known| is_patch_of(known, version)) {
            return Ok(Vec::new());
        }
        let known = known.join(", ");
        let message = format!("ElastiCache has no {engine} {version}; it has {known}");
        Ok(vec![problem(message)])
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.elasticache.create_replication_group();
            let call = call.replication_group_id(&spec.name);
            let call = call.replication_group_description(&spec.description);
            let call = call.engine(&spec.engine).engine_version(&spec.version);
            let call = call
                .cache_node_type(&spec.node_type)
                .num_cache_clusters(spec.nodes);
            let call = call.automatic_failover_enabled(spec.automatic_failover);
            let call = call.multi_az_enabled(spec.multi_az);
            let call = call.at_rest_encryption_enabled(spec.encryption_at_rest);
            let call = call.transit_encryption_enabled(spec.encryption_in_transit);
            let call = call.port(spec.port);
            let call = call.cache_subnet_group_name(spec.subnet_group.text());
            let call = call.set_security_group_ids(Some(groups(&spec)));
            let answer = call.set_tags(Some(written(&spec.tags))).send().await;
            answer.map_err(fault("elasticache", "CreateReplicationGroup"))
        })
        .await;
        made_already(self, cloud, order, spec.name.clone(), answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some(found) = present(describe(cloud, id).await)? else {
            return Ok(None);
        };
        // ElastiCache tells tags only of what is available.
        let tags = match condition(found.group.status()) {
            Condition::Ready => {
                let arn = found.group.arn().unwrap_or_default();
                present(tags_of(cloud, arn).await)?
            }
            Condition::Settling(_) | Condition::Deleting | Condition::Failed(_) => {
                Some(tags_given(&order.wanted, id).unwrap_or_default())
            }
        };
        let Some(tags) = tags else {
            return Ok(None);
        };
        Ok(Some(observed(
            &order.wanted,
            order.address.clone(),
            &found,
            tags,
        )))
    }

    /// ElastiCache makes one change of a group at a time: one is begun, and the others follow when it is done.
    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        // Fail-over needs a replica: it goes before the last one does, and comes after the first one has.
        let failover = (has(changed, "automatic_failover") || has(changed, "multi_az"))
            && !(spec.automatic_failover && has(changed, "nodes"));
        let scaled = has(changed, "node_type");
        let upgraded = has(changed, "version") && !scaled;
        let (described, regrouped) = (has(changed, "description"), has(changed, "security_groups"));
        if failover || scaled || upgraded || described || regrouped {
            let call = cloud.aws.elasticache.modify_replication_group();
            let call = call
                .replication_group_id(&observed.id)
                .apply_immediately(true);
            let call = call
                .set_automatic_failover_enabled(failover.then_some(spec.automatic_failover))
                .set_multi_az_enabled(failover.then_some(spec.multi_az))
                .set_cache_node_type(scaled.then(|| spec.node_type.clone()))
                .set_engine_version(upgraded.then(|| spec.version.clone()))
                .set_replication_group_description(described.then(|| spec.description.clone()))
                .set_security_group_ids(regrouped.then(|| groups(&spec)));
            let answer = call.send().await;
            let answer = answer.map_err(fault("elasticache", "ModifyReplicationGroup"));
            return answer.map(drop);
        }
        if has(changed, "nodes") {
            return resize(cloud, observed, spec.nodes).await;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.elasticache.delete_replication_group();
        let call = call.replication_group_id(id).retain_primary_cluster(false);
        let answer = call.send().await;
        absent_is_done(answer.map_err(fault("elasticache", "DeleteReplicationGroup")))
    }
}

/// Adds or removes replicas until there are so many nodes.
async fn resize(cloud: &Cloud, observed: &Observed, nodes: i32) -> Result<(), Fault> {
    let now = observed
        .fields
        .get("nodes")
        .and_then(|nodes| nodes.as_i64());
    let cache = &cloud.aws.elasticache;
    if now.is_some_and(|now| now > nodes.into()) {
        let call = cache.decrease_replica_count().apply_immediately(true);
        let call = call.replication_group_id(&observed.id);
        let answer = call.new_replica_count(nodes - 1).send().await;
        return answer
            .map(drop)
            .map_err(fault("elasticache", "DecreaseReplicaCount"));
    }
    let call = cache.increase_replica_count().apply_immediately(true);
    let call = call.replication_group_id(&observed.id);
    let answer = call.new_replica_count(nodes - 1).send().await;
    answer
        .map(drop)
        .map_err(fault("elasticache", "IncreaseReplicaCount"))
}

fn groups(spec: &Spec) -> Vec<String> {
    let groups = spec.security_groups.iter();
    groups.map(|id| id.text().to_owned()).collect()
}
