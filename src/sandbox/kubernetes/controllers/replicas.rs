//! ReplicaSets: as many pods as they ask for.

use serde_json::{Value, json};

use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete};
use crate::sandbox::kubernetes::object::{
    condition, controller_reference, int, is_controlled_by, is_going, name, namespace, set, uid,
};

/// The storage key of ReplicaSets.
pub const REPLICA_SETS: &str = "replicasets.apps";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for set_object in editor.cluster.snapshot(REPLICA_SETS) {
        if !is_going(&set_object) {
            keep(editor, &set_object);
        }
    }
}

/// The pods that an object controls, those that are going left out.
pub fn pods_of(editor: &Editor<'_>, owner: &Value) -> Vec<Value> {
    editor
        .cluster
        .within("pods", namespace(owner))
        .filter(|pod| is_controlled_by(pod, uid(owner)) && !is_going(pod))
        .cloned()
        .collect()
}

/// How many of the pods are ready.
pub fn ready_among(pods: &[Value]) -> usize {
    pods.iter()
        .filter(|pod| condition(pod, "Ready") == "True")
        .count()
}

/// A pod of `owner`'s template.
pub fn pod_from(owner: &Value, template: &Value, pod_name: &str) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"].clone(), "spec": template["spec"].clone(),
    });
    set(&mut pod, "/metadata/name", pod_name);
    set(&mut pod, "/metadata/namespace", namespace(owner));
    set(
        &mut pod,
        "/metadata/ownerReferences",
        json!([controller_reference(owner)]),
    );
    pod
}

fn keep(editor: &mut Editor<'_>, owner: &Value) {
    let wanted = int(owner, "/spec/replicas").unwrap_or(1);
    let wanted = usize::try_from(wanted).unwrap_or_default();
    let mut pods = pods_of(editor, owner);
    while pods.len() < wanted {
        let pod_name = format!("{}-{}", name(owner), editor.ids.hex(5));
        let pod = pod_from(owner, &owner["spec"]["template"], &pod_name);
        pods.push(editor.create("pods", pod));
    }
    // Those that do not run yet go first.
    pods.sort_by_key(|pod| condition(pod, "Ready") != "True");
    for pod in pods.split_off(wanted.min(pods.len())) {
        delete(editor, "pods", &key_of(&pod), Propagation::Background);
    }
    let ready = ready_among(&pods);
    editor.edit(REPLICA_SETS, &key_of(owner), |owner| {
        let mut status = json!({
            "replicas": pods.len(), "fullyLabeledReplicas": pods.len(),
            "observedGeneration": owner["metadata"]["generation"],
        });
        if ready > 0 {
            status["readyReplicas"] = ready.into();
            status["availableReplicas"] = ready.into();
        }
        set(owner, "/status", status);
    });
}
