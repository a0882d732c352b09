//! What Secrets Manager holds: a request for each secret that is wanted, and one for the values that must be
//! compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};

use super::secret::KIND;
use super::value::Source;
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::inventory::{Seen, part};
use crate::resources::tagged::Index;
use crate::resources::{Owner, Tags, Wanted, references};
use crate::sensitive::Sensitive;

/// BatchGetSecretValue takes at most this many ids.
const IDS_PER_BATCH: usize = 20;

/// The secrets that are ours, or whose names we want.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Secrets {
    /// By name.
    pub secrets: BTreeMap<String, Secret>,
    /// The values that had to be read, by ARN: those that come from a variable, and those that Kubernetes secrets
    /// are made of.
    pub values: BTreeMap<String, Sensitive>,
}

/// A secret without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secret {
    /// Its ARN.
    pub arn: String,
    /// Its description.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// The id of its current version, if it has one.
    pub version: Option<String>,
    /// Whether someone had it deleted, so that only its name is still taken.
    pub deleted: bool,
}

impl Secrets {
    /// Reads the secrets that are wanted or ours. Lists of secrets may be minutes old, so that they tell only of what
    /// nobody wants any more; what each secret is like it says itself.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Seen<Self> {
        let (named, listed, index) = futures::join!(
            part(cloud, || Self::named(cloud, wanted)),
            part(cloud, || going(cloud, wanted)),
            index
        );
        let (mut found, index) = (named?, index?);
        let indexed = index.iter().filter(|(arn, tags)| {
            arn.contains(":secretsmanager:") && wanted.owner(tags) == Owner::Ours
        });
        let mut others: BTreeSet<String> = indexed.map(|(arn, _)| arn.clone()).collect();
        others.extend(listed?);
        for secret in found.secrets.values() {
            others.remove(&secret.arn);
        }
        found
            .secrets
            .extend(part(cloud, || described(cloud, &others)).await?);
        Ok(found)
    }

    async fn named(cloud: &Cloud, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let names = wanted.names(KIND).into_keys().collect();
        let mut found = Self {
            secrets: described(cloud, &names).await?,
            values: BTreeMap::new(),
        };
        let compared = compared(wanted);
        let read: Vec<String> = found
            .secrets
            .iter()
            .filter(|(name, secret)| compared.contains(*name) && !secret.deleted)
            .map(|(_, secret)| secret.arn.clone())
            .collect();
        for some in read.chunks(IDS_PER_BATCH) {
            found.read_values(cloud, some).await?;
        }
        Ok(found)
    }

    async fn read_values(&mut self, cloud: &Cloud, arns: &[String]) -> Result<(), Fault> {
        let mut next = None;
        loop {
            let call = cloud.aws.secrets.batch_get_secret_value();
            let page = call
                .set_secret_id_list(Some(arns.to_vec()))
                .set_next_token(next)
                .send()
                .await
                .map_err(fault("secretsmanager", "BatchGetSecretValue"))?;
            for error in page.errors() {
                let code = error.error_code().unwrap_or("Unknown");
                // A secret without a current version, or one that has just gone.
                if code != "ResourceNotFoundException" {
                    return Err(unread(code, error.secret_id(), error.message()));
                }
            }
            for entry in page.secret_values() {
                if let (Some(arn), Some(value)) = (entry.arn(), entry.secret_string()) {
                    self.values.insert(arn.to_owned(), Sensitive::new(value));
                }
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(());
            }
        }
    }
}

/// The secrets of these names or ARNs that are there, by name.
async fn described(
    cloud: &Cloud,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Secret>, Fault> {
    let asked = ids
        .iter()
        .map(|id| async move { present(describe(cloud, id).await) });
    let found = futures::future::try_join_all(asked).await?;
    Ok(found.into_iter().flatten().collect())
}

/// The ARNs of all that carries our lineage, in a teardown: with what somebody had deleted and whose name is still
/// taken, which the index of tags leaves out.
async fn going(cloud: &Cloud, wanted: &Wanted<'_>) -> Result<Vec<String>, Fault> {
    if !wanted.teardown {
        return Ok(Vec::new());
    }
    // The filter matches beginnings of values.
    let filter = Filter::builder()
        .key(FilterNameStringType::TagValue)
        .values(&wanted.ownership.lineage)
        .build();
    let call = cloud.aws.secrets.list_secrets().filters(filter);
    let pages = call.include_planned_deletion(true).into_paginator().send();
    let pages = pages.try_collect().await;
    let pages: Vec<_> = pages.map_err(fault("secretsmanager", "ListSecrets"))?;
    let ours = pages
        .into_iter()
        .flat_map(|page| page.secret_list.unwrap_or_default())
        .filter(|entry| wanted.owner(&tags(entry.tags())) == Owner::Ours);
    Ok(ours.filter_map(|entry| entry.arn).collect())
}

/// The names of the secrets whose values have to be seen.
fn compared(wanted: &Wanted<'_>) -> BTreeSet<String> {
    let is_secret = |address: &Address| wanted.desired.get(address).is_some_and(|d| d.kind == KIND);
    // What Kubernetes secrets are made of.
    let used: BTreeSet<Address> = wanted
        .desired
        .values()
        .filter(|desired| desired.kind.starts_with("bootstrap."))
        .flat_map(|desired| desired.fields.values().flat_map(references))
        .map(|(address, _)| address)
        .filter(is_secret)
        .collect();
    wanted
        .desired
        .values()
        .filter(|desired| desired.kind == KIND)
        .filter(|desired| {
            let source = Source::of(desired.fields.get("value"));
            let given = source.is_some_and(|source| source.variable(wanted.variables).is_some());
            given || used.contains(&desired.address)
        })
        .map(|desired| desired.name.clone())
        .collect()
}

/// The name of the secret `id` and how it is; a fault that says "absent" when there is none.
///
/// # Errors
/// The fault of the call.
pub async fn describe(cloud: &Cloud, id: &str) -> Result<(String, Secret), Fault> {
    let call = cloud.aws.secrets.describe_secret().secret_id(id);
    let found = call
        .send()
        .await
        .map_err(fault("secretsmanager", "DescribeSecret"))?;
    let secret = Secret {
        arn: found.arn().unwrap_or(id).to_owned(),
        description: found.description().map(str::to_owned),
        tags: tags(found.tags()),
        version: found.version_ids_to_stages().and_then(current),
        deleted: found.deleted_date().is_some(),
    };
    Ok((found.name().unwrap_or_default().to_owned(), secret))
}

/// Tags as Secrets Manager writes them.
fn tags(tags: &[Tag]) -> Tags {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    tags.iter()
        .map(|tag| (text(tag.key()), text(tag.value())))
        .collect()
}

/// The version that is in force.
fn current(stages: &HashMap<String, Vec<String>>) -> Option<String> {
    let in_force = |stages: &[String]| stages.iter().any(|stage| stage == "AWSCURRENT");
    let version = stages.iter().find(|(_, stages)| in_force(stages));
    version.map(|(id, _)| id.clone())
}

fn unread(code: &str, id: Option<&str>, message: Option<&str>) -> Fault {
    let shown = |text: Option<&str>| text.unwrap_or("unnamed").to_owned();
    Fault {
        service: "secretsmanager",
        operation: "BatchGetSecretValue",
        code: code.to_owned(),
        message: format!("{}: {}", shown(id), shown(message)),
        class: if code.contains("AccessDenied") {
            Class::Forbidden
        } else {
            Class::Stop
        },
        source: None,
    }
}
