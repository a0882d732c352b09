//! Ingresses: Traefik publishes the address of its own Service in their status, if it is told which one that is.

use serde_json::{Value, json};

use super::is_ready;
use crate::sandbox::kubernetes::cluster::{Cluster, Editor, key_of};
use crate::sandbox::kubernetes::object::{list, name, namespace, set, text, texts};

/// Where Ingresses are kept.
pub const INGRESSES: &str = "ingresses.networking.k8s.io";
const CLASSES: &str = "ingressclasses.networking.k8s.io";
const CONTROLLER: &str = "traefik.io/ingress-controller";
const PUBLISHED: &str = "--providers.kubernetesingress.ingressendpoint.publishedservice=";
const IS_DEFAULT: &str = "/metadata/annotations/ingressclass.kubernetes.io~1is-default-class";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    let Some(addresses) = published(editor.cluster) else {
        return;
    };
    for ingress in editor.cluster.snapshot(INGRESSES) {
        if is_meant(editor.cluster, &ingress) {
            let key = key_of(&ingress);
            editor.edit(INGRESSES, &key, |ingress| {
                set(
                    ingress,
                    "/status/loadBalancer",
                    json!({"ingress": addresses}),
                );
            });
        }
    }
}

/// The addresses of the Service that a ready Traefik publishes.
fn published(cluster: &Cluster) -> Option<Vec<Value>> {
    let service = cluster
        .all("deployments.apps")
        .filter(|deployment| {
            is_ready(
                cluster,
                "deployments.apps",
                namespace(deployment),
                name(deployment),
            )
        })
        .flat_map(|deployment| list(deployment, "/spec/template/spec/containers"))
        .flat_map(|container| texts(container, "/args"))
        .find_map(|argument| {
            let head = argument.get(..PUBLISHED.len())?;
            head.eq_ignore_ascii_case(PUBLISHED)
                .then(|| argument[PUBLISHED.len()..].to_owned())
        })?;
    let (namespace, name) = service.split_once('/')?;
    let found = cluster.get("services", namespace, name)?;
    let addresses = list(found, "/status/loadBalancer/ingress").to_vec();
    (!addresses.is_empty()).then_some(addresses)
}

/// Whether an ingress is of Traefik's class, or of none where that is the default.
pub fn is_meant(cluster: &Cluster, ingress: &Value) -> bool {
    let wanted = text(ingress, "/spec/ingressClassName");
    cluster
        .all(CLASSES)
        .filter(|class| text(class, "/spec/controller") == CONTROLLER)
        .any(|class| {
            name(class) == wanted || (wanted.is_empty() && text(class, IS_DEFAULT) == "true")
        })
}
