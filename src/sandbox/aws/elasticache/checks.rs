//! What ElastiCache refuses in a request before anything happens, and the settings that one asks for.

use super::SUBNET_GROUPS;
use super::engines;
use super::state::{Pending, Settings};
use crate::sandbox::aws::machine_types::{self, CACHES};
use crate::sandbox::aws::placement::Subnets;
use crate::sandbox::aws::{Fault, Params};
use crate::sandbox::world::World;

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

pub(super) fn combination(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterCombination", message)
}

fn node_type(name: &str) -> Result<(), Fault> {
    let known = name.strip_prefix("cache.");
    match known.is_some_and(|name| machine_types::is_known(CACHES, name)) {
        true => Ok(()),
        false => Err(invalid(format!("Invalid Cache Node Type: {name}."))),
    }
}

fn retention(days: i64) -> Result<i64, Fault> {
    match (0..=35).contains(&days) {
        true => Ok(days),
        false => Err(invalid(format!(
            "SnapshotRetentionLimit must be between 0 and 35, not {days}"
        ))),
    }
}

/// The sandbox has no parameter groups but those that every account has.
fn parameter_group(asked: Option<String>, default: &str) -> Result<(), Fault> {
    match asked {
        Some(asked) if asked != default => Err(Fault::new(
            "CacheParameterGroupNotFound",
            format!("CacheParameterGroup not found: {asked}"),
        )
        .status(404)),
        Some(_) | None => Ok(()),
    }
}

/// What a new replication group or cluster asks for, and the subnets in which it may stand.
pub(super) fn settings(
    world: &mut World,
    region: &str,
    params: &Params,
    engines: &[&str],
) -> Result<(Settings, Subnets), Fault> {
    let engine = params.text("Engine").unwrap_or_else(|| "redis".to_owned());
    if !engines.contains(&engine.as_str()) {
        return Err(invalid(format!(
            "Invalid Engine: {engine}. Valid: {}",
            engines.join(", ")
        )));
    }
    let version = engines::resolve(&engine, params.text("EngineVersion").as_deref())?;
    let parameters = engines::parameter_group(&engine, version);
    parameter_group(params.text("CacheParameterGroupName"), &parameters)?;
    let asked_type = params.required("CacheNodeType")?;
    node_type(&asked_type)?;
    // The sandbox's accounts have no default network, and so no default subnet group.
    let name = params
        .text("CacheSubnetGroupName")
        .unwrap_or_else(|| "default".to_owned());
    let subnet_group = SUBNET_GROUPS.find(world, region, &name)?;
    let (name, subnets) = (subnet_group.name.clone(), subnet_group.subnets.clone());
    let groups = params.texts("SecurityGroupIds");
    let group_ids = SUBNET_GROUPS.wearable(world, region, &name, groups)?;
    let transit_encryption = params.flag("TransitEncryptionEnabled").unwrap_or(false);
    let auth_token = params.text("AuthToken");
    if auth_token.is_some() && !transit_encryption {
        return Err(invalid(
            "The AUTH token is only supported when encryption-in-transit is enabled",
        ));
    }
    if auth_token
        .as_ref()
        .is_some_and(|token| !(16..=128).contains(&token.len()))
    {
        return Err(invalid("The AUTH token must have 16 to 128 characters"));
    }
    let default_port = if engine == "memcached" { 11_211 } else { 6379 };
    let window = |member, default: &str| params.text(member).unwrap_or_else(|| default.to_owned());
    let settings = Settings {
        engine,
        version: version.to_owned(),
        node_type: asked_type,
        parameter_group: parameters,
        subnet_group: name,
        group_ids,
        port: params.int("Port")?.unwrap_or(default_port),
        transit_encryption,
        at_rest_encryption: params.flag("AtRestEncryptionEnabled").unwrap_or(false),
        auth_token: auth_token.is_some(),
        auto_minor: params.flag("AutoMinorVersionUpgrade").unwrap_or(true),
        retention_days: retention(params.int("SnapshotRetentionLimit")?.unwrap_or(0))?,
        snapshot_window: window("SnapshotWindow", "03:00-04:00"),
        maintenance_window: window("PreferredMaintenanceWindow", "sun:05:00-sun:06:00"),
    };
    Ok((settings, subnets))
}

/// The asked changes that take time, on top of those that wait already.
pub(super) fn pending(
    params: &Params,
    settings: &Settings,
    waiting: &Pending,
) -> Result<Pending, Fault> {
    let mut pending = waiting.clone();
    if let Some(asked) = params.text("CacheNodeType") {
        node_type(&asked)?;
        pending.node_type = (asked != settings.node_type).then_some(asked);
    }
    if !params.has("EngineVersion") && !params.has("Engine") {
        return Ok(pending);
    }
    let engine = params
        .text("Engine")
        .unwrap_or_else(|| settings.engine.clone());
    if engine != settings.engine
        && (settings.engine.as_str(), engine.as_str()) != ("redis", "valkey")
    {
        return Err(combination(format!(
            "Cannot change the engine from {} to {engine}",
            settings.engine
        )));
    }
    let version = match params.text("EngineVersion") {
        Some(asked) => engines::resolve(&engine, Some(&asked))?.to_owned(),
        None if engine == settings.engine => settings.version.clone(),
        None => return Err(combination("Another engine needs an EngineVersion")),
    };
    if engines::rank(&engine, &version) < engines::rank(&settings.engine, &settings.version) {
        return Err(invalid(format!(
            "Cannot downgrade from {} to {version}",
            settings.version
        )));
    }
    pending.engine = (engine != settings.engine).then_some(engine);
    pending.version = (version != settings.version).then_some(version);
    Ok(pending)
}

/// The asked changes that neither take time nor wait.
pub(super) fn change_at_once(
    world: &mut World,
    region: &str,
    params: &Params,
    settings: &mut Settings,
) -> Result<(), Fault> {
    parameter_group(
        params.text("CacheParameterGroupName"),
        &settings.parameter_group,
    )?;
    let groups = params.texts("SecurityGroupIds");
    if !groups.is_empty() {
        settings.group_ids =
            SUBNET_GROUPS.wearable(world, region, &settings.subnet_group, groups)?;
    }
    if let Some(days) = params.int("SnapshotRetentionLimit")? {
        settings.retention_days = retention(days)?;
    }
    settings.auto_minor = params
        .flag("AutoMinorVersionUpgrade")
        .unwrap_or(settings.auto_minor);
    for (member, window) in [
        ("SnapshotWindow", &mut settings.snapshot_window),
        (
            "PreferredMaintenanceWindow",
            &mut settings.maintenance_window,
        ),
    ] {
        if let Some(asked) = params.text(member) {
            *window = asked;
        }
    }
    Ok(())
}
