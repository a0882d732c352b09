//! Secrets themselves: create, describe, change, tag.

use std::collections::BTreeMap;

use super::{Secret, invalid_parameter, invalid_request, living, named, values};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, tags};
use crate::sandbox::world::World;

/// Creates a secret, once for a token: the same token with the same value answers what was made.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let name = params.required("Name")?;
    check_name(&name)?;
    let value = values::given(params)?;
    let token = values::token(world, params)?;
    let new_tags = tags::read(params, "Tags", "InvalidParameterException")?;
    let (now, account) = (world.now, world.account.clone());
    if let Some(taken) = world
        .region(&call.region)
        .secrets_manager
        .secrets
        .get(&name)
    {
        if taken.deletion.is_some() {
            return Err(invalid_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        let made_before = taken
            .versions
            .get(&token)
            .is_some_and(|version| Some(&version.value) == value.as_ref());
        return match made_before {
            true => Ok(brief(taken).with("VersionId", token).into()),
            false => Err(Fault::new(
                "ResourceExistsException",
                format!("The operation failed because the secret {name} already exists."),
            )),
        };
    }
    let suffix = world.ids.hex(6);
    let mut secret = Secret {
        arn: format!(
            "arn:aws:secretsmanager:{}:{account}:secret:{name}-{suffix}",
            call.region
        ),
        name,
        description: text_or_none(params, "Description"),
        kms_key: text_or_none(params, "KmsKeyId"),
        created: now,
        changed: now,
        tags: BTreeMap::new(),
        versions: BTreeMap::new(),
        deletion: None,
    };
    tags::add(&mut secret.tags, new_tags, "InvalidParameterException")?;
    let version = value.map(|value| {
        secret.put_version(&token, value, None, now);
        token
    });
    let reply = brief(&secret).maybe("VersionId", version);
    let secrets = &mut world.region(&call.region).secrets_manager.secrets;
    secrets.insert(secret.name.clone(), secret);
    Ok(reply.into())
}

fn check_name(name: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    match name.len() <= 512 && name.chars().all(allowed) {
        true => Ok(()),
        false => Err(Fault::new(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )),
    }
}

fn text_or_none(params: &Params, name: &str) -> Option<String> {
    params.text(name).filter(|text| !text.is_empty())
}

/// ARN and name, with which every answer about one secret begins.
pub(super) fn brief(secret: &Secret) -> Fields {
    Fields::new()
        .with("ARN", &secret.arn)
        .with("Name", &secret.name)
}

/// What both `DescribeSecret` and `ListSecrets` tell; they name the map of versions differently.
pub(super) fn full(secret: &Secret, versions_member: &'static str) -> Fields {
    let versions = secret
        .versions
        .iter()
        .filter(|(_, version)| !version.stages.is_empty())
        .map(|(id, version)| (id.clone(), Reply::texts("member", &version.stages)));
    brief(secret)
        .maybe("Description", secret.description.as_ref())
        .maybe("KmsKeyId", secret.kms_key.as_ref())
        .with("CreatedDate", secret.created)
        .with("LastChangedDate", secret.changed)
        .maybe("DeletedDate", secret.deletion.map(|it| it.asked))
        .with("Tags", tags::reply("member", &secret.tags))
        .with(versions_member, Reply::Map(versions.collect()))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(full(named(world, call)?, "VersionIdsToStages").into())
}

/// Changes description, key and, where one is given, the value.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let value = values::given(params)?;
    let token = values::token(world, params)?;
    let now = world.now;
    let secret = living(world, call)?;
    let version = match value {
        Some(value) => {
            secret.refuse_other_value(&token, &value)?;
            secret.put_version(&token, value, None, now);
            Some(token)
        }
        None => None,
    };
    if params.has("Description") {
        secret.description = text_or_none(params, "Description");
    }
    if params.has("KmsKeyId") {
        secret.kms_key = text_or_none(params, "KmsKeyId");
    }
    secret.changed = now;
    Ok(brief(secret).maybe("VersionId", version).into())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let new = tags::read(&call.params, "Tags", "InvalidParameterException")?;
    if new.is_empty() {
        return Err(invalid_parameter("You must provide at least one tag."));
    }
    let now = world.now;
    let secret = living(world, call)?;
    tags::add(&mut secret.tags, new, "InvalidParameterException")?;
    secret.changed = now;
    Ok(Reply::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let secret = living(world, call)?;
    tags::remove(&mut secret.tags, &call.params, "TagKeys");
    secret.changed = now;
    Ok(Reply::empty())
}
