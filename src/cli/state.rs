//! `groundwork state`.

use super::Global;
use super::confirm::confirm;
use super::context::{kept, output_columns, remembered, session, session_on_what_exists};
use super::exit::{Error, Exit};
use super::waiting::Waiting;
use crate::address::Address;
use crate::observe::Depth;
use crate::ops::{self, Previous, Rebuilt, Session};
use crate::ui;

/// Look at what groundwork remembers of an environment, put that together anew, or an older version back
#[derive(Debug, clap::Subcommand)]
pub enum State {
    /// List the addresses that are remembered
    List {
        /// The environment
        environment: String,
    },
    /// Print what is remembered, of one resource or of everything
    Show {
        /// The environment
        environment: String,
        /// Only this resource
        address: Option<Address>,
    },
    /// Put a lost or damaged state together again, from the file and the cloud
    ///
    /// Takes over what carries the environment's name in the cloud, after asking, and changes nothing there. What was
    /// made last may become visible only after a minute, so it takes that long. A state that is replaced is kept aside.
    Rebuild(Rebuild),
    /// List the older versions that are kept: what each run that changed something found
    History {
        /// The environment
        environment: String,
    },
    /// Put an older version of the state back
    ///
    /// The cloud is not changed: the next plan finds what was made since by its tags. The version that is replaced is
    /// kept.
    Restore(Restore),
}

/// Put an older version of the state back
#[derive(Debug, clap::Args)]
pub struct Restore {
    /// The environment
    environment: String,
    /// The version, as `state history` names it
    version: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Put a lost or damaged state together again
#[derive(Debug, clap::Args)]
pub struct Rebuild {
    /// The environment
    environment: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Which lineage to take over, where the cloud tells of several
    #[arg(long, value_name = "UUID")]
    lineage: Option<uuid::Uuid>,
    /// Leave out what is in a cluster that can't be reached: a later plan finds it again
    #[arg(long)]
    skip_cluster: bool,
    #[command(flatten)]
    waiting: Waiting,
}

impl State {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        match self {
            Self::List { environment } => {
                for address in remembered(global, &environment)
                    .await?
                    .state
                    .resources
                    .keys()
                {
                    ui::print(format_args!("{address}\n"))?;
                }
            }
            Self::Show {
                environment,
                address,
            } => show(global, &environment, address).await?,
            Self::Rebuild(command) => return command.run(global).await,
            Self::History { environment } => {
                let versions = kept(global, &environment).await?.history().await?;
                ui::print(ui::versions(&versions, output_columns()))?;
            }
            Self::Restore(command) => return command.run(global).await,
        }
        Ok(Exit::Done)
    }
}

async fn show(global: &Global, environment: &str, address: Option<Address>) -> Result<(), Error> {
    let state = remembered(global, environment).await?.state;
    let Some(address) = address else {
        return Ok(ui::print_json(&state)?);
    };
    let known = || state.resources.keys().map(ToString::to_string).collect();
    let recorded = state.resources.get(&address);
    let recorded = recorded.ok_or_else(|| Error::NotThere {
        what: "resource",
        name: address.to_string(),
        known: known(),
    });
    Ok(ui::print_json(recorded?)?)
}

impl Restore {
    async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session_on_what_exists(global, &self.environment).await?;
        let work = self.restore(&session);
        self.waiting
            .hold(global, &session, "state restore", work)
            .await
    }

    async fn restore(&self, session: &Session) -> Result<Exit, Error> {
        let (name, version) = (&self.environment, &self.version);
        let question = format!("Put version {version} in the place of the state of {name}?");
        if !confirm(self.yes, &question).await? {
            ui::tell("nothing was changed\n");
            return Ok(Exit::Failed);
        }
        session.cloud.fence.check().map_err(ops::Error::from)?;
        let restored = session.store.restore(version).await?;
        ui::tell(format_args!(
            "the state remembers {} resources; `groundwork plan {name}` tells what differs from them\n",
            restored.resources.len()
        ));
        Ok(Exit::Done)
    }
}

impl Rebuild {
    async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session(global, &self.environment).await?;
        let work = self.rebuild(&session);
        self.waiting
            .hold(global, &session, "state rebuild", work)
            .await
    }

    async fn rebuild(&self, session: &Session) -> Result<Exit, Error> {
        let depth = if self.skip_cluster {
            Depth::Aws
        } else {
            Depth::Cluster
        };
        ui::tell(format_args!(
            "looking for what is of `{}`; what was made last may need a minute to be seen\n",
            self.environment
        ));
        let rebuilt = ops::rebuild(session, self.lineage, depth).await?;
        ui::tell(found(&rebuilt));
        if !confirm(self.yes, "\nTake it over?").await? {
            ui::tell("nothing was changed\n");
            return Ok(Exit::Failed);
        }
        if let Some(kept) = ops::take_over(session, &rebuilt).await? {
            ui::tell(format_args!("the former state is kept as {}\n", kept));
        }
        let name = &rebuilt.state.environment;
        ui::tell(format_args!(
            "the state is written; `groundwork plan {name}` tells what differs from the file\n"
        ));
        Ok(Exit::Done)
    }
}

/// What was found, and what it would replace.
fn found(rebuilt: &Rebuilt) -> String {
    let state = &rebuilt.state;
    let found = format!(
        "environment `{}` in account {}, {}: {} resources of lineage {}\n",
        state.environment,
        state.account,
        state.region,
        state.resources.len(),
        state.lineage
    );
    let replaces = match &rebuilt.previous {
        Previous::None => String::new(),
        Previous::Readable(previous) => format!(
            "there is a state that can be used, with {} resources of lineage {} and {} unfinished actions: this would replace it\n",
            previous.resources.len(),
            previous.lineage,
            previous.open.len()
        ),
        Previous::Damaged(error) => format!("{error}: this would replace it\n"),
    };
    found + &replaces
}
