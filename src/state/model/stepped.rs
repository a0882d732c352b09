//! A place and a clock behind gates.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Fate, Point, Shared, gate, locked};
use crate::clock::Uptime;
use crate::state::place::{Found, Place, PlaceError, Version};

/// A place as one run reaches it.
pub(super) struct Stepped {
    pub(super) world: Shared,
    pub(super) run: usize,
    pub(super) inner: Arc<dyn Place>,
    /// Whether its tags are the same in every repetition.
    pub(super) tags: bool,
}

/// A document as text, without the identifiers that are made up anew in every repetition.
pub(super) fn without_ids(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let quoted = text.split('"');
    let known = quoted.map(|part| match part.len() {
        36 if part.matches('-').count() == 4 => "an id",
        _ => part,
    });
    known.collect::<Vec<_>>().join("\"")
}

impl fmt::Debug for Stepped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(out)
    }
}

impl Stepped {
    fn saw(&self, what: impl Hash) {
        what.hash(&mut locked(&self.world).runs[self.run].seen);
    }

    fn lost(&self, name: &str) -> PlaceError {
        PlaceError::Failed {
            verb: "reach",
            what: self.whereabouts(name),
            uncertain: true,
            source: "nobody answers".into(),
        }
    }
}

#[async_trait]
impl Place for Stepped {
    fn whereabouts(&self, name: &str) -> String {
        self.inner.whereabouts(name)
    }

    async fn read(&self, name: &str) -> Result<Found, PlaceError> {
        gate(&self.world, self.run, Point::Look).await;
        let found = self.inner.read(name).await;
        self.saw(found.as_ref().ok().map(|Found { bytes, version }| {
            let text = bytes.as_deref().map(without_ids);
            (name.to_owned(), text, self.tags.then(|| version.clone()))
        }));
        found
    }

    async fn write(&self, name: &str, bytes: &[u8], over: &Version) -> Result<Version, PlaceError> {
        if gate(&self.world, self.run, Point::Effect).await == Fate::IsLost {
            return Err(self.lost(name));
        }
        let written = self.inner.write(name, bytes, over).await;
        if written.is_ok() && name == "demo.json" {
            locked(&self.world).written(self.run);
        }
        if gate(&self.world, self.run, Point::Answer).await == Fate::IsLost {
            return Err(self.lost(name));
        }
        let version = written.as_ref().ok();
        self.saw((version.is_some(), version.filter(|_| self.tags).cloned()));
        written
    }

    async fn remove(&self, name: &str, over: &Version) -> Result<(), PlaceError> {
        gate(&self.world, self.run, Point::Effect).await;
        let removed = self.inner.remove(name, over).await;
        self.saw(removed.is_ok());
        removed
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, PlaceError> {
        self.inner.list(folder).await
    }

    async fn discard(&self, name: &str) -> Result<(), PlaceError> {
        self.inner.discard(name).await
    }
}

/// The clock as one run reads it.
pub(super) struct ByHand {
    pub(super) world: Shared,
    pub(super) run: usize,
}

impl fmt::Debug for ByHand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ByHand")
    }
}

#[async_trait]
impl Uptime for ByHand {
    fn now(&self) -> Duration {
        let mut world = locked(&self.world);
        let now = world.now;
        if !world.is_judged {
            now.hash(&mut world.runs[self.run].seen);
        }
        now
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now() + duration;
        until.hash(&mut locked(&self.world).runs[self.run].seen);
        gate(&self.world, self.run, Point::Wake(until)).await;
    }
}
