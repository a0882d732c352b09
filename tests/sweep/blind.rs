//! A read that fails is no absence: while each in turn is failing, a run that is under way and one that takes up what a
//! dead process left create nothing twice, forget nothing and delete nothing that is to stay.

use std::collections::BTreeSet;

use groundwork::ops::{self, Confirmed};
use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;

use crate::pool::{each, on_a_clock};
use crate::record::{Place, Point};
use crate::resume::{attempt, chain, destroy, run};
use crate::scenario::{Scenario, scenarios, session};
use crate::settings::{self, tell};
use crate::shared::{Silence, never_stopped};
use crate::undisturbed::{Before, Undisturbed};

/// Of Kubernetes, reads of one object of each kind stand for those of all.
fn reads(place: &Place) -> Vec<String> {
    let requests = place.sandbox.faults().requests();
    let mut collections = BTreeSet::new();
    let reads = requests.into_iter().filter(|(service, operation, _)| {
        if service == "kubernetes" {
            let (collection, _) = operation.rsplit_once('/').unwrap_or((operation, ""));
            return operation.starts_with("GET ") && collections.insert(collection.to_owned());
        }
        ["Describe", "List", "Get"]
            .iter()
            .any(|verb| operation.starts_with(verb))
    });
    let reads: BTreeSet<String> = reads.map(|(_, operation, _)| operation).collect();
    reads.into_iter().collect()
}

fn blind_to(place: &Place, read: &str) {
    place.sandbox.faults().set(Misbehaviour {
        failing_reads: BTreeSet::from([read.to_owned()]),
        ..Misbehaviour::default()
    });
}

/// The read fails from the moment at which the plan was made.
async fn while_it_runs(undisturbed: &Undisturbed, read: &str) -> Result<(), String> {
    let Scenario { file, goal, .. } = &undisturbed.scenario;
    let points = undisturbed.points();
    let place = points[0].begin(&file.name);
    let begun = session(&place, file);
    let planned = begun.plan(*goal).await.map_err(|error| chain(&error))?;
    blind_to(&place, read);
    let before = undone(&place, *goal);
    match goal {
        Goal::Apply => {
            let agreed = Confirmed::default();
            drop(ops::apply(&begun, &planned, &agreed, &Silence, never_stopped()).await);
        }
        Goal::Destroy => {
            drop(
                ops::destroy(
                    &begun,
                    &planned,
                    &Confirmed::default(),
                    &Silence,
                    never_stopped(),
                )
                .await,
            );
        }
    }
    arrives(undisturbed, &place, before).await
}

/// The read fails in a run that takes up what a dead process left.
async fn after_a_crash(undisturbed: &Undisturbed, point: &Point, read: &str) -> Result<(), String> {
    let Scenario { file, goal, .. } = &undisturbed.scenario;
    let place = point.begin(&file.name);
    blind_to(&place, read);
    let before = undone(&place, *goal);
    attempt(&session(&place, file), *goal).await;
    arrives(undisturbed, &place, before).await
}

/// With open eyes, the run arrives where nobody was ever blind. Up to there no more than usual was deleted on the way
/// up, as a duplicate would have been, or made on the way down.
async fn arrives(undisturbed: &Undisturbed, place: &Place, before: u64) -> Result<(), String> {
    let Scenario { file, goal, .. } = &undisturbed.scenario;
    place.sandbox.faults().set(Misbehaviour::default());
    match goal {
        Goal::Apply => {
            let session = session(place, file);
            run(&session, *goal).await?;
            undisturbed.expect(place, &session).await?;
        }
        Goal::Destroy => destroy(place, file).await?,
    }
    let (went, usual) = (
        undone(place, *goal) - before,
        undone(undisturbed.place(), *goal),
    );
    if went > usual {
        return Err(format!("{went} calls went the other way, not {usual}"));
    }
    Ok(())
}

/// How many calls so far did the opposite of what `goal` asks.
fn undone(place: &Place, goal: Goal) -> u64 {
    let verbs: &[&str] = match goal {
        Goal::Apply => &["Delete", "Release", "DELETE "],
        Goal::Destroy => &["Create", "Allocate", "PUT ", "POST "],
    };
    let requests = place.sandbox.faults().requests().into_iter();
    let opposite =
        requests.filter(|(_, operation, _)| verbs.iter().any(|verb| operation.starts_with(verb)));
    opposite.map(|(_, _, count)| count).sum()
}

#[test]
fn a_read_that_fails_is_never_taken_for_absence() {
    let before = Before::default();
    let mut failures = Vec::new();
    let [apply, _, _, destroy] = scenarios("demo");
    for scenario in [apply, destroy] {
        let undisturbed = on_a_clock(Undisturbed::of(scenario, &before));
        let points = undisturbed.points();
        let reads = reads(undisturbed.place());
        let failed = each(&reads, async |read| {
            while_it_runs(&undisturbed, read)
                .await
                .map_err(|why| format!("while it runs: {why}"))?;
            let number = read.bytes().map(usize::from).sum::<usize>() % points.len();
            if !settings::everything() && number as u64 % 2 != settings::part() % 2 {
                return Ok(());
            }
            after_a_crash(&undisturbed, &points[number], read)
                .await
                .map_err(|why| format!("after a crash at point {number}: {why}"))
        });
        let label = undisturbed.scenario.name;
        let (all, lost) = (reads.len(), failed.len());
        tell(&format!(
            "demo, {label}: each of {all} reads failed, {lost} lost something"
        ));
        let failed = failed.into_iter();
        failures.extend(failed.map(|(number, why)| format!("{label}, {}, {why}", reads[number])));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
