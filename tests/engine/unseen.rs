//! What can't be seen is unknown: the plan stops there, names it, and nothing is changed.

use std::collections::BTreeSet;
use std::error::Error as StdError;

use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;

use crate::bench::{applied, session};

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
        for goal in [Goal::Apply, Goal::Destroy] {
            let Err(error) = session.plan(goal).await else {
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
