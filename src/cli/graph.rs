//! `groundwork graph`.

use std::fmt::Write;

use super::Global;
use super::context::session;
use super::exit::{Error, Exit};
use crate::ui;

/// Print the resources and what they depend on as a Mermaid flowchart
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// The environment
    environment: String,
}

impl Graph {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session(global, &self.environment).await?;
        let state = session.state()?;
        let desired = session.desired(&session.ownership(&state), &state);
        let mut text = "flowchart LR\n".to_owned();
        let quoted =
            |address: &crate::address::Address| format!("{}[\"{address}\"]", node(address));
        for (address, desired) in &desired {
            let _ = writeln!(text, "    {}", quoted(address));
            for first in desired.depends_on.iter().filter(|first| *first != address) {
                let _ = writeln!(text, "    {} --> {}", node(first), node(address));
            }
        }
        ui::print(text)?;
        Ok(Exit::Done)
    }
}

/// The address as a Mermaid node: letters, digits and underscores.
fn node(address: &crate::address::Address) -> String {
    address
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}
