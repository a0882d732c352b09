//! Why a resource is changed or replaced, in words.

use std::collections::BTreeSet;

use super::{After, FieldChange};
use crate::resources::{Change, Kind};

/// Names of fields, each once, sorted.
fn listed<'a>(changes: impl Iterator<Item = &'a FieldChange>) -> String {
    let names: BTreeSet<&str> = changes.map(|change| change.field.as_str()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Says which fields force the replacement: AWS can't change them, or they hold on to what goes.
pub(super) fn forces(kind: &dyn Kind, changes: &[FieldChange]) -> String {
    let fixed = |change: &&FieldChange| {
        let fields = kind.fields().iter();
        let mut fixed = fields.filter(|field| field.change == Change::Replace);
        fixed.any(|field| field.name == change.field)
    };
    let forcing = changes.iter().filter(|change| change.forces_replacement);
    let (fixed, holding): (Vec<_>, Vec<_>) = forcing.partition(fixed);
    let mut reasons = Vec::new();
    if !fixed.is_empty() {
        let names = listed(fixed.into_iter());
        reasons.push(format!("{names} can't be changed in place"));
    }
    if !holding.is_empty() {
        let names = listed(holding.into_iter());
        reasons.push(format!(
            "what {names} refers to goes, and can't while this stands"
        ));
    }
    reasons.join("; ")
}

/// Says which fields a run that did not come to its end has left as they were.
pub(super) fn unfinished(changes: &[FieldChange]) -> String {
    format!("what was begun is not finished: {}", listed(changes.iter()))
}

/// Says which fields differ, and why: the file changed, somebody else did it, or it follows from another change.
pub(super) fn differs(changes: &[FieldChange]) -> String {
    let follows = |change: &FieldChange| change.after == After::KnownAfterApply;
    let edited = changes.iter().filter(|c| !c.drift && !follows(c));
    let drifted = changes.iter().filter(|c| c.drift && !follows(c));
    let follow = changes.iter().filter(|c| follows(c));
    let told = [
        Some(listed(edited))
            .filter(|names| !names.is_empty())
            .map(|names| format!("the file changes {names}")),
        Some(listed(drifted))
            .filter(|names| !names.is_empty())
            .map(|names| format!("{names} changed behind our back")),
        Some(listed(follow))
            .filter(|names| !names.is_empty())
            .map(|names| format!("{names} follows another change")),
    ];
    told.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
