//! Section `databases`: RDS instances and their subnet groups.

mod check;
mod instance;
pub mod inventory;
mod password;
mod subnet_group;
#[cfg(test)]
mod tests;

pub use instance::Instance;

use aws_sdk_rds::types::Tag;

use super::subnet_group::SubnetGroup;
use super::tags::changes;
use super::{Observed, Tags};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};

/// The kind `database.subnet-group`.
pub const SUBNET_GROUP: SubnetGroup<subnet_group::Rds> = SubnetGroup::new();

/// Where the instance of the database with this key stands.
pub fn instance(key: &str) -> Address {
    Address::of(&["database", key, "instance"])
}

/// Tags as RDS takes them.
fn written(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Sets tags.
async fn tag(cloud: &Cloud, arn: &str, tags: &Tags) -> Result<(), Fault> {
    let call = cloud.aws.rds.add_tags_to_resource().resource_name(arn);
    let answer = call.set_tags(Some(written(tags))).send().await;
    answer.map(drop).map_err(fault("rds", "AddTagsToResource"))
}

/// Brings the tags in line.
async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
    let (set, unset) = changes(observed.fields.get("tags"), desired);
    let arn = arn(observed)?;
    if !set.is_empty() {
        tag(cloud, arn, &set).await?;
    }
    if !unset.is_empty() {
        let call = cloud.aws.rds.remove_tags_from_resource().resource_name(arn);
        let answer = call.set_tag_keys(Some(unset)).send().await;
        absent_is_done(answer.map_err(fault("rds", "RemoveTagsFromResource")))?;
    }
    Ok(())
}

fn arn(observed: &Observed) -> Result<&str, Fault> {
    let arn = observed.outputs.get("arn").map(String::as_str);
    arn.ok_or_else(|| Fault::incomplete("rds", "AddTagsToResource", "arn"))
}
