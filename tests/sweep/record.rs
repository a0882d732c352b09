//! What a process leaves on disk at every moment of one run.
//!
//! World and state are replaced, never written in place, so that a hard link keeps what was there. Between two
//! writes nothing that could survive a crash changes: the points of a run are all there are.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use groundwork::sandbox::{Sandbox, time::ClockSource};
use groundwork::state::Store;
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use object_store::path::Path as Name;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::settings;

/// The two documents of a run, in the folder of that run.
const DOCUMENTS: [&str; 2] = ["sandbox/world.json", "state/sandbox/123456789012"];

/// The state's document of `environment` in the folder of a run.
fn documents(folder: &Path, environment: &str) -> [PathBuf; 2] {
    let [world, states] = DOCUMENTS.map(|document| folder.join(document));
    [world, states.join(format!("{environment}.json"))]
}

/// Where the state of a run is kept.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Keeps {
    #[default]
    Folder,
    Bucket,
}

/// What was on disk at one moment of a run, and in its bucket.
#[derive(Clone, Debug)]
pub struct Point {
    /// Which moment it was, counted from 0.
    pub number: usize,
    /// Whether the state was written last, rather than the world.
    pub journal: bool,
    folder: PathBuf,
    bucket: Option<InMemory>,
}

impl Point {
    /// Lets a new process begin here, in a folder of its own.
    pub fn begin(&self, environment: &str) -> Place {
        let bucket = self.bucket.as_ref().map(InMemory::fork);
        let mut place = Place::of(bucket);
        place.looks_seldom = !settings::everything();
        link(
            &documents(&self.folder, environment),
            &documents(place.path(), environment),
        );
        place
    }
}

/// The folder of one run, with its sandbox.
pub struct Place {
    folder: TempDir,
    bucket: Option<Arc<InMemory>>,
    pub sandbox: Sandbox,
    /// Whether whoever waits here looks seldom: most of a run's work is looking, and nothing of what is swept.
    pub looks_seldom: bool,
}

impl Place {
    pub fn new() -> Self {
        Self::of(None)
    }

    /// One whose state is kept so.
    pub fn keeping(keeps: Keeps) -> Self {
        Self::of((keeps == Keeps::Bucket).then(InMemory::new))
    }

    /// The store of `environment`, unless it is in the folder.
    pub fn bucket(&self, environment: &str) -> Option<Store> {
        let bucket = Arc::clone(self.bucket.as_ref()?);
        let whose = ["sandbox", "123456789012", environment];
        Some(Store::shared(bucket, "memory", "", whose))
    }

    fn of(bucket: Option<InMemory>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Sandbox::open(folder.path().join("sandbox"), ClockSource::Virtual);
        Self {
            folder,
            bucket: bucket.map(Arc::new),
            sandbox,
            looks_seldom: false,
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What is there of `environment` now, to begin from more than once.
    pub fn keep(&self, environment: &str) -> Kept {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let point = Point {
            number: 0,
            journal: false,
            folder: folder.path().to_owned(),
            bucket: self.bucket.as_ref().map(|bucket| bucket.fork()),
        };
        link(
            &documents(self.path(), environment),
            &documents(folder.path(), environment),
        );
        Kept {
            point,
            _folder: folder,
        }
    }

    /// Keeps every point of what happens here to `environment` from now on, or the first so many.
    pub fn record(&self, environment: &str, most: Option<usize>) -> Recording {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let points = Arc::new(Mutex::new(Vec::new()));
        let (full, is_full) = watch::channel(false);
        let (to, into) = (folder.path().to_owned(), Arc::clone(&points));
        let from = documents(self.path(), environment);
        let bucket = self.bucket.clone();
        let object = Name::from(format!("sandbox/123456789012/{environment}.json"));
        let environment = environment.to_owned();
        let mut last = [None, None];
        self.sandbox.store().watch(move || {
            if *full.borrow() {
                return;
            }
            let mut now = from
                .each_ref()
                .map(|path| identity(path).map(Version::File));
            if let Some(bucket) = &bucket {
                let kept = bucket.head(&object).now_or_never().and_then(Result::ok);
                now[1] = kept.and_then(|kept| kept.e_tag).map(Version::Object);
            }
            if now == last {
                return;
            }
            let mut points = into.lock().expect("nobody panicked");
            let point = Point {
                number: points.len(),
                journal: now[1] != last[1],
                folder: to.join(points.len().to_string()),
                bucket: bucket.as_ref().map(|bucket| bucket.fork()),
            };
            link(&from, &documents(&point.folder, &environment));
            points.push(point);
            last = now;
            full.send_replace(most.is_some_and(|most| points.len() >= most));
        });
        Recording {
            points,
            is_full,
            folder,
        }
    }
}

/// A moment that outlives its run.
pub struct Kept {
    pub point: Point,
    _folder: TempDir,
}

/// The points of a run; they are there as long as this is.
pub struct Recording {
    points: Arc<Mutex<Vec<Point>>>,
    is_full: watch::Receiver<bool>,
    #[expect(dead_code, reason = "the points' files go with it")]
    folder: TempDir,
}

impl Recording {
    pub fn points(&self) -> Vec<Point> {
        self.points.lock().expect("nobody panicked").clone()
    }

    /// Waits until there are as many points as were asked for.
    pub async fn full(&self) {
        let mut is_full = self.is_full.clone();
        if is_full.wait_for(|full| *full).await.is_err() {
            std::future::pending().await
        }
    }
}

/// Tells one version of a document from the next.
#[derive(PartialEq)]
enum Version {
    File((u64, i64, i64)),
    Object(String),
}

/// What a file is told from the next by.
fn identity(path: &Path) -> Option<(u64, i64, i64)> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec()))
}

/// Links what is there of `from`.
fn link(from: &[PathBuf; 2], to: &[PathBuf; 2]) {
    for (from, to) in from.iter().zip(to) {
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        match fs::hard_link(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{error}"),
            Ok(()) | Err(_) => {}
        }
    }
}
