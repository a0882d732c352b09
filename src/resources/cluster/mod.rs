//! Section `cluster`: the EKS control plane and its node groups.

mod control_plane;
pub mod inventory;
mod node_group;
#[cfg(test)]
mod tests;

pub use control_plane::ControlPlane;
pub use node_group::NodeGroup;

use super::tags::changes;
use super::{Observed, Tags};
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

/// Where the role of the control plane stands.
pub fn control_role() -> Address {
    Address::of(&["cluster", "role", "control"])
}

/// Where the role of the nodes stands.
pub fn worker_role() -> Address {
    Address::of(&["cluster", "role", "worker"])
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

/// What an update makes of its answer: EKS refuses one that changes nothing.
fn unchanged_is_done<T>(answer: Result<T, Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if fault.class == Class::Stop && fault.message.contains("No changes") => Ok(()),
        answer => answer.map(drop),
    }
}
