//! What ECR holds.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{ImageTagMutability, Repository as Found};

use super::repository::KIND;
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::{Tags, Wanted};

/// The repositories whose names the file or the state know.
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
    fn of(found: &Found) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mutability = found.image_tag_mutability();
        let scanning = found.image_scanning_configuration();
        Self {
            arn: text(found.repository_arn()),
            uri: text(found.repository_uri()),
            mutability: text(mutability.map(ImageTagMutability::as_str)),
            scan_on_push: scanning.is_some_and(|scanning| scanning.scan_on_push()),
            tags: Tags::new(),
        }
    }
}

impl Registries {
    /// Reads the repositories that are wanted or were made, without asking for any by name: ECR answers a
    /// question for several with an error when one of them is missing.
    ///
    /// # Errors
    /// The fault of the first call that failed.
    pub async fn list(cloud: &Cloud, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let names = wanted.names(KIND);
        let mut registries = Self::default();
        if names.is_empty() {
            return Ok(registries);
        }
        let mut next = None;
        loop {
            let call = cloud.aws.ecr.describe_repositories().max_results(1000);
            let page = call
                .set_next_token(next)
                .send()
                .await
                .map_err(fault("ecr", "DescribeRepositories"))?;
            for found in page.repositories() {
                let name = found.repository_name().unwrap_or_default();
                if names.contains_key(name) {
                    let mut repository = Repository::of(found);
                    repository.tags = tags(cloud, &repository.arn).await?;
                    registries.repositories.insert(name.to_owned(), repository);
                }
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(registries);
            }
        }
    }
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
    let mut repository = Repository::of(found);
    repository.tags = tags(cloud, &repository.arn).await?;
    Ok(repository)
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
