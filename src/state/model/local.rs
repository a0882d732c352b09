//! Two runs on one folder, either of which may be paused or die.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use super::search::{Bounds, Mischief, Play, Process, search};
use super::stepped::{ByHand, Stepped, without_ids};
use super::{Point, Run, Shared, World, gate, locked};
use crate::state::lease::Terms;
use crate::state::lock::Holder;
use crate::state::store::Store;
use crate::state::{Outcome, State, Transition};

/// What one run does: it takes the lock, writes its state, and changes something.
async fn run(world: Shared, number: usize, store: Store) {
    let holder = Holder {
        pid: u32::try_from(number).unwrap_or_default(),
        machine: None,
        operation: "apply".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    let claim = store.claim(&holder, Terms::default(), true, |_| {});
    let claim = claim.await.expect("a lock");
    locked(&world).runs[number].holds = Some(0);
    let state = store.load().await.expect("a state that can be read");
    let mut state = state
        .unwrap_or_else(|| State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH));
    state.serial += 1;
    let end = Transition::End(Outcome {
        operation: number.to_string(),
        at: Timestamp::UNIX_EPOCH,
        complete: true,
    });
    state.record(end).expect("a step that follows");
    store
        .save(&state)
        .await
        .expect("whoever holds the lock writes");
    locked(&world).begin_change(number);
    gate(&world, number, Point::Change).await;
    locked(&world).runs[number].changing = None;
    locked(&world).runs[number].holds = None;
    locked(&world).runs[number].done = true;
    claim.release().await;
}

fn begin(folder: &Path, bounds: Bounds) -> Play {
    let world: Shared = Arc::new(Mutex::new(World::default()));
    let kept = Store::local(folder, "sandbox", "1", "demo");
    // What an earlier repetition left.
    drop(std::fs::remove_dir_all(folder));
    let processes = (0..3).map(|number| {
        locked(&world).runs.push(Run::default());
        let mut store = kept.clone();
        store.place = Arc::new(Stepped {
            world: Arc::clone(&world),
            run: number,
            inner: store.place,
            tags: false,
        });
        store.uptime = Arc::new(ByHand {
            world: Arc::clone(&world),
            run: number,
        });
        store.fence = locked(&world).runs[number].fence.clone();
        let process = run(Arc::clone(&world), number, store);
        Box::pin(process) as Process
    });
    let processes = processes.collect();
    let file = kept.file().expect("a folder");
    Play::new(world, processes, bounds, move || {
        std::fs::read(&file).map_or_else(|_| String::new(), |b| without_ids(&b))
    })
}

#[test]
fn two_runs_never_meet_and_a_dead_one_is_succeeded_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tick = Duration::from_millis(250);
    let bounds = Bounds {
        tick,
        until: tick * 2,
        most: Mischief {
            stops: 2,
            deaths: 2,
            ..Mischief::default()
        },
    };
    let start = || begin(&folder.path().join("state"), bounds);
    let (points, ends) = search(start, |play| {
        // Nobody takes the lock of a run that is only paused; the death of the others frees it.
        play.kill(0);
        play.kill(1);
        play.alone(2, tick * 2)
    });
    assert!(ends > 20, "{points} points, {ends} ends");
}
