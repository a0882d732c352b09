//! What RDS holds of the environment.

use std::sync::Arc;

use aws_sdk_rds::types::{DbInstance, DbSubnetGroup, Tag};

use crate::cloud::{Cloud, Fault, fault};
use crate::resources::inventory::{Seen, part};
use crate::resources::sighting::tags_from;
use crate::resources::tagged::{Index, with_tags};
use crate::resources::{Tags, Wanted};

/// RDS's part of the inventory.
#[derive(Clone, Debug)]
pub struct Databases {
    /// All instances of the region; they carry their tags.
    pub instances: Seen<Vec<DbInstance>>,
    /// Subnet groups that are ours or wanted, with their tags.
    pub subnet_groups: Seen<Vec<(DbSubnetGroup, Tags)>>,
}

impl Databases {
    /// What there is without an account.
    pub fn none() -> Self {
        Self {
            instances: Ok(Vec::new()),
            subnet_groups: Ok(Vec::new()),
        }
    }

    /// Lists both at once.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Self {
        let (instances, subnet_groups) = futures::join!(
            part(cloud, || instances(cloud)),
            tagged_subnet_groups(cloud, wanted, index),
        );
        Self {
            instances,
            subnet_groups,
        }
    }
}

async fn tagged_subnet_groups(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    index: impl Future<Output = Seen<Arc<Index>>>,
) -> Seen<Vec<(DbSubnetGroup, Tags)>> {
    let (groups, index) = futures::join!(part(cloud, || subnet_groups(cloud)), index);
    with_tags(
        cloud,
        wanted,
        "database.subnet-group",
        &*index?,
        groups?,
        |group| (group.db_subnet_group_name(), group.db_subnet_group_arn()),
        |arn| async move { tags_of(cloud, &arn).await },
    )
    .await
}

async fn instances(cloud: &Cloud) -> Result<Vec<DbInstance>, Fault> {
    let call = cloud.aws.rds.describe_db_instances();
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("rds", "DescribeDBInstances"))
}

async fn subnet_groups(cloud: &Cloud) -> Result<Vec<DbSubnetGroup>, Fault> {
    let call = cloud.aws.rds.describe_db_subnet_groups();
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("rds", "DescribeDBSubnetGroups"))
}

/// The tags that RDS itself knows.
pub(super) async fn tags_of(cloud: &Cloud, arn: &str) -> Result<Tags, Fault> {
    let call = cloud.aws.rds.list_tags_for_resource().resource_name(arn);
    let answer = call.send().await;
    let answer = answer.map_err(fault("rds", "ListTagsForResource"))?;
    Ok(tags(answer.tag_list()))
}

/// Tags as RDS gives them.
pub(super) fn tags(tags: &[Tag]) -> Tags {
    tags_from(tags, |tag| (tag.key(), tag.value()))
}
