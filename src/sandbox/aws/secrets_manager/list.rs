//! `ListSecrets` and the filters that it shares with `BatchGetSecretValue`.

use super::{Secret, invalid_parameter, secrets};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, page};
use crate::sandbox::world::World;

/// One filter: a secret passes when what `key` names begins with one of the values; `!` before a value turns it round.
struct Filter {
    key: String,
    values: Vec<String>,
}

impl Filter {
    fn read(params: &Params) -> Result<Self, Fault> {
        let key = params.text("Key").unwrap_or_default();
        let known = ["name", "description", "tag-key", "tag-value", "all"];
        if !known.contains(&key.as_str()) {
            return Err(Fault::new(
                "ValidationException",
                format!(
                    "1 validation error detected: Value '{key}' at 'filters.1.member.key' failed to satisfy constraint: the sandbox knows {}",
                    known.join(", ")
                ),
            ));
        }
        let values = params.texts("Values");
        match values.is_empty() {
            true => Err(invalid_parameter("Invalid filter values")),
            false => Ok(Self { key, values }),
        }
    }

    fn admits(&self, secret: &Secret) -> bool {
        self.values
            .iter()
            .any(|value| match value.strip_prefix('!') {
                Some(unwanted) => !self.begins(secret, unwanted),
                None => self.begins(secret, value),
            })
    }

    fn begins(&self, secret: &Secret, prefix: &str) -> bool {
        let name = || secret.name.starts_with(prefix);
        let key = || secret.tags.keys().any(|key| key.starts_with(prefix));
        let value = || secret.tags.values().any(|value| value.starts_with(prefix));
        // Of all keys only the description is compared without regard to case.
        let lower = prefix.to_lowercase();
        let description = || {
            let text = secret.description.as_ref().map(|text| text.to_lowercase());
            text.is_some_and(|text| {
                text.split(' ').any(|word| word.starts_with(&lower)) || text.starts_with(&lower)
            })
        };
        match self.key.as_str() {
            "name" => name(),
            "tag-key" => key(),
            "tag-value" => value(),
            "description" => description(),
            _ => name() || key() || value() || description(),
        }
    }
}

/// The secrets of the region that pass every filter of the request, oldest first, each with the key of its place.
pub(super) fn filtered(world: &World, call: &Call) -> Result<Vec<(String, Secret)>, Fault> {
    let filters: Vec<Filter> = call
        .params
        .list("Filters")
        .iter()
        .map(Filter::read)
        .collect::<Result<_, _>>()?;
    let deleted = call.params.flag("IncludePlannedDeletion").unwrap_or(false);
    let mut found: Vec<(String, Secret)> = world
        .regions
        .get(&call.region)
        .into_iter()
        .flat_map(|region| region.secrets_manager.secrets.values())
        .filter(|secret| deleted || secret.deletion.is_none())
        .filter(|secret| filters.iter().all(|filter| filter.admits(secret)))
        .map(|secret| {
            let place = format!("{:020} {}", secret.created.0, secret.name);
            (place, secret.clone())
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    if params.text("SortOrder").is_some_and(|order| order != "asc") || params.has("SortBy") {
        return Err(invalid_parameter(
            "The sandbox lists secrets only in the order in which they were created",
        ));
    }
    let size = page::size(params, "MaxResults", 100, 100, "InvalidParameterException")?;
    let found = filtered(world, call)?;
    let page = page::cut(found, params.text("NextToken").as_deref(), size);
    let secrets = page
        .items
        .iter()
        .map(|secret| secrets::full(secret, "SecretVersionsToStages"));
    Ok(Fields::new()
        .list("SecretList", "member", secrets)
        .maybe("NextToken", page.next)
        .into())
}
