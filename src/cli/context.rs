#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads environment variables"
)]
//! What the commands share: the file, the cloud that it names, and the session on both.

use std::env;
use std::path::{Path, PathBuf};

use super::exit::Error;
use super::{Global, agent_manifest, aws};
use crate::environment::model::StateBackend;
use crate::environment::{self, Environment, Provider};
use crate::ops::{self, Session};
use crate::resources::Variables;
use crate::sandbox::Sandbox;
use crate::sandbox::time::ClockSource;
use crate::sensitive::Sensitive;
use crate::state::{Holder, LocalStore, Lock};

/// How wide the terminal is; 80 columns where there is none.
pub fn columns() -> usize {
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let given = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    given.or_else(measured).unwrap_or(80).max(40)
}

/// The environment of this name, with the provider that the command line may override.
pub fn environment(global: &Global, name: &str) -> Result<Environment, Error> {
    let path = environment::locate(&global.directory, name)?;
    Ok(environment::load(
        &path,
        global.provider.map(Provider::from),
    )?)
}

/// The embedded world of this project.
pub fn sandbox(global: &Global) -> Sandbox {
    let scale = if global.sandbox_speed.is_finite() {
        global.sandbox_speed.clamp(0.1, 10_000.0)
    } else {
        1.0
    };
    Sandbox::open(
        global.directory.join(".groundwork/sandbox"),
        ClockSource::Wall { scale },
    )
}

/// Opens the environment `name` with everything that the file asks for, the deploy agent's manifest too, which may
/// have to be fetched.
pub async fn session(global: &Global, name: &str) -> Result<Session, Error> {
    let mut session = session_on_record(global, name).await?;
    let environment = &session.environment;
    session.agent_manifest = agent_manifest::objects(&global.directory, environment).await?;
    Ok(session)
}

/// Opens the environment `name`: its file, its cloud and its state. What tears down or looks up needs no manifest: the
/// state knows what was made of it.
pub async fn session_on_record(global: &Global, name: &str) -> Result<Session, Error> {
    let environment = environment(global, name)?;
    let cloud = match environment.provider {
        Provider::Sandbox if global.kubeconfig.is_some() => return Err(Error::OwnCluster),
        Provider::Sandbox => sandbox(global).cloud(&environment.region),
        Provider::Aws => aws::cloud(global, &environment.region).await?,
    };
    let account = ops::identify(&cloud, &environment).await?;
    let StateBackend::Local(folder) = &environment.state;
    let root = global.directory.join(folder);
    let store = LocalStore::new(
        &root,
        environment.provider.as_str(),
        &account,
        &environment.name,
    );
    Ok(Session {
        variables: variables(&environment),
        cloud,
        account,
        store,
        agent_manifest: Vec::new(),
        environment,
    })
}

/// The values of the environment variables that the file names; unset ones are left out.
fn variables(environment: &Environment) -> Variables {
    let names = ops::variable_names(environment).into_iter();
    names
        .filter_map(|name| {
            Some((
                name.to_owned(),
                Sensitive::new(env::var(name).ok().filter(|value| !value.is_empty())?),
            ))
        })
        .collect()
}

/// Takes the lock that a command which changes something holds from before its plan to its end.
pub fn lock(session: &Session, operation: &str) -> Result<Lock, Error> {
    let holder = Holder {
        pid: std::process::id(),
        operation: operation.to_owned(),
        since: session.cloud.clock.now(),
    };
    Ok(Lock::take(
        session.store.folder(),
        &session.environment.name,
        &holder,
    )?)
}

/// Where the kubeconfig of an environment is written.
pub fn kubeconfig_path(directory: &Path, environment: &str) -> PathBuf {
    directory
        .join(".groundwork/kubeconfig")
        .join(format!("{environment}.yaml"))
}
