//! The environment as the rest of the program sees it: checked, with every name resolved, every default filled in and every
//! subnet carved.
//!
//! All of it is plain data that can be compared and printed. No secret value is ever in here: a secret says only where its value
//! comes from. Keys of maps are the names that the file uses, and the parts of addresses; `name` fields are what AWS or
//! Kubernetes calls the thing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One deployable world, as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Its name, which is also the name of its file.
    pub name: String,
    /// The AWS region, such as `us-east-1`.
    pub region: String,
    /// The twelve digits of the only AWS account that it may live in; always there with [`Provider::Aws`].
    pub account: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How long it is meant to live, counted from its first apply.
    pub ttl: Option<Ttl>,
    /// Destroy refuses while this is true.
    pub protect: bool,
    /// Which cloud it lives in, after a `--provider` on the command line.
    pub provider: Provider,
    /// Where its state is kept.
    pub state: StateBackend,
    /// The VPC and what belongs to it.
    pub network: Option<Network>,
    /// The EKS cluster; there is always a network then.
    pub cluster: Option<Cluster>,
    /// RDS instances; there is always a network when there are any.
    pub databases: BTreeMap<String, Database>,
    /// ElastiCache replication groups; there is always a network when there are any.
    pub caches: BTreeMap<String, Cache>,
    /// IAM groups.
    pub groups: BTreeMap<String, Group>,
    /// Customer-managed IAM policies, each made from one JSON document that groups name.
    pub policies: BTreeMap<String, Policy>,
    /// Secrets Manager secrets, including those generated for databases that name none.
    pub secrets: BTreeMap<String, Secret>,
    /// ECR repositories.
    pub registries: BTreeMap<String, Registry>,
    /// What is put into the cluster; there is always a cluster then.
    pub bootstrap: Option<Bootstrap>,
}

impl Environment {
    /// The first part of ARNs after `arn:` in this region.
    pub fn partition(&self) -> &'static str {
        partition(&self.region)
    }
}

/// The ARN partition that a region belongs to.
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Which cloud an environment lives in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The embedded AWS and Kubernetes.
    Sandbox,
    /// The real one.
    Aws,
}

impl Provider {
    /// The word that the file and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Aws => "aws",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the state of an environment is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateBackend {
    /// A folder; relative to the project's root unless it is absolute.
    Local(PathBuf),
}

/// How long an environment is meant to live: a whole number of minutes, hours or days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(Duration);

impl Ttl {
    const UNITS: [(char, u64); 3] = [('d', 86_400), ('h', 3_600), ('m', 60)];
    /// A year: what lives longer needs no expiry.
    const MAX: u64 = 366 * 86_400;

    /// The time as a duration.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// A text that is no time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a whole number of minutes, hours or days between 1m and 366d, such as \"90m\", \"8h\" or \"3d\""
)]
pub struct InvalidTtl;

impl FromStr for Ttl {
    type Err = InvalidTtl;

    fn from_str(text: &str) -> Result<Self, InvalidTtl> {
        Self::UNITS
            .iter()
            .find_map(|(unit, seconds)| {
                let digits = text.strip_suffix(*unit)?;
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let total = digits.parse::<u64>().ok()?.checked_mul(*seconds)?;
                (1..=Self::MAX)
                    .contains(&total)
                    .then_some(Self(Duration::from_secs(total)))
            })
            .ok_or(InvalidTtl)
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        for (unit, size) in Self::UNITS {
            if seconds % size == 0 {
                return write!(f, "{}{unit}", seconds / size);
            }
        }
        write!(f, "{seconds}s")
    }
}

/// The VPC and everything in it that routes packets or resolves names.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The VPC's `Name`.
    pub name: String,
    /// Its address block.
    pub cidr: Ipv4Net,
    /// Tags of the VPC besides `Name` and our own: what Kubernetes looks for.
    pub tags: BTreeMap<String, String>,
    /// The `Name` of the internet gateway; none when no subnet is public.
    pub internet_gateway: Option<String>,
    /// Subnets by key, such as `public-a`.
    pub subnets: BTreeMap<String, Subnet>,
    /// NAT gateways by the letter of their zone.
    pub nat_gateways: BTreeMap<String, NatGateway>,
    /// Route tables by key: `public`, and one for each zone with private subnets, such as `private-a`.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// The zone for names inside the VPC.
    pub private_zone: Option<PrivateZone>,
}

impl Network {
    /// The keys of the private subnets.
    pub fn private_subnets(&self) -> impl Iterator<Item = &str> {
        self.subnets
            .iter()
            .filter(|(_, subnet)| !subnet.public)
            .map(|(key, _)| key.as_str())
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq)]
pub struct Subnet {
    /// Its `Name`.
    pub name: String,
    /// Its availability zone, such as `us-east-1a`.
    pub zone: String,
    /// The letter at the end of the zone.
    pub letter: String,
    /// Its address block.
    pub cidr: Ipv4Net,
    /// Whether its default route is the internet gateway.
    pub public: bool,
    /// Tags besides `Name` and our own: what Kubernetes looks for.
    pub tags: BTreeMap<String, String>,
}

/// A NAT gateway and the address that it shows to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// Its `Name`.
    pub name: String,
    /// The `Name` of its elastic IP address.
    pub address_name: String,
    /// The key of the public subnet that it stands in.
    pub subnet: String,
}

/// A route table. The route to the VPC itself is AWS's own and not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Its `Name`.
    pub name: String,
    /// Where everything outside the VPC goes.
    pub default_route: DefaultRoute,
    /// The keys of the subnets that use it.
    pub subnets: Vec<String>,
}

/// Where a route table sends what is for outside the VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultRoute {
    /// Nowhere: there is no such route.
    None,
    /// The internet gateway.
    InternetGateway,
    /// The NAT gateway with this key.
    Nat(String),
}

/// A private Route 53 zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateZone {
    /// Its domain name, lowercase, without the final dot.
    pub name: String,
    /// Its comment.
    pub comment: String,
}

/// A security group; its rules follow from whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its group name and `Name`.
    pub name: String,
    /// Its description, which AWS never changes.
    pub description: String,
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
    /// The IAM role of the control plane.
    pub control_role: String,
    /// The IAM role of the nodes.
    pub worker_role: String,
    /// The group that the control plane's interfaces wear besides EKS's own.
    pub security_group: SecurityGroup,
    /// The keys of the subnets that it spans: all of them.
    pub subnets: Vec<String>,
    /// Its managed node groups.
    pub node_groups: BTreeMap<String, NodeGroup>,
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

/// An RDS instance with its subnet group, its security group and its name in the private zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// The instance identifier.
    pub name: String,
    /// What runs on it.
    pub engine: DatabaseEngine,
    /// The engine's version; AWS takes the newest patch of it.
    pub version: String,
    /// The instance class, such as `db.t3.micro`.
    pub class: String,
    /// Its storage (gp3).
    pub storage_gib: u32,
    /// The database that is made in it at first.
    pub database: String,
    /// The master user.
    pub username: String,
    /// The key of the secret that holds the master user's password.
    pub password: String,
    /// Its full name in the private zone, without the final dot.
    pub dns: Option<String>,
    /// Whether a standby runs in another zone.
    pub multi_az: bool,
    /// Whether its storage is encrypted.
    pub encryption: bool,
    /// Whether AWS itself refuses to delete it.
    pub deletion_protection: bool,
    /// Whether a last snapshot is taken when it is deleted.
    pub final_snapshot: bool,
    /// For how many days daily backups are kept; 0 switches them off.
    pub backup_retention_days: u32,
    /// The port that the engine listens on.
    pub port: u16,
    /// The name of its DB subnet group.
    pub subnet_group: String,
    /// The keys of the subnets in that group: the private ones.
    pub subnets: Vec<String>,
    /// The security group that it wears.
    pub security_group: SecurityGroup,
    /// Who may connect besides the cluster's nodes.
    pub allow: BTreeSet<Ipv4Net>,
}

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseEngine {
    /// MySQL.
    Mysql,
    /// PostgreSQL.
    Postgres,
}

impl DatabaseEngine {
    /// The word that RDS and the file use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
        }
    }

    /// Its name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mysql => "MySQL",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The port that it listens on.
    pub fn port(self) -> u16 {
        match self {
            Self::Mysql => 3306,
            Self::Postgres => 5432,
        }
    }
}

/// An ElastiCache replication group with its subnet group and its security group.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// The replication group's id, lowercase.
    pub name: String,
    /// What runs on it.
    pub engine: CacheEngine,
    /// The engine's version.
    pub version: String,
    /// The node type, such as `cache.t4g.micro`.
    pub node_type: String,
    /// How many nodes: one primary, the others replicas.
    pub nodes: u32,
    /// Whether data is encrypted at rest and in transit.
    pub encryption: bool,
    /// The port that it listens on.
    pub port: u16,
    /// The name of its cache subnet group.
    pub subnet_group: String,
    /// The keys of the subnets in that group: the private ones.
    pub subnets: Vec<String>,
    /// The security group that it wears.
    pub security_group: SecurityGroup,
    /// Who may connect besides the cluster's nodes.
    pub allow: BTreeSet<Ipv4Net>,
}

/// A cache engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheEngine {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

impl CacheEngine {
    /// The word that ElastiCache and the file use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }
}

/// An IAM group. Policies and members that the file does not name are drift.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name in IAM.
    pub name: String,
    /// What its members may do.
    pub policies: Vec<GroupPolicy>,
    /// The names of IAM users that exist already.
    pub members: BTreeSet<String>,
}

/// A policy that a group has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupPolicy {
    /// One that exists already: its ARN.
    Arn(String),
    /// One of ours: its key in [`Environment::policies`].
    Own(String),
}

/// A customer-managed IAM policy, made from a document beside the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name in IAM.
    pub name: String,
    /// The document as the file names it, such as `policies/db-ops.json`.
    pub path: String,
    /// The document.
    pub document: serde_json::Value,
}

/// A Secrets Manager secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its name in Secrets Manager.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Where its value comes from.
    pub source: SecretSource,
}

/// Where a secret's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The environment variable of this name, when a command needs it.
    Environment(String),
    /// Made up once, when the secret is created; letters and digits only, so that every engine takes it as a password.
    Generate {
        /// How many characters.
        length: u32,
    },
}

/// An ECR repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// Its name in ECR.
    pub name: String,
    /// Whether a tag, once pushed, always means the same image.
    pub immutable_tags: bool,
    /// Whether images are scanned when they arrive.
    pub scan_on_push: bool,
}

/// What is put into the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// Namespaces for applications; those of the ingress controller and the agent are not among them.
    pub namespaces: BTreeSet<String>,
    /// Kubernetes secrets.
    pub secrets: BTreeMap<String, KubernetesSecret>,
    /// The ingress controller.
    pub ingress: Option<Ingress>,
    /// The deploy agent.
    pub agent: Option<Agent>,
}

/// A Kubernetes secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesSecret {
    /// One of [`Bootstrap::namespaces`].
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where the value under each of its keys comes from.
    pub data: BTreeMap<String, ValueSource>,
}

/// Where a value in a Kubernetes secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// The value of the secret with this key.
    Secret(String),
    /// A property of a database.
    Database {
        /// The database's key.
        database: String,
        /// Which property.
        field: DatabaseField,
    },
    /// This text, which is no secret.
    Plain(String),
}

/// A property of a database that programs need to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseField {
    /// The host name that AWS gives it, which is the one its certificate has.
    Host,
    /// The port.
    Port,
    /// The master user.
    Username,
    /// The master user's password.
    Password,
    /// The database that was made in it at first.
    Database,
    /// `true`: RDS always offers TLS.
    Ssl,
}

/// The ingress controller, behind a network load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// Which one.
    pub controller: IngressController,
    /// The version of its image, such as `v3.5.3`.
    pub version: String,
    /// How many pods.
    pub replicas: u32,
    /// The namespace that it runs in, which belongs to it.
    pub namespace: String,
}

/// An ingress controller that we know how to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IngressController {
    /// Traefik.
    Traefik,
}

/// The agent that deploys applications from Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Which one.
    pub kind: AgentKind,
    /// Its version, such as `v3.5.1`.
    pub version: String,
    /// The namespace that it runs in, which belongs to it.
    pub namespace: String,
    /// The published manifest that installs it on AWS.
    pub manifest: Manifest,
    /// What it deploys.
    pub applications: BTreeMap<String, Application>,
}

/// A deploy agent that we know how to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentKind {
    /// Argo CD.
    Argocd,
}

/// A published manifest. The sandbox uses a stand-in, so the digest is there whenever the provider is [`Provider::Aws`] and may be
/// missing otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Where it is published.
    pub url: String,
    /// The lowercase hexadecimal SHA-256 that it must have.
    pub sha256: Option<String>,
}

/// An application that the agent deploys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The name of its Application object.
    pub name: String,
    /// The Git repository.
    pub repository: String,
    /// The folder in it.
    pub path: String,
    /// The branch, tag or commit.
    pub revision: String,
    /// Where it is deployed to; one of [`Bootstrap::namespaces`].
    pub namespace: String,
    /// Who starts a deployment.
    pub sync: Sync,
}

/// Who starts a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sync {
    /// A person.
    #[default]
    Manual,
    /// The agent, whenever the repository changed.
    Automatic,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_reads_and_prints_alike() {
        for text in ["90m", "8h", "3d", "1m", "366d"] {
            assert_eq!(
                text.parse::<Ttl>().map(|ttl| ttl.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            "120m".parse::<Ttl>().map(|ttl| ttl.to_string()),
            Ok("2h".to_owned())
        );
    }

    #[test]
    fn what_is_no_ttl_is_refused() {
        for text in [
            "",
            "h",
            "8",
            "0h",
            "-1h",
            "+8h",
            "1.5h",
            "8 h",
            "367d",
            "99999999999999999999d",
            "8w",
            "8µ",
        ] {
            assert_eq!(text.parse::<Ttl>(), Err(InvalidTtl), "{text}");
        }
    }
}
