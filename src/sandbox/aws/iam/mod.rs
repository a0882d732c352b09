//! Identity and Access Management: roles, groups, users, policies and OpenID Connect providers.
//!
//! Names, paths, policy documents and every deletion precondition are checked as AWS checks them; nothing is
//! enforced against a caller, who may ask what would be. AWS's managed policies are a table, not part of the world's document.

mod attachments;
mod details;
mod document;
mod entities;
mod managed;
mod memberships;
mod policies;
mod providers;
mod render;
mod simulate;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::call::{Call, Fault, Reply};
use super::tags::Tags;
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// Everything that the account has in IAM.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Iam {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// The account's own policies by ARN.
    pub policies: BTreeMap<String, Policy>,
    /// OpenID Connect providers by ARN.
    pub providers: BTreeMap<String, Provider>,
}

/// What roles, groups and users have in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entity {
    /// Its name.
    pub name: String,
    /// Its path, which begins and ends with a slash.
    pub path: String,
    /// Its unique identifier.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was created.
    pub created: SimTime,
    /// Its tags; a group has none.
    pub tags: Tags,
    /// ARNs of the managed policies attached to it.
    pub attached: BTreeSet<String>,
    /// Its inline policies: name and document.
    pub inline: BTreeMap<String, String>,
}

/// A role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    /// Name, path, tags and policies.
    pub entity: Entity,
    /// Who may assume it: a policy document.
    pub trust: String,
    /// What it is for.
    pub description: Option<String>,
    /// The longest session, in seconds.
    pub max_session: i64,
}

impl Role {
    /// Whether the trust policy lets the AWS service `principal` (such as `eks.amazonaws.com`) assume the role.
    pub fn trusts(&self, principal: &str) -> bool {
        document::trusts_service(&self.trust, principal)
    }
}

/// A group of users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Name, path and policies.
    pub entity: Entity,
    /// Names of its users.
    pub members: BTreeSet<String>,
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// Name, path, tags and policies.
    pub entity: Entity,
}

/// A managed policy of the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Its unique identifier.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was created.
    pub created: SimTime,
    /// When its newest version was made.
    pub updated: SimTime,
    /// Its tags.
    pub tags: Tags,
    /// Its versions by number, at most five.
    pub versions: BTreeMap<u32, PolicyVersion>,
    /// The number of the version in force.
    pub default_version: u32,
    /// How many versions were ever made.
    pub versions_made: u32,
}

/// One version of a managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// The policy document as it was given.
    pub document: String,
    /// When it was made.
    pub created: SimTime,
}

/// An OpenID Connect provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provider {
    /// Its issuer, without `https://`.
    pub url: String,
    /// The audiences that it may serve.
    pub client_ids: BTreeSet<String>,
    /// Thumbprints of its certificates.
    pub thumbprints: Vec<String>,
    /// When it was created.
    pub created: SimTime,
    /// Its tags.
    pub tags: Tags,
}

impl Iam {
    /// The role with this ARN.
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.entity.arn == arn)
    }
}

/// The user that every request to the sandbox comes from.
pub const CALLER: &str = "sandbox";

/// The caller, who may do everything, and the user that the examples name as a member: part of every new world.
pub fn seed(world: &mut World) {
    for (name, policies) in [
        (CALLER, &["arn:aws:iam::aws:policy/AdministratorAccess"][..]),
        ("ops-account", &[]),
    ] {
        let mut entity = entities::new_entity(world, Kind::User, name, "/", Tags::new());
        entity.attached = policies.iter().map(|&arn| arn.to_owned()).collect();
        let users = &mut world.global.iam.users;
        users.insert(name.to_owned(), User { entity });
    }
}

/// What policies are attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Role,
    Group,
    User,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Role, Self::Group, Self::User];

    /// The word in operations and members.
    fn word(self) -> &'static str {
        match self {
            Self::Role => "Role",
            Self::Group => "Group",
            Self::User => "User",
        }
    }

    /// The word in ARNs and messages.
    fn noun(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Group => "group",
            Self::User => "user",
        }
    }

    /// The member that carries the name.
    fn name_member(self) -> &'static str {
        match self {
            Self::Role => "RoleName",
            Self::Group => "GroupName",
            Self::User => "UserName",
        }
    }
}

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    match call.operation.as_str() {
        "CreateServiceLinkedRole" => return entities::create_service_linked_role(world, params),
        "UpdateAssumeRolePolicy" => return entities::update_trust(world, params),
        "RemoveRoleFromInstanceProfile" => {
            let profile = params.required("InstanceProfileName")?;
            return Err(no_such_entity(format!(
                "Instance Profile {profile} cannot be found."
            )));
        }
        "ListInstanceProfilesForRole" => return entities::list_instance_profiles(world, params),
        "AddUserToGroup" => return memberships::add(world, params),
        "RemoveUserFromGroup" => return memberships::remove(world, params),
        "ListGroupsForUser" => return memberships::groups_of(world, params),
        "CreatePolicy" => return policies::create(world, params),
        "GetPolicy" => return policies::get(world, params),
        "ListPolicies" => return policies::list(world, params),
        "DeletePolicy" => return policies::delete(world, params),
        "TagPolicy" => return policies::tag(world, params),
        "UntagPolicy" => return policies::untag(world, params),
        "ListPolicyTags" => return policies::list_tags(world, params),
        "CreatePolicyVersion" => return policies::create_version(world, params),
        "GetPolicyVersion" => return policies::get_version(world, params),
        "ListPolicyVersions" => return policies::list_versions(world, params),
        "SetDefaultPolicyVersion" => return policies::set_default(world, params),
        "DeletePolicyVersion" => return policies::delete_version(world, params),
        "ListEntitiesForPolicy" => return policies::list_entities(world, params),
        "CreateOpenIDConnectProvider" => return providers::create(world, params),
        "GetOpenIDConnectProvider" => return providers::get(world, params),
        "ListOpenIDConnectProviders" => return Ok(providers::list(world)),
        "DeleteOpenIDConnectProvider" => return providers::delete(world, params),
        "SimulatePrincipalPolicy" => return simulate::principal(world, params),
        "AddClientIDToOpenIDConnectProvider" => return providers::add_client(world, params),
        "RemoveClientIDFromOpenIDConnectProvider" => {
            return providers::remove_client(world, params);
        }
        "UpdateOpenIDConnectProviderThumbprint" => {
            return providers::update_thumbprints(world, params);
        }
        "TagOpenIDConnectProvider" => return providers::tag(world, params),
        "UntagOpenIDConnectProvider" => return providers::untag(world, params),
        "ListOpenIDConnectProviderTags" => return providers::list_tags(world, params),
        "GetAccountAuthorizationDetails" => return details::get(world, params),
        _ => {}
    }
    let Some((kind, verb)) = split(&call.operation) else {
        return Err(Fault::unknown_operation(call));
    };
    match (verb.as_str(), kind) {
        ("Create*", _) => entities::create(world, kind, params),
        ("Get*", _) => entities::get(world, kind, params),
        ("List*s", _) => entities::list(world, kind, params),
        ("Update*", Kind::Role) => entities::update_role(world, params),
        ("Update*", Kind::Group) => entities::update_group(world, params),
        ("Delete*", _) => entities::delete(world, kind, params),
        ("Tag*", Kind::Role | Kind::User) => entities::tag(world, kind, params),
        ("Untag*", Kind::Role | Kind::User) => entities::untag(world, kind, params),
        ("List*Tags", Kind::Role | Kind::User) => entities::list_tags(world, kind, params),
        ("Attach*Policy", _) => attachments::attach(world, kind, params),
        ("Detach*Policy", _) => attachments::detach(world, kind, params),
        ("ListAttached*Policies", _) => attachments::list_attached(world, kind, params),
        ("Put*Policy", _) => attachments::put_inline(world, kind, params),
        ("Get*Policy", _) => attachments::get_inline(world, kind, params),
        ("Delete*Policy", _) => attachments::delete_inline(world, kind, params),
        ("List*Policies", _) => attachments::list_inline(world, kind, params),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Operations on roles, groups and users differ in one word: `AttachRolePolicy` is `Attach*Policy` of a role.
fn split(operation: &str) -> Option<(Kind, String)> {
    Kind::ALL
        .into_iter()
        .find(|kind| operation.contains(kind.word()))
        .map(|kind| (kind, operation.replacen(kind.word(), "*", 1)))
}

fn no_such_entity(message: impl Into<String>) -> Fault {
    Fault::new("NoSuchEntity", message).status(404)
}

fn already_exists(message: impl Into<String>) -> Fault {
    Fault::new("EntityAlreadyExists", message).status(409)
}

fn delete_conflict(message: impl Into<String>) -> Fault {
    Fault::new("DeleteConflict", message).status(409)
}

fn limit_exceeded(message: impl Into<String>) -> Fault {
    Fault::new("LimitExceeded", message).status(409)
}

fn validation(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}
