//! How much looking costs: a plan that finds nothing to do makes few requests of AWS.

use groundwork::plan::Goal;

use crate::bench::{applied, session};

/// What a plan of staging may ask AWS, with everything still seen that the table of drift changes.
const MOST: u64 = 25;

#[tokio::test(start_paused = true)]
async fn a_plan_with_nothing_to_do_asks_little() {
    let world = applied();
    let session = session(&world);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert!(planned.plan.is_empty());
    let requests = world.sandbox.faults().requests();
    let of_aws = requests
        .into_iter()
        .filter(|(service, ..)| service != "kubernetes");
    let of_aws: Vec<_> = of_aws.collect();
    let count: u64 = of_aws.iter().map(|(.., count)| count).sum();
    assert!(count <= MOST, "{count} requests: {of_aws:#?}");
    assert_eq!(
        world.sandbox.faults().changes(),
        0,
        "planning changes nothing"
    );
}
