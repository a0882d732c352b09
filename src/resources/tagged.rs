//! The index of what carries our environment's tag, from one call of the tagging service; and the tags of what
//! comes without them in its own service's list.
//!
//! The index is late: it neither lists what was made a moment ago, nor forgets at once what is gone. So it is
//! believed where it says what we want to hear, and otherwise the service itself is asked.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::inventory::{Seen, part};
use super::sighting::tags_from;
use super::{Owner, Ownership, TAG_ENVIRONMENT, Tags, Wanted};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, fault};

/// Tags by ARN.
pub type Index = BTreeMap<String, Tags>;

/// Everything in the region that carries our environment's tag, whatever its lineage.
pub(super) async fn index(cloud: &Cloud, ownership: &Ownership) -> Seen<Arc<Index>> {
    part(cloud, || list(cloud, ownership)).await.map(Arc::new)
}

async fn list(cloud: &Cloud, ownership: &Ownership) -> Result<Index, Fault> {
    let filter = TagFilter::builder()
        .key(TAG_ENVIRONMENT)
        .values(&ownership.environment)
        .build();
    let call = cloud.aws.tagging.get_resources().tag_filters(filter);
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("tagging", "GetResources"))?;
    let tagged = listed.iter().filter_map(|found| {
        let tags = tags_from(found.tags(), |tag| (Some(tag.key()), Some(tag.value())));
        Some((found.resource_arn()?.to_owned(), tags))
    });
    Ok(tagged.collect())
}

/// Whether what the index says of the resource at `address` needs no second opinion.
fn believed(wanted: &Wanted<'_>, address: &Address, tags: &Tags) -> bool {
    let desired = wanted.desired.get(address);
    let asked = desired.and_then(|desired| desired.fields.get("tags"));
    wanted.owner(tags) == Owner::Ours
        && asked.is_none_or(|asked| *asked == wanted.tags(address, tags))
}

/// What is ours or wanted out of `listed`, each with its tags. `name` gives the unique name and the ARN.
pub(super) async fn with_tags<T, F>(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    kind: &str,
    index: &Index,
    listed: Vec<T>,
    name: impl Fn(&T) -> (Option<&str>, Option<&str>),
    ask: impl Fn(String) -> F,
) -> Seen<Vec<(T, Tags)>>
where
    F: Future<Output = Result<Tags, Fault>>,
{
    let names = wanted.names(kind);
    let mut found = Vec::new();
    for item in listed {
        let (Some(name), Some(arn)) = name(&item) else {
            continue;
        };
        let indexed = index.get(arn);
        let tags = match (names.get(name), indexed) {
            (None, None) => continue,
            (None, Some(tags)) => tags.clone(),
            (Some(address), Some(tags)) if believed(wanted, address, tags) => tags.clone(),
            (Some(_), _) => {
                let arn = arn.to_owned();
                part(cloud, || ask(arn.clone())).await?
            }
        };
        found.push((item, tags));
    }
    Ok(found)
}
