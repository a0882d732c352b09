//! Deployments: one ReplicaSet for each template they had, and the new one takes over once it is ready.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::replicas::REPLICA_SETS;
use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::object::{
    controller_reference, int, is_controlled_by, is_going, name, namespace, set, set_condition,
    text, uid,
};

const DEPLOYMENTS: &str = "deployments.apps";

/// The label that tells a template's pods apart.
const HASH: &str = "pod-template-hash";

/// Which of its templates, by age, a deployment has now.
const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for deployment in editor.cluster.snapshot(DEPLOYMENTS) {
        if !is_going(&deployment) {
            roll(editor, &deployment);
        }
    }
}

/// Ten digits that are the same for the same template.
pub fn template_hash(template: &Value) -> String {
    let digest = Sha256::digest(template.to_string());
    digest
        .iter()
        .take(5)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn roll(editor: &mut Editor<'_>, deployment: &Value) {
    let replicas = int(deployment, "/spec/replicas").unwrap_or(1);
    let own: Vec<Value> = editor
        .cluster
        .within(REPLICA_SETS, namespace(deployment))
        .filter(|set| is_controlled_by(set, uid(deployment)))
        .cloned()
        .collect();
    let hash = template_hash(&deployment["spec"]["template"]);
    let latest = own
        .iter()
        .filter_map(|set| revision_of(set).parse().ok())
        .max()
        .unwrap_or(0_u64);
    let current = own
        .iter()
        .find(|set| set["metadata"]["labels"][HASH] == hash.as_str());
    let next = (latest + 1).to_string();
    let current = match current {
        Some(found) => found.clone(),
        None => editor.create(REPLICA_SETS, replica_set(deployment, &hash, &next)),
    };
    // An old template that is taken up again is the newest one.
    let revision = match revision_of(&current).parse::<u64>() {
        Ok(revision) if revision < latest => next,
        _ => revision_of(&current).to_owned(),
    };
    editor.edit(REPLICA_SETS, &key_of(&current), |current| {
        set(current, REVISION, revision.clone());
    });
    scale(editor, &current, replicas);
    let ready = int(&current, "/status/readyReplicas").unwrap_or_default();
    let mut total = int(&current, "/status/replicas").unwrap_or_default();
    let mut old_ready = 0;
    for old in own.iter().filter(|set| uid(set) != uid(&current)) {
        if ready >= replicas {
            scale(editor, old, 0);
        }
        total += int(old, "/status/replicas").unwrap_or_default();
        old_ready += int(old, "/status/readyReplicas").unwrap_or_default();
    }
    let updated = int(&current, "/status/replicas").unwrap_or_default();
    let counts = Counts {
        total,
        updated,
        ready: ready + old_ready,
        wanted: replicas,
    };
    report(editor, deployment, &current, &revision, counts);
}

struct Counts {
    total: i64,
    updated: i64,
    ready: i64,
    wanted: i64,
}

fn report(
    editor: &mut Editor<'_>,
    deployment: &Value,
    current: &Value,
    revision: &str,
    counts: Counts,
) {
    let now = editor.time();
    editor.edit(DEPLOYMENTS, &key_of(deployment), |deployment| {
        set(deployment, REVISION, revision);
        let conditions = deployment["status"]["conditions"].clone();
        let mut status = json!({"observedGeneration": deployment["metadata"]["generation"]});
        for (field, count) in [
            ("replicas", counts.total),
            ("updatedReplicas", counts.updated),
            ("readyReplicas", counts.ready),
            ("availableReplicas", counts.ready),
            ("unavailableReplicas", (counts.wanted - counts.ready).max(0)),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        if !conditions.is_null() {
            status["conditions"] = conditions;
        }
        set(deployment, "/status", status);
        let available = counts.ready >= counts.wanted;
        let (reason, message) = if available {
            (
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            (
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        set_condition(deployment, "Available", available, reason, message, &now);
        let complete =
            counts.updated == counts.wanted && available && counts.total == counts.wanted;
        let (reason, verb) = if complete {
            ("NewReplicaSetAvailable", "has successfully progressed")
        } else {
            ("ReplicaSetUpdated", "is progressing")
        };
        let message = format!("ReplicaSet {:?} {verb}.", name(current));
        set_condition(deployment, "Progressing", true, reason, &message, &now);
    });
}

fn revision_of(set: &Value) -> &str {
    text(set, REVISION)
}

fn replica_set(deployment: &Value, hash: &str, revision: &str) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    set(&mut template, &format!("/metadata/labels/{HASH}"), hash);
    let mut selector = deployment["spec"]["selector"].clone();
    set(&mut selector, &format!("/matchLabels/{HASH}"), hash);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", name(deployment)), "namespace": namespace(deployment),
            "labels": template["metadata"]["labels"],
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {"replicas": deployment["spec"]["replicas"], "selector": selector, "template": template},
    })
}

fn scale(editor: &mut Editor<'_>, set_object: &Value, replicas: i64) {
    if int(set_object, "/spec/replicas") == Some(replicas) {
        return;
    }
    editor.edit(REPLICA_SETS, &key_of(set_object), |set_object| {
        set(set_object, "/spec/replicas", replicas);
        let generation = int(set_object, "/metadata/generation").unwrap_or(1) + 1;
        set(set_object, "/metadata/generation", generation);
    });
}
