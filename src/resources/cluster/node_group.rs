//! `cluster.node-group`: the machines that pods run on, managed by EKS.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_ec2::types::Filter;
use aws_sdk_eks::types::{
    Nodegroup as Found, NodegroupScalingConfig, NodegroupStatus, Taint as EksTaint,
    UpdateLabelsPayload, UpdateTaintsPayload,
};
use serde::{Deserialize, Serialize};

use super::inventory::describe_node_group;
use super::{addon, control_plane, hindrance, node_group, part, retag, updates, worker_role};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::{Capacity, NodeGroup as Asked, Taint as AskedTaint, TaintEffect};
use crate::resources::calls::{fresh, made_already};
use crate::resources::iam::role;
use crate::resources::inventory::Inventory;
use crate::resources::network::{route_table, subnet_ids};
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Input, Kind, NODE_GROUP, Observed, Order, Outcome,
    Problem, Tags, Unseen, Usual, Wanted,
};

/// The kind `cluster.node-group`.
pub struct NodeGroup;

const KIND: &str = NODE_GROUP;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    cluster: Input,
    /// The ARN of the nodes' role.
    role: Input,
    subnets: Vec<Input>,
    /// In order of preference.
    instance_types: Vec<String>,
    disk_gib: i32,
    ami_type: String,
    capacity: String,
    min: i32,
    desired: i32,
    max: i32,
    labels: BTreeMap<String, String>,
    taints: Vec<Taint>,
    /// None where the file leaves the cluster's version to EKS.
    version: Option<String>,
    tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Taint {
    key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    effect: String,
}

impl From<&AskedTaint> for Taint {
    fn from(asked: &AskedTaint) -> Self {
        let effect = match asked.effect {
            TaintEffect::NoSchedule => "NO_SCHEDULE",
            TaintEffect::PreferNoSchedule => "PREFER_NO_SCHEDULE",
            TaintEffect::NoExecute => "NO_EXECUTE",
        };
        Self {
            key: asked.key.clone(),
            value: asked.value.clone(),
            effect: effect.to_owned(),
        }
    }
}

impl From<&EksTaint> for Taint {
    fn from(found: &EksTaint) -> Self {
        let value = found.value().filter(|value| !value.is_empty());
        let effect = found.effect().map(|effect| effect.as_str());
        Self {
            key: found.key().unwrap_or_default().to_owned(),
            value: value.map(str::to_owned),
            effect: effect.unwrap_or_default().to_owned(),
        }
    }
}

impl Taint {
    fn written(&self) -> EksTaint {
        EksTaint::builder()
            .key(&self.key)
            .set_value(self.value.clone())
            .effect(self.effect.as_str().into())
            .build()
    }
}

fn desired(context: &Context<'_>, key: &str, asked: &Asked) -> Desired {
    let address = node_group(key);
    let cluster = context.environment.cluster.as_ref();
    let role = cluster.map_or("", |cluster| &cluster.worker_role);
    let mut taints: Vec<Taint> = asked.taints.iter().map(Taint::from).collect();
    taints.sort();
    let capacity = match asked.capacity {
        Capacity::OnDemand => "ON_DEMAND",
        Capacity::Spot => "SPOT",
    };
    let spec = Spec {
        name: asked.name.clone(),
        cluster: Input::of(&control_plane(), "id"),
        role: role::arn(context, role),
        subnets: subnet_ids(&asked.subnets),
        instance_types: asked.instance_types.clone(),
        disk_gib: int(asked.disk_gib),
        ami_type: asked.ami_type.clone(),
        capacity: capacity.to_owned(),
        min: int(asked.min),
        desired: int(asked.desired),
        max: int(asked.max),
        labels: asked.labels.clone(),
        taints,
        version: cluster.and_then(|cluster| cluster.version.clone()),
        tags: context.ownership.named(&address, &asked.name),
    };
    let desired = Desired::new(KIND, address, &asked.name, &spec).after(worker_role());
    let addons = cluster.iter().flat_map(|cluster| &cluster.addons);
    let needed = addons.filter(|(_, addon)| addon.before_nodes);
    let desired = needed.fold(desired, |desired, (name, _)| desired.after(addon(name)));
    // Nodes join only through the routes of their subnets.
    let network = context.environment.network.iter();
    let tables = network.flat_map(|network| &network.route_tables);
    let theirs =
        tables.filter(|(_, table)| asked.subnets.iter().any(|s| table.subnets.contains(s)));
    theirs.fold(desired, |desired, (key, _)| desired.after(route_table(key)))
}

/// The file's numbers are checked to be small.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn condition(found: &Found) -> Condition {
    match found.status() {
        None | Some(NodegroupStatus::Active) => Condition::Ready,
        Some(NodegroupStatus::Deleting) => Condition::Deleting,
        Some(status @ (NodegroupStatus::CreateFailed | NodegroupStatus::DeleteFailed)) => {
            let issues = found.health().map(|health| health.issues()).unwrap_or(&[]);
            let issues = issues.iter().map(|issue| {
                let code = issue.code().map_or("unknown", |code| code.as_str());
                format!("{code}: {}", issue.message().unwrap_or("no message"))
            });
            let issues: Vec<String> = issues.collect();
            Condition::Failed(format!("{}: {}", status.as_str(), issues.join("; ")))
        }
        Some(other) => Condition::Settling(other.as_str().to_owned()),
    }
}

fn tags(found: &Found) -> Tags {
    let tags = found.tags().into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let name = found.nodegroup_name().unwrap_or_default();
    let cluster = found.cluster_name().unwrap_or_default();
    let mut subnets: Vec<Input> = found
        .subnets()
        .iter()
        .map(|id| id.as_str().into())
        .collect();
    subnets.sort();
    let mut taints: Vec<Taint> = found.taints().iter().map(Taint::from).collect();
    taints.sort();
    let size = |of: fn(&NodegroupScalingConfig) -> Option<i32>| {
        found.scaling_config().and_then(of).unwrap_or_default()
    };
    let ami_type = found.ami_type().map(|ami| ami.as_str());
    let capacity = found.capacity_type().map(|capacity| capacity.as_str());
    let labels = found.labels().into_iter().flatten();
    let spec = Spec {
        name: name.to_owned(),
        cluster: cluster.into(),
        role: found.node_role().unwrap_or_default().into(),
        subnets,
        instance_types: found.instance_types().to_vec(),
        disk_gib: found.disk_size().unwrap_or_default(),
        ami_type: ami_type.unwrap_or_default().to_owned(),
        capacity: capacity.unwrap_or_default().to_owned(),
        min: size(NodegroupScalingConfig::min_size),
        desired: size(NodegroupScalingConfig::desired_size),
        max: size(NodegroupScalingConfig::max_size),
        labels: labels.map(|(k, v)| (k.clone(), v.clone())).collect(),
        taints,
        version: found.version().map(str::to_owned),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: part::id(cluster, name),
        name: name.to_owned(),
        tags: tags(found),
        condition: condition(found),
        outputs: outputs([
            ("id", found.nodegroup_name()),
            ("arn", found.nodegroup_arn()),
            ("version", found.version()),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for NodeGroup {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::replaces("cluster"),
                Field::replaces("role"),
                Field::replaces("subnets"),
                // EKS takes on-demand machines of the first type that it can get.
                Field::replaces("instance_types").in_order(),
                Field::replaces("disk_gib"),
                Field::replaces("ami_type"),
                Field::replaces("capacity"),
                Field::in_place("min"),
                Field::in_place("desired"),
                Field::in_place("max"),
                Field::in_place("labels"),
                Field::in_place("taints"),
                Field::in_place("version"),
                Field::in_place("tags"),
            ]
        }
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(140, 30, 140)
    }

    fn outputs_changed_by(&self, changed: &[String]) -> &'static [&'static str] {
        match has(changed, "version") {
            true => &["version"],
            false => &[],
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        let groups = cluster.flat_map(|cluster| &cluster.node_groups);
        groups
            .map(|(key, asked)| desired(context, key, asked))
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let groups = &inventory.clusters.node_groups;
        let groups = groups.as_ref().map_err(Clone::clone)?.iter();
        let sightings = groups.filter_map(|found| {
            let names = (found.cluster_name()?, found.nodegroup_name()?);
            let address = part::address(wanted, KIND, names, &tags(found))?;
            Some(observed(wanted, address, found))
        });
        Ok(sightings.collect())
    }

    async fn check(
        &self,
        cloud: &Cloud,
        _inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let types = desired.fields.get("instance_types").cloned();
        let types: Vec<String> =
            serde_json::from_value(types.unwrap_or_default()).unwrap_or_default();
        let by = Filter::builder()
            .name("instance-type")
            .set_values(Some(types.clone()));
        let call = cloud.aws.ec2.describe_instance_type_offerings();
        let offers = call.filters(by.build()).into_paginator().items().send();
        let offers = offers.try_collect().await;
        let offers = offers.map_err(fault("ec2", "DescribeInstanceTypeOfferings"))?;
        let offered = |name: &str| {
            offers.iter().any(|offer| {
                offer
                    .instance_type()
                    .is_some_and(|offer| offer.as_str() == name)
            })
        };
        let missing = types.iter().filter(|name| !offered(name));
        let problem = |name| Problem {
            address: desired.address.clone(),
            message: format!("EC2 offers no {name} in this region"),
        };
        Ok(missing.map(problem).collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let subnets: Vec<String> = spec.subnets.iter().map(|id| id.text().to_owned()).collect();
        let answer = fresh(cloud, || async {
            let call = cloud.aws.eks.create_nodegroup();
            let call = call.cluster_name(spec.cluster.text());
            let call = call.nodegroup_name(&spec.name).node_role(spec.role.text());
            let call = call.set_subnets(Some(subnets.clone()));
            let call = call.set_instance_types(Some(spec.instance_types.clone()));
            let call = call
                .disk_size(spec.disk_gib)
                .ami_type(spec.ami_type.as_str().into());
            let call = call.capacity_type(spec.capacity.as_str().into());
            let call = call.scaling_config(scaling(&spec));
            let call = call.set_labels(Some(spec.labels.clone().into_iter().collect()));
            let taints = spec.taints.iter().map(Taint::written).collect();
            let call = call
                .set_taints(Some(taints))
                .set_version(spec.version.clone());
            let call = call.set_tags(Some(spec.tags.clone().into_iter().collect()));
            let answer = call.client_request_token(order.token).send().await;
            answer.map_err(fault("eks", "CreateNodegroup"))
        })
        .await;
        let id = part::id(spec.cluster.text(), &spec.name);
        made_already(self, cloud, order, id, answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let (cluster, name) = part::names(id);
        let found = describe_node_group(cloud, &(cluster.to_owned(), name.to_owned())).await?;
        Ok(found.map(|found| observed(&order.wanted, order.address.clone(), &found)))
    }

    async fn hindrance(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<String>, Fault> {
        let (cluster, _) = part::names(id);
        let spec: Spec = order.spec()?;
        let subnets: Vec<String> = spec.subnets.iter().map(|id| id.text().to_owned()).collect();
        let found = hindrance::find(cloud, cluster, spec.role.text(), &subnets).await?;
        Ok((!found.is_empty()).then(|| found.join("; ")))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let begun = self.begin_update(cloud, order, observed, changed).await;
        begun.map(drop)
    }

    /// EKS makes one change of a node group at a time: the version follows when the others are done.
    async fn begin_update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<Option<String>, Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        let any = |fields: &[&str]| fields.iter().any(|field| has(changed, field));
        let (cluster, name) = part::names(&observed.id);
        if any(&["min", "desired", "max", "labels", "taints"]) {
            let call = cloud.aws.eks.update_nodegroup_config();
            let call = call.cluster_name(cluster).nodegroup_name(name);
            let sizes = any(&["min", "desired", "max"]).then(|| scaling(&spec));
            let labels = has(changed, "labels").then(|| labels(&observed.fields, &spec));
            let taints = has(changed, "taints").then(|| taints(&observed.fields, &spec));
            let call = call.set_scaling_config(sizes).set_labels(labels);
            let answer = call.set_taints(taints).send().await;
            let answer = answer.map_err(fault("eks", "UpdateNodegroupConfig"));
            return updates::begun(answer.map(|answer| answer.update));
        }
        if has(changed, "version") {
            let call = cloud.aws.eks.update_nodegroup_version();
            let call = call.cluster_name(cluster).nodegroup_name(name);
            let answer = call.set_version(spec.version).send().await;
            let answer = answer.map_err(fault("eks", "UpdateNodegroupVersion"));
            return updates::begun(answer.map(|answer| answer.update));
        }
        Ok(None)
    }

    async fn outcome(&self, cloud: &Cloud, id: &str, update: &str) -> Result<Outcome, Fault> {
        let (cluster, name) = part::names(id);
        updates::outcome(cloud, cluster, updates::Of::NodeGroup(name), update).await
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let (cluster, name) = part::names(id);
        let call = cloud.aws.eks.delete_nodegroup().cluster_name(cluster);
        let answer = call.nodegroup_name(name).send().await;
        absent_is_done(answer.map_err(fault("eks", "DeleteNodegroup")))
    }
}

fn scaling(spec: &Spec) -> NodegroupScalingConfig {
    NodegroupScalingConfig::builder()
        .min_size(spec.min)
        .desired_size(spec.desired)
        .max_size(spec.max)
        .build()
}

fn labels(now: &Fields, spec: &Spec) -> UpdateLabelsPayload {
    let now = now.get("labels").cloned().unwrap_or_default();
    let now: BTreeMap<String, String> = serde_json::from_value(now).unwrap_or_default();
    let gone = now.into_keys().filter(|key| !spec.labels.contains_key(key));
    let set: HashMap<String, String> = spec.labels.clone().into_iter().collect();
    UpdateLabelsPayload::builder()
        .set_add_or_update_labels(Some(set).filter(|set| !set.is_empty()))
        .set_remove_labels(Some(gone.collect()))
        .build()
}

/// A taint is told apart by key and effect; only its value is updated.
fn taints(now: &Fields, spec: &Spec) -> UpdateTaintsPayload {
    let now = now.get("taints").cloned().unwrap_or_default();
    let now: Vec<Taint> = serde_json::from_value(now).unwrap_or_default();
    let same = |a: &Taint, b: &Taint| a.key == b.key && a.effect == b.effect;
    let gone = now
        .iter()
        .filter(|old| !spec.taints.iter().any(|new| same(old, new)));
    let set: Vec<EksTaint> = spec.taints.iter().map(Taint::written).collect();
    let gone: Vec<EksTaint> = gone.map(Taint::written).collect();
    UpdateTaintsPayload::builder()
        .set_add_or_update_taints(Some(set).filter(|set| !set.is_empty()))
        .set_remove_taints(Some(gone).filter(|gone| !gone.is_empty()))
        .build()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_taints_that_are_not_asked_for_are_taken_away() {
        let spec = json!({
            "name": "n", "cluster": "c", "role": "r", "subnets": [], "instance_types": [], "disk_gib": 20,
            "ami_type": "AL2023_x86_64_STANDARD", "capacity": "SPOT", "min": 1, "desired": 1, "max": 1,
            "labels": {"tier": "web"}, "taints": [{"key": "gpu", "effect": "NO_SCHEDULE"}], "tags": {}
        });
        let spec: Spec = serde_json::from_value(spec).unwrap();
        let now = json!({"labels": {"tier": "db", "old": "1"},
            "taints": [{"key": "gpu", "value": "x", "effect": "NO_SCHEDULE"}, {"key": "gpu", "effect": "NO_EXECUTE"}]});
        let now = now.as_object().unwrap();
        let labels = labels(now, &spec);
        assert_eq!(labels.remove_labels(), ["old"]);
        assert_eq!(labels.add_or_update_labels().unwrap()["tier"], "web");
        let taints = taints(now, &spec);
        assert_eq!(taints.add_or_update_taints(), [spec.taints[0].written()]);
        assert_eq!(taints.remove_taints().len(), 1);
        assert_eq!(
            taints.remove_taints()[0].effect().unwrap().as_str(),
            "NO_EXECUTE"
        );
    }
}
