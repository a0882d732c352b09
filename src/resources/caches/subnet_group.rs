//! `cache.subnet-group`: the subnets that a replication group may stand in.

use async_trait::async_trait;
use aws_sdk_elasticache::types::CacheSubnetGroup as Found;

use super::inventory::tags_of;
use super::{retag, written};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{address_by_name, has};
use crate::resources::subnet_group::{self, FIELDS, Spec};
use crate::resources::{Context, Desired, Field, Kind, Observed, Order, Tags, Unseen, Wanted};

/// The kind `cache.subnet-group`.
pub struct SubnetGroup;

const KIND: &str = "cache.subnet-group";

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found, tags: Tags) -> Observed {
    let subnets = found.subnets().iter();
    let found = subnet_group::Found {
        name: found.cache_subnet_group_name().unwrap_or_default(),
        arn: found.arn(),
        description: found.cache_subnet_group_description().unwrap_or_default(),
        subnets: subnets
            .filter_map(|subnet| subnet.subnet_identifier())
            .collect(),
        tags,
    };
    subnet_group::observed(KIND, wanted, address, found)
}

#[async_trait]
impl Kind for SubnetGroup {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let caches = context.environment.caches.iter();
        caches
            .map(|(key, asked)| {
                let owner = ["cache", key];
                subnet_group::desired(KIND, context, &owner, &asked.subnet_group, &asked.subnets)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let groups = &inventory.caches.subnet_groups;
        let groups = groups.as_ref().map_err(Clone::clone)?.iter();
        let sightings = groups.filter_map(|(found, tags)| {
            let address = address_by_name(KIND, wanted, found.cache_subnet_group_name()?, tags)?;
            Some(observed(wanted, address, found, tags.clone()))
        });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.elasticache.create_cache_subnet_group();
            let call = call.cache_subnet_group_name(&spec.name);
            let call = call.cache_subnet_group_description(&spec.description);
            let call = call.set_subnet_ids(Some(spec.subnet_ids()));
            let answer = call.set_tags(Some(written(&spec.tags))).send().await;
            answer.map_err(fault("elasticache", "CreateCacheSubnetGroup"))
        })
        .await;
        made_already(self, cloud, order, spec.name.clone(), answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let call = cloud.aws.elasticache.describe_cache_subnet_groups();
        let answer = call.cache_subnet_group_name(id).send().await;
        let answer = present(answer.map_err(fault("elasticache", "DescribeCacheSubnetGroups")))?;
        let Some(found) = answer.and_then(|answer| answer.cache_subnet_groups?.pop()) else {
            return Ok(None);
        };
        let arn = found.arn().unwrap_or_default();
        let Some(tags) = present(tags_of(cloud, arn).await)? else {
            return Ok(None);
        };
        Ok(Some(observed(
            &order.wanted,
            order.address.clone(),
            &found,
            tags,
        )))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "subnets") || has(changed, "description") {
            let call = cloud.aws.elasticache.modify_cache_subnet_group();
            let call = call.cache_subnet_group_name(&spec.name);
            let call = call.cache_subnet_group_description(&spec.description);
            let answer = call.set_subnet_ids(Some(spec.subnet_ids())).send().await;
            answer.map_err(fault("elasticache", "ModifyCacheSubnetGroup"))?;
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.elasticache.delete_cache_subnet_group();
        let answer = call.cache_subnet_group_name(id).send().await;
        absent_is_done(answer.map_err(fault("elasticache", "DeleteCacheSubnetGroup")))
    }
}
