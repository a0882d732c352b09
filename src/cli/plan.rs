//! `groundwork plan`.

use super::Global;
use super::context::{columns, session};
use super::exit::{Error, Exit};
use crate::plan::Goal;
use crate::ui;

/// Show what apply would do, and why
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The environment
    environment: String,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
    /// Plan the teardown instead
    #[arg(long)]
    destroy: bool,
}

impl Plan {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session(global, &self.environment).await?;
        let goal = if self.destroy {
            Goal::Destroy
        } else {
            Goal::Apply
        };
        let planned = session.plan(goal).await?;
        if self.json {
            print_json(&planned.plan);
        } else {
            anstream::print!("{}", ui::plan(&planned.plan, columns()));
        }
        Ok(if planned.plan.is_empty() {
            Exit::Done
        } else {
            Exit::SomethingToDo
        })
    }
}

/// Prints a value as indented JSON.
pub fn print_json(value: &impl serde::Serialize) {
    // Everything that is printed is a plain struct with text keys, which always serialises.
    if let Ok(text) = serde_json::to_string_pretty(value) {
        println!("{text}");
    }
}
