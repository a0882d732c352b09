//! The node pools of EKS Auto Mode: a pod for which there is no node gets one, if it would fit the nodes of a pool.

use std::collections::BTreeSet;

use super::Scene;
use super::pods::fits;
use crate::sandbox::aws::eks::auto;
use crate::sandbox::durations::AUTO_NODE;
use crate::sandbox::kubernetes::eks::join;
use crate::sandbox::kubernetes::object::{condition, is_going, text, uid};

/// Does what is due.
pub fn step(scene: &mut Scene<'_>) {
    let eks = &scene.world.region(scene.region).eks;
    let auto = eks.clusters.get(&scene.cluster.name);
    let Some(auto) = auto.and_then(|cluster| cluster.auto.clone()) else {
        return;
    };
    // One node takes as many pods as there are: those that wait for the same pool wait for one.
    let mut busy = BTreeSet::new();
    for pod in scene.cluster.snapshot("pods") {
        let waits = text(&pod, "/spec/nodeName").is_empty()
            && condition(&pod, "PodScheduled") == "False"
            && !is_going(&pod);
        let mut pools = auto.pools.iter();
        let Some(pool) = pools.find(|pool| waits && fits(&pod["spec"], &auto::example(pool)))
        else {
            continue;
        };
        if !busy.insert(pool) || !scene.has_passed("node", uid(&pod), AUTO_NODE) {
            continue;
        }
        let name = scene.cluster.name.clone();
        match auto::launch(scene.world, scene.region, &name, pool) {
            Some(node) => {
                let region = scene.region;
                join(&mut scene.editor(), region, &node);
            }
            // It tries again after as long.
            None => scene.cluster.forget_timer(&format!("node/{}", uid(&pod))),
        }
    }
}
