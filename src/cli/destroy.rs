//! `groundwork destroy`.

use super::apply::{incomplete, listener, tell_writes};
use super::confirm::confirm;
use super::context::{kubeconfig_path, session_on_what_exists};
use super::exit::{Error, Exit};
use super::waiting::Waiting;
use super::{Global, signals};
use crate::address::Address;
use crate::observe::Depth;
use crate::ops::{self, Confirmed, Planned, Session};
use crate::plan::Goal;
use crate::resources::EXISTING_CLUSTER;
use crate::resources::bootstrap::LABEL_ENVIRONMENT;
use crate::ui;

/// Take everything of an environment away, and prove that nothing is left
///
/// The data goes along: that of databases unless the file keeps a final snapshot, and every disk that was made for a
/// volume of the cluster, also where the volume's reclaim policy is `Retain`.
#[derive(Debug, clap::Args)]
pub struct Destroy {
    /// The environment
    environment: String,
    /// Do not ask; this covers the data as well
    #[arg(long, short)]
    yes: bool,
    /// In a cluster that is not ours, also delete this though others made it or something in it, as the plan says; can be
    /// given more than once
    #[arg(long, value_name = "ADDRESS")]
    allow_data_loss: Vec<Address>,
    /// Leave what is in a cluster that can't be reached to the sweep of what it made in AWS
    ///
    /// A cluster that is not ours (`existing = true`) is left as it is, with what was put into it: that is forgotten, and
    /// the exit code is 1, because nobody has seen that it is gone.
    ///
    /// The sweep goes by names and tags. A disk on which the driver has not written the cluster's name, as the EBS CSI
    /// driver does only if it is told to, is not found: look for such disks yourself.
    #[arg(long)]
    skip_cluster: bool,
    /// Print one JSON object for each event
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    waiting: Waiting,
}

impl Destroy {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session_on_what_exists(global, &self.environment).await?;
        let work = self.destroy(global, &session);
        self.waiting.hold(global, &session, "destroy", work).await
    }

    async fn destroy(&self, global: &Global, session: &Session) -> Result<Exit, Error> {
        let planned = if self.skip_cluster {
            session.plan_skipping_cluster().await?
        } else {
            session.plan(Goal::Destroy).await?
        };
        if !self.json {
            super::plan::show(session, &planned.plan)?;
        } else if !self.yes {
            ui::tell(super::plan::text(session, &planned.plan));
        }
        let name = &session.environment.name;
        if !planned.plan.is_empty()
            && !confirm(self.yes, &format!("\nDestroy {name} and everything in it?")).await?
        {
            ui::tell("nothing was changed\n");
            return Ok(Exit::Failed);
        }
        let stop = signals::listen();
        let listener = listener(self.json, &session.cloud.clock, &planned);
        let confirmed = Confirmed {
            data_loss: self.allow_data_loss.clone(),
        };
        let teardown = ops::destroy(
            session,
            &planned,
            &confirmed,
            listener.as_ref(),
            stop.clone(),
        )
        .await?;
        tell_writes(session, &teardown.report);
        if *stop.borrow() && !teardown.report.is_complete() {
            return Ok(incomplete(true, teardown.report.failed.is_empty()));
        }
        let passed_over = passed_over(&planned);
        if self.json {
            let event = serde_json::json!({
                "event": "remains", "remains": teardown.remains, "passed_over": passed_over,
            });
            ui::print(format_args!("{event}\n"))?;
        } else if passed_over.is_none() || !teardown.remains.is_empty() {
            ui::print(ui::remains(name, &teardown.remains))?;
        }
        if !teardown.report.is_complete() {
            return Ok(incomplete(false, teardown.report.failed.is_empty()));
        }
        if !teardown.remains.is_empty() {
            return Ok(Exit::Failed);
        }
        if let Some(passed_over) = passed_over {
            ui::tell(format_args!("{passed_over}\n"));
            return Ok(Exit::Failed);
        }
        // A kubeconfig of a cluster that is gone helps nobody; one that was never written is not missed.
        drop(std::fs::remove_file(kubeconfig_path(
            &global.directory,
            name,
        )));
        Ok(Exit::Done)
    }
}

/// What to say of a cluster that stays and was not looked into.
fn passed_over(planned: &Planned) -> Option<String> {
    let mut recorded = planned.state.resources.values();
    let cluster = recorded.find(|one| one.kind == EXISTING_CLUSTER)?;
    let name = &planned.state.environment;
    (planned.depth == Depth::Aws).then(|| {
        format!(
            "nobody looked into the cluster {}: what was put there is there as long as it is, and \
             `kubectl get all,configmaps,secrets,namespaces -A -l {LABEL_ENVIRONMENT}={name}` finds most of it",
            cluster.name
        )
    })
}
