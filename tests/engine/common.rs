//! What the engine's tests share: an environment in a sandbox of its own, on the virtual clock.
//!
//! Tests run under `#[tokio::test(start_paused = true)]`, so that a simulated quarter of an hour takes as long
//! as its computing.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use groundwork::apply::Report;
use groundwork::environment::{self, Environment};
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Planned, Session, Teardown};
use groundwork::plan::Goal;
use groundwork::sandbox::{Sandbox, time::ClockSource};
use groundwork::state::State;
use tempfile::TempDir;

use crate::shared::session;
pub use crate::shared::{Silence, example, never_stopped, project};

/// A sandbox in a folder of its own.
pub struct World {
    pub folder: TempDir,
    pub sandbox: Sandbox,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Sandbox::open(folder.path().join("sandbox"), ClockSource::Virtual);
        Self { folder, sandbox }
    }

    /// A session on `environment` in this world, as a new process would open it.
    pub fn session(&self, environment: Environment) -> Session {
        session(self.folder.path(), &self.sandbox, environment)
    }

    /// The same on the environment `name` that this text describes.
    pub fn session_of(&self, name: &str, text: &str) -> Session {
        let folder = self.folder.path().join("environments");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, text).expect("a file");
        self.session(environment::load(&path, None).expect("a file without faults"))
    }
}

/// Takes down in which order steps begin and end.
#[derive(Default)]
pub struct Steps(Mutex<Vec<String>>);

impl Steps {
    /// Insists that these came one after the other.
    #[track_caller]
    pub fn come_in_order(&self, lines: &[&str]) {
        let steps = self.0.lock().expect("whole");
        let at = |line: &&str| {
            let found = steps.iter().position(|step| step == line);
            found.unwrap_or_else(|| panic!("no `{line}` in {steps:#?}"))
        };
        assert!(lines.iter().map(at).is_sorted(), "{lines:#?} in {steps:#?}");
    }
}

impl Listener for Steps {
    fn hear(&self, event: &Event) {
        let line = match event {
            Event::Started { address, .. } => format!("began {address}"),
            Event::Removed { address, .. } => format!("removed {address}"),
            Event::Finished { address, .. } => format!("finished {address}"),
            _ => return,
        };
        self.0.lock().expect("whole").push(line);
    }
}

/// Plans and applies, agreeing to everything but the loss of data.
pub async fn apply(session: &Session) -> Report {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    carry_out(session, &planned).await
}

/// Applies a plan and insists that all of it was done.
pub async fn carry_out(session: &Session, planned: &Planned) -> Report {
    carry_out_with(session, planned, &Confirmed::default()).await
}

/// The same, having agreed to what `confirmed` says.
pub async fn carry_out_with(session: &Session, planned: &Planned, confirmed: &Confirmed) -> Report {
    let report = ops::apply(session, planned, confirmed, &Silence, never_stopped())
        .await
        .expect("a run");
    assert!(report.failed.is_empty(), "failed: {:#?}", report.failed);
    assert!(report.skipped.is_empty(), "skipped: {:#?}", report.skipped);
    report
}

/// Destroys and insists that nothing is left.
pub async fn destroy(session: &Session) -> Teardown {
    let planned = session.plan(Goal::Destroy).await.expect("a plan");
    let teardown = ops::destroy(
        session,
        &planned,
        &Confirmed::default(),
        &Silence,
        never_stopped(),
    )
    .await
    .expect("a run");
    assert!(
        teardown.report.failed.is_empty(),
        "failed: {:#?}",
        teardown.report.failed
    );
    assert_eq!(teardown.remains, Vec::new());
    teardown
}

/// What is remembered on disk.
pub fn remembered(session: &Session) -> Option<State> {
    let file = session.store.file().expect("a folder");
    let bytes = std::fs::read(file).ok()?;
    Some(State::from_bytes(&bytes, &session.environment.name).expect("a state that can be read"))
}

/// Reads a file of the project.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Does nothing but this, after so many seconds of the world.
pub async fn after(seconds: u64, act: impl FnOnce()) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    act();
    std::future::pending().await
}
