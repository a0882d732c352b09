//! How much looking costs: a plan that finds nothing to do makes few requests of AWS.

use groundwork::plan::Goal;

use crate::common::{World, apply, example};
use crate::shared::trim_agent;

/// What a plan of staging may ask AWS, with everything still seen that the table of drift changes.
const MOST: u64 = 25;

#[tokio::test(start_paused = true)]
async fn a_plan_with_nothing_to_do_asks_little() {
    let world = World::new();
    let mut session = world.session(example("staging"));
    trim_agent(&mut session);
    apply(&session).await;
    let (requests_before, changes_before) =
        (aws_requests(&world), world.sandbox.faults().changes());
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert!(planned.plan.is_empty());
    let count = total(&aws_requests(&world)) - total(&requests_before);
    assert!(
        count <= MOST,
        "{count} requests: {:#?}",
        aws_requests(&world)
    );
    assert_eq!(
        world.sandbox.faults().changes(),
        changes_before,
        "planning changes nothing"
    );
}

/// What was asked of AWS so far: service, operation and how often.
fn aws_requests(world: &World) -> Vec<(String, String, u64)> {
    let requests = world.sandbox.faults().requests().into_iter();
    let of_aws = requests.filter(|(service, ..)| service != "kubernetes");
    of_aws
        .map(|(service, operation, count)| (service.to_string(), operation.to_string(), count))
        .collect()
}

fn total(requests: &[(String, String, u64)]) -> u64 {
    requests.iter().map(|(.., count)| count).sum()
}
