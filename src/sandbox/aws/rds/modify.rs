//! ModifyDBInstance: what changes at once, what takes its time, and what waits for the maintenance window.

use super::checks::{self, combination};
use super::state::{Instance, Password, Pending, Status};
use super::{SUBNET_GROUPS, Task, create, engines, later, render};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, placement};
use crate::sandbox::durations::{DB_INSTANCE_MODIFY, MAINTENANCE_WINDOW};
use crate::sandbox::world::World;

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let id = params.required("DBInstanceIdentifier")?;
    let mut changed = world.region(region).rds.instance(&id)?.clone();
    if changed.status != Status::Available {
        return Err(Fault::new(
            "InvalidDBInstanceState",
            format!(
                "Database instance {} is not in available state.",
                changed.id
            ),
        ));
    }
    let pending = wanted(params, &changed)?;
    change_at_once(world, region, params, &mut changed)?;

    // A password never waits for the maintenance window.
    let could_wait = Pending {
        password: None,
        ..pending.clone()
    } != Pending::default();
    let starts = could_wait && params.flag("ApplyImmediately") == Some(true);
    changed.status = match pending.password {
        _ if starts => Status::Modifying,
        Some(_) => Status::ResettingCredentials,
        None => Status::Available,
    };
    changed.pending = pending;
    let resource_id = changed.resource_id.clone();
    if changed.status != Status::Available {
        later(
            world,
            region,
            DB_INSTANCE_MODIFY,
            Task::Settle(resource_id.clone()),
        );
    }
    if could_wait && !starts {
        later(
            world,
            region,
            MAINTENANCE_WINDOW,
            Task::Maintain(resource_id),
        );
    }
    let rds = &mut world.region(region).rds;
    let reply = Fields::only("DBInstance", render::instance(rds, &changed));
    rds.instances.insert(changed.id.clone(), changed);
    Ok(reply)
}

/// The asked changes that differ from what is and that take time, on top of those that wait already.
fn wanted(params: &Params, instance: &Instance) -> Result<Pending, Fault> {
    let mut pending = instance.pending.clone();
    let engine = engines::engine(&instance.engine)?;
    if let Some(class) = params.text("DBInstanceClass") {
        checks::class(&class)?;
        pending.class = (class != instance.class).then_some(class);
    }
    if let Some(storage_type) = params.text("StorageType") {
        checks::storage(&instance.engine, &storage_type, instance.gib.max(100))?;
        pending.storage_type = (storage_type != instance.storage_type).then_some(storage_type);
    }
    if let Some(gib) = params.int("AllocatedStorage")? {
        pending.gib = grown(instance, gib)?;
    }
    if let Some(version) = params.text("EngineVersion") {
        let major = params.flag("AllowMajorVersionUpgrade") == Some(true);
        pending.version = upgraded(instance, &version, major)?;
    }
    if let Some(multi_az) = params.flag("MultiAZ") {
        pending.multi_az = (multi_az != instance.multi_az).then_some(multi_az);
    }
    if let Some(port) = params.int("DBPortNumber")? {
        checks::port(port)?;
        pending.port = (port != instance.port).then_some(port);
    }
    if let Some(password) = params.text("MasterUserPassword") {
        checks::password(engine, &password)?;
        pending.password = Some(Password(password));
    }
    Ok(pending)
}

/// Storage only grows, and by a tenth at least.
fn grown(instance: &Instance, gib: i64) -> Result<Option<i64>, Fault> {
    checks::storage(&instance.engine, &instance.storage_type, gib)?;
    match gib {
        gib if gib == instance.gib => Ok(None),
        gib if gib * 10 >= instance.gib * 11 => Ok(Some(gib)),
        gib => Err(combination(format!(
            "Invalid storage size for engine name {} and storage type {}: {gib}. The new size must be at least 10 percent more than the current {} GiB",
            instance.engine, instance.storage_type, instance.gib
        ))),
    }
}

/// Versions only go up; to another major version only where that is allowed.
fn upgraded(instance: &Instance, asked: &str, major: bool) -> Result<Option<String>, Fault> {
    let (family, version) = engines::resolve(&instance.engine, Some(asked))?;
    let (current_family, _) = engines::resolve(&instance.engine, Some(&instance.version))?;
    if version == instance.version {
        return Ok(None);
    }
    if engines::rank(&instance.engine, version) < engines::rank(&instance.engine, &instance.version)
    {
        return Err(combination(format!(
            "Cannot upgrade {} from {} to {version}",
            instance.engine, instance.version
        )));
    }
    if family.major != current_family.major && !major {
        return Err(combination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.",
        ));
    }
    Ok(Some(version.to_owned()))
}

/// What neither interrupts the database nor waits for a window.
fn change_at_once(
    world: &mut World,
    region: &str,
    params: &Params,
    instance: &mut Instance,
) -> Result<(), Fault> {
    if let Some(days) = params.int("BackupRetentionPeriod")? {
        checks::retention(days)?;
        instance.retention_days = days;
    }
    if let Some(group) = params.text("DBParameterGroupName") {
        let (family, _) = engines::resolve(&instance.engine, Some(&instance.version))?;
        instance.parameter_group = checks::parameter_group(Some(group), family.parameters)?;
    }
    if let Some(gib) = params.int("MaxAllocatedStorage")? {
        instance.max_gib = (gib > instance.gib).then_some(gib);
    }
    for (member, flag) in [
        ("DeletionProtection", &mut instance.protected),
        ("AutoMinorVersionUpgrade", &mut instance.auto_minor),
        ("CopyTagsToSnapshot", &mut instance.copy_tags),
        ("PubliclyAccessible", &mut instance.public),
        ("EnableIAMDatabaseAuthentication", &mut instance.iam_login),
    ] {
        *flag = params.flag(member).unwrap_or(*flag);
    }
    for (member, window) in [
        ("PreferredBackupWindow", &mut instance.backup_window),
        (
            "PreferredMaintenanceWindow",
            &mut instance.maintenance_window,
        ),
    ] {
        if let Some(asked) = params.text(member) {
            *window = asked;
        }
    }
    let groups = params.texts("VpcSecurityGroupIds");
    if !groups.is_empty() {
        instance.group_ids =
            SUBNET_GROUPS.wearable(world, region, &instance.subnet_group, groups)?;
        placement::regroup(world, region, &instance.interfaces, &instance.group_ids);
    }
    Ok(())
}

/// A change or a creation is done: the instance is as asked, and available.
pub(super) fn settle(world: &mut World, region: &str, resource_id: &str) {
    let now = world.now;
    let rds = &mut world.region(region).rds;
    let Some(instance) = rds.by_resource_id(resource_id) else {
        return;
    };
    let mut settled = instance.clone();
    match settled.status {
        Status::Available | Status::Failed | Status::Deleting => return,
        Status::Creating | Status::BackingUp => {}
        Status::ResettingCredentials => {
            let password = settled.pending.password.take();
            settled.password = password.unwrap_or(settled.password);
        }
        Status::Modifying => apply(&mut settled),
    }
    settled.status = Status::Available;
    settled.created.get_or_insert(now);
    let group = rds.subnet_groups.get(&settled.subnet_group);
    if let Some(subnets) = group.map(|group| group.subnets.clone()) {
        let kept = if settled.multi_az { 2 } else { 1 };
        let surplus = settled
            .interfaces
            .split_off(kept.min(settled.interfaces.len()));
        placement::detach(world, region, &surplus);
        // A subnet without room leaves the standby without an interface, which nothing shows.
        let _ = create::attach(world, region, &subnets, &mut settled);
    }
    let rds = &mut world.region(region).rds;
    rds.instances.insert(settled.id.clone(), settled);
}

fn apply(instance: &mut Instance) {
    let pending = std::mem::take(&mut instance.pending);
    instance.class = pending.class.unwrap_or(std::mem::take(&mut instance.class));
    instance.gib = pending.gib.unwrap_or(instance.gib);
    instance.port = pending.port.unwrap_or(instance.port);
    instance.multi_az = pending.multi_az.unwrap_or(instance.multi_az);
    if let Some(storage_type) = pending.storage_type {
        instance.storage_type = storage_type;
    }
    if let Some(password) = pending.password {
        instance.password = password;
    }
    if let Some(version) = pending.version {
        if let Ok((family, _)) = engines::resolve(&instance.engine, Some(&version)) {
            instance.parameter_group = format!("default.{}", family.parameters);
        }
        instance.version = version;
    }
}

/// The maintenance window: what waited for it begins, unless a later request saw to it already.
pub(super) fn maintain(world: &mut World, region: &str, resource_id: &str) {
    let rds = &mut world.region(region).rds;
    let Some(instance) = rds.by_resource_id(resource_id) else {
        return;
    };
    if instance.pending == Pending::default() {
        return;
    }
    let (seconds, task) = match instance.status {
        Status::Available => {
            instance.status = Status::Modifying;
            (DB_INSTANCE_MODIFY, Task::Settle(resource_id.to_owned()))
        }
        Status::Deleting => return,
        _ => (MAINTENANCE_WINDOW, Task::Maintain(resource_id.to_owned())),
    };
    later(world, region, seconds, task);
}
