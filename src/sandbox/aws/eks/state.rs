//! What EKS holds in one region.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::sandbox::aws::Params;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::time::SimTime;

/// EKS in one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Eks {
    /// Clusters by name.
    pub clusters: BTreeMap<String, Cluster>,
}

/// Where a cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClusterStatus {
    /// Being made.
    Creating,
    /// At work.
    Active,
    /// Being changed.
    Updating,
    /// Could not be made.
    Failed,
    /// Going.
    Deleting,
}

impl ClusterStatus {
    /// As EKS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Failed => "FAILED",
            Self::Deleting => "DELETING",
        }
    }
}

/// The client token that something was made with, and the input that came with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token(serde_json::Value);

impl Token {
    /// The token of a request: no token is like no other.
    pub fn of(params: &Params) -> Option<Self> {
        params
            .has("clientRequestToken")
            .then(|| Self(params.0.clone()))
    }
}

/// How the API server can be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// From the internet.
    pub public: bool,
    /// From the network.
    pub private: bool,
    /// The blocks of the internet that are let in.
    pub public_cidrs: Vec<String>,
}

/// A cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// An id that no later namesake gets; part of its endpoint and its OIDC issuer.
    pub uid: String,
    /// Its ARN.
    pub arn: String,
    /// When it was asked for.
    pub created: SimTime,
    /// Its client token.
    pub token: Option<Token>,
    /// Where it stands.
    pub status: ClusterStatus,
    /// Whether it was ACTIVE once, and so has an endpoint.
    pub ready: bool,
    /// Its Kubernetes version.
    pub version: String,
    /// The role that it assumes.
    pub role_arn: String,
    /// Its network.
    pub vpc_id: String,
    /// Its subnets, as they were given.
    pub subnets: Vec<String>,
    /// The security groups that its interfaces wear besides its own.
    pub group_ids: Vec<String>,
    /// Its own security group, which managed nodes wear too.
    pub cluster_group_id: String,
    /// Its interfaces.
    pub interfaces: Vec<String>,
    /// How its API server can be reached.
    pub access: Access,
    /// The block of its services.
    pub service_cidr: String,
    /// The log types that it writes.
    pub logging: BTreeSet<String>,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub authentication: String,
    /// Whether its creator is its administrator.
    pub creator_is_admin: bool,
    /// Whether it was made without the add-ons that EKS puts into every other one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bare: bool,
    /// `EXTENDED` or `STANDARD`.
    pub support: String,
    /// Whether it refuses to be deleted.
    pub protected: bool,
    /// Its tags.
    pub tags: Tags,
    /// Its updates and those of its node groups, oldest first.
    pub updates: Vec<Update>,
    /// Its node groups by name.
    pub nodegroups: BTreeMap<String, Nodegroup>,
    /// Who is let in, by the ARN of the principal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub access_entries: BTreeMap<String, AccessEntry>,
    /// Auto Mode, while it is on.
    #[serde(default)]
    pub auto: Option<Auto>,
    /// The nodes that Auto Mode brought, by their pool: as groups that nobody lists.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub auto_nodes: BTreeMap<String, Nodegroup>,
    /// Its add-ons by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addons: BTreeMap<String, Addon>,
    /// As whom pods act in AWS, by the association's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub associations: BTreeMap<String, Association>,
}

/// EKS Auto Mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auto {
    /// The node pools that EKS has ready.
    pub pools: BTreeSet<String>,
    /// The role of their nodes.
    pub node_role: Option<String>,
}

/// Where an add-on stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddonStatus {
    /// Being installed.
    Creating,
    /// At work, or waiting for nodes.
    Active,
    /// Being changed.
    Updating,
    /// Could not be installed.
    CreateFailed,
    /// Going.
    Deleting,
}

impl AddonStatus {
    /// As EKS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::CreateFailed => "CREATE_FAILED",
            Self::Deleting => "DELETING",
        }
    }
}

/// An add-on of a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addon {
    /// Its name.
    pub name: String,
    /// An id that no later namesake gets; part of its ARN.
    pub uid: String,
    /// Its ARN.
    pub arn: String,
    /// Its version.
    pub version: String,
    /// Its settings, as they were given.
    pub configuration: Option<String>,
    /// Where it stands.
    pub status: AddonStatus,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
    /// When it was asked for.
    pub created: SimTime,
    /// When it was changed.
    pub modified: SimTime,
    /// Its client token.
    pub token: Option<Token>,
    /// Its tags.
    pub tags: Tags,
}

/// As whom the pods of a service account act in AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Association {
    /// Its id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The namespace of the service account.
    pub namespace: String,
    /// The service account.
    pub service_account: String,
    /// The role.
    pub role_arn: String,
    /// When it was asked for.
    pub created: SimTime,
    /// When it was changed.
    pub modified: SimTime,
    /// Its client token.
    pub token: Option<Token>,
    /// Its tags.
    pub tags: Tags,
}

/// Who is let into a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessEntry {
    /// The role or user.
    pub principal: String,
    /// Its ARN.
    pub arn: String,
    /// `STANDARD`, `EC2_LINUX`, …
    pub kind: String,
    /// The groups of RBAC.
    pub groups: BTreeSet<String>,
    /// What RBAC and the audit log call it.
    pub username: String,
    /// The namespaces in which each policy holds, by the policy's ARN; none for the whole cluster.
    pub policies: BTreeMap<String, BTreeSet<String>>,
    /// When it was asked for.
    pub created: SimTime,
    /// When it was changed.
    pub modified: SimTime,
    /// Its client token.
    pub token: Option<Token>,
    /// Its tags.
    pub tags: Tags,
    /// Whether EKS made it, for the cluster's creator or for nodes.
    #[serde(default)]
    pub by_eks: bool,
}

/// An update of a cluster or a node group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Update {
    /// Its id.
    pub id: String,
    /// Its type, as EKS writes it.
    pub kind: String,
    /// What it is about, as EKS writes it: type and value.
    pub params: Vec<(String, String)>,
    /// When it was asked for.
    pub created: SimTime,
    /// Whether it is over.
    pub done: bool,
    /// Why it came, or will come, to nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    /// Its client token.
    pub token: Option<Token>,
    /// The node group that it changes.
    pub nodegroup: Option<String>,
    /// The add-on that it changes; without either it is the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addon: Option<String>,
    /// What it changes.
    pub change: Change,
}

/// What an update changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// The Kubernetes version of the cluster.
    Version(String),
    /// The log types that the cluster writes.
    Logging(BTreeSet<String>),
    /// How the API server can be reached.
    Access(Access),
    /// The subnets and the security groups of the cluster's interfaces.
    Network {
        /// Subnets.
        subnets: Vec<String>,
        /// Security groups.
        group_ids: Vec<String>,
    },
    /// Auto Mode, on or off.
    Auto(Option<Auto>),
    /// The authentication mode.
    Authentication(String),
    /// Whether the cluster refuses to be deleted.
    Protection(bool),
    /// `EXTENDED` or `STANDARD`.
    Support(String),
    /// The settings of a node group.
    Nodegroup(Settings),
    /// The Kubernetes version of a node group.
    NodegroupVersion(String),
    /// An add-on.
    Addon {
        /// Its version.
        version: String,
        /// Its settings.
        configuration: Option<String>,
    },
}

/// What of a node group changes in place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How many nodes.
    pub scaling: Scaling,
    /// Labels of its nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
    /// How many nodes an update may take away at once.
    pub unavailable: Unavailable,
}

/// How many nodes a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// At least.
    pub min: i64,
    /// At most.
    pub max: i64,
    /// Now.
    pub desired: i64,
}

/// How many nodes an update may take away at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unavailable {
    /// So many.
    Count(i64),
    /// This part of them.
    Percent(i64),
}

/// A taint, in EKS's spelling (`NO_SCHEDULE`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Its effect.
    pub effect: String,
}

/// Where a node group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodegroupStatus {
    /// Being made.
    Creating,
    /// At work.
    Active,
    /// Being changed.
    Updating,
    /// Going.
    Deleting,
    /// Its nodes did not come.
    CreateFailed,
}

impl NodegroupStatus {
    /// As EKS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::CreateFailed => "CREATE_FAILED",
        }
    }
}

/// A node of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The EC2 instance.
    pub instance_id: String,
    /// The node's name in Kubernetes: the instance's private DNS name.
    pub name: String,
    /// The subnet of the instance.
    pub subnet_id: String,
    /// The zone of that subnet.
    pub zone: String,
}

/// Something that is wrong with a node group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// EKS's code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// With what.
    pub resource_ids: Vec<String>,
}

/// A managed node group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Nodegroup {
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// Whether it is a pool of Auto Mode.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_pool: bool,
    /// An id that no later namesake gets; part of its ARN.
    pub uid: String,
    /// Its ARN.
    pub arn: String,
    /// When it was asked for.
    pub created: SimTime,
    /// When it was changed.
    pub modified: SimTime,
    /// Its client token.
    pub token: Option<Token>,
    /// Where it stands.
    pub status: NodegroupStatus,
    /// The Kubernetes version of its nodes.
    pub version: String,
    /// `ON_DEMAND` or `SPOT`.
    pub capacity: String,
    /// The types that its instances can have.
    pub instance_types: Vec<String>,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// The kind of image.
    pub ami_type: String,
    /// The role of its nodes.
    pub role_arn: String,
    /// The size of its nodes' disks, in GiB.
    pub disk_gib: i64,
    /// What changes in place.
    pub settings: Settings,
    /// Its tags.
    pub tags: Tags,
    /// Its nodes, oldest first.
    pub nodes: Vec<Node>,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
}

impl Nodegroup {
    /// The name of its Auto Scaling group.
    pub fn scaling_group(&self) -> String {
        format!("eks-{}-{}", self.name, self.uid)
    }
}

impl Eks {
    /// The cluster with this unique id.
    pub fn cluster_by_uid(&mut self, uid: &str) -> Option<&mut Cluster> {
        self.clusters
            .values_mut()
            .find(|cluster| cluster.uid == uid)
    }

    /// The node group with this unique id.
    pub fn nodegroup_by_uid(&mut self, uid: &str) -> Option<&mut Nodegroup> {
        (self.clusters.values_mut())
            .flat_map(|cluster| cluster.nodegroups.values_mut())
            .find(|group| group.uid == uid)
    }
}
