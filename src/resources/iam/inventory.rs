//! What IAM holds: users, groups, roles and customer-managed policies, read with one paginated call.
//!
//! AWS-managed policies are left out, since there are more than a thousand; whether one exists is asked by its ARN.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{
    AttachedPolicy, EntityType, GroupDetail, ManagedPolicyDetail, RoleDetail, Tag, UserDetail,
};
use serde_json::Value;

use super::path;
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::{Ownership, Tags};

/// IAM of the whole account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Iam {
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Customer-managed policies by ARN.
    pub policies: BTreeMap<String, Policy>,
}

/// An IAM user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The names of the groups that it is a member of.
    pub groups: BTreeSet<String>,
    /// The ARNs of the managed policies attached to it.
    pub attached: BTreeSet<String>,
}

/// An IAM group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its ARN.
    pub arn: String,
    /// Its path.
    pub path: String,
    /// The ARNs of the managed policies attached to it.
    pub attached: BTreeSet<String>,
    /// The names of the policies written into it.
    pub inline: BTreeSet<String>,
    /// The names of its members.
    pub members: BTreeSet<String>,
}

/// An IAM role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// Its path.
    pub path: String,
    /// Who may assume it.
    pub trust: Value,
    /// The ARNs of the managed policies attached to it.
    pub attached: BTreeSet<String>,
    /// The names of the policies written into it.
    pub inline: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A customer-managed policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// The default version's document.
    pub document: Value,
    /// Its tags; read only for the policies under our own path.
    pub tags: Tags,
}

impl Iam {
    /// Reads all of it.
    ///
    /// # Errors
    /// The fault of the first call that failed: a part of IAM is never taken for the whole.
    pub async fn list(cloud: &Cloud, ownership: &Ownership) -> Result<Self, Fault> {
        let mut iam = Self::default();
        let mut marker = None;
        loop {
            let page = cloud
                .aws
                .iam
                .get_account_authorization_details()
                .filter(EntityType::User)
                .filter(EntityType::Group)
                .filter(EntityType::Role)
                .filter(EntityType::LocalManagedPolicy)
                .max_items(1000)
                .set_marker(marker)
                .send()
                .await
                .map_err(fault("iam", "GetAccountAuthorizationDetails"))?;
            page.user_detail_list()
                .iter()
                .for_each(|user| iam.add_user(user));
            page.group_detail_list()
                .iter()
                .for_each(|group| iam.add_group(group));
            page.role_detail_list()
                .iter()
                .for_each(|role| iam.add_role(role));
            page.policies()
                .iter()
                .for_each(|policy| iam.add_policy(policy));
            marker = page.marker().map(str::to_owned);
            if !page.is_truncated() || marker.is_none() {
                break;
            }
        }
        iam.join_members();
        iam.read_policy_tags(cloud, &path(ownership)).await?;
        Ok(iam)
    }

    /// Whether something in the account carries the managed policy `arn`, which proves that it exists.
    pub fn is_attached(&self, arn: &str) -> bool {
        let users = self.users.values().map(|user| &user.attached);
        let groups = self.groups.values().map(|group| &group.attached);
        let roles = self.roles.values().map(|role| &role.attached);
        users
            .chain(groups)
            .chain(roles)
            .any(|attached| attached.contains(arn))
    }

    fn add_user(&mut self, found: &UserDetail) {
        let user = User {
            groups: found.group_list().iter().cloned().collect(),
            attached: arns(found.attached_managed_policies()),
        };
        self.users.insert(text(found.user_name()), user);
    }

    fn add_group(&mut self, found: &GroupDetail) {
        let group = Group {
            arn: text(found.arn()),
            path: text(found.path()),
            attached: arns(found.attached_managed_policies()),
            inline: found
                .group_policy_list()
                .iter()
                .map(|policy| text(policy.policy_name()))
                .collect(),
            members: BTreeSet::new(),
        };
        self.groups.insert(text(found.group_name()), group);
    }

    fn add_role(&mut self, found: &RoleDetail) {
        let inline = found.role_policy_list().iter();
        let role = Role {
            arn: text(found.arn()),
            path: text(found.path()),
            trust: document(found.assume_role_policy_document()),
            attached: arns(found.attached_managed_policies()),
            inline: inline.map(|policy| text(policy.policy_name())).collect(),
            tags: tags(found.tags()),
        };
        self.roles.insert(text(found.role_name()), role);
    }

    fn add_policy(&mut self, found: &ManagedPolicyDetail) {
        let default = found
            .policy_version_list()
            .iter()
            .find(|version| version.is_default_version());
        let policy = Policy {
            name: text(found.policy_name()),
            path: text(found.path()),
            document: document(default.and_then(|version| version.document())),
            tags: Tags::new(),
        };
        self.policies.insert(text(found.arn()), policy);
    }

    /// IAM lists groups at their members, not the other way round.
    fn join_members(&mut self) {
        for (name, user) in &self.users {
            for group in &user.groups {
                if let Some(group) = self.groups.get_mut(group) {
                    group.members.insert(name.clone());
                }
            }
        }
    }

    /// The details of a policy come without its tags.
    async fn read_policy_tags(&mut self, cloud: &Cloud, path: &str) -> Result<(), Fault> {
        for (arn, policy) in &mut self.policies {
            if policy.path == path {
                // A policy takes 50 tags at most and a page holds 100.
                let answer = cloud
                    .aws
                    .iam
                    .list_policy_tags()
                    .policy_arn(arn)
                    .send()
                    .await
                    .map_err(fault("iam", "ListPolicyTags"))?;
                policy.tags = tags(answer.tags());
            }
        }
        Ok(())
    }
}

/// Tags as IAM writes them.
pub fn tags(tags: &[Tag]) -> Tags {
    tags.iter()
        .map(|tag| (tag.key().to_owned(), tag.value().to_owned()))
        .collect()
}

/// A policy document out of an answer, where IAM percent-encodes it. What is no JSON is kept as text, so that it
/// differs from every document.
pub fn document(encoded: Option<&str>) -> Value {
    let decoded = percent_encoding::percent_decode_str(encoded.unwrap_or_default());
    let text = decoded.decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.into_owned()))
}

/// The ARNs of attached policies.
pub fn arns(policies: &[AttachedPolicy]) -> BTreeSet<String> {
    policies
        .iter()
        .map(|policy| text(policy.policy_arn()))
        .collect()
}

fn text(text: Option<&str>) -> String {
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_decoded_and_compared_as_values() {
        let found = document(Some(
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D",
        ));
        assert_eq!(found, json!({"Statement": [], "Version": "2012-10-17"}));
        assert_eq!(document(Some("{oops")), json!("{oops"));
    }

    #[test]
    fn members_come_from_the_users() {
        let mut iam = Iam::default();
        iam.add_group(
            &GroupDetail::builder()
                .group_name("ops")
                .path("/p/")
                .arn("arn:g")
                .build(),
        );
        let attached = AttachedPolicy::builder()
            .policy_arn("arn:aws:iam::aws:policy/X")
            .build();
        for (name, group) in [("ann", "ops"), ("bob", "gone")] {
            iam.add_user(
                &UserDetail::builder()
                    .user_name(name)
                    .group_list(group)
                    .attached_managed_policies(attached.clone())
                    .build(),
            );
        }
        iam.join_members();
        assert_eq!(iam.groups["ops"].members, BTreeSet::from(["ann".into()]));
        assert!(iam.is_attached("arn:aws:iam::aws:policy/X"));
        assert!(!iam.is_attached("arn:aws:iam::aws:policy/Y"));
    }
}
