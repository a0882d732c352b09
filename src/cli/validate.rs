//! `groundwork validate`.

use super::Global;
use super::context::environment;
use super::exit::{Error, Exit};
use crate::ui;

/// Check the form of an environment's file, without a cloud
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// The environment
    environment: String,
}

impl Validate {
    pub(super) fn run(self, global: &Global) -> Result<Exit, Error> {
        let environment = environment(global, &self.environment)?;
        ui::print(format_args!(
            "{} is a valid environment\n",
            environment.name
        ))?;
        Ok(Exit::Done)
    }
}
