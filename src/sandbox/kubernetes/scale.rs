//! The `scale` subresource of workloads.

use serde_json::{Value, json};

use super::call::{Call, parse};
use super::cluster::Editor;
use super::kinds::Kind;
use super::object::{int, name, namespace, text_map, uid};
use super::patch::merge_patch;
use super::refusal::Refusal;
use super::write;

/// Whether objects of this kind can be scaled.
pub fn has(kind: &Kind) -> bool {
    matches!(
        kind.kind.as_str(),
        "Deployment" | "ReplicaSet" | "StatefulSet"
    )
}

/// Reads or sets the number of replicas.
///
/// # Errors
/// As an update of the object itself.
pub fn answer(editor: &mut Editor<'_>, call: &Call, method: &str) -> Result<Value, Refusal> {
    let live = call.live(editor.cluster)?.clone();
    let mut wanted = scale_of(&live);
    match method {
        "GET" => return Ok(wanted),
        "PUT" => wanted = parse(&call.content_type, &call.body)?,
        "PATCH" => merge_patch(&mut wanted, &parse("application/json", &call.body)?),
        _ => return Err(Refusal::method_not_allowed()),
    }
    let replicas = int(&wanted, "/spec/replicas")
        .ok_or_else(|| Refusal::bad_request("a scale names spec.replicas"))?;
    let patch = json!({"spec": {"replicas": replicas}});
    let inner = Call {
        subresource: String::new(),
        content_type: "application/merge-patch+json".to_owned(),
        body: patch.to_string().into_bytes().into(),
        ..call.clone()
    };
    Ok(scale_of(&write::patch(editor, &inner)?))
}

fn scale_of(object: &Value) -> Value {
    let selector: Vec<String> = text_map(object, "/spec/selector/matchLabels")
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": name(object), "namespace": namespace(object), "uid": uid(object),
            "resourceVersion": object["metadata"]["resourceVersion"],
            "creationTimestamp": object["metadata"]["creationTimestamp"],
        },
        "spec": {"replicas": int(object, "/spec/replicas").unwrap_or_default()},
        "status": {
            "replicas": int(object, "/status/replicas").unwrap_or_default(),
            "selector": selector.join(","),
        },
    })
}
