//! Repositories: create, describe, change, tag, delete.

use std::collections::BTreeMap;

use super::{Repository, invalid, named, not_found, registry_host};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, page, tags};
use crate::sandbox::world::World;

/// Names are paths of lower-case words that single separators join.
fn check_name(name: &str) -> Result<(), Fault> {
    let is_word = |word: &str| {
        let separator = |c: char| "._-".contains(c);
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || separator(c))
            && !word.starts_with(separator)
            && !word.ends_with(separator)
    };
    match (2..=256).contains(&name.len()) && name.split('/').all(is_word) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'': {name}"
        ))),
    }
}

fn mutability(params: &Params) -> Result<Option<String>, Fault> {
    match params.text("imageTagMutability") {
        Some(wanted) if !matches!(wanted.as_str(), "MUTABLE" | "IMMUTABLE") => Err(invalid(
            format!("The sandbox knows MUTABLE and IMMUTABLE image tags, not {wanted}"),
        )),
        given => Ok(given),
    }
}

fn scan_on_push(params: &Params) -> bool {
    params
        .nested("imageScanningConfiguration")
        .flag("scanOnPush")
        .unwrap_or(false)
}

fn scanning(repository: &Repository) -> Fields {
    Fields::new().with("scanOnPush", repository.scan_on_push)
}

fn render(account: &str, repository: &Repository) -> Fields {
    let encryption = Fields::new()
        .with("encryptionType", &repository.encryption)
        .maybe("kmsKey", repository.kms_key.as_ref());
    Fields::new()
        .with("repositoryArn", &repository.arn)
        .with("registryId", account)
        .with("repositoryName", &repository.name)
        .with("repositoryUri", &repository.uri)
        .with("createdAt", repository.created)
        .with("imageTagMutability", &repository.mutability)
        .with("imageScanningConfiguration", scanning(repository))
        .with("encryptionConfiguration", encryption)
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let name = params.required("repositoryName")?;
    check_name(&name)?;
    let account = world.account.clone();
    let encryption = params.nested("encryptionConfiguration");
    let mut repository = Repository {
        arn: format!("arn:aws:ecr:{}:{account}:repository/{name}", call.region),
        uri: format!("{}/{name}", registry_host(world, &call.region)),
        created: world.now,
        mutability: mutability(params)?.unwrap_or_else(|| "MUTABLE".to_owned()),
        scan_on_push: scan_on_push(params),
        encryption: encryption
            .text("encryptionType")
            .unwrap_or_else(|| "AES256".to_owned()),
        kms_key: encryption.text("kmsKey"),
        tags: BTreeMap::new(),
        images: BTreeMap::new(),
        lifecycle_policy: None,
        name,
    };
    let new = tags::read(params, "tags", "InvalidTagParameterException")?;
    tags::add(&mut repository.tags, new, "TooManyTagsException")?;
    let repositories = &mut world.region(&call.region).ecr.repositories;
    if repositories.contains_key(&repository.name) {
        return Err(Fault::new(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{}' already exists in the registry with id '{account}'",
                repository.name
            ),
        ));
    }
    let reply = render(&account, &repository);
    repositories.insert(repository.name.clone(), repository);
    Ok(Fields::new().with("repository", reply).into())
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let size = page::size(params, "maxResults", 100, 1000, "InvalidParameterException")?;
    let names = params.texts("repositoryNames");
    let known = world.region(&call.region).ecr.repositories.clone();
    if let Some(absent) = names.iter().find(|name| !known.contains_key(*name)) {
        return Err(not_found(world, absent));
    }
    let wanted = known
        .into_iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name));
    let page = page::cut(wanted, params.text("nextToken").as_deref(), size);
    let repositories = page
        .items
        .iter()
        .map(|repository| render(&world.account, repository));
    Ok(Fields::new()
        .list("repositories", "member", repositories)
        .maybe("nextToken", page.next)
        .into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let account = world.account.clone();
    let repository = named(world, call)?;
    if !repository.images.is_empty() && !call.params.flag("force").unwrap_or(false) {
        return Err(Fault::new(
            "RepositoryNotEmptyException",
            format!(
                "The repository with name '{}' in registry with id '{account}' cannot be deleted because it still contains images",
                repository.name
            ),
        ));
    }
    let (name, reply) = (repository.name.clone(), render(&account, repository));
    world.region(&call.region).ecr.repositories.remove(&name);
    Ok(Fields::new().with("repository", reply).into())
}

/// What every answer about a part of a repository begins with.
fn about(world: &mut World, call: &Call) -> Result<Fields, Fault> {
    let account = world.account.clone();
    let repository = named(world, call)?;
    Ok(Fields::new()
        .with("registryId", account)
        .with("repositoryName", &repository.name))
}

pub(super) fn put_mutability(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    call.params.required("imageTagMutability")?;
    let about = about(world, call)?;
    let repository = named(world, call)?;
    repository.mutability = mutability(&call.params)?.unwrap_or_default();
    Ok(about
        .with("imageTagMutability", &repository.mutability)
        .into())
}

pub(super) fn put_scanning(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let about = about(world, call)?;
    let repository = named(world, call)?;
    repository.scan_on_push = scan_on_push(&call.params);
    Ok(about
        .with("imageScanningConfiguration", scanning(repository))
        .into())
}

fn by_arn<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Repository, Fault> {
    let arn = call.params.required("resourceArn")?;
    let refusal = not_found(world, arn.rsplit(":repository/").next().unwrap_or(&arn));
    let repositories = &mut world.region(&call.region).ecr.repositories;
    let mut repositories = repositories.values_mut();
    repositories
        .find(|repository| repository.arn == arn)
        .ok_or(refusal)
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let new = tags::read(&call.params, "tags", "InvalidTagParameterException")?;
    tags::add(&mut by_arn(world, call)?.tags, new, "TooManyTagsException")?;
    Ok(Reply::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    tags::remove(&mut by_arn(world, call)?.tags, &call.params, "tagKeys");
    Ok(Reply::empty())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags::reply("member", &by_arn(world, call)?.tags);
    Ok(Fields::new().with("tags", tags).into())
}

pub(super) fn put_lifecycle_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let text = call.params.required("lifecyclePolicyText")?;
    let valid = serde_json::from_str::<serde_json::Value>(&text)
        .is_ok_and(|policy| policy.get("rules").is_some_and(|rules| rules.is_array()));
    if !valid {
        return Err(invalid(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure'",
        ));
    }
    let about = about(world, call)?;
    named(world, call)?.lifecycle_policy = Some(text.clone());
    Ok(about.with("lifecyclePolicyText", text).into())
}

fn no_lifecycle_policy(call: &Call) -> Fault {
    Fault::new(
        "LifecyclePolicyNotFoundException",
        format!(
            "Lifecycle policy does not exist for the repository with name '{}'",
            call.params.text("repositoryName").unwrap_or_default()
        ),
    )
}

pub(super) fn get_lifecycle_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let about = about(world, call)?;
    let text = named(world, call)?.lifecycle_policy.clone();
    let text = text.ok_or_else(|| no_lifecycle_policy(call))?;
    Ok(about.with("lifecyclePolicyText", text).into())
}

pub(super) fn delete_lifecycle_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let about = about(world, call)?;
    let text = named(world, call)?.lifecycle_policy.take();
    let text = text.ok_or_else(|| no_lifecycle_policy(call))?;
    Ok(about.with("lifecyclePolicyText", text).into())
}
