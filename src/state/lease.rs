//! The lease on an environment whose state is in a bucket: who may change it, and until when.
//!
//! Nobody compares clocks. The holder renews a heartbeat in an object of its own, and counts the lease from the moment
//! before it asked: a renewal whose answer comes after the lease ran out is none. Whoever waits counts from the moment
//! after it saw the heartbeat, so that it takes over only after the holder's own count has ended. Of two who take over
//! at once the bucket lets one through. What the last holder had asked for may still be under way: the next one waits
//! out the time of a request, makes every version of the state that the last one has seen void, and only then acts.

use std::time::Duration;

use futures::future::select;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fence::Overtaken;
use super::lock::{Holder, LockError};
use super::place::{Found, PlaceError, Version};
use super::store::{Store, StoreError};

/// The format that this version writes; a newer one is refused.
const FORMAT: u32 = 1;

/// The times of a lease, all of which follow from its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a holder that says nothing is taken for alive.
    pub length: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            length: Duration::from_secs(60),
        }
    }
}

impl Terms {
    /// From one heartbeat to the next: a little more than a quarter, so that there are never more than four a minute.
    fn beat(self) -> Duration {
        self.length * 4 / 15
    }

    /// By how much the holder's count ends earlier than that of who waits: more than two clocks differ by.
    fn margin(self) -> Duration {
        self.length / 6
    }

    /// From one look of who waits to the next.
    fn look(self) -> Duration {
        self.length / 12
    }

    /// How long the last holder's requests may be under way after its lease ran out.
    pub fn grace(self) -> Duration {
        self.length / 2
    }

    /// Until when the lease lasts for a holder that asked for it then.
    fn until(self, asked: Duration) -> Duration {
        asked + self.length - self.margin()
    }
}

/// The lease as it is kept. It stays when it is given back, so that its number only ever grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    format: u32,
    /// One more with every holder.
    fencing: u64,
    /// Of this holding of it, and no other.
    id: Uuid,
    /// The length that its holder counts with.
    milliseconds: u64,
    /// Who holds it, unless it was given back.
    holder: Option<Holder>,
}

impl Record {
    fn terms(&self) -> Terms {
        Terms {
            length: Duration::from_millis(self.milliseconds),
        }
    }
}

/// The heartbeat as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Heartbeat {
    fencing: u64,
    beat: u64,
}

/// A lease that is held. Somebody has to let its pulse beat all the while.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) title: Title,
    pub(super) pulse: Pulse,
}

/// What gives the lease back.
#[derive(Debug)]
pub(super) struct Title {
    store: Store,
    record: Record,
    version: Version,
}

/// What renews the lease.
#[derive(Debug)]
pub(super) struct Pulse {
    store: Store,
    terms: Terms,
    heartbeat: Heartbeat,
    /// What stands there, unless that became uncertain.
    over: Option<Version>,
    /// When the last renewal was asked for.
    asked: Duration,
    /// When changes may begin.
    from: Duration,
    until: Duration,
}

impl Lease {
    /// Whom the lease names.
    ///
    /// # Errors
    /// When the bucket fails.
    pub(super) async fn holder(store: &Store) -> Result<Option<Holder>, LockError> {
        let (_, record) = read_record(store).await?;
        Ok(record.holder)
    }

    /// Takes the lease for `holder`; bounds the store's fence by it. While another has it this waits, telling whom it waits for,
    /// unless `wait` is false.
    ///
    /// # Errors
    /// When another has it and nobody wants to wait, or the bucket fails.
    pub(super) async fn take(
        store: &Store,
        holder: &Holder,
        terms: Terms,
        wait: bool,
        told: &mut (dyn FnMut(&Holder) + Send),
    ) -> Result<Self, LockError> {
        let (uptime, fence) = (&store.uptime, &store.fence);
        let mut watched: Option<(Version, Version, Duration)> = None;
        let mut known = None;
        loop {
            let asked = uptime.now();
            let (found, last) = read_record(store).await?;
            let beat = store.read(&beat_name(store)).await.map_err(failed)?;
            let seen = uptime.now();
            if let Some(theirs) = &last.holder {
                if !wait {
                    return Err(LockError::Held {
                        environment: store.environment.clone(),
                        holder: Some(theirs.clone()),
                    });
                }
                if known != Some(last.id) {
                    told(theirs);
                    known = Some(last.id);
                }
                let (lease, beat) = (found.version.clone(), beat.version.clone());
                let since = match &watched {
                    Some((l, b, since)) if (l, b) == (&lease, &beat) => *since,
                    _ => seen,
                };
                watched = Some((lease, beat, since));
                if asked < since + last.terms().length {
                    uptime.sleep(last.terms().look()).await;
                    continue;
                }
            }
            let record = Record {
                format: FORMAT,
                fencing: last.fencing + 1,
                id: Uuid::new_v4(),
                milliseconds: u64::try_from(terms.length.as_millis()).unwrap_or(u64::MAX),
                holder: Some(holder.clone()),
            };
            let asked = uptime.now();
            let bytes = to_bytes(&record)?;
            let name = lease_name(store);
            let version = match store.write_bytes(&name, &bytes, &found.version).await {
                Ok(version) => version,
                Err(PlaceError::Moved { .. }) => continue,
                Err(error) => return Err(failed(error)),
            };
            let until = terms.until(asked);
            let overdue = last.holder.is_some();
            let grace = if overdue {
                last.terms().grace()
            } else {
                Duration::ZERO
            };
            let from = uptime.now() + grace;
            fence.bound(uptime, from, until);
            let mut lease = Self {
                pulse: Pulse {
                    store: store.clone(),
                    terms,
                    heartbeat: Heartbeat {
                        fencing: record.fencing,
                        beat: 0,
                    },
                    over: Some(beat.version),
                    asked,
                    from,
                    until,
                },
                title: Title {
                    store: store.clone(),
                    record,
                    version,
                },
            };
            if overdue {
                lease.pulse.beat_for(grace).await;
            }
            // Whoever was paused while it took the lease may have lost it by now, and has to take it again.
            if fence.check().is_err() {
                continue;
            }
            if overdue {
                store.shut_out_others().await?;
            }
            return Ok(lease);
        }
    }
}

impl Title {
    /// The number of this holding of the lease: later ones have greater numbers.
    #[cfg(test)]
    pub(super) fn fencing(&self) -> u64 {
        self.record.fencing
    }

    /// Gives the lease back, so that nobody has to wait until it runs out. Where that fails, it runs out.
    pub(super) async fn release(mut self) {
        self.store
            .fence
            .bound(&self.store.uptime, Duration::ZERO, Duration::ZERO);
        self.record.holder = None;
        if let Ok(bytes) = to_bytes(&self.record) {
            let name = lease_name(&self.store);
            drop(self.store.place.write(&name, &bytes, &self.version).await);
        }
    }
}

impl Pulse {
    /// Renews the lease until it can't be renewed any more.
    pub(super) async fn beat_on(&mut self) -> Overtaken {
        loop {
            let next = self.asked + self.terms.beat();
            let uptime = &self.store.uptime;
            uptime.sleep(next.saturating_sub(uptime.now())).await;
            if let Err(overtaken) = self.beat().await {
                return overtaken;
            }
        }
    }

    /// Renews the lease for so long, or until it can't be renewed any more.
    async fn beat_for(&mut self, time: Duration) {
        let uptime = std::sync::Arc::clone(&self.store.uptime);
        let beats = std::pin::pin!(self.beat_on());
        drop(select(beats, uptime.sleep(time)).await);
    }

    /// One heartbeat. One that does not arrive is no loss as long as another does in time.
    async fn beat(&mut self) -> Result<(), Overtaken> {
        let uptime = std::sync::Arc::clone(&self.store.uptime);
        self.asked = uptime.now();
        if self.asked >= self.until {
            return Err(Overtaken);
        }
        let name = beat_name(&self.store);
        // Until the answer is there nobody knows what stands there, also if nobody waits for it any more.
        let over = match self.over.take() {
            Some(over) => over,
            None => match self.store.place.read(&name).await {
                Ok(Found { bytes, version }) if !self.is_later(bytes.as_deref()) => version,
                Ok(_) => return Err(Overtaken),
                Err(_) => return Ok(()),
            },
        };
        self.heartbeat.beat += 1;
        let Ok(bytes) = to_bytes(&self.heartbeat) else {
            return Ok(());
        };
        let written = self.store.place.write(&name, &bytes, &over).await;
        // An answer that comes after the end of the lease may come from after another took it.
        if uptime.now() >= self.until {
            return Err(Overtaken);
        }
        if let Ok(version) = written {
            self.over = Some(version);
            self.until = self.terms.until(self.asked);
            self.store.fence.bound(&uptime, self.from, self.until);
        }
        Ok(())
    }

    /// Whether the heartbeat that stands there is of a later holder.
    fn is_later(&self, bytes: Option<&[u8]>) -> bool {
        let found = bytes.and_then(|bytes| serde_json::from_slice::<Heartbeat>(bytes).ok());
        found.is_some_and(|found| found.fencing > self.heartbeat.fencing)
    }
}

fn lease_name(store: &Store) -> String {
    format!("{}.lease.json", store.environment)
}

fn beat_name(store: &Store) -> String {
    format!("{}.heartbeat.json", store.environment)
}

fn failed(error: PlaceError) -> LockError {
    LockError::Store(StoreError::Place(error))
}

fn to_bytes(document: &impl Serialize) -> Result<Vec<u8>, LockError> {
    serde_json::to_vec_pretty(document).map_err(LockError::Unreadable)
}

/// The lease as it stands; one that was never held has the number 0.
async fn read_record(store: &Store) -> Result<(Found, Record), LockError> {
    let found = store.read(&lease_name(store)).await.map_err(failed)?;
    let record = match &found.bytes {
        Some(bytes) => serde_json::from_slice(bytes).map_err(LockError::Unreadable)?,
        None => Record {
            format: FORMAT,
            fencing: 0,
            id: Uuid::nil(),
            milliseconds: 0,
            holder: None,
        },
    };
    if record.format > FORMAT {
        return Err(LockError::Newer {
            found: record.format,
        });
    }
    Ok((found, record))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;
    use jiff::Timestamp;
    use object_store::memory::InMemory;
    use tokio::time::Instant;

    use super::*;
    use crate::clock::Uptime;
    use crate::cloud::ANSWERS_WITHIN;

    /// The paused clock of tokio, which moves only when every task waits, as a machine tells it whose own is so many
    /// times as fast.
    #[derive(Debug)]
    struct Paused(Instant, f64);

    #[async_trait]
    impl Uptime for Paused {
        fn now(&self) -> Duration {
            self.0.elapsed().mul_f64(self.1)
        }

        async fn sleep(&self, duration: Duration) {
            tokio::time::sleep(duration.div_f64(self.1)).await;
        }
    }

    /// The store in the bucket `objects`, on a machine whose clock is so many times as fast.
    fn store(objects: &Arc<InMemory>, fast: f64) -> Store {
        let whose = ["sandbox", "1", "demo"];
        let mut store = Store::shared(Arc::clone(objects) as _, "memory", "", whose);
        store.uptime = Arc::new(Paused(Instant::now(), fast));
        store
    }

    fn holder(pid: u32) -> Holder {
        Holder {
            pid,
            machine: None,
            operation: "apply".to_owned(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_heart_beats_at_most_four_times_a_minute_and_that_is_enough() {
        let store = store(&Arc::new(InMemory::new()), 1.0);
        let holder = holder(1);
        let mut told = |_: &Holder| {};
        let terms = Terms::default();
        let taken = Lease::take(&store, &holder, terms, false, &mut told).await;
        let mut lease = taken.expect("a lease that nobody holds");
        let minutes = 10;
        for minute in 1..=minutes {
            lease.pulse.beat_for(Duration::from_secs(60)).await;
            assert_eq!(store.fence.check(), Ok(()), "minute {minute}");
        }
        let kept = store.read(&beat_name(&store)).await.expect("a heartbeat");
        let kept = serde_json::from_slice::<Heartbeat>(&kept.bytes.expect("a heartbeat"));
        let beats = kept.expect("a heartbeat").beat;
        assert!((minutes..=4 * minutes).contains(&beats), "{beats} beats");
        lease.title.release().await;
        assert_eq!(store.fence.check(), Err(Overtaken));
    }

    /// The holder is cut off right after a heartbeat, on a machine whose clock is slow, and who waits has a fast one. A
    /// request that the holder sends at the last moment is given up before the next one may begin.
    #[tokio::test(start_paused = true)]
    async fn whoever_takes_over_outwaits_what_the_last_holder_sent() {
        let (slow, fast) = (0.95, 1.05);
        let objects = Arc::new(InMemory::new());
        let last = store(&objects, slow);
        let next = store(&objects, fast);
        let terms = Terms::default();
        let mut told = |_: &Holder| {};
        let taken = Lease::take(&last, &holder(1), terms, true, &mut told).await;
        let mut lease = taken.expect("a lease that nobody holds");
        lease.pulse.beat_for(Duration::from_secs(100)).await;
        let begun = Instant::now();
        let sent = async {
            while last.fence.check().is_ok() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            begun.elapsed()
        };
        let mut told = |_: &Holder| {};
        let (waiting, wanting) = (holder(2), true);
        let taken = Lease::take(&next, &waiting, terms, wanting, &mut told);
        let (sent, taken) = tokio::join!(sent, async {
            let taken = taken.await;
            (taken.expect("a lease that ran out"), begun.elapsed())
        });
        assert_eq!(next.fence.check(), Ok(()));
        let given_up = sent + ANSWERS_WITHIN.div_f64(slow);
        assert!(given_up < taken.1, "{given_up:?}, {:?}", taken.1);
    }
}
