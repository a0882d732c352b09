//! Two runs on one bucket, either of which may be paused, cut off, or die.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use jiff::Timestamp;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path;

use super::search::{Bounds, Mischief, Play, Process, search};
use super::stepped::{ByHand, Stepped, without_ids};
use super::{Point, Run, Shared, World, gate, locked};
use crate::state::journal::Writer;
use crate::state::lease::{Lease, Terms};
use crate::state::lock::Holder;
use crate::state::store::Store;
use crate::state::{Outcome, State, Stopped, Transition};

/// The third run is the one that finds the others dead, or stopped for good.
const SUCCESSOR: usize = 2;

/// What each run does: so often it writes its state and changes something.
const STEPS: usize = 2;

/// So long runs wait at most for a moment that has come.
const TICK: Duration = Duration::from_secs(20);

const OBJECTS: [&str; 3] = ["demo.json", "demo.lease.json", "demo.heartbeat.json"];

/// What one run does: it takes the lease, and then writes its state and changes something, in turn.
async fn run(world: Shared, number: usize, store: Store, terms: Terms) {
    let fence = store.fence.clone();
    let holder = Holder {
        pid: u32::try_from(number).unwrap_or_default(),
        machine: None,
        operation: "apply".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    let mut told = |_: &Holder| {};
    let taken = Lease::take(&store, &holder, terms, true, &mut told).await;
    let Ok(mut lease) = taken else {
        return;
    };
    {
        let mut world = locked(&world);
        let latest = world.runs.iter().filter_map(|run| run.holds).max();
        let fencing = lease.title.fencing();
        if latest >= Some(fencing) {
            world.broken = Some(format!(
                "{number} holds the lease with the number of another"
            ));
        }
        world.runs[number].holds = Some(fencing);
    }
    let work = async {
        let Ok(found) = store.load().await else {
            return;
        };
        let state = found.unwrap_or_else(|| {
            State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH)
        });
        let Ok(version) = store.version_of(&state).await else {
            return;
        };
        let mut writer = Writer::new(store.clone(), version, state);
        for step in 0..STEPS {
            let mut next = writer.durable();
            next.serial += 1;
            let end = Transition::End(Outcome {
                operation: number.to_string(),
                at: Timestamp::UNIX_EPOCH,
                complete: true,
            });
            next.record(end).expect("a step that follows");
            let current = || {
                let world = locked(&world);
                let ours = world.runs[number].holds;
                world.runs.iter().all(|run| run.holds <= ours)
            };
            match writer.write(next).await {
                Ok(()) => {}
                Err(error) => {
                    // Only whoever was overtaken is refused; what is lost is tried again.
                    if matches!(error, Stopped::Store(_)) && current() {
                        locked(&world).broken = Some(format!("{number} was refused: {error:?}"));
                    }
                    return;
                }
            }
            if fence.check().is_err() {
                return;
            }
            locked(&world).begin_change(number);
            gate(&world, number, Point::Change).await;
            locked(&world).runs[number].changing = None;
            if step + 1 < STEPS {
                // Longer than the lease would last without its heartbeats.
                store.uptime.sleep(terms.length + TICK).await;
            }
        }
        locked(&world).runs[number].done = true;
    };
    let done = match select(Box::pin(work), Box::pin(lease.pulse.beat_on())).await {
        Either::Left(_) => true,
        Either::Right(_) => false,
    };
    if done {
        lease.title.release().await;
    }
}

fn begin(terms: Terms, bounds: Bounds) -> Play {
    let objects = Arc::new(InMemory::new());
    let world: Shared = Arc::new(Mutex::new(World {
        grace: terms.grace(),
        ..World::default()
    }));
    let processes = (0..=SUCCESSOR).map(|number| {
        locked(&world).runs.push(Run::default());
        let mut store = Store::shared(objects.clone(), "memory", "", ["sandbox", "1", "demo"]);
        store.place = Arc::new(Stepped {
            world: Arc::clone(&world),
            run: number,
            inner: store.place,
            tags: true,
        });
        store.uptime = Arc::new(ByHand {
            world: Arc::clone(&world),
            run: number,
        });
        store.fence = locked(&world).runs[number].fence.clone();
        let process = run(Arc::clone(&world), number, store, terms);
        Box::pin(process) as Process
    });
    let processes = processes.collect();
    let rest = move || {
        let text = OBJECTS.map(|name| {
            let path = Path::from(format!("sandbox/1/{name}"));
            let object = objects.get(&path).now_or_never().and_then(Result::ok);
            let bytes = object.and_then(|object| object.bytes().now_or_never());
            bytes.and_then(Result::ok).map(|bytes| without_ids(&bytes))
        });
        format!("{text:?}")
    };
    Play::new(world, processes, bounds, rest)
}

/// Whatever goes wrong so often, two runs never meet, and a third one that finds them dead, or stopped for good, comes to
/// its end.
fn survives(most: Mischief, until: u32) {
    let terms = Terms::default();
    let until = TICK * until;
    let bounds = Bounds {
        tick: TICK,
        until,
        most,
    };
    let (points, ends) = search(
        || begin(terms, bounds),
        |play| {
            // Its look, the lease of a dead one, its requests, its own work, and what all that waits for the next tick.
            let patience = terms.length * 3 + terms.grace() + TICK * 8;
            play.alone(SUCCESSOR, patience)
        },
    );
    assert!(ends > 100, "{points} points, {ends} ends");
}

#[test]
fn two_runs_never_meet_when_one_is_stopped() {
    let most = Mischief {
        stops: 1,
        ..Mischief::default()
    };
    survives(most, 9);
}

#[test]
fn nor_when_a_request_is_slow() {
    let most = Mischief {
        delays: 1,
        ..Mischief::default()
    };
    survives(most, 9);
}

#[test]
fn nor_when_a_request_or_its_answer_is_lost() {
    let most = Mischief {
        losses: 1,
        ..Mischief::default()
    };
    survives(most, 9);
}
