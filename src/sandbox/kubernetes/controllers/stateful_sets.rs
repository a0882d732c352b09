//! StatefulSets: numbered pods, one after the other, each with its claims.

use serde_json::{Value, json};

use super::deployments::template_hash;
use super::replicas::{pod_from, pods_of, ready_among};
use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete};
use crate::sandbox::kubernetes::object::{
    condition, int, is_going, list, name, namespace, set, text, text_map,
};

const STATEFUL_SETS: &str = "statefulsets.apps";
const REVISION: &str = "controller-revision-hash";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for owner in editor.cluster.snapshot(STATEFUL_SETS) {
        if !is_going(&owner) {
            keep(editor, &owner);
        }
    }
}

fn ordinal(pod: &Value) -> usize {
    let digits = name(pod).rsplit('-').next().unwrap_or_default();
    digits.parse().unwrap_or(usize::MAX)
}

fn keep(editor: &mut Editor<'_>, owner: &Value) {
    let wanted = int(owner, "/spec/replicas").unwrap_or(1);
    let wanted = usize::try_from(wanted).unwrap_or_default();
    let revision = format!(
        "{}-{}",
        name(owner),
        template_hash(&owner["spec"]["template"])
    );
    let is_current = |pod: &Value| pod["metadata"]["labels"][REVISION] == revision.as_str();
    let in_order = text(owner, "/spec/podManagementPolicy") != "Parallel";
    let rolls = text(owner, "/spec/updateStrategy/type") != "OnDelete";
    let mut pods = pods_of(editor, owner);
    pods.sort_by_key(ordinal);
    for surplus in pods.iter().rev().filter(|pod| ordinal(pod) >= wanted) {
        delete(editor, "pods", &key_of(surplus), Propagation::Background);
    }
    pods.retain(|pod| ordinal(pod) < wanted);
    let all_run = pods.len() == wanted && ready_among(&pods) == wanted;
    let outdated = pods.iter().rposition(|pod| !is_current(pod));
    if let Some(at) = outdated
        && rolls
        && (all_run || condition(&pods[at], "Ready") != "True")
    {
        let pod = pods.remove(at);
        delete(editor, "pods", &key_of(&pod), Propagation::Background);
    }
    for number in 0..wanted {
        match pods.iter().find(|pod| ordinal(pod) == number) {
            Some(pod) if in_order && condition(pod, "Ready") != "True" => break,
            Some(_) => {}
            None => {
                let pod = add(editor, owner, number, &revision);
                pods.push(pod);
                if in_order {
                    break;
                }
            }
        }
    }
    report(editor, owner, &pods, &revision);
}

fn add(editor: &mut Editor<'_>, owner: &Value, number: usize, revision: &str) -> Value {
    let pod_name = format!("{}-{number}", name(owner));
    let mut pod = pod_from(owner, &owner["spec"]["template"], &pod_name);
    set(
        &mut pod,
        "/metadata/labels/statefulset.kubernetes.io~1pod-name",
        pod_name.clone(),
    );
    set(&mut pod, &format!("/metadata/labels/{REVISION}"), revision);
    set(&mut pod, "/spec/hostname", pod_name.clone());
    let mut volumes = list(&pod, "/spec/volumes").to_vec();
    for template in list(owner, "/spec/volumeClaimTemplates") {
        let claim_name = format!("{}-{pod_name}", name(template));
        let mut claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": template["metadata"], "spec": template["spec"],
        });
        set(&mut claim, "/metadata/name", claim_name.clone());
        set(&mut claim, "/metadata/namespace", namespace(owner));
        for (label, value) in text_map(owner, "/spec/selector/matchLabels") {
            claim["metadata"]["labels"][label] = json!(value);
        }
        editor.create("persistentvolumeclaims", claim);
        volumes.push(json!({
            "name": name(template), "persistentVolumeClaim": {"claimName": claim_name},
        }));
    }
    if !volumes.is_empty() {
        set(&mut pod, "/spec/volumes", volumes);
    }
    editor.create("pods", pod)
}

fn report(editor: &mut Editor<'_>, owner: &Value, pods: &[Value], revision: &str) {
    let updated = pods
        .iter()
        .filter(|pod| pod["metadata"]["labels"][REVISION] == revision)
        .count();
    let ready = ready_among(pods);
    editor.edit(STATEFUL_SETS, &key_of(owner), |owner| {
        let complete = updated == pods.len();
        let before = text(owner, "/status/currentRevision").to_owned();
        let current = if complete || before.is_empty() {
            revision.to_owned()
        } else {
            before
        };
        let mut status = json!({
            "replicas": pods.len(), "availableReplicas": ready, "collisionCount": 0,
            "currentRevision": current, "updateRevision": revision,
            "observedGeneration": owner["metadata"]["generation"],
        });
        for (field, count) in [
            ("readyReplicas", ready),
            ("updatedReplicas", updated),
            (
                "currentReplicas",
                if complete {
                    updated
                } else {
                    pods.len() - updated
                },
            ),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        set(owner, "/status", status);
    });
}
