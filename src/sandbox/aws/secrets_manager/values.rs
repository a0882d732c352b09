//! The versions of a secret's value: put, get, list.

use std::collections::BTreeSet;

use super::{
    CURRENT, PREVIOUS, Secret, Value, Version, invalid_parameter, invalid_request, living, named,
    secrets,
};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, page};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

const LARGEST: usize = 65_536;
/// Unlabelled versions beyond this many are forgotten, oldest first, as AWS does.
const MOST_VERSIONS: usize = 100;

/// The value that a request brings, if any.
pub(super) fn given(params: &Params) -> Result<Option<Value>, Fault> {
    let value = match (params.text("SecretString"), params.text("SecretBinary")) {
        (Some(_), Some(_)) => {
            return Err(invalid_parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            ));
        }
        (Some(text), None) => Value::Text(text),
        (None, Some(bytes)) => Value::Binary(bytes),
        (None, None) => return Ok(None),
    };
    let (Value::Text(text) | Value::Binary(text)) = &value;
    match text.len() {
        1..=LARGEST => Ok(Some(value)),
        length => Err(invalid_parameter(format!(
            "A secret value must have 1 to {LARGEST} bytes, not {length}"
        ))),
    }
}

/// The id of the version that a request makes: its token, or a new one.
pub(super) fn token(world: &mut World, params: &Params) -> Result<String, Fault> {
    match params.text("ClientRequestToken") {
        None => Ok(world.ids.uuid()),
        Some(token) if (32..=64).contains(&token.len()) => Ok(token),
        Some(_) => Err(invalid_parameter(
            "ClientRequestToken must be 32-64 characters long.",
        )),
    }
}

impl Secret {
    /// A token belongs to one value for ever.
    pub(super) fn refuse_other_value(&self, token: &str, value: &Value) -> Result<(), Fault> {
        match self.versions.get(token) {
            Some(version) if version.value != *value => Err(Fault::new(
                "ResourceExistsException",
                format!(
                    "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {}.",
                    self.arn
                ),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Makes a version and moves the labels to it; `AWSPREVIOUS` follows `AWSCURRENT`. A version that is there
    /// already stays as it is.
    pub(super) fn put_version(
        &mut self,
        id: &str,
        value: Value,
        stages: Option<Vec<String>>,
        now: SimTime,
    ) {
        if self.versions.contains_key(id) {
            return;
        }
        let stages: BTreeSet<String> = stages
            .unwrap_or_else(|| vec![CURRENT.to_owned()])
            .into_iter()
            .collect();
        if stages.contains(CURRENT) {
            for version in self.versions.values_mut() {
                version.stages.remove(PREVIOUS);
                if version.stages.remove(CURRENT) {
                    version.stages.insert(PREVIOUS.to_owned());
                }
            }
        }
        for version in self.versions.values_mut() {
            version.stages.retain(|stage| !stages.contains(stage));
        }
        let version = Version {
            value,
            stages,
            created: now,
        };
        self.versions.insert(id.to_owned(), version);
        self.changed = now;
        while self.versions.len() > MOST_VERSIONS
            && let Some(oldest) = self.oldest_unlabelled()
        {
            self.versions.remove(&oldest);
        }
    }

    fn oldest_unlabelled(&self) -> Option<String> {
        self.versions
            .iter()
            .filter(|(_, version)| version.stages.is_empty())
            .min_by_key(|(_, version)| version.created)
            .map(|(id, _)| id.clone())
    }

    /// The version that a request means: by id, by label, by both when they agree, or the current one.
    fn version(&self, params: &Params) -> Result<(&String, &Version), Fault> {
        let (id, stage) = (params.text("VersionId"), params.text("VersionStage"));
        let stage = match (&id, stage) {
            (Some(_), None) => None,
            (_, stage) => Some(stage.unwrap_or_else(|| CURRENT.to_owned())),
        };
        let fits = |(known, version): &(&String, &Version)| {
            id.as_ref().is_none_or(|id| id == *known)
                && stage
                    .as_ref()
                    .is_none_or(|stage| version.stages.contains(stage))
        };
        self.versions.iter().find(fits).ok_or_else(|| {
            let wanted = match (&id, &stage) {
                (Some(id), _) => format!("VersionId: {id}"),
                (None, stage) => format!("staging label: {}", stage.as_deref().unwrap_or_default()),
            };
            Fault::new(
                "ResourceNotFoundException",
                format!("Secrets Manager can't find the specified secret value for {wanted}"),
            )
        })
    }
}

fn version_fields(secret: &Secret, id: &str, version: &Version) -> Fields {
    secrets::brief(secret)
        .with("VersionId", id)
        .list("VersionStages", "member", &version.stages)
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let value = given(params)?.ok_or_else(|| {
        invalid_parameter("You must provide either SecretString or SecretBinary.")
    })?;
    let token = token(world, params)?;
    let stages = params
        .has("VersionStages")
        .then(|| params.texts("VersionStages"));
    let now = world.now;
    let secret = living(world, call)?;
    secret.refuse_other_value(&token, &value)?;
    secret.put_version(&token, value, stages, now);
    Ok(version_fields(secret, &token, &secret.versions[&token]).into())
}

/// The value that a request asks for, as `GetSecretValue` and `BatchGetSecretValue` tell it.
pub(super) fn read(secret: &Secret, params: &Params) -> Result<Fields, Fault> {
    if secret.deletion.is_some() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        ));
    }
    let (id, version) = secret.version(params)?;
    let (name, value) = match &version.value {
        Value::Text(text) => ("SecretString", text),
        Value::Binary(bytes) => ("SecretBinary", bytes),
    };
    Ok(version_fields(secret, id, version)
        .with(name, value)
        .with("CreatedDate", version.created))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(read(named(world, call)?, &call.params)?.into())
}

pub(super) fn list_versions(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let size = page::size(params, "MaxResults", 100, 100, "InvalidParameterException")?;
    let deprecated = params.flag("IncludeDeprecated").unwrap_or(false);
    let secret = named(world, call)?;
    let versions = secret
        .versions
        .iter()
        .filter(|(_, version)| deprecated || !version.stages.is_empty())
        .map(|(id, version)| {
            let fields = Fields::new()
                .with("VersionId", id)
                .list("VersionStages", "member", &version.stages)
                .with("CreatedDate", version.created);
            (id.clone(), fields)
        });
    let page = page::cut(versions, params.text("NextToken").as_deref(), size);
    Ok(secrets::brief(secret)
        .list("Versions", "member", page.items)
        .maybe("NextToken", page.next)
        .into())
}
