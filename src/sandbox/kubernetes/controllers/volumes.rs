//! Claims and volumes: a claim of a class with a provisioner gets a volume in EC2, which goes when the claim does.

use serde_json::{Value, json};

use super::Scene;
use super::pods::claims;
use crate::sandbox::aws::ec2::{Tags, Volume};
use crate::sandbox::kubernetes::cluster::{Cluster, key_of};
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete, release};
use crate::sandbox::kubernetes::object::{
    drop_finalizer, is_going, name, namespace, set, text, uid,
};

const CLAIMS: &str = "persistentvolumeclaims";
const VOLUMES: &str = "persistentvolumes";
const CLASSES: &str = "storageclasses.storage.k8s.io";
const PROTECTION: &str = "kubernetes.io/pvc-protection";
const ZONE: &str = "topology.kubernetes.io/zone";

/// The driver that an add-on installs.
const ADD_ON: &str = "ebs.csi.aws.com";
/// The driver of EKS Auto Mode (EKS user guide, "Migration Reference").
const AUTO_MODE: &str = "ebs.csi.eks.amazonaws.com";

/// How long the provisioner takes to make a volume, or to remove one (inferred).
const PROVISION_SECONDS: u64 = 3;

/// Does what is due.
pub fn step(scene: &mut Scene<'_>) {
    for claim in scene.cluster.snapshot(CLAIMS) {
        if is_going(&claim) {
            if users(&scene.cluster, &claim).next().is_none() {
                release(&mut scene.editor(), CLAIMS, &key_of(&claim), |claim| {
                    drop_finalizer(claim, PROTECTION);
                });
            }
        } else if text(&claim, "/status/phase") != "Bound" {
            bind(scene, &claim);
        }
    }
    for volume in scene.cluster.snapshot(VOLUMES) {
        let claim = scene.cluster.get(
            CLAIMS,
            text(&volume, "/spec/claimRef/namespace"),
            text(&volume, "/spec/claimRef/name"),
        );
        let is_claimed = claim.is_some_and(|claim| volume["spec"]["claimRef"]["uid"] == uid(claim));
        let was_claimed = volume.pointer("/spec/claimRef/uid").is_some();
        if was_claimed && !is_claimed {
            reclaim(scene, &volume);
        }
    }
}

/// The pods that mount a claim.
fn users<'a>(cluster: &'a Cluster, claim: &'a Value) -> impl Iterator<Item = &'a Value> {
    cluster
        .within("pods", namespace(claim))
        .filter(|pod| claims(pod).any(|used| used == name(claim)))
}

fn bind(scene: &mut Scene<'_>, claim: &Value) {
    let class_name = text(claim, "/spec/storageClassName").to_owned();
    let Some(class) = scene.cluster.get(CLASSES, "", &class_name).cloned() else {
        return;
    };
    let driver = match text(&class, "/provisioner") {
        AUTO_MODE if !scene.cluster.auto_mode => return,
        AUTO_MODE => AUTO_MODE,
        _ => ADD_ON,
    };
    let node = users(&scene.cluster, claim)
        .map(|pod| text(pod, "/spec/nodeName").to_owned())
        .find(|node| !node.is_empty());
    let waits = text(&class, "/volumeBindingMode") == "WaitForFirstConsumer";
    if (waits && node.is_none()) || !scene.has_passed("claim", uid(claim), PROVISION_SECONDS) {
        return;
    }
    let zone_of = |node: &Value| node["metadata"]["labels"][ZONE].as_str().map(str::to_owned);
    let zone = node
        .and_then(|node| zone_of(scene.cluster.get("nodes", "", &node)?))
        .or_else(|| scene.cluster.all("nodes").find_map(zone_of));
    // Without any node there is no zone to make it in.
    let Some(zone) = zone else { return };
    let size = text(claim, "/spec/resources/requests/storage").to_owned();
    let volume_name = format!("pvc-{}", uid(claim));
    let volume_id = make(scene, claim, &class, &volume_name, &zone, gib(&size));
    let csi = json!({"driver": driver, "fsType": "ext4", "volumeHandle": volume_id});
    let mut editor = scene.editor();
    editor.create(
        VOLUMES,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume_name},
            "spec": {
                "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}, "csi": csi,
                "claimRef": {
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": name(claim),
                    "namespace": namespace(claim), "uid": uid(claim),
                },
                "persistentVolumeReclaimPolicy": class["reclaimPolicy"], "storageClassName": class_name,
            },
            "status": {"phase": "Bound"},
        }),
    );
    editor.edit(CLAIMS, &key_of(claim), |claim| {
        set(claim, "/spec/volumeName", volume_name);
        let modes = claim["spec"]["accessModes"].clone();
        set(
            claim,
            "/status",
            json!({"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}}),
        );
    });
}

/// Makes the volume in EC2, with the tags that the driver gives it.
fn make(
    scene: &mut Scene<'_>,
    claim: &Value,
    class: &Value,
    volume_name: &str,
    zone: &str,
    gib: i64,
) -> String {
    let cluster = scene.cluster.name.as_str();
    let owned = format!("kubernetes.io/cluster/{cluster}");
    // The tags of Auto Mode: EKS user guide, "Custom AWS tags for EKS Auto resources".
    let (sort, whose) = match text(class, "/provisioner") {
        AUTO_MODE => (
            ("ebs.csi.eks.amazonaws.com/cluster", "true"),
            ("eks:eks-cluster-name", cluster),
        ),
        _ => (
            ("ebs.csi.aws.com/cluster", "true"),
            (owned.as_str(), "owned"),
        ),
    };
    let tags = Tags::from(
        [
            sort,
            ("CSIVolumeName", volume_name),
            whose,
            ("kubernetes.io/created-for/pv/name", volume_name),
            ("kubernetes.io/created-for/pvc/name", name(claim)),
            ("kubernetes.io/created-for/pvc/namespace", namespace(claim)),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let volume_type = match text(class, "/parameters/type") {
        "" => "gp3",
        kind => kind,
    };
    let volume = Volume {
        zone: zone.to_owned(),
        gib,
        volume_type: volume_type.to_owned(),
        created: scene.world.now,
    };
    let id = scene.world.ids.ec2("vol");
    let ec2 = &mut scene.world.region(scene.region).ec2;
    ec2.volumes.insert(id.clone(), volume);
    ec2.add_tags(&id, tags);
    id
}

/// A quantity of storage in whole GiB, rounded up.
fn gib(quantity: &str) -> i64 {
    let digits = quantity.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: f64 = digits.parse().unwrap_or_default();
    let bytes = match &quantity[digits.len()..] {
        "Ki" => number * 1024.0,
        "Mi" => number * 1024.0 * 1024.0,
        "Gi" => number * 1024.0 * 1024.0 * 1024.0,
        "Ti" => number * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "k" => number * 1e3,
        "M" => number * 1e6,
        "G" => number * 1e9,
        "T" => number * 1e12,
        _ => number,
    };
    ((bytes / (1024.0 * 1024.0 * 1024.0)).ceil() as i64).max(1)
}

fn reclaim(scene: &mut Scene<'_>, volume: &Value) {
    let key = key_of(volume);
    scene.editor().edit(VOLUMES, &key, |volume| {
        set(volume, "/status/phase", "Released");
    });
    let is_due = text(volume, "/spec/persistentVolumeReclaimPolicy") == "Delete"
        && scene.has_passed("volume", uid(volume), PROVISION_SECONDS);
    if is_due {
        let id = text(volume, "/spec/csi/volumeHandle");
        let ec2 = &mut scene.world.region(scene.region).ec2;
        ec2.volumes.remove(id);
        ec2.forget(id);
        delete(&mut scene.editor(), VOLUMES, &key, Propagation::Background);
    }
}

#[cfg(test)]
mod tests {
    use super::gib;

    #[test]
    fn storage_is_counted_in_whole_gib() {
        for (quantity, expected) in [
            ("20Gi", 20),
            ("1500Mi", 2),
            ("1Ti", 1024),
            ("10G", 10),
            ("1", 1),
        ] {
            assert_eq!(gib(quantity), expected, "{quantity}");
        }
    }
}
