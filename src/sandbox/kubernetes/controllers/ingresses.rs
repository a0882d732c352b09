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
const ONLY_CLASS: &str = "--providers.kubernetesingress.ingressclass=";
const IS_DEFAULT: &str = "/metadata/annotations/ingressclass.kubernetes.io~1is-default-class";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    let controllers = controllers(editor.cluster);
    for ingress in editor.cluster.snapshot(INGRESSES) {
        let mut serving = controllers.iter();
        let serving = serving.find(|one| is_meant(editor.cluster, &ingress, one.only.as_deref()));
        if let Some(Controller { addresses, .. }) = serving {
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

/// A Traefik that is ready and publishes the addresses of its Service.
struct Controller {
    addresses: Vec<Value>,
    /// The only class that it serves, if there is one.
    only: Option<String>,
}

fn controllers(cluster: &Cluster) -> Vec<Controller> {
    let deployments = cluster.all("deployments.apps").filter(|deployment| {
        let (namespace, name) = (namespace(deployment), name(deployment));
        is_ready(cluster, "deployments.apps", namespace, name)
    });
    let controllers = deployments.filter_map(|deployment| {
        let containers = list(deployment, "/spec/template/spec/containers").iter();
        let arguments: Vec<&str> = containers
            .flat_map(|container| texts(container, "/args"))
            .collect();
        let (namespace, name) = said(&arguments, PUBLISHED)?.split_once('/')?;
        let service = cluster.get("services", namespace, name)?;
        let addresses = list(service, "/status/loadBalancer/ingress").to_vec();
        let only = only_class(&arguments).map(str::to_owned);
        (!addresses.is_empty()).then_some(Controller { addresses, only })
    });
    controllers.collect()
}

/// What an argument of Traefik's says that begins with `head`; they are the same in any case.
fn said<'a>(arguments: &[&'a str], head: &str) -> Option<&'a str> {
    arguments.iter().find_map(|argument| {
        let (begins, rest) = argument.split_at_checked(head.len())?;
        begins.eq_ignore_ascii_case(head).then_some(rest)
    })
}

/// The only class that a Traefik with these arguments serves, if there is one.
pub fn only_class<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    said(arguments, ONLY_CLASS)
}

/// Whether an ingress is of a class of Traefik's, or of none where that is the default; and of class `only`, if that is said.
pub fn is_meant(cluster: &Cluster, ingress: &Value, only: Option<&str>) -> bool {
    let wanted = text(ingress, "/spec/ingressClassName");
    cluster
        .all(CLASSES)
        .filter(|class| text(class, "/spec/controller") == CONTROLLER)
        .filter(|class| only.is_none_or(|only| name(class) == only))
        .any(|class| {
            name(class) == wanted || (wanted.is_empty() && text(class, IS_DEFAULT) == "true")
        })
}
