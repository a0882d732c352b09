//! The world on disk: one document, shared by every process under one lock.
//!
//! Each request is a transaction: lock, read what another process may have changed, live on until now,
//! act, write, and only then answer. A killed client therefore never takes the cloud's memory with it.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::time::{Clock, ClockSource, SimTime};
use super::world::{DEFAULT_ACCOUNT, FORMAT, World};

/// Why the world could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("the sandbox's world {path} could not be used", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The document is not one that this version understands.
    #[error("the sandbox's world {path} can't be read: {reason}; `groundwork sandbox reset` starts a new one", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Whether a request may change the world. A read is written back only if time itself changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Describe, list, get: the closure leaves the world as it is.
    Reads,
    /// Everything else.
    Changes,
}

/// A handle on the world; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
}

/// Told before and after every transaction.
type Watcher = Box<dyn FnMut() + Send>;

struct Inner {
    folder: PathBuf,
    clock_source: ClockSource,
    clock: Option<Clock>,
    cached: Option<(Option<Stamp>, World)>,
    watcher: Option<Watcher>,
    past: VecDeque<(SimTime, World)>,
    /// Whether this process changed the world, so that others may have heard from it what time it is.
    changed: bool,
}

/// For how long a former world is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Tells whether another process replaced the document since we read it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified_ns: i64,
    length: u64,
}

impl Stamp {
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(found) => Ok(Some(Self {
                inode: found.ino(),
                modified_ns: found.mtime() * 1_000_000_000 + found.mtime_nsec(),
                length: found.len(),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Store {
    /// The world that lives in `folder`; nothing is read or made before the first transaction.
    pub fn new(folder: impl Into<PathBuf>, clock_source: ClockSource) -> Self {
        let inner = Inner {
            folder: folder.into(),
            clock_source,
            clock: None,
            cached: None,
            watcher: None,
            past: VecDeque::new(),
            changed: false,
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Runs `act` on the world as it is now, and returns once its effects are on disk.
    ///
    /// # Errors
    /// When the document can't be locked, read or written. Nothing is half-written then.
    pub fn transact<T>(
        &self,
        effect: Effect,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, Error> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.tell();
        let result = inner.transact(effect, act);
        inner.tell();
        result
    }

    /// Remembers for a while the world as it is now, before it changes.
    pub fn remember(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, world)) = &inner.cached else {
            return;
        };
        let world = world.clone();
        let now = world.now;
        let past = &mut inner.past;
        past.push_back((now, world));
        past.retain(|(until, _)| until.after(REMEMBERED) >= now);
    }

    /// Asks the world as it was so long ago, as far as that is remembered and was another one.
    pub fn past<T>(&self, ago: Duration, ask: impl FnOnce(&mut World) -> T) -> Option<T> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = inner.clock?.now();
        let mut past = inner.past.iter();
        let (_, world) = past.find(|(until, _)| until.after(ago) > now)?;
        Some(ask(&mut world.clone()))
    }

    /// Has `watcher` called before and after every transaction: the moments between which everything happens. What
    /// is on disk then is what a process leaves that dies there. It must not use the store itself.
    pub fn watch(&self, watcher: impl FnMut() + Send + 'static) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.watcher = Some(Box::new(watcher));
    }

    /// Forgets the whole world: the next transaction begins with a new one.
    ///
    /// # Errors
    /// When the document can't be removed.
    pub fn reset(&self) -> Result<(), Error> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = inner.lock()?;
        let path = inner.world_path();
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { path, source });
            }
            Ok(()) | Err(_) => {}
        }
        (inner.cached, inner.clock, inner.changed) = (None, None, false);
        drop(lock);
        Ok(())
    }
}

impl Inner {
    fn tell(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            watcher();
        }
    }

    fn world_path(&self) -> PathBuf {
        self.folder.join("world.json")
    }

    /// Takes the lock that every process holds for one transaction; it goes with the file handle.
    fn lock(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let locked = || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.folder)?;
            let file = fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        locked().map_err(|source| Error::Io {
            path: path.clone(),
            source,
        })
    }

    fn transact<T>(
        &mut self,
        effect: Effect,
        act: impl FnOnce(&mut World) -> T,
    ) -> Result<T, Error> {
        let lock = self.lock()?;
        self.refresh()?;
        let (path, folder) = (self.world_path(), self.folder.clone());
        let Some((stamp, world)) = &mut self.cached else {
            return Err(Error::Unreadable {
                path,
                reason: "it vanished while it was read".to_owned(),
            });
        };
        let clock = match self.clock {
            Some(clock) => clock,
            None => *self.clock.insert(Clock::anchored(
                self.clock_source,
                anchor(self.clock_source, *stamp, world.now),
            )),
        };
        let moved_on = world.advance(clock.now().max(world.now));
        let result = act(world);
        self.changed |= effect == Effect::Changes;
        if moved_on || effect == Effect::Changes || stamp.is_none() {
            match save(&folder, &path, world) {
                Ok(saved) => *stamp = Some(saved),
                Err(error) => {
                    // What is not on disk has not happened: the next transaction reads the document again.
                    self.cached = None;
                    return Err(error);
                }
            }
        }
        drop(lock);
        Ok(result)
    }

    /// Reads the document again if another process replaced it; begins a new world where there is none.
    fn refresh(&mut self) -> Result<(), Error> {
        let path = self.world_path();
        let io = |source| Error::Io {
            path: path.clone(),
            source,
        };
        let stamp = Stamp::of(&path).map_err(io)?;
        if let Some((cached, _)) = &self.cached
            && *cached == stamp
        {
            return Ok(());
        }
        let world = match stamp {
            None => World::new(DEFAULT_ACCOUNT, SimTime::EPOCH),
            Some(_) => parse(&path, &fs::read(&path).map_err(io)?)?,
        };
        self.cached = Some((stamp, world));
        Ok(())
    }
}

impl Drop for Inner {
    /// Leaves the time on disk: the next process may run it slower, and it must not go back.
    fn drop(&mut self) {
        let wall = matches!(self.clock_source, ClockSource::Wall { .. });
        if wall && self.changed && self.world_path().exists() {
            // What can't be written now has been told of where it mattered.
            let _ = self.transact(Effect::Changes, |_| ());
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the world's time is made from the host's, here and nowhere else"
)]
/// The moment at which a world that is opened now has arrived: with a wall clock it lived on since it was saved.
fn anchor(source: ClockSource, saved: Option<Stamp>, now: SimTime) -> SimTime {
    match (source, saved) {
        (ClockSource::Wall { scale }, Some(stamp)) => {
            let wall_ns = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_nanos();
            let passed_ns =
                wall_ns.saturating_sub(u128::try_from(stamp.modified_ns).unwrap_or_default());
            now.after(
                Duration::from_nanos(u64::try_from(passed_ns).unwrap_or(u64::MAX)).mul_f64(scale),
            )
        }
        (ClockSource::Wall { .. } | ClockSource::Virtual, _) => now,
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<World, Error> {
    let unreadable = |reason: String| Error::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let world: World =
        serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
    if world.format != FORMAT {
        return Err(unreadable(format!(
            "it has format {}, this version reads {FORMAT}",
            world.format
        )));
    }
    Ok(world)
}

fn save(folder: &Path, path: &Path, world: &World) -> Result<Stamp, Error> {
    let next = folder.join("world.json.next");
    let written = || {
        let bytes = serde_json::to_vec(world).map_err(io::Error::other)?;
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&next)?;
        file.write_all(&bytes)?;
        fs::rename(&next, path)?;
        Stamp::of(path)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    };
    written().map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(store: &Store) -> String {
        let read = store.transact(Effect::Reads, |world| world.account.clone());
        read.expect("the world can be read")
    }

    fn rename(store: &Store, account: &str) -> Result<(), Error> {
        store.transact(Effect::Changes, |world| {
            account.clone_into(&mut world.account)
        })
    }

    #[tokio::test(start_paused = true)]
    async fn two_processes_see_each_others_changes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let open = || Store::new(folder.path(), ClockSource::Virtual);
        let (first, second) = (open(), open());
        assert_eq!(account(&second), DEFAULT_ACCOUNT);
        rename(&first, "1").expect("a change");
        assert_eq!(account(&second), "1");
        rename(&second, "2").expect("a change");
        assert_eq!(
            (account(&first), account(&open())),
            ("2".into(), "2".into())
        );
        first.reset().expect("a reset");
        assert_eq!(account(&second), DEFAULT_ACCOUNT);
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_written_has_not_happened() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::new(folder.path(), ClockSource::Virtual);
        rename(&store, "1").expect("a change");
        let obstacle = folder.path().join("world.json.next");
        fs::create_dir(&obstacle).expect("a folder in the way");
        assert!(matches!(rename(&store, "2"), Err(Error::Io { .. })));
        fs::remove_dir(&obstacle).expect("it goes");
        assert_eq!(account(&store), "1");
    }

    #[tokio::test(start_paused = true)]
    async fn time_never_goes_back_where_it_goes_on_slower() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let now = |store: &Store| store.transact(Effect::Reads, |world| world.now);
        let open = |scale| Store::new(folder.path(), ClockSource::Wall { scale });
        let fast = open(1_000_000.0);
        rename(&fast, "1").expect("a change");
        tokio::time::advance(Duration::from_secs(1)).await;
        let told = now(&fast).expect("a time");
        drop(fast);
        assert!(now(&open(1.0)).expect("a time") >= told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_foreign_document_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("world.json");
        for text in ["", "{}", "nonsense"] {
            fs::write(&path, text).expect("a document");
            let store = Store::new(folder.path(), ClockSource::Virtual);
            assert!(matches!(rename(&store, "1"), Err(Error::Unreadable { .. })));
            assert_eq!(fs::read_to_string(&path).expect("it is there"), text);
        }
    }
}
