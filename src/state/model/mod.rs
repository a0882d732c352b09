//! Every order in which two runs can go about one environment, tried out on the code that they run: the store, the lock,
//! the lease and the journal's writer are the real ones, on a clock and a network that the search moves by hand.
//!
//! Whatever a run waits for is a gate: its next look at a place, the moment at which a write takes effect, its answer,
//! the end of a sleep. The search opens one gate after the other, in every order.

mod local;
mod search;
mod shared;
mod stepped;

use std::collections::hash_map::DefaultHasher;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::state::Fence;

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Point {
    /// A read is answered with what is there at that moment.
    Look,
    /// A write takes effect.
    Effect,
    /// Its answer arrives.
    Answer,
    /// A change in the cloud is done.
    Change,
    /// A sleep is over, if it is that late.
    Wake(Duration),
}

impl Point {
    fn may_be_lost(self) -> bool {
        matches!(self, Self::Effect | Self::Answer)
    }
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    Passes,
    /// It never arrives.
    IsLost,
}

struct Gate {
    run: usize,
    point: Point,
    /// Whether it stays shut while the run goes on with what else it does.
    delayed: bool,
    fate: Option<Fate>,
}

/// One run, as the others and the invariants see it.
#[derive(Default)]
struct Run {
    fence: Fence,
    /// The number of its lease once it may change something.
    holds: Option<u64>,
    /// Since when a change of its is under way.
    changing: Option<Duration>,
    ended: bool,
    /// Whether it did all that it was to do.
    done: bool,
    seen: DefaultHasher,
}

/// The one world of all runs.
#[derive(Default)]
struct World {
    now: Duration,
    gates: Vec<Option<Gate>>,
    runs: Vec<Run>,
    /// How long a change that was asked for may take.
    grace: Duration,
    /// While the invariants are looked at, which no run sees.
    is_judged: bool,
    /// What must never be.
    broken: Option<String>,
}

type Shared = Arc<Mutex<World>>;

fn locked(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().expect("nobody panicked")
}

/// Waits until the search opens this gate.
struct AtGate {
    world: Shared,
    run: usize,
    point: Point,
    number: Option<usize>,
}

fn gate(world: &Shared, run: usize, point: Point) -> AtGate {
    let world = Arc::clone(world);
    AtGate {
        world,
        run,
        point,
        number: None,
    }
}

impl Future for AtGate {
    type Output = Fate;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Fate> {
        let (run, point) = (self.run, self.point);
        let world = Arc::clone(&self.world);
        let mut world = locked(&world);
        let Some(number) = self.number else {
            self.number = Some(world.gates.len());
            world.gates.push(Some(Gate {
                run,
                point,
                delayed: false,
                fate: None,
            }));
            return Poll::Pending;
        };
        let Some(fate) = world.gates[number].as_ref().and_then(|gate| gate.fate) else {
            return Poll::Pending;
        };
        world.gates[number] = None;
        (point, fate).hash(&mut world.runs[run].seen);
        Poll::Ready(fate)
    }
}

impl Drop for AtGate {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            locked(&self.world).gates[number] = None;
        }
    }
}

impl World {
    /// A run begins to change something in the cloud: what another had asked for must be over.
    fn begin_change(&mut self, run: usize) {
        let others = self.runs.iter().enumerate();
        let mut at_it = others.filter(|(other, at)| {
            let since = at.changing.filter(|since| self.now < *since + self.grace);
            *other != run && since.is_some()
        });
        if let Some((other, _)) = at_it.next() {
            self.broken = Some(format!("{run} changes something while {other} does"));
        }
        if self.is_overtaken(run) {
            self.broken = Some(format!("{run} changes something after it was overtaken"));
        }
        self.runs[run].changing = Some(self.now);
    }

    /// A run's state was written: nobody may hold a later lease by then.
    fn written(&mut self, run: usize) {
        if self.is_overtaken(run) {
            self.broken = Some(format!("{run} wrote the state after it was overtaken"));
        }
    }

    /// Whether another may change something by now. Who is only taking the lease makes what others have seen void, which
    /// is no harm.
    fn is_overtaken(&self, run: usize) -> bool {
        let ours = self.runs[run].holds;
        let latest = self.runs.iter().filter_map(|run| run.holds).max();
        ours.is_some() && ours < latest
    }
}
