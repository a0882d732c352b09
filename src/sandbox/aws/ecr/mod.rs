//! Elastic Container Registry: repositories, and the manifests of their images. Layers are not kept.

mod images;
mod repositories;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::tags::Tags;
use super::{Call, Fault, Fields, Reply};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// The registry of one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ecr {
    /// Repositories by name.
    pub repositories: BTreeMap<String, Repository>,
}

/// A repository.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Repository {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Where images are pushed to and pulled from.
    pub uri: String,
    /// When it was created.
    pub created: SimTime,
    /// `MUTABLE` or `IMMUTABLE`: whether a tag may move.
    pub mutability: String,
    /// Whether images are scanned when they come.
    pub scan_on_push: bool,
    /// `AES256` or `KMS`.
    pub encryption: String,
    /// The key, where one was named.
    pub kms_key: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Its images by digest.
    pub images: BTreeMap<String, Image>,
    /// Its lifecycle policy.
    pub lifecycle_policy: Option<String>,
}

/// An image: its manifest, exactly as it was pushed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Image {
    /// The manifest's bytes.
    pub manifest: String,
    /// The manifest's media type.
    pub media_type: String,
    /// The image tags that point to it.
    pub tags: BTreeSet<String>,
    /// When it came.
    pub pushed: SimTime,
}

/// The tagged resources of a region.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let repositories = world
        .regions
        .get(region)
        .into_iter()
        .flat_map(|region| region.ecr.repositories.values());
    repositories
        .map(|repository| (repository.arn.clone(), repository.tags.clone()))
        .collect()
}

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateRepository" => repositories::create(world, call),
        "DescribeRepositories" => repositories::describe(world, call),
        "DeleteRepository" => repositories::delete(world, call),
        "PutImageTagMutability" => repositories::put_mutability(world, call),
        "PutImageScanningConfiguration" => repositories::put_scanning(world, call),
        "TagResource" => repositories::tag(world, call),
        "UntagResource" => repositories::untag(world, call),
        "ListTagsForResource" => repositories::list_tags(world, call),
        "PutLifecyclePolicy" => repositories::put_lifecycle_policy(world, call),
        "GetLifecyclePolicy" => repositories::get_lifecycle_policy(world, call),
        "DeleteLifecyclePolicy" => repositories::delete_lifecycle_policy(world, call),
        "PutImage" => images::put(world, call),
        "BatchGetImage" => images::batch_get(world, call),
        "BatchDeleteImage" => images::batch_delete(world, call),
        "ListImages" => images::list(world, call),
        "DescribeImages" => images::describe(world, call),
        "GetAuthorizationToken" => Ok(authorization_token(world, call)),
        _ => Err(Fault::unknown_operation(call)),
    }
}

const HOURS_12: u64 = 12 * 60 * 60;

fn authorization_token(world: &World, call: &Call) -> Reply {
    let endpoint = format!("https://{}", registry_host(world, &call.region));
    let data = Fields::new()
        .with("authorizationToken", STANDARD.encode("AWS:sandbox"))
        .with("expiresAt", world.now.after_secs(HOURS_12))
        .with("proxyEndpoint", endpoint);
    Fields::new()
        .list("authorizationData", "member", [data])
        .into()
}

fn registry_host(world: &World, region: &str) -> String {
    format!("{}.dkr.ecr.{region}.amazonaws.com", world.account)
}

fn not_found(world: &World, name: &str) -> Fault {
    Fault::new(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{}'",
            world.account
        ),
    )
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

/// The repository that a request names.
fn named<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Repository, Fault> {
    let name = call.params.required("repositoryName")?;
    let refusal = not_found(world, &name);
    let found = world.region(&call.region).ecr.repositories.get_mut(&name);
    found.ok_or(refusal)
}
