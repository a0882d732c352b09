//! What is there: one sweep of both clouds, matched to addresses.
//!
//! Present, absent or unknown: a failed call gives unknown, and nothing may be decided on unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;

use crate::address::Address;
use crate::cloud::Cloud;
use crate::resources::inventory::Inventory;
use crate::resources::{self, Kind, Observed, Unseen, Wanted, kinds};
use crate::state::{Action, State};

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

/// Observes everything. What `state` knows of and is not found is looked for again until it can't be merely invisible
/// any more.
///
/// # Errors
/// When any part is unknown.
pub async fn observe(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    state: Option<&State>,
    depth: Depth,
) -> Result<Observation, Unseen> {
    let begun = cloud.clock.passed();
    loop {
        let observation = once(cloud, wanted, depth).await?;
        let looked = cloud.clock.passed().saturating_sub(begun);
        let now = cloud.clock.now();
        if !state.is_some_and(|state| may_appear(&observation, state, now, looked)) {
            return Ok(observation);
        }
        cloud.clock.sleep(LOOK_AGAIN).await;
    }
}

/// Whether something that was made a moment ago, or may have been, is not there and may yet become visible. That a
/// run saw what it made does not mean that the next one does: another copy may answer it. We have `looked` for so long.
fn may_appear(observation: &Observation, state: &State, now: Timestamp, looked: Duration) -> bool {
    let found = || observation.found.values().flatten();
    let fresh = |since| {
        // What was made in the future was made before a clock was set: nobody knows when.
        let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        age.max(looked) < VISIBILITY
    };
    let mut open = state.open.iter();
    let mut made = state.resources.iter();
    open.any(|(address, entry)| {
        entry.action == Action::Create
            && fresh(entry.begun)
            && !found().any(|found| found.is_ours_at(address))
    }) || made.any(|(address, made)| {
        fresh(made.since)
            && !state.open.contains_key(address)
            && resources::kind(&made.kind).is_some_and(of_ours_in_aws)
            && !found().any(|found| found.kind == made.kind && found.id == made.id)
    })
}

/// What is in a cluster is read from where it was written, and what is given was there before us.
fn of_ours_in_aws(kind: &dyn Kind) -> bool {
    !kind.lives_in_cluster() && !kind.is_given()
}

async fn once(cloud: &Cloud, wanted: &Wanted<'_>, depth: Depth) -> Result<Observation, Unseen> {
    let mut inventory = Inventory::sweep(cloud, wanted).await;
    if depth == Depth::Cluster {
        inventory.find_cluster(cloud, wanted).boxed().await;
    }
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
