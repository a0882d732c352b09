//! Calling again: jittered, capped backoff within a stated bound.

use std::future::Future;
use std::time::Duration;

use super::{Class, Fault};
use crate::clock::Clock;

/// Which failures are worth another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Throttling and what is not settled yet, but nothing whose effect is uncertain.
    Certain,
    /// Also calls that got no answer: for reads, and for changes that are the same when made twice.
    Idempotent,
}

const FIRST_DELAY: Duration = Duration::from_millis(500);
const LONGEST_DELAY: Duration = Duration::from_secs(15);

/// Calls until the call succeeds, fails for good, or `bound` has passed. The last failure is returned.
///
/// # Errors
/// The fault of the last call.
pub async fn retry<T, F>(
    clock: &dyn Clock,
    policy: Retry,
    bound: Duration,
    call: impl FnMut() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    repeat(clock, policy, |_| bound, call).await
}

/// The same for a change, which is bounded by the patience that its service deserves.
///
/// # Errors
/// The fault of the last call.
pub async fn retry_change<T, F>(
    clock: &dyn Clock,
    policy: Retry,
    call: impl FnMut() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    repeat(clock, policy, Fault::patience, call).await
}

async fn repeat<T, F>(
    clock: &dyn Clock,
    policy: Retry,
    bound: impl Fn(&Fault) -> Duration,
    mut call: impl FnMut() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let begun = clock.passed();
    let mut delay = FIRST_DELAY;
    loop {
        let fault = match call().await {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        let again = match fault.class {
            Class::Retry => true,
            Class::Uncertain => policy == Retry::Idempotent,
            Class::Absent | Class::Exists | Class::Forbidden | Class::Stop => false,
        };
        // Measured on the clock, so that what the call itself waited counts as well.
        let bound = bound(&fault);
        let left = bound.saturating_sub(clock.passed().saturating_sub(begun));
        if !again || left.is_zero() {
            return Err(fault);
        }
        clock.sleep(jittered(delay).min(left)).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

/// Between half and the whole of `delay`, so that many waiters do not call at once.
fn jittered(delay: Duration) -> Duration {
    let mut byte = [0u8; 1];
    // Without randomness the delay is merely not spread.
    let spread = if getrandom::fill(&mut byte).is_ok() {
        f64::from(byte[0]) / 255.0
    } else {
        1.0
    };
    delay.mul_f64(0.5 + spread / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use jiff::Timestamp;

    use super::*;

    /// A clock that only sleeping moves.
    struct Sleeper(Mutex<Timestamp>);

    #[async_trait]
    impl Clock for Sleeper {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, duration: Duration) {
            let mut now = self.0.lock().unwrap();
            *now += jiff::SignedDuration::try_from(duration).unwrap();
        }
    }

    #[tokio::test]
    async fn a_change_is_sent_again_for_as_long_as_its_service_deserves() {
        for (service, minutes) in [("iam", 2), ("ec2", 5), ("elasticache", 10)] {
            let clock = Sleeper(Mutex::new(Timestamp::UNIX_EPOCH));
            let refused = retry_change(&clock, Retry::Certain, || async {
                let fault = Fault::incomplete(service, "Create", "id");
                Err::<(), _>(Fault {
                    class: Class::Retry,
                    ..fault
                })
            });
            assert!(refused.await.is_err());
            let waited = clock.now().duration_since(Timestamp::UNIX_EPOCH);
            assert_eq!(waited.as_secs(), minutes * 60, "{service}");
        }
    }

    /// A clock that somebody sets ahead by an hour whenever nobody looks.
    struct Jumper(Mutex<(Timestamp, Duration)>);

    #[async_trait]
    impl Clock for Jumper {
        fn now(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }

        fn passed(&self) -> Duration {
            self.0.lock().unwrap().1
        }

        async fn sleep(&self, duration: Duration) {
            let mut both = self.0.lock().unwrap();
            both.0 += Duration::from_secs(60 * 60);
            both.1 += duration;
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_set_ends_no_retry() {
        let clock = Jumper(Mutex::default());
        let bound = Duration::from_secs(60);
        let busy = retry(&clock, Retry::Certain, bound, || async {
            let fault = Fault::incomplete("ec2", "Describe", "id");
            Err::<(), _>(Fault {
                class: Class::Retry,
                ..fault
            })
        });
        assert!(busy.await.is_err());
        assert_eq!(clock.passed(), bound);
    }

    #[tokio::test]
    async fn what_was_not_answered_is_called_again_only_where_that_does_no_harm() {
        for (policy, calls) in [(Retry::Certain, 1), (Retry::Idempotent, 2)] {
            let clock = Sleeper(Mutex::new(Timestamp::UNIX_EPOCH));
            let made = Mutex::new(0);
            let answer = retry(&clock, policy, Duration::from_secs(60), || async {
                *made.lock().unwrap() += 1;
                let lost = Fault {
                    class: Class::Uncertain,
                    ..Fault::incomplete("ec2", "CreateVpc", "id")
                };
                if *made.lock().unwrap() == 1 {
                    Err(lost)
                } else {
                    Ok(())
                }
            });
            assert_eq!(answer.await.is_ok(), policy == Retry::Idempotent);
            assert_eq!(*made.lock().unwrap(), calls);
        }
    }
}
