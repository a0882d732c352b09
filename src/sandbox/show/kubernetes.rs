//! The objects of a cluster, without what its API server and its clock add.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::item::{Form, Item};
use super::names::Names;
use super::sha256;
use crate::sandbox::kubernetes::Cluster;

/// Members that only tell when, how often or by which number, wherever they stand.
const VOLATILE: [&str; 26] = [
    "acquireTime",
    "admin.passwordMtime",
    "completionTime",
    "creationTimestamp",
    "deployStartedAt",
    "deployedAt",
    "finishedAt",
    "generation",
    "healthCheckNodePort",
    "lastHeartbeatTime",
    "lastProbeTime",
    "lastScheduleTime",
    "lastSuccessfulTime",
    "lastTransitionTime",
    "lastUpdateTime",
    "managedFields",
    "nodePort",
    "observedAt",
    "observedGeneration",
    "operationState",
    "reconciledAt",
    "renewTime",
    "resourceVersion",
    "startTime",
    "startedAt",
    "uid",
];

/// The annotation in which kubectl keeps what it applied, the values of secrets too.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Events tell of moments; the rest is state.
const MOMENTS: &str = "Event";

/// Kinds whose objects are called after their owner, with something made up behind it.
const CALLED_AFTER_OWNERS: [&str; 2] = ["EndpointSlice", "Pod"];

/// The objects of the cluster `key`.
pub fn items(key: &str, cluster: &Cluster) -> Vec<Item> {
    (cluster.objects.values())
        .flat_map(|all| all.values())
        .filter(|object| object["kind"] != MOMENTS)
        .map(|object| item(key, object))
        .collect()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    (object.pointer(pointer).and_then(Value::as_str)).unwrap_or_default()
}

fn item(key: &str, object: &Value) -> Item {
    let (kind, namespace) = (text(object, "/kind"), text(object, "/metadata/namespace"));
    let name = text(object, "/metadata/name");
    let given = given_name(object);
    let label = match namespace {
        "" => given.unwrap_or(name).to_owned(),
        _ => format!("{namespace}/{}", given.unwrap_or(name)),
    };
    let mut item = Item::new(kind, label, clean(object)).order(format!("{key} {name}"));
    let uid = text(object, "/metadata/uid");
    if !uid.is_empty() {
        item = item.id(uid);
    }
    if given.is_some() {
        item = item.written(name, Form::LastName);
    }
    match text(object, "/status/podIP") {
        // A pod on the host's network has its node's address.
        address if !address.is_empty() && address != text(object, "/status/hostIP") => {
            item.id(address)
        }
        _ => item,
    }
}

/// The part of a name that the cluster didn't make up, where it made up the rest.
fn given_name(object: &Value) -> Option<&str> {
    let name = text(object, "/metadata/name");
    let owner = text(object, "/metadata/ownerReferences/0/name");
    let prefix = match text(object, "/metadata/generateName") {
        "" if CALLED_AFTER_OWNERS.contains(&text(object, "/kind")) => owner,
        prefix => prefix,
    };
    let made_up = name.strip_prefix(prefix)?.trim_start_matches('-');
    // A stateful set counts its pods.
    let is_made_up = !prefix.is_empty() && made_up.len() >= 5;
    is_made_up.then(|| prefix.trim_end_matches('-'))
}

fn clean(object: &Value) -> Value {
    let mut object = object.clone();
    strip(&mut object);
    if let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
        annotations.remove(LAST_APPLIED);
    }
    match text(&object, "/kind") {
        "Secret" => hide(&mut object),
        "Service" => forget_addresses(&mut object),
        _ => {}
    }
    object
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|key, _| !VOLATILE.contains(&key.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts digests in the place of a Secret's values.
fn hide(secret: &mut Value) {
    let Some(data) = secret.get_mut("data").and_then(Value::as_object_mut) else {
        return;
    };
    let digests: Map<String, Value> = (data.iter())
        .map(|(key, value)| {
            let encoded = value.as_str().unwrap_or_default();
            // Data that is no base64 can't be stored.
            let bytes = STANDARD.decode(encoded).unwrap_or_default();
            (key.clone(), sha256(&bytes).into())
        })
        .collect();
    secret["data"] = json!({"value_sha256": digests});
}

/// A Service keeps no address of the cluster's own, except for having none.
fn forget_addresses(service: &mut Value) {
    let Some(Value::Object(spec)) = service.get_mut("spec") else {
        return;
    };
    if spec
        .get("clusterIP")
        .is_some_and(|address| address != "None")
    {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
}

/// The objects as the document shows them.
pub fn print(objects: Vec<Item>, names: &Names) -> Vec<Value> {
    let mut printed: Vec<Value> = (objects.into_iter())
        .map(|item| {
            let mut object = Value::Object(item.body);
            names.rewrite(&mut object);
            sort_endpoints(&mut object);
            object
        })
        .collect();
    printed.sort_by_cached_key(|object| {
        [
            "/apiVersion",
            "/kind",
            "/metadata/namespace",
            "/metadata/name",
        ]
        .map(|pointer| text(object, pointer).to_owned())
    });
    printed
}

/// Endpoints are in no order that means anything.
fn sort_endpoints(object: &mut Value) {
    if let Some(Value::Array(endpoints)) = object.get_mut("endpoints") {
        endpoints.sort_by_cached_key(Value::to_string);
    }
}
