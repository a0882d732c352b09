//! Cache clusters on their own: CreateCacheCluster, ModifyCacheCluster, DeleteCacheCluster.

use super::checks::{self, combination, invalid};
use super::state::{Cluster, Pending, Status};
use super::{Task, later, members, render};
use crate::sandbox::aws::names::identifier;
use crate::sandbox::aws::{Call, Fault, Fields, Reply, placement, tags};
use crate::sandbox::durations::{CACHE_CREATE, CACHE_DELETE, CACHE_MODIFY, MAINTENANCE_WINDOW};
use crate::sandbox::world::World;

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let id = identifier(params, "CacheClusterId", 50)?;
    if world.region(region).elasticache.clusters.contains_key(&id) {
        return Err(Fault::new(
            "CacheClusterAlreadyExists",
            format!("Cache cluster already exists: {id}"),
        ));
    }
    if params.has("ReplicationGroupId") {
        return Err(combination(
            "The sandbox adds replicas by IncreaseReplicaCount only",
        ));
    }
    let (settings, subnets) = checks::settings(world, region, params, &["redis", "memcached"])?;
    let nodes = params.int("NumCacheNodes")?.unwrap_or(1);
    let most = if settings.engine == "memcached" {
        40
    } else {
        1
    };
    if !(1..=most).contains(&nodes) {
        return Err(invalid(format!(
            "Invalid NumCacheNodes value for {}: {nodes}",
            settings.engine
        )));
    }
    let (zone, subnet_id) = members::place(&subnets, 0);
    let mut cluster = Cluster {
        uid: world.ids.hex(16),
        arn: format!(
            "arn:aws:elasticache:{region}:{}:cluster:{id}",
            world.account
        ),
        group: None,
        status: Status::Creating,
        created: world.now,
        nodes,
        subnet_id,
        zone,
        interfaces: Vec::new(),
        settings,
        tags: tags::read(params, "Tags", "InvalidParameterValue")?,
        pending: Pending::default(),
        id,
    };
    members::attach(world, region, &mut cluster)?;
    later(
        world,
        region,
        CACHE_CREATE,
        Task::SettleCluster(cluster.uid.clone()),
    );
    Ok(keep(world, region, cluster))
}

/// Puts a cluster into the world, and answers it.
fn keep(world: &mut World, region: &str, cluster: Cluster) -> Reply {
    let reply = Fields::only("CacheCluster", render::cluster(&cluster, false));
    let clusters = &mut world.region(region).elasticache.clusters;
    clusters.insert(cluster.id.clone(), cluster);
    reply
}

/// The cluster of a request, which must be available and nobody's node.
fn changeable(world: &mut World, call: &Call) -> Result<Cluster, Fault> {
    let id = call.params.required("CacheClusterId")?;
    let cluster = world.region(&call.region).elasticache.cluster(&id)?;
    let reason = match (&cluster.group, cluster.status) {
        (Some(group), _) => format!("it belongs to the replication group {group}"),
        (None, Status::Available) => return Ok(cluster.clone()),
        (None, status) => format!("it has status {}", status.word()),
    };
    Err(Fault::new(
        "InvalidCacheClusterState",
        format!("Cache cluster {id} can't be changed: {reason}."),
    ))
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let mut changed = changeable(world, call)?;
    if params
        .int("NumCacheNodes")?
        .is_some_and(|nodes| nodes != changed.nodes)
    {
        return Err(combination(
            "The sandbox does not change the number of nodes",
        ));
    }
    changed.pending = checks::pending(params, &changed.settings, &changed.pending)?;
    checks::change_at_once(world, region, params, &mut changed.settings)?;
    if changed.pending != Pending::default() {
        let uid = changed.uid.clone();
        match params.flag("ApplyImmediately") {
            Some(true) => {
                changed.status = Status::Modifying;
                later(world, region, CACHE_MODIFY, Task::SettleCluster(uid));
            }
            Some(false) | None => {
                later(
                    world,
                    region,
                    MAINTENANCE_WINDOW,
                    Task::MaintainCluster(uid),
                );
            }
        }
    }
    placement::regroup(
        world,
        region,
        &changed.interfaces,
        &changed.settings.group_ids,
    );
    Ok(keep(world, region, changed))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if call.params.has("FinalSnapshotIdentifier") {
        return Err(combination(
            "The sandbox does not offer FinalSnapshotIdentifier",
        ));
    }
    let mut cluster = changeable(world, call)?;
    cluster.status = Status::Deleting;
    later(
        world,
        &call.region,
        CACHE_DELETE,
        Task::RemoveCluster(cluster.uid.clone()),
    );
    Ok(keep(world, &call.region, cluster))
}

/// A creation or a change is done.
pub(super) fn settle(world: &mut World, region: &str, uid: &str) {
    let Some(cluster) = world.region(region).elasticache.cluster_by_uid(uid) else {
        return;
    };
    match cluster.status {
        Status::Available | Status::CreateFailed | Status::Deleting => return,
        Status::Creating => {}
        Status::Modifying => cluster.settings.apply(std::mem::take(&mut cluster.pending)),
    }
    cluster.status = Status::Available;
}

/// The maintenance window: what waited for it begins.
pub(super) fn maintain(world: &mut World, region: &str, uid: &str) {
    let Some(cluster) = world.region(region).elasticache.cluster_by_uid(uid) else {
        return;
    };
    if cluster.status == Status::Available && cluster.pending != Pending::default() {
        cluster.status = Status::Modifying;
        later(
            world,
            region,
            CACHE_MODIFY,
            Task::SettleCluster(uid.to_owned()),
        );
    }
}

/// The cluster is gone, with its interfaces.
pub(super) fn remove(world: &mut World, region: &str, uid: &str) {
    let cache = &mut world.region(region).elasticache;
    if let Some(cluster) = cache.cluster_by_uid(uid).map(|cluster| cluster.clone()) {
        cache.clusters.remove(&cluster.id);
        placement::detach(world, region, &cluster.interfaces);
    }
}
