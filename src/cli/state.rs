//! `groundwork state`.

use super::Global;
use super::context::remembered;
use super::exit::{Error, Exit};
use crate::address::Address;
use crate::ui;

/// Look at what groundwork remembers of an environment
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
}

impl State {
    pub(super) fn run(self, global: &Global) -> Result<Exit, Error> {
        let (Self::List { environment } | Self::Show { environment, .. }) = &self;
        let state = remembered(global, environment)?.state;
        match self {
            Self::List { .. } => {
                for address in state.resources.keys() {
                    ui::print(format_args!("{address}\n"))?;
                }
            }
            Self::Show { address: None, .. } => ui::print_json(&state)?,
            Self::Show {
                address: Some(address),
                ..
            } => {
                let name = address.to_string();
                let known = || state.resources.keys().map(ToString::to_string).collect();
                let recorded = state.resources.get(&address);
                ui::print_json(recorded.ok_or_else(|| Error::NotThere {
                    what: "resource",
                    name,
                    known: known(),
                })?)?;
            }
        }
        Ok(Exit::Done)
    }
}
