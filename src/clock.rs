//! Time: as the cloud lives it, which `cli` or the sandbox brings, and as this machine does.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

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

/// Time that only ever goes on, whatever is done to the wall clock: what a lease is measured by.
#[async_trait]
pub trait Uptime: fmt::Debug + Send + Sync {
    /// How long it has been since some moment in the past, always the same one.
    fn now(&self) -> Duration;

    /// Returns once `duration` has passed.
    async fn sleep(&self, duration: Duration);
}

/// The uptime of this machine.
#[derive(Clone, Copy, Debug)]
pub struct Host;

#[async_trait]
impl Uptime for Host {
    fn now(&self) -> Duration {
        // Unlike the clock behind `std::time::Instant` this one goes on while the machine is suspended, and others
        // take a lease over.
        #[cfg(target_os = "linux")]
        const GOES_ON: ClockId = ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        const GOES_ON: ClockId = ClockId::Monotonic;
        let now = clock_gettime(GOES_ON);
        let whole = Duration::from_secs(u64::try_from(now.tv_sec).unwrap_or_default());
        whole + Duration::from_nanos(u64::try_from(now.tv_nsec).unwrap_or_default())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
