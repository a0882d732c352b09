//! Access entries: who is let into a cluster, and what EKS's access policies let them do.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{AccessEntry, Cluster, Token};
use super::{cluster_of, in_use, invalid, names_page, not_found};
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, page, tag_operations};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

const POLICY: &str = "arn:aws:eks::aws:cluster-access-policy/";

/// EKS's access policies, those for people and those that its own parts use.
const POLICIES: [&str; 9] = [
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSNetworkingPolicy",
    "AmazonEKSViewPolicy",
];

/// The types of entries; only the first has policies and groups of one's choice.
const TYPES: [&str; 6] = [
    "STANDARD",
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "EC2",
    "HYBRID_LINUX",
];

/// The type of the entries that let nodes join.
pub(super) const OF_NODES: &str = "EC2_LINUX";

/// The type of those that let Auto Mode's nodes join.
pub(super) const OF_POOLS: &str = "EC2";

/// What no group begins with that is not EKS's own.
const RESERVED: [&str; 5] = ["amazon:", "aws:", "eks:", "iam:", "system:"];

/// Whether a cluster looks at its access entries at all.
pub(super) fn counts(cluster: &Cluster) -> bool {
    cluster.authentication != "CONFIG_MAP"
}

/// Makes its creator the administrator of a cluster, where that was asked for.
pub(super) fn of_creator(world: &mut World, region: &str, cluster: &mut Cluster) {
    if !cluster.creator_is_admin || !counts(cluster) {
        return;
    }
    let principal = format!("arn:aws:iam::{}:user/sandbox", world.account);
    let mut entry = entry(world, region, &cluster.name, &principal, "STANDARD");
    entry.by_eks = true;
    let everywhere = BTreeSet::new();
    entry
        .policies
        .insert(format!("{POLICY}AmazonEKSClusterAdminPolicy"), everywhere);
    cluster.access_entries.insert(principal, entry);
}

/// Lets the nodes of a managed node group in.
pub(super) fn of_nodes(world: &mut World, call: &Call, role: &str) -> Result<(), Fault> {
    let cluster = cluster_of(world, call)?;
    if !counts(cluster) || cluster.access_entries.contains_key(role) {
        return Ok(());
    }
    let name = cluster.name.clone();
    let mut entry = entry(world, &call.region, &name, role, OF_NODES);
    entry.by_eks = true;
    entry.groups.insert("system:nodes".to_owned());
    entry.username = "system:node:{{EC2PrivateDNSName}}".to_owned();
    let entries = &mut cluster_of(world, call)?.access_entries;
    entries.insert(role.to_owned(), entry);
    Ok(())
}

/// Lets the nodes of Auto Mode in, with the policy that EKS has for them.
pub(super) fn of_pools(world: &mut World, region: &str, name: &str, role: &str) {
    let mut entry = entry(world, region, name, role, OF_POOLS);
    entry.by_eks = true;
    entry
        .policies
        .insert(format!("{POLICY}AmazonEKSAutoNodePolicy"), BTreeSet::new());
    if let Some(cluster) = world.region(region).eks.clusters.get_mut(name)
        && counts(cluster)
    {
        cluster
            .access_entries
            .entry(role.to_owned())
            .or_insert(entry);
    }
}

fn entry(
    world: &mut World,
    region: &str,
    cluster: &str,
    principal: &str,
    kind: &str,
) -> AccessEntry {
    let (account, uid) = (world.account.clone(), world.ids.uuid());
    let (_, name) = principal.rsplit_once(':').unwrap_or(("", principal));
    let (sort, name) = name.split_once('/').unwrap_or(("role", name));
    AccessEntry {
        principal: principal.to_owned(),
        arn: format!(
            "arn:aws:eks:{region}:{account}:access-entry/{cluster}/{sort}/{account}/{name}/{uid}"
        ),
        kind: kind.to_owned(),
        groups: BTreeSet::new(),
        username: principal.to_owned(),
        policies: BTreeMap::new(),
        created: world.now,
        modified: world.now,
        token: None,
        tags: Tags::new(),
        by_eks: false,
    }
}

/// Refuses what concerns entries of a cluster that has none.
fn check_mode(cluster: &Cluster) -> Result<(), Fault> {
    match counts(cluster) && cluster.ready {
        true => Ok(()),
        false if counts(cluster) => Err(Fault::new(
            "InvalidRequestException",
            format!("Cluster '{}' is not in ACTIVE status", cluster.name),
        )),
        false => Err(Fault::new(
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
        )),
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let cluster = cluster_of(world, call)?.clone();
    check_mode(&cluster)?;
    let principal = params.text("principalArn").unwrap_or_default();
    let token = Token::of(params);
    if let Some(entry) = cluster.access_entries.get(&principal) {
        // The same request again is answered with what it made.
        return match token.is_some() && entry.token == token {
            true => Ok(Fields::only("accessEntry", render(&cluster.name, entry))),
            false => Err(in_use(
                "The specified access entry resource is already in use on this cluster.",
            )),
        };
    }
    if !exists(world, &principal) {
        return Err(invalid(
            "The specified principalArn is invalid: invalid principal.",
        ));
    }
    let kind = params.text("type").unwrap_or_else(|| "STANDARD".to_owned());
    if !TYPES.contains(&kind.as_str()) {
        return Err(invalid(format!("Invalid type: {kind}")));
    }
    let mut entry = entry(world, &call.region, &cluster.name, &principal, &kind);
    entry.groups = groups(params, &kind)?;
    entry.tags = tag_operations::from_map(params, "tags");
    entry.token = token;
    if let Some(username) = params.text("username") {
        entry.username = username;
    }
    let reply = Fields::only("accessEntry", render(&cluster.name, &entry));
    let entries = &mut cluster_of(world, call)?.access_entries;
    entries.insert(principal, entry);
    Ok(reply)
}

/// Whether there is such a role or user. Those of other accounts nobody here can know.
fn exists(world: &World, principal: &str) -> bool {
    let iam = &world.global.iam;
    let Some((account, name)) = principal
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    let is_own = account == world.account;
    let users = iam.users.values().map(|user| &user.entity.arn);
    let known =
        iam.role_by_arn(principal).is_some() || users.into_iter().any(|arn| arn == principal);
    match name.split_once('/') {
        Some(("role" | "user", _)) => known || !is_own || name == "user/sandbox",
        Some(_) | None => false,
    }
}

fn groups(params: &Params, kind: &str) -> Result<BTreeSet<String>, Fault> {
    let groups: BTreeSet<String> = params.texts("kubernetesGroups").into_iter().collect();
    let reserved = |group: &&String| RESERVED.iter().any(|start| group.starts_with(start));
    if let Some(group) = groups.iter().find(reserved) {
        return Err(invalid(format!(
            "The kubernetes group name {group} is invalid, it cannot start with any of {RESERVED:?}"
        )));
    }
    if kind != "STANDARD" && !groups.is_empty() {
        return Err(invalid(format!(
            "An access entry of type {kind} takes no kubernetesGroups"
        )));
    }
    Ok(groups)
}

fn entry_of<'w>(world: &'w mut World, call: &Call) -> Result<(String, &'w mut AccessEntry), Fault> {
    let principal = call.params.text("principalArn").unwrap_or_default();
    let cluster = cluster_of(world, call)?;
    check_mode(cluster)?;
    let name = cluster.name.clone();
    let entry = cluster.access_entries.get_mut(&principal);
    entry.map(|entry| (name, entry)).ok_or_else(|| {
        not_found(format!(
            "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries': {principal}"
        ))
    })
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (cluster, entry) = entry_of(world, call)?;
    Ok(Fields::only("accessEntry", render(&cluster, entry)))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster_of(world, call)?;
    check_mode(cluster)?;
    let policy = call.params.text("associatedPolicyArn");
    let entries = cluster.access_entries.values().filter(|entry| {
        let has = |policy: &String| entry.policies.contains_key(policy);
        policy.as_ref().is_none_or(has)
    });
    let names = entries.map(|entry| entry.principal.clone()).collect();
    names_page(&call.params, "accessEntries", names)
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let (cluster, entry) = entry_of(world, call)?;
    if entry.kind != "STANDARD" {
        return Err(invalid(format!(
            "An access entry of type {} can't be updated",
            entry.kind
        )));
    }
    if call.params.has("kubernetesGroups") {
        entry.groups = groups(&call.params, &entry.kind)?;
    }
    if let Some(username) = call.params.text("username") {
        entry.username = username;
    }
    entry.modified = now;
    Ok(Fields::only("accessEntry", render(&cluster, entry)))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (_, entry) = entry_of(world, call)?;
    let principal = entry.principal.clone();
    let entries = &mut cluster_of(world, call)?.access_entries;
    entries.remove(&principal);
    Ok(Reply::empty())
}

pub(super) fn associate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let (cluster, entry) = entry_of(world, call)?;
    let policy = call.params.text("policyArn").unwrap_or_default();
    let name = policy.strip_prefix(POLICY).unwrap_or_default();
    if !POLICIES.contains(&name) {
        return Err(invalid(
            "The policyArn parameter format is not valid or the access policy does not exist: see 'list-access-policies'",
        ));
    }
    if entry.kind != "STANDARD" {
        return Err(invalid(format!(
            "An access entry of type {} takes no access policies",
            entry.kind
        )));
    }
    let scope = call.params.nested("accessScope");
    let namespaces: BTreeSet<String> = scope.texts("namespaces").into_iter().collect();
    let fits = match scope.text("type").as_deref() {
        Some("cluster") => namespaces.is_empty(),
        Some("namespace") => !namespaces.is_empty(),
        Some(_) | None => false,
    };
    if !fits {
        return Err(invalid(
            "The accessScope must be of type cluster, or of type namespace with namespaces",
        ));
    }
    entry.policies.insert(policy.clone(), namespaces.clone());
    entry.modified = now;
    let associated = associated(&policy, &namespaces, now);
    Ok(Fields::new()
        .with("clusterName", cluster)
        .with("principalArn", &entry.principal)
        .with("associatedAccessPolicy", associated)
        .into())
}

pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let policy = call.params.text("policyArn").unwrap_or_default();
    let (_, entry) = entry_of(world, call)?;
    match entry.policies.remove(&policy) {
        Some(_) => Ok(Reply::empty()),
        None => Err(not_found(format!(
            "The specified policyArn is not associated with this access entry: {policy}"
        ))),
    }
}

pub(super) fn list_associated(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (cluster, entry) = entry_of(world, call)?;
    let (principal, modified) = (entry.principal.clone(), entry.modified);
    let policies = entry.policies.iter();
    let policies = policies.map(|(policy, namespaces)| associated(policy, namespaces, modified));
    Ok(Fields::new()
        .with("clusterName", cluster)
        .with("principalArn", principal)
        .list("associatedAccessPolicies", "member", policies)
        .into())
}

fn associated(policy: &str, namespaces: &BTreeSet<String>, modified: SimTime) -> Fields {
    let kind = match namespaces.is_empty() {
        true => "cluster",
        false => "namespace",
    };
    let scope = Fields::new()
        .with("type", kind)
        .list("namespaces", "member", namespaces);
    Fields::new()
        .with("policyArn", policy)
        .with("accessScope", scope)
        .with("associatedAt", modified)
        .with("modifiedAt", modified)
}

pub(super) fn list_policies(params: &Params) -> Result<Reply, Fault> {
    let size = page::size(params, "maxResults", 100, 100, "InvalidParameterException")?;
    let policies = POLICIES.iter().map(|name| {
        let policy = Fields::new().with("name", *name);
        (
            (*name).to_owned(),
            policy.with("arn", format!("{POLICY}{name}")),
        )
    });
    let page = page::cut(policies, params.text("nextToken").as_deref(), size);
    Ok(Fields::new()
        .list("accessPolicies", "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}

fn render(cluster: &str, entry: &AccessEntry) -> Reply {
    Fields::new()
        .with("clusterName", cluster)
        .with("principalArn", &entry.principal)
        .list("kubernetesGroups", "member", &entry.groups)
        .with("accessEntryArn", &entry.arn)
        .with("createdAt", entry.created)
        .with("modifiedAt", entry.modified)
        .with("tags", tag_operations::to_map(&entry.tags))
        .with("username", &entry.username)
        .with("type", &entry.kind)
        .into()
}
