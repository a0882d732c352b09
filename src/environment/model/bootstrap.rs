//! What is put into the cluster.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A published manifest. The sandbox uses a stand-in, so the digest is there whenever the provider is `Provider::Aws` and may be
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
