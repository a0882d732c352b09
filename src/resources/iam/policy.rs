//! `iam.policy`: a customer-managed policy, made from a document beside the file.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_iam::types::{PolicyVersion, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inventory::{Iam, Policy, document, tags};
use super::{owner, path};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::present;
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::tags::{changes, written};
use crate::resources::{
    Condition, Context, Desired, Field, Kind, Observed, Order, Outputs, Tags, Unseen, Wanted,
};

/// The kind `iam.policy`.
pub struct IamPolicy;

const KIND: &str = "iam.policy";

/// IAM keeps at most this many versions of a policy.
const MOST_VERSIONS: usize = 5;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    document: Value,
    tags: Tags,
}

/// The address of the policy that the file calls `key`.
pub fn address(key: &str) -> Address {
    Address::of(&["iam", "policy", key])
}

/// The ARN that the policy `key` has or will have; it follows from names.
pub fn arn(context: &Context<'_>, key: &str) -> Option<String> {
    let name = &context.environment.policies.get(key)?.name;
    let partition = context.environment.partition();
    let (account, path) = (context.account, path(context.ownership));
    Some(format!("arn:{partition}:iam::{account}:policy{path}{name}"))
}

/// Whether `arn` is one that we make ourselves, before what depends on it.
pub fn is_own(depends_on: &BTreeSet<Address>, arn: &str) -> bool {
    let waits = depends_on
        .iter()
        .any(|address| address.as_str().starts_with("iam.policy."));
    waits && arn.contains(":policy/groundwork/")
}

/// Whether there is a managed policy with this ARN, ours, AWS's or anyone's.
///
/// # Errors
/// When IAM does not answer.
pub async fn exists(cloud: &Cloud, arn: &str) -> Result<bool, Fault> {
    let result = cloud.aws.iam.get_policy().policy_arn(arn).send().await;
    match result.map_err(fault("iam", "GetPolicy")) {
        Ok(_) => Ok(true),
        // What is no ARN at all is not there either.
        Err(fault) if fault.is_absent() || fault.code == "InvalidInput" => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn observed(wanted: &Wanted<'_>, address: Address, arn: &str, policy: &Policy) -> Observed {
    let tags = wanted.tags(&address, &policy.tags);
    let fields = json!({"document": policy.document, "tags": tags});
    Observed {
        address,
        kind: KIND,
        id: arn.to_owned(),
        name: policy.name.clone(),
        owner: owner(wanted.ownership, &policy.path),
        condition: Condition::Ready,
        fields: fields_of(&fields),
        outputs: Outputs::from([("arn".to_owned(), arn.to_owned())]),
    }
}

fn find(iam: &Iam, wanted: &Wanted<'_>) -> Vec<Observed> {
    let names = wanted.names(KIND);
    let ours = path(wanted.ownership);
    iam.policies
        .iter()
        .filter_map(|(arn, policy)| {
            let known = names.get(&policy.name).cloned();
            let address = known.or_else(|| (policy.path == ours).then(|| address(&policy.name)))?;
            Some(observed(wanted, address, arn, policy))
        })
        .collect()
}

#[async_trait]
impl Kind for IamPolicy {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::in_place("document"), Field::in_place("tags")] }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let policies = context.environment.policies.iter();
        policies
            .map(|(key, policy)| {
                let address = address(key);
                let spec = Spec {
                    document: policy.document.clone(),
                    tags: context.ownership.named(&address, &policy.name),
                };
                Desired::new(KIND, address, policy.name.clone(), &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        Ok(find(inventory.iam.as_ref().map_err(Clone::clone)?, wanted))
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.iam.create_policy();
        let answer = call
            .policy_name(order.name)
            .path(path(order.wanted.ownership))
            .policy_document(spec.document.to_string())
            .set_tags(Some(sdk_tags(&spec.tags)))
            .send()
            .await
            .map_err(fault("iam", "CreatePolicy"))?;
        let arn = answer.policy().and_then(|policy| policy.arn());
        arn.map(str::to_owned)
            .ok_or_else(|| Fault::incomplete("iam", "CreatePolicy", "Arn"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = present(read(cloud, id).await)?;
        Ok(found.map(|policy| observed(&order.wanted, order.address.clone(), id, &policy)))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let arn = observed.id.as_str();
        if changed.iter().any(|field| field == "document") {
            make_room(cloud, arn).await?;
            let call = cloud.aws.iam.create_policy_version().policy_arn(arn);
            call.policy_document(spec.document.to_string())
                .set_as_default(true)
                .send()
                .await
                .map_err(fault("iam", "CreatePolicyVersion"))?;
        }
        if changed.iter().any(|field| field == "tags") {
            let (set, unset) = changes(observed.fields.get("tags"), &spec.tags);
            if !set.is_empty() {
                let call = cloud.aws.iam.tag_policy().policy_arn(arn);
                let result = call.set_tags(Some(sdk_tags(&set))).send().await;
                result.map_err(fault("iam", "TagPolicy"))?;
            }
            if !unset.is_empty() {
                let call = cloud.aws.iam.untag_policy().policy_arn(arn);
                let result = call.set_tag_keys(Some(unset)).send().await;
                result.map_err(fault("iam", "UntagPolicy"))?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, order: &Order<'_>, id: &str) -> Result<(), Fault> {
        absent_is_done(delete(cloud, id, &path(order.wanted.ownership)).await)
    }
}

/// The policy as it is now; a fault that says "absent" when there is none.
async fn read(cloud: &Cloud, arn: &str) -> Result<Policy, Fault> {
    let call = cloud.aws.iam.get_policy().policy_arn(arn);
    let answer = call.send().await.map_err(fault("iam", "GetPolicy"))?;
    let incomplete = |member: &str| Fault::incomplete("iam", "GetPolicy", member);
    let policy = answer.policy().ok_or_else(|| incomplete("Policy"))?;
    let default = policy.default_version_id();
    let default = default.ok_or_else(|| incomplete("DefaultVersionId"))?;
    let call = cloud.aws.iam.get_policy_version().policy_arn(arn);
    let version = call
        .version_id(default)
        .send()
        .await
        .map_err(fault("iam", "GetPolicyVersion"))?;
    let encoded = version.policy_version().and_then(|found| found.document());
    Ok(Policy {
        name: policy.policy_name().unwrap_or_default().to_owned(),
        path: policy.path().unwrap_or_default().to_owned(),
        document: document(encoded),
        tags: tags(policy.tags()),
    })
}

async fn versions(cloud: &Cloud, arn: &str) -> Result<Vec<PolicyVersion>, Fault> {
    let call = cloud.aws.iam.list_policy_versions().policy_arn(arn);
    let page = call
        .send()
        .await
        .map_err(fault("iam", "ListPolicyVersions"))?;
    // Five at most: one page.
    Ok(page.versions().to_vec())
}

async fn delete_version(cloud: &Cloud, arn: &str, version: &PolicyVersion) -> Result<(), Fault> {
    let call = cloud.aws.iam.delete_policy_version().policy_arn(arn);
    let result = call
        .set_version_id(version.version_id().map(str::to_owned))
        .send()
        .await;
    absent_is_done(result.map_err(fault("iam", "DeletePolicyVersion")))
}

/// Deletes the oldest version that is not in force, if there is no room for another.
async fn make_room(cloud: &Cloud, arn: &str) -> Result<(), Fault> {
    let versions = versions(cloud, arn).await?;
    if versions.len() < MOST_VERSIONS {
        return Ok(());
    }
    let idle = versions
        .iter()
        .filter(|version| !version.is_default_version());
    match idle.min_by_key(|version| number(version)) {
        Some(oldest) => delete_version(cloud, arn, oldest).await,
        None => Ok(()),
    }
}

/// The 7 of `v7`.
fn number(version: &PolicyVersion) -> u64 {
    let digits = version
        .version_id()
        .and_then(|id| id.strip_prefix('v')?.parse().ok());
    digits.unwrap_or(u64::MAX)
}

/// Deletes the policy after what keeps it: its place in our own groups and roles, and its other versions. What
/// others attached it to stays, and IAM's refusal names that.
async fn delete(cloud: &Cloud, arn: &str, ours: &str) -> Result<(), Fault> {
    let iam = &cloud.aws.iam;
    let call = iam.list_entities_for_policy().policy_arn(arn);
    let users = call
        .path_prefix(ours)
        .send()
        .await
        .map_err(fault("iam", "ListEntitiesForPolicy"))?;
    for group in users.policy_groups() {
        let call = iam.detach_group_policy().policy_arn(arn);
        let result = call
            .set_group_name(group.group_name().map(str::to_owned))
            .send()
            .await;
        absent_is_done(result.map_err(fault("iam", "DetachGroupPolicy")))?;
    }
    for role in users.policy_roles() {
        let call = iam.detach_role_policy().policy_arn(arn);
        let result = call
            .set_role_name(role.role_name().map(str::to_owned))
            .send()
            .await;
        absent_is_done(result.map_err(fault("iam", "DetachRolePolicy")))?;
    }
    for version in versions(cloud, arn).await? {
        if !version.is_default_version() {
            delete_version(cloud, arn, &version).await?;
        }
    }
    let result = iam.delete_policy().policy_arn(arn).send().await;
    result.map(drop).map_err(fault("iam", "DeletePolicy"))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    written(tags, |key, value| {
        Tag::builder().key(key).value(value).build().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_number_not_by_text() {
        let version = |id: &str| PolicyVersion::builder().version_id(id).build();
        assert!(number(&version("v9")) < number(&version("v10")));
    }

    #[test]
    fn an_arn_is_ours_only_where_we_make_the_policy() {
        let depends_on = BTreeSet::from([address("db-ops")]);
        let own = "arn:aws:iam::123456789012:policy/groundwork/staging/us-east-1/l/db-ops";
        assert!(is_own(&depends_on, own));
        assert!(!is_own(&BTreeSet::new(), own));
        assert!(!is_own(
            &depends_on,
            "arn:aws:iam::aws:policy/IAMFullAccess"
        ));
    }
}
