//! DaemonSets: one pod on every node that takes it.

use serde_json::{Value, json};

use super::deployments::template_hash;
use super::pods::fits;
use super::replicas::{pod_from, pods_of, ready_among};
use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete};
use crate::sandbox::kubernetes::object::{is_going, name, set, text};

const DAEMON_SETS: &str = "daemonsets.apps";
const REVISION: &str = "controller-revision-hash";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for owner in editor.cluster.snapshot(DAEMON_SETS) {
        if !is_going(&owner) {
            keep(editor, &owner);
        }
    }
}

fn keep(editor: &mut Editor<'_>, owner: &Value) {
    let template = &owner["spec"]["template"];
    let hash = template_hash(template);
    let nodes: Vec<String> = editor
        .cluster
        .all("nodes")
        .filter(|node| fits(&template["spec"], node))
        .map(|node| name(node).to_owned())
        .collect();
    let mut pods = pods_of(editor, owner);
    let belongs = |pod: &Value| {
        let has_node = nodes.iter().any(|node| node == text(pod, "/spec/nodeName"));
        has_node && pod["metadata"]["labels"][REVISION] == hash.as_str()
    };
    for pod in pods.iter().filter(|pod| !belongs(pod)) {
        delete(editor, "pods", &key_of(pod), Propagation::Background);
    }
    pods.retain(belongs);
    for node in &nodes {
        if pods.iter().any(|pod| text(pod, "/spec/nodeName") == node) {
            continue;
        }
        let pod_name = format!("{}-{}", name(owner), editor.ids.hex(5));
        let mut pod = pod_from(owner, template, &pod_name);
        set(
            &mut pod,
            &format!("/metadata/labels/{REVISION}"),
            hash.clone(),
        );
        set(&mut pod, "/spec/nodeName", node.clone());
        pods.push(editor.create("pods", pod));
    }
    let ready = ready_among(&pods);
    editor.edit(DAEMON_SETS, &key_of(owner), |owner| {
        let mut status = json!({
            "desiredNumberScheduled": nodes.len(), "currentNumberScheduled": pods.len(),
            "updatedNumberScheduled": pods.len(), "numberReady": ready, "numberMisscheduled": 0,
            "observedGeneration": owner["metadata"]["generation"],
        });
        if ready > 0 {
            status["numberAvailable"] = ready.into();
        }
        if ready < nodes.len() {
            status["numberUnavailable"] = (nodes.len() - ready).into();
        }
        set(owner, "/status", status);
    });
}
