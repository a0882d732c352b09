//! The Elastic Kubernetes Service: control planes, managed node groups, and the updates of both.
//!
//! A cluster makes a security group, interfaces, an access entry for its creator and, if it logs, a log group; it starts a simulated Kubernetes
//! when it becomes ACTIVE. A node group launches instances, which join that Kubernetes as nodes.

mod access;
#[cfg(test)]
mod access_tests;
#[cfg(test)]
mod addon_tests;
mod addon_versions;
mod addons;
pub mod auto;
#[cfg(test)]
mod auto_tests;
mod cluster_updates;
mod clusters;
mod identities;
#[cfg(test)]
mod nodegroup_tests;
mod nodegroup_updates;
mod nodegroups;
mod nodes;
mod render;
mod roles;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod updates;
mod versions;

use serde::{Deserialize, Serialize};

use super::call::{Call, Fault, Params, Reply};
use super::tags::Tags;
use super::{Fields, page, tag_operations};
use crate::sandbox::schedule;
use crate::sandbox::world::World;

pub use state::*;
pub use updates::fail_later;

/// What EKS does by itself; clusters, node groups and updates are named by ids that no later namesake shares.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// CREATING → ACTIVE.
    Activate(String),
    /// CREATING → FAILED.
    Fail(String),
    /// DELETING → gone.
    Remove(String),
    /// An update takes effect.
    FinishUpdate(String),
    /// The nodes of a new node group join, or fail to.
    Join(String),
    /// A deleted node group is gone.
    RemoveNodegroup(String),
    /// A new add-on is installed, or can't be.
    FinishAddon(String),
    /// A deleted add-on is gone.
    RemoveAddon(String),
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    match task {
        Task::Activate(uid) => clusters::activate(world, region, &uid),
        Task::Fail(uid) => clusters::fail(world, region, &uid),
        Task::Remove(uid) => clusters::remove(world, region, &uid),
        Task::FinishUpdate(id) => updates::finish(world, region, &id),
        Task::Join(uid) => nodegroups::join(world, region, &uid),
        Task::RemoveNodegroup(uid) => nodegroups::remove(world, region, &uid),
        Task::FinishAddon(uid) => addons::finish(world, region, &uid),
        Task::RemoveAddon(uid) => addons::remove(world, region, &uid),
    }
}

fn later(world: &mut World, region: &str, seconds: u64, task: Task) {
    let task = schedule::Task::Aws {
        region: region.to_owned(),
        task: super::Task::Eks(task),
    };
    world.in_secs(seconds, task);
}

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "DescribeClusterVersions" => versions::describe(&call.params),
        "CreateCluster" => clusters::create(world, call),
        "DescribeCluster" => clusters::describe(world, call),
        "ListClusters" => {
            let names = world.region(&call.region).eks.clusters.keys().cloned();
            names_page(&call.params, "clusters", names.collect())
        }
        "DeleteCluster" => clusters::delete(world, call),
        "UpdateClusterConfig" => cluster_updates::config(world, call),
        "UpdateClusterVersion" => cluster_updates::version(world, call),
        "DescribeUpdate" => updates::describe(world, call),
        "ListUpdates" => updates::list(world, call),
        "CreateNodegroup" => nodegroups::create(world, call),
        "DescribeNodegroup" => nodegroups::describe(world, call),
        "ListNodegroups" => {
            let cluster = cluster_of(world, call)?;
            names_page(
                &call.params,
                "nodegroups",
                cluster.nodegroups.keys().cloned().collect(),
            )
        }
        "DeleteNodegroup" => nodegroups::delete(world, call),
        "UpdateNodegroupConfig" => nodegroup_updates::config(world, call),
        "UpdateNodegroupVersion" => nodegroup_updates::version(world, call),
        "CreateAccessEntry" => access::create(world, call),
        "DescribeAccessEntry" => access::describe(world, call),
        "ListAccessEntries" => access::list(world, call),
        "UpdateAccessEntry" => access::update(world, call),
        "DeleteAccessEntry" => access::delete(world, call),
        "AssociateAccessPolicy" => access::associate(world, call),
        "DisassociateAccessPolicy" => access::disassociate(world, call),
        "ListAssociatedAccessPolicies" => access::list_associated(world, call),
        "ListAccessPolicies" => access::list_policies(&call.params),
        "CreateAddon" => addons::create(world, call),
        "DescribeAddon" => addons::describe(world, call),
        "ListAddons" => addons::list(world, call),
        "UpdateAddon" => addons::update(world, call),
        "DeleteAddon" => addons::delete(world, call),
        "DescribeAddonVersions" => addon_versions::describe(&call.params),
        "CreatePodIdentityAssociation" => identities::create(world, call),
        "DescribePodIdentityAssociation" => identities::describe(world, call),
        "ListPodIdentityAssociations" => identities::list(world, call),
        "UpdatePodIdentityAssociation" => identities::update(world, call),
        "DeletePodIdentityAssociation" => identities::delete(world, call),
        // The sandbox has none of these, and says so for clusters that exist.
        "ListFargateProfiles" => cluster_of(world, call).map(|_| nothing("fargateProfileNames")),
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            let arn = call.params.text("resourceArn").unwrap_or_default();
            tag_operations::json(call, tags_of(world, &call.region, &arn)?)
        }
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Every resource of the region with its tags.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let clusters =
        (world.regions.get(region).into_iter()).flat_map(|region| region.eks.clusters.values());
    clusters
        .flat_map(|cluster| {
            let groups = cluster.nodegroups.values();
            let groups = groups.map(|group| (group.arn.clone(), group.tags.clone()));
            let entries = cluster.access_entries.values();
            let entries = entries.map(|entry| (entry.arn.clone(), entry.tags.clone()));
            let addons = cluster.addons.values();
            let addons = addons.map(|addon| (addon.arn.clone(), addon.tags.clone()));
            let associations = cluster.associations.values();
            let associations = associations.map(|one| (one.arn.clone(), one.tags.clone()));
            let own = std::iter::once((cluster.arn.clone(), cluster.tags.clone()));
            let parts = groups.chain(entries).chain(addons).chain(associations);
            own.chain(parts)
        })
        .collect()
}

fn tags_of<'w>(world: &'w mut World, region: &str, arn: &str) -> Result<&'w mut Tags, Fault> {
    for cluster in world.region(region).eks.clusters.values_mut() {
        if cluster.arn == arn {
            return Ok(&mut cluster.tags);
        }
        let mut groups = cluster.nodegroups.values_mut();
        if let Some(group) = groups.find(|group| group.arn == arn) {
            return Ok(&mut group.tags);
        }
        let mut entries = cluster.access_entries.values_mut();
        if let Some(entry) = entries.find(|entry| entry.arn == arn) {
            return Ok(&mut entry.tags);
        }
        let mut addons = cluster.addons.values_mut();
        if let Some(addon) = addons.find(|addon| addon.arn == arn) {
            return Ok(&mut addon.tags);
        }
        let mut associations = cluster.associations.values_mut();
        if let Some(association) = associations.find(|one| one.arn == arn) {
            return Ok(&mut association.tags);
        }
    }
    Err(Fault::new(
        "NotFoundException",
        format!("Resource was not found: {arn}"),
    )
    .status(404))
}

fn nothing(list: &'static str) -> Reply {
    Fields::new().list(list, "member", None::<Reply>).into()
}

/// One page of names, 100 at a time.
fn names_page(params: &Params, list: &'static str, names: Vec<String>) -> Result<Reply, Fault> {
    let size = page::size(params, "maxResults", 100, 100, "InvalidParameterException")?;
    let names = names.into_iter().map(|name| (name.clone(), name));
    let page = page::cut(names, params.text("nextToken").as_deref(), size);
    Ok(Fields::new()
        .list(list, "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn in_use(message: impl Into<String>) -> Fault {
    Fault::new("ResourceInUseException", message).status(409)
}

fn not_found(message: impl Into<String>) -> Fault {
    Fault::new("ResourceNotFoundException", message).status(404)
}

/// The cluster of a request that names it `name` or `clusterName`.
fn cluster_of<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Cluster, Fault> {
    let params = &call.params;
    let name = params.text("clusterName").or_else(|| params.text("name"));
    let name = name.unwrap_or_default();
    let clusters = &mut world.region(&call.region).eks.clusters;
    clusters
        .get_mut(&name)
        .ok_or_else(|| not_found(format!("No cluster found for name: {name}.")))
}

/// A name that AWS takes, at most `longest` characters long.
fn checked_name(params: &Params, member: &str, longest: usize) -> Result<String, Fault> {
    let name = params.text(member).unwrap_or_default();
    let shaped = name.len() <= longest
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    match shaped {
        true => Ok(name),
        false => Err(invalid(format!(
            "The {member} '{name}' can contain only alphanumeric characters (case-sensitive), hyphens and underscores, must start with an alphanumeric character and can't be longer than {longest} characters"
        ))),
    }
}
