//! The file as it is written: one type for each section.
//!
//! These types are the one description of the format. Their doc comments, defaults and forms become the JSON Schema, against
//! which `walk` checks a file before it is decoded into them.

mod access;
mod bootstrap;
mod cluster;
mod data;
mod dns;
mod network;
mod smoke;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::*;
use super::model::Provider;
pub(super) use access::{Iam, Registry};
pub(super) use bootstrap::{
    Agent, Application, Bootstrap, Chart, DataValue, Ingress, IngressTls, Manifest, Repository,
};
pub(super) use cluster::{Cluster, Endpoint, NodeGroup, Taint};
pub(super) use data::{Cache, Database, Secret, generated_length};
pub(super) use dns::{Dns, DnsRecord};
pub(super) use network::{Nat, Network, Subnet};
pub(super) use smoke::Smoke;

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
    /// Names that lead to the environment.
    #[serde(default)]
    pub dns: Dns,
    /// Requests that the environment must answer once it is up.
    #[serde(default)]
    #[schemars(extend("maxItems" = 100))]
    pub smoke: Vec<Smoke>,
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
    /// A folder, relative to the project, or `s3://bucket/prefix`.
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

/// The default of what is on unless it is switched off.
fn yes() -> bool {
    true
}
