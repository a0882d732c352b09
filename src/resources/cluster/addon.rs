//! `cluster.addon`: a part of the cluster that EKS installs and keeps: networking before there are nodes, what runs on
//! nodes after them.
//!
//! Where the file pins no version, the add-on has EKS's default for the cluster's Kubernetes, and gets the next default
//! when that goes up: its tags carry for which Kubernetes it was chosen.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_eks::types::{Addon as Found, AddonIssueCode, AddonStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::inventory::describe_addon;
use super::{addon, control_plane, node_group, part, retag, tag, updates};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::{Addon as Asked, Cluster, Conflicts, NETWORKING};
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    ADDON, AUTO_MODE, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order,
    Outcome, Problem, Tags, Unseen, Usual, Wanted,
};
use crate::state::Recorded;

/// The kind `cluster.addon`.
pub struct Addon;

const KIND: &str = ADDON;

/// Names the Kubernetes version for which EKS's default was taken.
const MARK: &str = "groundwork:kubernetes";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    cluster: Input,
    /// None: EKS's default.
    version: Option<String>,
    /// The Kubernetes version that the default is for; none where the file pins one.
    kubernetes: Option<Input>,
    configuration: Value,
    /// What becomes of what others changed in the cluster: only sent, never told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    conflicts: String,
    tags: Tags,
}

fn desired(context: &Context<'_>, cluster: &Cluster, key: &str, asked: &Asked) -> Desired {
    let address = addon(key);
    let conflicts = match asked.conflicts {
        Conflicts::Overwrite => "OVERWRITE",
        Conflicts::Preserve => "PRESERVE",
        Conflicts::Refuse => "NONE",
    };
    let newest = asked.version.is_none();
    let spec = Spec {
        name: key.to_owned(),
        cluster: Input::of(&control_plane(), "id"),
        version: asked.version.clone(),
        kubernetes: newest.then(|| Input::of(&control_plane(), "version")),
        configuration: Value::Object(asked.configuration.clone()),
        conflicts: conflicts.to_owned(),
        tags: context.ownership.tags(&address),
    };
    let desired = Desired::new(KIND, address, key, &spec);
    // What it may do must be said before it starts.
    let identity = asked.identity.iter().map(|key| super::identity(key));
    let desired = identity.fold(desired, Desired::after);
    match asked.before_nodes {
        true => desired,
        false => {
            let groups = cluster.node_groups.keys().map(|key| node_group(key));
            groups.fold(desired, Desired::after)
        }
    }
}

/// What a cluster lacks when we switch off its EKS Auto Mode: EKS put its usual add-ons into none that was made with it,
/// and does not tell of any how it was made. What somebody else switched on just goes off again.
pub fn lacking_without_auto_mode(
    recorded: &BTreeMap<Address, Recorded>,
    desired: &BTreeMap<Address, Desired>,
) -> Option<Problem> {
    let cluster = desired.get(&control_plane())?;
    let before = recorded.get(&cluster.address)?.fields.get(AUTO_MODE);
    let goes_off = before == Some(&Value::Bool(true))
        && cluster.fields.get(AUTO_MODE) == Some(&Value::Bool(false));
    let lacking = NETWORKING
        .iter()
        .filter(|name| !desired.contains_key(&addon(name)));
    let lacking: Vec<String> = lacking
        .map(|name| format!("`[cluster.addons.{name}]`"))
        .collect();
    (goes_off && !lacking.is_empty()).then(|| Problem {
        address: cluster.address.clone(),
        message: format!(
            "without EKS Auto Mode nothing serves network and DNS in a cluster that was made with it: add {}",
            lacking.join(" and ")
        ),
    })
}

fn condition(found: &Found) -> Condition {
    let issues = found.health().map(|health| health.issues()).unwrap_or(&[]);
    let told = |status: &AddonStatus| {
        let issues = issues.iter().map(|issue| {
            let code = issue.code().map_or("unknown", |code| code.as_str());
            format!("{code}: {}", issue.message().unwrap_or("no message"))
        });
        let issues: Vec<String> = issues.collect();
        Condition::Failed(format!("{}: {}", status.as_str(), issues.join("; ")))
    };
    match found.status() {
        // An update that failed left it as it was: the update itself tells why.
        None | Some(AddonStatus::Active | AddonStatus::UpdateFailed) => Condition::Ready,
        // It waits for nodes to run on, which is no failure of its own.
        Some(AddonStatus::Degraded)
            if issues.iter().all(|issue| {
                issue.code() == Some(&AddonIssueCode::InsufficientNumberOfReplicas)
            }) =>
        {
            Condition::Ready
        }
        Some(AddonStatus::Deleting) => Condition::Deleting,
        Some(
            status
            @ (AddonStatus::Degraded | AddonStatus::CreateFailed | AddonStatus::DeleteFailed),
        ) => told(status),
        Some(other) => Condition::Settling(other.as_str().to_owned()),
    }
}

fn tags(found: &Found) -> Tags {
    let tags = found.tags().into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn names(found: &Found) -> Option<(&str, &str)> {
    Some((found.cluster_name()?, found.addon_name()?))
}

/// The configuration; none is an empty one, and what is no JSON differs from every other.
fn configuration(found: &Found) -> Value {
    match found.configuration_values().unwrap_or_default().trim() {
        "" => Value::Object(Map::new()),
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

fn observed(
    wanted: &Wanted<'_>,
    address: Address,
    (cluster, name): (&str, &str),
    found: &Found,
) -> Observed {
    let mut tags = tags(found);
    let spec = Spec {
        name: name.to_owned(),
        cluster: cluster.into(),
        version: found.addon_version().map(str::to_owned),
        kubernetes: tags.remove(MARK).map(Input::from),
        configuration: configuration(found),
        conflicts: String::new(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: part::id(cluster, name),
        name: name.to_owned(),
        tags,
        condition: condition(found),
        outputs: outputs([
            ("id", Some(name)),
            ("arn", found.addon_arn()),
            ("version", found.addon_version()),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for Addon {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("cluster"),
                Field::in_place("version"),
                Field::in_place("kubernetes"),
                Field::in_place("configuration"),
                Field::in_place("tags"),
            ]
        }
    }

    /// What runs on nodes is needed until they are gone.
    fn goes_with_cluster(&self, _fields: &Fields) -> bool {
        true
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(30, 30, 30)
    }

    fn outputs_changed_by(&self, changed: &[String]) -> &'static [&'static str] {
        match has(changed, "version") || has(changed, "kubernetes") {
            true => &["version"],
            false => &[],
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        let addons = cluster.flat_map(|cluster| {
            let addons = cluster.addons.iter();
            addons.map(move |(key, asked)| desired(context, cluster, key, asked))
        });
        addons.collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let addons = inventory.clusters.addons.as_ref().map_err(Clone::clone)?;
        let sightings = addons.iter().filter_map(|found| {
            let names = names(found)?;
            let address = part::address(wanted, KIND, names, &tags(found))?;
            Some(observed(wanted, address, names, found))
        });
        Ok(sightings.collect())
    }

    async fn check(
        &self,
        cloud: &Cloud,
        _inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let known = versions(cloud, &desired.name, None).await?;
        let asked = desired.fields.get("version").and_then(|v| v.as_str());
        let message = match asked {
            _ if known.is_empty() => format!("EKS has no add-on {}", desired.name),
            Some(asked) if !known.iter().any(|(known, _)| known == asked) => {
                let known: Vec<&str> = known.iter().map(|(known, _)| known.as_str()).collect();
                format!(
                    "EKS has no {} {asked}; it has {}",
                    desired.name,
                    known.join(", ")
                )
            }
            Some(_) | None => return Ok(Vec::new()),
        };
        let address = desired.address.clone();
        Ok(vec![Problem { address, message }])
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let mut tags = spec.tags.clone();
        tags.extend(mark(&spec));
        let answer = fresh(cloud, || async {
            let call = cloud.aws.eks.create_addon();
            let call = call
                .cluster_name(spec.cluster.text())
                .addon_name(&spec.name);
            let call = call.set_addon_version(spec.version.clone());
            let call = call.set_configuration_values(written(&spec.configuration));
            let call = call.resolve_conflicts(spec.conflicts.as_str().into());
            let call = call.set_tags(Some(tags.clone().into_iter().collect()));
            let answer = call.client_request_token(order.token).send().await;
            answer.map_err(fault("eks", "CreateAddon"))
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
        let found = describe_addon(cloud, &(cluster.to_owned(), name.to_owned())).await?;
        let address = || order.address.clone();
        Ok(found.map(|found| observed(&order.wanted, address(), (cluster, name), &found)))
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

    /// The tag that tells for which Kubernetes the version was chosen is set once it is there.
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
        let version = match &spec.kubernetes {
            Some(kubernetes) if has(changed, "kubernetes") => {
                let known = versions(cloud, &spec.name, Some(kubernetes.text())).await?;
                let default = known.into_iter().find(|(_, is_default)| *is_default);
                default.map(|(version, _)| version)
            }
            Some(_) | None => spec.version.clone().filter(|_| has(changed, "version")),
        };
        let version = version.filter(|version| observed.outputs.get("version") != Some(version));
        if version.is_some() || has(changed, "configuration") {
            let (cluster, name) = part::names(&observed.id);
            let call = cloud.aws.eks.update_addon();
            let call = call.cluster_name(cluster).addon_name(name);
            let call = call.set_addon_version(version);
            let call = call.configuration_values(spec.configuration.to_string());
            let call = call.resolve_conflicts(spec.conflicts.as_str().into());
            let answer = call.send().await;
            let answer = answer.map_err(fault("eks", "UpdateAddon"));
            return updates::begun(answer.map(|answer| answer.update));
        }
        if has(changed, "kubernetes") {
            tag(cloud, observed, mark(&spec).into_iter().collect()).await?;
        }
        Ok(None)
    }

    async fn outcome(&self, cloud: &Cloud, id: &str, update: &str) -> Result<Outcome, Fault> {
        let (cluster, name) = part::names(id);
        updates::outcome(cloud, cluster, updates::Of::Addon(name), update).await
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let (cluster, name) = part::names(id);
        let call = cloud.aws.eks.delete_addon().cluster_name(cluster);
        let answer = call.addon_name(name).send().await;
        absent_is_done(answer.map_err(fault("eks", "DeleteAddon")))
    }
}

/// The tag that says for which Kubernetes EKS's default was taken.
fn mark(spec: &Spec) -> Option<(String, String)> {
    let kubernetes = spec.kubernetes.as_ref()?;
    Some((MARK.to_owned(), kubernetes.text().to_owned()))
}

/// A configuration as EKS takes it; none for an empty one.
fn written(configuration: &Value) -> Option<String> {
    let is_empty = configuration.as_object().is_some_and(Map::is_empty);
    (!is_empty).then(|| configuration.to_string())
}

/// The versions that EKS has of an add-on, for one Kubernetes or for any, and whether each is that one's default.
async fn versions(
    cloud: &Cloud,
    name: &str,
    kubernetes: Option<&str>,
) -> Result<Vec<(String, bool)>, Fault> {
    let call = cloud.aws.eks.describe_addon_versions().addon_name(name);
    let call = call.set_kubernetes_version(kubernetes.map(str::to_owned));
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = present(listed.map_err(fault("eks", "DescribeAddonVersions")))?;
    let listed = listed.unwrap_or_default();
    let versions = listed.iter().flat_map(|info| info.addon_versions());
    let versions = versions.filter_map(|version| {
        let mut compatible = version.compatibilities().iter();
        let is_default = compatible.any(|with| {
            let same = kubernetes.is_none_or(|asked| with.cluster_version() == Some(asked));
            same && with.default_version()
        });
        Some((version.addon_version()?.to_owned(), is_default))
    });
    Ok(versions.collect())
}
