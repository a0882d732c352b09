//! `groundwork schema`.

use super::exit::{Error, Exit};
use super::plan::print_json;
use crate::environment;

/// Print the JSON Schema of environment files, for editors
#[derive(Debug, clap::Args)]
pub struct Schema {}

impl Schema {
    pub(super) fn run(self) -> Result<Exit, Error> {
        print_json(&environment::schema());
        Ok(Exit::Done)
    }
}
