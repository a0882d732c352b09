//! What would be done, and why: a pure, synchronous function of what is wanted, remembered and seen.
//!
//! Same inputs, byte-identical plan. Nothing here reaches a cloud, and nothing is left for execution to decide
//! but what only execution can know: ids and endpoints of what is made on the way.

mod change;
mod decide;
mod foretold;
mod holds;
mod reason;
mod steps;
#[cfg(test)]
mod tests;
mod whose;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::address::Address;
use crate::graph::Cycle;
use crate::resources::{Desired, Kind, Observed};
use crate::state::State;

pub use change::{After, FieldChange, changes};
pub use decide::plan;
pub use steps::{Phase, Step, steps};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// The cloud is as the file says.
    Apply,
    /// Nothing of the environment is left.
    Destroy,
}

/// What is done with one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made again.
    Replace,
    /// It is deleted.
    Delete,
    /// It is ours and there, and the state learns of it.
    Adopt,
    /// It is gone, and the state forgets it.
    Forget,
    /// It is as it should be.
    None,
}

/// Why an action deserves a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// What people stored in it is lost.
    LosesData,
    /// What others put into it is lost: nothing of ours, and nothing that they were asked about.
    TakesOthers,
    /// What depends on it is interrupted or has to be made again.
    Disrupts,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Action {
    /// Which resource.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// Its name in AWS or Kubernetes.
    pub name: String,
    /// What is done with it.
    pub verb: Verb,
    /// The id of what is there, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why.
    pub reason: String,
    /// The fields that change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// Whether it deserves a second look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub danger: Option<Danger>,
    /// How many seconds it is expected to take.
    pub expected_seconds: u64,
    /// How many of them the removal of the old one takes.
    #[serde(skip)]
    pub removal_seconds: u64,
    /// Others with the same address that go: what a lost reply made twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surplus: Vec<String>,
}

impl Action {
    /// Whether carrying it out does anything at all.
    pub fn acts(&self) -> bool {
        self.verb != Verb::None || !self.surplus.is_empty()
    }

    /// Whether people count it: what is only forgotten takes no time and changes nothing.
    pub fn is_counted(&self) -> bool {
        self.acts() && self.verb != Verb::Forget
    }
}

/// What would be done with every resource, sorted by address.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The environment.
    pub environment: String,
    /// What it is for.
    pub goal: Goal,
    /// One for each resource that is wanted, remembered or there.
    pub actions: Vec<Action>,
    /// Seconds along the longest chain of what has to be done.
    pub expected_seconds: u64,
}

impl Plan {
    /// How many seconds a step is expected to take.
    pub fn seconds(&self, step: &Step) -> u64 {
        let action = self.action(&step.address);
        action.map_or(0, |action| match step.phase {
            Phase::Remove => action.removal_seconds,
            Phase::Make => action.expected_seconds - action.removal_seconds,
        })
    }

    /// The actions that do something.
    pub fn work(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(|action| action.acts())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.work().next().is_none()
    }

    /// The action on `address`.
    pub fn action(&self, address: &Address) -> Option<&Action> {
        self.actions
            .iter()
            .find(|action| action.address == *address)
    }

    /// How many actions have each verb.
    pub fn counts(&self) -> BTreeMap<Verb, usize> {
        let mut counts = BTreeMap::new();
        for action in self.work() {
            *counts.entry(action.verb).or_insert(0) += 1;
        }
        counts
    }
}

/// Everything that a plan is made from.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// What it is for.
    pub goal: Goal,
    /// The file: also when destroying, where it tells names and order.
    pub desired: &'a BTreeMap<Address, Desired>,
    /// The state.
    pub state: &'a State,
    /// What the cloud reports, all kinds, in any order within an address.
    pub observed: &'a BTreeMap<Address, Vec<Observed>>,
    /// Finds a kind by its name.
    pub kind: fn(&str) -> Option<&'static dyn Kind>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something that is not ours has a name that we want. It is neither adopted nor deleted.
    #[error("{address}: the {kind} `{name}` ({id}) exists and {}", whose(lineage.as_deref()))]
    Foreign {
        /// Where we want it.
        address: Address,
        /// The kind.
        kind: String,
        /// Its name.
        name: String,
        /// Its id.
        id: String,
        /// Whose it is.
        lineage: Option<String>,
    },
    /// The way to the cluster leads to another one than the one that the environment is in.
    #[error(
        "{address}: the environment is in the cluster {was}, and what is reached as `{name}` is another one, {is}"
    )]
    OtherCluster {
        /// Where it stands.
        address: Address,
        /// What the file calls it.
        name: String,
        /// Which one it was.
        was: String,
        /// Which one it is.
        is: String,
    },
    /// What stands there was made by us, and the file says that it exists without us; or the other way round.
    #[error(
        "{address}: {}", other_sort(*.ours)
    )]
    OtherSort {
        /// Where it stands.
        address: Address,
        /// Whether it was made by us.
        ours: bool,
    },
    /// The state names a kind that this groundwork does not know.
    #[error(
        "{address}: the state names the kind `{kind}`, which this groundwork does not know: use a later one"
    )]
    UnknownKind {
        /// The address.
        address: Address,
        /// The kind.
        kind: String,
    },
    /// What is to be done waits for itself.
    #[error("the plan can't be ordered: {0}")]
    Ring(Cycle),
}

fn other_sort(ours: bool) -> &'static str {
    if ours {
        "the environment has a cluster of its own, and its file now says that another exists: take `[cluster]` and \
         `[bootstrap]` out and apply that first, so that its own goes with all that is in it"
    } else {
        "the environment is in a cluster that exists without it, and its file now asks for one of its own: take \
         `[cluster]` and `[bootstrap]` out and apply that first, so that what it put there goes"
    }
}

fn whose(lineage: Option<&str>) -> String {
    lineage.map_or_else(
        || "was not made by groundwork".to_owned(),
        |lineage| format!("belongs to another lineage ({lineage})"),
    )
}
