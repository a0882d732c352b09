//! `cluster.access-entry`: what a role or user of IAM may do in the cluster.
//!
//! EKS makes entries of its own: one for whoever makes the cluster, one for each role of nodes. An entry for a
//! principal that the file names is the file's, whoever made it; the others are left alone.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_eks::types::{AccessScope, AccessScopeType};
use serde::{Deserialize, Serialize};

use super::inventory::{Entry as Found, describe_entry};
use super::{access_entry, control_plane, part, retag};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::Access as Asked;
use crate::resources::calls::{fresh, made_already};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    ACCESS_ENTRY, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Owner,
    Problem, Tags, Unseen, Wanted,
};

/// The kind `cluster.access-entry`.
pub struct AccessEntry;

const KIND: &str = ACCESS_ENTRY;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    cluster: Input,
    principal: String,
    /// The namespaces in which each policy holds, by the policy's ARN; none for the whole cluster.
    policies: BTreeMap<String, BTreeSet<String>>,
    groups: BTreeSet<String>,
    tags: Tags,
}

fn desired(context: &Context<'_>, key: &str, asked: &Asked) -> Desired {
    let address = access_entry(key);
    let partition = context.environment.partition();
    let principal = match asked.principal.starts_with("arn:") {
        true => asked.principal.clone(),
        false => format!(
            "arn:{partition}:iam::{}:{}",
            context.account, asked.principal
        ),
    };
    let policies = asked.policies.iter().map(|(policy, namespaces)| {
        let arn = format!("arn:{partition}:eks::aws:cluster-access-policy/{policy}");
        (arn, namespaces.clone())
    });
    let spec = Spec {
        cluster: Input::of(&control_plane(), "id"),
        policies: policies.collect(),
        groups: asked.groups.clone(),
        tags: context.ownership.tags(&address),
        principal: principal.clone(),
    };
    Desired::new(KIND, address, principal, &spec)
}

fn tags(found: &Found) -> Tags {
    let tags = found.entry.tags().into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn names(found: &Found) -> Option<(&str, &str)> {
    Some((found.entry.cluster_name()?, found.entry.principal_arn()?))
}

fn observed(
    wanted: &Wanted<'_>,
    address: Address,
    (cluster, principal): (&str, &str),
    found: &Found,
    of_cluster: &Owner,
) -> Observed {
    let policies = found.policies.iter().filter_map(|policy| {
        let scope = policy.access_scope();
        let namespaces = scope.map(|scope| scope.namespaces()).unwrap_or(&[]);
        let namespaces = namespaces.iter().cloned().collect();
        Some((policy.policy_arn()?.to_owned(), namespaces))
    });
    let spec = Spec {
        cluster: cluster.into(),
        principal: principal.to_owned(),
        policies: policies.collect(),
        groups: found.entry.kubernetes_groups().iter().cloned().collect(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: part::id(cluster, principal),
        name: principal.to_owned(),
        tags: tags(found),
        condition: Condition::Ready,
        outputs: outputs([
            ("id", Some(principal)),
            ("arn", found.entry.access_entry_arn()),
        ]),
    };
    let observed = sighting.observed(wanted, address, &spec);
    Observed {
        owner: part::owner(observed.owner.clone(), of_cluster),
        ..observed
    }
}

#[async_trait]
impl Kind for AccessEntry {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("cluster"),
                Field::replaces("principal"),
                Field::in_place("policies"),
                Field::in_place("groups"),
                Field::in_place("tags"),
            ]
        }
    }

    /// It may be what lets us in ourselves: it stays to the end.
    fn goes_with_cluster(&self, _fields: &Fields) -> bool {
        true
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        let access = cluster.flat_map(|cluster| &cluster.access);
        access
            .map(|(key, asked)| desired(context, key, asked))
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let entries = inventory.clusters.access.as_ref().map_err(Clone::clone)?;
        let sightings = entries.iter().filter_map(|found| {
            let names = names(found)?;
            let address = part::address(wanted, KIND, names, &tags(found))?;
            let of_cluster = inventory.clusters.owner(wanted, names.0);
            Some(observed(wanted, address, names, found, &of_cluster))
        });
        Ok(sightings.collect())
    }

    async fn check(
        &self,
        cloud: &Cloud,
        _inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let asked = desired.fields.get("policies").and_then(|p| p.as_object());
        let asked: Vec<&String> = asked.into_iter().flat_map(|asked| asked.keys()).collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let call = cloud.aws.eks.list_access_policies().into_paginator();
        let listed = call.items().send().try_collect().await;
        let listed = listed.map_err(fault("eks", "ListAccessPolicies"))?;
        let known: BTreeSet<&str> = listed.iter().filter_map(|policy| policy.arn()).collect();
        let names: Vec<&str> = listed.iter().filter_map(|policy| policy.name()).collect();
        let unknown = asked
            .into_iter()
            .filter(|arn| !known.contains(arn.as_str()));
        let problem = |arn: &String| Problem {
            address: desired.address.clone(),
            message: format!(
                "EKS has no access policy {}; it has {}",
                arn.rsplit('/').next().unwrap_or(arn),
                names.join(", ")
            ),
        };
        Ok(unknown.map(problem).collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.eks.create_access_entry();
            let call = call.cluster_name(spec.cluster.text());
            let call = call.principal_arn(&spec.principal);
            let call = call.set_kubernetes_groups(Some(groups(&spec)));
            let call = call.set_tags(Some(spec.tags.clone().into_iter().collect()));
            let answer = call.client_request_token(order.token).send().await;
            answer.map_err(fault("eks", "CreateAccessEntry"))
        })
        .await;
        let id = part::id(spec.cluster.text(), &spec.principal);
        made_already(self, cloud, order, id, answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let (cluster, principal) = part::names(id);
        let named = (cluster.to_owned(), principal.to_owned());
        let found = describe_entry(cloud, &named).await?;
        // Nobody orders anything of an entry in a cluster that is not ours.
        let observed = found.map(|found| {
            let address = order.address.clone();
            observed(
                &order.wanted,
                address,
                (cluster, principal),
                &found,
                &Owner::Ours,
            )
        });
        Ok(observed)
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        if has(changed, "groups") {
            let call = cloud.aws.eks.update_access_entry();
            let call = call.cluster_name(spec.cluster.text());
            let call = call.principal_arn(&spec.principal);
            let call = call.set_kubernetes_groups(Some(groups(&spec)));
            let answer = call.send().await;
            answer.map_err(fault("eks", "UpdateAccessEntry"))?;
        }
        if has(changed, "policies") {
            let now = observed.fields.get("policies").cloned().unwrap_or_default();
            let now: BTreeMap<String, BTreeSet<String>> =
                serde_json::from_value(now).unwrap_or_default();
            for (policy, namespaces) in &spec.policies {
                if now.get(policy) != Some(namespaces) {
                    associate(cloud, &spec, policy, namespaces).await?;
                }
            }
            for policy in now.keys().filter(|now| !spec.policies.contains_key(*now)) {
                let call = cloud.aws.eks.disassociate_access_policy();
                let call = call.cluster_name(spec.cluster.text());
                let call = call.principal_arn(&spec.principal).policy_arn(policy);
                absent_is_done(
                    call.send()
                        .await
                        .map_err(fault("eks", "DisassociateAccessPolicy")),
                )?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let (cluster, principal) = part::names(id);
        let call = cloud.aws.eks.delete_access_entry().cluster_name(cluster);
        let answer = call.principal_arn(principal).send().await;
        absent_is_done(answer.map_err(fault("eks", "DeleteAccessEntry")))
    }
}

fn groups(spec: &Spec) -> Vec<String> {
    spec.groups.iter().cloned().collect()
}

/// Gives a policy; one that holds elsewhere already holds here from then on.
async fn associate(
    cloud: &Cloud,
    spec: &Spec,
    policy: &str,
    namespaces: &BTreeSet<String>,
) -> Result<(), Fault> {
    let scope = AccessScope::builder();
    let scope = match namespaces.is_empty() {
        true => scope.r#type(AccessScopeType::Cluster),
        false => scope
            .r#type(AccessScopeType::Namespace)
            .set_namespaces(Some(namespaces.iter().cloned().collect())),
    };
    fresh(cloud, || async {
        let call = cloud.aws.eks.associate_access_policy();
        let call = call.cluster_name(spec.cluster.text());
        let call = call.principal_arn(&spec.principal).policy_arn(policy);
        let answer = call.access_scope(scope.clone().build()).send().await;
        answer.map_err(fault("eks", "AssociateAccessPolicy"))
    })
    .await
    .map(drop)
}
