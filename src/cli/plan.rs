//! `groundwork plan`.

use super::Global;
use super::context::{columns, session, session_on_what_exists};
use super::exit::{Error, Exit};
use crate::ops::Session;
use crate::plan::{Goal, Plan as Planned};
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
        let name = &self.environment;
        let (session, goal) = if self.destroy {
            (session_on_what_exists(global, name).await?, Goal::Destroy)
        } else {
            (session(global, name).await?, Goal::Apply)
        };
        let planned = session.plan(goal).await?;
        if let Some(holder) = session.store.holder().await? {
            ui::tell(format_args!(
                "another run is at work, and what it has not finished is in this plan: {holder}\n"
            ));
        }
        if self.json {
            ui::print_json(&with_stand_ins(&session, &planned.plan))?;
        } else {
            show(&session, &planned.plan)?;
        }
        Ok(if planned.plan.is_empty() {
            Exit::Done
        } else {
            Exit::SomethingToDo
        })
    }
}

/// Shows a plan to a person.
pub fn show(session: &Session, plan: &Planned) -> Result<(), ui::Unprinted> {
    ui::print(text(session, plan))
}

/// A plan as a person reads it.
pub fn text(session: &Session, plan: &Planned) -> String {
    let mut text = ui::plan(plan, columns());
    // Of what goes it does not matter what it stood in for.
    if !plan.is_empty() && plan.goal == Goal::Apply {
        text.extend(stand_ins(session).iter().map(|name| ui::stand_in(name)));
    }
    text
}

/// The plan as JSON, which names what is not the real thing.
fn with_stand_ins(session: &Session, plan: &Planned) -> serde_json::Value {
    let mut value = serde_json::json!(plan);
    value["stand_ins"] = serde_json::json!(stand_ins(session));
    value
}

/// What the sandbox has something else for, because it has no internet to fetch it from.
fn stand_ins(session: &Session) -> Vec<String> {
    let published = session.published.iter();
    published
        .flat_map(|published| super::published::stand_ins(&session.environment, published))
        .collect()
}
