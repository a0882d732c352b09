//! Secrets Manager: secrets, their versions, and names that stay taken until a deletion is through.
//!
//! This is the only place where the values of secrets rest, because here it *is* the cloud.

mod batch;
mod deletion;
mod list;
mod password;
mod secrets;
#[cfg(test)]
mod tests;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::tags::Tags;
use super::{Call, Fault, Reply};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// The version that is in force.
const CURRENT: &str = "AWSCURRENT";
/// The version that was in force before.
const PREVIOUS: &str = "AWSPREVIOUS";

/// The secrets of one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SecretsManager {
    /// Secrets by name.
    pub secrets: BTreeMap<String, Secret>,
}

/// A secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Its ARN, which ends with six characters of its own.
    pub arn: String,
    /// What it is for.
    pub description: Option<String>,
    /// The key that encrypts it, where one was named.
    pub kms_key: Option<String>,
    /// When it was created.
    pub created: SimTime,
    /// When anything about it last changed.
    pub changed: SimTime,
    /// Its tags.
    pub tags: Tags,
    /// Its versions by id.
    pub versions: BTreeMap<String, Version>,
    /// Its deletion, while that is under way.
    pub deletion: Option<Deletion>,
}

/// One version of a secret's value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// The value.
    pub value: Value,
    /// Its labels; a version without one is deprecated.
    pub stages: BTreeSet<String>,
    /// When it was made.
    pub created: SimTime,
}

/// The value of a secret. Nothing prints it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Text.
    Text(String),
    /// Bytes, in base64 as they travel.
    Binary(String),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(redacted)")
    }
}

/// A deletion that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// When it was asked for.
    pub asked: SimTime,
    /// When the secret goes for good.
    pub due: SimTime,
    /// Whether it can't be taken back.
    pub forced: bool,
}

/// What the service does by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// Removes the secret, if this deletion is still the one under way.
    Remove {
        /// The secret's name.
        name: String,
        /// The deletion.
        deletion: Deletion,
    },
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    let Task::Remove { name, deletion } = task;
    let secrets = &mut world.region(region).secrets_manager.secrets;
    if secrets.get(&name).and_then(|secret| secret.deletion) == Some(deletion) {
        secrets.remove(&name);
    }
}

/// The tagged resources of a region.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let secrets = world
        .regions
        .get(region)
        .into_iter()
        .flat_map(|region| region.secrets_manager.secrets.values());
    secrets
        .filter(|secret| secret.deletion.is_none())
        .map(|secret| (secret.arn.clone(), secret.tags.clone()))
        .collect()
}

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateSecret" => secrets::create(world, call),
        "DescribeSecret" => secrets::describe(world, call),
        "UpdateSecret" => secrets::update(world, call),
        "TagResource" => secrets::tag(world, call),
        "UntagResource" => secrets::untag(world, call),
        "PutSecretValue" => values::put(world, call),
        "GetSecretValue" => values::get(world, call),
        "ListSecretVersionIds" => values::list_versions(world, call),
        "BatchGetSecretValue" => batch::get(world, call),
        "ListSecrets" => list::list(world, call),
        "DeleteSecret" => deletion::delete(world, call),
        "RestoreSecret" => deletion::restore(world, call),
        "GetRandomPassword" => password::random(world, call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

fn invalid_parameter(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> Fault {
    Fault::new("InvalidRequestException", message)
}

fn not_found() -> Fault {
    Fault::new(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

impl SecretsManager {
    /// The secret that `id` means: its name, its ARN, or its ARN without the six characters at the end.
    fn find(&self, id: &str) -> Option<&Secret> {
        self.secrets.get(id).or_else(|| {
            self.secrets.values().find(|secret| {
                secret.arn == id
                    || secret
                        .arn
                        .rsplit_once('-')
                        .is_some_and(|(arn, _)| arn == id)
            })
        })
    }
}

/// The secret that a request names, whatever its state.
fn named<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Secret, Fault> {
    let id = call.params.required("SecretId")?;
    let service = &mut world.region(&call.region).secrets_manager;
    let name = service.find(&id).map(|secret| secret.name.clone());
    name.and_then(|name| service.secrets.get_mut(&name))
        .ok_or_else(not_found)
}

/// The secret that a request names, which must not be on its way out.
fn living<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Secret, Fault> {
    let secret = named(world, call)?;
    match secret.deletion {
        None => Ok(secret),
        Some(_) => Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )),
    }
}
