//! `bootstrap.ingress`: the ingress controller, Traefik, behind a network load balancer. Without its own resource
//! types: it serves plain Ingresses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::object::{ObjectKind, Spec};
use super::release::{kind_of, parts, runs_pods};
use super::service::{balanced, balancer_in};
use super::{certificate, in_namespace, internet_gateway, nodes, seconds};
use crate::address::Address;
use crate::environment::model::{Ingress, IngressController};
use crate::resources::{Context, Desired};
use crate::state::Recorded;

/// The kind `bootstrap.ingress`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.ingress",
    desired,
    usual: seconds(120, 30),
};

/// The name of its objects, but for those of the whole cluster: they are called as its namespace is, so that it can stand
/// beside another one.
const NAME: &str = "traefik";

/// The address of the ingress controller's object of `kind`.
pub fn address(kind: &str) -> Address {
    let kind = kind.to_ascii_lowercase();
    Address::of(&["bootstrap", "ingress", &kind, NAME])
}

/// The address of the Service that gets the load balancer of our own controller.
pub fn service_address() -> Address {
    address("Service")
}

/// Why it is not known which Service the load balancer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEntrance {
    /// None of its objects gets one.
    #[error("none of its objects is a Service of type LoadBalancer")]
    None,
    /// Several do.
    #[error("several of its objects are Services of type LoadBalancer: {}", .0.join(", "))]
    Several(Vec<String>),
}

/// The address of the Service that gets the load balancer: ours, or of what its makers publish the only one of that type,
/// whatever they call it.
///
/// # Errors
/// When there is none, or more than one.
pub fn entrance(context: &Context<'_>) -> Result<Address, NoEntrance> {
    let parts = parts(context);
    let Some(part) = parts.iter().find(|part| part.kind.name == KIND.name) else {
        return Ok(service_address());
    };
    let manifests = part.objects.iter().map(|object| &object.manifest);
    let mut balanced: Vec<Address> = manifests
        .filter(|manifest| is_balanced(manifest))
        .map(|manifest| part.address(manifest))
        .collect();
    match balanced.pop() {
        Some(only) if balanced.is_empty() => Ok(only),
        None => Err(NoEntrance::None),
        Some(last) => {
            balanced.push(last);
            let names = balanced.iter().map(ToString::to_string);
            Err(NoEntrance::Several(names.collect()))
        }
    }
}

/// The same Service, as the state remembers it; none where there is none, or more than one.
pub fn entered(resources: &BTreeMap<Address, Recorded>) -> Option<&Recorded> {
    let of_ingress = resources.values().filter(|one| one.kind == KIND.name);
    let mut balanced = of_ingress.filter(|one| one.fields.get("manifest").is_some_and(is_balanced));
    let only = balanced.next()?;
    balanced.next().is_none().then_some(only)
}

fn is_balanced(manifest: &Value) -> bool {
    kind_of(manifest) == "Service" && manifest["spec"]["type"] == "LoadBalancer"
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let bootstrap = context.environment.bootstrap.as_ref();
    let Some(ingress) = bootstrap.and_then(|bootstrap| bootstrap.ingress.as_ref()) else {
        return Vec::new();
    };
    if ingress.source.is_some() {
        return parts(context)
            .iter()
            .filter(|part| part.kind.name == KIND.name)
            .flat_map(|part| part.desired(context))
            .collect();
    }
    // Ingresses without a class are others' where the cluster is.
    let guest = context.environment.existing_cluster.is_some();
    let mut manifests = match ingress.controller {
        IngressController::Traefik => vec![
            service_account(ingress),
            cluster_role(ingress),
            cluster_role_binding(ingress),
            ingress_class(ingress, guest),
            balanced(context, ingress, service(ingress)),
            deployment(ingress, guest),
        ],
    };
    manifests.extend(certificate::objects(ingress));
    let objects = manifests.into_iter().map(|manifest| {
        let kind = manifest["kind"].as_str().unwrap_or_default().to_owned();
        let in_a_namespace = manifest["metadata"].get("namespace").is_some();
        let mut spec = Spec::new(context.ownership, &address(&kind), manifest);
        spec.balancer = balancer_in(context, &spec.manifest);
        if kind == "Secret" {
            spec.data = certificate::data(ingress);
        }
        let mut desired = KIND.described(&spec, address(&kind));
        if in_a_namespace {
            desired = in_namespace(desired, &ingress.namespace);
        }
        if runs_pods(&kind) {
            let needed = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"];
            desired.depends_on.extend(needed.map(address));
            let mounted = certificate::objects(ingress).into_iter();
            let mounted = mounted.filter_map(|object| Some(address(object["kind"].as_str()?)));
            desired.depends_on.extend(mounted);
            desired.depends_on.extend(nodes(context));
        }
        if kind == "Service" {
            desired.depends_on.extend(internet_gateway(context));
        }
        desired
    });
    objects.collect()
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": NAME})
}

fn service_account(ingress: &Ingress) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": NAME, "namespace": ingress.namespace},
    })
}

fn cluster_role(ingress: &Ingress) -> Value {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": ingress.namespace},
        "rules": [
            rule("", &["configmaps", "nodes", "services", "secrets"], &["get", "list", "watch"]),
            rule("", &["namespaces"], &["list", "watch"]),
            rule("", &["pods"], &["get"]),
            rule("discovery.k8s.io", &["endpointslices"], &["list", "watch"]),
            rule("networking.k8s.io", &["ingresses", "ingressclasses"], &["get", "list", "watch"]),
            rule("networking.k8s.io", &["ingresses/status"], &["update"]),
        ],
    })
}

fn cluster_role_binding(ingress: &Ingress) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": ingress.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ingress.namespace},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": ingress.namespace}],
    })
}

fn ingress_class(ingress: &Ingress, guest: bool) -> Value {
    let mut class = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": ingress.namespace},
        "spec": {"controller": "traefik.io/ingress-controller"},
    });
    if !guest {
        let default = json!({"ingressclass.kubernetes.io/is-default-class": "true"});
        class["metadata"]["annotations"] = default;
    }
    class
}

fn service(ingress: &Ingress) -> Value {
    let port = |name: &str, port: u16| json!({"name": name, "port": port, "targetPort": name, "protocol": "TCP"});
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": ingress.namespace},
        "spec": {
            "type": "LoadBalancer",
            "selector": labels(),
            "ports": [port("web", 80), port("websecure", 443)],
        },
    })
}

fn deployment(ingress: &Ingress, guest: bool) -> Value {
    let port =
        |name: &str, port: u16| json!({"name": name, "containerPort": port, "protocol": "TCP"});
    let ping = json!({"httpGet": {"path": "/ping", "port": "traefik"}, "periodSeconds": 10});
    let mut deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": ingress.namespace},
        "spec": {
            "replicas": ingress.replicas,
            "selector": {"matchLabels": labels()},
            "template": {
                "metadata": {"labels": labels()},
                "spec": {
                    "serviceAccountName": NAME,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [{
                        "name": NAME,
                        "image": format!("docker.io/traefik:{}", ingress.version),
                        "args": arguments(ingress, guest),
                        "ports": [port("web", 8000), port("websecure", 8443), port("traefik", 8080)],
                        "readinessProbe": ping,
                        "livenessProbe": ping,
                        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }],
                },
            },
        },
    });
    certificate::mount(ingress, &mut deployment);
    deployment
}

fn arguments(ingress: &Ingress, guest: bool) -> Vec<String> {
    let published = format!("{}/{NAME}", ingress.namespace);
    let mut arguments = vec![
        "--entrypoints.web.address=:8000/tcp".to_owned(),
        "--entrypoints.websecure.address=:8443/tcp".to_owned(),
        "--entrypoints.websecure.http.tls=true".to_owned(),
        "--entrypoints.traefik.address=:8080/tcp".to_owned(),
        "--ping=true".to_owned(),
        "--providers.kubernetesingress=true".to_owned(),
        // Otherwise the status of every Ingress stays empty.
        format!("--providers.kubernetesingress.ingressendpoint.publishedservice={published}"),
        // What is known and not ready is then answered with 503, as something to wait for, and not with 404.
        "--providers.kubernetesingress.allowemptyservices=true".to_owned(),
        "--global.checknewversion=false".to_owned(),
        "--global.sendanonymoususage=false".to_owned(),
    ];
    if guest {
        let class = &ingress.namespace;
        arguments.push(format!(
            "--providers.kubernetesingress.ingressclass={class}"
        ));
    }
    arguments
}
