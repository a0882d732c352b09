//! The file as it is written: one type for each section.
//!
//! These types are the one description of the format. Their doc comments, defaults and forms become the JSON Schema, against
//! which [`super::walk`] checks a file before it is decoded into them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::*;
use super::model::{
    AgentKind, CacheEngine, Capacity, DatabaseEngine, DatabaseField, IngressController, LogType,
    Provider, Sync, TaintEffect,
};

/// One deployable world: what one `groundwork apply` creates and one `groundwork destroy` takes away.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What it is called, where it lives, and for how long.
    pub environment: Identity,
    /// Which cloud it lives in.
    pub cloud: Cloud,
    /// Where groundwork remembers what it made.
    #[serde(default)]
    pub state: State,
    /// The VPC, its subnets and its ways out.
    pub network: Option<Network>,
    /// The EKS cluster.
    pub cluster: Option<Cluster>,
    /// RDS instances.
    #[serde(default)]
    pub databases: Named<Key, Database>,
    /// ElastiCache replication groups.
    #[serde(default)]
    pub caches: Named<Key, Cache>,
    /// People's rights.
    #[serde(default)]
    pub iam: Iam,
    /// Secrets Manager secrets.
    #[serde(default)]
    pub secrets: Named<Key, Secret>,
    /// ECR repositories.
    #[serde(default)]
    pub registries: Named<Key, Registry>,
    /// What is put into the cluster.
    pub bootstrap: Option<Bootstrap>,
}

/// What the environment is called, where it lives, and for how long.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// Its name; in the folder `environments` its file is called after it.
    pub name: EnvironmentName,
    /// The AWS region.
    pub region: Region,
    /// The AWS account that it belongs to. It is refused anywhere else. Needed on AWS.
    pub account: Option<Account>,
    /// Who answers for it.
    pub owner: Option<TagValue>,
    /// How long it is meant to live; tagged on everything, shown by `groundwork status`.
    pub ttl: Option<TtlText>,
    /// Whether `groundwork destroy` refuses.
    #[serde(default)]
    pub protect: bool,
}

/// Which cloud it lives in.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cloud {
    /// The embedded cloud, or the real one. `--provider` overrides it.
    pub provider: Provider,
}

/// Where groundwork remembers what it made.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// A folder, relative to the project.
    #[serde(default = "state_backend")]
    pub backend: Backend,
}

impl Default for State {
    fn default() -> Self {
        Self {
            backend: state_backend(),
        }
    }
}

fn state_backend() -> Backend {
    ".groundwork/state".to_owned().into()
}

/// The VPC, its subnets and its ways out.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// The VPC's name, from which the names of its parts are derived; the environment's name by default.
    pub name: Option<TagValue>,
    /// The VPC's address block, from /16 to /28.
    pub cidr: Cidr,
    /// In how many availability zones to have one public and one private subnet, carved from the block in equal parts.
    /// Not together with `subnets`. 2 by default.
    #[schemars(range(min = 1, max = 6))]
    pub zones: Option<u32>,
    /// Subnets one by one, such as `public-a`, instead of `zones`.
    #[serde(default)]
    pub subnets: Named<Key, Subnet>,
    /// How private subnets reach the internet.
    #[serde(default)]
    pub nat: Nat,
    /// A domain for names inside the VPC.
    pub private_zone: Option<Domain>,
}

/// A subnet.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Subnet {
    /// Its name; derived from the network's by default.
    pub name: Option<TagValue>,
    /// Its address block, inside the VPC's.
    pub cidr: Cidr,
    /// Its availability zone, such as `eu-central-1a`.
    pub zone: Zone,
    /// Whether the internet can reach it.
    #[serde(default)]
    pub public: bool,
}

/// How private subnets reach the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Nat {
    /// A NAT gateway in each zone: none of them depends on another zone.
    PerZone,
    /// One NAT gateway for all zones: cheaper.
    #[default]
    Single,
    /// Not at all.
    None,
}

/// An EKS cluster with managed nodes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    /// Its name; the environment's by default.
    pub name: Option<ClusterName>,
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
    #[schemars(extend("uniqueItems" = true))]
    pub logging: Vec<LogType>,
    /// The IAM role of the control plane; `<cluster>-control` by default.
    pub control_role: Option<RoleName>,
    /// The IAM role of the nodes; `<cluster>-worker` by default.
    pub worker_role: Option<RoleName>,
    /// The security group of the control plane; called like the cluster by default.
    pub security_group: Option<GroupName>,
    /// Its managed node groups.
    #[serde(default)]
    pub node_groups: Named<Key, NodeGroup>,
}

/// From where the Kubernetes API can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Endpoint {
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
pub(super) struct NodeGroup {
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
pub(super) struct Taint {
    /// The key.
    pub key: LabelKey,
    /// The value.
    pub value: Option<LabelValue>,
    /// What it does.
    pub effect: TaintEffect,
}

/// An RDS instance in the private subnets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Database {
    /// The instance's identifier; `<environment>-<key>` by default.
    pub name: Option<DatabaseName>,
    /// What runs on it.
    pub engine: DatabaseEngine,
    /// The engine's version; AWS takes the newest patch of it.
    pub version: EngineVersion,
    /// The instance class.
    pub class: DatabaseClass,
    /// Its storage. It can grow later, and never shrink.
    #[serde(default = "storage_gib")]
    #[schemars(range(min = 20, max = 65536))]
    pub storage_gib: u32,
    /// The database that is made in it at first.
    pub database: SchemaName,
    /// The master user.
    pub username: MasterUser,
    /// Where the master user's password is; a secret `<environment>/<key>-password` is generated by default.
    pub password: Option<SecretReference>,
    /// Its name in the network's private zone, such as `rds`.
    pub dns: Option<DnsLabel>,
    /// Whether a standby runs in another zone.
    #[serde(default)]
    pub multi_az: bool,
    /// Whether its storage is encrypted.
    #[serde(default = "yes")]
    pub encryption: bool,
    /// Whether AWS itself refuses to delete it.
    #[serde(default)]
    pub deletion_protection: bool,
    /// Whether a last snapshot is taken, and kept, when it is deleted.
    #[serde(default = "yes")]
    pub final_snapshot: bool,
    /// For how many days daily backups are kept; 0 switches them off.
    #[serde(default = "backup_retention_days")]
    #[schemars(range(min = 0, max = 35))]
    pub backup_retention_days: u32,
    /// Its subnet group; `<environment>-<key>-subnet-group` by default.
    pub subnet_group: Option<SubnetGroupName>,
    /// Its security group; `<environment>-<key>-db` by default.
    pub security_group: Option<GroupName>,
    /// Address blocks that may connect, besides the cluster.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 50))]
    pub allow: Vec<Cidr>,
}

fn yes() -> bool {
    true
}

fn storage_gib() -> u32 {
    20
}

fn backup_retention_days() -> u32 {
    1
}

/// Names a secret of this file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretReference {
    /// Its key under `secrets`.
    pub secret: Key,
}

/// An ElastiCache replication group in the private subnets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cache {
    /// Its id; `<environment>-<key>` by default.
    pub name: Option<CacheName>,
    /// What runs on it.
    pub engine: CacheEngine,
    /// The engine's version.
    pub version: EngineVersion,
    /// The node type.
    pub node_type: NodeType,
    /// How many nodes: one primary, the others replicas.
    #[serde(default = "nodes")]
    #[schemars(range(min = 1, max = 6))]
    pub nodes: u32,
    /// Whether data is encrypted at rest and in transit; clients then have to use TLS.
    #[serde(default = "yes")]
    pub encryption: bool,
    /// Its subnet group; `<environment>-<key>-subnet-group` by default.
    pub subnet_group: Option<SubnetGroupName>,
    /// Its security group; `<environment>-<key>-cache` by default.
    pub security_group: Option<GroupName>,
    /// Address blocks that may connect, besides the cluster.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 50))]
    pub allow: Vec<Cidr>,
}

fn nodes() -> u32 {
    1
}

/// People's rights.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Iam {
    /// IAM groups.
    #[serde(default)]
    pub groups: Named<Key, Group>,
}

/// An IAM group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    /// Its name in IAM; the key by default.
    pub name: Option<IamName>,
    /// What its members may do: AWS-managed policies by name, any policy by ARN, or JSON documents beside this file.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 10))]
    pub policies: Vec<PolicyReference>,
    /// IAM users that exist already.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub members: Vec<UserName>,
}

/// A Secrets Manager secret. Its value never stands in a file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    /// Its name in Secrets Manager; `<environment>/<key>` by default.
    pub name: Option<SecretName>,
    /// What it is for.
    pub description: Option<Description>,
    /// Where its value comes from.
    pub value: SecretValue,
}

/// Where a secret's value comes from: one of the two.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct SecretValue {
    /// The environment variable that holds it when groundwork runs.
    pub env: Option<Variable>,
    /// How to make one up, once.
    pub generate: Option<Generate>,
}

/// How to make up a value.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Generate {
    /// How many letters and digits.
    #[serde(default = "generated_length")]
    #[schemars(range(min = 8, max = 128))]
    pub length: u32,
}

/// How long a generated value is if nobody says.
pub(super) fn generated_length() -> u32 {
    32
}

/// An ECR repository.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Registry {
    /// Its name in ECR; `<environment>/<key>` by default.
    pub name: Option<RepositoryName>,
    /// Whether a tag, once pushed, always means the same image.
    #[serde(default = "yes")]
    pub immutable_tags: bool,
    /// Whether images are scanned when they arrive.
    #[serde(default = "yes")]
    pub scan_on_push: bool,
}

/// What is put into the cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bootstrap {
    /// Namespaces for applications.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub namespaces: Vec<DnsLabel>,
    /// Kubernetes secrets.
    #[serde(default)]
    pub secrets: Named<Key, KubernetesSecret>,
    /// What lets the internet in.
    pub ingress: Option<Ingress>,
    /// What deploys applications from Git.
    pub agent: Option<Agent>,
}

/// A Kubernetes secret.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KubernetesSecret {
    /// Its name; the key by default.
    pub name: Option<ObjectName>,
    /// One of `namespaces`.
    pub namespace: DnsLabel,
    /// Its keys, and where their values come from.
    #[schemars(extend("minProperties" = 1))]
    pub data: Named<DataKey, DataValue>,
}

/// Where a value comes from: `secret`, or `database` with `field`, or `value`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DataValue {
    /// A key under `secrets`.
    pub secret: Option<Key>,
    /// A key under `databases`; `field` says what of it.
    pub database: Option<Key>,
    /// A property of the database.
    pub field: Option<DatabaseField>,
    /// A text that is no secret.
    pub value: Option<String>,
}

/// The ingress controller, behind a network load balancer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ingress {
    /// Which one.
    pub controller: IngressController,
    /// The release of its image.
    #[serde(default = "traefik_version")]
    pub version: Release,
    /// How many pods.
    #[serde(default = "ingress_replicas")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: u32,
}

fn traefik_version() -> Release {
    "v3.5.3".to_owned().into()
}

fn ingress_replicas() -> u32 {
    2
}

/// The deploy agent, in a namespace of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    /// Which one.
    pub kind: AgentKind,
    /// Its release.
    pub version: Release,
    /// The published manifest that installs it on AWS.
    pub manifest: Option<Manifest>,
    /// What it deploys.
    #[serde(default)]
    pub applications: Named<Key, Application>,
}

/// A published manifest. groundwork knows where those of the releases it was tested with are, and what they contain.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Where it is published; Argo CD's own `install.yaml` of the release by default.
    pub url: Option<Url>,
    /// What it must contain.
    pub sha256: Sha256,
}

/// An application that the agent deploys.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    /// Its name in the cluster; the key by default.
    pub name: Option<ObjectName>,
    /// The Git repository.
    pub repository: GitUrl,
    /// The folder in it.
    pub path: GitPath,
    /// The branch, tag or commit.
    #[serde(default = "revision")]
    pub revision: Revision,
    /// Where it is deployed to: one of `namespaces`.
    pub namespace: DnsLabel,
    /// Who starts a deployment.
    #[serde(default)]
    pub sync: Sync,
}

fn revision() -> Revision {
    "HEAD".to_owned().into()
}
