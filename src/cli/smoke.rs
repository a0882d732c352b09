//! `groundwork smoke`.

use super::context::session_on_what_exists;
use super::exit::{Error, Exit};
use super::{Global, signals};
use crate::event::{Event, Listener, SmokeResult};
use crate::ops::{self, Session};
use crate::ui;

/// Ask the environment what its file says it must answer
#[derive(Debug, clap::Args)]
pub struct Smoke {
    /// The environment
    environment: String,
    /// Print one JSON object for each test
    #[arg(long)]
    json: bool,
}

impl Smoke {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session_on_what_exists(global, &self.environment).await?;
        if session.environment.smoke.is_empty() {
            ui::tell("there are no smoke tests in the file: `[[smoke]]` adds one\n");
        }
        let stop = signals::listen();
        let smoke = ask(&session, self.json, &stop).await?;
        Ok(if smoke.any(SmokeResult::NotSynced) {
            Exit::Smoke
        } else {
            exit(&smoke)
        })
    }
}

/// Runs the smoke tests after everything was applied. One that nobody can pass yet is told, and no failure.
pub async fn after_apply(
    session: &Session,
    json: bool,
    stop: &tokio::sync::watch::Receiver<bool>,
) -> Result<Exit, Error> {
    Ok(exit(&ask(session, json, stop).await?))
}

async fn ask(
    session: &Session,
    json: bool,
    stop: &tokio::sync::watch::Receiver<bool>,
) -> Result<ops::Smoke, Error> {
    let listener: &dyn Listener = if json { &ui::JsonLines } else { &Told };
    Ok(ops::smoke(session, listener, stop.clone()).await?)
}

fn exit(smoke: &ops::Smoke) -> Exit {
    if smoke.any(SmokeResult::Failed) {
        Exit::Smoke
    } else if smoke.any(SmokeResult::Stopped) {
        Exit::Interrupted
    } else {
        Exit::Done
    }
}

/// Prints each test when it is over.
struct Told;

impl Listener for Told {
    fn hear(&self, event: &Event) {
        if let Event::Smoke(test) = event {
            // The tests go on when nobody can follow them any more.
            drop(ui::print(format_args!("{}\n", ui::smoke(test))));
        }
    }
}
