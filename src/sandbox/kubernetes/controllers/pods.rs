//! Pods: they are placed on nodes, and run some time later if what they need is there.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Scene;
use crate::sandbox::durations::POD_READY;
use crate::sandbox::kubernetes::cluster::{Cluster, key_of};
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete};
use crate::sandbox::kubernetes::object::{
    condition, is_going, list, name, namespace, set, set_condition, text, text_map, uid,
};

/// Does what is due.
pub fn step(scene: &mut Scene<'_>) {
    for pod in scene.cluster.snapshot("pods") {
        let node = text(&pod, "/spec/nodeName");
        if is_going(&pod) || matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed") {
            continue;
        }
        if node.is_empty() {
            place(scene, &pod);
        } else if scene.cluster.get("nodes", "", node).is_none() {
            delete(
                &mut scene.editor(),
                "pods",
                &key_of(&pod),
                Propagation::Background,
            );
        } else if condition(&pod, "Ready") != "True" {
            start(scene, &pod);
        }
    }
}

/// Whether a pod may run on a node.
pub fn fits(pod_spec: &Value, node: &Value) -> bool {
    let labels = text_map(node, "/metadata/labels");
    let selected = text_map(pod_spec, "/nodeSelector")
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value));
    let tolerated = list(node, "/spec/taints").iter().all(|taint| {
        taint["effect"] == "PreferNoSchedule"
            || list(pod_spec, "/tolerations")
                .iter()
                .any(|toleration| tolerates(toleration, taint))
    });
    selected && tolerated
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let same = |field: &str| {
        toleration.get(field).is_none_or(|value| value == "") || toleration[field] == taint[field]
    };
    let exists = toleration["operator"] == "Exists";
    same("key") && same("effect") && (exists || text(toleration, "/value") == text(taint, "/value"))
}

fn place(scene: &mut Scene<'_>, pod: &Value) {
    let count = |node: &Value| {
        scene
            .cluster
            .all("pods")
            .filter(|pod| text(pod, "/spec/nodeName") == name(node))
            .count()
    };
    let all: Vec<&Value> = scene.cluster.all("nodes").collect();
    let chosen = all
        .iter()
        .filter(|node| {
            node["spec"]["unschedulable"] != true
                && condition(node, "Ready") == "True"
                && fits(&pod["spec"], node)
        })
        .min_by_key(|node| count(node))
        .map(|node| name(node).to_owned());
    let message = format!("0/{} nodes are available", all.len());
    let mut editor = scene.editor();
    let now = editor.time();
    editor.edit("pods", &key_of(pod), |pod| match chosen {
        Some(node) => {
            set(pod, "/spec/nodeName", node);
            set_condition(pod, "PodScheduled", true, "", "", &now);
        }
        None => set_condition(pod, "PodScheduled", false, "Unschedulable", &message, &now),
    });
}

fn start(scene: &mut Scene<'_>, pod: &Value) {
    let has_volumes = claims(pod).all(|claim| {
        scene
            .cluster
            .get("persistentvolumeclaims", namespace(pod), claim)
            .is_some_and(|claim| text(claim, "/status/phase") == "Bound")
    });
    if !has_volumes || !scene.has_passed("pod", uid(pod), POD_READY) {
        return;
    }
    let missing = missing(&scene.cluster, pod);
    let address = address(&scene.cluster, pod);
    let mut editor = scene.editor();
    let now = editor.time();
    editor.edit("pods", &key_of(pod), |pod| match missing {
        Some(message) => wait(pod, &message, &now),
        None => run(pod, &address, &now),
    });
}

/// The claims that a pod mounts.
pub fn claims(pod: &Value) -> impl Iterator<Item = &str> {
    list(pod, "/spec/volumes")
        .iter()
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter(|claim| !claim.is_empty())
}

/// What a pod names and doesn't find: a Secret or a ConfigMap that isn't optional.
fn missing(cluster: &Cluster, pod: &Value) -> Option<String> {
    let mut needed: Vec<(&str, &Value, &str)> = Vec::new();
    for container in list(pod, "/spec/containers") {
        for variable in list(container, "/env") {
            needed.push(("secrets", &variable["valueFrom"]["secretKeyRef"], "name"));
            needed.push((
                "configmaps",
                &variable["valueFrom"]["configMapKeyRef"],
                "name",
            ));
        }
        for source in list(container, "/envFrom") {
            needed.push(("secrets", &source["secretRef"], "name"));
            needed.push(("configmaps", &source["configMapRef"], "name"));
        }
    }
    for volume in list(pod, "/spec/volumes") {
        needed.push(("secrets", &volume["secret"], "secretName"));
        needed.push(("configmaps", &volume["configMap"], "name"));
    }
    needed.into_iter().find_map(|(resource, reference, field)| {
        let wanted = reference[field].as_str()?;
        let found = cluster.get(resource, namespace(pod), wanted);
        let key = reference["key"].as_str();
        let has_key = |found: &Value| {
            key.is_none_or(|key| {
                found["data"].get(key).is_some() || found["binaryData"].get(key).is_some()
            })
        };
        match found {
            _ if reference["optional"] == true => None,
            None => Some(format!(
                "{} {wanted:?} not found",
                resource.trim_end_matches('s')
            )),
            Some(found) if !has_key(found) => Some(format!(
                "couldn't find key {} in {wanted:?}",
                key.unwrap_or_default()
            )),
            Some(_) => None,
        }
    })
}

fn wait(pod: &mut Value, message: &str, now: &str) {
    let statuses = statuses(pod, |_| {
        (
            false,
            json!({"waiting": {"reason": "CreateContainerConfigError", "message": message}}),
        )
    });
    set(pod, "/status/phase", "Pending");
    set(pod, "/status/containerStatuses", statuses);
    for kind in ["Initialized", "PodScheduled"] {
        set_condition(pod, kind, true, "", "", now);
    }
    for kind in ["ContainersReady", "Ready"] {
        set_condition(pod, kind, false, "ContainersNotReady", message, now);
    }
}

fn run(pod: &mut Value, address: &str, now: &str) {
    let is_job = list(pod, "/metadata/ownerReferences")
        .iter()
        .any(|owner| owner["kind"] == "Job");
    let statuses = statuses(pod, |_| {
        if is_job {
            let ended =
                json!({"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now});
            (false, json!({"terminated": ended}))
        } else {
            (true, json!({"running": {"startedAt": now}}))
        }
    });
    let phase = if is_job { "Succeeded" } else { "Running" };
    set(pod, "/status/phase", phase);
    set(pod, "/status/startTime", now);
    set(pod, "/status/podIP", address);
    set(pod, "/status/podIPs", json!([{"ip": address}]));
    set(pod, "/status/containerStatuses", statuses);
    for kind in ["Initialized", "PodScheduled"] {
        set_condition(pod, kind, true, "", "", now);
    }
    for kind in ["ContainersReady", "Ready"] {
        let reason = if is_job { "PodCompleted" } else { "" };
        set_condition(pod, kind, !is_job, reason, "", now);
    }
}

fn statuses(pod: &Value, state: impl Fn(&Value) -> (bool, Value)) -> Vec<Value> {
    list(pod, "/spec/containers")
        .iter()
        .map(|container| {
            let (ready, state) = state(container);
            json!({
                "name": container["name"], "image": container["image"], "imageID": "", "ready": ready,
                "started": ready, "restartCount": 0, "state": state, "lastState": {},
            })
        })
        .collect()
}

/// An address that is the pod's own: the first that is free, from where its uid points.
fn address(cluster: &Cluster, pod: &Value) -> String {
    let taken: BTreeSet<&str> = (cluster.all("pods"))
        .map(|other| text(other, "/status/podIP"))
        .collect();
    let digits: String = uid(pod)
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(4)
        .collect();
    let first = u16::from_str_radix(&digits, 16).unwrap_or_default();
    let numbers = (0..=u16::MAX).map(|step| first.wrapping_add(step));
    let mut addresses = numbers.map(|number| format!("100.64.{}.{}", number / 256, number % 256));
    addresses
        .find(|address| !taken.contains(address.as_str()))
        .unwrap_or_default()
}
