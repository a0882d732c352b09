//! What is there: one sweep of both clouds, matched to addresses.
//!
//! Present, absent or unknown: a failed call gives unknown, and nothing may be decided on unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::address::Address;
use crate::cloud::Cloud;
use crate::resources::inventory::Inventory;
use crate::resources::{Kind, Observed, Owner, Unseen, Wanted, kinds};
use crate::state::{Action, Entry};

/// For how long a fresh resource may be invisible: it counts as absent only after that (DESIGN §5).
pub const VISIBILITY: Duration = Duration::from_secs(60);

/// How long to wait before looking again for what was begun and is not visible yet.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How far an observation looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Into our cluster as well, if there is one.
    Cluster,
    /// Only at AWS: what is in the cluster is not seen.
    Aws,
}

/// Everything that was found.
pub struct Observation {
    /// By address; more than one where something was made twice, or where a name is taken by others.
    pub found: BTreeMap<Address, Vec<Observed>>,
    /// What the list calls gave.
    pub inventory: Inventory,
}

/// Observes everything. What was begun and is not found is looked for again until it can't be merely
/// invisible any more.
///
/// # Errors
/// When any part is unknown.
pub async fn observe(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    open: &BTreeMap<Address, Entry>,
    depth: Depth,
) -> Result<Observation, Unseen> {
    loop {
        let observation = once(cloud, wanted, depth).await?;
        if !open
            .iter()
            .any(|(address, entry)| may_appear(&observation, address, entry, cloud.clock.now()))
        {
            return Ok(observation);
        }
        cloud.clock.sleep(LOOK_AGAIN).await;
    }
}

/// Whether the resource of an open create is not there and may yet become visible.
fn may_appear(observation: &Observation, address: &Address, entry: &Entry, now: Timestamp) -> bool {
    let found = observation
        .found
        .get(address)
        .into_iter()
        .flatten()
        .any(|found| found.owner == Owner::Ours);
    let fresh = now.duration_since(entry.begun).unsigned_abs() < VISIBILITY;
    entry.action == Action::Create && !found && fresh
}

async fn once(cloud: &Cloud, wanted: &Wanted<'_>, depth: Depth) -> Result<Observation, Unseen> {
    let mut inventory = Inventory::sweep(cloud, wanted).await;
    let mut found: BTreeMap<Address, Vec<Observed>> = BTreeMap::new();
    let mut add = |observed: Vec<Observed>| {
        for observed in observed {
            found
                .entry(observed.address.clone())
                .or_default()
                .push(observed);
        }
    };
    for kind in kinds().iter().filter(|kind| !kind.lives_in_cluster()) {
        add(kind.observe(&inventory, wanted)?);
    }
    if depth == Depth::Cluster {
        inventory.look_into_cluster(cloud, wanted, &found).await;
    }
    for kind in kinds().iter().filter(|kind| kind.lives_in_cluster()) {
        for observed in kind.observe(&inventory, wanted)? {
            found
                .entry(observed.address.clone())
                .or_default()
                .push(observed);
        }
    }
    Ok(Observation { found, inventory })
}

/// Observes one kind of AWS resource or Kubernetes object anew.
///
/// # Errors
/// When it is unknown.
pub async fn kind(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    kind: &dyn Kind,
) -> Result<Vec<Observed>, Unseen> {
    let observation = once(cloud, wanted, Depth::Cluster).await?;
    Ok(observation
        .found
        .into_values()
        .flatten()
        .filter(|found| found.kind == kind.name())
        .collect())
}
