//! Where the document is kept: a local folder, replaced atomically and synced to disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::document::{Damage, State};

/// Why the document could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused. Nothing is half-written.
    #[error("can't {verb} the state {path}", path = path.display())]
    Io {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The document is there and can't be used. It was left as it is.
    #[error("the state {path} can't be used; it was left as it is, and a copy is at {aside}", path = path.display(), aside = aside.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where a copy was put.
        aside: PathBuf,
        /// What is wrong with it.
        source: Damage,
    },
    /// The document is of a later groundwork, and was not touched.
    #[error("the state {path} is of a later groundwork", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that was found.
        source: Damage,
    },
    /// Someone else wrote since we read.
    #[error("the state {path} was changed by another run: expected serial {expected}, found {found}", path = path.display())]
    Moved {
        /// The file.
        path: PathBuf,
        /// The serial that we had read.
        expected: u64,
        /// The serial that is there.
        found: u64,
    },
    /// A document that breaks an invariant is never written.
    #[error("the state was not written, because it would be damaged")]
    Invalid(#[source] Damage),
}

/// A folder with one document for each environment.
#[derive(Clone, Debug)]
pub struct LocalStore {
    folder: PathBuf,
    environment: String,
}

impl LocalStore {
    /// The document of `environment` below `root`, apart for each provider and account: they never mix.
    pub fn new(root: &Path, provider: &str, account: &str, environment: &str) -> Self {
        Self {
            folder: root.join(provider).join(account),
            environment: environment.to_owned(),
        }
    }

    /// The folder that holds the document and its lock.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The document's file.
    pub fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.environment))
    }

    /// Reads the document, if there is one.
    ///
    /// # Errors
    /// When it can't be read or used. A damaged one is copied aside and never overwritten.
    pub fn load(&self) -> Result<Option<State>, StoreError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(StoreError::Io {
                    verb: "read",
                    path,
                    source,
                });
            }
        };
        match State::from_bytes(&bytes, &self.environment) {
            Ok(state) => Ok(Some(state)),
            Err(source @ Damage::Newer { .. }) => Err(StoreError::Newer { path, source }),
            Err(source) => {
                let aside = self.put_aside("damaged", &bytes)?;
                Err(StoreError::Damaged {
                    path,
                    aside,
                    source,
                })
            }
        }
    }

    /// Replaces the document, if it still has the serial before that of `state`. On return it is on disk.
    ///
    /// # Errors
    /// When someone else wrote since, when an invariant does not hold, or when the file system refuses; the
    /// old document is whole then.
    pub fn save(&self, state: &State) -> Result<(), StoreError> {
        let expected = state.serial.saturating_sub(1);
        let found = self.load()?.map_or(0, |state| state.serial);
        if found != expected {
            return Err(StoreError::Moved {
                path: self.path(),
                expected,
                found,
            });
        }
        self.replace(state)
    }

    /// Replaces the document without reading the old one: for the holder of the lock, who alone writes.
    ///
    /// # Errors
    /// As [`LocalStore::save`], but for the serial.
    pub fn replace(&self, state: &State) -> Result<(), StoreError> {
        let path = self.path();
        let bytes = state.to_bytes().map_err(StoreError::Invalid)?;
        write_durably(&self.folder, &path, &bytes).map_err(|source| StoreError::Io {
            verb: "write",
            path,
            source,
        })
    }

    /// Keeps a copy of the document beside it, for what is about to be replaced as a whole. Says where.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn keep_aside(&self) -> Result<Option<PathBuf>, StoreError> {
        let path = self.path();
        match fs::read(&path) {
            Ok(bytes) => self.put_aside("replaced", &bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io {
                verb: "read",
                path,
                source,
            }),
        }
    }

    /// Puts `bytes` into a file of their own, under the first number that is free; the same bytes are kept once.
    fn put_aside(&self, word: &str, bytes: &[u8]) -> Result<PathBuf, StoreError> {
        let mut number = 1;
        loop {
            let aside = self.path().with_extension(format!("{word}-{number}.json"));
            let io = |source| StoreError::Io {
                verb: "copy aside",
                path: aside.clone(),
                source,
            };
            match OpenOptions::new().create_new(true).write(true).open(&aside) {
                Ok(mut file) => {
                    let written = file.write_all(bytes).and_then(|()| file.sync_all());
                    written.map_err(io)?;
                    return Ok(aside);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if fs::read(&aside).is_ok_and(|kept| kept == bytes) {
                        return Ok(aside);
                    }
                    number += 1;
                }
                Err(error) => return Err(io(error)),
            }
        }
    }

    /// Removes the document of an environment that is gone.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn remove(&self) -> Result<(), StoreError> {
        let path = self.path();
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::Io {
                verb: "remove",
                path,
                source,
            }),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A new file beside the old one, synced, renamed over it, and the folder synced: after a crash there is the
/// old document or the new one.
fn write_durably(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let next = path.with_extension("json.next");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn store(folder: &Path) -> LocalStore {
        LocalStore::new(folder, "sandbox", "123456789012", "demo")
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

    #[test]
    fn a_second_writer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let state = state();
        store.save(&state).unwrap();
        assert_eq!(store.load().unwrap(), Some(state.clone()));
        assert!(matches!(
            store.save(&state),
            Err(StoreError::Moved {
                expected: 0,
                found: 1,
                ..
            })
        ));
    }

    #[test]
    fn a_damaged_document_is_kept_and_copied_aside() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        fs::create_dir_all(store.folder()).unwrap();
        fs::write(store.path(), b"{\"format\": 1, \"envi").unwrap();
        let Err(StoreError::Damaged { aside, .. }) = store.load() else {
            panic!("a damaged document was used")
        };
        assert_eq!(fs::read(aside).unwrap(), b"{\"format\": 1, \"envi");
        assert!(matches!(
            store.save(&state()),
            Err(StoreError::Damaged { .. })
        ));
        assert_eq!(fs::read(store.path()).unwrap(), b"{\"format\": 1, \"envi");
    }

    #[test]
    fn a_failed_write_leaves_the_old_document() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        store.save(&state()).unwrap();
        // A folder in the way of the new file stands for a disk that refuses, also for root.
        fs::create_dir(store.path().with_extension("json.next")).unwrap();
        let next = State {
            serial: 2,
            ..state()
        };
        assert!(matches!(
            store.save(&next),
            Err(StoreError::Io { verb: "write", .. })
        ));
        assert_eq!(store.load().unwrap().map(|state| state.serial), Some(1));
    }
}
