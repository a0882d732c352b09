//! `iam.group`: who may do what. Its policies and members are exactly those of the file, and nothing is written into
//! the group itself.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::inventory::{Group, Iam, arns};
use super::{owner, path, policy};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::{Group as Asked, GroupPolicy};
use crate::resources::calls::{fresh, present};
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Outputs, Problem, Unseen,
    Wanted,
};

/// The kind `iam.group`.
pub struct IamGroup;

const KIND: &str = "iam.group";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    /// ARNs, sorted. Those of our own policies follow from their names.
    policies: BTreeSet<String>,
    /// The names of the policies written into it.
    inline: BTreeSet<String>,
    members: BTreeSet<String>,
}

fn address(key: &str) -> Address {
    Address::of(&["iam", "group", key])
}

fn desired(context: &Context<'_>, key: &str, group: &Asked) -> Desired {
    let own = |policy: &GroupPolicy| match policy {
        GroupPolicy::Arn(_) => None,
        GroupPolicy::Own(key) => Some(policy::address(key)),
    };
    let arn = |policy: &GroupPolicy| match policy {
        GroupPolicy::Arn(arn) => Some(arn.clone()),
        GroupPolicy::Own(key) => policy::arn(context, key),
    };
    let spec = Spec {
        policies: group.policies.iter().filter_map(arn).collect(),
        inline: BTreeSet::new(),
        members: group.members.clone(),
    };
    let desired = Desired::new(KIND, address(key), group.name.clone(), &spec);
    group
        .policies
        .iter()
        .filter_map(own)
        .fold(desired, Desired::after)
}

fn observed(wanted: &Wanted<'_>, address: Address, name: &str, group: &Group) -> Observed {
    let spec = Spec {
        policies: group.attached.clone(),
        inline: group.inline.clone(),
        members: group.members.clone(),
    };
    Observed {
        address,
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        owner: owner(wanted.ownership, &group.path),
        condition: Condition::Ready,
        fields: fields_of(&spec),
        outputs: Outputs::from([("arn".to_owned(), group.arn.clone())]),
    }
}

fn find(iam: &Iam, wanted: &Wanted<'_>) -> Vec<Observed> {
    let names = wanted.names(KIND);
    let ours = path(wanted.ownership);
    iam.groups
        .iter()
        .filter_map(|(name, group)| {
            let known = names.get(name).cloned();
            let address = known.or_else(|| (group.path == ours).then(|| address(name)))?;
            Some(observed(wanted, address, name, group))
        })
        .collect()
}

#[async_trait]
impl Kind for IamGroup {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::in_place("policies"),
                Field::in_place("inline"),
                Field::in_place("members"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let groups = &context.environment.groups;
        groups
            .iter()
            .map(|(key, group)| desired(context, key, group))
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        Ok(find(inventory.iam.as_ref().map_err(Clone::clone)?, wanted))
    }

    async fn check(
        &self,
        cloud: &Cloud,
        inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        // Without IAM the observation has already failed.
        let Ok(iam) = &inventory.iam else {
            return Ok(Vec::new());
        };
        let problem = |message: String| Problem {
            address: desired.address.clone(),
            message,
        };
        let mut problems: Vec<Problem> = texts(&desired.fields, "members")
            .filter(|member| !iam.users.contains_key(*member))
            .map(|member| {
                problem(format!(
                    "IAM has no user `{member}`: create the user first, or take it out of `members`"
                ))
            })
            .collect();
        for arn in texts(&desired.fields, "policies") {
            if policy::is_own(&desired.depends_on, arn)
                || iam.policies.contains_key(arn)
                || iam.is_attached(arn)
            {
                continue;
            }
            if !policy::exists(cloud, arn).await? {
                problems.push(problem(format!("IAM has no policy `{arn}`")));
            }
        }
        Ok(problems)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let call = cloud.aws.iam.create_group();
        call.group_name(order.name)
            .path(path(order.wanted.ownership))
            .send()
            .await
            .map_err(fault("iam", "CreateGroup"))?;
        Ok(order.name.to_owned())
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = present(read(cloud, id).await)?;
        Ok(found.map(|group| observed(&order.wanted, order.address.clone(), id, &group)))
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
        let has = |field: &str| -> BTreeSet<String> {
            texts(&observed.fields, field).map(str::to_owned).collect()
        };
        if changed.iter().any(|field| field == "policies") {
            let has = has("policies");
            for arn in spec.policies.difference(&has) {
                fresh(cloud, || attach(cloud, name, arn)).await?;
            }
            for arn in has.difference(&spec.policies) {
                detach(cloud, name, arn).await?;
            }
        }
        if changed.iter().any(|field| field == "inline") {
            for policy in &has("inline") - &spec.inline {
                unwrite(cloud, name, &policy).await?;
            }
        }
        if changed.iter().any(|field| field == "members") {
            let has = has("members");
            for member in spec.members.difference(&has) {
                fresh(cloud, || admit(cloud, name, member)).await?;
            }
            for member in has.difference(&spec.members) {
                dismiss(cloud, name, member).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let Some(group) = present(read(cloud, id).await)? else {
            return Ok(());
        };
        for member in &group.members {
            dismiss(cloud, id, member).await?;
        }
        for arn in &group.attached {
            detach(cloud, id, arn).await?;
        }
        for policy in &group.inline {
            unwrite(cloud, id, policy).await?;
        }
        let result = cloud.aws.iam.delete_group().group_name(id).send().await;
        absent_is_done(result.map_err(fault("iam", "DeleteGroup")))
    }
}

fn texts<'a>(fields: &'a Fields, name: &str) -> impl Iterator<Item = &'a str> {
    let list = fields.get(name).and_then(|value| value.as_array());
    list.into_iter()
        .flatten()
        .filter_map(|value| value.as_str())
}

/// The group as it is now; a fault that says "absent" when there is none.
async fn read(cloud: &Cloud, name: &str) -> Result<Group, Fault> {
    let mut group = Group::default();
    let mut marker = None;
    loop {
        let call = cloud.aws.iam.get_group().group_name(name);
        let page = call
            .set_marker(marker)
            .send()
            .await
            .map_err(fault("iam", "GetGroup"))?;
        if let Some(found) = page.group() {
            found.path().clone_into(&mut group.path);
            found.arn().clone_into(&mut group.arn);
        }
        let members = page.users().iter().map(|user| user.user_name().to_owned());
        group.members.extend(members);
        marker = page.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    loop {
        let call = cloud.aws.iam.list_attached_group_policies();
        let page = call
            .group_name(name)
            .set_marker(marker)
            .send()
            .await
            .map_err(fault("iam", "ListAttachedGroupPolicies"))?;
        group.attached.extend(arns(page.attached_policies()));
        marker = page.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    let call = cloud.aws.iam.list_group_policies().group_name(name);
    let names = call.into_paginator().items().send().try_collect().await;
    let names: Vec<String> = names.map_err(fault("iam", "ListGroupPolicies"))?;
    group.inline = names.into_iter().collect();
    Ok(group)
}

/// Takes out a policy that is written into the group.
async fn unwrite(cloud: &Cloud, group: &str, policy: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.delete_group_policy().group_name(group);
    let answer = call.policy_name(policy).send().await;
    absent_is_done(answer.map_err(fault("iam", "DeleteGroupPolicy")))
}

async fn attach(cloud: &Cloud, group: &str, arn: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.attach_group_policy();
    let result = call.group_name(group).policy_arn(arn).send().await;
    result.map(drop).map_err(fault("iam", "AttachGroupPolicy"))
}

async fn detach(cloud: &Cloud, group: &str, arn: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.detach_group_policy();
    let result = call.group_name(group).policy_arn(arn).send().await;
    absent_is_done(result.map_err(fault("iam", "DetachGroupPolicy")))
}

async fn admit(cloud: &Cloud, group: &str, user: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.add_user_to_group();
    let result = call.group_name(group).user_name(user).send().await;
    result.map(drop).map_err(fault("iam", "AddUserToGroup"))
}

async fn dismiss(cloud: &Cloud, group: &str, user: &str) -> Result<(), Fault> {
    let call = cloud.aws.iam.remove_user_from_group();
    let result = call.group_name(group).user_name(user).send().await;
    absent_is_done(result.map_err(fault("iam", "RemoveUserFromGroup")))
}
