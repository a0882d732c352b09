//! Older versions of the document: each run that changes something keeps the one that it found.

use super::document::{Damage, State};
use super::place::{PlaceError, Version};
use super::store::{Store, StoreError};

/// How many versions of one lineage are kept.
const KEPT: usize = 30;

impl Store {
    /// Where older versions are.
    fn history_folder(&self) -> String {
        format!("{}.history", self.environment)
    }

    /// The name of the document that keeps `state`. Names of one lineage are in the order of their serials.
    fn history_name(&self, state: &State) -> String {
        let folder = self.history_folder();
        format!("{folder}/{:010}-{}.json", state.serial, lineage(state))
    }

    /// Keeps `state` as an older version, and no more of them than are wanted.
    ///
    /// # Errors
    /// When the place refuses.
    pub(super) async fn keep(&self, state: &State) -> Result<(), StoreError> {
        let bytes = state.to_bytes().map_err(StoreError::Invalid)?;
        let name = self.history_name(state);
        match self.write_bytes(&name, &bytes, &Version::Absent).await {
            // It is kept already.
            Ok(_) | Err(PlaceError::Moved { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let names = self.versions_of(state).await?;
        for name in &names[..names.len().saturating_sub(KEPT)] {
            self.place.discard(name).await?;
        }
        Ok(())
    }

    /// Forgets the older versions of an environment that is gone.
    pub(super) async fn forget_versions(&self, state: &State) -> Result<(), StoreError> {
        for name in self.versions_of(state).await? {
            self.place.discard(&name).await?;
        }
        Ok(())
    }

    async fn versions_of(&self, state: &State) -> Result<Vec<String>, StoreError> {
        let mut names = self.place.list(&self.history_folder()).await?;
        let end = format!("-{}.json", lineage(state));
        names.retain(|name| name.ends_with(&end));
        Ok(names)
    }

    /// Every older version, the oldest first.
    ///
    /// # Errors
    /// When one can't be read or used.
    pub async fn history(&self) -> Result<Vec<State>, StoreError> {
        let mut versions = Vec::new();
        for name in self.place.list(&self.history_folder()).await? {
            if let Some(bytes) = self.read(&name).await?.bytes {
                versions.push(self.version_in(&name, &bytes)?);
            }
        }
        versions.sort_by_key(|state| (state.since, state.serial));
        Ok(versions)
    }

    fn version_in(&self, name: &str, bytes: &[u8]) -> Result<State, StoreError> {
        let at = self.place.whereabouts(name);
        State::from_bytes(bytes, &self.environment).map_err(|source| match source {
            Damage::Newer { .. } => StoreError::Newer { at, source },
            source => StoreError::Unusable { at, source },
        })
    }

    /// Puts an older version in the place of the document, which is kept. Returns what is written.
    ///
    /// # Errors
    /// When there is no such version, when the document or the version is of a later groundwork, when the document is
    /// of another lineage, or when the place refuses.
    pub async fn restore(&self, version: &str) -> Result<State, StoreError> {
        let versions = self.history().await?;
        let known = || versions.iter().map(version_name).collect();
        let chosen = versions.iter().find(|state| version_name(state) == version);
        let mut restored = chosen.cloned().ok_or_else(|| StoreError::NoVersion {
            version: version.to_owned(),
            known: known(),
        })?;
        let current = match self.load().await {
            Ok(current) => current,
            // A copy of it was put aside.
            Err(StoreError::Damaged { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(current) = current {
            if current.lineage != restored.lineage {
                return Err(StoreError::OtherLineage {
                    current: current.lineage,
                    version: restored.lineage,
                });
            }
            self.keep(&current).await?;
            restored.serial = restored.serial.max(current.serial);
        }
        restored.serial += 1;
        self.replace(&restored).await?;
        Ok(restored)
    }
}

/// What people call a version: its serial, and the beginning of its lineage.
pub fn version_name(state: &State) -> String {
    format!("{}-{}", state.serial, lineage(state))
}

fn lineage(state: &State) -> String {
    let mut text = state.lineage.simple().to_string();
    text.truncate(8);
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::state::{Journal, Outcome, Transition};

    fn state() -> State {
        State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH)
    }

    /// Runs once from what is kept, with `writes` transitions.
    async fn run(store: &Store, first: State, writes: usize) -> State {
        let state = store.load().await.unwrap().unwrap_or(first);
        let journal = Journal::open(store.clone(), state);
        let journal = journal.await.unwrap();
        for write in 0..writes {
            let outcome = Outcome {
                operation: write.to_string(),
                at: Timestamp::UNIX_EPOCH,
                complete: true,
            };
            journal.record(Transition::End(outcome)).await.unwrap();
        }
        journal.state()
    }

    fn both() -> [(Option<tempfile::TempDir>, Store); 2] {
        let folder = tempfile::tempdir().unwrap();
        let local = Store::local(folder.path(), "sandbox", "1", "demo");
        let objects = std::sync::Arc::new(object_store::memory::InMemory::new());
        let shared = Store::shared(objects, "memory", "states", ["sandbox", "1", "demo"]);
        [(Some(folder), local), (None, shared)]
    }

    #[tokio::test]
    async fn every_run_keeps_what_it_found_and_any_of_that_can_be_put_back() {
        for (_folder, store) in both() {
            let first = run(&store, state(), 2).await;
            run(&store, first.clone(), 3).await;
            let names: Vec<String> = store
                .history()
                .await
                .unwrap()
                .iter()
                .map(version_name)
                .collect();
            assert_eq!(names, [version_name(&first)]);
            let restored = store.restore(&names[0]).await.unwrap();
            assert_eq!((restored.serial, restored.lineage), (7, first.lineage));
            assert_eq!(restored.outcome, first.outcome);
            assert_eq!(store.load().await.unwrap(), Some(restored.clone()));
            assert_eq!(store.history().await.unwrap().len(), 2);
            assert!(matches!(
                store.restore("9-nothing").await,
                Err(StoreError::NoVersion { .. })
            ));
            store.remove(&restored).await.unwrap();
            assert_eq!(store.load().await.unwrap(), None);
            assert_eq!(store.history().await.unwrap(), Vec::new());
        }
    }

    #[tokio::test]
    async fn another_lineage_and_a_newer_format_are_not_written_over() {
        for (_folder, store) in both() {
            let first = run(&store, state(), 1).await;
            run(&store, first.clone(), 1).await;
            let other = State {
                serial: 9,
                ..state()
            };
            store.replace(&other).await.unwrap();
            assert!(matches!(
                store.restore(&version_name(&first)).await,
                Err(StoreError::OtherLineage { .. })
            ));
            let newer = String::from_utf8(other.to_bytes().unwrap()).unwrap();
            let newer = newer.replacen("\"format\": 1", "\"format\": 2", 1);
            let name = store.document();
            let over = store.read(&name).await.unwrap().version;
            let written = store.write_bytes(&name, newer.as_bytes(), &over);
            written.await.unwrap();
            assert!(matches!(
                store.restore(&version_name(&first)).await,
                Err(StoreError::Newer { .. })
            ));
        }
    }

    #[tokio::test]
    async fn only_so_many_are_kept() {
        for (_folder, store) in both() {
            for _ in 0..KEPT + 3 {
                run(&store, state(), 1).await;
            }
            let kept = store.history().await.unwrap();
            assert_eq!(kept.len(), KEPT);
            let current = store.load().await.unwrap().unwrap();
            assert_eq!(kept[KEPT - 1].serial + 1, current.serial);
        }
    }
}
