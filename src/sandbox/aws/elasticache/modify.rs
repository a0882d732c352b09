//! ModifyReplicationGroup: what changes at once, what takes its time, and what waits for the maintenance window.

use super::checks;
use super::groups::{busy, check_failover};
use super::state::{Pending, Status};
use super::{Task, later, render};
use crate::sandbox::aws::{Call, Fault, Fields, Reply, placement};
use crate::sandbox::durations::{CACHE_MODIFY, MAINTENANCE_WINDOW};
use crate::sandbox::world::World;

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let id = params.required("ReplicationGroupId")?;
    let mut changed = world.region(region).elasticache.group(&id)?.clone();
    if changed.status != Status::Available {
        return Err(busy(&changed));
    }
    let nodes = world
        .region(region)
        .elasticache
        .members(&changed.id)
        .count();
    changed.pending = checks::pending(params, &changed.settings, &changed.pending)?;
    changed.failover = params
        .flag("AutomaticFailoverEnabled")
        .unwrap_or(changed.failover);
    changed.multi_az = params.flag("MultiAZEnabled").unwrap_or(changed.multi_az);
    let nodes = i64::try_from(nodes).unwrap_or(i64::MAX);
    check_failover(changed.failover, changed.multi_az, nodes)?;
    if let Some(description) = params.text("ReplicationGroupDescription") {
        changed.description = description;
    }
    checks::change_at_once(world, region, params, &mut changed.settings)?;

    if changed.pending != Pending::default() {
        let task = match params.flag("ApplyImmediately") {
            Some(true) => {
                changed.status = Status::Modifying;
                (CACHE_MODIFY, Task::SettleGroup(changed.uid.clone()))
            }
            Some(false) | None => (MAINTENANCE_WINDOW, Task::MaintainGroup(changed.uid.clone())),
        };
        later(world, region, task.0, task.1);
    }
    let cache = &mut world.region(region).elasticache;
    let mut interfaces = Vec::new();
    for member in cache.members_mut(&changed.id) {
        member.status = changed.status;
        member.settings = changed.settings.clone();
        interfaces.extend(member.interfaces.iter().cloned());
    }
    let reply = Fields::only("ReplicationGroup", render::group(cache, &changed));
    placement::regroup(world, region, &interfaces, &changed.settings.group_ids);
    let cache = &mut world.region(region).elasticache;
    cache.groups.insert(changed.id.clone(), changed);
    Ok(reply)
}

/// The maintenance window: what waited for it begins, unless a later request saw to it already.
pub(super) fn maintain(world: &mut World, region: &str, uid: &str) {
    let Some(group) = world.region(region).elasticache.group_by_uid(uid) else {
        return;
    };
    if group.pending == Pending::default() {
        return;
    }
    let (seconds, task) = match group.status {
        Status::Available => {
            group.status = Status::Modifying;
            (CACHE_MODIFY, Task::SettleGroup(uid.to_owned()))
        }
        Status::CreateFailed | Status::Deleting => return,
        Status::Creating | Status::Modifying => {
            (MAINTENANCE_WINDOW, Task::MaintainGroup(uid.to_owned()))
        }
    };
    later(world, region, seconds, task);
}
