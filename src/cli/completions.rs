//! `groundwork completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::exit::{Error, Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Exit, Error> {
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            "groundwork",
            &mut std::io::stdout(),
        );
        Ok(Exit::Done)
    }
}
