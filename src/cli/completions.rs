//! `groundwork completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::exit::{Error, Exit};
use crate::ui;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Exit, Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "groundwork", &mut script);
        ui::print(String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
