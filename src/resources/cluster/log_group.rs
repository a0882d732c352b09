//! `cluster.log-group`: where the control plane's logs go, made before the cluster so that EKS does not make one that
//! keeps them for ever, and deleted after it, because EKS would make another.

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types::LogGroup as Found;
use serde::{Deserialize, Serialize};

use super::{log_group, part};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::Cluster as Asked;
use crate::resources::calls::{made_already, present};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, address_by_name, has, outputs};
use crate::resources::tags::changes;
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Kind, LOG_GROUP, Observed, Order, Owner, Tags,
    Unseen, Wanted,
};

/// The kind `cluster.log-group`.
pub struct LogGroup;

const KIND: &str = LOG_GROUP;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    /// 0: for ever.
    retention_days: i32,
    tags: Tags,
}

/// What EKS calls the log group of a cluster.
pub(super) fn name_for(cluster: &str) -> String {
    format!("/aws/eks/{cluster}/cluster")
}

/// The cluster whose log group has this name.
pub(super) fn cluster_in(name: &str) -> Option<&str> {
    name.strip_prefix("/aws/eks/")?.strip_suffix("/cluster")
}

fn desired(context: &Context<'_>, asked: &Asked) -> Desired {
    let address = log_group();
    let name = name_for(&asked.name);
    let days = asked.log_retention_days.unwrap_or_default();
    let spec = Spec {
        name: name.clone(),
        retention_days: i32::try_from(days).unwrap_or_default(),
        tags: context.ownership.tags(&address),
    };
    Desired::new(KIND, address, name, &spec)
}

fn observed(
    wanted: &Wanted<'_>,
    address: Address,
    (found, tags): (&Found, &Tags),
    of_cluster: &Owner,
) -> Observed {
    let name = found.log_group_name().unwrap_or_default();
    let spec = Spec {
        name: name.to_owned(),
        retention_days: found.retention_in_days().unwrap_or_default(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        tags: tags.clone(),
        condition: Condition::Ready,
        outputs: outputs([("id", Some(name)), ("arn", arn(found))]),
    };
    let observed = sighting.observed(wanted, address, &spec);
    Observed {
        owner: part::owner(observed.owner.clone(), of_cluster),
        ..observed
    }
}

/// Its ARN without what AWS puts behind it for its streams.
pub(super) fn arn(found: &Found) -> Option<&str> {
    let arn = found.log_group_arn().or_else(|| found.arn())?;
    Some(arn.strip_suffix(":*").unwrap_or(arn))
}

#[async_trait]
impl Kind for LogGroup {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::in_place("retention_days"),
                Field::in_place("tags"),
            ]
        }
    }

    fn holds_data(&self, _fields: &Fields) -> bool {
        true
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        let logging = cluster.filter(|cluster| !cluster.logging.is_empty());
        logging.map(|asked| desired(context, asked)).collect()
    }

    /// One without a lineage that has the name which EKS gives to our cluster's is what EKS made for it.
    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let groups = inventory.clusters.log_groups.as_ref();
        let sightings = groups
            .map_err(Clone::clone)?
            .iter()
            .filter_map(|(found, tags)| {
                let name = found.log_group_name()?;
                let address = address_by_name(KIND, wanted, name, tags)?;
                let of_cluster = inventory.clusters.owner(wanted, cluster_in(name)?);
                Some(observed(wanted, address, (found, tags), &of_cluster))
            });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.logs.create_log_group().log_group_name(&spec.name);
        let call = call.set_tags(Some(spec.tags.clone().into_iter().collect()));
        let answer = call.send().await.map_err(fault("logs", "CreateLogGroup"));
        made_already(self, cloud, order, spec.name, answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some(found) = described(cloud, id).await? else {
            return Ok(None);
        };
        let arn = arn(&found).unwrap_or_default().to_owned();
        let Some(tags) = present(tags_of(cloud, arn).await)? else {
            return Ok(None);
        };
        let (address, nobody) = (order.address.clone(), Owner::Other { lineage: None });
        Ok(Some(observed(
            &order.wanted,
            address,
            (&found, &tags),
            &nobody,
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
        let logs = &cloud.aws.logs;
        if has(changed, "tags") {
            let (set, unset) = changes(observed.fields.get("tags"), &spec.tags);
            let arn = observed.outputs.get("arn");
            let arn = arn.ok_or_else(|| Fault::incomplete("logs", "TagResource", "arn"))?;
            if !set.is_empty() {
                let call = logs.tag_resource().resource_arn(arn);
                let answer = call.set_tags(Some(set.into_iter().collect())).send().await;
                answer.map_err(fault("logs", "TagResource"))?;
            }
            if !unset.is_empty() {
                let call = logs.untag_resource().resource_arn(arn);
                let answer = call.set_tag_keys(Some(unset)).send().await;
                absent_is_done(answer.map_err(fault("logs", "UntagResource")))?;
            }
        }
        if has(changed, "retention_days") {
            if spec.retention_days == 0 {
                let call = logs.delete_retention_policy().log_group_name(&spec.name);
                let answer = call.send().await;
                answer.map_err(fault("logs", "DeleteRetentionPolicy"))?;
            } else {
                let call = logs.put_retention_policy().log_group_name(&spec.name);
                let answer = call.retention_in_days(spec.retention_days).send().await;
                answer.map_err(fault("logs", "PutRetentionPolicy"))?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.logs.delete_log_group().log_group_name(id);
        absent_is_done(call.send().await.map_err(fault("logs", "DeleteLogGroup")))
    }
}

/// The log group of exactly this name, or none.
pub(super) async fn described(cloud: &Cloud, name: &str) -> Result<Option<Found>, Fault> {
    let call = cloud.aws.logs.describe_log_groups();
    let call = call.log_group_name_prefix(name).into_paginator();
    let listed = call.items().send().try_collect().await;
    let listed = listed.map_err(fault("logs", "DescribeLogGroups"))?;
    let mut exact = listed.into_iter();
    Ok(exact.find(|found| found.log_group_name() == Some(name)))
}

/// The tags of a log group, which no list tells.
pub(super) async fn tags_of(cloud: &Cloud, arn: String) -> Result<Tags, Fault> {
    let answer = cloud.aws.logs.list_tags_for_resource().resource_arn(arn);
    let answer = answer.send().await;
    let answer = answer.map_err(fault("logs", "ListTagsForResource"))?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}
