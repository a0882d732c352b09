//! Section `cluster`: the EKS control plane and its node groups, and in a teardown what they leave behind.

mod access_entry;
mod control_plane;
mod disks;
pub mod inventory;
pub mod leftovers;
mod node_group;
mod part;
#[cfg(test)]
mod tests;
mod updates;
pub mod workloads;

pub use access_entry::AccessEntry;
pub use control_plane::ControlPlane;
pub use leftovers::Leftovers;
pub use node_group::NodeGroup;
pub use workloads::Workloads;

use super::tags::changes;
use super::{Fields, Observed, Order, Tags};
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};

/// Where the control plane stands.
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

/// Where the role of the control plane stands.
pub fn control_role() -> Address {
    Address::of(&["cluster", "role", "control"])
}

/// Where the role of the nodes stands.
pub fn worker_role() -> Address {
    Address::of(&["cluster", "role", "worker"])
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

/// Brings the tags of a cluster or a node group in line.
async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault> {
    let (set, unset) = changes(observed.fields.get("tags"), desired);
    let arn = observed
        .outputs
        .get("arn")
        .ok_or_else(|| Fault::incomplete("eks", "TagResource", "arn"))?;
    if !set.is_empty() {
        let call = cloud.aws.eks.tag_resource().resource_arn(arn);
        let answer = call.set_tags(Some(set.into_iter().collect())).send().await;
        answer.map_err(fault("eks", "TagResource"))?;
    }
    if !unset.is_empty() {
        let call = cloud.aws.eks.untag_resource().resource_arn(arn);
        let answer = call.set_tag_keys(Some(unset)).send().await;
        absent_is_done(answer.map_err(fault("eks", "UntagResource")))?;
    }
    Ok(())
}
