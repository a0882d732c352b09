//! The example environments come up, are changed, and go down to nothing.

use crate::common::{World, apply, destroy, example};
use groundwork::plan::Goal;

async fn comes_up_and_goes_down(name: &str) {
    let world = World::new();
    let session = world.session(example(name));
    let report = apply(&session).await;
    assert!(report.done > 20, "only {} actions", report.done);

    let again = session.plan(Goal::Apply).await.unwrap();
    assert!(
        again.plan.is_empty(),
        "a second apply would do: {:#?}",
        again.plan.work().collect::<Vec<_>>()
    );

    destroy(&session).await;
    let gone = session.plan(Goal::Destroy).await.unwrap();
    assert!(
        gone.plan.is_empty(),
        "a second destroy would do: {:#?}",
        gone.plan.work().collect::<Vec<_>>()
    );
    assert_eq!(session.store.load().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn demo_comes_up_and_goes_down() {
    comes_up_and_goes_down("demo").await;
}

#[tokio::test(start_paused = true)]
async fn staging_comes_up_and_goes_down() {
    comes_up_and_goes_down("staging").await;
}
