//! What is filled into the specification of a pod.

use serde_json::{Value, json};

use crate::sandbox::kubernetes::object::{default, list_mut, remove, text};

/// Completes a pod's specification.
pub fn complete(spec: &mut Value) {
    default(spec, "/restartPolicy", "Always");
    default(spec, "/dnsPolicy", "ClusterFirst");
    default(spec, "/schedulerName", "default-scheduler");
    default(spec, "/securityContext", json!({}));
    default(spec, "/terminationGracePeriodSeconds", 30);
    let account = text(spec, "/serviceAccountName").to_owned();
    if !account.is_empty() {
        // The old name of the same field follows the new one.
        default(spec, "/serviceAccount", account);
    }
    for containers in ["/containers", "/initContainers"] {
        for container in list_mut(spec, containers) {
            complete_container(container);
        }
    }
    for volume in list_mut(spec, "/volumes") {
        complete_volume(volume);
    }
}

fn complete_container(container: &mut Value) {
    let image = text(container, "/image");
    let last = image.rsplit('/').next().unwrap_or_default();
    let floats = !image.contains('@') && (!last.contains(':') || last.ends_with(":latest"));
    let policy = if floats { "Always" } else { "IfNotPresent" };
    default(container, "/imagePullPolicy", policy);
    default(container, "/resources", json!({}));
    if container.pointer("/resources/requests").is_none()
        && let Some(limits) = container.pointer("/resources/limits").cloned()
    {
        default(container, "/resources/requests", limits);
    }
    default(container, "/terminationMessagePath", "/dev/termination-log");
    default(container, "/terminationMessagePolicy", "File");
    for port in list_mut(container, "/ports") {
        default(port, "/protocol", "TCP");
    }
    for variable in list_mut(container, "/env") {
        if variable.pointer("/value") == Some(&json!("")) {
            remove(variable, "/value");
        }
        if variable.pointer("/valueFrom/fieldRef").is_some() {
            default(variable, "/valueFrom/fieldRef/apiVersion", "v1");
        }
    }
    for probe in ["/livenessProbe", "/readinessProbe", "/startupProbe"] {
        if let Some(probe) = container.pointer_mut(probe) {
            complete_probe(probe);
        }
    }
}

fn complete_probe(probe: &mut Value) {
    default(probe, "/failureThreshold", 3);
    default(probe, "/periodSeconds", 10);
    default(probe, "/successThreshold", 1);
    default(probe, "/timeoutSeconds", 1);
    if probe.pointer("/httpGet").is_some() {
        default(probe, "/httpGet/path", "/");
        default(probe, "/httpGet/scheme", "HTTP");
    }
    if probe.pointer("/grpc").is_some() {
        default(probe, "/grpc/service", "");
    }
}

fn complete_volume(volume: &mut Value) {
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if volume.get(source).is_some() {
            default(volume, &format!("/{source}/defaultMode"), 420);
        }
    }
    if volume.get("hostPath").is_some() {
        default(volume, "/hostPath/type", "");
    }
    for source in list_mut(volume, "/projected/sources") {
        if source.get("serviceAccountToken").is_some() {
            default(source, "/serviceAccountToken/expirationSeconds", 3600);
        }
    }
}
