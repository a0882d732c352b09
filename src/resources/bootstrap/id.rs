//! Which Kubernetes object: the id that the state keeps, and the path under which the API server has it.

use std::fmt;
use std::str::FromStr;

use kube::api::{ApiResource, GroupVersionKind};
use serde_json::Value;

/// One Kubernetes object, written `apiVersion/kind/namespace/name`; the namespace is empty where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectId {
    /// Such as `apps/v1`, or `v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Its namespace, empty for objects of the whole cluster.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectId {
    /// The id of the object that `manifest` describes; none when it lacks a part.
    pub fn of(manifest: &Value) -> Option<Self> {
        let text = |pointer: &str| manifest.pointer(pointer)?.as_str().map(str::to_owned);
        Some(Self {
            api_version: text("/apiVersion")?,
            kind: text("/kind")?,
            namespace: text("/metadata/namespace").unwrap_or_default(),
            name: text("/metadata/name")?,
        })
    }

    /// The id of a namespace.
    pub fn of_namespace(name: &str) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: String::new(),
            name: name.to_owned(),
        }
    }

    /// The path of all objects of this type in the cluster.
    pub fn type_path(&self) -> String {
        self.usually().type_path()
    }

    /// The path of this object.
    pub fn path(&self) -> String {
        self.usually().path()
    }

    /// Where it stands if the plural of its type is made as those of most kinds are.
    pub fn usually(&self) -> Place<'_> {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("", &self.api_version));
        let gvk = GroupVersionKind::gvk(group, version, &self.kind);
        self.called(&ApiResource::from_gvk(&gvk).plural)
    }

    /// Where it stands if its type has this plural.
    pub fn called(&self, plural: &str) -> Place<'_> {
        Place {
            id: self,
            plural: plural.to_owned(),
        }
    }

    /// The path at which the API server tells of all types of this version.
    pub fn version_path(&self) -> String {
        let root = if self.api_version.contains('/') {
            "apis"
        } else {
            "api"
        };
        format!("/{root}/{}", self.api_version)
    }
}

/// Where the API server has an object, by the plural of its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    id: &'a ObjectId,
    plural: String,
}

impl Place<'_> {
    /// The path of all objects of this type in the cluster.
    pub fn type_path(&self) -> String {
        format!("{}/{}", self.id.version_path(), self.plural)
    }

    /// The path of this object.
    pub fn path(&self) -> String {
        let (version, plural, name) = (self.id.version_path(), &self.plural, &self.id.name);
        match self.id.namespace.as_str() {
            "" => format!("{version}/{plural}/{name}"),
            namespace => format!("{version}/namespaces/{namespace}/{plural}/{name}"),
        }
    }
}

/// Kinds whose objects belong to the whole cluster. Everything else that we apply stands in a namespace.
pub fn is_cluster_scoped(kind: &str) -> bool {
    matches!(
        kind,
        "Namespace"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "CustomResourceDefinition"
            | "IngressClass"
            | "PriorityClass"
            | "RuntimeClass"
            | "StorageClass"
            | "PersistentVolume"
            | "CSIDriver"
            | "CSINode"
            | "APIService"
            | "FlowSchema"
            | "PriorityLevelConfiguration"
            | "CertificateSigningRequest"
            | "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
            | "MutatingAdmissionPolicy"
            | "MutatingAdmissionPolicyBinding"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            // Of types that are often used without being published together with their definition.
            | "ClusterIssuer"
            | "ClusterSecretStore"
            | "ClusterPolicy"
            | "GatewayClass"
            | "IngressClassParams"
            | "VolumeSnapshotClass"
            | "NodePool"
            | "EC2NodeClass"
            | "NodeClass"
    )
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            api_version,
            kind,
            namespace,
            name,
        } = self;
        write!(f, "{api_version}/{kind}/{namespace}/{name}")
    }
}

/// Text that is no object's id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a Kubernetes object: expected apiVersion/kind/namespace/name")]
pub struct Invalid(String);

impl FromStr for ObjectId {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // From the right, because an API version holds a slash where it has a group.
        let mut parts = text.rsplitn(4, '/').map(str::to_owned);
        let (name, namespace, kind, api_version) =
            (parts.next(), parts.next(), parts.next(), parts.next());
        match (api_version, kind, namespace, name) {
            (Some(api_version), Some(kind), Some(namespace), Some(name))
                if ![&api_version, &kind, &name]
                    .iter()
                    .any(|part| part.is_empty()) =>
            {
                Ok(Self {
                    api_version,
                    kind,
                    namespace,
                    name,
                })
            }
            _ => Err(Invalid(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_back_what_it_prints() {
        for text in [
            "apps/v1/Deployment/traefik/traefik",
            "v1/Namespace//microservices",
        ] {
            assert_eq!(text.parse::<ObjectId>().unwrap().to_string(), text);
        }
        for text in ["", "v1/Namespace/x", "/Namespace//x", "v1/Namespace//"] {
            assert_eq!(text.parse::<ObjectId>(), Err(Invalid(text.to_owned())));
        }
    }

    #[test]
    fn paths_are_those_of_the_api_server() {
        let id = |text: &str| text.parse::<ObjectId>().unwrap();
        assert_eq!(
            id("apps/v1/Deployment/traefik/web").path(),
            "/apis/apps/v1/namespaces/traefik/deployments/web"
        );
        assert_eq!(id("v1/Namespace//shop").path(), "/api/v1/namespaces/shop");
        assert_eq!(
            id("networking.k8s.io/v1/NetworkPolicy/a/b").type_path(),
            "/apis/networking.k8s.io/v1/networkpolicies"
        );
        assert_eq!(
            id("networking.k8s.io/v1/IngressClass//b").path(),
            "/apis/networking.k8s.io/v1/ingressclasses/b"
        );
    }

    #[test]
    fn the_id_comes_from_the_manifest() {
        let manifest = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mysql", "namespace": "shop"},
        });
        assert_eq!(
            ObjectId::of(&manifest).unwrap().to_string(),
            "v1/Secret/shop/mysql"
        );
        assert_eq!(ObjectId::of(&json!({"kind": "Secret"})), None);
    }
}
