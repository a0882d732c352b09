//! Takes everything of an environment away, and looks again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::apply::carry_out;
use super::{Error, Planned, Remains, Session, look_again};
use crate::address::Address;
use crate::apply::Report;
use crate::event::Listener;
use crate::observe::Depth;
use crate::resources::{self, CONTROL_PLANE, Desired, Fields, cluster};
use crate::state::{Recorded, State};

/// How a teardown ended.
#[derive(Debug)]
pub struct Teardown {
    /// What was done.
    pub report: Report,
    /// What is left, found by looking again; empty is the proof.
    pub remains: Vec<Remains>,
}

/// How long what AWS still shows after everything was done may take to disappear.
const LINGERS: Duration = Duration::from_secs(60);

/// How long to wait before looking once more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Carries out a plan whose goal is [`crate::plan::Goal::Destroy`], then looks again. When nothing is left the
/// state is removed as well.
///
/// # Errors
/// When the environment is protected, the state can't be written, or the last look can't see everything.
pub async fn destroy(
    session: &Session,
    planned: &Planned,
    listener: &dyn Listener,
    stop: tokio::sync::watch::Receiver<bool>,
) -> Result<Teardown, Error> {
    session.require_unprotected()?;
    let report = if planned.plan.is_empty() {
        Report::default()
    } else {
        carry_out(session, planned, listener, stop).await?
    };
    let mut remains = look_again(session, planned).await?;
    let mut waited = Duration::ZERO;
    while report.is_complete() && !remains.is_empty() && waited < LINGERS {
        session.cloud.clock.sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
        remains = look_again(session, planned).await?;
    }
    if report.is_complete() && remains.is_empty() {
        session.store.remove()?;
    }
    Ok(Teardown { report, remains })
}

/// Kinds that can't be deleted while a load balancer, an interface, a group or a record of the cluster's is left in
/// them.
const OCCUPIED: [&str; 5] = [
    "network.vpc",
    "network.subnet",
    "network.internet-gateway",
    "network.security-group",
    "dns.zone",
];

/// Adds what only a teardown does: quieting the cluster while its controllers live, unless it is not looked into,
/// and sweeping what they left in AWS once it is gone and before the network goes. What the state remembers and the
/// file no longer asks for is put in order with the rest.
pub(super) fn add_teardown(desired: &mut BTreeMap<Address, Desired>, state: &State, depth: Depth) {
    for (address, recorded) in &state.resources {
        if !desired.contains_key(address)
            && let Some(remembered) = remembered(address, recorded)
        {
            desired.insert(address.clone(), remembered);
        }
    }
    let Some(control_plane) = desired.values().find(|found| found.kind == CONTROL_PLANE) else {
        return;
    };
    // A cluster is called as it was made, whatever the file calls it by now.
    let made = state.resources.get(&control_plane.address);
    let name = made.map_or(&control_plane.name, |made| &made.name).clone();
    let those = |which: &dyn Fn(&Desired) -> bool| -> BTreeSet<Address> {
        let those = desired.values().filter(|found| which(found));
        those.map(|found| found.address.clone()).collect()
    };
    // What a leftover occupies. NAT gateways, their addresses and routes are free as soon as the nodes are gone.
    let occupied = those(&|found| OCCUPIED.contains(&found.kind));
    let of_cluster =
        those(&|found| found.address.section() == "cluster" && !OCCUPIED.contains(&found.kind));
    let teardown = |kind: &'static str, address: Address, depends_on: BTreeSet<Address>| Desired {
        address,
        kind,
        name: name.clone(),
        fields: Fields::new(),
        depends_on,
    };
    let leftovers = teardown(resources::LEFTOVERS, cluster::leftovers(), occupied);
    let workloads = teardown(resources::WORKLOADS, cluster::workloads(), of_cluster);
    for found in desired.values_mut() {
        if found.kind == CONTROL_PLANE {
            found.depends_on.insert(leftovers.address.clone());
        }
        // An application would bring back what is taken away from under it.
        if found.kind == resources::bootstrap::APPLICATION.name && depth == Depth::Cluster {
            found.depends_on.insert(workloads.address.clone());
        }
    }
    desired.insert(leftovers.address.clone(), leftovers);
    if depth == Depth::Cluster {
        desired.insert(workloads.address.clone(), workloads);
    }
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
