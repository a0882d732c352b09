//! What the integration tests share: an environment in a sandbox of its own, on the virtual clock.
//!
//! Tests run under `#[tokio::test(start_paused = true)]`, so that a simulated quarter of an hour takes as long
//! as its computing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groundwork::apply::Report;
use groundwork::environment::{self, Environment};
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Planned, Session, Teardown};
use groundwork::plan::Goal;
use groundwork::sandbox::{Sandbox, stand_ins, time::ClockSource};
use groundwork::sensitive::Sensitive;
use groundwork::state::LocalStore;
use tempfile::TempDir;
use tokio::sync::watch;

/// The project's own folder, where the example environments are.
pub fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The example environment of this name.
pub fn example(name: &str) -> Environment {
    environment::load(&project().join(format!("environments/{name}.toml")), None)
        .expect("the example is valid")
}

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
        let account = "123456789012".to_owned();
        let store = LocalStore::new(
            &self.folder.path().join("state"),
            "sandbox",
            &account,
            &environment.name,
        );
        Session {
            cloud: self.sandbox.cloud(&environment.region),
            account,
            store,
            variables: BTreeMap::from([(
                "MYSQL_PASSWORD".to_owned(),
                Sensitive::new("correct-horse-battery"),
            )]),
            agent_manifest: Some(agent_manifest(&environment)),
            environment,
        }
    }
}

/// What stands in for the agent's install manifest, for a file that has an agent.
fn agent_manifest(environment: &Environment) -> Vec<serde_json::Value> {
    let bootstrap = environment.bootstrap.as_ref();
    match bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) {
        Some(_) => stand_ins::argocd().expect("the stand-in can be read"),
        None => Vec::new(),
    }
}

/// Hears nothing.
pub struct Silence;

impl Listener for Silence {
    fn hear(&self, _event: &Event) {}
}

/// A run that nobody stops.
pub fn never_stopped() -> watch::Receiver<bool> {
    watch::channel(false).1
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
    let teardown = ops::destroy(session, &planned, &Silence, never_stopped())
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

/// Reads a file of the project.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
