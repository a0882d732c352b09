//! HTTP to a Service of type LoadBalancer: by the Ingress rules where an ingress controller stands behind it, and by
//! the pods that are ready.

use std::cmp::Reverse;

use serde_json::Value;

use super::cluster::Cluster;
use super::controllers::ingresses::{INGRESSES, is_meant, only_class};
use super::object::{
    condition, is_going, labels, list, name, namespace, selects, text, text_map, texts,
};
use crate::cloud::Page;
use crate::sandbox::web::Unanswered;

/// What Traefik answers where no rule leads anywhere.
pub const NO_RULE: u16 = 404;

const PROVIDER: &str = "--providers.kubernetesingress=true";
const ALLOWS_EMPTY: &str = "--providers.kubernetesingress.allowemptyservices=true";

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Whether by TLS.
    pub tls: bool,
    /// Whether the load balancer shows a certificate for it.
    pub is_trusted: bool,
    /// The host.
    pub host: &'a str,
    /// The path with its query.
    pub path: &'a str,
}

/// Answers what comes to the port `port` of `service` from its load balancer.
///
/// # Errors
/// Why nobody answers.
pub fn answer(
    cluster: &Cluster,
    service: &Value,
    asked: &Asked<'_>,
    port: i64,
) -> Result<Page, Unanswered> {
    let ports = list(service, "/spec/ports");
    let listened = ports.iter().find(|one| one["port"] == port);
    let listened = listened.ok_or(Unanswered::NoListener(port))?;
    let pod = ready_pod(cluster, service).ok_or(Unanswered::NoTarget(port))?;
    let arguments: Vec<&str> = list(pod, "/spec/containers")
        .iter()
        .flat_map(|container| texts(container, "/args"))
        .collect();
    if !has(&arguments, PROVIDER) {
        // The load balancer passes on what comes, and no pod here speaks TLS by itself.
        return if asked.tls {
            Err(Unanswered::NoTls(port))
        } else {
            Ok(served(service, asked))
        };
    }
    let speaks_tls = entry_point(&arguments, listened, pod)
        .is_some_and(|entry| has(&arguments, &format!("--entrypoints.{entry}.http.tls=true")));
    match (asked.tls, speaks_tls) {
        (true, false) => return Err(Unanswered::NoTls(port)),
        (true, true)
            if !asked.is_trusted
                && !has_own_certificate(cluster, &arguments, pod)
                && !has_certificate(cluster, asked.host, only_class(&arguments)) =>
        {
            return Err(Unanswered::Untrusted);
        }
        (false, true) => {
            return Ok(page(400, "Client sent an HTTP request to an HTTPS server."));
        }
        (true, true) | (false, false) => {}
    }
    Ok(route(cluster, asked, &arguments))
}

fn page(status: u16, body: &str) -> Page {
    Page {
        status,
        body: format!("{body}\n"),
    }
}

/// What a pod behind `service` says: the sandbox runs no programs, so it tells who was asked for what.
fn served(service: &Value, asked: &Asked<'_>) -> Page {
    let (home, own) = (namespace(service), name(service));
    page(
        200,
        &format!("{home}/{own} answers {}{}", asked.host, asked.path),
    )
}

/// Arguments of Traefik are the same in any case.
fn has(arguments: &[&str], wanted: &str) -> bool {
    let mut arguments = arguments.iter();
    arguments.any(|argument| argument.eq_ignore_ascii_case(wanted))
}

fn ready_pod<'a>(cluster: &'a Cluster, service: &Value) -> Option<&'a Value> {
    let selector = text_map(service, "/spec/selector");
    let mut pods = cluster
        .all("pods")
        .filter(|pod| namespace(pod) == namespace(service));
    pods.find(|pod| {
        selects(&selector, &labels(pod)) && !is_going(pod) && condition(pod, "Ready") == "True"
    })
}

/// The entry point behind a port of the Service: the one whose address has the number of the target port.
fn entry_point<'a>(arguments: &[&'a str], listened: &Value, pod: &Value) -> Option<&'a str> {
    let number = match &listened["targetPort"] {
        Value::String(named) => {
            let containers = list(pod, "/spec/containers").iter();
            let mut ports = containers.flat_map(|container| list(container, "/ports"));
            ports.find(|port| text(port, "/name") == named)?["containerPort"].as_i64()?
        }
        number => number.as_i64()?,
    };
    arguments.iter().find_map(|argument| {
        let (entry, address) = argument
            .strip_prefix("--entrypoints.")?
            .split_once(".address=:")?;
        let address = address.split_once('/').map_or(address, |(port, _)| port);
        (address == number.to_string()).then_some(entry)
    })
}

/// Whether a file tells the ingress controller of a certificate, and the pod has one.
fn has_own_certificate(cluster: &Cluster, arguments: &[&str], pod: &Value) -> bool {
    let reads_files = |argument: &&str| argument.starts_with("--providers.file.");
    let mut volumes = list(pod, "/spec/volumes").iter();
    arguments.iter().any(reads_files)
        && volumes.any(|volume| {
            let named = text(volume, "/secret/secretName");
            let secret = cluster.get("secrets", namespace(pod), named);
            secret.is_some_and(|secret| text(secret, "/type") == "kubernetes.io/tls")
        })
}

/// Whether an Ingress brings a certificate for the host.
fn has_certificate(cluster: &Cluster, host: &str, only: Option<&str>) -> bool {
    let meant = cluster.all(INGRESSES);
    let meant = meant.filter(|one| is_meant(cluster, one, only));
    let mut brought = meant.flat_map(|ingress| {
        let secrets = list(ingress, "/spec/tls").iter();
        secrets.map(move |tls| (namespace(ingress), tls))
    });
    brought.any(|(home, tls)| {
        let named = texts(tls, "/hosts").iter().any(|one| covers(one, host));
        let secret = cluster.get("secrets", home, text(tls, "/secretName"));
        named && secret.is_some_and(|secret| text(secret, "/type") == "kubernetes.io/tls")
    })
}

/// Whether the host of a rule is that of the request; one beginning with `*.` stands for one label.
fn covers(rule: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    match rule.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => rule == host,
    }
}

/// Where one path of one rule leads.
struct Route<'a> {
    namespace: &'a str,
    backend: &'a Value,
    /// Exact hosts before wildcards before none, exact paths before prefixes, long ones before short ones.
    rank: (usize, bool, usize),
}

fn route(cluster: &Cluster, asked: &Asked<'_>, arguments: &[&str]) -> Page {
    let (only, allows_empty) = (only_class(arguments), has(arguments, ALLOWS_EMPTY));
    let mut routes: Vec<Route<'_>> = cluster
        .all(INGRESSES)
        .filter(|ingress| is_meant(cluster, ingress, only))
        .flat_map(|ingress| routes(ingress, asked))
        .collect();
    routes.sort_by_key(|route| Reverse(route.rank));
    let nowhere = || page(NO_RULE, "404 page not found");
    // Traefik leaves a route out whose Service or port is not there.
    let mut whole = routes.iter().filter_map(|route| {
        let named = text(route.backend, "/service/name");
        let service = cluster.get("services", route.namespace, named)?;
        has_port(service, &route.backend["service"]["port"]).then_some(service)
    });
    whole
        .next()
        .map_or_else(nowhere, |service| match ready_pod(cluster, service) {
            Some(_) => served(service, asked),
            None if allows_empty => page(503, "no available server"),
            None => nowhere(),
        })
}

fn has_port(service: &Value, wanted: &Value) -> bool {
    let mut ports = list(service, "/spec/ports").iter();
    ports.any(|port| match wanted["number"].as_i64() {
        Some(number) => port["port"] == number,
        None => port["name"] == wanted["name"],
    })
}

/// Where the rules of an Ingress lead the request.
fn routes<'a>(ingress: &'a Value, asked: &Asked<'_>) -> Vec<Route<'a>> {
    let path = asked
        .path
        .split_once('?')
        .map_or(asked.path, |(path, _)| path);
    let mut found = Vec::new();
    let mut add = |backend: &'a Value, rank| {
        let namespace = namespace(ingress);
        found.push(Route {
            namespace,
            backend,
            rank,
        });
    };
    for rule in list(ingress, "/spec/rules") {
        let host = match text(rule, "/host") {
            "" => 1,
            host if !covers(host, asked.host) => continue,
            host if host.starts_with('*') => 2,
            _ => 3,
        };
        for wanted in list(rule, "/http/paths") {
            let exact = text(wanted, "/pathType") == "Exact";
            let prefix = text(wanted, "/path");
            if (exact && path == prefix) || (!exact && begins(path, prefix)) {
                add(&wanted["backend"], (host, exact, prefix.len()));
            }
        }
    }
    if let Some(backend) = ingress.pointer("/spec/defaultBackend") {
        add(backend, (0, false, 0));
    }
    found
}

/// Whether a path begins with these whole elements.
fn begins(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    let rest = path.strip_prefix(prefix);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
