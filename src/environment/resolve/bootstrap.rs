//! What is put into the cluster.

use std::collections::BTreeMap;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::ObjectName;
use crate::environment::model::{
    Agent, Application, Bootstrap, Ingress, KubernetesSecret, Manifest, Provider, ValueSource,
};
use crate::environment::raw;
use crate::environment::source::Path;

/// The namespace of Traefik.
const INGRESS_NAMESPACE: &str = "traefik";
/// The namespace that Argo CD's manifest is written for.
const AGENT_NAMESPACE: &str = "argocd";
/// The SHA-256 of Argo CD's published `install.yaml`, for the releases that we looked at.
const ARGOCD_MANIFESTS: [(&str, &str); 2] = [
    (
        "v3.5.0",
        "a32bf36a437071a1f563ebf9e81c8a39fba9057c17db7d5d041afb7b6e3f4afe",
    ),
    (
        "v3.5.1",
        "795a3a972224da6a7f9d32c3e946445f062b60fb46028476715affeb688236e3",
    ),
];

impl Resolver<'_> {
    pub(super) fn bootstrap(&mut self) -> Option<Bootstrap> {
        let raw = self.file.bootstrap.as_ref()?;
        let at = Path::of(["bootstrap"]);
        self.check_cluster(raw, &at);
        for (index, namespace) in raw.namespaces.iter().enumerate() {
            self.check_namespace(raw, namespace, &at.to("namespaces").to(index));
        }
        Some(Bootstrap {
            namespaces: raw.namespaces.iter().map(ToString::to_string).collect(),
            secrets: self.kubernetes_secrets(raw),
            ingress: raw.ingress.as_ref().map(|ingress| Ingress {
                controller: ingress.controller,
                version: ingress.version.to_string(),
                replicas: ingress.replicas,
                namespace: INGRESS_NAMESPACE.to_owned(),
            }),
            agent: raw.agent.as_ref().map(|agent| self.agent(raw, agent)),
        })
    }

    /// What is bootstrapped needs a cluster, and pods need nodes.
    fn check_cluster(&mut self, raw: &raw::Bootstrap, at: &Path) {
        let cluster_at = Path::of(["cluster"]);
        let Some(cluster) = &self.file.cluster else {
            if !self.faults.is_unusable(&cluster_at) {
                let fault = Fault::key(at, "there is no cluster to bootstrap");
                self.faults.add(fault.remedy(
                    "add `[cluster]` and `[cluster.node_groups.default]`, or take `bootstrap` out",
                ));
            }
            return;
        };
        let runs_pods = raw.ingress.is_some() || raw.agent.is_some();
        let no_nodes = |group: &raw::NodeGroup| group.desired.or(group.min) == Some(0);
        if runs_pods && cluster.node_groups.values().all(no_nodes) {
            let fault = Fault::key(
                at,
                "what is put into the cluster would wait for nodes for ever",
            );
            self.faults.add(
                fault
                    .also(&cluster_at, "has none")
                    .remedy("add `[cluster.node_groups.default]`, with at least one node"),
            );
        }
    }

    fn check_namespace(&mut self, raw: &raw::Bootstrap, namespace: &str, at: &Path) {
        let owner = match namespace {
            "default" => "every cluster",
            _ if namespace.starts_with("kube-") => "Kubernetes",
            INGRESS_NAMESPACE if raw.ingress.is_some() => "the ingress controller",
            AGENT_NAMESPACE if raw.agent.is_some() => "the deploy agent",
            _ => return,
        };
        let fault = Fault::value(
            at,
            format!("the namespace `{namespace}` belongs to {owner}"),
        );
        self.faults.add(fault.remedy("choose a name of your own"));
    }

    fn kubernetes_secrets(&mut self, raw: &raw::Bootstrap) -> BTreeMap<String, KubernetesSecret> {
        let mut secrets = BTreeMap::new();
        for (key, secret) in raw.secrets.iter() {
            let at = Path::of(["bootstrap", "secrets"]).to(&**key);
            self.check_listed(raw, &secret.namespace, &at);
            let kind = format!("secret in namespace `{}`", &*secret.namespace);
            let name =
                self.name::<ObjectName>(&kind, &at, "name", secret.name.as_ref(), key.to_string());
            let mut data = BTreeMap::new();
            for (key, value) in secret.data.iter() {
                if let Some(source) = self.value_source(value, &at.to("data").to(&**key)) {
                    data.insert(key.to_string(), source);
                }
            }
            secrets.insert(
                key.to_string(),
                KubernetesSecret {
                    namespace: secret.namespace.to_string(),
                    name,
                    data,
                },
            );
        }
        secrets
    }

    fn value_source(&mut self, raw: &raw::DataValue, at: &Path) -> Option<ValueSource> {
        // What is named has to be there whatever else is wrong with the source.
        if let Some(key) = raw.secret.as_ref()
            && !self.file.secrets.contains_key(key)
        {
            self.no_secret(&at.to("secret"), key);
        }
        if let Some(key) = raw.database.as_ref()
            && !self.file.databases.contains_key(key)
        {
            let known = self.file.databases.keys().map(|known| &**known);
            let section = format!("`[databases.{}]`", &**key);
            self.dangling(&at.to("database"), "database", key, &section, known);
        }
        match raw {
            raw::DataValue {
                secret: Some(key),
                database: None,
                field: None,
                value: None,
            } => Some(ValueSource::Secret(key.to_string())),
            raw::DataValue {
                secret: None,
                database: Some(key),
                field: Some(field),
                value: None,
            } => Some(ValueSource::Database {
                database: key.to_string(),
                field: *field,
            }),
            raw::DataValue {
                secret: None,
                database: None,
                field: None,
                value: Some(text),
            } => Some(ValueSource::Plain(text.clone())),
            _ => {
                // A key with a wrong value was left out and told already.
                let told = ["secret", "database", "field", "value"]
                    .iter()
                    .any(|key| self.faults.is_unusable(&at.to(key)));
                if !told {
                    let fault =
                        Fault::key(at, format!("`{}` has not exactly one source", at.last()));
                    self.faults.add(fault.remedy(
                        "write `{ secret = \"…\" }`, or `{ database = \"…\", field = \"host\" }`, or `{ value = \"…\" }`",
                    ));
                }
                None
            }
        }
    }

    /// Tells that something is put into a namespace that the file does not list.
    fn check_listed(&mut self, raw: &raw::Bootstrap, namespace: &str, at: &Path) {
        if !raw.namespaces.iter().any(|listed| &**listed == namespace) {
            let known = raw.namespaces.iter().map(|known| &**known);
            let add = format!("`namespaces = [\"{namespace}\"]` in `[bootstrap]`");
            if !self
                .faults
                .is_unusable(&Path::of(["bootstrap", "namespaces"]))
            {
                self.dangling(&at.to("namespace"), "namespace", namespace, &add, known);
            }
        }
    }

    fn agent(&mut self, bootstrap: &raw::Bootstrap, raw: &raw::Agent) -> Agent {
        let at = Path::of(["bootstrap", "agent"]);
        let version = &*raw.version;
        let given = raw.manifest.as_ref();
        let known = ARGOCD_MANIFESTS
            .iter()
            .find(|(known, _)| *known == version)
            .map(|(_, sha256)| *sha256);
        let url = format!(
            "https://raw.githubusercontent.com/argoproj/argo-cd/{version}/manifests/install.yaml"
        );
        // Only of the published place do we know the content.
        let sha256 = given.map(|manifest| &*manifest.sha256).or(known);
        if sha256.is_none() && self.provider == Provider::Aws {
            let fault = Fault::value(
                &at.to("version"),
                format!("the manifest of Argo CD {version} is not pinned"),
            );
            let known: Vec<&str> = ARGOCD_MANIFESTS
                .iter()
                .map(|(version, _)| *version)
                .collect();
            self.faults.add(fault.label(format!("groundwork knows the manifests of {}", super::super::walk::list(&known))).remedy(
                format!("add `manifest = {{ sha256 = \"…\" }}` with what `curl -sL {url} | sha256sum` prints"),
            ));
        }
        let mut applications = BTreeMap::new();
        for (key, application) in raw.applications.iter() {
            let at = at.to("applications").to(&**key);
            applications.insert(
                key.to_string(),
                self.application(bootstrap, application, key, &at),
            );
        }
        Agent {
            kind: raw.kind,
            version: version.to_owned(),
            namespace: AGENT_NAMESPACE.to_owned(),
            manifest: Manifest {
                url: given
                    .and_then(|manifest| manifest.url.as_deref())
                    .map_or(url, str::to_owned),
                sha256: sha256.map(str::to_owned),
            },
            applications,
        }
    }

    fn application(
        &mut self,
        bootstrap: &raw::Bootstrap,
        raw: &raw::Application,
        key: &str,
        at: &Path,
    ) -> Application {
        self.check_listed(bootstrap, &raw.namespace, at);
        if raw.path.split('/').any(|part| part == "..") {
            let fault = Fault::value(&at.to("path"), "a path that leaves the repository");
            self.faults
                .add(fault.label("expected a folder in it, such as `ms-flights`"));
        }
        Application {
            name: self.name::<ObjectName>(
                "application",
                at,
                "name",
                raw.name.as_ref(),
                key.to_owned(),
            ),
            repository: raw.repository.to_string(),
            path: raw.path.to_string(),
            revision: raw.revision.to_string(),
            namespace: raw.namespace.to_string(),
            sync: raw.sync,
        }
    }
}
