//! Waiting: until a resource is as the file says, or until it is gone. Every wait has a deadline.

use std::time::Duration;

use super::act::Work;
use super::error::ActError;
use crate::cloud::{Retry, retry, retry_change};
use crate::event::Event;
use crate::observe::VISIBILITY;
use crate::plan::{Verb, changes};
use crate::resources::{Condition, Observed, Outcome};

/// How long a resource may stay in one state: the longest of AWS's own waiters (FACTS §1, node groups).
const PATIENCE: Duration = Duration::from_secs(40 * 60);

/// How long a Kubernetes object may be on its way out: whoever clears finalizers does so within minutes, or not at all.
const HELD: Duration = Duration::from_secs(15 * 60);

/// How long a resource may read as failed after its deletion was accepted, or while what was found failed recovers.
const STALE_FAILURE: Duration = Duration::from_secs(60);

/// How often changes of the same fields are sent before we say that they do not take. Some take several: EKS goes
/// up one minor version at a time.
const CHANGES_SENT: u32 = 8;

/// The longest wait between two changes of the same fields.
const LONGEST_DOUBT: Duration = Duration::from_secs(15);

/// How long a resource may be on its way before we ask what keeps it, and how long between two such questions. Nodes join
/// within three minutes (FACTS §1), and what is told twice in a row is no moment's state.
const HINDERED_AFTER: Duration = Duration::from_secs(200);
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(30);

/// How long a read is tried again.
const READ_BOUND: Duration = Duration::from_secs(120);

/// How long to wait before looking again: a fortieth of what has passed, so that polling adds little to any
/// wait and asks seldom in long ones.
fn pause(waited: Duration) -> Duration {
    (waited / 40).clamp(Duration::from_secs(1), Duration::from_secs(10))
}

/// How long to wait after so many changes before looking whether they took: what is read may come from a copy that has
/// not heard of them, and all these times together outlast that.
fn doubt(sent: u32) -> Duration {
    LONGEST_DOUBT.min(Duration::from_secs(1 << sent.saturating_sub(2)))
}

/// Reads until it is ready, changes what differs, and returns it as it then is.
pub(super) async fn converge(work: &Work<'_>, id: &str) -> Result<Observed, ActError> {
    let clock = &work.job.cloud.clock;
    let mut waited = Duration::ZERO;
    let mut in_this_state = Duration::ZERO;
    let mut sent = 0;
    let mut last_state = String::new();
    let mut begun = None;
    let mut hindrance = Hindrance::default();
    loop {
        let mut doubting = Duration::ZERO;
        let state = match read(work, id).await? {
            None if waited >= VISIBILITY => return Err(ActError::Vanished),
            None => "not visible yet".to_owned(),
            Some(observed) => match &observed.condition {
                Condition::Deleting => {
                    return Err(ActError::Broken("being deleted by someone else".to_owned()));
                }
                Condition::Failed(why) if !is_mended_by_change(work, &observed) => {
                    if is_new(work) || waited >= STALE_FAILURE {
                        return Err(ActError::Broken(why.clone()));
                    }
                    why.clone()
                }
                Condition::Settling(state) if !is_mended_by_change(work, &observed) => {
                    hindrance.ask(work, id, waited).await?;
                    state.clone()
                }
                _ if is_under_way(work, id, begun.as_deref()).await? => "updating".to_owned(),
                Condition::Ready | Condition::Settling(_) | Condition::Failed(_) => {
                    let differing = differing(work, &observed);
                    if differing.is_empty() {
                        return Ok(observed);
                    }
                    if sent >= CHANGES_SENT {
                        return Err(ActError::Stubborn { fields: differing });
                    }
                    sent += 1;
                    begun = change(work, &observed, &differing).await?;
                    if sent == 1 {
                        continue;
                    }
                    doubting = doubt(sent);
                    format!("changing {}", differing.join(", "))
                }
            },
        };
        if state != last_state {
            let address = work.action.address.clone();
            work.job.listener.hear(&Event::Waiting {
                address,
                state: state.clone(),
            });
            last_state = state;
            in_this_state = Duration::ZERO;
        }
        if in_this_state >= PATIENCE {
            return Err(ActError::Slow {
                state: last_state,
                seconds: waited.as_secs(),
            });
        }
        if waited.is_zero() {
            // The id of what is waited for is durable.
            work.job.journal.settle().await?;
        }
        let pause = doubting + pause(waited);
        clock.sleep(pause).await;
        waited += pause;
        in_this_state += pause;
    }
}

/// What keeps a resource from getting ready, as far as it was asked.
#[derive(Default)]
struct Hindrance {
    asked: Option<Duration>,
    told: Option<String>,
}

impl Hindrance {
    /// Asks, if it is time to, and ends the wait when the same is told twice in a row. An answer that does not come is
    /// none: the service itself will tell in the end.
    async fn ask(&mut self, work: &Work<'_>, id: &str, waited: Duration) -> Result<(), ActError> {
        let next = self
            .asked
            .map_or(HINDERED_AFTER, |asked| asked + BETWEEN_QUESTIONS);
        if waited < next {
            return Ok(());
        }
        self.asked = Some(waited);
        let order = work.order();
        let told = work.kind.hindrance(work.job.cloud, &order, id).await;
        let told = told.unwrap_or_default();
        match (told, self.told.take()) {
            (Some(told), Some(before)) if told == before => Err(ActError::Hindered(told)),
            (told, _) => {
                self.told = told;
                Ok(())
            }
        }
    }
}

/// Whether this action makes the resource, so that nothing it says can be from before.
fn is_new(work: &Work<'_>) -> bool {
    matches!(work.action.verb, Verb::Create | Verb::Replace)
}

/// Whether what is not ready gets a change at once, instead of being waited for.
fn is_mended_by_change(work: &Work<'_>, observed: &Observed) -> bool {
    work.kind.changes_unready() && !differing(work, observed).is_empty()
}

/// The fields in which the resource is not yet as the order says. A new one has nothing to drift from.
fn differing(work: &Work<'_>, observed: &Observed) -> Vec<String> {
    // Everything is resolved by now, so there is nothing to look up and nothing that goes away.
    let found = changes(
        work.kind.fields(),
        &work.fields,
        &observed.fields,
        None,
        &|_, _| None,
        &|_| false,
    );
    // Of what was adopted only the record is new: the plan showed no change, so none is made.
    if work.action.verb == Verb::Adopt {
        Vec::new()
    } else {
        found.into_iter().map(|change| change.field).collect()
    }
}

/// Sends a change; gives the id of what the service then goes on with, if it does.
async fn change(
    work: &Work<'_>,
    observed: &Observed,
    fields: &[String],
) -> Result<Option<String>, ActError> {
    let clock = work.job.cloud.clock.as_ref();
    retry_change(clock, Retry::Idempotent, || async {
        work.kind
            .begin_update(work.job.cloud, &work.order(), observed, fields)
            .await
    })
    .await
    .map_err(|source| ActError::Cloud {
        doing: "changing it",
        source,
    })
}

/// Whether the service still goes on with the update that was begun last.
async fn is_under_way(work: &Work<'_>, id: &str, begun: Option<&str>) -> Result<bool, ActError> {
    let Some(update) = begun else {
        return Ok(false);
    };
    let clock = work.job.cloud.clock.as_ref();
    let outcome = retry(clock, Retry::Idempotent, READ_BOUND, || async {
        work.kind.outcome(work.job.cloud, id, update).await
    });
    match outcome.await {
        Ok(Outcome::UnderWay) => Ok(true),
        Ok(Outcome::Done) => Ok(false),
        Ok(Outcome::Failed(why)) => Err(ActError::CameToNothing(why)),
        Err(source) => Err(ActError::Cloud {
            doing: "asking what became of its change",
            source,
        }),
    }
}

async fn read(work: &Work<'_>, id: &str) -> Result<Option<Observed>, ActError> {
    let clock = work.job.cloud.clock.as_ref();
    let read = retry(clock, Retry::Idempotent, READ_BOUND, || async {
        work.kind.read(work.job.cloud, &work.order(), id).await
    });
    match read.await {
        Ok(found) => Ok(found),
        Err(fault) if fault.is_absent() => Ok(None),
        Err(source) => Err(ActError::Cloud {
            doing: "reading it",
            source,
        }),
    }
}

/// How long what goes in waves is left alone between two looks: each look asks many services.
const BETWEEN_WAVES: Duration = Duration::from_secs(3);

/// Returns once the resource is no longer there.
pub(super) async fn wait_gone(work: &Work<'_>, id: &str) -> Result<(), ActError> {
    let mut waited = Duration::ZERO;
    let mut told = Vec::new();
    loop {
        let Some(observed) = read(work, id).await? else {
            return Ok(());
        };
        if let Condition::Failed(why) = &observed.condition
            && waited >= STALE_FAILURE
        {
            return Err(ActError::Broken(why.clone()));
        }
        let parts = work.kind.parts(&observed.fields);
        let in_waves = work.kind.goes_in_waves();
        let is_held = work.kind.lives_in_cluster() && !in_waves && !parts.is_empty();
        if waited >= (if is_held { HELD } else { PATIENCE }) {
            let (seconds, named) = (waited.as_secs(), parts.join(", "));
            if is_held {
                return Err(ActError::Held {
                    parts: named,
                    seconds,
                });
            }
            let state = if parts.is_empty() {
                "there".to_owned()
            } else {
                format!("there, with {named}")
            };
            return Err(ActError::Slow { state, seconds });
        }
        let mut pause = pause(waited);
        tell_parts(work, &mut told, parts);
        if in_waves {
            pause = pause.max(BETWEEN_WAVES);
            if observed.condition == Condition::Ready {
                work.send_delete(id).await?;
            }
        }
        work.job.cloud.clock.sleep(pause).await;
        waited += pause;
    }
}

/// Lets the listener know what is waited for, once for each change.
fn tell_parts(work: &Work<'_>, told: &mut Vec<String>, parts: Vec<String>) {
    if *told != parts && !parts.is_empty() {
        work.job.listener.hear(&Event::Waiting {
            address: work.action.address.clone(),
            state: format!("waiting for {}", parts.join(", ")),
        });
        *told = parts;
    }
}
