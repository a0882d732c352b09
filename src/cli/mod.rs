//! The command line: one file for each command, thin over `ops` and `ui`. Only this layer reads environment
//! variables, the terminal and the wall clock.

mod apply;
mod aws;
mod completions;
mod confirm;
mod context;
mod destroy;
mod exit;
mod graph;
mod kubeconfig;
mod output;
mod permissions;
mod plan;
mod published;
mod sandbox;
mod schema;
mod signals;
mod smoke;
mod state;
mod status;
mod sync;
mod token;
mod validate;
mod waiting;

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use exit::Exit;

use crate::environment::Provider;
use crate::environment::model::StateBackend;
use crate::state::Terms;

const EXIT_CODES: &str = "\
Exit codes:
    0  done, or nothing to do
    1  failed
    2  `plan` found something to do
    3  a smoke test was not passed
   64  wrong usage
   75  another run is at work, and --no-wait was given
  130  interrupted; the same command goes on";

/// Creates, bootstraps, keeps and tears down whole environments on AWS from one TOML file each.
#[derive(Debug, Parser)]
#[command(
    name = "groundwork",
    version,
    about,
    max_term_width = 100,
    after_help = EXIT_CODES
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Use this cloud instead of the one that the file names
    #[arg(long, global = true, value_enum, value_name = "CLOUD")]
    provider: Option<Cloud>,
    /// The project's folder, which holds `environments/` and `.groundwork/`
    #[arg(
        long,
        short = 'C',
        global = true,
        value_name = "FOLDER",
        default_value = "."
    )]
    directory: PathBuf,
    /// Keep the state there instead of where the file says: a folder, or `s3://bucket/prefix`
    #[arg(long, global = true, value_name = "BACKEND", env = "GROUNDWORK_STATE")]
    state: Option<StateBackend>,
    /// Reach the cluster as this kubeconfig says, through a tunnel say, instead of by its EKS endpoint. For a cluster that
    /// exists already, it says which one
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of that kubeconfig, if not its current one
    #[arg(long, global = true, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,
    /// How many times as fast as the host's the sandbox's time runs
    #[arg(
        long,
        global = true,
        value_name = "TIMES",
        env = "GROUNDWORK_SANDBOX_SPEED",
        default_value_t = 100.0,
        value_parser = speed
    )]
    sandbox_speed: f64,
    /// How many seconds the lease of a run that died lasts, where the state is in a bucket. Only tests need another.
    #[arg(
        long,
        global = true,
        hide = true,
        env = "GROUNDWORK_LEASE_SECONDS",
        default_value_t = Terms::default().length.as_secs(),
        value_parser = clap::value_parser!(u64).range(3..=600)
    )]
    lease_seconds: u64,
}

/// How fast the sandbox's time may run: slower shows nothing, faster leaves no time to answer in.
const SPEEDS: RangeInclusive<f64> = 0.1..=10_000.0;

/// Reads a speed of the sandbox's time.
fn speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok();
    let allowed = || format!("a number from {} to {}", SPEEDS.start(), SPEEDS.end());
    speed
        .filter(|speed| SPEEDS.contains(speed))
        .ok_or_else(allowed)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cloud {
    /// The embedded AWS and Kubernetes
    Sandbox,
    /// The real one
    Aws,
}

impl From<Cloud> for Provider {
    fn from(cloud: Cloud) -> Self {
        match cloud {
            Cloud::Sandbox => Self::Sandbox,
            Cloud::Aws => Self::Aws,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Plan),
    Apply(apply::Apply),
    Destroy(destroy::Destroy),
    Status(status::Status),
    Sync(sync::Sync),
    Smoke(smoke::Smoke),
    Output(output::Output),
    Kubeconfig(kubeconfig::Kubeconfig),
    Graph(graph::Graph),
    Validate(validate::Validate),
    Permissions(permissions::Permissions),
    #[command(subcommand)]
    State(state::State),
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Token(token::Token),
}

/// Runs the command line `arguments`, the first of which is the program, and tells how the process should end.
pub async fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    let global = &cli.global;
    let result = match cli.command {
        Command::Plan(command) => command.run(global).await,
        Command::Apply(command) => command.run(global).await,
        Command::Destroy(command) => command.run(global).await,
        Command::Status(command) => command.run(global).await,
        Command::Sync(command) => command.run(global).await,
        Command::Smoke(command) => command.run(global).await,
        Command::Output(command) => command.run(global).await,
        Command::Kubeconfig(command) => command.run(global).await,
        Command::Graph(command) => command.run(global),
        Command::Validate(command) => command.run(global),
        Command::Permissions(command) => command.run(global),
        Command::State(command) => command.run(global).await,
        Command::Sandbox(command) => command.run(global).await,
        Command::Schema(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Token(command) => command.run().await,
    };
    result.unwrap_or_else(|error| exit::failed(&error))
}
