//! RDS's subnet groups.

use async_trait::async_trait;
use aws_sdk_rds::types::DbSubnetGroup;

use super::inventory::tags_of;
use super::{retag, written};
use crate::cloud::{Cloud, Fault, fault};
use crate::environment::Environment;
use crate::resources::inventory::{Inventory, Seen};
use crate::resources::subnet_group::{Asked, Found, Service, Spec};
use crate::resources::{Observed, Tags};

/// RDS, for [`SubnetGroup`](crate::resources::subnet_group::SubnetGroup).
pub struct Rds;

fn found(group: &DbSubnetGroup) -> Found {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let subnets = group.subnets().iter();
    Found {
        name: text(group.db_subnet_group_name()),
        arn: text(group.db_subnet_group_arn()),
        description: text(group.db_subnet_group_description()),
        subnets: subnets
            .map(|subnet| text(subnet.subnet_identifier()))
            .collect(),
    }
}

#[async_trait]
impl Service for Rds {
    const KIND: &'static str = "database.subnet-group";
    const OWNER: &'static str = "database";

    fn asked(environment: &Environment) -> Vec<Asked<'_>> {
        let databases = environment.databases.iter();
        databases
            .map(|(key, asked)| (key.as_str(), asked.subnet_group.as_str(), &*asked.subnets))
            .collect()
    }

    fn listed(inventory: &Inventory) -> Seen<Vec<(Found, Tags)>> {
        let groups = inventory.databases.subnet_groups.as_ref();
        let groups = groups.map_err(Clone::clone)?.iter();
        Ok(groups
            .map(|(group, tags)| (found(group), tags.clone()))
            .collect())
    }

    async fn create(cloud: &Cloud, spec: &Spec) -> Result<(), Fault> {
        let call = cloud.aws.rds.create_db_subnet_group();
        let call = call.db_subnet_group_name(&spec.name);
        let call = call.db_subnet_group_description(&spec.description);
        let call = call.set_subnet_ids(Some(spec.subnet_ids()));
        let answer = call.set_tags(Some(written(&spec.tags))).send().await;
        answer
            .map(drop)
            .map_err(fault("rds", "CreateDBSubnetGroup"))
    }

    async fn describe(cloud: &Cloud, name: &str) -> Result<Found, Fault> {
        let call = cloud.aws.rds.describe_db_subnet_groups();
        let answer = call.db_subnet_group_name(name).send().await;
        let answer = answer.map_err(fault("rds", "DescribeDBSubnetGroups"))?;
        let group = answer.db_subnet_groups().first().map(found);
        group.ok_or_else(|| Fault::incomplete("rds", "DescribeDBSubnetGroups", "DBSubnetGroup"))
    }

    async fn tags(cloud: &Cloud, arn: &str) -> Result<Tags, Fault> {
        tags_of(cloud, arn).await
    }

    async fn modify(cloud: &Cloud, spec: &Spec) -> Result<(), Fault> {
        let call = cloud.aws.rds.modify_db_subnet_group();
        let call = call.db_subnet_group_name(&spec.name);
        let call = call.db_subnet_group_description(&spec.description);
        let answer = call.set_subnet_ids(Some(spec.subnet_ids())).send().await;
        answer
            .map(drop)
            .map_err(fault("rds", "ModifyDBSubnetGroup"))
    }

    async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
        retag(cloud, observed, desired).await
    }

    async fn delete(cloud: &Cloud, name: &str) -> Result<(), Fault> {
        let call = cloud.aws.rds.delete_db_subnet_group();
        let answer = call.db_subnet_group_name(name).send().await;
        answer
            .map(drop)
            .map_err(fault("rds", "DeleteDBSubnetGroup"))
    }
}
