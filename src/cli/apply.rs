//! `groundwork apply`.

use std::io::IsTerminal;
use std::sync::Arc;

use tokio::sync::watch;

use super::confirm::confirm;
use super::context::{columns, output_columns, remembered, session};
use super::exit::{Error, Exit, colour};
use super::output::outputs;
use super::waiting::Waiting;
use super::{Global, signals, smoke};
use crate::address::Address;
use crate::apply::Report;
use crate::clock::Clock;
use crate::environment::{Environment, Provider};
use crate::event::Listener;
use crate::ops::{self, Confirmed, Planned, Session};
use crate::plan::Goal;
use crate::ui;

/// Bring the cloud in line with the file
#[derive(Debug, clap::Args)]
pub struct Apply {
    /// The environment
    environment: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Also replace or remove this resource, which loses its data; can be given more than once
    #[arg(long, value_name = "ADDRESS")]
    allow_data_loss: Vec<Address>,
    /// Do not ask first whether AWS would allow the plan and has room for it
    #[arg(long)]
    skip_preflight: bool,
    /// Print one JSON object for each event
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    waiting: Waiting,
}

impl Apply {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session(global, &self.environment).await?;
        let work = self.apply(global, &session);
        self.waiting.hold(global, &session, "apply", work).await
    }

    async fn apply(&self, global: &Global, session: &Session) -> Result<Exit, Error> {
        let planned = session.plan(Goal::Apply).await?;
        if !self.json {
            super::plan::show(session, &planned.plan)?;
        } else if !self.yes {
            ui::tell(super::plan::text(session, &planned.plan));
        }
        if planned.plan.is_empty() {
            return self
                .show_and_test(global, session, &signals::listen())
                .await;
        }
        if let Some(note) = beyond_reach(&session.environment, global.kubeconfig.is_some()) {
            ui::tell(format_args!("{note}\n"));
        }
        if !self.skip_preflight {
            for unchecked in ops::preflight(session, &planned).await? {
                ui::tell(format_args!("note: {unchecked}\n"));
            }
        }
        // The plan may have scrolled by.
        let question = format!("\nApply this plan: {}?", ui::tally(&planned.plan));
        if !confirm(self.yes, &question).await? {
            ui::tell("nothing was changed\n");
            return Ok(Exit::Failed);
        }
        let stop = signals::listen();
        let listener = listener(self.json, &session.cloud.clock, &planned);
        let confirmed = Confirmed {
            data_loss: self.allow_data_loss.clone(),
        };
        let report = ops::apply(
            session,
            &planned,
            &confirmed,
            listener.as_ref(),
            stop.clone(),
        )
        .await?;
        tell_writes(session, &report);
        if !report.is_complete() {
            return Ok(incomplete(*stop.borrow(), report.failed.is_empty()));
        }
        self.show_and_test(global, session, &stop).await
    }

    /// What the environment gives, and whether it answers.
    async fn show_and_test(
        &self,
        global: &Global,
        session: &Session,
        stop: &watch::Receiver<bool>,
    ) -> Result<Exit, Error> {
        show_outputs(global, &self.environment, self.json).await?;
        smoke::after_apply(session, self.json, stop).await
    }
}

/// What to know before a quarter of an hour is spent on a cluster into which nothing can be put from here.
fn beyond_reach(environment: &Environment, has_kubeconfig: bool) -> Option<&'static str> {
    let private = environment.cluster.as_ref();
    let private = private.is_some_and(|cluster| !cluster.public_endpoint);
    let asks = environment.bootstrap.is_some() && environment.provider == Provider::Aws;
    (private && asks && !has_kubeconfig).then_some(
        "note: this cluster's API server is reached from inside its VPC only; from anywhere else, give --kubeconfig FILE with a way there, such as a tunnel",
    )
}

async fn show_outputs(global: &Global, name: &str, json: bool) -> Result<(), Error> {
    let outputs = outputs(global, &remembered(global, name).await?)?;
    if json {
        let event = serde_json::json!({ "event": "outputs", "outputs": outputs });
        ui::print(format_args!("{event}\n"))?;
    } else {
        ui::print(format_args!(
            "\n{}",
            ui::outputs(&outputs, output_columns())
        ))?;
    }
    Ok(())
}

/// How progress is shown: bars on a terminal, lines elsewhere, JSON for machines.
pub fn listener(json: bool, clock: &Arc<dyn Clock>, planned: &Planned) -> Box<dyn Listener> {
    let course = || ui::Course::of(&planned.plan, &planned.basis());
    let clock = Arc::clone(clock);
    if json {
        Box::new(ui::JsonLines)
    } else if std::io::stderr().is_terminal() {
        Box::new(ui::Bars::new(clock, course(), colour(), columns()))
    } else {
        Box::new(ui::Lines::new(clock, course()))
    }
}

/// How often a state that is in a bucket was written: each write is a request, and takes a moment.
pub fn tell_writes(session: &Session, report: &Report) {
    if session.store.folder().is_none() {
        let writes = report.state_writes;
        ui::tell(format_args!("the state was written {writes} times\n"));
    }
}

/// How an incomplete run ends.
pub fn incomplete(stopped: bool, nothing_failed: bool) -> Exit {
    ui::tell("not everything was done; run the same command again to go on\n");
    if stopped && nothing_failed {
        Exit::Interrupted
    } else {
        Exit::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::beyond_reach;
    use crate::environment::{Provider, parse};

    #[test]
    fn a_private_endpoint_is_told_of_before_the_wait() {
        let file = r#"
environment = { name = "small", region = "us-east-1", account = "123456789012" }
cloud = { provider = "aws" }
network = { cidr = "10.0.0.0/16" }
cluster = { endpoint = "private", node_groups = { default = {} } }
bootstrap = { namespaces = ["flights"] }
"#;
        let documents = |_: &str| Err(std::io::Error::other("none"));
        let asked = |text: &str, provider| {
            let environment = parse("small.toml", text, Some(provider), &documents);
            environment.unwrap_or_else(|wrong| panic!("{wrong}"))
        };
        let private = asked(file, Provider::Aws);
        assert!(beyond_reach(&private, false).is_some_and(|told| told.contains("--kubeconfig")));
        assert_eq!(beyond_reach(&private, true), None);
        assert_eq!(beyond_reach(&asked(file, Provider::Sandbox), false), None);
        let public = asked(&file.replace("private", "public"), Provider::Aws);
        assert_eq!(beyond_reach(&public, false), None);
    }
}
