//! Time as the cloud lives it. `cli` brings the wall clock, the sandbox its own.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// A source of time and of waiting.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// What has passed since some moment of its own: two of these tell how long something took, whatever is done to the
    /// clock meanwhile. One that can be set must not take it from the present moment, as this does.
    fn passed(&self) -> Duration {
        self.now()
            .duration_since(Timestamp::UNIX_EPOCH)
            .unsigned_abs()
    }

    /// Returns once `duration` of the cloud's time has passed.
    async fn sleep(&self, duration: Duration);
}
