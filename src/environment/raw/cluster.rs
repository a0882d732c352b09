//! `[cluster]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::forms::*;
use crate::environment::model::{
    Capacity, Conflicts, ControlPolicy, IdentityBy, LOG_RETENTION_DAYS, LogType, NodePool,
    TaintEffect,
};

/// An EKS cluster with managed nodes, or one that somebody else made.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Cluster {
    /// Its name; the environment's by default.
    pub name: Option<ClusterName>,
    /// Whether somebody else made the cluster and keeps it, on AWS or anywhere. It is then reached as `--kubeconfig` says, or
    /// else is the EKS cluster of this name; only what is bootstrapped belongs to the environment, and nothing but `name` is set.
    #[serde(default)]
    pub existing: bool,
    /// The Kubernetes version; EKS's default by default.
    pub version: Option<KubernetesVersion>,
    /// From where the Kubernetes API can be reached.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// From which addresses on the internet the Kubernetes API can be reached; from all by default.
    #[schemars(extend("uniqueItems" = true, "minItems" = 1, "maxItems" = 40))]
    pub public_access: Option<Vec<Cidr>>,
    /// Which logs of the control plane go to CloudWatch.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 5))]
    pub logging: Vec<LogType>,
    /// For how many days those logs are kept; for ever by default.
    #[schemars(extend("enum" = LOG_RETENTION_DAYS))]
    pub log_retention_days: Option<u32>,
    /// The IAM role of the control plane; `<cluster>-control` by default.
    pub control_role: Option<RoleName>,
    /// AWS-managed policies of that role beside `AmazonEKSClusterPolicy`.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 2))]
    pub control_policies: Vec<ControlPolicy>,
    /// The IAM role of the nodes; `<cluster>-worker` by default.
    pub worker_role: Option<RoleName>,
    /// The security group of the control plane; called like the cluster by default.
    pub security_group: Option<GroupName>,
    /// Its managed node groups.
    #[serde(default)]
    pub node_groups: Named<Key, NodeGroup>,
    /// Who may use the Kubernetes API. Whoever makes the cluster is its administrator in any case.
    #[serde(default)]
    pub access: Named<Key, Access>,
    /// Add-ons that EKS installs and keeps, by EKS's names for them.
    #[serde(default)]
    pub addons: Named<AddonName, Addon>,
    /// What the pods of a service account may do in AWS.
    #[serde(default)]
    pub identities: Named<Key, Identity>,
    /// Whether IAM knows the cluster as an OpenID Connect provider, so that roles can trust the tokens of its service accounts.
    #[serde(default)]
    pub oidc_provider: bool,
    /// EKS Auto Mode: EKS itself brings nodes, load balancers and disks, beside the node groups or instead of them.
    pub auto_mode: Option<AutoMode>,
}

/// EKS Auto Mode.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct AutoMode {
    /// Which of EKS's own node pools there are; both by default. Without any, only pools that the cluster itself describes
    /// have nodes.
    #[serde(default = "node_pools")]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 2))]
    pub node_pools: Vec<NodePool>,
    /// The IAM role of the nodes; `<cluster>-auto` by default.
    pub node_role: Option<RoleName>,
}

fn node_pools() -> Vec<NodePool> {
    vec![NodePool::GeneralPurpose, NodePool::System]
}

/// An add-on.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Addon {
    /// Its version; EKS's default for the cluster's Kubernetes by default, which it then follows.
    pub version: Option<AddonVersion>,
    /// Its settings, as an object in JSON: `aws eks describe-addon-configuration` tells which there are.
    pub configuration: Option<JsonObject>,
    /// What happens where something in the cluster has been changed by other hands.
    #[serde(default)]
    pub conflicts: Conflicts,
}

/// What the pods of a service account may do in AWS.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Identity {
    /// The namespace of the service account.
    pub namespace: DnsLabel,
    /// The service account. It need not be there yet.
    pub service_account: ObjectName,
    /// What they may do: AWS-managed policies by name, any policy by ARN.
    #[schemars(extend("uniqueItems" = true, "minItems" = 1, "maxItems" = 10))]
    pub policies: Vec<RolePolicy>,
    /// The IAM role that they act with; `<cluster>-<key>` by default.
    pub role: Option<RoleName>,
    /// How they come to it.
    #[serde(default)]
    pub by: IdentityBy,
}

/// What a role or user of IAM may do in the cluster.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Access {
    /// The role or user, by ARN; without one, of the environment's own account.
    pub principal: Principal,
    /// EKS's access policies, and where each of them holds.
    #[serde(default)]
    pub policies: Named<AccessPolicy, AccessScope>,
    /// Groups that roles of the cluster itself (RBAC) are bound to.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 20))]
    pub groups: Vec<KubernetesGroup>,
}

/// Where an access policy holds.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct AccessScope {
    /// The namespaces that it holds in; the whole cluster by default.
    #[schemars(extend("uniqueItems" = true, "minItems" = 1, "maxItems" = 100))]
    pub namespaces: Option<Vec<DnsLabel>>,
}

/// From where the Kubernetes API can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::environment) enum Endpoint {
    /// From the internet, and from inside the VPC without leaving it.
    #[default]
    PublicAndPrivate,
    /// From the internet only.
    Public,
    /// From inside the VPC only: groundwork then has to run there, too.
    Private,
}

/// A managed node group, in the private subnets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct NodeGroup {
    /// Its name in EKS; the key by default.
    pub name: Option<NodeGroupName>,
    /// Instance types, in order of preference.
    #[serde(default = "instance_types")]
    #[schemars(extend("uniqueItems" = true, "minItems" = 1, "maxItems" = 20))]
    pub instance_types: Vec<InstanceType>,
    /// The fewest nodes. 1 by default.
    #[schemars(range(min = 0, max = 450))]
    pub min: Option<u32>,
    /// How many nodes there should be; `min` by default.
    #[schemars(range(min = 0, max = 450))]
    pub desired: Option<u32>,
    /// The most nodes; `desired` by default.
    #[schemars(range(min = 1, max = 450))]
    pub max: Option<u32>,
    /// The size of each node's disk.
    #[serde(default = "disk_gib")]
    #[schemars(range(min = 20, max = 16384))]
    pub disk_gib: u32,
    /// How the instances are bought.
    #[serde(default)]
    pub capacity: Capacity,
    /// The machine image.
    #[serde(default = "ami_type")]
    #[schemars(extend("enum" = AMI_TYPES))]
    pub ami_type: String,
    /// Kubernetes labels of the nodes.
    #[serde(default)]
    pub labels: Named<LabelKey, LabelValue>,
    /// Kubernetes taints of the nodes.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 50))]
    pub taints: Vec<Taint>,
}

fn instance_types() -> Vec<InstanceType> {
    vec!["t3.medium".to_owned().into()]
}

fn disk_gib() -> u32 {
    20
}

/// The machine images that EKS offers for managed Linux nodes.
const AMI_TYPES: [&str; 9] = [
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "AL2023_x86_64_NEURON",
    "AL2023_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "BOTTLEROCKET_ARM_64_NVIDIA",
];

fn ami_type() -> String {
    AMI_TYPES[0].to_owned()
}

/// Keeps pods that do not tolerate it away from the nodes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Taint {
    /// The key.
    pub key: LabelKey,
    /// The value.
    pub value: Option<LabelValue>,
    /// What it does.
    pub effect: TaintEffect,
}
