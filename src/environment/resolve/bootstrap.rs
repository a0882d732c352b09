//! What is put into the cluster.

use std::collections::BTreeMap;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::{DnsLabel, ObjectName};
use crate::environment::model::{
    Bootstrap, Ingress, KubernetesSecret, NodePool, ValueSource, is_in_every_cluster,
};
use crate::environment::raw;
use crate::environment::source::Path;

/// The namespace of Traefik, if the file names no other.
const INGRESS_NAMESPACE: &str = "traefik";
/// What we make of Traefik without its makers' chart.
const TRAEFIK_VERSION: &str = "v3.5.3";
/// With two, one of them can go with its machine.
const INGRESS_REPLICAS: u32 = 2;
/// The namespace that Argo CD's manifest is written for.
pub(super) const AGENT_NAMESPACE: &str = "argocd";

/// Where the ingress controller stands.
fn home(ingress: &raw::Ingress) -> &str {
    ingress.namespace.as_deref().unwrap_or(INGRESS_NAMESPACE)
}

/// The cluster roles of Kubernetes for people: what the ingress controller's is called by its namespace can't be one of them.
const ROLES_OF_KUBERNETES: [&str; 4] = ["admin", "cluster-admin", "edit", "view"];

impl Resolver<'_> {
    pub(super) fn bootstrap(&mut self) -> Option<Bootstrap> {
        let raw = self.file.bootstrap.as_ref()?;
        let at = Path::of(["bootstrap"]);
        self.check_cluster(raw, &at);
        for (index, namespace) in raw.namespaces.iter().enumerate() {
            self.check_namespace(raw, namespace, &at.to("namespaces").to(index));
        }
        self.check_existing_namespaces(raw, &at);
        let names = |names: &[DnsLabel]| names.iter().map(ToString::to_string).collect();
        Some(Bootstrap {
            namespaces: names(&raw.namespaces),
            existing_namespaces: names(&raw.existing_namespaces),
            secrets: self.kubernetes_secrets(raw),
            ingress: raw.ingress.as_ref().map(|ingress| self.ingress(ingress)),
            agent: raw.agent.as_ref().map(|agent| self.agent(raw, agent)),
            releases: self.releases(raw),
        })
    }

    /// What is bootstrapped needs a cluster, and pods need nodes.
    fn check_cluster(&mut self, raw: &raw::Bootstrap, at: &Path) {
        let cluster_at = Path::of(["cluster"]);
        let Some(cluster) = &self.file.cluster else {
            if !self.faults.is_unusable(&cluster_at) {
                let fault = Fault::key(at, "there is no cluster to bootstrap");
                self.faults.add(fault.remedy(
                    "add `[cluster]` and `[cluster.node_groups.default]`, or `existing = true` in `[cluster]` for one that is there, or take `bootstrap` out",
                ));
            }
            return;
        };
        if cluster.existing {
            return;
        }
        let runs_pods = raw.ingress.is_some() || raw.agent.is_some() || !raw.releases.is_empty();
        let no_nodes = |group: &raw::NodeGroup| group.desired.or(group.min) == Some(0);
        let pools = cluster.auto_mode.iter().flat_map(|auto| &auto.node_pools);
        let brings_nodes = pools
            .into_iter()
            .any(|pool| *pool == NodePool::GeneralPurpose);
        if runs_pods && !brings_nodes && cluster.node_groups.values().all(no_nodes) {
            let fault = Fault::key(
                at,
                "what is put into the cluster would wait for nodes for ever",
            );
            self.faults.add(
                fault
                    .also(&cluster_at, "has none")
                    .remedy("add `[cluster.node_groups.default]`, with at least one node, or `[cluster.auto_mode]`"),
            );
        }
    }

    fn check_namespace(&mut self, raw: &raw::Bootstrap, namespace: &str, at: &Path) {
        let owner = match namespace {
            "default" => "every cluster",
            _ if is_in_every_cluster(namespace) => "Kubernetes",
            _ if raw
                .ingress
                .as_ref()
                .is_some_and(|ingress| home(ingress) == namespace) =>
            {
                "the ingress controller"
            }
            AGENT_NAMESPACE if raw.agent.is_some() => "the deploy agent",
            _ => return,
        };
        let fault = Fault::value(
            at,
            format!("the namespace `{namespace}` belongs to {owner}"),
        );
        self.faults.add(fault.remedy("choose a name of your own"));
    }

    fn check_existing_namespaces(&mut self, raw: &raw::Bootstrap, at: &Path) {
        let at = at.to("existing_namespaces");
        let in_anothers = self.file.cluster.as_ref().is_some_and(|raw| raw.existing);
        if !raw.existing_namespaces.is_empty() && !in_anothers {
            let fault = Fault::key(
                &at,
                "a cluster of ours has no namespaces of somebody else's",
            );
            self.faults
                .add(fault.remedy("list them under `namespaces`"));
        }
        for (index, namespace) in raw.existing_namespaces.iter().enumerate() {
            if let Some(made) = raw.namespaces.iter().position(|it| it == namespace) {
                let fault = Fault::value(
                    &at.to(index),
                    format!(
                        "the namespace `{}` can't be there and be made",
                        &**namespace
                    ),
                );
                let made = Path::of(["bootstrap", "namespaces"]).to(made);
                self.faults.add(fault.also(&made, "here it is one to make"));
            }
        }
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
                if !self.is_told(at, &["secret", "database", "field", "value"]) {
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
    pub(super) fn check_listed(&mut self, raw: &raw::Bootstrap, namespace: &str, at: &Path) {
        let listed = raw.namespaces.iter().chain(&raw.existing_namespaces);
        let known = listed.map(|known| &**known);
        if !known.clone().any(|listed| listed == namespace) {
            let add = format!("`namespaces = [\"{namespace}\"]` in `[bootstrap]`");
            if !self
                .faults
                .is_unusable(&Path::of(["bootstrap", "namespaces"]))
            {
                self.dangling(&at.to("namespace"), "namespace", namespace, &add, known);
            }
        }
    }

    fn ingress(&mut self, raw: &raw::Ingress) -> Ingress {
        let at = Path::of(["bootstrap", "ingress"]);
        let source = self.source(raw.chart.as_ref(), raw.manifest.as_ref(), &at);
        let published = raw.chart.is_some() || raw.manifest.is_some();
        if let Some(namespace) = &raw.namespace
            && (is_in_every_cluster(namespace) || ROLES_OF_KUBERNETES.contains(&&**namespace))
        {
            let fault = Fault::value(
                &at.to("namespace"),
                format!("`{}` is a name of Kubernetes' own", &**namespace),
            );
            self.faults.add(fault.remedy("choose a name of your own"));
        }
        let own = [
            ("version", raw.version.is_some()),
            ("replicas", raw.replicas.is_some()),
            ("tls", raw.tls.is_some()),
        ];
        for (key, _) in own.into_iter().filter(|(_, given)| *given && published) {
            let fault = Fault::key(&at.to(key), format!("`{key}` says nothing here"));
            self.faults.add(
                fault
                    .label("what its makers publish says it")
                    .remedy(format!(
                        "take `{key}` out; a chart takes it in its `values`"
                    )),
            );
        }
        Ingress {
            controller: raw.controller,
            version: (raw.version.as_deref())
                .unwrap_or(TRAEFIK_VERSION)
                .to_owned(),
            replicas: raw.replicas.unwrap_or(INGRESS_REPLICAS),
            namespace: home(raw).to_owned(),
            source,
            tls: raw.tls.as_ref().and_then(|tls| self.ingress_tls(tls)),
        }
    }
}
