//! `groundwork status`.

use super::Global;
use super::context::{output_columns, session_on_what_exists};
use super::exit::{Error, Exit};
use crate::ops;
use crate::plan::Goal;
use crate::ui;

/// Show what exists, how it is, and when it expires
#[derive(Debug, clap::Args)]
pub struct Status {
    /// The environment
    environment: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session_on_what_exists(global, &self.environment).await?;
        let planned = session.look(Goal::Apply).await?;
        let running = session.store.holder().await?;
        let status = ops::status(&session, &planned, running);
        if self.json {
            ui::print_json(&status)?;
        } else {
            ui::print(ui::status(&status, output_columns()))?;
        }
        Ok(Exit::Done)
    }
}
