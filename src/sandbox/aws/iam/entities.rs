//! Roles, groups and users themselves: create, read, list, change, tag, delete.

use std::collections::BTreeSet;

use super::{
    Entity, Group, Iam, Kind, Role, User, already_exists, delete_conflict, document,
    limit_exceeded, no_such_entity, render, validation,
};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::aws::page;
use crate::sandbox::aws::tags::{self, Tags};
use crate::sandbox::world::World;

/// The roles that AWS's services make for themselves: service and name.
const SERVICE_LINKED_ROLES: [(&str, &str); 6] = [
    ("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    (
        "eks-nodegroup.amazonaws.com",
        "AWSServiceRoleForAmazonEKSNodegroup",
    ),
    ("elasticache.amazonaws.com", "AWSServiceRoleForElastiCache"),
    ("rds.amazonaws.com", "AWSServiceRoleForRDS"),
    (
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
    ),
    ("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling"),
];

const SERVICE_LINKED_PATH: &str = "/aws-service-role/";

impl Iam {
    /// The role, group or user of this name.
    pub(super) fn entity(&self, kind: Kind, name: &str) -> Result<&Entity, Fault> {
        match kind {
            Kind::Role => self.roles.get(name).map(|role| &role.entity),
            Kind::Group => self.groups.get(name).map(|group| &group.entity),
            Kind::User => self.users.get(name).map(|user| &user.entity),
        }
        .ok_or_else(|| not_found(kind, name))
    }

    /// The same to change it; a service-linked role belongs to AWS.
    pub(super) fn entity_mut(&mut self, kind: Kind, name: &str) -> Result<&mut Entity, Fault> {
        let entity = match kind {
            Kind::Role => self.roles.get_mut(name).map(|role| &mut role.entity),
            Kind::Group => self.groups.get_mut(name).map(|group| &mut group.entity),
            Kind::User => self.users.get_mut(name).map(|user| &mut user.entity),
        }
        .ok_or_else(|| not_found(kind, name))?;
        if entity.path.starts_with(SERVICE_LINKED_PATH) {
            return Err(Fault::new(
                "UnmodifiableEntity",
                format!(
                    "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
                ),
            ));
        }
        Ok(entity)
    }

    /// Every role, group or user, in the order of their names.
    pub(super) fn entities(&self, kind: Kind) -> Vec<&Entity> {
        match kind {
            Kind::Role => self.roles.values().map(|role| &role.entity).collect(),
            Kind::Group => self.groups.values().map(|group| &group.entity).collect(),
            Kind::User => self.users.values().map(|user| &user.entity).collect(),
        }
    }

    fn role_mut(&mut self, name: &str) -> Result<&mut Role, Fault> {
        self.entity_mut(Kind::Role, name)?;
        self.roles
            .get_mut(name)
            .ok_or_else(|| not_found(Kind::Role, name))
    }

    /// Names are unique whatever their case.
    fn refuse_taken_name(&self, kind: Kind, name: &str) -> Result<(), Fault> {
        let taken = self
            .entities(kind)
            .iter()
            .any(|entity| entity.name.eq_ignore_ascii_case(name));
        match taken {
            true => Err(already_exists(format!(
                "{} with name {name} already exists.",
                kind.word()
            ))),
            false => Ok(()),
        }
    }
}

pub(super) fn not_found(kind: Kind, name: &str) -> Fault {
    no_such_entity(format!(
        "The {} with name {name} cannot be found.",
        kind.noun()
    ))
}

/// The name in `member`, checked against AWS's alphabet and length.
pub(super) fn name(params: &Params, member: &str, longest: usize) -> Result<String, Fault> {
    let name = params.required(member)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.len() > longest || !name.chars().all(allowed) {
        return Err(validation(format!(
            "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must have length less than or equal to {longest} and satisfy regular expression pattern: [\\w+=,.@-]+",
            lower_first(member)
        )));
    }
    Ok(name)
}

fn lower_first(member: &str) -> String {
    let mut chars = member.chars();
    chars
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + chars.as_str())
        .unwrap_or_default()
}

/// The path in `member`; `/` where none was given.
pub(super) fn path(params: &Params, member: &str) -> Result<String, Fault> {
    let path = params.text(member).unwrap_or_else(|| "/".to_owned());
    let shaped = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && path.chars().all(|c| ('!'..='~').contains(&c));
    match shaped {
        true => Ok(path),
        false => Err(validation(
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        )),
    }
}

fn entity_name(kind: Kind, params: &Params) -> Result<String, Fault> {
    let longest = match kind {
        Kind::Role | Kind::User => 64,
        Kind::Group => 128,
    };
    name(params, kind.name_member(), longest)
}

pub(super) fn new_entity(
    world: &mut World,
    kind: Kind,
    name: &str,
    path: &str,
    tags: Tags,
) -> Entity {
    let prefix = match kind {
        Kind::Role => "AROA",
        Kind::Group => "AGPA",
        Kind::User => "AIDA",
    };
    Entity {
        id: world.ids.upper(prefix, 17),
        arn: arn(world, kind, path, name),
        name: name.to_owned(),
        path: path.to_owned(),
        created: world.now,
        tags,
        attached: BTreeSet::new(),
        inline: Default::default(),
    }
}

fn arn(world: &World, kind: Kind, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{}:{}{path}{name}", world.account, kind.noun())
}

pub(super) fn create(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let name = entity_name(kind, params)?;
    let path = path(params, "Path")?;
    let tags = tags::read(params, "Tags", "InvalidInput")?;
    world.global.iam.refuse_taken_name(kind, &name)?;
    let (most, quota) = match kind {
        Kind::Role => (1000, "RolesPerAccount"),
        Kind::Group => (300, "GroupsPerAccount"),
        Kind::User => (5000, "UsersPerAccount"),
    };
    if world.global.iam.entities(kind).len() >= most {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for {quota}: {most}"
        )));
    }
    let role_settings = match kind {
        Kind::Role => Some(role_settings(world, params)?),
        Kind::Group | Kind::User => None,
    };
    let mut entity = new_entity(world, kind, &name, &path, Tags::new());
    tags::add(&mut entity.tags, tags, "LimitExceeded")?;
    let iam = &mut world.global.iam;
    match (kind, role_settings) {
        (Kind::Role, Some((trust, max_session))) => {
            let role = Role {
                entity,
                trust,
                description: params.text("Description").filter(|text| !text.is_empty()),
                max_session,
            };
            iam.roles.insert(name.clone(), role);
        }
        (Kind::Group, _) => {
            let members = BTreeSet::new();
            iam.groups.insert(name.clone(), Group { entity, members });
        }
        (Kind::User | Kind::Role, _) => {
            iam.users.insert(name.clone(), User { entity });
        }
    }
    Ok(Reply::Fields(vec![one(world, kind, &name)?]))
}

fn role_settings(world: &World, params: &Params) -> Result<(String, i64), Fault> {
    let trust = params.required("AssumeRolePolicyDocument")?;
    document::check_trust(world, &trust)?;
    Ok((trust, max_session(params)?.unwrap_or(3600)))
}

fn max_session(params: &Params) -> Result<Option<i64>, Fault> {
    let seconds = params.int("MaxSessionDuration")?;
    match seconds {
        Some(seconds) if !(3600..=43_200).contains(&seconds) => Err(validation(format!(
            "1 validation error detected: Value '{seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200"
        ))),
        given => Ok(given),
    }
}

/// What creating and getting tell alike.
fn one(world: &World, kind: Kind, name: &str) -> Result<(&'static str, Reply), Fault> {
    let iam = &world.global.iam;
    let entity = iam.entity(kind, name)?;
    Ok(match kind {
        Kind::Role => ("Role", Reply::Fields(render::role(&iam.roles[name], true))),
        Kind::User => ("User", Reply::Fields(render::entity(kind, entity, true))),
        Kind::Group => ("Group", Reply::Fields(render::entity(kind, entity, false))),
    })
}

pub(super) fn get(world: &World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let iam = &world.global.iam;
    let name = params.required(kind.name_member())?;
    let mut members = vec![one(world, kind, &name)?];
    if kind == Kind::Group {
        let users = iam.groups[&name]
            .members
            .iter()
            .filter_map(|member| iam.users.get(member))
            .map(|user| (user.entity.name.clone(), &user.entity));
        let page = render::page(params, users)?;
        members.extend(render::listing("Users", page, |user| {
            Reply::Fields(render::entity(Kind::User, user, false))
        }));
    }
    Ok(Reply::Fields(members))
}

pub(super) fn list(world: &World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let iam = &world.global.iam;
    let prefix = params.text("PathPrefix").unwrap_or_default();
    let entities = iam
        .entities(kind)
        .into_iter()
        .filter(|entity| entity.path.starts_with(&prefix))
        .map(|entity| (entity.name.clone(), entity));
    let page = render::page(params, entities)?;
    let list = match kind {
        Kind::Role => "Roles",
        Kind::Group => "Groups",
        Kind::User => "Users",
    };
    Ok(Reply::Fields(render::listing(list, page, |entity| {
        Reply::Fields(match iam.roles.get(&entity.name) {
            Some(role) if kind == Kind::Role => render::role(role, false),
            _ => render::entity(kind, entity, false),
        })
    })))
}

pub(super) fn update_role(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let max_session = max_session(params)?;
    let role = world.global.iam.role_mut(&params.required("RoleName")?)?;
    if params.has("Description") {
        role.description = params.text("Description").filter(|text| !text.is_empty());
    }
    role.max_session = max_session.unwrap_or(role.max_session);
    Ok(Reply::empty())
}

pub(super) fn update_trust(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let name = params.required("RoleName")?;
    let trust = params.required("PolicyDocument")?;
    world.global.iam.role_mut(&name)?;
    document::check_trust(world, &trust)?;
    world.global.iam.role_mut(&name)?.trust = trust;
    Ok(Reply::empty())
}

/// Renames or moves a group; its id, members and policies stay.
pub(super) fn update_group(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let old_name = params.required("GroupName")?;
    let old_path = world
        .global
        .iam
        .entity(Kind::Group, &old_name)?
        .path
        .clone();
    let new_name = match params.has("NewGroupName") {
        true => name(params, "NewGroupName", 128)?,
        false => old_name.clone(),
    };
    let new_path = match params.has("NewPath") {
        true => path(params, "NewPath")?,
        false => old_path,
    };
    if !new_name.eq_ignore_ascii_case(&old_name) {
        world.global.iam.refuse_taken_name(Kind::Group, &new_name)?;
    }
    let new_arn = arn(world, Kind::Group, &new_path, &new_name);
    let groups = &mut world.global.iam.groups;
    if let Some(mut group) = groups.remove(&old_name) {
        let entity = &mut group.entity;
        (entity.name, entity.path, entity.arn) = (new_name.clone(), new_path, new_arn);
        groups.insert(new_name, group);
    }
    Ok(Reply::empty())
}

pub(super) fn delete(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let iam = &mut world.global.iam;
    let name = params.required(kind.name_member())?;
    let entity = iam.entity_mut(kind, &name)?;
    if !entity.attached.is_empty() {
        return Err(delete_conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !entity.inline.is_empty() {
        return Err(delete_conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    let linked = match kind {
        Kind::Role => false,
        Kind::Group => !iam.groups[&name].members.is_empty(),
        Kind::User => iam
            .groups
            .values()
            .any(|group| group.members.contains(&name)),
    };
    if linked {
        return Err(delete_conflict(
            "Cannot delete entity, must remove users from group first.",
        ));
    }
    match kind {
        Kind::Role => drop(iam.roles.remove(&name)),
        Kind::Group => drop(iam.groups.remove(&name)),
        Kind::User => drop(iam.users.remove(&name)),
    }
    Ok(Reply::empty())
}

pub(super) fn tag(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let new = tags::read(params, "Tags", "InvalidInput")?;
    let name = params.required(kind.name_member())?;
    let entity = world.global.iam.entity_mut(kind, &name)?;
    tags::add(&mut entity.tags, new, "LimitExceeded")?;
    Ok(Reply::empty())
}

pub(super) fn untag(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let name = params.required(kind.name_member())?;
    let entity = world.global.iam.entity_mut(kind, &name)?;
    tags::remove(&mut entity.tags, params, "TagKeys");
    Ok(Reply::empty())
}

pub(super) fn list_tags(world: &World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let name = params.required(kind.name_member())?;
    let entity = world.global.iam.entity(kind, &name)?;
    Ok(render::all_tags(&entity.tags))
}

/// No role of the sandbox wears an instance profile: EKS makes those of managed nodes in its own account.
pub(super) fn list_instance_profiles(world: &World, params: &Params) -> Result<Reply, Fault> {
    let name = params.required("RoleName")?;
    world.global.iam.entity(Kind::Role, &name)?;
    let none: page::Page<Reply> = page::cut([], None, 1);
    Ok(Reply::Fields(render::listing(
        "InstanceProfiles",
        none,
        |profile| profile,
    )))
}

pub(super) fn create_service_linked_role(
    world: &mut World,
    params: &Params,
) -> Result<Reply, Fault> {
    let service = params.required("AWSServiceName")?;
    let invalid = |message: String| Fault::new("InvalidInput", message);
    let (_, name) = SERVICE_LINKED_ROLES
        .into_iter()
        .find(|(known, _)| *known == service)
        .ok_or_else(|| {
            invalid(format!(
                "The service {service} has no service-linked role in the sandbox"
            ))
        })?;
    if world.global.iam.roles.contains_key(name) {
        return Err(invalid(format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        )));
    }
    let path = format!("{SERVICE_LINKED_PATH}{service}/");
    let role = Role {
        entity: new_entity(world, Kind::Role, name, &path, Tags::new()),
        trust: document::trust_of_service(&service),
        description: params.text("Description"),
        max_session: 3600,
    };
    let reply = render::role(&role, true);
    world.global.iam.roles.insert(name.to_owned(), role);
    Ok(Reply::Fields(vec![("Role", Reply::Fields(reply))]))
}
