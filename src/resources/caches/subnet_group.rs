//! ElastiCache's subnet groups.

use async_trait::async_trait;
use aws_sdk_elasticache::types::CacheSubnetGroup;

use super::inventory::tags_of;
use super::{retag, written};
use crate::cloud::{Cloud, Fault, fault};
use crate::environment::Environment;
use crate::resources::inventory::{Inventory, Seen};
use crate::resources::subnet_group::{Asked, Found, Service, Spec};
use crate::resources::{Observed, Tags};

/// ElastiCache, for [`SubnetGroup`](crate::resources::subnet_group::SubnetGroup).
pub struct ElastiCache;

fn found(group: &CacheSubnetGroup) -> Found {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let subnets = group.subnets().iter();
    Found {
        name: text(group.cache_subnet_group_name()),
        arn: text(group.arn()),
        description: text(group.cache_subnet_group_description()),
        subnets: subnets
            .map(|subnet| text(subnet.subnet_identifier()))
            .collect(),
    }
}

#[async_trait]
impl Service for ElastiCache {
    const KIND: &'static str = "cache.subnet-group";
    const OWNER: &'static str = "cache";

    fn asked(environment: &Environment) -> Vec<Asked<'_>> {
        let caches = environment.caches.iter();
        caches
            .map(|(key, asked)| (key.as_str(), asked.subnet_group.as_str(), &*asked.subnets))
            .collect()
    }

    fn listed(inventory: &Inventory) -> Seen<Vec<(Found, Tags)>> {
        let groups = inventory.caches.subnet_groups.as_ref();
        let groups = groups.map_err(Clone::clone)?.iter();
        Ok(groups
            .map(|(group, tags)| (found(group), tags.clone()))
            .collect())
    }

    async fn create(cloud: &Cloud, spec: &Spec) -> Result<(), Fault> {
        let call = cloud.aws.elasticache.create_cache_subnet_group();
        let call = call.cache_subnet_group_name(&spec.name);
        let call = call.cache_subnet_group_description(&spec.description);
        let call = call.set_subnet_ids(Some(spec.subnet_ids()));
        let answer = call.set_tags(Some(written(&spec.tags))).send().await;
        answer
            .map(drop)
            .map_err(fault("elasticache", "CreateCacheSubnetGroup"))
    }

    async fn describe(cloud: &Cloud, name: &str) -> Result<Found, Fault> {
        const OPERATION: &str = "DescribeCacheSubnetGroups";
        let call = cloud.aws.elasticache.describe_cache_subnet_groups();
        let answer = call.cache_subnet_group_name(name).send().await;
        let answer = answer.map_err(fault("elasticache", OPERATION))?;
        let group = answer.cache_subnet_groups().first().map(found);
        group.ok_or_else(|| Fault::incomplete("elasticache", OPERATION, "CacheSubnetGroup"))
    }

    async fn tags(cloud: &Cloud, arn: &str) -> Result<Tags, Fault> {
        tags_of(cloud, arn).await
    }

    async fn modify(cloud: &Cloud, spec: &Spec) -> Result<(), Fault> {
        let call = cloud.aws.elasticache.modify_cache_subnet_group();
        let call = call.cache_subnet_group_name(&spec.name);
        let call = call.cache_subnet_group_description(&spec.description);
        let answer = call.set_subnet_ids(Some(spec.subnet_ids())).send().await;
        answer
            .map(drop)
            .map_err(fault("elasticache", "ModifyCacheSubnetGroup"))
    }

    async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
        retag(cloud, observed, desired).await
    }

    async fn delete(cloud: &Cloud, name: &str) -> Result<(), Fault> {
        let call = cloud.aws.elasticache.delete_cache_subnet_group();
        let answer = call.cache_subnet_group_name(name).send().await;
        answer
            .map(drop)
            .map_err(fault("elasticache", "DeleteCacheSubnetGroup"))
    }
}
