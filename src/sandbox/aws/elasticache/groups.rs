//! CreateReplicationGroup and DeleteReplicationGroup.

use super::checks::{self, combination, invalid};
use super::state::{Group, Pending, Status};
use super::{Task, later, members, render};
use crate::sandbox::aws::names::identifier;
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, placement, tags};
use crate::sandbox::durations::{CACHE_CREATE, CACHE_DELETE, FAILS_AFTER};
use crate::sandbox::world::World;

/// A primary and five replicas.
pub(super) const MOST_NODES: i64 = 6;

/// What AWS offers and the sandbox does not: refused rather than passed over.
const NOT_OFFERED: [&str; 6] = [
    "GlobalReplicationGroupId",
    "PrimaryClusterId",
    "NodeGroupConfiguration",
    "SnapshotArns",
    "SnapshotName",
    "UserGroupIds",
];

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let id = identifier(params, "ReplicationGroupId", 40)?;
    if world.region(region).elasticache.groups.contains_key(&id) {
        return Err(Fault::new(
            "ReplicationGroupAlreadyExists",
            format!("Replication group already exists: {id}"),
        ));
    }
    let not_offered = NOT_OFFERED.iter().find(|member| params.has(member));
    if let Some(member) = not_offered {
        return Err(combination(format!("The sandbox does not offer {member}")));
    }
    let nodes = node_count(params)?;
    let failover = params.flag("AutomaticFailoverEnabled").unwrap_or(false);
    let multi_az = params.flag("MultiAZEnabled").unwrap_or(false);
    check_failover(failover, multi_az, nodes)?;
    let (settings, subnets) = checks::settings(world, region, params, &["redis", "valkey"])?;
    let group = Group {
        uid: world.ids.hex(16),
        arn: format!(
            "arn:aws:elasticache:{region}:{}:replicationgroup:{id}",
            world.account
        ),
        description: params.required("ReplicationGroupDescription")?,
        status: Status::Creating,
        has_endpoints: false,
        created: world.now,
        failover,
        multi_az,
        settings,
        tags: tags::read(params, "Tags", "InvalidParameterValue")?,
        pending: Pending::default(),
        id,
    };
    members::add(world, region, &group, &subnets, nodes)?;
    let cache = &mut world.region(region).elasticache;
    let reply = Fields::only("ReplicationGroup", render::group(cache, &group));
    let uid = group.uid.clone();
    cache.groups.insert(group.id.clone(), group);
    later(world, region, CACHE_CREATE, Task::SettleGroup(uid));
    Ok(reply)
}

/// The nodes of the one shard.
fn node_count(params: &Params) -> Result<i64, Fault> {
    let shards = params.int("NumNodeGroups")?.unwrap_or(1);
    if shards != 1 {
        return Err(invalid(format!(
            "The sandbox offers one shard, not {shards}"
        )));
    }
    let replicas = params.int("ReplicasPerNodeGroup")?;
    let nodes = match (params.int("NumCacheClusters")?, replicas) {
        (Some(_), Some(_)) => {
            return Err(combination(
                "NumCacheClusters and ReplicasPerNodeGroup can't be given together",
            ));
        }
        (Some(nodes), None) => nodes,
        (None, Some(replicas)) => replicas + 1,
        (None, None) => 1,
    };
    match (1..=MOST_NODES).contains(&nodes) {
        true => Ok(nodes),
        false => Err(invalid(format!(
            "The number of cache clusters must be between 1 and {MOST_NODES}, not {nodes}"
        ))),
    }
}

/// Failover needs somebody to take over.
pub(super) fn check_failover(failover: bool, multi_az: bool, nodes: i64) -> Result<(), Fault> {
    if failover && nodes < 2 {
        return Err(invalid(
            "When using automatic failover, there must be at least 2 cache clusters in the replication group.",
        ));
    }
    if multi_az && !failover {
        return Err(combination(
            "Must have automatic failover enabled to enable Multi-AZ.",
        ));
    }
    Ok(())
}

/// The refusal for a group that is not available.
pub(super) fn busy(group: &Group) -> Fault {
    Fault::new(
        "InvalidReplicationGroupState",
        format!(
            "Replication group {} has status {}, which is not valid for this operation.",
            group.id,
            group.status.word()
        ),
    )
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let region = call.region.as_str();
    let id = call.params.required("ReplicationGroupId")?;
    if call.params.has("FinalSnapshotIdentifier") {
        return Err(combination(
            "The sandbox does not offer FinalSnapshotIdentifier",
        ));
    }
    if call.params.flag("RetainPrimaryCluster") == Some(true) {
        return Err(combination(
            "The sandbox does not offer RetainPrimaryCluster",
        ));
    }
    let cache = &mut world.region(region).elasticache;
    let group = cache.group_mut(&id)?;
    if !matches!(group.status, Status::Available | Status::CreateFailed) {
        return Err(busy(group));
    }
    group.status = Status::Deleting;
    let group = group.clone();
    for member in cache.members_mut(&group.id) {
        member.status = Status::Deleting;
    }
    let reply = Fields::only("ReplicationGroup", render::group(cache, &group));
    later(world, region, CACHE_DELETE, Task::RemoveGroup(group.uid));
    Ok(reply)
}

/// What `call` has just begun will come to nothing.
pub fn fail_later(world: &mut World, call: &Call) {
    let id = call.params.text("ReplicationGroupId").unwrap_or_default();
    if let Ok(group) = world.region(&call.region).elasticache.group_mut(&id) {
        let task = Task::FailGroup(group.uid.clone());
        later(world, &call.region, FAILS_AFTER, task);
    }
}

/// The group can't be made.
pub(super) fn fail(world: &mut World, region: &str, uid: &str) {
    if let Some(group) = world.region(region).elasticache.group_by_uid(uid)
        && group.status == Status::Creating
    {
        group.status = Status::CreateFailed;
    }
}

/// A creation or a change is done: the group is as asked, and available.
pub(super) fn settle(world: &mut World, region: &str, uid: &str) {
    let cache = &mut world.region(region).elasticache;
    let Some(group) = cache.group_by_uid(uid) else {
        return;
    };
    match group.status {
        Status::Available | Status::CreateFailed | Status::Deleting => return,
        Status::Creating => group.has_endpoints = true,
        Status::Modifying => group.settings.apply(std::mem::take(&mut group.pending)),
    }
    group.status = Status::Available;
    let (id, settings) = (group.id.clone(), group.settings.clone());
    let mut interfaces = Vec::new();
    let leaving = |cluster: &super::Cluster| {
        cluster.group.as_ref() == Some(&id) && cluster.status == Status::Deleting
    };
    cache.clusters.retain(|_, cluster| {
        let leaves = leaving(cluster);
        if leaves {
            interfaces.append(&mut cluster.interfaces);
        }
        !leaves
    });
    for member in cache.members_mut(&id) {
        member.status = Status::Available;
        member.settings = settings.clone();
    }
    placement::detach(world, region, &interfaces);
}

/// The group is gone, with its nodes and their interfaces.
pub(super) fn remove(world: &mut World, region: &str, uid: &str) {
    let cache = &mut world.region(region).elasticache;
    let Some(id) = cache.group_by_uid(uid).map(|group| group.id.clone()) else {
        return;
    };
    cache.groups.remove(&id);
    let members: Vec<_> = cache.members(&id).cloned().collect();
    for member in members {
        world.region(region).elasticache.clusters.remove(&member.id);
        placement::detach(world, region, &member.interfaces);
    }
}
