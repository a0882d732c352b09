//! Managed policies: the account's own with their versions, and AWS's to look at and attach.

use std::collections::BTreeMap;

use super::{
    Kind, Policy, PolicyVersion, already_exists, delete_conflict, document, entities,
    limit_exceeded, managed, no_such_entity, render, validation,
};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::aws::tags::{self, Tags};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

const MOST_VERSIONS: usize = 5;
const MOST_POLICIES: usize = 1500;

/// The policy with this ARN, AWS's or the account's.
pub(super) fn find(world: &World, arn: &str) -> Option<Policy> {
    managed::find(arn).or_else(|| world.global.iam.policies.get(arn).cloned())
}

fn named(world: &World, params: &Params) -> Result<Policy, Fault> {
    let arn = params.required("PolicyArn")?;
    find(world, &arn).ok_or_else(|| not_found(&arn))
}

/// The account's own policy that a request wants to change; AWS's belong to AWS.
fn own<'a>(world: &'a mut World, params: &Params) -> Result<&'a mut Policy, Fault> {
    let arn = params.required("PolicyArn")?;
    if managed::find(&arn).is_some() {
        return Err(Fault::new(
            "AccessDenied",
            format!("The policy {arn} belongs to AWS and can't be changed."),
        )
        .status(403));
    }
    let found = world.global.iam.policies.get_mut(&arn);
    found.ok_or_else(|| not_found(&arn))
}

fn not_found(arn: &str) -> Fault {
    no_such_entity(format!("Policy {arn} was not found."))
}

/// How many roles, groups and users a policy is attached to.
pub(super) fn attachments(world: &World, arn: &str) -> usize {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| world.global.iam.entities(kind))
        .filter(|entity| entity.attached.contains(arn))
        .count()
}

pub(super) fn render_policy(world: &World, policy: &Policy, with_tags: bool) -> render::Members {
    let mut members = vec![
        ("PolicyName", (&policy.name).into()),
        ("PolicyId", (&policy.id).into()),
        ("Arn", (&policy.arn).into()),
        ("Path", (&policy.path).into()),
        (
            "DefaultVersionId",
            format!("v{}", policy.default_version).into(),
        ),
        (
            "AttachmentCount",
            (attachments(world, &policy.arn) as i64).into(),
        ),
        ("PermissionsBoundaryUsageCount", 0.into()),
        ("IsAttachable", true.into()),
        ("CreateDate", policy.created.into()),
        ("UpdateDate", policy.updated.into()),
    ];
    if let Some(description) = &policy.description {
        members.push(("Description", description.into()));
    }
    if with_tags && !policy.tags.is_empty() {
        members.push(("Tags", tags::reply("member", &policy.tags)));
    }
    members
}

pub(super) fn render_version(policy: &Policy, number: u32, with_document: bool) -> Reply {
    let version = &policy.versions[&number];
    let mut members = vec![
        ("VersionId", format!("v{number}").into()),
        (
            "IsDefaultVersion",
            (number == policy.default_version).into(),
        ),
        ("CreateDate", version.created.into()),
    ];
    if with_document {
        members.insert(0, ("Document", render::document(&version.document)));
    }
    Reply::Fields(members)
}

/// A policy with one version, as it is when it has just been made.
pub(super) fn new_policy(arn: String, path: &str, name: &str, text: &str, now: SimTime) -> Policy {
    let version = PolicyVersion {
        document: text.to_owned(),
        created: now,
    };
    Policy {
        name: name.to_owned(),
        path: path.to_owned(),
        id: String::new(),
        arn,
        description: None,
        created: now,
        updated: now,
        tags: Tags::new(),
        versions: BTreeMap::from([(1, version)]),
        default_version: 1,
        versions_made: 1,
    }
}

pub(super) fn create(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let name = entities::name(params, "PolicyName", 128)?;
    let path = entities::path(params, "Path")?;
    let text = document_given(params)?;
    let tags = tags::read(params, "Tags", "InvalidInput")?;
    let policies = &world.global.iam.policies;
    if policies
        .values()
        .any(|policy| policy.name.eq_ignore_ascii_case(&name))
    {
        return Err(already_exists(format!(
            "A policy called {name} already exists. Duplicate names are not allowed."
        )));
    }
    if policies.len() >= MOST_POLICIES {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PoliciesPerAccount: {MOST_POLICIES}"
        )));
    }
    let arn = format!("arn:aws:iam::{}:policy{path}{name}", world.account);
    let mut policy = new_policy(arn.clone(), &path, &name, &text, world.now);
    policy.id = world.ids.upper("ANPA", 17);
    policy.description = params.text("Description").filter(|text| !text.is_empty());
    tags::add(&mut policy.tags, tags, "LimitExceeded")?;
    let reply = render_policy(world, &policy, true);
    world.global.iam.policies.insert(arn, policy);
    Ok(Reply::Fields(vec![("Policy", Reply::Fields(reply))]))
}

fn document_given(params: &Params) -> Result<String, Fault> {
    let text = params.required("PolicyDocument")?;
    document::check_identity(&text)?;
    match document::length(&text) {
        ..=6144 => Ok(text),
        _ => Err(limit_exceeded("Cannot exceed quota for PolicySize: 6144")),
    }
}

pub(super) fn get(world: &World, params: &Params) -> Result<Reply, Fault> {
    let policy = named(world, params)?;
    Ok(Reply::Fields(vec![(
        "Policy",
        Reply::Fields(render_policy(world, &policy, true)),
    )]))
}

pub(super) fn list(world: &World, params: &Params) -> Result<Reply, Fault> {
    let scope = params.text("Scope").unwrap_or_else(|| "All".to_owned());
    let prefix = params.text("PathPrefix").unwrap_or_default();
    let only_attached = params.flag("OnlyAttached").unwrap_or(false);
    let mut all = Vec::new();
    match scope.as_str() {
        "All" | "AWS" | "Local" => {}
        other => {
            return Err(validation(format!(
                "1 validation error detected: Value '{other}' at 'scope' failed to satisfy constraint: Member must satisfy enum value set: [All, AWS, Local]"
            )));
        }
    }
    if scope != "AWS" {
        all.extend(world.global.iam.policies.values().cloned());
    }
    if scope != "Local" {
        all.extend(managed::all());
    }
    all.retain(|policy| {
        policy.path.starts_with(&prefix) && (!only_attached || attachments(world, &policy.arn) > 0)
    });
    all.sort_by(|a, b| a.arn.cmp(&b.arn));
    let page = render::page(
        params,
        all.into_iter().map(|policy| (policy.arn.clone(), policy)),
    )?;
    Ok(Reply::Fields(render::listing("Policies", page, |policy| {
        Reply::Fields(render_policy(world, &policy, false))
    })))
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let policy = own(world, params)?;
    let (arn, versions) = (policy.arn.clone(), policy.versions.len());
    if attachments(world, &arn) > 0 {
        return Err(delete_conflict(
            "Cannot delete a policy attached to entities.",
        ));
    }
    if versions > 1 {
        return Err(delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        ));
    }
    world.global.iam.policies.remove(&arn);
    Ok(Reply::empty())
}

pub(super) fn tag(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let new = tags::read(params, "Tags", "InvalidInput")?;
    tags::add(&mut own(world, params)?.tags, new, "LimitExceeded")?;
    Ok(Reply::empty())
}

pub(super) fn untag(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    tags::remove(&mut own(world, params)?.tags, params, "TagKeys");
    Ok(Reply::empty())
}

pub(super) fn list_tags(world: &World, params: &Params) -> Result<Reply, Fault> {
    Ok(render::all_tags(&named(world, params)?.tags))
}

pub(super) fn create_version(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let text = document_given(params)?;
    let now = world.now;
    let policy = own(world, params)?;
    if policy.versions.len() >= MOST_VERSIONS {
        return Err(limit_exceeded(format!(
            "A managed policy can have up to {MOST_VERSIONS} versions. Before you create a new version, you must delete an existing version."
        )));
    }
    policy.versions_made += 1;
    let number = policy.versions_made;
    let version = PolicyVersion {
        document: text,
        created: now,
    };
    policy.versions.insert(number, version);
    policy.updated = now;
    if params.flag("SetAsDefault").unwrap_or(false) {
        policy.default_version = number;
    }
    Ok(Reply::Fields(vec![(
        "PolicyVersion",
        render_version(policy, number, false),
    )]))
}

/// The version that a request names, which must exist.
fn version_named(policy: &Policy, params: &Params) -> Result<u32, Fault> {
    let id = params.required("VersionId")?;
    id.strip_prefix('v')
        .and_then(|number| number.parse().ok())
        .filter(|number| policy.versions.contains_key(number))
        .ok_or_else(|| {
            no_such_entity(format!(
                "Policy {} version {id} does not exist or is not attachable.",
                policy.arn
            ))
        })
}

pub(super) fn get_version(world: &World, params: &Params) -> Result<Reply, Fault> {
    let policy = named(world, params)?;
    let number = version_named(&policy, params)?;
    Ok(Reply::Fields(vec![(
        "PolicyVersion",
        render_version(&policy, number, true),
    )]))
}

pub(super) fn list_versions(world: &World, params: &Params) -> Result<Reply, Fault> {
    let policy = named(world, params)?;
    // Never more than five, so the key's order is that of the numbers only while it is padded.
    let versions = policy.versions.keys().map(|n| (format!("{n:010}"), *n));
    let page = render::page(params, versions)?;
    Ok(Reply::Fields(render::listing("Versions", page, |number| {
        render_version(&policy, number, false)
    })))
}

pub(super) fn set_default(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let policy = own(world, params)?;
    policy.default_version = version_named(policy, params)?;
    Ok(Reply::empty())
}

pub(super) fn delete_version(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let policy = own(world, params)?;
    let number = version_named(policy, params)?;
    if number == policy.default_version {
        return Err(delete_conflict(
            "Cannot delete the default version of a policy.",
        ));
    }
    policy.versions.remove(&number);
    Ok(Reply::empty())
}

pub(super) fn list_entities(world: &World, params: &Params) -> Result<Reply, Fault> {
    let policy = named(world, params)?;
    let filter = params.text("EntityFilter");
    let mut members = Vec::new();
    for (kind, list) in [
        (Kind::Group, "PolicyGroups"),
        (Kind::User, "PolicyUsers"),
        (Kind::Role, "PolicyRoles"),
    ] {
        let wanted = filter.as_deref().is_none_or(|filter| filter == kind.word());
        let users = world.global.iam.entities(kind).into_iter();
        let users = users.filter(|entity| wanted && entity.attached.contains(&policy.arn));
        // Name and id are the second and third member of an entity.
        let users =
            users.map(|entity| Reply::Fields(render::entity(kind, entity, false)[1..3].to_vec()));
        members.push((list, Reply::List("member", users.collect())));
    }
    members.extend(render::truncation(None));
    Ok(Reply::Fields(members))
}
