//! Section `cluster`: the EKS control plane with its logs, who is let in, its add-ons and node groups, and in a teardown
//! what they leave behind; or the cluster that somebody else made.

mod access_entry;
mod addon;
mod control_plane;
mod disks;
pub mod existing;
mod hindrance;
mod identity;
pub mod inventory;
pub mod leftovers;
mod log_group;
mod node_group;
mod oidc_provider;
mod part;
#[cfg(test)]
mod tests;
mod updates;
pub mod workloads;

pub use access_entry::AccessEntry;
pub use addon::{Addon, lacking_without_auto_mode};
pub use control_plane::{ControlPlane, version};
pub use existing::ExistingCluster;
pub use identity::PodIdentity;
pub use leftovers::Leftovers;
pub use log_group::LogGroup;
pub use node_group::NodeGroup;
pub use oidc_provider::{AUDIENCE, OidcProvider};
pub use workloads::Workloads;

use super::tags::changes;
use super::{Fields, Observed, Order, Tags};
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};

/// Where the control plane stands, whoever made it.
pub fn control_plane() -> Address {
    Address::of(&["cluster", "control-plane"])
}

/// Where the node group with this key stands.
pub fn node_group(key: &str) -> Address {
    Address::of(&["cluster", "node-group", key])
}

/// Where the access with this key stands.
pub fn access_entry(key: &str) -> Address {
    Address::of(&["cluster", "access", key])
}

/// Where the add-on of this name stands.
pub fn addon(name: &str) -> Address {
    Address::of(&["cluster", "addon", name])
}

/// Where the identity with this key stands.
pub fn identity(key: &str) -> Address {
    Address::of(&["cluster", "identity", key])
}

/// Where the role of that identity stands.
pub fn identity_role(key: &str) -> Address {
    Address::of(&["cluster", "role", "identity", key])
}

/// Where that stands by which IAM knows the cluster's tokens.
pub fn oidc_provider() -> Address {
    Address::of(&["cluster", "oidc-provider"])
}

/// Where the control plane's logs go.
pub fn log_group() -> Address {
    Address::of(&["cluster", "log-group"])
}

/// Where the role of the control plane stands.
pub fn control_role() -> Address {
    Address::of(&["cluster", "role", "control"])
}

/// Where the role of the nodes stands.
pub fn worker_role() -> Address {
    Address::of(&["cluster", "role", "worker"])
}

/// Where the role of Auto Mode's nodes stands.
pub fn auto_role() -> Address {
    Address::of(&["cluster", "role", "auto"])
}

/// Where that stands which runs in the cluster and has effects outside; only in a teardown.
pub fn workloads() -> Address {
    Address::of(&["cluster", "workloads"])
}

/// Where that stands which the cluster's controllers left in AWS; only in a teardown.
pub fn leftovers() -> Address {
    Address::of(&["cluster", "leftovers"])
}

/// What a teardown's kind makes of being asked to make something.
fn not_made(order: &Order<'_>) -> Fault {
    Fault {
        service: "groundwork",
        operation: "make",
        code: "OnlyTornDown".to_owned(),
        message: format!("{} stands only in a teardown", order.address),
        class: Class::Stop,
        source: None,
    }
}

/// What a teardown's kind found, by name.
fn found(fields: &Fields) -> Vec<String> {
    let found = fields.get("found").cloned().unwrap_or_default();
    serde_json::from_value(found).unwrap_or_default()
}

/// Sets tags of what EKS keeps.
async fn tag(cloud: &Cloud, observed: &Observed, tags: Tags) -> Result<(), Fault> {
    let arn = arn(observed)?;
    let call = cloud.aws.eks.tag_resource().resource_arn(arn);
    let answer = call.set_tags(Some(tags.into_iter().collect())).send().await;
    answer.map(drop).map_err(fault("eks", "TagResource"))
}

fn arn(observed: &Observed) -> Result<&String, Fault> {
    let arn = observed.outputs.get("arn");
    arn.ok_or_else(|| Fault::incomplete("eks", "TagResource", "arn"))
}

/// Brings the tags of what EKS keeps in line.
async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
    let (set, unset) = changes(observed.fields.get("tags"), desired);
    if !set.is_empty() {
        tag(cloud, observed, set).await?;
    }
    if !unset.is_empty() {
        let call = cloud.aws.eks.untag_resource().resource_arn(arn(observed)?);
        let answer = call.set_tag_keys(Some(unset)).send().await;
        absent_is_done(answer.map_err(fault("eks", "UntagResource")))?;
    }
    Ok(())
}
