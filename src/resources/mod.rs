//! What environments are made of: one folder for each section of the file, one file for each kind.
//!
//! Each kind reads the same way, top to bottom: what the file asks for, how it is recognised in the
//! inventory, which change is made in place and which replaces, create, read, update, delete.

pub mod bootstrap;
pub mod caches;
mod calls;
mod claim;
pub mod cluster;
pub mod databases;
pub mod dns;
mod field;
pub mod iam;
pub mod inventory;
mod kind;
pub mod network;
mod reference;
pub mod registries;
pub mod secrets;
mod sighting;
pub mod subnet_group;
pub mod tagged;
pub mod tags;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use claim::Claim;
pub use field::{Change, Field, Fields};
pub use kind::{
    Condition, Context, Desired, Kind, Observed, Order, Outcome, Owner, Problem, Unseen, Usual,
    Variables, Wanted,
};
pub use reference::{Input, Outputs, references, resolve};
pub use tags::{
    Ownership, TAG_ADDRESS, TAG_ENVIRONMENT, TAG_EXPIRES, TAG_LINEAGE, TAG_OWNER, Tags,
};

/// The kind of an EKS cluster: what runs in one goes with it.
pub const CONTROL_PLANE: &str = "cluster.control-plane";

/// The field of a cluster that tells whether EKS Auto Mode is on.
pub const AUTO_MODE: &str = "auto_mode";

/// The kind of a cluster that somebody else made: it stands where one of ours would.
pub const EXISTING_CLUSTER: &str = "cluster.existing";

/// The kind of the machines that pods run on.
pub const NODE_GROUP: &str = "cluster.node-group";

/// The kind of who is let into a cluster.
pub const ACCESS_ENTRY: &str = "cluster.access-entry";

/// The kind of what EKS installs in a cluster and keeps.
pub const ADDON: &str = "cluster.addon";

/// The kind that lets pods act in AWS.
pub const POD_IDENTITY: &str = "cluster.pod-identity";

/// The kind by which IAM knows the tokens that a cluster gives to pods.
pub const OIDC_PROVIDER: &str = "cluster.oidc-provider";

/// The kind of where a control plane's logs go.
pub const LOG_GROUP: &str = "cluster.log-group";

/// The kind that stands for what runs in a cluster and has effects outside: made quiet before the cluster goes.
pub const WORKLOADS: &str = "cluster.workloads";

/// The kind that stands for what a cluster's controllers left in AWS: swept once the cluster is gone.
pub const LEFTOVERS: &str = "cluster.leftovers";

/// Every kind that groundwork knows.
pub fn kinds() -> &'static [&'static dyn Kind] {
    &[
        &network::Vpc,
        &network::Subnet,
        &network::InternetGateway,
        &network::ElasticIp,
        &network::NatGateway,
        &network::RouteTable,
        &network::SecurityGroup,
        &network::SecurityGroupRule,
        &iam::IamRole,
        &cluster::LogGroup,
        &cluster::ControlPlane,
        &cluster::ExistingCluster,
        &cluster::AccessEntry,
        &cluster::OidcProvider,
        &cluster::PodIdentity,
        &cluster::Addon,
        &cluster::NodeGroup,
        &cluster::Workloads,
        &cluster::Leftovers,
        &databases::SUBNET_GROUP,
        &databases::Instance,
        &caches::SUBNET_GROUP,
        &caches::ReplicationGroup,
        &iam::IamPolicy,
        &iam::IamGroup,
        &dns::DnsZone,
        &dns::DnsRecord,
        &dns::DnsAlias,
        &secrets::Secret,
        &registries::EcrRepository,
        &bootstrap::NAMESPACE,
        &bootstrap::SECRET,
        &bootstrap::INGRESS,
        &bootstrap::AGENT,
        &bootstrap::RELEASE,
        &bootstrap::PROJECT,
        &bootstrap::REPOSITORY,
        &bootstrap::APPLICATION,
    ]
}

/// The kind of this name.
pub fn kind(name: &str) -> Option<&'static dyn Kind> {
    kinds().iter().copied().find(|kind| kind.name() == name)
}
