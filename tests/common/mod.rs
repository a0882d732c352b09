//! What the integration tests share: an environment in a sandbox, on the virtual clock.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use groundwork::environment::model::{Manifest, Release, Source};
use groundwork::environment::{self, Environment};
use groundwork::event::{Event, Listener};
use groundwork::ops::Session;
use groundwork::resources::bootstrap::{Published, documents, rendered};
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
    let published = published(&environment);
    let password = Sensitive::new("correct-horse-battery");
    let mut variables = published.values();
    variables.insert("MYSQL_PASSWORD".to_owned(), password);
    Session {
        cloud: sandbox.cloud(&environment.region),
        account,
        store,
        variables,
        published: Some(published),
        environment,
    }
}

/// What stands in for the agent's install manifest, for a file that has an agent.
fn published(environment: &Environment) -> Published {
    let bootstrap = environment.bootstrap.as_ref();
    let agent = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref());
    let agent = agent.map(|agent| stand_ins::argocd(agent.flavour));
    let releases = bootstrap.into_iter().flat_map(|it| &it.releases);
    let read = |(key, release): (&String, &Release)| {
        let Source::Manifest(Manifest::File { text, .. }) = &release.source else {
            panic!("{key} is not a file");
        };
        let objects = documents(text.expose()).expect("YAML");
        let objects = rendered(key, objects, &BTreeSet::new()).expect("objects");
        (key.clone(), objects)
    };
    let ingress = bootstrap.and_then(|it| it.ingress.as_ref()?.source.as_ref());
    let ingress = ingress.map(|source| {
        let Source::Manifest(Manifest::File { text, .. }) = source else {
            panic!("the ingress controller is not a file");
        };
        let objects = documents(text.expose()).expect("YAML");
        rendered("traefik", objects, &BTreeSet::new()).expect("objects")
    });
    Published {
        ingress: ingress.unwrap_or_default(),
        agent: agent.map_or_else(Vec::new, |it| it.expect("the stand-in can be read")),
        releases: releases.map(read).collect(),
        ..Published::default()
    }
}

/// Leaves a few of each sort of the agent's many objects.
pub fn trim_agent(session: &mut Session) {
    let published = session.published.as_mut().expect("what is published");
    published.agent.retain(|object| {
        let object = &object.manifest;
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
