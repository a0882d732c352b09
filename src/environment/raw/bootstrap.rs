//! `[bootstrap]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::forms::*;
use crate::environment::model::{AgentKind, DatabaseField, IngressController, Sync};

/// What is put into the cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Bootstrap {
    /// Namespaces for applications.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 200))]
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
pub(in crate::environment) struct KubernetesSecret {
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
pub(in crate::environment) struct DataValue {
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
pub(in crate::environment) struct Ingress {
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
pub(in crate::environment) struct Agent {
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
pub(in crate::environment) struct Manifest {
    /// Where it is published; Argo CD's own `install.yaml` of the release by default.
    pub url: Option<Url>,
    /// What it must contain.
    pub sha256: Sha256,
}

/// An application that the agent deploys.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Application {
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
