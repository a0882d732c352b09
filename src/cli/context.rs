#![expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads environment variables"
)]
//! What the commands share: the file, the cloud that it names, and the session on both.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use super::exit::Error;
use super::{Global, aws, published};
use crate::environment::model::StateBackend;
use crate::environment::{self, Environment, Provider};
use crate::ops::{self, Session};
use crate::resources::Variables;
use crate::sandbox::Sandbox;
use crate::sandbox::time::ClockSource;
use crate::sandbox::world::DEFAULT_ACCOUNT;
use crate::sensitive::Sensitive;
use crate::state::{State, Store};

/// How wide the terminal is; 80 columns where there is none.
pub fn columns() -> usize {
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let given = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    given.or_else(measured).unwrap_or(80).max(40)
}

/// How wide standard output is, where it is a terminal. What goes anywhere else is for programs: nothing of it is cut.
pub fn output_columns() -> Option<usize> {
    io::stdout().is_terminal().then(columns)
}

/// The environment of this name, with the provider and the place of its state, which the command line may override.
pub fn environment(global: &Global, name: &str) -> Result<Environment, Error> {
    let path = environment::locate(&global.directory, name)?;
    let mut environment = environment::load(&path, global.provider.map(Provider::from))?;
    if let Some(state) = &global.state {
        environment.state = state.clone();
    }
    Ok(environment)
}

/// The embedded world of this project.
pub fn sandbox(global: &Global) -> Sandbox {
    Sandbox::open(
        global.directory.join(".groundwork/sandbox"),
        ClockSource::Wall {
            scale: global.sandbox_speed,
        },
    )
}

/// An environment's file and its document: enough for what needs neither a cloud nor credentials.
pub struct Remembered {
    /// The file.
    pub environment: Environment,
    /// The document.
    pub state: State,
}

/// Where the state of the environment `name` is kept, as far as its file tells.
pub async fn kept(global: &Global, name: &str) -> Result<Store, Error> {
    store_as_told(global, &environment(global, name)?).await
}

async fn store_as_told(global: &Global, environment: &Environment) -> Result<Store, Error> {
    let account = environment.account.as_deref();
    let account = match environment.provider {
        Provider::Aws => account.unwrap_or(Environment::NO_ACCOUNT),
        Provider::Sandbox => DEFAULT_ACCOUNT,
    };
    store(global, environment, account).await
}

/// What is remembered of the environment `name`. Asks nobody: on AWS the account is the one that the file names.
pub async fn remembered(global: &Global, name: &str) -> Result<Remembered, Error> {
    let environment = environment(global, name)?;
    let store = store_as_told(global, &environment).await?;
    let state = store.load().await?;
    let state = state.ok_or_else(|| ops::Error::NeverApplied(environment.name.clone()))?;
    Ok(Remembered { environment, state })
}

async fn store(global: &Global, environment: &Environment, account: &str) -> Result<Store, Error> {
    let (provider, name) = (environment.provider.as_str(), environment.name.as_str());
    Ok(match &environment.state {
        StateBackend::Local(folder) => {
            Store::local(&global.directory.join(folder), provider, account, name)
        }
        StateBackend::S3 { bucket, prefix } => {
            let objects = aws::bucket(bucket, &environment.region).await?;
            let whose = [provider, account, name];
            Store::shared(objects, &format!("s3://{bucket}"), prefix, whose)
        }
    })
}

/// Opens the environment `name` to bring it in line with its file, or to plan that: all that it consists of is at
/// hand.
pub async fn session(global: &Global, name: &str) -> Result<Session, Error> {
    let mut session = session_on_what_exists(global, name).await?;
    let version = session.version_for_charts().await?;
    let (project, environment) = (&global.directory, &session.environment);
    let published = published::load(project, environment, version.as_deref()).await?;
    session.variables.extend(published.values());
    session.published = Some(published);
    Ok(session)
}

/// Opens the environment `name` to look at what exists of it, or to take that away: needs its cloud and nothing else.
pub async fn session_on_what_exists(global: &Global, name: &str) -> Result<Session, Error> {
    let environment = environment(global, name)?;
    let cloud = match environment.provider {
        Provider::Sandbox if global.kubeconfig.is_some() => return Err(Error::OwnCluster),
        Provider::Sandbox => sandbox(global).cloud(&environment.region),
        Provider::Aws => aws::cloud(global, &environment).await?,
    };
    let account = ops::identify(&cloud, &environment).await?;
    Ok(Session {
        variables: variables(&environment),
        store: (store(global, &environment, &account).await?).within(&cloud.fence),
        cloud,
        account,
        published: None,
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

/// What calls this program again. Where its name alone finds it, that is its name, which holds on every machine that
/// has groundwork on its PATH; elsewhere its path.
pub fn own_command() -> String {
    let name = "groundwork";
    let Ok(program) = env::current_exe() else {
        return name.to_owned();
    };
    let search = env::var_os("PATH").unwrap_or_default();
    let first = env::split_paths(&search)
        .map(|folder| folder.join(name))
        .find(|found| found.is_file());
    let is_this = |found: PathBuf| found.canonicalize().ok() == program.canonicalize().ok();
    if first.is_some_and(is_this) {
        name.to_owned()
    } else {
        program.display().to_string()
    }
}

/// Where the kubeconfig of an environment is written.
pub fn kubeconfig_path(directory: &Path, environment: &str) -> PathBuf {
    directory
        .join(".groundwork/kubeconfig")
        .join(format!("{environment}.yaml"))
}
