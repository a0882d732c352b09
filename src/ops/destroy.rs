//! Takes everything of an environment away, and looks again.

use std::collections::{BTreeMap, BTreeSet};

use super::apply::carry_out;
use super::{Error, Planned, Remains, Session, look_again};
use crate::address::Address;
use crate::apply::Report;
use crate::event::Listener;
use crate::resources::{self, CONTROL_PLANE, Desired, Fields};

/// How a teardown ended.
#[derive(Debug)]
pub struct Teardown {
    /// What was done.
    pub report: Report,
    /// What is left, found by looking again; empty is the proof.
    pub remains: Vec<Remains>,
}

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
    if session.environment.protect {
        return Err(Error::Protected(session.environment.name.clone()));
    }
    let report = carry_out(session, planned, listener, stop).await?;
    let remains = look_again(session, planned).await?;
    if report.is_complete() && remains.is_empty() {
        session.store.remove()?;
    }
    Ok(Teardown { report, remains })
}

/// Kinds that can't be deleted while a load balancer, an interface or a group of the cluster's is left in them.
const OCCUPIED: [&str; 4] = [
    "network.vpc",
    "network.subnet",
    "network.internet-gateway",
    "network.security-group",
];

/// Adds what only a teardown does: quieting the cluster while its controllers live, and sweeping what they
/// left in AWS once it is gone and before the network goes.
pub(super) fn add_teardown(desired: &mut BTreeMap<Address, Desired>) {
    let those = |which: &dyn Fn(&Desired) -> bool| -> BTreeSet<Address> {
        desired
            .values()
            .filter(|found| which(found))
            .map(|found| found.address.clone())
            .collect()
    };
    // What a leftover occupies. NAT gateways, their addresses and routes are free as soon as the nodes are gone.
    let occupied = those(&|found| OCCUPIED.contains(&found.kind));
    let cluster =
        those(&|found| found.address.section() == "cluster" && !OCCUPIED.contains(&found.kind));
    let Some(control_plane) = desired
        .values_mut()
        .find(|desired| desired.kind == CONTROL_PLANE)
    else {
        return;
    };
    let name = control_plane.name.clone();
    let leftovers = Address::of(&["cluster", "leftovers"]);
    control_plane.depends_on.insert(leftovers.clone());
    let teardown = |kind: &'static str, address: Address, depends_on: BTreeSet<Address>| Desired {
        address,
        kind,
        name: name.clone(),
        fields: Fields::new(),
        depends_on,
    };
    let workloads = Address::of(&["cluster", "workloads"]);
    let added = [
        teardown(resources::WORKLOADS, workloads, cluster),
        teardown(resources::LEFTOVERS, leftovers, occupied),
    ];
    desired.extend(added.map(|desired| (desired.address.clone(), desired)));
}
