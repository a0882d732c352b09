//! What can't be seen is unknown: the plan stops there, names it, and nothing is changed.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::time::Duration;

use groundwork::address::Address;
use groundwork::ops::{self, Confirmed};
use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;

use crate::bench::{applied, session, session_on, staging};
use crate::common::{Silence, carry_out_with, never_stopped, remembered};

/// The operations that a look at staging makes: service and operation.
async fn looked_at() -> BTreeSet<(String, String)> {
    let world = applied();
    session(&world).plan(Goal::Apply).await.expect("a plan");
    let requests = world.sandbox.faults().requests().into_iter();
    requests
        .map(|(service, operation, _)| (service, operation))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_fails_to_come_is_no_absence() {
    let operations = looked_at().await;
    assert!(operations.len() > 40, "{operations:#?}");
    for (service, operation) in operations {
        let world = applied();
        let session = session(&world);
        world.sandbox.faults().set(Misbehaviour {
            failing_reads: BTreeSet::from([operation.clone()]),
            ..Misbehaviour::default()
        });
        // What goes is not tried out as the file asks for it.
        let tries = operation.starts_with("PATCH ");
        for goal in [Goal::Apply, Goal::Destroy] {
            let planned = session.plan(goal).await;
            if tries && goal == Goal::Destroy {
                assert!(planned.is_ok(), "{operation}");
                continue;
            }
            let Err(error) = planned else {
                panic!("{service} {operation} failed, and there is a plan");
            };
            let told = chain(&error);
            // The API server is asked for paths; which, is told where it matters.
            let named = service == "kubernetes" || told.contains(&operation);
            assert!(named && told.contains(&service), "{operation}: {told}");
        }
        assert_eq!(world.sandbox.faults().changes(), 0, "{operation}");
    }
}

/// A peer that keeps the connection and says nothing is given up, as one that can't be reached.
#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let world = applied();
    let session = session(&world);
    world.sandbox.faults().set(Misbehaviour {
        unanswered: 1000,
        ..Misbehaviour::default()
    });
    let hour = Duration::from_secs(60 * 60);
    let planned = tokio::time::timeout(hour, session.plan(Goal::Apply)).await;
    let Err(error) = planned.expect("it ends") else {
        panic!("nobody answers, and there is a plan");
    };
    assert!(chain(&error).contains("can't see"), "{}", chain(&error));
    assert_eq!(world.sandbox.faults().changes(), 0);
}

/// What is deleted and can't be looked at is neither gone nor forgotten.
#[tokio::test(start_paused = true)]
async fn a_look_that_fails_does_not_make_a_removal_done() {
    let world = applied();
    let mut wanted = staging();
    wanted.registries.remove("flights").expect("a registry");
    let session = session_on(&world, wanted);
    let registry: Address = "registry.flights".parse().expect("an address");
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let confirmed = Confirmed {
        data_loss: [registry.clone()].into(),
    };
    world.sandbox.faults().set(Misbehaviour {
        failing_reads: BTreeSet::from(["DescribeRepositories".to_owned()]),
        ..Misbehaviour::default()
    });
    let run = ops::apply(&session, &planned, &confirmed, &Silence, never_stopped());
    let failed = run.await.expect("a run").failed;
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0].0, registry);
    let state = remembered(&session).expect("a state");
    assert!(state.resources.contains_key(&registry) && state.open.contains_key(&registry));
    world.sandbox.faults().set(Misbehaviour::default());
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    carry_out_with(&session, &planned, &confirmed).await;
    let state = remembered(&session).expect("a state");
    assert!(!state.resources.contains_key(&registry) && state.open.is_empty());
}

/// An error and everything that caused it.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}
