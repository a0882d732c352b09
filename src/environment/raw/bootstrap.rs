//! `[bootstrap]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::SecretReference;
use crate::environment::forms::*;
use crate::environment::model::{
    AgentKind, DatabaseField, Flavour, Hook, IngressController, RepositoryKind, Sync,
};

/// What is put into the cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Bootstrap {
    /// Namespaces for applications.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 200))]
    pub namespaces: Vec<DnsLabel>,
    /// Namespaces of a cluster that exists already into which something is put, and which stay.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 200))]
    pub existing_namespaces: Vec<DnsLabel>,
    /// Kubernetes secrets.
    #[serde(default)]
    pub secrets: Named<Key, KubernetesSecret>,
    /// What lets the internet in.
    pub ingress: Option<Ingress>,
    /// What deploys applications from Git.
    pub agent: Option<Agent>,
    /// What else is published for clusters: charts and manifests.
    #[serde(default)]
    pub releases: Named<ReleaseName, Release>,
}

/// Something that is published for clusters: either `chart` or `manifest`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Release {
    /// Where its objects stand that do not say it themselves; made, unless it is there in every cluster.
    pub namespace: DnsLabel,
    /// A Helm chart.
    pub chart: Option<Chart>,
    /// A file of Kubernetes objects.
    pub manifest: Option<Manifest>,
}

/// A Helm chart: `repository`, `name` and `version`, or `path`. The program `helm` renders it, and never sees the cluster.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Chart {
    /// Where it is published, over HTTP or in an OCI registry.
    pub repository: Option<ChartRepository>,
    /// What it is called there.
    pub name: Option<ChartName>,
    /// Which one: a version, not a range.
    pub version: Option<ChartVersion>,
    /// What its archive must contain; any that has the version by default.
    pub sha256: Option<Sha256>,
    /// The folder of a chart in the project, instead of a published one.
    pub path: Option<LocalPath>,
    /// What it is told, as its `values.yaml` explains. Nothing secret: whoever reads this file reads it.
    #[serde(default)]
    pub values: Free,
    /// A file in YAML that tells the same; `values` go before it.
    pub values_file: Option<LocalPath>,
    /// Sorts of hooks that are left out, because they are not needed or not possible here.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub skip_hooks: Vec<Hook>,
}

/// A Kubernetes secret.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct KubernetesSecret {
    /// Its name; the key by default.
    pub name: Option<ObjectName>,
    /// One of `namespaces` or `existing_namespaces`.
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
    /// The release of its image: v3.5.3 by default.
    pub version: Option<ReleaseVersion>,
    /// Where it stands: `traefik` by default. Its class, and the cluster roles that groundwork makes for it, have this name,
    /// too.
    pub namespace: Option<DnsLabel>,
    /// How many pods: 2 by default.
    #[schemars(range(min = 1, max = 50))]
    pub replicas: Option<u32>,
    /// The chart of its makers, instead of what groundwork knows to make of it.
    pub chart: Option<Chart>,
    /// The manifest of its makers, instead of what groundwork knows to make of it.
    pub manifest: Option<Manifest>,
    /// The certificate that is shown to those who ask by https. Without it they see one that nobody trusts, unless
    /// their Ingress brings its own.
    pub tls: Option<IngressTls>,
}

/// A certificate: `certificate`, or `chain` with `key`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct IngressTls {
    /// The ARN of one in ACM, which the load balancer shows.
    pub certificate: Option<CertificateArn>,
    /// A key under `secrets`: the certificate with those that vouch for it, in PEM. The ingress controller shows it.
    pub chain: Option<Key>,
    /// A key under `secrets`: its private key, in PEM.
    pub key: Option<Key>,
}

/// The deploy agent, in a namespace of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Agent {
    /// Which one.
    pub kind: AgentKind,
    /// Its release.
    pub version: ReleaseVersion,
    /// How much of it: everything, everything more than once, or nothing that people look at.
    #[serde(default)]
    pub flavour: Flavour,
    /// The published manifest that installs it on AWS; Argo CD's own of the release by default.
    pub manifest: Option<Manifest>,
    /// The chart that installs it on AWS, instead of the manifest.
    pub chart: Option<Chart>,
    /// What it deploys.
    #[serde(default)]
    pub applications: Named<Key, Application>,
    /// What applications may do that name one of these.
    #[serde(default)]
    pub projects: Named<ReleaseName, Project>,
    /// Repositories that not everyone may read.
    #[serde(default)]
    pub repositories: Named<ReleaseName, Repository>,
}

/// A project of Argo CD: what its applications may do.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Project {
    /// What it is for.
    pub description: Option<Description>,
    /// Which repositories its applications may come from; any by default.
    #[serde(default = "any_repository")]
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub repositories: Vec<RepositoryPattern>,
    /// Which namespaces of this cluster they may be deployed to; any by default.
    #[serde(default = "any_namespace")]
    #[schemars(extend("minItems" = 1, "uniqueItems" = true))]
    pub namespaces: Vec<NamespacePattern>,
    /// Which objects of the whole cluster they may bring; none by default.
    #[serde(default)]
    pub cluster_objects: Vec<ObjectPattern>,
}

fn any_repository() -> Vec<RepositoryPattern> {
    vec!["*".to_owned().into()]
}

fn any_namespace() -> Vec<NamespacePattern> {
    vec!["*".to_owned().into()]
}

/// Objects of some types.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct ObjectPattern {
    /// Their API group; empty for that of Kubernetes' core.
    #[serde(default)]
    pub group: GroupPattern,
    /// Their kind.
    pub kind: KindPattern,
}

/// A repository and how the agent signs in: with `username` and `password`, or with `ssh_key`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Repository {
    /// The repository, as applications name it.
    pub url: GitUrl,
    /// What it holds.
    #[serde(default)]
    pub kind: RepositoryKind,
    /// Who signs in; any name does where only the token counts.
    pub username: Option<UserOfRepository>,
    /// The secret with the password or the token.
    pub password: Option<SecretReference>,
    /// The secret with the private key.
    pub ssh_key: Option<SecretReference>,
    /// Only applications of this project may use it.
    pub project: Option<ReleaseName>,
}

/// A file of Kubernetes objects: `url` with `sha256`, or `file`. groundwork knows where those of the agent's releases are
/// that it was tested with, and what they contain.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Manifest {
    /// Where it is published.
    pub url: Option<Url>,
    /// A file of the project, instead.
    pub file: Option<LocalPath>,
    /// What it must contain.
    pub sha256: Option<Sha256>,
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
    /// Where it is deployed to: one of `namespaces` or `existing_namespaces`.
    pub namespace: DnsLabel,
    /// A key under `projects`; Argo CD's own `default` allows everything.
    pub project: Option<ReleaseName>,
    /// Who starts a deployment.
    #[serde(default)]
    pub sync: Sync,
}

fn revision() -> Revision {
    "HEAD".to_owned().into()
}
