//! ElastiCache: subnet groups, replication groups of Redis and Valkey, and clusters on their own.
//!
//! A replication group owns one cache cluster for each of its nodes; what it shares with them stands in
//! [`Settings`], of which each has a copy, because AWS shows it only on the clusters.

mod checks;
mod clusters;
mod engines;
mod groups;
mod members;
mod modify;
mod render;
mod state;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::call::{Call, Fault, Reply};
use super::subnet_groups::{Dialect, marker_page};
use super::tag_operations;
use super::tags::Tags;
use crate::sandbox::schedule;
use crate::sandbox::world::World;

pub use groups::fail_later;
pub use state::{Cluster, ElastiCache, Group, Pending, Settings, Status};

/// What ElastiCache does by itself; resources are named by a unique id that no later namesake shares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// A replication group becomes available, with the changes that were under way.
    SettleGroup(String),
    /// A replication group's maintenance window opens.
    MaintainGroup(String),
    /// A new replication group can't be made.
    FailGroup(String),
    /// A deleted replication group is gone.
    RemoveGroup(String),
    /// A cluster of its own becomes available, with the changes that were under way.
    SettleCluster(String),
    /// Its maintenance window opens.
    MaintainCluster(String),
    /// A deleted cluster is gone.
    RemoveCluster(String),
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    match task {
        Task::SettleGroup(uid) => groups::settle(world, region, &uid),
        Task::MaintainGroup(uid) => modify::maintain(world, region, &uid),
        Task::FailGroup(uid) => groups::fail(world, region, &uid),
        Task::RemoveGroup(uid) => groups::remove(world, region, &uid),
        Task::SettleCluster(uid) => clusters::settle(world, region, &uid),
        Task::MaintainCluster(uid) => clusters::maintain(world, region, &uid),
        Task::RemoveCluster(uid) => clusters::remove(world, region, &uid),
    }
}

fn later(world: &mut World, region: &str, seconds: u64, task: Task) {
    let task = schedule::Task::Aws {
        region: region.to_owned(),
        task: super::Task::ElastiCache(task),
    };
    world.in_secs(seconds, task);
}

const SUBNET_GROUPS: Dialect = Dialect {
    service: "elasticache",
    arn_type: "subnetgroup",
    one: "CacheSubnetGroup",
    many: "CacheSubnetGroups",
    name: "CacheSubnetGroupName",
    description: "CacheSubnetGroupDescription",
    arn: "ARN",
    statuses: None,
    ipv4: ("ipv4", Some("ipv4")),
    taken: "CacheSubnetGroupAlreadyExists",
    not_found: ("CacheSubnetGroupNotFoundFault", 400),
    in_use: "CacheSubnetGroupInUse",
    subnet_in_use: "SubnetInUse",
    too_few_zones: None,
    state: |world, region| &mut world.region(region).elasticache.subnet_groups,
    used: |world, region, name| {
        let clusters = world.region(region).elasticache.clusters.values();
        clusters
            .filter(|cluster| cluster.settings.subnet_group == name)
            .map(|cluster| cluster.subnet_id.clone())
            .collect()
    },
};

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateCacheSubnetGroup" => SUBNET_GROUPS.create(world, call),
        "DescribeCacheSubnetGroups" => SUBNET_GROUPS.describe(world, call),
        "ModifyCacheSubnetGroup" => SUBNET_GROUPS.modify(world, call),
        "DeleteCacheSubnetGroup" => SUBNET_GROUPS.delete(world, call),
        "CreateReplicationGroup" => groups::create(world, call),
        "DescribeReplicationGroups" => describe_groups(world, call),
        "ModifyReplicationGroup" => modify::modify(world, call),
        "IncreaseReplicaCount" => members::increase(world, call),
        "DecreaseReplicaCount" => members::decrease(world, call),
        "DeleteReplicationGroup" => groups::delete(world, call),
        "CreateCacheCluster" => clusters::create(world, call),
        "DescribeCacheClusters" => describe_clusters(world, call),
        "ModifyCacheCluster" => clusters::modify(world, call),
        "DeleteCacheCluster" => clusters::delete(world, call),
        "DescribeCacheEngineVersions" => engines::describe(call),
        "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => tag(world, call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Every resource of the region with its tags.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let Some(cache) = world.regions.get(region).map(|region| &region.elasticache) else {
        return Vec::new();
    };
    let subnets = (cache.subnet_groups.values()).map(|group| (&group.arn, &group.tags));
    let groups = (cache.groups.values()).map(|group| (&group.arn, &group.tags));
    let clusters = (cache.clusters.values()).map(|cluster| (&cluster.arn, &cluster.tags));
    (subnets.chain(groups).chain(clusters))
        .map(|(arn, tags)| (arn.clone(), tags.clone()))
        .collect()
}

/// A replication group's tags are those of its clusters too.
fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = call.params.required("ResourceName")?;
    let mut parts = arn.splitn(7, ':').skip(5);
    let (kind, name) = (parts.next(), parts.next().unwrap_or_default());
    let region = call.region.as_str();
    match kind {
        Some("subnetgroup") => {
            let group = SUBNET_GROUPS.find(world, region, name)?;
            tag_operations::query(call, &mut group.tags)
        }
        Some("cluster") => {
            let cluster = world.region(region).elasticache.cluster_mut(name)?;
            tag_operations::query(call, &mut cluster.tags)
        }
        Some("replicationgroup") => {
            let cache = &mut world.region(region).elasticache;
            let group = cache.group_mut(name)?;
            if group.status != Status::Available {
                return Err(groups::busy(group));
            }
            let reply = tag_operations::query(call, &mut group.tags)?;
            let (id, tags) = (group.id.clone(), group.tags.clone());
            for member in cache.members_mut(&id) {
                member.tags = tags.clone();
            }
            Ok(reply)
        }
        Some(_) | None => Err(Fault::new("InvalidARN", format!("ARN is not valid: {arn}"))),
    }
}

fn describe_groups(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cache = &world.region(&call.region).elasticache;
    let groups: Vec<&Group> = match call.params.text("ReplicationGroupId") {
        Some(id) => vec![cache.group(&id)?],
        None => cache.groups.values().collect(),
    };
    let groups = (groups.into_iter()).map(|group| (group.id.clone(), render::group(cache, group)));
    marker_page(
        &call.params,
        "ReplicationGroups",
        "ReplicationGroup",
        groups,
    )
}

fn describe_clusters(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let cache = &world.region(&call.region).elasticache;
    let nodes = params.flag("ShowCacheNodeInfo") == Some(true);
    let alone = params.flag("ShowCacheClustersNotInReplicationGroups") == Some(true);
    let clusters: Vec<&Cluster> = match params.text("CacheClusterId") {
        Some(id) => vec![cache.cluster(&id)?],
        None => cache.clusters.values().collect(),
    };
    let clusters = (clusters.into_iter())
        .filter(|cluster| !alone || cluster.group.is_none())
        .map(|cluster| (cluster.id.clone(), render::cluster(cluster, nodes)));
    marker_page(params, "CacheClusters", "CacheCluster", clusters)
}
