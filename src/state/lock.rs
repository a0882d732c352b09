//! One run at a time: the operating system's lock, which dies with its holder.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::store::StoreError;

/// Who holds the lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine that it runs on, where that may be another than ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// What it does: `apply`, `destroy`.
    pub operation: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A living process has it.
    #[error("another run holds the lock of environment `{environment}`: {}", describe(holder.as_ref()))]
    Held {
        /// The environment.
        environment: String,
        /// Who, if it has already said so.
        holder: Option<Holder>,
    },
    /// The store of the lease failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What stands in the place of the lease is none.
    #[error("what stands in the place of the lease can't be read")]
    Unreadable(#[source] serde_json::Error),
    /// The lease is of a later groundwork.
    #[error("the lease has format {found}, which is of a later groundwork: use that")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// The file system refused.
    #[error("can't lock {path}", path = path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "process {}", self.pid)?;
        if let Some(machine) = &self.machine {
            write!(out, " on {machine}")?;
        }
        let (operation, since) = (&self.operation, self.since);
        write!(out, " has been running `{operation}` since {since:.0}")
    }
}

fn describe(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "it began just now".to_owned(), ToString::to_string)
}

/// The lock, held until it is dropped or the process dies, however it dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `environment` in `folder` for `holder`.
    ///
    /// # Errors
    /// When a living process has it, or the file system refuses.
    pub fn take(folder: &Path, environment: &str, holder: &Holder) -> Result<Self, LockError> {
        let path = folder.join(format!("{environment}.lock"));
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        fs::create_dir_all(folder).map_err(io)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(io)?;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(io(source)),
            }
            if is_held(&file).map_err(io)? {
                return Err(LockError::Held {
                    environment: environment.to_owned(),
                    holder: written(&mut file).map_err(io)?,
                });
            }
            // Somebody only looked.
        }
        let text = serde_json::to_vec(holder).map_err(|error| io(io::Error::other(error)))?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(&text))
            .map_err(io)?;
        Ok(Self { _file: file })
    }

    /// Who has the lock of `environment` in `folder` at this moment, if anyone.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn holder(folder: &Path, environment: &str) -> Result<Option<Holder>, LockError> {
        let path = folder.join(format!("{environment}.lock"));
        let look = || {
            let mut file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened?,
            };
            if is_held(&file)? {
                written(&mut file)
            } else {
                Ok(None)
            }
        };
        look().map_err(|source| LockError::Io {
            path: path.clone(),
            source,
        })
    }
}

/// Whether a run has the lock. Those who only look share it for as long as they do.
fn is_held(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whom the file names; nobody yet where it was made this moment.
fn written(file: &mut File) -> io::Result<Option<Holder>> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_who_holds_it_and_is_free_once_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let holder = Holder {
            pid: 42,
            machine: None,
            operation: "apply".into(),
            since: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(Lock::holder(folder.path(), "demo").unwrap(), None);
        let lock = Lock::take(folder.path(), "demo", &holder).unwrap();
        let refused = Lock::take(folder.path(), "demo", &holder).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "another run holds the lock of environment `demo`: process 42 has been running `apply` since 1970-01-01T00:00:00Z"
        );
        let seen = || Lock::holder(folder.path(), "demo").unwrap();
        assert_eq!(seen(), Some(holder.clone()));
        drop(lock);
        assert_eq!(seen(), None);
        Lock::take(folder.path(), "demo", &holder).unwrap();
    }
}
