//! What ElastiCache holds of the environment. A replication group does not say its version, its security groups
//! or its subnet group: its member clusters do.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_elasticache::types::{CacheCluster, CacheSubnetGroup, ReplicationGroup};

use super::replication_group::KIND;
use crate::cloud::{Cloud, Fault, Retry, fault, retry};
use crate::resources::inventory::{Seen, part};
use crate::resources::sighting::tags_from;
use crate::resources::tagged::{Index, with_tags};
use crate::resources::{Tags, Wanted};

/// ElastiCache's part of the inventory: what is ours or wanted, with its tags.
#[derive(Clone, Debug)]
pub struct Caches {
    /// Replication groups.
    pub groups: Seen<Vec<(FoundGroup, Tags)>>,
    /// Subnet groups.
    pub subnet_groups: Seen<Vec<(CacheSubnetGroup, Tags)>>,
}

/// A replication group with its members.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundGroup {
    /// The group.
    pub group: ReplicationGroup,
    /// The first of its member clusters, when there is one yet; all are alike.
    pub member: Option<CacheCluster>,
}

impl Caches {
    /// What there is without an account.
    pub fn none() -> Self {
        Self {
            groups: Ok(Vec::new()),
            subnet_groups: Ok(Vec::new()),
        }
    }

    /// Lists all of it at once.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Self {
        let (groups, members, subnet_groups, index) = futures::join!(
            part(cloud, || groups(cloud)),
            part(cloud, || members(cloud)),
            part(cloud, || subnet_groups(cloud)),
            index,
        );
        let (groups, subnet_groups) = futures::join!(
            tagged_groups(cloud, wanted, groups, members, &index),
            tagged_subnet_groups(cloud, wanted, subnet_groups, &index),
        );
        Self {
            groups,
            subnet_groups,
        }
    }
}

async fn tagged_groups(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    groups: Seen<Vec<ReplicationGroup>>,
    members: Seen<Vec<CacheCluster>>,
    index: &Seen<Arc<Index>>,
) -> Seen<Vec<(FoundGroup, Tags)>> {
    let members = members?;
    let with_member = |group: ReplicationGroup| {
        let first = group.member_clusters().iter().min();
        let member = members.iter().find(|member| {
            member.cache_cluster_id().is_some()
                && member.cache_cluster_id() == first.map(String::as_str)
        });
        FoundGroup {
            member: member.cloned(),
            group,
        }
    };
    let listed = groups?.into_iter().map(with_member).collect();
    with_tags(
        cloud,
        wanted,
        KIND,
        index.as_ref().map_err(Clone::clone)?,
        listed,
        |found: &FoundGroup| (found.group.replication_group_id(), found.group.arn()),
        |arn| async move { tags_in_time(cloud, wanted, &arn).await },
    )
    .await
}

async fn tagged_subnet_groups(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    groups: Seen<Vec<CacheSubnetGroup>>,
    index: &Seen<Arc<Index>>,
) -> Seen<Vec<(CacheSubnetGroup, Tags)>> {
    with_tags(
        cloud,
        wanted,
        "cache.subnet-group",
        index.as_ref().map_err(Clone::clone)?,
        groups?,
        |group: &CacheSubnetGroup| (group.cache_subnet_group_name(), group.arn()),
        |arn| async move { tags_of(cloud, &arn).await },
    )
    .await
}

async fn groups(cloud: &Cloud) -> Result<Vec<ReplicationGroup>, Fault> {
    let call = cloud.aws.elasticache.describe_replication_groups();
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("elasticache", "DescribeReplicationGroups"))
}

async fn members(cloud: &Cloud) -> Result<Vec<CacheCluster>, Fault> {
    let call = cloud.aws.elasticache.describe_cache_clusters();
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("elasticache", "DescribeCacheClusters"))
}

async fn subnet_groups(cloud: &Cloud) -> Result<Vec<CacheSubnetGroup>, Fault> {
    let call = cloud.aws.elasticache.describe_cache_subnet_groups();
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("elasticache", "DescribeCacheSubnetGroups"))
}

/// The group of this id with its first member; a fault that says "absent" when there is none.
pub(super) async fn describe(cloud: &Cloud, id: &str) -> Result<FoundGroup, Fault> {
    let cache = &cloud.aws.elasticache;
    let call = cache.describe_replication_groups().replication_group_id(id);
    let answer = call.send().await;
    let answer = answer.map_err(fault("elasticache", "DescribeReplicationGroups"))?;
    let group = answer.replication_groups.unwrap_or_default().pop();
    let group = group.ok_or_else(|| {
        Fault::incomplete(
            "elasticache",
            "DescribeReplicationGroups",
            "ReplicationGroup",
        )
    })?;
    let member = match group.member_clusters().iter().min() {
        None => None,
        Some(first) => {
            let call = cache.describe_cache_clusters().cache_cluster_id(first);
            let answer = call.send().await;
            let answer = answer.map_err(fault("elasticache", "DescribeCacheClusters"));
            let found = crate::resources::calls::present(answer)?;
            found.and_then(|found| found.cache_clusters?.pop())
        }
    };
    Ok(FoundGroup { group, member })
}

/// How long a group may take to become available, and its tags to be told (FACTS §4).
const UNAVAILABLE: Duration = Duration::from_secs(600);

/// The tags of a replication group, which ElastiCache tells only while it is available. Until then those of a group
/// that the state knows are what we gave it; whose any other is stays unknown.
async fn tags_in_time(cloud: &Cloud, wanted: &Wanted<'_>, arn: &str) -> Result<Tags, Fault> {
    let given = tags_given(wanted, arn.rsplit(':').next().unwrap_or_default());
    retry(&*cloud.clock, Retry::Certain, UNAVAILABLE, || async {
        match (tags_of(cloud, arn).await, &given) {
            (Err(fault), Some(given)) if fault.code == UNAVAILABLE_CODE => Ok(given.clone()),
            (answer, _) => answer,
        }
    })
    .await
}

/// With this code ElastiCache refuses whatever needs an available group.
const UNAVAILABLE_CODE: &str = "InvalidReplicationGroupState";

/// The tags that the group with this id was given, if the state knows that it is ours.
pub(super) fn tags_given(wanted: &Wanted<'_>, id: &str) -> Option<Tags> {
    let address = wanted.ids(KIND).remove(id)?;
    let mut known = wanted.known().filter(|(known, ..)| *known == address);
    let tags = known.find_map(|(.., fields)| fields.get("tags").cloned());
    let tags = tags.and_then(|tags| serde_json::from_value(tags).ok());
    Some(tags.unwrap_or_else(|| wanted.ownership.tags(address)))
}

/// The tags that ElastiCache itself knows.
pub(super) async fn tags_of(cloud: &Cloud, arn: &str) -> Result<Tags, Fault> {
    let call = cloud.aws.elasticache.list_tags_for_resource();
    let answer = call.resource_name(arn).send().await;
    let answer = answer.map_err(fault("elasticache", "ListTagsForResource"))?;
    Ok(tags_from(answer.tag_list(), |tag| (tag.key(), tag.value())))
}
