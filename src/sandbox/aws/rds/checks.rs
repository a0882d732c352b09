//! What RDS refuses in a request before anything happens.

use std::collections::BTreeSet;

use super::engines::Engine;
use super::state::Instance;
use crate::sandbox::aws::machine_types::{self, DATABASES};
use crate::sandbox::aws::{Fault, Params};

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

pub(super) fn combination(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterCombination", message)
}

pub(super) fn class(class: &str) -> Result<(), Fault> {
    let known = class.strip_prefix("db.");
    match known.is_some_and(|name| machine_types::is_known(DATABASES, name)) {
        true => Ok(()),
        false => Err(invalid(format!("Invalid DB Instance class: {class}"))),
    }
}

pub(super) fn port(port: i64) -> Result<(), Fault> {
    match (1150..=65_535).contains(&port) {
        true => Ok(()),
        false => Err(invalid(format!("Invalid port: {port}"))),
    }
}

/// The size of the storage, in GiB.
pub(super) fn storage(engine: &str, storage_type: &str, gib: i64) -> Result<(), Fault> {
    let least = match storage_type {
        "gp2" | "gp3" => 20,
        "io1" | "io2" => 100,
        "standard" => 5,
        _ => return Err(invalid(format!("Invalid storage type: {storage_type}"))),
    };
    match (least..=65_536).contains(&gib) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Invalid storage size for engine name {engine} and storage type {storage_type}: {gib}"
        ))),
    }
}

pub(super) fn username(engine: &Engine, name: &str) -> Result<(), Fault> {
    let fault = if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        || name.len() > engine.longest_username
    {
        "is not a valid master user name"
    } else if engine
        .reserved_usernames
        .contains(&name.to_lowercase().as_str())
    {
        "cannot be used as it is a reserved word used by the engine"
    } else {
        return Ok(());
    };
    Err(invalid(format!("MasterUsername {name} {fault}")))
}

/// A password; the refusal doesn't repeat it.
pub(super) fn password(engine: &Engine, password: &str) -> Result<(), Fault> {
    let fault = if password.len() < 8 {
        "it is shorter than 8 characters".to_owned()
    } else if password.len() > engine.longest_password {
        format!("it is longer than {} characters", engine.longest_password)
    } else if !password.chars().all(|c| c.is_ascii_graphic()) || password.contains(['/', '"', '@'])
    {
        "only printable ASCII characters besides '/', '@', '\"', ' ' may be used".to_owned()
    } else {
        return Ok(());
    };
    Err(invalid(format!(
        "The parameter MasterUserPassword is not a valid password because {fault}."
    )))
}

pub(super) fn database_name(name: &str) -> Result<(), Fault> {
    let shaped = (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match shaped {
        true => Ok(()),
        false => Err(invalid(format!(
            "DBName must begin with a letter and contain only alphanumeric characters: {name}"
        ))),
    }
}

pub(super) fn retention(days: i64) -> Result<(), Fault> {
    match (0..=35).contains(&days) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Invalid backup retention period: {days}. Must be between 0 and 35"
        ))),
    }
}

/// The sandbox has no parameter groups but those that every account has.
pub(super) fn parameter_group(asked: Option<String>, family: &str) -> Result<String, Fault> {
    let default = format!("default.{family}");
    match asked {
        Some(asked) if asked != default => Err(Fault::new(
            "DBParameterGroupNotFound",
            format!("DBParameterGroup not found: {asked}"),
        )
        .status(404)),
        Some(_) | None => Ok(default),
    }
}

/// One filter of DescribeDBInstances.
pub(super) struct Filter {
    of: fn(&Instance) -> &String,
    values: BTreeSet<String>,
}

impl Filter {
    pub(super) fn admits(&self, instance: &Instance) -> bool {
        self.values.contains((self.of)(instance))
    }
}

/// The filters of a request; one that RDS doesn't know is refused.
pub(super) fn filters(params: &Params) -> Result<Vec<Filter>, Fault> {
    let read = |filter: Params| {
        let name = filter.required("Name")?;
        let of: fn(&Instance) -> &String = match name.as_str() {
            "db-instance-id" => |instance| &instance.id,
            "dbi-resource-id" => |instance| &instance.resource_id,
            "engine" => |instance| &instance.engine,
            _ => return Err(invalid(format!("Unrecognized filter name: {name}"))),
        };
        let values = filter.texts("Values").into_iter().collect();
        Ok(Filter { of, values })
    };
    params.list("Filters").into_iter().map(read).collect()
}
