//! Networks and clouds at their worst: whatever goes wrong on the way, a run arrives or says what failed and what to
//! do, and running it again when all is well arrives where an undisturbed run does.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use groundwork::apply::hint;
use groundwork::cloud::{Class, Fault};
use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;

use crate::pool::{each_seed, on_a_clock, random};
use crate::record::Place;
use crate::resume::{Ended, attempt, destroy, run};
use crate::scenario::{Scenario, scenarios, session};
use crate::settings;
use crate::undisturbed::{Before, Undisturbed};

/// How many seeds a plain run plays, and how many `scripts/sweep` does.
const DEMO: [u64; 2] = [16, 400];
const STAGING: [u64; 2] = [2, 80];

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

fn play(name: &str, [some, all]: [u64; 2]) {
    let [apply, ..] = scenarios(name);
    let undisturbed = on_a_clock(Undisturbed::of(apply, &Before::default()));
    let seeds = settings::seeds(some, all);
    each_seed(&format!("faults on {name}"), &seeds, async |seed| {
        let played = plays(&undisturbed, *seed).await;
        played.map_err(|why| format!("seed {seed}, {:?}: {why}", misbehaviour(*seed)))
    });
}

#[test]
fn whatever_goes_wrong_the_next_run_arrives() {
    play("demo", DEMO);
}

#[test]
fn on_staging_as_well() {
    play("staging", STAGING);
}
