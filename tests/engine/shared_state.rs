//! A state in a bucket: how often it is written, and that the life of an environment is the same with it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use groundwork::address::Address;
use groundwork::ops::Planned;
use groundwork::plan::Goal;
use groundwork::state::Store;
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};

use crate::bench::session_on;
use crate::common::{World, carry_out, destroy, example};

/// How long S3 takes for a write.
const TAKES: Duration = Duration::from_millis(80);

/// The longest chain of resources each of which waits for the one before.
fn levels(planned: &Planned) -> usize {
    let mut levels: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut waiting: BTreeSet<&Address> = planned.desired.keys().collect();
    while !waiting.is_empty() {
        let free: Vec<&Address> = waiting
            .iter()
            .filter(|address| {
                let mut firsts = planned.desired[**address].depends_on.iter();
                firsts.all(|first| !waiting.contains(first))
            })
            .copied()
            .collect();
        for address in free {
            let firsts = planned.desired[address].depends_on.iter();
            let below = firsts.filter_map(|first| levels.get(first)).max();
            let level = below.map_or(1, |below| below + 1);
            levels.insert(address, level);
            waiting.remove(address);
        }
    }
    levels.into_values().max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn staging_is_written_at_most_three_times_for_each_level() {
    let world = World::new();
    let mut session = session_on(&world, example("staging"));
    let takes = ThrottleConfig {
        wait_get_per_call: TAKES,
        wait_put_per_call: TAKES,
        wait_list_per_call: TAKES,
        wait_delete_per_call: TAKES,
        ..ThrottleConfig::default()
    };
    let objects = Arc::new(ThrottledStore::new(InMemory::new(), takes));
    let whose = ["sandbox", "123456789012", "staging"];
    session.store = Store::shared(objects, "s3://memory", "environments", whose);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let levels = levels(&planned);
    let report = carry_out(&session, &planned).await;
    let writes = usize::try_from(report.state_writes).expect("a number");
    let resources = planned.desired.len();
    let told = format!(
        "staging: {writes} writes of its state for {levels} levels of {resources} resources"
    );
    // Unlike `println!` also where the test passes; where nobody can be told, what is asserted still holds.
    drop(writeln!(std::io::stdout(), "{told}"));
    assert!(writes <= 3 * levels, "{told}");
    let again = session.plan(Goal::Apply).await.expect("a plan");
    assert!(again.plan.is_empty());
    destroy(&session).await;
    assert_eq!(session.store.load().await.expect("a bucket"), None);
}
