//! What AWS accepts and then can't make: the rest is made, the failure says what to do, and once the cause is gone the
//! next run arrives where an undisturbed one does.

use std::collections::BTreeSet;

use groundwork::address::Address;
use groundwork::apply::{ActError, hint};
use groundwork::ops::{self, Confirmed, Planned};
use groundwork::plan::Goal;
use groundwork::resources::{LEFTOVERS, WORKLOADS};
use groundwork::sandbox::faults::Misbehaviour;

use crate::pool::{each, on_a_clock};
use crate::record::Place;
use crate::resume::{chain, destroy, run};
use crate::scenario::{Scenario, scenarios, session};
use crate::settings::tell;
use crate::shared::{Silence, example, never_stopped};
use crate::undisturbed::{Before, Undisturbed};

/// The operation whose effect comes to nothing, the resource that it is to make, and a word of what AWS says of it.
const FAILURES: [[&str; 3]; 5] = [
    [
        "CreateNatGateway",
        "network.nat-gateway.a",
        "Gateway.NotAttached",
    ],
    ["CreateCluster", "cluster.control-plane", "FAILED"],
    [
        "CreateNodegroup",
        "cluster.node-group.default",
        "InsufficientFreeAddresses",
    ],
    [
        "CreateDBInstance",
        "database.addressbook.instance",
        "failed",
    ],
    [
        "CreateReplicationGroup",
        "cache.microservices.replication-group",
        "create-failed",
    ],
];

/// Comes up with what `operation` makes failing, twice, and then without.
async fn fails(
    undisturbed: &Undisturbed,
    [operation, address, word]: [&str; 3],
) -> Result<(), String> {
    let environment = &undisturbed.scenario.file;
    let place = Place::new();
    let address: Address = address.parse().expect("an address");
    let failing = Misbehaviour {
        failing_later: BTreeSet::from([operation.to_owned()]),
        ..Misbehaviour::default()
    };
    place.sandbox.faults().set(failing);
    for _ in 0..2 {
        let session = session(&place, environment);
        let planned = session.plan(Goal::Apply).await;
        let mut planned = planned.map_err(|error| chain(&error))?;
        // These stand for what a teardown does.
        let stays = |kind: &str| ![WORKLOADS, LEFTOVERS].contains(&kind);
        let lost = planned.plan.work().filter(|action| action.danger.is_some());
        let agreed = Confirmed {
            data_loss: lost.map(|action| action.address.clone()).collect(),
        };
        if agreed.data_loss.iter().any(|lost| lost != &address) {
            return Err(format!("endangers {:?}", agreed.data_loss));
        }
        let report = ops::apply(&session, &planned, &agreed, &Silence, never_stopped()).await;
        let report = report.map_err(|error| chain(&error))?;
        let [(failed, error @ ActError::Broken(why))] = &report.failed[..] else {
            return Err(format!("not one broke: {report:#?}"));
        };
        if *failed != address || !why.contains(word) || hint(error).is_none() {
            return Err(format!("{failed} failed because of {error}"));
        }
        planned.desired.retain(|_, desired| stays(desired.kind));
        let skipped: BTreeSet<Address> = report.skipped.into_iter().collect();
        let waiting = followers(&planned, &address);
        if skipped != waiting {
            let difference: Vec<_> = skipped.symmetric_difference(&waiting).collect();
            return Err(format!("skipped otherwise than by {difference:?}"));
        }
        let state = session.state().await.map_err(|error| chain(&error))?;
        let made = |wanted: &&Address| state.resources.contains_key(*wanted);
        let mut missing = planned.desired.keys().filter(|wanted| !made(wanted));
        let missing = missing.find(|wanted| **wanted != address && !waiting.contains(*wanted));
        if let Some(missing) = missing {
            return Err(format!("{missing} was not made"));
        }
    }
    place.sandbox.faults().set(Misbehaviour::default());
    let last = session(&place, environment);
    run(&last, Goal::Apply).await?;
    undisturbed.expect(&place, &last).await?;
    destroy(&place, environment).await
}

/// Everything that waits for `address`, directly or not.
fn followers(planned: &Planned, address: &Address) -> BTreeSet<Address> {
    let mut waiting = BTreeSet::new();
    let mut new = vec![address.clone()];
    while let Some(first) = new.pop() {
        let next = planned.desired.values();
        let next = next.filter(|desired| desired.depends_on.contains(&first));
        for desired in next {
            if waiting.insert(desired.address.clone()) {
                new.push(desired.address.clone());
            }
        }
    }
    waiting
}

#[test]
fn what_ends_in_a_failed_state_is_made_anew_by_the_next_run() {
    let [mut apply, ..]: [Scenario; 4] = scenarios("demo");
    apply.file.caches = example("staging").caches;
    let undisturbed = on_a_clock(Undisturbed::of(apply, &Before::default()));
    let failed = each(&FAILURES, async |failure| {
        fails(&undisturbed, *failure).await
    });
    let (all, bad) = (FAILURES.len(), failed.len());
    tell(&format!(
        "failed states: {all} kinds failed twice each, {bad} did not come back"
    ));
    assert!(failed.is_empty(), "{failed:#?}");
}
