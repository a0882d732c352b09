//! The EKS cluster and its nodes.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecurityGroup;

/// A cluster that somebody else made and keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingCluster {
    /// Its name: that of the EKS cluster, unless a kubeconfig leads to it.
    pub name: String,
}

/// An EKS cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The Kubernetes version, such as `1.35`; EKS's default at the time of the plan when none is given.
    pub version: Option<String>,
    /// Whether its API can be reached from the internet.
    pub public_endpoint: bool,
    /// Whether its API can be reached from inside the VPC by a private address.
    pub private_endpoint: bool,
    /// From where on the internet its API can be reached.
    pub public_access_cidrs: Vec<Ipv4Net>,
    /// Which control-plane logs go to CloudWatch.
    pub logging: BTreeSet<LogType>,
    /// For how many days they are kept; none for ever.
    pub log_retention_days: Option<u32>,
    /// The IAM role of the control plane.
    pub control_role: String,
    /// What that role may do beside what every control plane has to.
    pub control_policies: BTreeSet<ControlPolicy>,
    /// The IAM role of the nodes.
    pub worker_role: String,
    /// The group that the control plane's interfaces wear besides EKS's own.
    pub security_group: SecurityGroup,
    /// The keys of the subnets that it spans: all of them.
    pub subnets: Vec<String>,
    /// Its managed node groups.
    pub node_groups: BTreeMap<String, NodeGroup>,
    /// Who may use its API beside whoever makes it.
    pub access: BTreeMap<String, Access>,
    /// Add-ons by EKS's names for them.
    pub addons: BTreeMap<String, Addon>,
    /// What the pods of service accounts may do in AWS.
    pub identities: BTreeMap<String, PodIdentity>,
    /// Whether IAM knows the cluster as an OpenID Connect provider.
    pub oidc_provider: bool,
    /// Whether EKS brings nodes, load balancers and disks itself, and how.
    pub auto_mode: Option<AutoMode>,
}

impl Cluster {
    /// The role of the nodes of Auto Mode's own pools, if it has any.
    pub fn pool_role(&self) -> Option<&str> {
        let auto = self.auto_mode.as_ref();
        let with_pools = auto.filter(|auto| !auto.node_pools.is_empty())?;
        Some(&with_pools.node_role)
    }
}

/// The add-ons that a node group's nodes need for their network and for names. EKS puts these into a new cluster by itself,
/// but not with Auto Mode, whose nodes bring their own (EKS API, CreateCluster, `bootstrapSelfManagedAddons`).
pub const NETWORKING: [&str; 3] = ["coredns", "kube-proxy", "vpc-cni"];

/// EKS Auto Mode.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoMode {
    /// EKS's own node pools.
    pub node_pools: BTreeSet<NodePool>,
    /// The IAM role of their nodes.
    pub node_role: String,
}

/// A node pool that EKS Auto Mode has ready.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum NodePool {
    /// For whatever runs in the cluster.
    GeneralPurpose,
    /// For what the cluster itself needs: its nodes have a taint.
    System,
}

impl NodePool {
    /// The word that EKS uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GeneralPurpose => "general-purpose",
            Self::System => "system",
        }
    }
}

/// How long CloudWatch lets a log group keep its events, in days.
pub const LOG_RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// A part of the cluster that EKS installs and keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct Addon {
    /// Its version; none for EKS's default for the cluster's Kubernetes.
    pub version: Option<String>,
    /// Its settings.
    pub configuration: serde_json::Map<String, serde_json::Value>,
    /// What happens where something has been changed by other hands.
    pub conflicts: Conflicts,
    /// Whether nodes need it to join, rather than it nodes to run on.
    pub before_nodes: bool,
    /// The key of the identity that it acts with in AWS, if it does.
    pub identity: Option<String>,
}

/// What EKS does where an add-on's objects have been changed by other hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conflicts {
    /// It writes over them.
    #[default]
    Overwrite,
    /// It leaves them when it updates the add-on.
    Preserve,
    /// It fails.
    Refuse,
}

/// How pods come to their role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityBy {
    /// By EKS Pod Identity.
    #[default]
    PodIdentity,
    /// By the token of their service account, which names the role in its annotation `eks.amazonaws.com/role-arn`. It takes
    /// `oidc_provider`.
    Oidc,
}

/// What the pods of a service account may do in AWS.
#[derive(Clone, Debug, PartialEq)]
pub struct PodIdentity {
    /// How they come to the role.
    pub by: IdentityBy,
    /// The IAM role that they act with.
    pub role: String,
    /// The namespace of the service account.
    pub namespace: String,
    /// The service account.
    pub service_account: String,
    /// The ARNs of the role's policies.
    pub policies: BTreeSet<String>,
}

/// What a role or user of IAM may do in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// Its ARN, or in the environment's own account `role/…` or `user/…`.
    pub principal: String,
    /// The namespaces in which each access policy of EKS holds; of one that holds in the whole cluster none.
    pub policies: BTreeMap<String, BTreeSet<String>>,
    /// Groups of RBAC.
    pub groups: BTreeSet<String>,
}

/// A kind of control-plane log.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum LogType {
    /// Requests to the API server.
    Api,
    /// Who did what.
    Audit,
    /// IAM authentication.
    Authenticator,
    /// The controller manager.
    ControllerManager,
    /// The scheduler.
    Scheduler,
}

impl LogType {
    /// The word that EKS uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Audit => "audit",
            Self::Authenticator => "authenticator",
            Self::ControllerManager => "controllerManager",
            Self::Scheduler => "scheduler",
        }
    }
}

/// An AWS-managed policy that the role of a control plane may have beside `AmazonEKSClusterPolicy`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
pub enum ControlPolicy {
    /// What clusters made before April 2020 needed.
    AmazonEKSServicePolicy,
    /// Lets pods have security groups of their own.
    AmazonEKSVPCResourceController,
}

impl ControlPolicy {
    /// AWS's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AmazonEKSServicePolicy => "AmazonEKSServicePolicy",
            Self::AmazonEKSVPCResourceController => "AmazonEKSVPCResourceController",
        }
    }
}

/// A managed node group.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeGroup {
    /// Its name in EKS.
    pub name: String,
    /// Instance types, in order of preference.
    pub instance_types: Vec<String>,
    /// The fewest nodes.
    pub min: u32,
    /// How many nodes there should be.
    pub desired: u32,
    /// The most nodes.
    pub max: u32,
    /// The size of each node's disk.
    pub disk_gib: u32,
    /// How the instances are bought.
    pub capacity: Capacity,
    /// The machine image's type, such as `AL2023_x86_64_STANDARD`.
    pub ami_type: String,
    /// Kubernetes labels of the nodes.
    pub labels: BTreeMap<String, String>,
    /// Kubernetes taints of the nodes.
    pub taints: Vec<Taint>,
    /// The keys of the subnets that nodes are put in: the private ones.
    pub subnets: Vec<String>,
}

/// How instances are bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// At the full price, kept until we let go.
    #[default]
    OnDemand,
    /// Cheap, and taken away at any time.
    Spot,
}

/// Keeps pods that do not tolerate it away from a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value, if any.
    pub value: Option<String>,
    /// What happens to pods that do not tolerate it.
    pub effect: TaintEffect,
}

/// What a taint does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
pub enum TaintEffect {
    /// New pods are not put there.
    NoSchedule,
    /// New pods are put there only if nothing else is free.
    PreferNoSchedule,
    /// Running pods have to go, too.
    NoExecute,
}
