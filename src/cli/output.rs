//! `groundwork output`.

use super::Global;
use super::context::{columns, session};
use super::exit::{Error, Exit};
use super::plan::print_json;
use crate::{ops, ui};

/// Print what an environment gives: endpoints, addresses, names
#[derive(Debug, clap::Args)]
pub struct Output {
    /// The environment
    environment: String,
    /// Only this output, bare
    name: Option<String>,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

impl Output {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session(global, &self.environment).await?;
        let outputs = ops::outputs(&session, &session.state()?)?;
        match self.name {
            Some(name) => {
                let known = || outputs.keys().cloned().collect();
                let value = outputs.get(&name).ok_or_else(|| Error::NotThere {
                    what: "output",
                    name: name.clone(),
                    known: known(),
                })?;
                println!("{value}");
            }
            None if self.json => print_json(&outputs),
            None => anstream::print!("{}", ui::outputs(&outputs, columns())),
        }
        Ok(Exit::Done)
    }
}
