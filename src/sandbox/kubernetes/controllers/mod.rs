//! Stand-ins for the controllers: each looks at what is there and does the next step that is due.
//!
//! A controller keeps nothing in mind but timers; whatever was interrupted goes on from the objects themselves.

mod argocd;
mod crds;
mod daemons;
mod deployments;
mod endpoints;
pub(super) mod ingresses;
mod jobs;
mod load_balancers;
mod namespaces;
mod pods;
mod pools;
mod replicas;
mod stateful_sets;
mod volumes;

use std::collections::BTreeSet;
use std::time::Duration;

use super::cluster::{Cluster, Editor};
use super::eks::world_key;
use super::lifecycle;
use super::object::uid;
use super::{Task, kinds};
use crate::sandbox::schedule;
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// How soon controllers see a change.
const NOTICE: Duration = Duration::from_millis(200);

/// How often the controllers may answer each other at one moment; what is left then follows a moment later.
const ROUNDS: usize = 40;

/// A cluster in its world, for controllers that act in AWS, too.
pub(super) struct Scene<'a> {
    pub world: &'a mut World,
    pub region: &'a str,
    pub cluster: Cluster,
}

impl Scene<'_> {
    /// The cluster, to be changed.
    pub fn editor(&mut self) -> Editor<'_> {
        Editor {
            cluster: &mut self.cluster,
            ids: &mut self.world.ids,
            now: self.world.now,
        }
    }

    /// Whether `seconds` have passed since this was first asked about `what` of the object with this uid.
    pub fn has_passed(&mut self, what: &str, uid: &str, seconds: u64) -> bool {
        let now = self.world.now;
        self.cluster
            .has_passed(format!("{what}/{uid}"), seconds, now)
    }
}

/// Has the controllers of a cluster look at it soon.
pub fn wake(world: &mut World, key: &str) {
    let at = world.now.after(NOTICE);
    wake_at(world, key, at);
}

fn wake_at(world: &mut World, key: &str, at: SimTime) {
    let Some(cluster) = world.clusters.get_mut(key) else {
        return;
    };
    if cluster.wakes.insert(at) {
        let task = schedule::Task::Kubernetes {
            region: cluster.region.clone(),
            cluster: cluster.name.clone(),
            task: Task::Reconcile,
        };
        world.schedule.add(at, task);
    }
}

/// Has every controller do what is due, until nothing is.
pub fn run(world: &mut World, region: &str, name: &str) {
    let key = world_key(region, name);
    let Some(mut cluster) = world.clusters.remove(&key) else {
        return;
    };
    let now = world.now;
    cluster.wakes.retain(|at| *at > now);
    let mut scene = Scene {
        world,
        region,
        cluster,
    };
    let mut settled = false;
    for _ in 0..ROUNDS {
        let before = scene.cluster.resource_version;
        step(&mut scene);
        settled = scene.cluster.resource_version == before;
        if settled {
            break;
        }
    }
    let mut cluster = scene.cluster;
    forget_timers_of_the_gone(&mut cluster);
    let due: Vec<SimTime> = cluster
        .timers
        .values()
        .copied()
        .filter(|at| *at > now)
        .collect();
    world.clusters.insert(key.clone(), cluster);
    for at in due {
        wake_at(world, &key, at);
    }
    if !settled {
        wake(world, &key);
    }
}

fn step(scene: &mut Scene<'_>) {
    crds::step(&mut scene.editor());
    namespaces::step(&mut scene.editor());
    lifecycle::end_namespaces(&mut scene.editor());
    lifecycle::collect_garbage(&mut scene.editor());
    deployments::step(&mut scene.editor());
    replicas::step(&mut scene.editor());
    stateful_sets::step(&mut scene.editor());
    daemons::step(&mut scene.editor());
    jobs::step(scene);
    pods::step(scene);
    pools::step(scene);
    volumes::step(scene);
    endpoints::step(&mut scene.editor());
    load_balancers::step(scene);
    ingresses::step(&mut scene.editor());
    argocd::step(scene);
}

/// Timers end with the uid of their object.
fn forget_timers_of_the_gone(cluster: &mut Cluster) {
    if cluster.timers.is_empty() {
        return;
    }
    let alive: BTreeSet<&str> = cluster
        .objects
        .values()
        .flat_map(|all| all.values())
        .map(uid)
        .collect();
    cluster.timers.retain(|what, _| {
        let uid = what.rsplit('/').next().unwrap_or_default();
        alive.contains(uid)
    });
}

/// Whether a workload named `name` in `namespace` has all its replicas ready.
pub(super) fn is_ready(cluster: &Cluster, resource: &str, namespace: &str, name: &str) -> bool {
    use super::object::int;
    let Some(object) = cluster.get(resource, namespace, name) else {
        return false;
    };
    let wanted = int(object, "/spec/replicas").unwrap_or(1);
    wanted > 0 && int(object, "/status/readyReplicas").unwrap_or_default() >= wanted
}

/// Whether the cluster serves a kind under this storage key.
pub(super) fn serves(cluster: &Cluster, resource: &str) -> bool {
    kinds::stored(cluster, resource).is_some()
}
