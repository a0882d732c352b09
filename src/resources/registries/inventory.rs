//! What ECR holds.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_ecr::types::{ImageTagMutability, Repository as Found};

use super::repository::KIND;
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::inventory::{Seen, part};
use crate::resources::tagged::{Index, with_tags};
use crate::resources::{Tags, Wanted};

/// The repositories that are ours, or whose names we want.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registries {
    /// By name.
    pub repositories: BTreeMap<String, Repository>,
}

/// An ECR repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// Its ARN.
    pub arn: String,
    /// Where images are pushed to.
    pub uri: String,
    /// ECR's word for whether tags can be moved: `IMMUTABLE`, `MUTABLE`, or one with exclusions.
    pub mutability: String,
    /// Whether images are scanned when they arrive.
    pub scan_on_push: bool,
    /// Its tags.
    pub tags: Tags,
}

impl Repository {
    fn of(found: &Found, tags: Tags) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mutability = found.image_tag_mutability();
        let scanning = found.image_scanning_configuration();
        Self {
            arn: text(found.repository_arn()),
            uri: text(found.repository_uri()),
            mutability: text(mutability.map(ImageTagMutability::as_str)),
            scan_on_push: scanning.is_some_and(|scanning| scanning.scan_on_push()),
            tags,
        }
    }
}

impl Registries {
    /// Reads the repositories that are wanted or ours, without asking for any by name: ECR answers a question for
    /// several with an error when one of them is missing.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Seen<Self> {
        let (listed, index) = futures::join!(part(cloud, || list(cloud)), index);
        let index = index?;
        let tagged = with_tags(
            cloud,
            wanted,
            KIND,
            &index,
            listed?,
            |found| (found.repository_name(), found.repository_arn()),
            |arn| async move { tags(cloud, &arn).await },
        );
        let repositories = tagged.await?.into_iter().map(|(found, tags)| {
            let name = found.repository_name().unwrap_or_default().to_owned();
            (name, Repository::of(&found, tags))
        });
        Ok(Self {
            repositories: repositories.collect(),
        })
    }
}

async fn list(cloud: &Cloud) -> Result<Vec<Found>, Fault> {
    let call = cloud.aws.ecr.describe_repositories();
    let listed = call.into_paginator().page_size(1000).items().send();
    let listed = listed.try_collect().await;
    listed.map_err(fault("ecr", "DescribeRepositories"))
}

/// The repository of this name; a fault that says "absent" when there is none.
///
/// # Errors
/// The fault of the call.
pub async fn read(cloud: &Cloud, name: &str) -> Result<Repository, Fault> {
    let call = cloud.aws.ecr.describe_repositories();
    let answer = call
        .repository_names(name)
        .send()
        .await
        .map_err(fault("ecr", "DescribeRepositories"))?;
    let found = answer.repositories().first();
    let found =
        found.ok_or_else(|| Fault::incomplete("ecr", "DescribeRepositories", "repositories"))?;
    let arn = found.repository_arn().unwrap_or_default();
    Ok(Repository::of(found, tags(cloud, arn).await?))
}

async fn tags(cloud: &Cloud, arn: &str) -> Result<Tags, Fault> {
    let call = cloud.aws.ecr.list_tags_for_resource().resource_arn(arn);
    let answer = call
        .send()
        .await
        .map_err(fault("ecr", "ListTagsForResource"))?;
    let tags = answer.tags().iter();
    Ok(tags
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect())
}
