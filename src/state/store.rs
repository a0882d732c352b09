//! The document of one environment, in a folder or a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use uuid::Uuid;

use super::bucket::Bucket;
use super::document::{Damage, State};
use super::fence::{Fence, Overtaken};
use super::folder::Folder;
use super::place::{Found, Place, PlaceError, Version};
use crate::clock::{Host, Uptime};

/// Why the document could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The place where it is kept failed. Nothing is half-written.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The document is there and can't be used. It was left as it is.
    #[error("the state {at} can't be used; it was left as it is, and a copy is at {aside}")]
    Damaged {
        /// Where it is.
        at: String,
        /// Where a copy was put.
        aside: String,
        /// What is wrong with it.
        source: Damage,
    },
    /// The document is of a later groundwork, and was not touched.
    #[error("the state {at} is of a later groundwork")]
    Newer {
        /// Where it is.
        at: String,
        /// The format that was found.
        source: Damage,
    },
    /// Someone else wrote since we read.
    #[error("the state {at} was changed by another run: expected serial {expected}, found {found}")]
    Moved {
        /// Where it is.
        at: String,
        /// The serial that we had read.
        expected: u64,
        /// The serial that is there.
        found: u64,
    },
    /// An older version can't be used.
    #[error("the older state {at} can't be used")]
    Unusable {
        /// Where it is.
        at: String,
        /// What is wrong with it.
        source: Damage,
    },
    /// There is no such older version.
    #[error("there is no version `{version}` of the state")]
    NoVersion {
        /// What was asked for.
        version: String,
        /// What there is.
        known: Vec<String>,
    },
    /// An older version is of another history than the environment by now.
    #[error(
        "the version is of lineage {version}, and what exists by now of lineage {current}: it would be forgotten"
    )]
    OtherLineage {
        /// Of the document.
        current: Uuid,
        /// Of the version.
        version: Uuid,
    },
    /// Another run may be at work: nothing is written any more.
    #[error("the state is no longer ours")]
    Overtaken(#[from] Overtaken),
    /// A document that breaks an invariant is never written.
    #[error("the state was not written, because it would be damaged")]
    Invalid(#[source] Damage),
}

/// How often a call is made that may not have arrived.
const ATTEMPTS: u32 = 5;

/// How long to wait before the second; each wait is twice as long as the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Where the document of one environment is kept, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) place: Arc<dyn Place>,
    pub(super) environment: String,
    /// The folder, where it is one.
    folder: Option<PathBuf>,
    pub(super) uptime: Arc<dyn Uptime>,
    /// Within which documents are written.
    pub(super) fence: Fence,
}

impl Store {
    /// The document of `environment` below the folder `root`, apart for each provider and account: they never mix.
    pub fn local(root: &Path, provider: &str, account: &str, environment: &str) -> Self {
        let folder = root.join(provider).join(account);
        let place = Arc::new(Folder(folder.clone()));
        Self::new(place, environment, Some(folder))
    }

    /// The document of `environment` below `prefix` in the bucket that people call `bucket`, apart likewise.
    pub fn shared(
        objects: Arc<dyn ObjectStore>,
        bucket: &str,
        prefix: &str,
        [provider, account, environment]: [&str; 3],
    ) -> Self {
        let prefix = format!("{prefix}/{provider}/{account}");
        Self::new(
            Arc::new(Bucket::new(objects, bucket, &prefix)),
            environment,
            None,
        )
    }

    fn new(place: Arc<dyn Place>, environment: &str, folder: Option<PathBuf>) -> Self {
        Self {
            place,
            environment: environment.to_owned(),
            folder,
            uptime: Arc::new(Host),
            fence: Fence::default(),
        }
    }

    /// The same store, whose documents are written only within `fence`; a claim on it bounds that.
    #[must_use]
    pub fn within(self, fence: &Fence) -> Self {
        let fence = fence.clone();
        Self { fence, ..self }
    }

    /// The folder that holds the document and its lock; none in a bucket.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The document's file; none in a bucket.
    pub fn file(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(self.document()))
    }

    /// Whether it is in a bucket.
    pub(super) fn is_shared(&self) -> bool {
        self.folder.is_none()
    }

    /// The name of the document.
    pub(super) fn document(&self) -> String {
        format!("{}.json", self.environment)
    }

    fn whereabouts(&self) -> String {
        self.place.whereabouts(&self.document())
    }

    /// Reads the document, if there is one.
    ///
    /// # Errors
    /// When it can't be read or used. A damaged one is copied aside and never overwritten.
    pub async fn load(&self) -> Result<Option<State>, StoreError> {
        Ok(self.load_with_version().await?.0)
    }

    async fn load_with_version(&self) -> Result<(Option<State>, Version), StoreError> {
        let Found { bytes, version } = self.read(&self.document()).await?;
        let Some(bytes) = bytes else {
            return Ok((None, version));
        };
        let at = self.whereabouts();
        match State::from_bytes(&bytes, &self.environment) {
            Ok(state) => Ok((Some(state), version)),
            Err(source @ Damage::Newer { .. }) => Err(StoreError::Newer { at, source }),
            Err(source) => {
                let aside = self.put_aside("damaged", &bytes).await?;
                Err(StoreError::Damaged { at, aside, source })
            }
        }
    }

    /// The version under which `state` is kept, for who goes on from it; `serial` 0 stands for none.
    ///
    /// # Errors
    /// When someone else wrote since it was read.
    pub(super) async fn version_of(&self, state: &State) -> Result<Version, StoreError> {
        let (found, version) = self.load_with_version().await?;
        let same = found.as_ref().is_none_or(|f| f.lineage == state.lineage);
        let found = found.map_or(0, |found| found.serial);
        if found == state.serial && same {
            return Ok(version);
        }
        Err(StoreError::Moved {
            at: self.whereabouts(),
            expected: state.serial,
            found,
        })
    }

    /// Replaces the document, if it still has the serial before that of `state`. On return it is durable.
    ///
    /// # Errors
    /// When someone else wrote since, when an invariant does not hold, or when the place refuses; the old document is
    /// whole then.
    pub async fn save(&self, state: &State) -> Result<(), StoreError> {
        let (found, version) = self.load_with_version().await?;
        let expected = state.serial.saturating_sub(1);
        let found = found.map_or(0, |state| state.serial);
        if found != expected {
            return Err(StoreError::Moved {
                at: self.whereabouts(),
                expected,
                found,
            });
        }
        self.write(state, &version).await.map(drop)
    }

    /// Replaces whatever stands there, damaged or not: for the holder of the lock, who has seen it.
    ///
    /// # Errors
    /// When an invariant does not hold, or when the place refuses.
    pub async fn replace(&self, state: &State) -> Result<(), StoreError> {
        let Found { version, .. } = self.read(&self.document()).await?;
        self.write(state, &version).await.map(drop)
    }

    /// Writes the document over the version that its writer has seen or written last.
    ///
    /// # Errors
    /// As [`Store::save`].
    pub(super) async fn write(&self, state: &State, over: &Version) -> Result<Version, StoreError> {
        let bytes = state.to_bytes().map_err(StoreError::Invalid)?;
        // After the version was read: a takeover between the two makes that version void.
        self.fence.check()?;
        Ok(self.write_bytes(&self.document(), &bytes, over).await?)
    }

    /// Removes the document of an environment that is gone, if it still is `state`.
    ///
    /// # Errors
    /// When someone else wrote since, or the place refuses.
    pub async fn remove(&self, state: &State) -> Result<(), StoreError> {
        let version = self.version_of(state).await?;
        if version == Version::Absent {
            return Ok(());
        }
        self.fence.check()?;
        self.place.remove(&self.document(), &version).await?;
        self.forget_versions(state).await
    }

    /// Makes every write fail of a run that was overtaken and has not noticed: no version that it has seen is there
    /// any more.
    ///
    /// # Errors
    /// When the place refuses.
    pub async fn shut_out_others(&self) -> Result<(), StoreError> {
        loop {
            let (state, version) = self.load_with_version().await?;
            let shut = match state {
                Some(mut state) => {
                    state.serial += 1;
                    self.write(&state, &version).await.map(drop)
                }
                None => Ok(self.place.remove(&self.document(), &version).await?),
            };
            match shut {
                Err(StoreError::Place(PlaceError::Moved { .. })) => {}
                done => return done,
            }
        }
    }

    /// Keeps a copy of the document beside it, for what is about to be replaced as a whole. Says where.
    ///
    /// # Errors
    /// When the place refuses.
    pub async fn keep_aside(&self) -> Result<Option<String>, StoreError> {
        match self.read(&self.document()).await?.bytes {
            Some(bytes) => self.put_aside("replaced", &bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// Puts `bytes` into a document of their own, under the first number that is free; the same bytes are kept once.
    async fn put_aside(&self, word: &str, bytes: &[u8]) -> Result<String, StoreError> {
        let mut number = 1;
        loop {
            let aside = format!("{}.{word}-{number}.json", self.environment);
            match self.read(&aside).await?.bytes {
                Some(kept) if kept == bytes => return Ok(self.place.whereabouts(&aside)),
                Some(_) => number += 1,
                None => match self.write_bytes(&aside, bytes, &Version::Absent).await {
                    Err(PlaceError::Moved { .. }) => {}
                    written => {
                        written?;
                        return Ok(self.place.whereabouts(&aside));
                    }
                },
            }
        }
    }

    /// Reads, more than once where the place may be busy.
    pub(super) async fn read(&self, name: &str) -> Result<Found, PlaceError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.place.read(name).await {
                Err(error) if error.is_uncertain() => {}
                found => return found,
            }
            self.uptime.sleep(pause).await;
            pause *= 2;
        }
        self.place.read(name).await
    }

    /// Writes, and finds out what became of it where nobody says. What was not done is tried again.
    pub(super) async fn write_bytes(
        &self,
        name: &str,
        bytes: &[u8],
        over: &Version,
    ) -> Result<Version, PlaceError> {
        let mut pause = FIRST_PAUSE;
        let mut attempts = 1;
        loop {
            let error = match self.place.write(name, bytes, over).await {
                Ok(version) => return Ok(version),
                Err(error) => error,
            };
            let lost = error.is_uncertain() || attempts > 1;
            if !lost {
                return Err(error);
            }
            // A write that was not answered may have been done, and then the next one finds itself in its way.
            let found = self.read(name).await?;
            if found.bytes.as_deref() == Some(bytes) {
                return Ok(found.version);
            }
            if found.version != *over {
                let what = self.place.whereabouts(name);
                return Err(PlaceError::Moved { what });
            }
            if attempts == ATTEMPTS {
                return Err(error);
            }
            attempts += 1;
            self.uptime.sleep(pause).await;
            pause *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;

    use super::*;

    fn store(folder: &Path) -> Store {
        Store::local(folder, "sandbox", "123456789012", "demo")
    }

    fn state() -> State {
        State {
            serial: 1,
            ..State::new(
                "demo",
                "sandbox",
                "123456789012",
                "us-east-1",
                Timestamp::UNIX_EPOCH,
            )
        }
    }

    #[tokio::test]
    async fn a_second_writer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let state = state();
        store.save(&state).await.unwrap();
        assert_eq!(store.load().await.unwrap(), Some(state.clone()));
        assert!(matches!(
            store.save(&state).await,
            Err(StoreError::Moved {
                expected: 0,
                found: 1,
                ..
            })
        ));
    }

    #[tokio::test]
    async fn a_damaged_document_is_kept_and_copied_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        fs::create_dir_all(store.folder().unwrap()).unwrap();
        fs::write(store.file().unwrap(), b"{\"format\": 1, \"envi").unwrap();
        let Err(StoreError::Damaged { aside, .. }) = store.load().await else {
            panic!("a damaged document was used")
        };
        assert_eq!(fs::read(aside).unwrap(), b"{\"format\": 1, \"envi");
        assert!(matches!(
            store.save(&state()).await,
            Err(StoreError::Damaged { .. })
        ));
        assert_eq!(
            fs::read(store.file().unwrap()).unwrap(),
            b"{\"format\": 1, \"envi"
        );
    }

    #[tokio::test]
    async fn a_failed_write_leaves_the_old_document() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        store.save(&state()).await.unwrap();
        // A folder in the way of the new file stands for a disk that refuses, also for root.
        fs::create_dir(store.file().unwrap().with_extension("json.next")).unwrap();
        let next = State {
            serial: 2,
            ..state()
        };
        assert!(matches!(
            store.save(&next).await,
            Err(StoreError::Place(PlaceError::Failed { verb: "write", .. }))
        ));
        assert_eq!(
            store.load().await.unwrap().map(|state| state.serial),
            Some(1)
        );
    }

    #[tokio::test]
    async fn nothing_is_written_outside_the_fence() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let kept = state();
        store.save(&kept).await.unwrap();
        let (uptime, never) = (Arc::clone(&store.uptime), Duration::ZERO);
        store.fence.bound(&uptime, never, never);
        let next = State {
            serial: 2,
            ..kept.clone()
        };
        for refused in [
            store.save(&next).await,
            store.replace(&next).await,
            store.shut_out_others().await,
            store.remove(&kept).await,
        ] {
            assert!(
                matches!(refused, Err(StoreError::Overtaken(_))),
                "{refused:?}"
            );
        }
        assert_eq!(store.load().await.unwrap(), Some(kept));
    }
}
