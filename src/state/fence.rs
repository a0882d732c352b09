//! Whether this run may still change anything: asked before every change, by whoever makes it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Uptime;

/// The lease ran out before it was renewed: another run may be at work by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease ran out before it could be renewed, and another run may have taken over")]
pub struct Overtaken;

/// The time within which changes are allowed; clones share it. At first nothing bounds it, as under a lock that lasts
/// until its holder dies.
#[derive(Clone, Default)]
pub struct Fence(Arc<Mutex<Option<Bounds>>>);

#[derive(Clone)]
struct Bounds {
    uptime: Arc<dyn Uptime>,
    from: Duration,
    until: Duration,
}

impl fmt::Debug for Fence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fence({:?})", self.check())
    }
}

impl Fence {
    /// Whether a change may be made now.
    ///
    /// # Errors
    /// When another run may be at work.
    pub fn check(&self) -> Result<(), Overtaken> {
        let bounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*bounds {
            Some(bounds) if !(bounds.from..bounds.until).contains(&bounds.uptime.now()) => {
                Err(Overtaken)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Allows changes between two moments only.
    pub(super) fn bound(&self, uptime: &Arc<dyn Uptime>, from: Duration, until: Duration) {
        let uptime = Arc::clone(uptime);
        let bounds = Bounds {
            uptime,
            from,
            until,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bounds);
    }
}
