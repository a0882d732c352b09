//! `groundwork schema`.

use super::exit::{Error, Exit};
use crate::{environment, ui};

/// Print the JSON Schema of environment files, for editors
#[derive(Debug, clap::Args)]
pub struct Schema {}

impl Schema {
    pub(super) fn run(self) -> Result<Exit, Error> {
        ui::print_json(&environment::schema())?;
        Ok(Exit::Done)
    }
}
