//! `bootstrap.release`: the objects of charts and manifests, and what the ingress controller and the agent have in
//! common with them: where each object stands, and what it waits for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::id::{ObjectId, is_cluster_scoped};
use super::object::{ObjectKind, Spec};
use super::rendered::{Rendered, hooks};
use super::secret::{Data, Source};
use super::service::balancer_in;
use super::{namespace, nodes, seconds};
use crate::address::Address;
use crate::resources::{Context, Desired};

/// The kind `bootstrap.release`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.release",
    desired,
    usual: seconds(60, 30),
};

/// Something that is published as a whole: its kind, the names that the addresses of its objects begin with, and the
/// namespace of those that do not say one.
pub struct Part<'a> {
    /// The kind of its objects.
    pub kind: &'static ObjectKind,
    /// Such as `bootstrap`, `release`, `cert-manager`.
    pub names: Vec<&'a str>,
    /// Where its objects stand that do not say it.
    pub namespace: &'a str,
    /// Its objects.
    pub objects: &'a [Rendered],
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let parts = parts(context).into_iter();
    parts
        .filter(|part| part.kind.name == KIND.name)
        .flat_map(|part| part.desired(context))
        .collect()
}

/// Everything that is published elsewhere and that the file asks for.
pub fn parts<'a>(context: &Context<'a>) -> Vec<Part<'a>> {
    let Some(bootstrap) = &context.environment.bootstrap else {
        return Vec::new();
    };
    let mut parts = Vec::new();
    let own = ["bootstrap", "ingress"];
    if let Some(ingress) = bootstrap.ingress.as_ref().filter(|i| i.source.is_some()) {
        let objects = &context.published.ingress;
        parts.push(Part {
            kind: &super::INGRESS,
            names: own.to_vec(),
            namespace: &ingress.namespace,
            objects,
        });
    }
    if let Some(agent) = &bootstrap.agent {
        parts.push(Part {
            kind: &super::AGENT,
            names: vec!["bootstrap", "agent"],
            namespace: &agent.namespace,
            objects: &context.published.agent,
        });
    }
    for (key, release) in &bootstrap.releases {
        let objects = context.published.releases.get(key);
        parts.push(Part {
            kind: &KIND,
            names: vec!["bootstrap", "release", key],
            namespace: &release.namespace,
            objects: objects.map(Vec::as_slice).unwrap_or_default(),
        });
    }
    parts
}

/// Kinds whose objects run pods.
pub fn runs_pods(kind: &str) -> bool {
    matches!(
        kind,
        "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Pod"
            | "Job"
            | "CronJob"
    )
}

pub fn kind_of(manifest: &Value) -> &str {
    manifest["kind"].as_str().unwrap_or_default()
}

/// The API groups of Kubernetes itself, beside those without a dot.
const OWN_GROUPS: [&str; 15] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// The group of a type that Kubernetes does not have by itself.
fn foreign_group(manifest: &Value) -> Option<&str> {
    let (group, _) = manifest["apiVersion"].as_str()?.split_once('/')?;
    (group.contains('.') && !OWN_GROUPS.contains(&group)).then_some(group)
}

/// When an object's turn comes: a smaller one is made first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    phase: Phase,
    /// Among hooks, their weight.
    weight: i64,
    rank: Rank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Types,
    Before,
    Itself,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Types,
    Rights,
    Configuration,
    /// Pods that find everything in place start once instead of crashing until they do.
    Workloads,
    /// What sends requests to the workloads: a webhook that nobody answers refuses everything.
    Entrances,
    Custom,
}

impl Turn {
    fn of(manifest: &Value) -> Self {
        let kind = kind_of(manifest);
        let rank = match kind {
            _ if foreign_group(manifest).is_some() => Rank::Custom,
            "CustomResourceDefinition" => Rank::Types,
            "ServiceAccount" | "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => {
                Rank::Rights
            }
            "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "APIService"
            | "Ingress" => Rank::Entrances,
            kind if runs_pods(kind) => Rank::Workloads,
            _ => Rank::Configuration,
        };
        let sorts = hooks(manifest);
        let phase = if sorts.contains(&"pre-install") {
            Phase::Before
        } else if sorts.contains(&"post-install") {
            Phase::After
        } else if rank == Rank::Types {
            Phase::Types
        } else {
            Phase::Itself
        };
        let weight = manifest["metadata"]["annotations"]["helm.sh/hook-weight"].as_str();
        let weight = weight.and_then(|text| text.parse().ok());
        Self {
            phase,
            weight: weight.filter(|_| !sorts.is_empty()).unwrap_or(0),
            rank,
        }
    }
}

impl Part<'_> {
    /// The address of one of its objects.
    pub fn address(&self, manifest: &Value) -> Address {
        let kind = kind_of(manifest).to_ascii_lowercase();
        let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
        // Two objects of one kind may have one name in two namespaces.
        let elsewhere = manifest["metadata"]["namespace"].as_str();
        let elsewhere =
            elsewhere.filter(|it| *it != self.namespace && !is_cluster_scoped(kind_of(manifest)));
        let name = match elsewhere {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        let mut names = self.names.clone();
        names.extend([kind.as_str(), &name]);
        Address::of(&names)
    }

    /// Its own objects; the namespaces among them are made like those of the file.
    fn own(&self) -> impl Iterator<Item = &Rendered> {
        let objects = self.objects.iter();
        objects.filter(|object| kind_of(&object.manifest) != "Namespace")
    }

    /// What has to be there before an object of the types that it defines, and to live until after it: those types,
    /// and what acts on them.
    pub fn controllers(&self) -> Vec<Address> {
        let acts = |manifest: &Value| {
            let kind = kind_of(manifest);
            hooks(manifest).is_empty() && (kind == "CustomResourceDefinition" || runs_pods(kind))
        };
        let objects = self.own().map(|object| &object.manifest);
        let objects = objects.filter(|manifest| acts(manifest));
        objects.map(|manifest| self.address(manifest)).collect()
    }

    /// Whether it defines a type of this group and kind.
    fn defines(&self, group: &str, kind: &str) -> bool {
        self.definition(group, kind).is_some()
    }

    fn definition(&self, group: &str, kind: &str) -> Option<&Value> {
        let manifests = self.objects.iter().map(|object| &object.manifest);
        let mut types = manifests.filter(|it| kind_of(it) == "CustomResourceDefinition");
        types.find(|it| it["spec"]["group"] == group && it["spec"]["names"]["kind"] == kind)
    }

    /// What the file asks of its objects, each waiting for those whose turn comes before.
    pub fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let mut turns: BTreeMap<Turn, Vec<Desired>> = BTreeMap::new();
        let others = parts(context);
        for object in self.own() {
            let desired = self.one(context, &others, object);
            let turn = turns.entry(Turn::of(&object.manifest));
            turn.or_default().push(desired);
        }
        let mut all: Vec<Desired> = Vec::new();
        let mut before: Vec<Address> = Vec::new();
        for turn in turns.into_values() {
            let now: Vec<Address> = turn.iter().map(|one| one.address.clone()).collect();
            all.extend(turn.into_iter().map(|mut desired| {
                desired.depends_on.extend(before.iter().cloned());
                desired
            }));
            before = now;
        }
        all
    }

    fn one(&self, context: &Context<'_>, others: &[Part<'_>], object: &Rendered) -> Desired {
        let address = self.address(&object.manifest);
        let manifest = self.placed(others, object.manifest.clone());
        let kind = kind_of(&manifest).to_owned();
        let of_others = foreign_group(&manifest).map(|group| {
            let others = others.iter().filter(|other| other.names != self.names);
            let definers = others.filter(|other| other.defines(group, &kind));
            definers.flat_map(Part::controllers).collect::<Vec<_>>()
        });
        let stands_in = manifest["metadata"]["namespace"].as_str();
        let namespace = stands_in.filter(|name| namespace::names(context).contains_key(*name));
        let namespace = namespace.map(namespace::address);
        let balanced = kind == "Service" && manifest["spec"]["type"] == "LoadBalancer";
        let mut spec = Spec::new(context.ownership, &address, manifest).run_as(object.run.clone());
        spec.data = object.data.iter().map(rendered_value).collect();
        spec.balancer = balancer_in(context, &spec.manifest);
        let mut desired = self.kind.described(&spec, address);
        desired.depends_on.extend(namespace);
        desired.depends_on.extend(of_others.into_iter().flatten());
        if runs_pods(&kind) {
            desired.depends_on.extend(nodes(context));
        }
        if balanced {
            desired.depends_on.extend(super::internet_gateway(context));
        }
        desired
    }

    /// An object in its namespace, unless it belongs to the whole cluster.
    fn placed(&self, others: &[Part<'_>], mut manifest: Value) -> Value {
        let kind = kind_of(&manifest).to_owned();
        let definition = foreign_group(&manifest)
            .and_then(|group| others.iter().find_map(|part| part.definition(group, &kind)));
        let of_the_cluster = match definition {
            Some(definition) => definition["spec"]["scope"] == "Cluster",
            None => is_cluster_scoped(&kind),
        };
        if of_the_cluster {
            // Some charts write one all the same, and the API server would look for the object in vain.
            if let Some(metadata) = manifest["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
        } else if ObjectId::of(&manifest).is_some_and(|id| id.namespace.is_empty()) {
            manifest["metadata"]["namespace"] = json!(self.namespace);
        }
        if self.kind.name == super::AGENT.name {
            manifest = super::agent::bound_to(manifest, self.namespace);
        }
        manifest
    }
}

fn rendered_value((key, name): (&String, &String)) -> (String, Source) {
    let source = Source::Rendered {
        rendered: name.clone(),
    };
    (key.clone(), source)
}

impl FromIterator<(String, Source)> for Data {
    fn from_iter<T: IntoIterator<Item = (String, Source)>>(entries: T) -> Self {
        Self(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(manifest: &Value) -> Turn {
        Turn::of(manifest)
    }

    fn object(api: &str, kind: &str) -> Value {
        json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}})
    }

    #[test]
    fn types_come_first_and_what_needs_them_last() {
        let hook = |sort: &str, weight: &str| {
            let mut job = object("batch/v1", "Job");
            job["metadata"]["annotations"] =
                json!({"helm.sh/hook": sort, "helm.sh/hook-weight": weight});
            job
        };
        let order = [
            object("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            hook("pre-install,pre-upgrade", "-5"),
            hook("pre-install", "1"),
            object("rbac.authorization.k8s.io/v1", "ClusterRole"),
            object("v1", "ConfigMap"),
            object("apps/v1", "Deployment"),
            object(
                "admissionregistration.k8s.io/v1",
                "ValidatingWebhookConfiguration",
            ),
            object("cert-manager.io/v1", "Certificate"),
            hook("post-install", "0"),
        ];
        for pair in order.windows(2) {
            assert!(turn(&pair[0]) < turn(&pair[1]), "{pair:#?}");
        }
    }

    #[test]
    fn what_another_namespace_has_keeps_its_address_apart() {
        let part = Part {
            kind: &KIND,
            names: vec!["bootstrap", "release", "web"],
            namespace: "web",
            objects: &[],
        };
        let mut role = object("rbac.authorization.k8s.io/v1", "Role");
        assert_eq!(part.address(&role).as_str(), "bootstrap.release.web.role.x");
        role["metadata"]["namespace"] = json!("web");
        assert_eq!(part.address(&role).as_str(), "bootstrap.release.web.role.x");
        role["metadata"]["namespace"] = json!("kube-system");
        assert_eq!(
            part.address(&role).as_str(),
            "bootstrap.release.web.role.kube-system/x"
        );
    }

    #[test]
    fn an_object_of_the_whole_cluster_has_no_namespace() {
        let definition = json!({
            "kind": "CustomResourceDefinition", "metadata": {"name": "pools.example.com"},
            "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Pool"}},
        });
        let objects = [Rendered::plain(definition)];
        let part = || Part {
            kind: &KIND,
            names: vec!["bootstrap", "release", "web"],
            namespace: "web",
            objects: &objects,
        };
        let parts = [part()];
        let mut role = object("rbac.authorization.k8s.io/v1", "ClusterRole");
        role["metadata"]["namespace"] = json!("web");
        for (manifest, expected) in [
            (role, None),
            (object("example.com/v1", "Pool"), None),
            (object("example.com/v1", "Claim"), Some("web")),
            (object("v1", "Service"), Some("web")),
        ] {
            let placed = part().placed(&parts, manifest);
            assert_eq!(
                placed["metadata"]["namespace"].as_str(),
                expected,
                "{placed}"
            );
        }
    }
}
