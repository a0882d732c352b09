//! What all kinds of EC2 share: tags, filters, and how one of many is recognised.

use aws_sdk_ec2::types::{
    Address as ElasticIp, Filter, InternetGateway, NatGateway, ResourceType, RouteTable,
    SecurityGroup, Subnet, Tag, TagSpecification,
};

use super::inventory::FoundVpc;
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::fresh;
use crate::resources::inventory::Seen;
use crate::resources::sighting::{address_by_tag, tags_from};
use crate::resources::tags::changes;
use crate::resources::{Observed, TAG_ENVIRONMENT, Tags, Unseen, Wanted};

/// What EC2 gives an id and tags.
pub(super) trait Tagged {
    /// The id that EC2 gave.
    fn id(&self) -> &str;
    /// The tags as EC2 gives them.
    fn list(&self) -> &[Tag];

    /// The tags.
    fn tags(&self) -> Tags {
        tags_from(self.list(), |tag| (tag.key(), tag.value()))
    }

    /// The tag `Name`; the id where there is none.
    fn name(&self) -> String {
        let tags = self.tags();
        tags.get("Name")
            .map_or(self.id(), String::as_str)
            .to_owned()
    }
}

macro_rules! tagged {
    ($($found:ty: $id:ident),* $(,)?) => {$(
        impl Tagged for $found {
            fn id(&self) -> &str {
                self.$id().unwrap_or_default()
            }
            fn list(&self) -> &[Tag] {
                self.tags()
            }
        }
    )*};
}

tagged! {
    ElasticIp: allocation_id,
    InternetGateway: internet_gateway_id,
    NatGateway: nat_gateway_id,
    RouteTable: route_table_id,
    SecurityGroup: group_id,
    Subnet: subnet_id,
}

impl Tagged for FoundVpc {
    fn id(&self) -> &str {
        self.vpc.vpc_id().unwrap_or_default()
    }
    fn list(&self) -> &[Tag] {
        self.vpc.tags()
    }
}

/// Out of all that was found, what stands at an address of ours.
pub(super) fn sightings<T: Tagged>(
    kind: &str,
    wanted: &Wanted<'_>,
    found: &Seen<Vec<T>>,
    observed: impl Fn(&Wanted<'_>, Address, &T) -> Observed,
) -> Result<Vec<Observed>, Unseen> {
    let found = found.as_ref().map_err(Clone::clone)?;
    let sightings = found.iter().filter_map(|item| {
        let address = address_by_tag(kind, wanted, item.id(), &item.tags())?;
        Some(observed(wanted, address, item))
    });
    Ok(sightings.collect())
}

/// Lets through what has one of these values.
pub(in crate::resources) fn filter<'a>(
    name: &str,
    values: impl IntoIterator<Item = &'a str>,
) -> Filter {
    let values = values.into_iter().map(str::to_owned).collect();
    Filter::builder()
        .name(name)
        .set_values(Some(values))
        .build()
}

/// Lets through what carries the tag of our environment, whatever its lineage.
pub(super) fn of_environment(wanted: &Wanted<'_>) -> Filter {
    filter(
        &format!("tag:{TAG_ENVIRONMENT}"),
        [wanted.ownership.environment.as_str()],
    )
}

/// The tags that a create gives at once, so that nothing is ever without them.
pub(super) fn specification(resource: ResourceType, tags: &Tags) -> TagSpecification {
    TagSpecification::builder()
        .resource_type(resource)
        .set_tags(Some(written(tags)))
        .build()
}

fn written(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// Brings the tags in line.
pub(super) async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
    let (set, unset) = changes(observed.fields.get("tags"), desired);
    let id = observed.id.as_str();
    if !set.is_empty() {
        fresh(cloud, || async {
            let call = cloud.aws.ec2.create_tags().resources(id);
            let answer = call.set_tags(Some(written(&set))).send().await;
            answer.map_err(fault("ec2", "CreateTags"))
        })
        .await?;
    }
    if !unset.is_empty() {
        let keys = unset.iter().map(|key| Tag::builder().key(key).build());
        let call = cloud.aws.ec2.delete_tags().resources(id);
        let answer = call.set_tags(Some(keys.collect())).send().await;
        absent_is_done(answer.map_err(fault("ec2", "DeleteTags")))?;
    }
    Ok(())
}
