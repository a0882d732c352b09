//! Whose the found resources are, which of several is the one, and what it was called before.

use super::{Basis, Goal};
use crate::address::Address;
use crate::resources::{Condition, Kind, Observed, Owner};
use crate::state::Recorded;

/// Whether a found resource is someone else's. One that the state remembers by its id is ours although
/// somebody took its tags away: that is drift.
pub(super) fn is_foreign(basis: &Basis<'_>, found: &Observed) -> bool {
    let remembered = basis.state.resources.get(&found.address);
    match &found.owner {
        Owner::Ours => false,
        Owner::Other { lineage: None } => remembered.is_none_or(|recorded| recorded.id != found.id),
        Owner::Other { lineage: Some(_) } => true,
    }
}

/// Whether a foreign resource forbids the plan. When destroying, only another lineage's does: it tells that
/// this is not the state by which the environment was made.
pub(super) fn is_in_the_way(basis: &Basis<'_>, found: &Observed) -> bool {
    let lineage = matches!(found.owner, Owner::Other { lineage: Some(_) });
    is_foreign(basis, found) && (basis.goal == Goal::Apply || lineage)
}

/// Which of the found resources is the one, and the ids of the others that are ours, too: the recorded one
/// stays, then the one that was begun, then the first by id.
pub(super) fn ours<'b>(
    basis: &Basis<'_>,
    address: &Address,
    found: &'b [Observed],
) -> (Option<&'b Observed>, Vec<String>) {
    let state = basis.state;
    let recorded = state.resources.get(address);
    let recorded = recorded.map(|recorded| recorded.id.as_str());
    let begun = state.open.get(address);
    let begun = begun.and_then(|entry| entry.id.as_deref());
    let mut ours: Vec<&Observed> = found
        .iter()
        .filter(|found| !is_foreign(basis, found))
        .collect();
    ours.sort_by_key(|found| {
        let id = Some(found.id.as_str());
        (
            id != recorded,
            id != begun,
            found.condition == Condition::Deleting,
            found.id.clone(),
        )
    });
    let mut ours = ours.into_iter();
    let primary = ours.next();
    let surplus = ours
        .filter(|found| found.condition != Condition::Deleting)
        .map(|found| found.id.clone());
    (primary, surplus.collect())
}

/// Where what was recorded under another address stands, now that the file calls it otherwise.
pub(super) fn goes_on_as<'a>(basis: &Basis<'a>, kind: &dyn Kind, id: &str) -> Option<&'a Address> {
    let found = basis.observed.values().flatten();
    let mut same = found.filter(|found| found.kind == kind.name() && found.id == id);
    same.next().map(|found| &found.address)
}

/// Says what was found was called before, if the file calls it otherwise now.
pub(super) fn was(basis: &Basis<'_>, kind: &dyn Kind, found: &Observed) -> Option<String> {
    let recorded = basis.state.resources.iter();
    let same = |recorded: &Recorded| recorded.kind == kind.name() && recorded.id == found.id;
    let mut before = recorded.filter(|(at, recorded)| **at != found.address && same(recorded));
    before.next().map(|(at, _)| format!("it was {at}"))
}
