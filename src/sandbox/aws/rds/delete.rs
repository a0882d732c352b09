//! DeleteDBInstance and DeleteDBSnapshot.

use super::checks::combination;
use super::state::{Snapshot, Status};
use super::{Task, later, render};
use crate::sandbox::aws::names::identifier;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::aws::{Call, Fault, Fields, Reply, placement};
use crate::sandbox::durations::DB_INSTANCE_DELETE;
use crate::sandbox::world::World;

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let id = params.required("DBInstanceIdentifier")?;
    let instance = world.region(region).rds.instance(&id)?.clone();
    if instance.status == Status::Deleting {
        return Err(Fault::new(
            "InvalidDBInstanceState",
            format!("Instance {} is already being deleted.", instance.id),
        ));
    }
    if instance.protected {
        return Err(combination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        ));
    }
    let skip = params.flag("SkipFinalSnapshot") == Some(true);
    match (skip, params.has("FinalDBSnapshotIdentifier")) {
        (true, true) => {
            return Err(combination(
                "FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot",
            ));
        }
        (false, false) => {
            return Err(combination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            ));
        }
        (false, true) => {
            let snapshot = final_snapshot(world, call, &instance)?;
            let rds = &mut world.region(region).rds;
            rds.snapshots.insert(snapshot.id.clone(), snapshot);
        }
        (true, false) => {}
    }
    let rds = &mut world.region(region).rds;
    let instance = rds.instance_mut(&id)?;
    instance.status = Status::Deleting;
    let instance = instance.clone();
    let reply = Fields::only("DBInstance", render::instance(rds, &instance));
    later(
        world,
        region,
        DB_INSTANCE_DELETE,
        Task::Remove(instance.resource_id),
    );
    Ok(reply)
}

fn final_snapshot(
    world: &mut World,
    call: &Call,
    instance: &super::Instance,
) -> Result<Snapshot, Fault> {
    let id = identifier(&call.params, "FinalDBSnapshotIdentifier", 255)?;
    if instance.status == Status::Creating {
        return Err(Fault::new(
            "InvalidDBInstanceState",
            format!(
                "Cannot create a snapshot because the database instance {} is not currently in the available state.",
                instance.id
            ),
        ));
    }
    let (now, account) = (world.now, world.account.clone());
    let rds = &world.region(&call.region).rds;
    if rds.snapshots.contains_key(&id) {
        return Err(Fault::new(
            "DBSnapshotAlreadyExists",
            format!(
                "Cannot create the snapshot because a snapshot with the identifier {id} already exists."
            ),
        ));
    }
    let group = rds.subnet_groups.get(&instance.subnet_group);
    Ok(Snapshot {
        arn: format!("arn:aws:rds:{}:{account}:snapshot:{id}", call.region),
        created: now,
        available: false,
        vpc_id: group
            .map(|group| group.subnets.vpc_id.clone())
            .unwrap_or_default(),
        tags: match instance.copy_tags {
            true => instance.tags.clone(),
            false => Tags::new(),
        },
        instance: instance.clone(),
        id,
    })
}

/// The instance is gone, with its interfaces; its final snapshot is complete.
pub(super) fn remove(world: &mut World, region: &str, resource_id: &str) {
    let rds = &mut world.region(region).rds;
    let Some(instance) = rds.by_resource_id(resource_id) else {
        return;
    };
    let (id, interfaces) = (instance.id.clone(), instance.interfaces.clone());
    rds.instances.remove(&id);
    for snapshot in rds.snapshots.values_mut() {
        snapshot.available |= snapshot.instance.resource_id == resource_id;
    }
    placement::detach(world, region, &interfaces);
}

pub(super) fn delete_snapshot(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("DBSnapshotIdentifier")?;
    let rds = &mut world.region(&call.region).rds;
    let snapshot = rds.snapshot(&id)?.clone();
    if !snapshot.available {
        return Err(Fault::new(
            "InvalidDBSnapshotState",
            format!(
                "Cannot delete the snapshot {id} because it is not currently in the available state."
            ),
        ));
    }
    rds.snapshots.remove(&snapshot.id);
    Ok(Fields::only("DBSnapshot", render::snapshot(&snapshot)))
}
