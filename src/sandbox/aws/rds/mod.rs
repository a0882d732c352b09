//! The Relational Database Service: subnet groups, instances of MySQL and PostgreSQL, and their final snapshots.
//!
//! An instance takes its time to come, to change and to go, shows its endpoint only when it has one, and occupies
//! a subnet and its security groups through an interface. No database runs behind it.

mod checks;
mod create;
mod delete;
mod engines;
mod modify;
mod render;
mod state;
#[cfg(test)]
mod tests;
mod versions;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::{Call, Fault, Reply};
use super::subnet_groups::{Dialect, marker_page};
use super::tag_operations;
use super::tags::Tags;
use crate::sandbox::world::World;
use crate::sandbox::{durations, schedule};

pub use state::{Instance, Password, Rds, Snapshot, Status};

/// What RDS does by itself; instances are named by their resource id, which no later namesake shares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// A new instance is up and takes its first backup.
    BackUp(String),
    /// An instance becomes available, with the changes that were under way.
    Settle(String),
    /// An instance's maintenance window opens: changes that waited for it begin.
    Maintain(String),
    /// A new instance can't be made.
    Fail(String),
    /// A deleted instance is gone.
    Remove(String),
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    match task {
        Task::BackUp(id) => create::back_up(world, region, &id),
        Task::Settle(id) => modify::settle(world, region, &id),
        Task::Maintain(id) => modify::maintain(world, region, &id),
        Task::Fail(id) => create::fail(world, region, &id),
        Task::Remove(id) => delete::remove(world, region, &id),
    }
}

fn later(world: &mut World, region: &str, seconds: u64, task: Task) {
    let task = schedule::Task::Aws {
        region: region.to_owned(),
        task: super::Task::Rds(task),
    };
    world.in_secs(seconds, task);
}

const SUBNET_GROUPS: Dialect = Dialect {
    service: "rds",
    arn_type: "subgrp",
    one: "DBSubnetGroup",
    many: "DBSubnetGroups",
    name: "DBSubnetGroupName",
    description: "DBSubnetGroupDescription",
    arn: "DBSubnetGroupArn",
    statuses: Some(("Complete", "Active")),
    ipv4: ("IPV4", None),
    taken: "DBSubnetGroupAlreadyExists",
    not_found: ("DBSubnetGroupNotFoundFault", 404),
    in_use: "InvalidDBSubnetGroupStateFault",
    subnet_in_use: "SubnetAlreadyInUse",
    too_few_zones: Some("DBSubnetGroupDoesNotCoverEnoughAZs"),
    state: |world, region| &mut world.region(region).rds.subnet_groups,
    used: |world, region, name| {
        let rds = &world.region(region).rds;
        let users = (rds.instances.values()).filter(|instance| instance.subnet_group == name);
        users.map(|instance| instance.subnet_id.clone()).collect()
    },
};

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateDBSubnetGroup" => SUBNET_GROUPS.create(world, call),
        "DescribeDBSubnetGroups" => SUBNET_GROUPS.describe(world, call),
        "ModifyDBSubnetGroup" => SUBNET_GROUPS.modify(world, call),
        "DeleteDBSubnetGroup" => SUBNET_GROUPS.delete(world, call),
        "CreateDBInstance" => create::create(world, call),
        "DescribeDBInstances" => describe_instances(world, call),
        "ModifyDBInstance" => modify::modify(world, call),
        "DeleteDBInstance" => delete::delete(world, call),
        "DescribeDBSnapshots" => describe_snapshots(world, call),
        "DeleteDBSnapshot" => delete::delete_snapshot(world, call),
        "DescribeDBEngineVersions" => versions::describe_engine_versions(call),
        "DescribeOrderableDBInstanceOptions" => versions::describe_orderable_options(call),
        "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => {
            let arn = call.params.required("ResourceName")?;
            tag_operations::query(call, tags_of(world, &call.region, &arn)?)
        }
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// What `call` has just begun will come to nothing.
pub fn fail_later(world: &mut World, call: &Call) {
    let id = call.params.text("DBInstanceIdentifier").unwrap_or_default();
    if let Ok(instance) = world.region(&call.region).rds.instance(&id) {
        let task = Task::Fail(instance.resource_id.clone());
        later(world, &call.region, durations::FAILS_AFTER, task);
    }
}

/// Every resource of the region with its tags.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let Some(rds) = world.regions.get(region).map(|region| &region.rds) else {
        return Vec::new();
    };
    let groups = (rds.subnet_groups.values()).map(|group| (&group.arn, &group.tags));
    let instances = (rds.instances.values()).map(|instance| (&instance.arn, &instance.tags));
    let snapshots = (rds.snapshots.values()).map(|snapshot| (&snapshot.arn, &snapshot.tags));
    (groups.chain(instances).chain(snapshots))
        .map(|(arn, tags)| (arn.clone(), tags.clone()))
        .collect()
}

fn tags_of<'w>(world: &'w mut World, region: &str, arn: &str) -> Result<&'w mut Tags, Fault> {
    let mut parts = arn.splitn(7, ':').skip(5);
    let (kind, name) = (parts.next(), parts.next().unwrap_or_default());
    match kind {
        Some("subgrp") => Ok(&mut SUBNET_GROUPS.find(world, region, name)?.tags),
        Some("db") => Ok(&mut world.region(region).rds.instance_mut(name)?.tags),
        Some("snapshot") => Ok(&mut world.region(region).rds.snapshot_mut(name)?.tags),
        Some(_) | None => Err(Fault::new(
            "InvalidParameterValue",
            format!("Invalid resource name: {arn}"),
        )),
    }
}

fn describe_instances(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let rds = &world.region(&call.region).rds;
    let filters = checks::filters(params)?;
    let wanted = params.text("DBInstanceIdentifier");
    let wanted = wanted.filter(|wanted| !wanted.is_empty());
    let instances: Vec<&Instance> = match &wanted {
        Some(name) => vec![rds.instance(name)?],
        None => rds.instances.values().collect(),
    };
    let admitted = (instances.into_iter())
        .filter(|instance| filters.iter().all(|filter| filter.admits(instance)))
        .map(|instance| (instance.id.clone(), render::instance(rds, instance)));
    marker_page(params, "DBInstances", "DBInstance", admitted)
}

fn describe_snapshots(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let rds = &world.region(&call.region).rds;
    let of_instance = params.text("DBInstanceIdentifier");
    let snapshots: Vec<&Snapshot> = match params.text("DBSnapshotIdentifier") {
        Some(name) => vec![rds.snapshot(&name)?],
        None => rds.snapshots.values().collect(),
    };
    let wanted = (snapshots.into_iter())
        .filter(|snapshot| {
            of_instance
                .as_ref()
                .is_none_or(|id| *id == snapshot.instance.id)
        })
        .map(|snapshot| (snapshot.id.clone(), render::snapshot(snapshot)));
    marker_page(params, "DBSnapshots", "DBSnapshot", wanted)
}
