//! Misbehaviour on demand: what networks and clouds do to their clients, seeded and therefore repeatable.
//!
//! Both APIs ask here before they answer. What befalls a request depends only on the seed, on its operation
//! and on how many of that operation came before it, so a failing seed fails again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::store::Effect;
use super::world::World;

/// What shall go wrong. The default is a world without faults.
#[derive(Clone, Debug, Default)]
pub struct Misbehaviour {
    /// Chooses the requests that are hit.
    pub seed: u64,
    /// The longest that a request is held up; each waits for a part of it.
    pub latency: Duration,
    /// How many of a thousand requests are throttled.
    pub throttled: u16,
    /// How many of a thousand requests are answered with a server error, without effect.
    pub server_errors: u16,
    /// How many of a thousand requests are lost before they have an effect.
    pub dropped_requests: u16,
    /// How many of a thousand replies are lost after the effect.
    pub dropped_replies: u16,
    /// How many of a thousand requests have their effect and are never answered.
    pub unanswered: u16,
    /// How far behind the services are that answer from copies: each request meets one that lags by a part of it.
    pub lag: Duration,
    /// Where the world falls silent for good.
    pub stop: Option<Stop>,
    /// Operations that read and always fail with a server error.
    pub failing_reads: BTreeSet<String>,
    /// Operations that are accepted and then come to nothing: updates of EKS, and creations of what takes AWS minutes.
    pub failing_later: BTreeSet<String>,
    /// Operations that read and are late: they tell of the world as it was at the first request after `set`.
    pub late_reads: BTreeSet<String>,
}

/// The moment at which every connection dies, counted in requests that change something: the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// That change never arrives.
    Before(u64),
    /// That change happens, its reply is lost.
    After(u64),
}

/// What happens to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// A number that no other request of this run has; the base of its request id.
    pub number: u64,
    /// How long it takes to arrive.
    pub delay: Duration,
    /// How old the copy of the world is that it meets.
    pub behind: Duration,
    /// And then.
    pub outcome: Outcome,
}

/// The ways in which a request can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is answered.
    Serve,
    /// It has its effect, but the connection dies before the reply.
    DropReply,
    /// The connection dies before the effect.
    DropRequest,
    /// It is refused as one too many.
    Throttle,
    /// It is answered with a server error, without effect.
    ServerError,
    /// It has its effect, and the connection stays open without a word.
    Silence,
}

/// Services that answer from copies which are not always up to date (FACTS §4).
const LAGGING: [&str; 4] = ["ec2", "iam", "tagging", "elasticloadbalancing"];

/// The connection died: the client gets no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox dropped the connection, as its faults were told to")]
pub struct Disconnected;

/// The faults of one sandbox and its count of requests; clones share both.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    misbehaviour: Misbehaviour,
    /// The world of which late reads tell.
    past: Option<Arc<World>>,
    requests: BTreeMap<(String, String), u64>,
    number: u64,
    changes: u64,
}

impl Faults {
    /// Misbehaves like this from now on: changes count from here, and a world that had stopped answers again.
    pub fn set(&self, misbehaviour: Misbehaviour) {
        let mut inner = self.lock();
        inner.misbehaviour = misbehaviour;
        inner.past = None;
        inner.changes = 0;
    }

    /// Counts a request and decides what happens to it.
    pub fn judge(&self, service: &str, operation: &str, effect: Effect) -> Verdict {
        self.lock().judge(service, operation, effect)
    }

    /// The world of which `operation` tells, if that is not the world as it is.
    pub fn past(&self, operation: &str, world: &World) -> Option<World> {
        let mut inner = self.lock();
        if inner.misbehaviour.late_reads.is_empty() {
            return None;
        }
        let past = inner.past.get_or_insert_with(|| Arc::new(world.clone()));
        let past = Arc::clone(past);
        let late = inner.misbehaviour.late_reads.contains(operation);
        late.then(|| World::clone(&past))
    }

    /// Whether what `operation` begins is to fail later.
    pub fn fails_later(&self, operation: &str) -> bool {
        self.lock().misbehaviour.failing_later.contains(operation)
    }

    /// The requests since the start: service, operation and how many, sorted.
    pub fn requests(&self) -> Vec<(String, String, u64)> {
        let inner = self.lock();
        let rows = inner.requests.iter();
        rows.map(|((service, operation), count)| (service.clone(), operation.clone(), *count))
            .collect()
    }

    /// The requests that change something, since the last `set`.
    pub fn changes(&self) -> u64 {
        self.lock().changes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn judge(&mut self, service: &str, operation: &str, effect: Effect) -> Verdict {
        self.number += 1;
        let key = (service.to_owned(), operation.to_owned());
        let count = self.requests.entry(key).or_default();
        *count += 1;
        let mut dice = Dice::new(self.misbehaviour.seed, service, operation, *count);
        let delay = self.misbehaviour.latency.mul_f64(dice.fraction());
        if effect == Effect::Changes {
            self.changes += 1;
        }
        let outcome = self
            .stopped(effect)
            .unwrap_or_else(|| self.chance(operation, effect, &mut dice));
        let lags = LAGGING.contains(&service);
        let behind = lags.then(|| self.misbehaviour.lag.mul_f64(dice.fraction()));
        Verdict {
            number: self.number,
            delay,
            behind: behind.unwrap_or_default(),
            outcome,
        }
    }

    /// What the stop does to this request, the newest; nothing before its moment.
    fn stopped(&self, effect: Effect) -> Option<Outcome> {
        let (last, at_last) = match self.misbehaviour.stop? {
            Stop::Before(change) => (change, Outcome::DropRequest),
            Stop::After(change) => (change, Outcome::DropReply),
        };
        match (self.changes.cmp(&last), effect) {
            (std::cmp::Ordering::Less, _) => None,
            (std::cmp::Ordering::Equal, Effect::Changes) => Some(at_last),
            (std::cmp::Ordering::Equal | std::cmp::Ordering::Greater, _) => {
                Some(Outcome::DropRequest)
            }
        }
    }

    fn chance(&self, operation: &str, effect: Effect, dice: &mut Dice) -> Outcome {
        let wanted = &self.misbehaviour;
        if effect == Effect::Reads && wanted.failing_reads.contains(operation) {
            return Outcome::ServerError;
        }
        let mut roll = dice.thousandth();
        for (share, outcome) in [
            (wanted.throttled, Outcome::Throttle),
            (wanted.server_errors, Outcome::ServerError),
            (wanted.dropped_requests, Outcome::DropRequest),
            (wanted.dropped_replies, Outcome::DropReply),
            (wanted.unanswered, Outcome::Silence),
        ] {
            if roll < share {
                return outcome;
            }
            roll -= share;
        }
        Outcome::Serve
    }
}

/// Random numbers that depend on nothing but the seed and the request.
struct Dice {
    digest: [u8; 32],
    used: usize,
}

impl Dice {
    fn new(seed: u64, service: &str, operation: &str, count: u64) -> Self {
        let text = format!("{seed} {service} {operation} {count}");
        Self {
            digest: Sha256::digest(text).into(),
            used: 0,
        }
    }

    fn word(&mut self) -> u16 {
        let at = self.used % self.digest.len();
        self.used += 2;
        u16::from_be_bytes([self.digest[at], self.digest[at + 1]])
    }

    fn fraction(&mut self) -> f64 {
        f64::from(self.word()) / f64::from(u16::MAX)
    }

    fn thousandth(&mut self) -> u16 {
        self.word() % 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(faults: &Faults, operation: &str, effect: Effect, count: usize) -> Vec<Outcome> {
        (0..count)
            .map(|_| faults.judge("ec2", operation, effect).outcome)
            .collect()
    }

    #[test]
    fn the_same_seed_hits_the_same_requests_and_another_seed_others() {
        let hits = |seed| {
            let faults = Faults::default();
            faults.set(Misbehaviour {
                seed,
                throttled: 200,
                dropped_replies: 100,
                ..Misbehaviour::default()
            });
            outcomes(&faults, "CreateVpc", Effect::Changes, 200)
        };
        assert_eq!(hits(1), hits(1));
        assert_ne!(hits(1), hits(2));
        let throttled = hits(1)
            .into_iter()
            .filter(|outcome| *outcome == Outcome::Throttle)
            .count();
        assert!((20..=60).contains(&throttled), "{throttled} of 200");
    }

    #[test]
    fn a_stop_is_final_on_either_side_of_the_change() {
        for (stop, at_two) in [
            (Stop::Before(2), Outcome::DropRequest),
            (Stop::After(2), Outcome::DropReply),
        ] {
            let faults = Faults::default();
            faults.set(Misbehaviour {
                stop: Some(stop),
                ..Misbehaviour::default()
            });
            let changes = outcomes(&faults, "CreateVpc", Effect::Changes, 1);
            let reads = outcomes(&faults, "DescribeVpcs", Effect::Reads, 1);
            assert_eq!(
                (changes, reads),
                (vec![Outcome::Serve], vec![Outcome::Serve])
            );
            let changes = outcomes(&faults, "CreateVpc", Effect::Changes, 2);
            assert_eq!(changes, [at_two, Outcome::DropRequest]);
            let reads = outcomes(&faults, "DescribeVpcs", Effect::Reads, 1);
            assert_eq!(reads, [Outcome::DropRequest]);

            faults.set(Misbehaviour::default());
            let changes = outcomes(&faults, "CreateVpc", Effect::Changes, 1);
            assert_eq!(changes, [Outcome::Serve]);
        }
    }

    #[test]
    fn failing_reads_fail_and_requests_are_counted() {
        let faults = Faults::default();
        faults.set(Misbehaviour {
            failing_reads: BTreeSet::from(["DescribeVpcs".to_owned()]),
            ..Misbehaviour::default()
        });
        let vpcs = outcomes(&faults, "DescribeVpcs", Effect::Reads, 2);
        assert_eq!(vpcs, [Outcome::ServerError; 2]);
        let subnets = outcomes(&faults, "DescribeSubnets", Effect::Reads, 1);
        assert_eq!(subnets, [Outcome::Serve]);
        let row = |operation: &str, count| ("ec2".to_owned(), operation.to_owned(), count);
        assert_eq!(
            faults.requests(),
            [row("DescribeSubnets", 1), row("DescribeVpcs", 2)]
        );
        assert_eq!(faults.changes(), 0);
    }
}
