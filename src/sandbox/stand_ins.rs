//! Small manifests in place of published ones that a sandbox without internet can't fetch.
//!
//! They have the same workloads and resource types, and a label that says what they are. Only the sandbox hands them
//! over, so that none can reach a real cluster.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::environment::model::Flavour;
use crate::resources::bootstrap::{Rendered, Unusable, documents, rendered};

/// The label that every object of a stand-in carries.
pub const LABEL: &str = "groundwork.dev/stand-in";

/// A stand-in that can't be read: the program was built from a broken one.
#[derive(Debug, thiserror::Error)]
#[error("the stand-in for Argo CD's manifest can't be read")]
pub struct Unreadable(#[source] Unusable);

/// What stands in for Argo CD's install manifest of this flavour.
///
/// # Errors
/// When the program was built from a broken one.
pub fn argocd(flavour: Flavour) -> Result<Vec<Rendered>, Unreadable> {
    let objects = documents(include_str!("stand_ins/argocd.yaml")).map_err(Unreadable)?;
    let objects = match flavour {
        Flavour::Full => objects,
        Flavour::Core => objects.into_iter().filter(is_core).collect(),
        Flavour::Ha => objects.into_iter().flat_map(more_than_once).collect(),
    };
    labelled("argocd", objects).map_err(Unreadable)
}

/// What people look at and sign in to is no part of the core.
fn is_core(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let people = ["argocd-server", "argocd-dex", "argocd-notifications"];
    !people.iter().any(|prefix| name.starts_with(prefix))
}

/// The pods of the flavour with high availability: more of those that share their work, and a Redis of several.
fn more_than_once(mut object: Value) -> Vec<Value> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match (object["kind"].as_str(), name) {
        (Some("Deployment"), "argocd-server" | "argocd-repo-server") => {
            object["spec"]["replicas"] = json!(2);
            vec![object]
        }
        (Some("Deployment"), "argocd-redis") => {
            let called = |name: &str, kind: &str| {
                let mut one = object.clone();
                one["kind"] = json!(kind);
                one["metadata"]["name"] = json!(name);
                one["spec"]["replicas"] = json!(3);
                one
            };
            let mut servers = called("argocd-redis-ha-server", "StatefulSet");
            servers["spec"]["serviceName"] = json!("argocd-redis-ha");
            let labels = json!({"app.kubernetes.io/name": "argocd-redis-ha"});
            servers["spec"]["selector"] = json!({ "matchLabels": labels });
            servers["spec"]["template"]["metadata"]["labels"] = labels;
            vec![called("argocd-redis-ha-haproxy", "Deployment"), servers]
        }
        _ => vec![object],
    }
}

/// What stands in for an ingress controller: something that runs under its name, behind a load balancer.
pub fn ingress(name: &str) -> Vec<Rendered> {
    let port = json!({"name": "web", "port": 80, "targetPort": 8000});
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {
            "type": "LoadBalancer", "selector": {"app.kubernetes.io/name": name}, "ports": [port],
        },
    });
    // A plain object is always usable.
    let service = labelled(name, vec![service]).unwrap_or_default();
    release(name).into_iter().chain(service).collect()
}

/// What stands in for a chart or a manifest of which nothing is known: something that runs under its name.
pub fn release(name: &str) -> Vec<Rendered> {
    let labels = json!({"app.kubernetes.io/name": name});
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name},
    });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": name,
                    "containers": [{"name": name, "image": format!("{name}:stand-in")}],
                },
            },
        },
    });
    // Two plain objects of different kinds are always usable.
    labelled(name, vec![account, deployment]).unwrap_or_default()
}

fn labelled(name: &str, mut objects: Vec<Value>) -> Result<Vec<Rendered>, Unusable> {
    for object in &mut objects {
        object["metadata"]["labels"][LABEL] = json!("true");
    }
    rendered(name, objects, &BTreeSet::new())
}

/// Whether an object is that of a stand-in.
pub fn is_one(object: &Rendered) -> bool {
    object.manifest["metadata"]["labels"][LABEL] == "true"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_has_the_objects_of_the_published_manifest() {
        let objects = argocd(Flavour::Full).unwrap();
        let mut kinds = BTreeMap::new();
        let mut names = BTreeSet::new();
        for object in objects.iter().map(|object| &object.manifest) {
            let kind = object["kind"].as_str().unwrap();
            *kinds.entry(kind).or_insert(0) += 1;
            assert!(names.insert((kind, object["metadata"]["name"].as_str().unwrap())));
            assert_eq!(object["metadata"]["labels"][LABEL], "true");
            assert_eq!(object["metadata"].get("namespace"), None);
        }
        let expected = [
            ("ClusterRole", 3),
            ("ClusterRoleBinding", 3),
            ("ConfigMap", 7),
            ("CustomResourceDefinition", 3),
            ("Deployment", 6),
            ("NetworkPolicy", 7),
            ("Role", 6),
            ("RoleBinding", 6),
            ("Secret", 2),
            ("Service", 8),
            ("ServiceAccount", 7),
            ("StatefulSet", 1),
        ];
        assert_eq!(kinds, BTreeMap::from(expected));
    }
    #[test]
    fn flavours_differ_in_their_workloads() {
        let workloads = |flavour| -> Vec<(String, u64)> {
            let objects = argocd(flavour).unwrap().into_iter();
            let pods = objects.filter(|it| it.manifest["spec"].get("template").is_some());
            let workload = |it: Rendered| {
                let name = it.manifest["metadata"]["name"].as_str().unwrap().to_owned();
                (name, it.manifest["spec"]["replicas"].as_u64().unwrap_or(1))
            };
            pods.map(workload).collect()
        };
        let has = |flavour, name: &str, replicas| {
            workloads(flavour).contains(&(name.to_owned(), replicas))
        };
        assert!(has(Flavour::Full, "argocd-server", 1) && has(Flavour::Full, "argocd-redis", 1));
        assert_eq!(workloads(Flavour::Core).len(), 4);
        assert!(has(Flavour::Core, "argocd-application-controller", 1));
        assert_eq!(workloads(Flavour::Ha).len(), 8);
        assert!(has(Flavour::Ha, "argocd-server", 2));
        assert!(has(Flavour::Ha, "argocd-redis-ha-server", 3));
    }
}
