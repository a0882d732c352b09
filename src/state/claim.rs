//! The right to change an environment, whichever way its store gives it.

use std::time::Duration;

use tokio::task::JoinHandle;

use super::lease::{Lease, Terms, Title};
use super::lock::{Holder, Lock, LockError};
use super::store::Store;

/// From one try of a lock to the next.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// The right to change an environment. It ends with the process, at once in a folder, and in a bucket when the lease has
/// run out; given back it ends at once.
#[derive(Debug)]
pub struct Claim(Kind);

#[derive(Debug)]
enum Kind {
    Local(#[expect(dead_code, reason = "the lock goes with it")] Lock),
    Shared {
        title: Box<Title>,
        beating: JoinHandle<()>,
    },
}

impl Store {
    /// Takes the right to change the environment for `holder`, and bounds this store's fence by it. While another run has
    /// it this waits and tells for whom, once for each, unless `wait` is false.
    ///
    /// # Errors
    /// When another run has it and nobody wants to wait, or the store fails.
    pub async fn claim(
        &self,
        holder: &Holder,
        terms: Terms,
        wait: bool,
        mut told: impl FnMut(&Holder) + Send,
    ) -> Result<Claim, LockError> {
        let Some(folder) = self.folder() else {
            let taken = Lease::take(self, holder, terms, wait, &mut told);
            let Lease { title, mut pulse } = taken.await?;
            let title = Box::new(title);
            let beating = tokio::spawn(async move {
                // Nobody needs to be told: the fence is closed.
                pulse.beat_on().await;
            });
            return Ok(Claim(Kind::Shared { title, beating }));
        };
        let mut known = None;
        loop {
            match Lock::take(folder, &self.environment, holder) {
                Ok(lock) => return Ok(Claim(Kind::Local(lock))),
                Err(LockError::Held { holder, .. }) if wait => {
                    if let Some(theirs) = holder
                        && known.as_ref() != Some(&theirs)
                    {
                        told(&theirs);
                        known = Some(theirs);
                    }
                    self.uptime.sleep(TRY_AGAIN).await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Store {
    /// Who may change the environment at this moment, if anyone: on this machine for certain, and of a lease as far as it
    /// tells, which lasts a little longer than a holder that died.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holder(&self) -> Result<Option<Holder>, LockError> {
        match self.folder() {
            Some(folder) => Lock::holder(folder, &self.environment),
            None => Lease::holder(self).await,
        }
    }
}

impl Claim {
    /// Gives it back.
    pub async fn release(self) {
        if let Kind::Shared { title, beating } = self.0 {
            beating.abort();
            title.release().await;
        }
    }
}
