//! What the integration tests share: an environment in a sandbox, on the virtual clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use groundwork::environment::{self, Environment};
use groundwork::event::{Event, Listener};
use groundwork::ops::Session;
use groundwork::sandbox::{Sandbox, stand_ins};
use groundwork::sensitive::Sensitive;
use groundwork::state::Store;
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

/// A session on `environment` in `sandbox`, as a new process would open it; the state is kept below `folder`.
pub fn session(folder: &Path, sandbox: &Sandbox, environment: Environment) -> Session {
    let account = "123456789012".to_owned();
    let store = Store::local(
        &folder.join("state"),
        "sandbox",
        &account,
        &environment.name,
    );
    Session {
        cloud: sandbox.cloud(&environment.region),
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

/// What stands in for the agent's install manifest, for a file that has an agent.
fn agent_manifest(environment: &Environment) -> Vec<serde_json::Value> {
    let bootstrap = environment.bootstrap.as_ref();
    match bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) {
        Some(_) => stand_ins::argocd().expect("the stand-in can be read"),
        None => Vec::new(),
    }
}

/// Leaves a few of each sort of the agent's many objects.
pub fn trim_agent(session: &mut Session) {
    let manifest = session.agent_manifest.as_mut().expect("a manifest");
    manifest.retain(|object| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let needed = ["argocd-server", "argocd-application-controller"];
        object["kind"] == "CustomResourceDefinition" || needed.contains(&name)
    });
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
