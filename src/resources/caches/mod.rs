//! Section `caches`: ElastiCache replication groups and their subnet groups.

pub mod inventory;
mod replication_group;
mod subnet_group;
#[cfg(test)]
mod tests;

pub use replication_group::ReplicationGroup;

use aws_sdk_elasticache::types::Tag;

use super::subnet_group::SubnetGroup;
use super::tags::changes;
use super::{Observed, Tags};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};

/// The kind `cache.subnet-group`.
pub const SUBNET_GROUP: SubnetGroup<subnet_group::ElastiCache> = SubnetGroup::new();

/// Where the replication group of the cache with this key stands.
pub fn replication_group(key: &str) -> Address {
    Address::of(&["cache", key, "replication-group"])
}

/// Tags as ElastiCache takes them.
fn written(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Brings the tags in line.
async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
    let (set, unset) = changes(observed.fields.get("tags"), desired);
    let arn = observed
        .outputs
        .get("arn")
        .ok_or_else(|| Fault::incomplete("elasticache", "AddTagsToResource", "arn"))?;
    let cache = &cloud.aws.elasticache;
    if !set.is_empty() {
        let call = cache.add_tags_to_resource().resource_name(arn);
        let answer = call.set_tags(Some(written(&set))).send().await;
        answer.map_err(fault("elasticache", "AddTagsToResource"))?;
    }
    if !unset.is_empty() {
        let call = cache.remove_tags_from_resource().resource_name(arn);
        let answer = call.set_tag_keys(Some(unset)).send().await;
        absent_is_done(answer.map_err(fault("elasticache", "RemoveTagsFromResource")))?;
    }
    Ok(())
}
