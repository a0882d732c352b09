//! The nodes of a replication group: as many as asked, in one zone after the other.

use super::checks::{combination, invalid};
use super::groups::{self, MOST_NODES};
use super::state::{Cluster, Group, Pending, Status};
use super::{SUBNET_GROUPS, Task, later, render};
use crate::sandbox::aws::placement::{self, Subnets};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::durations::CACHE_MODIFY;
use crate::sandbox::world::World;

/// The service that ElastiCache's interfaces belong to.
const REQUESTER: &str = "amazon-elasticache";

/// The zone and the subnet of the node with this number.
pub(super) fn place(subnets: &Subnets, number: usize) -> (String, String) {
    let by_zone = subnets.by_zone();
    let place = by_zone.iter().nth(number % by_zone.len().max(1));
    place
        .map(|(zone, subnet)| ((*zone).to_owned(), (*subnet).to_owned()))
        .unwrap_or_default()
}

/// One interface for each node of a cluster.
pub(super) fn attach(world: &mut World, region: &str, cluster: &mut Cluster) -> Result<(), Fault> {
    let description = format!("ElastiCache {}", cluster.id);
    for _ in 0..cluster.nodes {
        let groups = &cluster.settings.group_ids;
        let subnet = &cluster.subnet_id;
        let made = placement::attach(world, region, REQUESTER, &description, subnet, groups);
        match made {
            Ok(interface) => cluster.interfaces.push(interface),
            Err(fault) => {
                placement::detach(world, region, &cluster.interfaces);
                return Err(Fault::new(
                    "InsufficientCacheClusterCapacity",
                    fault.message,
                ));
            }
        }
    }
    Ok(())
}

/// Adds nodes to a group, numbered on from those that it has.
pub(super) fn add(
    world: &mut World,
    region: &str,
    group: &Group,
    subnets: &Subnets,
    nodes: i64,
) -> Result<(), Fault> {
    let first = world.region(region).elasticache.members(&group.id).count();
    let mut made: Vec<Cluster> = Vec::new();
    for (number, _) in (first..).zip(0..nodes) {
        let id = format!("{}-{:03}", group.id, number + 1);
        let (zone, subnet_id) = place(subnets, number);
        let mut member = Cluster {
            uid: world.ids.hex(16),
            arn: format!(
                "arn:aws:elasticache:{region}:{}:cluster:{id}",
                world.account
            ),
            group: Some(group.id.clone()),
            status: Status::Creating,
            created: world.now,
            nodes: 1,
            subnet_id,
            zone,
            interfaces: Vec::new(),
            settings: group.settings.clone(),
            tags: group.tags.clone(),
            pending: Pending::default(),
            id,
        };
        if let Err(fault) = attach(world, region, &mut member) {
            for made in &made {
                placement::detach(world, region, &made.interfaces);
            }
            return Err(fault);
        }
        made.push(member);
    }
    let made = made.into_iter().map(|member| (member.id.clone(), member));
    world.region(region).elasticache.clusters.extend(made);
    Ok(())
}

/// The group of an IncreaseReplicaCount or DecreaseReplicaCount, its nodes now, and those that it shall have.
fn counts(world: &mut World, call: &Call) -> Result<(Group, i64, i64), Fault> {
    let id = call.params.required("ReplicationGroupId")?;
    let cache = &world.region(&call.region).elasticache;
    let group = cache.group(&id)?.clone();
    if group.status != Status::Available {
        return Err(groups::busy(&group));
    }
    if call.params.flag("ApplyImmediately") != Some(true) {
        return Err(invalid(
            "ApplyImmediately must be true: a replica count can't wait",
        ));
    }
    let now = i64::try_from(cache.members(&group.id).count()).unwrap_or(i64::MAX);
    match call.params.int("NewReplicaCount")? {
        Some(replicas) => Ok((group, now, replicas + 1)),
        None => Err(combination("The sandbox demands a NewReplicaCount")),
    }
}

fn modifying(world: &mut World, region: &str, id: &str) -> Result<Reply, Fault> {
    let cache = &mut world.region(region).elasticache;
    let group = cache.group_mut(id)?;
    group.status = Status::Modifying;
    let group = group.clone();
    let reply = Fields::only("ReplicationGroup", render::group(cache, &group));
    later(world, region, CACHE_MODIFY, Task::SettleGroup(group.uid));
    Ok(reply)
}

pub(super) fn increase(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (group, now, asked) = counts(world, call)?;
    if asked <= now || asked > MOST_NODES {
        return Err(invalid(format!(
            "NewReplicaCount must be more than {} and at most {}, not {}",
            now - 1,
            MOST_NODES - 1,
            asked - 1
        )));
    }
    let name = &group.settings.subnet_group;
    let subnets = SUBNET_GROUPS
        .find(world, &call.region, name)?
        .subnets
        .clone();
    add(world, &call.region, &group, &subnets, asked - now)?;
    modifying(world, &call.region, &group.id)
}

pub(super) fn decrease(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (group, now, asked) = counts(world, call)?;
    if asked >= now || asked < 1 {
        return Err(invalid(format!(
            "NewReplicaCount must be less than {} and at least 0, not {}",
            now - 1,
            asked - 1
        )));
    }
    groups::check_failover(group.failover, group.multi_az, asked)?;
    let kept = usize::try_from(asked).unwrap_or_default();
    let cache = &mut world.region(&call.region).elasticache;
    for member in cache.members_mut(&group.id).skip(kept) {
        member.status = Status::Deleting;
    }
    modifying(world, &call.region, &group.id)
}
