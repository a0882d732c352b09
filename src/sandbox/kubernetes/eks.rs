//! What EKS does to a cluster from outside: it starts and ends the API server, and nodes come and go.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::cluster::{Cluster, Editor, key};
use super::lifecycle::{Propagation, delete};
use super::object::{set, text};
use super::{base, controllers};
use crate::sandbox::world::World;

/// A node that joins.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// The node's name, the instance's private DNS name.
    pub name: String,
    /// The EC2 instance.
    pub instance_id: String,
    /// Its type, such as `t3.medium`.
    pub instance_type: String,
    /// Its availability zone.
    pub zone: String,
    /// The node group's labels.
    pub labels: BTreeMap<String, String>,
    /// The node group's taints: key, value, and effect as Kubernetes writes it (`NoSchedule`).
    pub taints: Vec<(String, String, String)>,
}

/// How the world finds a cluster.
pub(super) fn world_key(region: &str, name: &str) -> String {
    format!("{region}/{name}")
}

/// Starts the API server of an EKS cluster, once EKS reports it ACTIVE, with all that EKS puts into every new cluster.
pub fn create_cluster(world: &mut World, region: &str, name: &str, version: &str) {
    let mut cluster = Cluster {
        name: name.to_owned(),
        region: region.to_owned(),
        version: version.to_owned(),
        ..Cluster::default()
    };
    base::furnish(&mut Editor {
        cluster: &mut cluster,
        ids: &mut world.ids,
        now: world.now,
    });
    let key = world_key(region, name);
    world.clusters.insert(key.clone(), cluster);
    controllers::wake(world, &key);
}

/// Ends the API server, and what its controllers had in mind. What they made in AWS (load balancers, volumes) stays
/// behind, as in AWS.
pub fn delete_cluster(world: &mut World, region: &str, name: &str) {
    world.clusters.remove(&world_key(region, name));
    world.schedule.forget_cluster(region, name);
}

/// Does something to a cluster and wakes its controllers; a cluster that isn't there is passed over.
fn change(world: &mut World, region: &str, name: &str, act: impl FnOnce(&mut Editor<'_>)) {
    let key = world_key(region, name);
    let Some(cluster) = world.clusters.get_mut(&key) else {
        return;
    };
    act(&mut Editor {
        cluster,
        ids: &mut world.ids,
        now: world.now,
    });
    controllers::wake(world, &key);
}

/// A node joins the cluster, ready; one that is there already gets the labels and taints of now. A cluster that
/// isn't there is passed over.
pub fn add_node(world: &mut World, region: &str, cluster: &str, node: NewNode) {
    change(world, region, cluster, |editor| {
        join(editor, region, &node);
    });
}

/// The same from within.
pub(super) fn join(editor: &mut Editor<'_>, region: &str, node: &NewNode) {
    let document = document(editor, region, node);
    let created = editor.create("nodes", document.clone());
    editor.edit(
        "nodes",
        &key("", text(&created, "/metadata/name")),
        |live| {
            for pointer in ["/metadata/labels", "/spec/taints"] {
                if let Some(value) = document.pointer(pointer) {
                    set(live, pointer, value.clone());
                }
            }
        },
    );
}

/// What an add-on runs is in the cluster, if it was not already. A cluster that isn't there is passed over.
pub fn install(world: &mut World, region: &str, cluster: &str, addon: &str) {
    change(world, region, cluster, |editor| {
        base::install(editor, addon);
    });
}

/// EKS Auto Mode is on or off: its controllers work or rest. A cluster that isn't there is passed over.
pub fn set_auto_mode(world: &mut World, region: &str, cluster: &str, on: bool) {
    change(world, region, cluster, |editor| {
        editor.cluster.auto_mode = on;
    });
}

/// A node leaves the cluster, and its pods with it.
pub fn remove_node(world: &mut World, region: &str, cluster: &str, name: &str) {
    change(world, region, cluster, |editor| {
        delete(editor, "nodes", &key("", name), Propagation::Background);
    });
}

fn document(editor: &Editor<'_>, region: &str, node: &NewNode) -> Value {
    let mut labels = node.labels.clone();
    for (label, value) in [
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/hostname", &node.name),
        ("node.kubernetes.io/instance-type", &node.instance_type),
        ("topology.kubernetes.io/region", region),
        ("topology.kubernetes.io/zone", &node.zone),
    ] {
        labels.insert(label.to_owned(), value.to_owned());
    }
    let taints: Vec<Value> = node
        .taints
        .iter()
        .map(|(key, value, effect)| json!({"key": key, "value": value, "effect": effect}))
        .collect();
    let now = editor.time();
    let conditions: Vec<Value> = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID"),
        ("Ready", "True", "KubeletReady"),
    ]
    .into_iter()
    .map(|(kind, status, reason)| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": "",
            "lastHeartbeatTime": now, "lastTransitionTime": now,
        })
    })
    .collect();
    let version = format!("v{}.0-eks-sandbox", editor.cluster.version);
    let capacity = json!({"cpu": "2", "memory": "3943372Ki", "pods": "17"});
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name, "labels": labels},
        "spec": {
            "providerID": format!("aws:///{}/{}", node.zone, node.instance_id), "taints": taints,
        },
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": internal_ip(&node.name)},
                {"type": "InternalDNS", "address": node.name},
                {"type": "Hostname", "address": node.name},
            ],
            "capacity": capacity, "allocatable": capacity, "conditions": conditions,
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux", "osImage": "Amazon Linux 2023",
                "kernelVersion": "6.12.0-sandbox", "containerRuntimeVersion": "containerd://2.1.0",
                "kubeletVersion": version, "kubeProxyVersion": version, "bootID": "", "machineID": "",
                "systemUUID": "",
            },
        },
    })
}

/// A node is called after its address: `ip-10-0-1-2.…`.
fn internal_ip(name: &str) -> String {
    let host = name.split('.').next().unwrap_or_default();
    host.trim_start_matches("ip-").replace('-', ".")
}
