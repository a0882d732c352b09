//! What is put into the cluster.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sensitive::Sensitive;

/// What is put into the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Bootstrap {
    /// Namespaces for applications; those of the ingress controller and the agent are not among them.
    pub namespaces: BTreeSet<String>,
    /// Namespaces that somebody else made and keeps.
    pub existing_namespaces: BTreeSet<String>,
    /// Kubernetes secrets.
    pub secrets: BTreeMap<String, KubernetesSecret>,
    /// The ingress controller.
    pub ingress: Option<Ingress>,
    /// The deploy agent.
    pub agent: Option<Agent>,
    /// Whatever else is published for clusters.
    pub releases: BTreeMap<String, Release>,
}

impl Bootstrap {
    /// Whether any of it is made by helm.
    pub fn has_charts(&self) -> bool {
        let ingress = self.ingress.iter().filter_map(|it| it.source.as_ref());
        let agent = self.agent.iter().map(|agent| &agent.source);
        let releases = self.releases.values().map(|release| &release.source);
        let mut sources = ingress.chain(agent).chain(releases);
        sources.any(|source| matches!(source, Source::Chart(_)))
    }
}

/// Whether every cluster has a namespace of this name.
pub fn is_in_every_cluster(namespace: &str) -> bool {
    namespace == "default" || namespace.starts_with("kube-")
}

/// Something that is published for clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Where its objects stand that do not say it themselves.
    pub namespace: String,
    /// Where they come from.
    pub source: Source,
}

/// Where objects come from that the file does not spell out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// They are written down.
    Manifest(Manifest),
    /// helm makes them.
    Chart(Chart),
}

/// A Helm chart and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// Where it is.
    pub place: ChartPlace,
    /// What it is told; goes before `values_file`.
    pub values: Value,
    /// The text of a file that tells the same.
    pub values_file: Option<Sensitive>,
    /// Sorts of hooks that are left out.
    pub skip_hooks: BTreeSet<Hook>,
}

/// Where a chart is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartPlace {
    /// Published.
    Repository {
        /// The repository, beginning with `http:`, `https:` or `oci:`.
        repository: String,
        /// The chart's name in it.
        name: String,
        /// Its version.
        version: String,
        /// The lowercase hexadecimal SHA-256 that its archive must have.
        sha256: Option<String>,
    },
    /// In this folder of the project.
    Folder(String),
}

/// When a chart wants something done beside its objects: the sorts of Helm's hooks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Before it is installed.
    PreInstall,
    /// After it was installed.
    PostInstall,
    /// Before another version or other values.
    PreUpgrade,
    /// After another version or other values.
    PostUpgrade,
    /// Before it is removed.
    PreDelete,
    /// After it was removed.
    PostDelete,
    /// Before the version before comes back.
    PreRollback,
    /// After the version before came back.
    PostRollback,
    /// When somebody tests it.
    Test,
}

/// A Kubernetes secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesSecret {
    /// One of [`Bootstrap::namespaces`] or [`Bootstrap::existing_namespaces`].
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
    /// Where its objects come from, if not from us.
    pub source: Option<Source>,
    /// The certificate that is shown, unless an Ingress brings its own.
    pub tls: Option<IngressTls>,
}

/// Who shows which certificate to those who ask by https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngressTls {
    /// The load balancer.
    LoadBalancer {
        /// The ARN of the certificate in ACM.
        certificate: String,
    },
    /// The ingress controller.
    Controller {
        /// The key of the secret that holds the certificate and those that vouch for it.
        chain: String,
        /// The key of the secret that holds its private key.
        key: String,
    },
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
    /// How much of it.
    pub flavour: Flavour,
    /// What installs it on AWS.
    pub source: Source,
    /// What it deploys.
    pub applications: BTreeMap<String, Application>,
    /// What applications may do, by the names of projects.
    pub projects: BTreeMap<String, Project>,
    /// Repositories that not everyone may read.
    pub repositories: BTreeMap<String, Repository>,
}

/// The project of applications that name none.
pub const DEFAULT_PROJECT: &str = "default";

/// What the applications of a project may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// What it is for.
    pub description: Option<String>,
    /// Patterns of the repositories that they may come from.
    pub repositories: Vec<String>,
    /// Patterns of the namespaces that they may be deployed to.
    pub namespaces: Vec<String>,
    /// Groups and kinds of the objects of the whole cluster that they may bring.
    pub cluster_objects: Vec<(String, String)>,
}

/// A repository that the agent signs in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its URL, as applications name it.
    pub url: String,
    /// What it holds.
    pub kind: RepositoryKind,
    /// How the agent signs in.
    pub sign_in: SignIn,
    /// Only applications of this project may use it.
    pub project: Option<String>,
}

/// What a repository holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RepositoryKind {
    /// Files under version control.
    #[default]
    Git,
    /// Helm charts.
    Helm,
}

/// How the agent signs in to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// With a name and what this secret holds.
    Password {
        /// The name.
        username: String,
        /// The secret's key.
        secret: String,
    },
    /// With the private key that this secret holds.
    SshKey(String),
}

/// A deploy agent that we know how to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AgentKind {
    /// Argo CD.
    Argocd,
}

/// How much of the deploy agent is installed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// All of it.
    #[default]
    Full,
    /// Only what deploys: no server, no sign-in, no notifications.
    Core,
    /// All of it, more than once.
    Ha,
}

/// A file of Kubernetes objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// A published one. The sandbox has a stand-in for the agent's, so that its digest may be missing there; everywhere else
    /// there is one.
    Published {
        /// Where.
        url: String,
        /// The lowercase hexadecimal SHA-256 that it must have.
        sha256: Option<String>,
    },
    /// One of the project.
    File {
        /// Where.
        path: String,
        /// What it says, which may be secret.
        text: Sensitive,
    },
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
    /// Where it is deployed to; one of [`Bootstrap::namespaces`] or [`Bootstrap::existing_namespaces`].
    pub namespace: String,
    /// The project that says what it may do.
    pub project: String,
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
