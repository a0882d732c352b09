//! What the API server fills in where an object leaves it open, for the kinds that environments are made of.

mod pods;
mod services;

pub use services::AUTO_MODE_CLASS;

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::kinds::Kind;
use super::object::{add_finalizer, default, field, is_going, list_mut, name, remove, set, text};

/// Where the pod template of a kind stands, if it has one.
pub fn template_path(kind: &str) -> Option<&'static str> {
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// Empty lists and maps that every object has, or none, are the same as absent ones.
fn leave_out_empty(object: &mut Value) {
    for pointer in [
        "/metadata/annotations",
        "/metadata/finalizers",
        "/metadata/labels",
        "/metadata/ownerReferences",
    ] {
        let is_empty = match object.pointer(pointer) {
            Some(Value::Null) => true,
            Some(Value::Array(elements)) => elements.is_empty(),
            Some(Value::Object(fields)) => fields.is_empty(),
            _ => false,
        };
        if is_empty {
            remove(object, pointer);
        }
    }
}

/// Quantities may be numbers on the wire; they are kept as text.
pub fn quantities_as_text(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let quantities =
                    matches!(name.as_str(), "limits" | "requests" | "hard" | "capacity");
                match value.as_object_mut() {
                    Some(map) if quantities => {
                        for quantity in map.values_mut().filter(|value| value.is_number()) {
                            *quantity = quantity.to_string().into();
                        }
                    }
                    _ => quantities_as_text(value),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(quantities_as_text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Fills in what `object` leaves open. `before` is the object that it replaces: what was allotted then stays.
pub fn complete(kind: &Kind, object: &mut Value, before: Option<&Value>, cluster: &Cluster) {
    leave_out_empty(object);
    if kind.custom {
        return;
    }
    quantities_as_text(object);
    if let Some(template) = template_path(&kind.kind) {
        default(object, &format!("{template}/metadata"), json!({}));
        // Old clients send an empty creation time along.
        remove(object, &format!("{template}/metadata/creationTimestamp"));
        pods::complete(field_at(object, &format!("{template}/spec")));
    }
    match kind.kind.as_str() {
        "Pod" => {
            pods::complete(field(object, "spec"));
            default(object, "/status/phase", "Pending");
            default(object, "/spec/enableServiceLinks", true);
            default(object, "/spec/serviceAccountName", "default");
            default(object, "/spec/serviceAccount", "default");
        }
        "Deployment" => deployment(object),
        "ReplicaSet" => default(object, "/spec/replicas", 1),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        "Job" => job(object),
        "CronJob" => cron_job(object),
        "Service" => services::complete(object, before, cluster),
        "Namespace" => namespace(object),
        "Secret" => secret(object),
        "PersistentVolumeClaim" => claim(object, cluster),
        "PersistentVolume" => {
            default(object, "/spec/persistentVolumeReclaimPolicy", "Retain");
            default(object, "/spec/volumeMode", "Filesystem");
            default(object, "/status/phase", "Available");
        }
        "StorageClass" => {
            default(object, "/reclaimPolicy", "Delete");
            default(object, "/volumeBindingMode", "Immediate");
        }
        "CustomResourceDefinition" => definition(object),
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => webhooks(object),
        "NetworkPolicy" => network_policy(object),
        "Ingress" => default(object, "/status/loadBalancer", json!({})),
        "HorizontalPodAutoscaler" => default(object, "/spec/minReplicas", 1),
        _ => {}
    }
}

fn field_at<'a>(object: &'a mut Value, pointer: &str) -> &'a mut Value {
    pointer.split('/').skip(1).fold(object, field)
}

fn network_policy(object: &mut Value) {
    let has_egress = object.pointer("/spec/egress").is_some();
    let kinds = if has_egress {
        json!(["Ingress", "Egress"])
    } else {
        json!(["Ingress"])
    };
    default(object, "/spec/policyTypes", kinds);
    for way in ["/spec/ingress", "/spec/egress"] {
        for rule in list_mut(object, way) {
            for port in list_mut(rule, "/ports") {
                default(port, "/protocol", "TCP");
            }
        }
    }
}

fn deployment(object: &mut Value) {
    default(object, "/spec/replicas", 1);
    default(object, "/spec/revisionHistoryLimit", 10);
    default(object, "/spec/progressDeadlineSeconds", 600);
    default(object, "/spec/strategy/type", "RollingUpdate");
    if text(object, "/spec/strategy/type") == "RollingUpdate" {
        default(object, "/spec/strategy/rollingUpdate/maxSurge", "25%");
        default(object, "/spec/strategy/rollingUpdate/maxUnavailable", "25%");
    }
}

fn stateful_set(object: &mut Value) {
    default(object, "/spec/replicas", 1);
    default(object, "/spec/revisionHistoryLimit", 10);
    default(object, "/spec/podManagementPolicy", "OrderedReady");
    default(object, "/spec/updateStrategy/type", "RollingUpdate");
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        default(object, "/spec/updateStrategy/rollingUpdate/partition", 0);
    }
    for moment in ["whenDeleted", "whenScaled"] {
        let path = format!("/spec/persistentVolumeClaimRetentionPolicy/{moment}");
        default(object, &path, "Retain");
    }
    for template in list_mut(object, "/spec/volumeClaimTemplates") {
        default(template, "/apiVersion", "v1");
        default(template, "/kind", "PersistentVolumeClaim");
        default(template, "/spec/volumeMode", "Filesystem");
        default(template, "/status/phase", "Pending");
    }
}

fn daemon_set(object: &mut Value) {
    default(object, "/spec/revisionHistoryLimit", 10);
    default(object, "/spec/updateStrategy/type", "RollingUpdate");
    if text(object, "/spec/updateStrategy/type") == "RollingUpdate" {
        default(object, "/spec/updateStrategy/rollingUpdate/maxSurge", 0);
        default(
            object,
            "/spec/updateStrategy/rollingUpdate/maxUnavailable",
            1,
        );
    }
}

fn job(object: &mut Value) {
    default(object, "/spec/parallelism", 1);
    default(object, "/spec/completions", 1);
    default(object, "/spec/backoffLimit", 6);
    default(object, "/spec/completionMode", "NonIndexed");
    default(object, "/spec/suspend", false);
    default(object, "/spec/manualSelector", false);
    default(object, "/spec/podReplacementPolicy", "TerminatingOrFailed");
    let uid = text(object, "/metadata/uid").to_owned();
    if uid.is_empty() || object["spec"]["manualSelector"] == true {
        return;
    }
    let pairs = [
        ("batch.kubernetes.io~1controller-uid", uid.clone()),
        ("batch.kubernetes.io~1job-name", name(object).to_owned()),
        ("controller-uid", uid),
        ("job-name", name(object).to_owned()),
    ];
    default(
        object,
        "/spec/selector/matchLabels/batch.kubernetes.io~1controller-uid",
        pairs[0].1.clone(),
    );
    for (label, value) in pairs {
        let path = format!("/spec/template/metadata/labels/{label}");
        default(object, &path, value);
    }
}

fn cron_job(object: &mut Value) {
    default(object, "/spec/concurrencyPolicy", "Allow");
    default(object, "/spec/suspend", false);
    default(object, "/spec/successfulJobsHistoryLimit", 3);
    default(object, "/spec/failedJobsHistoryLimit", 1);
}

fn namespace(object: &mut Value) {
    let name = name(object).to_owned();
    set(
        object,
        "/metadata/labels/kubernetes.io~1metadata.name",
        name,
    );
    default(object, "/spec/finalizers", json!(["kubernetes"]));
    default(object, "/status/phase", "Active");
}

/// `stringData` is written only: it goes into `data`, encoded.
fn secret(object: &mut Value) {
    use base64::Engine as _;
    default(object, "/type", "Opaque");
    let Some(Value::Object(plain)) = remove(object, "/stringData") else {
        return;
    };
    for (key, value) in plain {
        let bytes = value.as_str().unwrap_or_default().as_bytes();
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        *field(field(object, "data"), &key) = encoded.into();
    }
}

fn claim(object: &mut Value, cluster: &Cluster) {
    default(object, "/spec/volumeMode", "Filesystem");
    default(object, "/status/phase", "Pending");
    if !is_going(object) {
        add_finalizer(object, "kubernetes.io/pvc-protection");
    }
    let standard = cluster
        .all("storageclasses.storage.k8s.io")
        .find(|class| {
            text(
                class,
                "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
            ) == "true"
        })
        .map(|class| name(class).to_owned());
    if let Some(class) = standard {
        default(object, "/spec/storageClassName", class);
    }
}

fn definition(object: &mut Value) {
    let kind = text(object, "/spec/names/kind").to_owned();
    default(object, "/spec/names/singular", kind.to_lowercase());
    default(object, "/spec/names/listKind", format!("{kind}List"));
    default(object, "/spec/conversion/strategy", "None");
}

fn webhooks(object: &mut Value) {
    let mutating = object["kind"] == "MutatingWebhookConfiguration";
    for webhook in list_mut(object, "/webhooks") {
        default(webhook, "/failurePolicy", "Fail");
        default(webhook, "/matchPolicy", "Equivalent");
        default(webhook, "/namespaceSelector", json!({}));
        default(webhook, "/objectSelector", json!({}));
        default(webhook, "/timeoutSeconds", 10);
        if mutating {
            default(webhook, "/reinvocationPolicy", "Never");
        }
        if webhook.pointer("/clientConfig/service").is_some() {
            default(webhook, "/clientConfig/service/port", 443);
        }
        for rule in list_mut(webhook, "/rules") {
            default(rule, "/scope", "*");
        }
    }
}

fn binding(object: &mut Value) {
    const RBAC: &str = "rbac.authorization.k8s.io";
    default(object, "/roleRef/apiGroup", RBAC);
    for subject in list_mut(object, "/subjects") {
        if text(subject, "/kind") != "ServiceAccount" {
            default(subject, "/apiGroup", RBAC);
        }
    }
}
