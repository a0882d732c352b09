//! Networks and clouds at their worst: whatever goes wrong on the way, a run arrives or says what failed and what to
//! do, and running it again when all is well arrives where an undisturbed run does.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use groundwork::apply::{ActError, hint};
use groundwork::cloud::{Class, Fault};
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed};
use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;
use groundwork::sandbox::{Sandbox, store::Effect};
use serde_json::{Value, json};

use crate::pool::{each, on_a_clock, random};
use crate::record::Place;
use crate::resume::{Ended, attempt, chain, destroy, run};
use crate::scenario::{Scenario, scenarios, session};
use crate::settings::{self, tell};
use crate::shared::never_stopped;
use crate::undisturbed::{Before, Undisturbed};

/// How many seeds a plain run plays, and how many `scripts/sweep` does.
const SEEDS: u64 = 24;
const ALL_SEEDS: u64 = 400;

/// How often a command is run again while nothing has got better.
const RUNS: usize = 3;

/// What goes wrong under this seed: some or all of it, from now and then to nearly always.
fn misbehaviour(seed: u64) -> Misbehaviour {
    let mut dice = seed;
    let mut share = |most: u64| {
        let happens = random(&mut dice).is_multiple_of(2);
        let share = random(&mut dice) % most;
        if happens { share as u16 } else { 0 }
    };
    let (throttled, server_errors) = (share(200), share(100));
    let (dropped_requests, dropped_replies) = (share(60), share(60));
    let unanswered = share(30);
    Misbehaviour {
        seed,
        latency: Duration::from_millis(u64::from(share(3000))),
        throttled,
        server_errors,
        dropped_requests,
        dropped_replies,
        unanswered,
        lag: Duration::from_secs(u64::from(share(20))),
        ..Misbehaviour::default()
    }
}

/// Runs the command under these faults, and insists that each failure has a cause and a remedy, and is none that a
/// retry or a second look would have known better.
async fn suffer(place: &Place, scenario: &Scenario, goal: Goal) -> Result<(), String> {
    for _ in 0..RUNS {
        match attempt(&session(place, &scenario.file), goal).await {
            Ended::Well => return Ok(()),
            Ended::Refused(error) => reasonable(&error)?,
            Ended::Incomplete(report) => {
                for (address, error) in &report.failed {
                    reasonable(error).map_err(|why| format!("{address}: {why}"))?;
                }
            }
            Ended::Remains(_) => {}
        }
    }
    Ok(())
}

/// A failure of the way there and back, with a remedy.
fn reasonable(error: &(dyn Error + 'static)) -> Result<(), String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let shared = || error.downcast_ref::<Arc<Fault>>().map(AsRef::as_ref);
        if let Some(fault) = error.downcast_ref::<Fault>().or_else(shared) {
            return match (fault.class, hint(error)) {
                (Class::Retry | Class::Uncertain, Some(_)) => Ok(()),
                (_, hint) => Err(format!("{error:?}, remedy {hint:?}")),
            };
        }
        next = error.source();
    }
    Err(format!("not by a fault: {error:?}"))
}

/// Comes up and goes down while things go wrong, each time once more when they don't.
async fn plays(undisturbed: &Undisturbed, seed: u64) -> Result<(), String> {
    let scenario = &undisturbed.scenario;
    let place = Place::new();
    for goal in [Goal::Apply, Goal::Destroy] {
        place.sandbox.faults().set(misbehaviour(seed));
        suffer(&place, scenario, goal).await?;
        place.sandbox.faults().set(Misbehaviour::default());
        let session = session(&place, &scenario.file);
        match goal {
            Goal::Apply => {
                run(&session, goal).await?;
                undisturbed.expect(&place, &session).await?;
            }
            Goal::Destroy => destroy(&place, &scenario.file).await?,
        }
    }
    Ok(())
}

#[test]
fn whatever_goes_wrong_the_next_run_arrives() {
    let [apply, ..] = scenarios("demo");
    let undisturbed = on_a_clock(Undisturbed::of(apply, &Before::default()));
    let seeds: Vec<u64> = match settings::seed() {
        Some(seed) => vec![seed],
        None if settings::everything() => (0..ALL_SEEDS).collect(),
        None => (settings::part() * SEEDS..).take(SEEDS as usize).collect(),
    };
    let failed = each(&seeds, async |seed| {
        let played = plays(&undisturbed, *seed).await;
        played.map_err(|why| format!("seed {seed}, {:?}: {why}", misbehaviour(*seed)))
    });
    tell(&format!(
        "faults: seeds {}..={}, {} failed",
        seeds[0],
        seeds[seeds.len() - 1],
        failed.len()
    ));
    let failed: Vec<String> = failed.into_values().collect();
    assert!(
        failed.is_empty(),
        "GROUNDWORK_SWEEP_SEED plays one again\n{}",
        failed.join("\n")
    );
}

/// Ruins what it hears being made.
struct Ruin {
    sandbox: Sandbox,
    address: &'static str,
    ruin: fn(&mut Value),
}

impl Listener for Ruin {
    fn hear(&self, event: &Event) {
        let Event::Waiting { address, .. } = event else {
            return;
        };
        if address.to_string() == self.address {
            let ruined = self.sandbox.store().transact(Effect::Changes, |world| {
                let mut document = serde_json::to_value(&*world).expect("a document");
                (self.ruin)(&mut document);
                *world = serde_json::from_value(document).expect("a world");
            });
            ruined.expect("a world");
        }
    }
}

fn ruin_gateway(world: &mut Value) {
    for task in world["schedule"]["entries"].as_array_mut().expect("a list") {
        if let Some(doomed) = task[1]["Aws"]["task"]["Ec2"].get("NatGatewayAvailable") {
            task[1]["Aws"]["task"]["Ec2"] = json!({ "NatGatewayFails": doomed });
        }
    }
}

fn ruin_nodes(world: &mut Value) {
    let nodes = "/regions/us-east-1/eks/clusters/demo/nodegroups/default/issues";
    *world.pointer_mut(nodes).expect("a node group") = json!([{
        "code": "InsufficientFreeAddresses", "message": "no addresses", "resource_ids": [],
    }]);
}

/// One of many branches ends badly: the others are finished, the failure says what to do, and doing it helps.
async fn ruined(
    undisturbed: &Undisturbed,
    address: &'static str,
    ruin: fn(&mut Value),
) -> Result<(), String> {
    let environment = &undisturbed.scenario.file;
    let place = Place::new();
    let first = session(&place, environment);
    let planned = first
        .plan(Goal::Apply)
        .await
        .map_err(|error| chain(&error))?;
    let (sandbox, agreed) = (place.sandbox.clone(), Confirmed::default());
    let listener = Ruin {
        sandbox,
        address,
        ruin,
    };
    let report = ops::apply(&first, &planned, &agreed, &listener, never_stopped()).await;
    let report = report.map_err(|error| chain(&error))?;
    let [(failed, error @ ActError::Broken(_))] = &report.failed[..] else {
        return Err(format!("not one broke: {report:#?}"));
    };
    let state = first.store.load().map_err(|error| chain(&error))?;
    let database = "database.addressbook.instance".parse().expect("an address");
    let finished = state.is_some_and(|state| state.resources.contains_key(&database));
    if failed.to_string() != address || hint(error).is_none() || !finished {
        return Err(format!(
            "{failed} ended with {error:?}, database {finished}"
        ));
    }
    run(&session(&place, environment), Goal::Apply).await?;
    undisturbed.expect(&place, &first).await?;
    destroy(&place, environment).await
}

#[test]
fn what_ends_in_a_failed_state_is_made_anew_by_the_next_run() {
    let [apply, ..] = scenarios("demo");
    let undisturbed = on_a_clock(Undisturbed::of(apply, &Before::default()));
    let all: [(&'static str, fn(&mut Value)); 2] = [
        ("network.nat-gateway.a", ruin_gateway),
        ("cluster.node-group.default", ruin_nodes),
    ];
    let failed = each(&all, async |(address, ruin)| {
        ruined(&undisturbed, address, *ruin).await
    });
    assert!(failed.is_empty(), "{failed:#?}");
}
