//! `groundwork sync`.

use std::time::Duration;

use serde_json::json;

use super::context::session_on_what_exists;
use super::exit::{Error, Exit};
use super::{Global, signals};
use crate::ops::{self, Request, SyncError, SyncReport};
use crate::ui;

/// Have the deploy agent deploy an application now, and wait until it runs
///
/// Ends well once Argo CD says that it is Synced and Healthy. A deployment that is under way already is joined. Nothing
/// is changed in AWS or in the state, so that no other run is in the way.
#[derive(Debug, clap::Args)]
pub struct Sync {
    /// The environment
    environment: String,
    /// The application, as the file calls it
    application: String,
    /// Deploy this branch, tag or commit instead of the file's; an application that syncs by itself soon goes back
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// Also delete what the repository no longer has
    #[arg(long)]
    prune: bool,
    /// How many seconds to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    within: u64,
    /// Print one JSON object for each change
    #[arg(long)]
    json: bool,
}

impl Sync {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let session = session_on_what_exists(global, &self.environment).await?;
        let request = Request {
            application: &self.application,
            revision: self.revision.as_deref(),
            prune: self.prune,
            within: Duration::from_secs(self.within),
        };
        let name = self.application.as_str();
        let told = |report: &SyncReport| {
            if self.json {
                // Who reads a pipe may leave; the deployment goes on without being followed.
                drop(ui::print(format_args!("{}\n", event("sync", name, report))));
            } else {
                ui::tell(format_args!("{name}: {}\n", report.words()));
            }
        };
        match ops::sync(&session, &request, &told, signals::listen()).await {
            Ok(report) => {
                if self.json {
                    ui::print(format_args!("{}\n", event("synced", name, &report)))?;
                } else {
                    let revision = match report.revision.as_str() {
                        "" => String::new(),
                        revision => format!(" at {revision}"),
                    };
                    ui::print(format_args!("{name} is synced and healthy{revision}\n"))?;
                }
                Ok(Exit::Done)
            }
            Err(error @ SyncError::Stopped { .. }) => {
                ui::tell(format_args!("{error}\n"));
                Ok(Exit::Interrupted)
            }
            Err(SyncError::Unknown { name, known }) => Err(Error::NotThere {
                what: "application",
                name,
                known,
            }),
            Err(error) => Err(Error::Sync(Box::new(error))),
        }
    }
}

fn event(event: &str, application: &str, report: &SyncReport) -> serde_json::Value {
    let mut value = json!(report);
    value["event"] = json!(event);
    value["application"] = json!(application);
    value
}
