//! The kinds that a cluster serves: the built-in ones, and those of its custom resource definitions.

use serde_json::Value;

use super::cluster::Cluster;
use super::object::{condition, list, text, texts};

/// One kind in one version, as discovery lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The API group, empty for the core.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The resource's name in URLs, such as `deployments`.
    pub plural: String,
    /// The name in `kind`.
    pub kind: String,
    /// The resource's singular name.
    pub singular: String,
    /// What kubectl takes as abbreviations.
    pub short_names: Vec<String>,
    /// What kubectl takes as a name for several kinds, such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Whether `…/status` is a subresource.
    pub status: bool,
    /// The columns that a custom resource definition wants printed.
    pub columns: Vec<Value>,
    /// Whether it comes from a custom resource definition.
    pub custom: bool,
}

/// `CLUSTER` kinds live outside namespaces, `STATUS` ones have the subresource.
const NAMESPACED: u8 = 1;
const STATUS: u8 = 2;
const IN_ALL: u8 = 4;

type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    u8,
);

const BUILT_IN: &[Row] = &[
    ("", "v1", "configmaps", "ConfigMap", &["cm"], NAMESPACED),
    ("", "v1", "endpoints", "Endpoints", &["ep"], NAMESPACED),
    ("", "v1", "events", "Event", &["ev"], NAMESPACED),
    (
        "",
        "v1",
        "limitranges",
        "LimitRange",
        &["limits"],
        NAMESPACED,
    ),
    ("", "v1", "namespaces", "Namespace", &["ns"], STATUS),
    ("", "v1", "nodes", "Node", &["no"], STATUS),
    (
        "",
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        &["pvc"],
        NAMESPACED | STATUS,
    ),
    (
        "",
        "v1",
        "persistentvolumes",
        "PersistentVolume",
        &["pv"],
        STATUS,
    ),
    (
        "",
        "v1",
        "pods",
        "Pod",
        &["po"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "",
        "v1",
        "resourcequotas",
        "ResourceQuota",
        &["quota"],
        NAMESPACED | STATUS,
    ),
    ("", "v1", "secrets", "Secret", &[], NAMESPACED),
    (
        "",
        "v1",
        "serviceaccounts",
        "ServiceAccount",
        &["sa"],
        NAMESPACED,
    ),
    (
        "",
        "v1",
        "services",
        "Service",
        &["svc"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "mutatingwebhookconfigurations",
        "MutatingWebhookConfiguration",
        &[],
        0,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        &[],
        0,
    ),
    (
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        &["crd", "crds"],
        STATUS,
    ),
    (
        "apiregistration.k8s.io",
        "v1",
        "apiservices",
        "APIService",
        &[],
        STATUS,
    ),
    (
        "apps",
        "v1",
        "daemonsets",
        "DaemonSet",
        &["ds"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "apps",
        "v1",
        "deployments",
        "Deployment",
        &["deploy"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "apps",
        "v1",
        "replicasets",
        "ReplicaSet",
        &["rs"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "apps",
        "v1",
        "statefulsets",
        "StatefulSet",
        &["sts"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        &["hpa"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "batch",
        "v1",
        "cronjobs",
        "CronJob",
        &["cj"],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "batch",
        "v1",
        "jobs",
        "Job",
        &[],
        NAMESPACED | STATUS | IN_ALL,
    ),
    (
        "coordination.k8s.io",
        "v1",
        "leases",
        "Lease",
        &[],
        NAMESPACED,
    ),
    (
        "discovery.k8s.io",
        "v1",
        "endpointslices",
        "EndpointSlice",
        &[],
        NAMESPACED,
    ),
    (
        "networking.k8s.io",
        "v1",
        "ingressclasses",
        "IngressClass",
        &[],
        0,
    ),
    (
        "networking.k8s.io",
        "v1",
        "ingresses",
        "Ingress",
        &["ing"],
        NAMESPACED | STATUS,
    ),
    (
        "networking.k8s.io",
        "v1",
        "networkpolicies",
        "NetworkPolicy",
        &["netpol"],
        NAMESPACED,
    ),
    (
        "policy",
        "v1",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        &["pdb"],
        NAMESPACED | STATUS,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        &[],
        0,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "clusterroles",
        "ClusterRole",
        &[],
        0,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "rolebindings",
        "RoleBinding",
        &[],
        NAMESPACED,
    ),
    (
        "rbac.authorization.k8s.io",
        "v1",
        "roles",
        "Role",
        &[],
        NAMESPACED,
    ),
    (
        "scheduling.k8s.io",
        "v1",
        "priorityclasses",
        "PriorityClass",
        &["pc"],
        0,
    ),
    ("storage.k8s.io", "v1", "csidrivers", "CSIDriver", &[], 0),
    (
        "storage.k8s.io",
        "v1",
        "storageclasses",
        "StorageClass",
        &["sc"],
        0,
    ),
];

/// The storage key of custom resource definitions.
pub const CRDS: &str = "customresourcedefinitions.apiextensions.k8s.io";

impl Kind {
    fn built_in(&(group, version, plural, kind, short_names, flags): &Row) -> Self {
        let in_all = flags & IN_ALL != 0;
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            singular: kind.to_lowercase(),
            short_names: short_names.iter().map(ToString::to_string).collect(),
            categories: in_all.then(|| "all".to_owned()).into_iter().collect(),
            namespaced: flags & NAMESPACED != 0,
            status: flags & STATUS != 0,
            columns: Vec::new(),
            custom: false,
        }
    }

    fn custom(definition: &Value, version: &Value) -> Self {
        let owned =
            |texts: Vec<&str>| -> Vec<String> { texts.into_iter().map(str::to_owned).collect() };
        Self {
            group: text(definition, "/spec/group").to_owned(),
            version: text(version, "/name").to_owned(),
            plural: text(definition, "/spec/names/plural").to_owned(),
            kind: text(definition, "/spec/names/kind").to_owned(),
            singular: text(definition, "/spec/names/singular").to_owned(),
            short_names: owned(texts(definition, "/spec/names/shortNames")),
            categories: owned(texts(definition, "/spec/names/categories")),
            namespaced: text(definition, "/spec/scope") == "Namespaced",
            status: version.pointer("/subresources/status").is_some(),
            columns: list(version, "/additionalPrinterColumns").to_vec(),
            custom: true,
        }
    }

    /// `plural` or `plural.group`: what error messages and our storage call the resource.
    pub fn storage(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether `metadata.generation` counts changes of the specification.
    pub fn counts_generations(&self) -> bool {
        const COUNTING: [&str; 14] = [
            "daemonsets",
            "deployments",
            "replicasets",
            "statefulsets",
            "cronjobs",
            "jobs",
            "ingresses",
            "ingressclasses",
            "networkpolicies",
            "poddisruptionbudgets",
            "customresourcedefinitions",
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "endpointslices",
        ];
        self.custom || COUNTING.contains(&self.plural.as_str())
    }

    /// What a client can do with it, as discovery lists it.
    pub fn verbs(&self) -> [&'static str; 8] {
        [
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch",
        ]
    }
}

fn established(cluster: &Cluster) -> impl Iterator<Item = &Value> {
    cluster
        .all(CRDS)
        .filter(|definition| condition(definition, "Established") == "True")
}

fn served(definition: &Value) -> impl Iterator<Item = Kind> {
    list(definition, "/spec/versions")
        .iter()
        .filter(|version| version["served"] == true)
        .map(|version| Kind::custom(definition, version))
}

/// Every kind that the cluster serves now, sorted by group as discovery does: the core first.
pub fn all(cluster: &Cluster) -> Vec<Kind> {
    let custom = established(cluster).flat_map(served);
    BUILT_IN.iter().map(Kind::built_in).chain(custom).collect()
}

/// The kind behind a URL, if it is served.
pub fn find(cluster: &Cluster, group: &str, version: &str, plural: &str) -> Option<Kind> {
    if let Some(row) = BUILT_IN
        .iter()
        .find(|row| (row.0, row.1, row.2) == (group, version, plural))
    {
        return Some(Kind::built_in(row));
    }
    let definition = cluster.get(CRDS, "", &format!("{plural}.{group}"))?;
    if condition(definition, "Established") != "True" {
        return None;
    }
    served(definition).find(|kind| kind.version == version)
}

/// The kind whose objects are stored under `storage`, in whichever version comes first.
pub fn stored(cluster: &Cluster, storage: &str) -> Option<Kind> {
    BUILT_IN
        .iter()
        .map(Kind::built_in)
        .find(|kind| kind.storage() == storage)
        .or_else(|| served(cluster.get(CRDS, "", storage)?).next())
}

/// Whether custom resource definitions may not use this group.
pub fn is_built_in_group(group: &str) -> bool {
    BUILT_IN.iter().any(|row| row.0 == group)
}
