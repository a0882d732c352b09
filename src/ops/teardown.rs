//! What the end of a cluster needs beside the file: quieting it while its controllers live, and sweeping what they
//! left in AWS. The end of the environment needs also what only the state remembers.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::observe::Depth;
use crate::plan::{Plan, Verb};
use crate::resources::{self, CONTROL_PLANE, Desired, Fields, cluster};
use crate::state::{Recorded, State};

/// Kinds that can't be deleted while a load balancer, an interface, a group or a record of the cluster's is left in
/// them.
const OCCUPIED: [&str; 5] = [
    "network.vpc",
    "network.subnet",
    "network.internet-gateway",
    "network.security-group",
    "dns.zone",
];

/// Adds what only the end of the environment needs: what the state remembers and the file no longer asks for is put
/// in order with the rest, and the cluster is swept.
pub(super) fn add_teardown(desired: &mut BTreeMap<Address, Desired>, state: &State, depth: Depth) {
    for (address, recorded) in &state.resources {
        if !desired.contains_key(address)
            && let Some(remembered) = remembered(address, recorded)
        {
            desired.insert(address.clone(), remembered);
        }
    }
    let control_plane = desired.values().find(|found| found.kind == CONTROL_PLANE);
    // A cluster is called as it was made, whatever the file calls it by now.
    let named = control_plane.map(|found| {
        let made = state.resources.get(&found.address);
        made.map_or(&found.name, |made| &made.name)
    });
    if let Some(name) = owed_sweep(state).or(named).cloned() {
        add_sweep(desired, state, &name, depth);
    }
}

/// Adds the quieting of the cluster `name`, unless it is not looked into, and the sweep of what it leaves: once it is
/// gone, and before what its leftovers stand in.
pub(super) fn add_sweep(
    desired: &mut BTreeMap<Address, Desired>,
    state: &State,
    name: &str,
    depth: Depth,
) {
    let recorded = state.resources.iter();
    let recorded = recorded.map(|(address, recorded)| (address, recorded.kind.as_str()));
    let wanted = desired
        .values()
        .map(|desired| (&desired.address, desired.kind));
    let known: BTreeSet<(&Address, &str)> = recorded.chain(wanted).collect();
    let those = |which: fn(&Address, &str) -> bool| -> BTreeSet<Address> {
        let those = known.iter().filter(|(address, kind)| which(address, kind));
        those.map(|(address, _)| (*address).clone()).collect()
    };
    // NAT gateways, their addresses and routes are free as soon as the nodes are gone.
    let occupied = those(|_, kind| OCCUPIED.contains(&kind));
    let of_cluster =
        those(|address, kind| address.section() == "cluster" && !OCCUPIED.contains(&kind));
    let sweep = |kind: &'static str, address: Address, depends_on: BTreeSet<Address>| Desired {
        address,
        kind,
        name: name.to_owned(),
        fields: Fields::new(),
        depends_on,
    };
    let leftovers = sweep(resources::LEFTOVERS, cluster::leftovers(), occupied);
    let workloads = sweep(resources::WORKLOADS, cluster::workloads(), of_cluster);
    desired.insert(leftovers.address.clone(), leftovers);
    if depth == Depth::Cluster {
        desired.insert(workloads.address.clone(), workloads);
    }
}

/// The name of the cluster that ends with this plan, or ended before it began and may have left something behind.
pub(super) fn ending_cluster(plan: &Plan, state: &State) -> Option<String> {
    let mut clusters = plan.actions.iter();
    let cluster = clusters.find(|action| action.kind == CONTROL_PLANE);
    let owed = || owed_sweep(state).cloned();
    let Some(cluster) = cluster else {
        return owed();
    };
    match cluster.verb {
        // The id of a cluster is the name that it was made with.
        Verb::Delete | Verb::Replace => cluster.id.clone(),
        Verb::Create if state.is_empty() => None,
        Verb::Create | Verb::Forget => owed().or_else(|| Some(cluster.name.clone())),
        // The one that was to end stays, or one of another name stands in its place.
        Verb::Update | Verb::Adopt | Verb::None => {
            owed().filter(|name| Some(name) != cluster.id.as_ref())
        }
    }
}

/// The name of a cluster whose sweep was begun and not finished.
fn owed_sweep(state: &State) -> Option<&String> {
    let mut open = state.open.values();
    open.find(|entry| entry.kind == resources::LEFTOVERS)
        .map(|entry| &entry.name)
}

/// What the state remembers, in the form of what a file asks for.
fn remembered(address: &Address, recorded: &Recorded) -> Option<Desired> {
    Some(Desired {
        address: address.clone(),
        kind: resources::kind(&recorded.kind)?.name(),
        name: recorded.name.clone(),
        fields: recorded.fields.clone(),
        depends_on: recorded.depends_on.clone(),
    })
}
