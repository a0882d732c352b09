//! Simulated time: milliseconds since the Unix epoch, and the clock that maps the host's time onto it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment of simulated time, in milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SimTime(pub u64);

impl SimTime {
    /// The moment at which every new world begins: 2026-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(1_767_225_600_000);

    /// This moment moved on by `delay`.
    pub fn after(self, delay: Duration) -> Self {
        Self(self.0 + u64::try_from(delay.as_millis()).unwrap_or(u64::MAX / 2))
    }

    /// The moment this many whole seconds later.
    pub fn after_secs(self, seconds: u64) -> Self {
        self.after(Duration::from_secs(seconds))
    }

    /// As AWS's XML and Kubernetes write it: `2026-11-21T00:00:00Z`, whole seconds.
    pub fn to_rfc3339(self) -> String {
        jiff::Timestamp::from_second((self.0 / 1000) as i64)
            .map(|time| time.to_string())
            .unwrap_or_default()
    }

    /// As AWS's JSON protocols write it: seconds since the epoch.
    pub fn as_epoch_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }
}

/// Where simulated time comes from.
#[derive(Clone, Copy, Debug)]
pub enum ClockSource {
    /// The host's wall clock, `scale` times as fast. World time goes on while no process runs.
    Wall {
        /// Simulated seconds per real second.
        scale: f64,
    },
    /// Tokio's clock, which tests pause: time moves only when every task waits. A reopened world goes on
    /// from the moment it was last saved.
    Virtual,
}

/// Maps the source onto the simulated time line; anchored when a world is opened.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    source: ClockSource,
    anchor: SimTime,
    opened: tokio::time::Instant,
}

impl Clock {
    /// A clock that reads `anchor` now.
    pub fn anchored(source: ClockSource, anchor: SimTime) -> Self {
        Self {
            source,
            anchor,
            opened: tokio::time::Instant::now(),
        }
    }

    /// The present moment in simulated time.
    pub fn now(&self) -> SimTime {
        let scale = match self.source {
            ClockSource::Wall { scale } => scale,
            ClockSource::Virtual => 1.0,
        };
        self.anchor.after(self.opened.elapsed().mul_f64(scale))
    }
}
