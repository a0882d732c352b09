//! Time as the cloud lives it. `cli` brings the wall clock, the sandbox its own.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// A source of time and of waiting.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Returns once `duration` of the cloud's time has passed.
    async fn sleep(&self, duration: Duration);
}
