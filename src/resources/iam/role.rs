//! `iam.role`: what the control plane, the nodes and pods may do. Attached policies are exactly those asked for, and
//! nothing is written into the role itself.

use std::collections::BTreeSet;
use std::iter;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inventory::{Role as Found, arns, document, tags};
use super::trust;
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::IdentityBy;
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::cluster::{auto_role, control_role, identity_role, worker_role};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::tags::changes;
use crate::resources::{
    Condition, Context, Desired, Field, Input, Kind, Observed, Order, Owner, TAG_ADDRESS, Tags,
    Unseen, Wanted,
};

/// The kind `iam.role`.
pub struct IamRole;

const KIND: &str = "iam.role";

/// What every control plane needs (FACTS §2).
const CONTROL: &str = "AmazonEKSClusterPolicy";
/// What nodes need (FACTS §2).
pub const WORKER: &[&str] = &[
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
];

/// What a control plane needs beside that in Auto Mode (FACTS §2).
const AUTO: [&str; 4] = [
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
];
/// What the nodes of Auto Mode need (FACTS §2).
const AUTO_NODES: [&str; 2] = [
    "AmazonEKSWorkerNodeMinimalPolicy",
    "AmazonEC2ContainerRegistryPullOnly",
];

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    /// Who may assume it.
    trust: Value,
    /// The ARNs of the attached policies.
    policies: BTreeSet<String>,
    /// The names of the policies written into it.
    inline: BTreeSet<String>,
    tags: Tags,
}

/// The ARN that the role `name` has or will have: it follows from the name, so that a role which somebody deleted
/// and we make again is the same for those that use it.
pub fn arn(context: &Context<'_>, name: &str) -> Input {
    let (partition, account) = (context.environment.partition(), context.account);
    Input::Known(format!("arn:{partition}:iam::{account}:role/{name}"))
}

/// What AWS's own policies are called by ARN.
fn managed(context: &Context<'_>, policies: &[&str]) -> BTreeSet<String> {
    let partition = context.environment.partition();
    let arn = |policy: &&str| format!("arn:{partition}:iam::aws:policy/{policy}");
    policies.iter().map(arn).collect()
}

fn desired(
    context: &Context<'_>,
    address: Address,
    name: &str,
    trust: Value,
    policies: BTreeSet<String>,
) -> Desired {
    let spec = Spec {
        name: name.to_owned(),
        trust,
        policies,
        inline: BTreeSet::new(),
        tags: context.ownership.named(&address, name),
    };
    Desired::new(KIND, address, name, &spec)
}

fn observed(wanted: &Wanted<'_>, address: Address, name: &str, found: &Found) -> Observed {
    let spec = Spec {
        name: name.to_owned(),
        trust: trust::read(&found.trust),
        policies: found.attached.clone(),
        inline: found.inline.clone(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        tags: found.tags.clone(),
        condition: Condition::Ready,
        outputs: outputs([("id", Some(name)), ("arn", Some(&found.arn))]),
    };
    sighting.observed(wanted, address, &spec)
}

/// Where the role stands. IAM is global: an environment of the same name in another region has roles with the
/// same tags but for the lineage, and they are none of our business.
fn address(wanted: &Wanted<'_>, name: &str, found: &Found) -> Option<Address> {
    let named = wanted.names(KIND).remove(name);
    named.or_else(|| match wanted.owner(&found.tags) {
        Owner::Ours => found.tags.get(TAG_ADDRESS)?.parse().ok(),
        Owner::Other { .. } => None,
    })
}

#[async_trait]
impl Kind for IamRole {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::in_place("trust"),
                Field::in_place("policies"),
                Field::in_place("inline"),
                Field::in_place("tags"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let Some(cluster) = &context.environment.cluster else {
            return Vec::new();
        };
        let more = cluster.control_policies.iter();
        let auto = cluster.auto_mode.iter().flat_map(|_| AUTO);
        let control_policies: Vec<&str> = iter::once(CONTROL)
            .chain(more.map(|policy| policy.as_str()))
            .chain(auto)
            .collect();
        let (control, worker) = (&cluster.control_role, &cluster.worker_role);
        let assumed = |service| trust::of_service(service, &json!("sts:AssumeRole"));
        let control_policies = managed(context, &control_policies);
        // Auto Mode and Pod Identity say as whom they act in tags of the session.
        let tagging = || json!(["sts:AssumeRole", "sts:TagSession"]);
        let control_trust = match &cluster.auto_mode {
            Some(_) => trust::of_service("eks.amazonaws.com", &tagging()),
            None => assumed("eks.amazonaws.com"),
        };
        let mut roles = vec![
            desired(
                context,
                control_role(),
                control,
                control_trust,
                control_policies,
            ),
            desired(
                context,
                worker_role(),
                worker,
                assumed("ec2.amazonaws.com"),
                managed(context, WORKER),
            ),
        ];
        let pools = cluster.pool_role().map(|name| {
            let policies = managed(context, &AUTO_NODES);
            desired(
                context,
                auto_role(),
                name,
                assumed("ec2.amazonaws.com"),
                policies,
            )
        });
        roles.extend(pools);
        roles.extend(cluster.identities.iter().map(|(key, identity)| {
            desired(
                context,
                identity_role(key),
                &identity.role,
                match identity.by {
                    IdentityBy::PodIdentity => {
                        trust::of_service("pods.eks.amazonaws.com", &tagging())
                    }
                    IdentityBy::Oidc => trust::of_pods(identity),
                },
                identity.policies.clone(),
            )
        }));
        roles
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let roles = &inventory.iam.as_ref().map_err(Clone::clone)?.roles;
        let sightings = roles.iter().filter_map(|(name, found)| {
            let address = address(wanted, name, found)?;
            Some(observed(wanted, address, name, found))
        });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.iam.create_role().role_name(&spec.name);
        let call = call.assume_role_policy_document(trust::written(&spec.trust).to_string());
        let answer = call.set_tags(Some(written(&spec.tags)?)).send().await;
        let answer = answer.map_err(fault("iam", "CreateRole")).map(drop);
        made_already(self, cloud, order, spec.name, answer).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = present(read(cloud, id).await)?;
        Ok(found.map(|found| observed(&order.wanted, order.address.clone(), id, &found)))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let name = observed.id.as_str();
        let now = |field: &str| -> BTreeSet<String> {
            let names = observed.fields.get(field).cloned().unwrap_or_default();
            serde_json::from_value(names).unwrap_or_default()
        };
        if has(changed, "trust") {
            fresh(cloud, || async {
                let call = cloud.aws.iam.update_assume_role_policy().role_name(name);
                let call = call.policy_document(trust::written(&spec.trust).to_string());
                let answer = call.send().await;
                answer.map_err(fault("iam", "UpdateAssumeRolePolicy"))
            })
            .await?;
        }
        if has(changed, "policies") {
            let now = now("policies");
            for arn in spec.policies.difference(&now) {
                fresh(cloud, || attach(cloud, name, arn)).await?;
            }
            for arn in now.difference(&spec.policies) {
                detach(cloud, name, arn).await?;
            }
        }
        if has(changed, "inline") {
            for policy in &now("inline") - &spec.inline {
                unwrite(cloud, name, &policy).await?;
            }
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let Some(found) = present(read(cloud, id).await)? else {
            return Ok(());
        };
        for arn in &found.attached {
            detach(cloud, id, arn).await?;
        }
        for policy in &found.inline {
            unwrite(cloud, id, policy).await?;
        }
        let answer = cloud.aws.iam.delete_role().role_name(id).send().await;
        absent_is_done(answer.map_err(fault("iam", "DeleteRole")))
    }
}

/// The role as it is now; a fault that says "absent" when there is none.
async fn read(cloud: &Cloud, name: &str) -> Result<Found, Fault> {
    let iam = &cloud.aws.iam;
    let answer = iam.get_role().role_name(name).send().await;
    let answer = answer.map_err(fault("iam", "GetRole"))?;
    let role = answer
        .role()
        .ok_or_else(|| Fault::incomplete("iam", "GetRole", "Role"))?;
    let call = iam.list_attached_role_policies().role_name(name);
    let attached = call.into_paginator().items().send().try_collect().await;
    let attached = attached.map_err(fault("iam", "ListAttachedRolePolicies"))?;
    let call = iam.list_role_policies().role_name(name);
    let inline = call.into_paginator().items().send().try_collect().await;
    let inline: Vec<String> = inline.map_err(fault("iam", "ListRolePolicies"))?;
    Ok(Found {
        arn: role.arn().to_owned(),
        path: role.path().to_owned(),
        trust: document(role.assume_role_policy_document()),
        attached: arns(&attached),
        inline: inline.into_iter().collect(),
        tags: tags(role.tags()),
    })
}

async fn attach(cloud: &Cloud, role: &str, arn: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.attach_role_policy().role_name(role);
    let answer = call.policy_arn(arn).send().await;
    answer.map(drop).map_err(fault("iam", "AttachRolePolicy"))
}

async fn detach(cloud: &Cloud, role: &str, arn: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.detach_role_policy().role_name(role);
    let answer = call.policy_arn(arn).send().await;
    absent_is_done(answer.map_err(fault("iam", "DetachRolePolicy")))
}

/// Takes out a policy that is written into the role.
async fn unwrite(cloud: &Cloud, role: &str, policy: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.delete_role_policy().role_name(role);
    let answer = call.policy_name(policy).send().await;
    absent_is_done(answer.map_err(fault("iam", "DeleteRolePolicy")))
}

/// Tags as IAM takes them.
pub(in crate::resources) fn written(tags: &Tags) -> Result<Vec<aws_sdk_iam::types::Tag>, Fault> {
    let tags = tags.iter().map(|(key, value)| {
        let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value);
        tag.build()
            .map_err(|_| Fault::incomplete("iam", "TagRole", "key and value"))
    });
    tags.collect()
}

async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
    let (set, unset) = changes(observed.fields.get("tags"), desired);
    let name = observed.id.as_str();
    if !set.is_empty() {
        let tags = written(&set)?;
        fresh(cloud, || async {
            let call = cloud.aws.iam.tag_role().role_name(name);
            let answer = call.set_tags(Some(tags.clone())).send().await;
            answer.map_err(fault("iam", "TagRole"))
        })
        .await?;
    }
    if !unset.is_empty() {
        let call = cloud.aws.iam.untag_role().role_name(name);
        let answer = call.set_tag_keys(Some(unset)).send().await;
        absent_is_done(answer.map_err(fault("iam", "UntagRole")))?;
    }
    Ok(())
}
