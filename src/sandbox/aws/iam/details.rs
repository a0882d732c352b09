//! `GetAccountAuthorizationDetails`: every user, group, role and policy of the account in one sweep.

use super::{Entity, Kind, managed, policies, render, validation};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::world::World;

/// The lists of the answer with the filters that ask for them, in the order in which pages go through them.
const LISTS: [(&str, &[&str]); 4] = [
    ("UserDetailList", &["User"]),
    ("GroupDetailList", &["Group"]),
    ("RoleDetailList", &["Role"]),
    ("Policies", &["LocalManagedPolicy", "AWSManagedPolicy"]),
];

pub(super) fn get(world: &World, params: &Params) -> Result<Reply, Fault> {
    let filters = params.texts("Filter");
    for filter in &filters {
        if !LISTS
            .iter()
            .any(|(_, known)| known.contains(&filter.as_str()))
        {
            return Err(validation(format!(
                "1 validation error detected: Value '[{filter}]' at 'filter' failed to satisfy constraint: Member must satisfy enum value set: [User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]"
            )));
        }
    }
    let wanted = |filter: &str| filters.is_empty() || filters.iter().any(|given| given == filter);
    let iam = &world.global.iam;
    let mut found = Vec::new();
    let mut keep = |list: usize, key: &str, detail: Reply| {
        found.push((format!("{list}{key}"), (list, detail)));
    };
    for (list, kind) in [(0, Kind::User), (1, Kind::Group), (2, Kind::Role)] {
        for entity in iam.entities(kind) {
            if wanted(kind.word()) {
                keep(list, &entity.name, entity_detail(world, kind, entity));
            }
        }
    }
    let mut listed = Vec::new();
    if wanted("LocalManagedPolicy") {
        listed.extend(iam.policies.values().cloned());
    }
    if wanted("AWSManagedPolicy") {
        // Of AWS's policies the answer holds those in use (inf).
        listed
            .extend(managed::all().filter(|policy| policies::attachments(world, &policy.arn) > 0));
    }
    listed.sort_by(|a, b| a.arn.cmp(&b.arn));
    for policy in &listed {
        let mut members = policies::render_policy(world, policy, false);
        let versions = policy.versions.keys();
        let versions = versions.map(|number| policies::render_version(policy, *number, true));
        members.push((
            "PolicyVersionList",
            Reply::List("member", versions.collect()),
        ));
        keep(3, &policy.arn, Reply::Fields(members));
    }

    let page = render::page(params, found)?;
    let mut lists = [const { Vec::new() }; LISTS.len()];
    for (list, detail) in page.items {
        lists[list].push(detail);
    }
    let mut members: render::Members = LISTS
        .iter()
        .zip(lists)
        .map(|((name, _), details)| (*name, Reply::List("member", details)))
        .collect();
    members.extend(render::truncation(page.next));
    Ok(Reply::Fields(members))
}

fn entity_detail(world: &World, kind: Kind, entity: &Entity) -> Reply {
    let iam = &world.global.iam;
    let list = |replies: Vec<Reply>| Reply::List("member", replies);
    let inline = entity.inline.iter().map(|(name, text)| {
        Reply::Fields(vec![
            ("PolicyName", name.into()),
            ("PolicyDocument", render::document(text)),
        ])
    });
    let attached = entity.attached.iter().map(|arn| render::attached(arn));
    let mut members = render::entity(kind, entity, true);
    members.push(("AttachedManagedPolicies", list(attached.collect())));
    match kind {
        Kind::User => {
            let groups = iam
                .groups
                .values()
                .filter(|group| group.members.contains(&entity.name));
            members.push((
                "GroupList",
                Reply::texts("member", groups.map(|group| &group.entity.name)),
            ));
            members.push(("UserPolicyList", list(inline.collect())));
        }
        Kind::Group => members.push(("GroupPolicyList", list(inline.collect()))),
        Kind::Role => {
            let trust = &iam.roles[&entity.name].trust;
            members.push(("AssumeRolePolicyDocument", render::document(trust)));
            members.push(("InstanceProfileList", list(Vec::new())));
            members.push(("RolePolicyList", list(inline.collect())));
        }
    }
    Reply::Fields(members)
}
