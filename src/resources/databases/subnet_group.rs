//! `database.subnet-group`: the subnets that an RDS instance may stand in.

use async_trait::async_trait;
use aws_sdk_rds::types::DbSubnetGroup as Found;

use super::inventory::tags_of;
use super::{retag, written};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{address_by_name, has};
use crate::resources::subnet_group::{self, FIELDS, Spec};
use crate::resources::{Context, Desired, Field, Kind, Observed, Order, Tags, Unseen, Wanted};

/// The kind `database.subnet-group`.
pub struct SubnetGroup;

const KIND: &str = "database.subnet-group";

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found, tags: Tags) -> Observed {
    let subnets = found.subnets().iter();
    let found = subnet_group::Found {
        name: found.db_subnet_group_name().unwrap_or_default(),
        arn: found.db_subnet_group_arn(),
        description: found.db_subnet_group_description().unwrap_or_default(),
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
        let databases = context.environment.databases.iter();
        databases
            .map(|(key, asked)| {
                let owner = ["database", key];
                subnet_group::desired(KIND, context, &owner, &asked.subnet_group, &asked.subnets)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let groups = &inventory.databases.subnet_groups;
        let groups = groups.as_ref().map_err(Clone::clone)?.iter();
        let sightings = groups.filter_map(|(found, tags)| {
            let address = address_by_name(KIND, wanted, found.db_subnet_group_name()?, tags)?;
            Some(observed(wanted, address, found, tags.clone()))
        });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.rds.create_db_subnet_group();
            let call = call.db_subnet_group_name(&spec.name);
            let call = call.db_subnet_group_description(&spec.description);
            let call = call.set_subnet_ids(Some(spec.subnet_ids()));
            let answer = call.set_tags(Some(written(&spec.tags))).send().await;
            answer.map_err(fault("rds", "CreateDBSubnetGroup"))
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
        let call = cloud.aws.rds.describe_db_subnet_groups();
        let answer = call.db_subnet_group_name(id).send().await;
        let answer = present(answer.map_err(fault("rds", "DescribeDBSubnetGroups")))?;
        let Some(found) = answer.and_then(|answer| answer.db_subnet_groups?.into_iter().next())
        else {
            return Ok(None);
        };
        let arn = found.db_subnet_group_arn().unwrap_or_default();
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
            let call = cloud.aws.rds.modify_db_subnet_group();
            let call = call.db_subnet_group_name(&spec.name);
            let call = call.db_subnet_group_description(&spec.description);
            let answer = call.set_subnet_ids(Some(spec.subnet_ids())).send().await;
            answer.map_err(fault("rds", "ModifyDBSubnetGroup"))?;
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.rds.delete_db_subnet_group();
        let answer = call.db_subnet_group_name(id).send().await;
        absent_is_done(answer.map_err(fault("rds", "DeleteDBSubnetGroup")))
    }
}
