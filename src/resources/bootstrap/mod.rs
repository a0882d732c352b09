//! Section `bootstrap`: what is put into the cluster. Every Kubernetes object is a resource of its own, in the same
//! graph as everything in AWS.

mod agent;
pub(super) mod api;
mod application;
mod certificate;
mod claims;
mod difference;
mod holders;
pub(super) mod id;
mod ingress;
pub mod inventory;
mod marks;
mod namespace;
pub(super) mod object;
mod others;
mod project;
mod ready;
mod release;
mod rendered;
mod repository;
mod secret;
mod service;

pub use agent::KIND as AGENT;
pub use application::{ApplicationStatus, Deployed, KIND as APPLICATION, application_status};
pub use ingress::{
    KIND as INGRESS, NoEntrance, entered, entrance, service_address as ingress_service,
};
pub use namespace::KIND as NAMESPACE;
pub use object::{LABEL_ENVIRONMENT, ObjectKind};
pub use others::UNSERVED;
pub use project::KIND as PROJECT;
pub use release::KIND as RELEASE;
pub use rendered::{Published, Rendered, Unusable, documents, rendered};
pub use repository::KIND as REPOSITORY;
pub use secret::{KIND as SECRET, Values};

use super::{Context, Desired, Usual};
use crate::address::Address;

/// The cluster that all objects live in, whoever made it.
fn control_plane() -> Address {
    Address::of(&["cluster", "control-plane"])
}

/// The machines that pods will run on: the first node group that takes any pod, or else the first.
fn nodes(context: &Context<'_>) -> Option<Address> {
    let groups = &context.environment.cluster.as_ref()?.node_groups;
    let open = groups.iter().find(|(_, group)| group.taints.is_empty());
    let (key, _) = open.or_else(|| groups.iter().next())?;
    Some(Address::of(&["cluster", "node-group", key]))
}

/// What a public load balancer needs: its addresses keep the gateway attached, and it can't be made without one.
fn internet_gateway(context: &Context<'_>) -> Option<Address> {
    // Another's cluster is in another's network.
    context.environment.cluster.as_ref()?;
    let network = context.environment.network.as_ref()?;
    let _gateway = network.internet_gateway.as_ref()?;
    Some(Address::of(&["network", "internet-gateway"]))
}

/// The same, waiting for its namespace.
fn in_namespace(desired: Desired, namespace: &str) -> Desired {
    desired.after(namespace::address(namespace))
}

/// How long objects take until they are ready; deleting them takes a moment.
const fn seconds(create: u64, update: u64) -> Usual {
    Usual::secs(create, update, 2)
}

#[cfg(test)]
mod tests;
