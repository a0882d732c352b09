//! Has the deploy agent deploy one application now, and waits until that is done.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Error, Session};
use crate::address::Address;
use crate::clock::Clock;
use crate::cloud::{Retry, retry};
use crate::plan::Goal;
use crate::resources::bootstrap::{APPLICATION, Deployed};
use crate::resources::inventory::cluster_endpoint;

/// How long to wait before looking again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How long one read or write of the application is tried.
const CALL_BOUND: Duration = Duration::from_secs(60);

/// How an application is, as Argo CD reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub sync: String,
    /// `Healthy`, `Progressing`, `Degraded` and so on.
    pub health: String,
    /// How far the deployment is: `Requested`, `Running`, `Succeeded`, `Failed` or `Error`.
    pub operation: String,
    /// Which commit is there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// What Argo CD says of the deployment and of what is wrong with the application.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<String>,
}

/// Why an application was not deployed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The environment has no such application.
    #[error("there is no application `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is in the file and not in the cluster.
    #[error("the application `{0}` is not in the cluster")]
    NotThere(String),
    /// The environment's cluster could not be looked into.
    #[error(transparent)]
    Operation(#[from] Error),
    /// The API server refused, or did not answer.
    #[error("the application `{name}` can't be asked for")]
    Cloud {
        /// Which.
        name: String,
        /// The call.
        source: crate::cloud::Fault,
    },
    /// Argo CD could not deploy it.
    #[error("Argo CD could not deploy `{name}`: {}", report.words())]
    Failed {
        /// Which.
        name: String,
        /// How it is.
        report: Report,
    },
    /// It took too long.
    #[error("`{name}` is not deployed after {seconds} s: {}", report.words())]
    Slow {
        /// Which.
        name: String,
        /// How long it was waited for.
        seconds: u64,
        /// How it is.
        report: Report,
    },
    /// Somebody wanted to wait no longer.
    #[error("nobody waits for `{name}` any more; Argo CD goes on with it")]
    Stopped {
        /// Which.
        name: String,
    },
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The application, by its key in the file or its name in the cluster.
    pub application: &'a str,
    /// Which branch, tag or commit, if not the file's.
    pub revision: Option<&'a str>,
    /// Whether what the repository no longer has is deleted.
    pub prune: bool,
    /// How long to wait.
    pub within: Duration,
}

/// Starts the deployment, or joins one that is under way, and waits until the application is synced and healthy.
/// `told` hears how it is, once for each change.
///
/// # Errors
/// When there is no such application, or it does not come to be synced and healthy.
pub async fn sync(
    session: &Session,
    request: &Request<'_>,
    told: &(dyn Fn(&Report) + Sync),
    stop: watch::Receiver<bool>,
) -> Result<Report, SyncError> {
    let (address, name) = find(session, request.application)?;
    let application = open(session, &address, &name).await?;
    let clock = session.cloud.clock.as_ref();
    let failed = |source| SyncError::Cloud {
        name: name.clone(),
        source,
    };
    let before = read(clock, &application).await.map_err(failed)?;
    let before = before.ok_or_else(|| SyncError::NotThere(name.clone()))?;
    // Argo CD does one at a time: what runs already is joined.
    if !is_under_way(&before) {
        let operation = operation(request);
        let ask = || application.patch(&operation);
        retry(clock, Retry::Idempotent, CALL_BOUND, ask)
            .await
            .map_err(failed)?;
    }
    let finished = started(&before).filter(|_| !is_under_way(&before));
    let begun = clock.passed();
    let mut last = Report::default();
    loop {
        let live = read(clock, &application).await.map_err(failed)?;
        let live = live.ok_or_else(|| SyncError::NotThere(name.clone()))?;
        let report = report(&live, finished);
        if report != last {
            told(&report);
            last = report.clone();
        }
        if ["Failed", "Error"].contains(&report.operation.as_str()) {
            return Err(SyncError::Failed { name, report });
        }
        let deployed = report.operation == "Succeeded";
        if deployed && report.sync == "Synced" && report.health == "Healthy" {
            return Ok(report);
        }
        if *stop.borrow() {
            return Err(SyncError::Stopped { name });
        }
        let waited = clock.passed().saturating_sub(begun);
        if waited >= request.within {
            let seconds = waited.as_secs();
            return Err(SyncError::Slow {
                name,
                seconds,
                report,
            });
        }
        clock.sleep(LOOK_AGAIN).await;
    }
}

/// Where the application stands, and its name in the cluster.
fn find(session: &Session, asked: &str) -> Result<(Address, String), SyncError> {
    let bootstrap = session.environment.bootstrap.as_ref();
    let agent = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref());
    let mut applications = agent.iter().flat_map(|agent| &agent.applications);
    let found = applications
        .clone()
        .find(|(key, _)| *key == asked)
        .or_else(|| applications.find(|(_, application)| application.name == asked));
    match found {
        Some((key, application)) => {
            let address = Address::of(&["bootstrap", "application", key]);
            Ok((address, application.name.clone()))
        }
        None => Err(SyncError::Unknown {
            name: asked.to_owned(),
            known: agent
                .iter()
                .flat_map(|agent| agent.applications.keys().cloned())
                .collect(),
        }),
    }
}

/// The application in the cluster, which has to be ours.
async fn open(session: &Session, address: &Address, name: &str) -> Result<Deployed, SyncError> {
    let planned = session.look(Goal::Apply).await?;
    let found = planned.observation.found.get(address).into_iter().flatten();
    let ours = found
        .filter(|found| found.kind == APPLICATION.name)
        .find(|found| found.is_ours_at(address));
    let not_there = || SyncError::NotThere(name.to_owned());
    let ours = ours.ok_or_else(not_there)?;
    let endpoint = cluster_endpoint(&planned.observation.found).ok_or_else(not_there)?;
    let connected = session.cloud.connector.connect(&endpoint).await;
    let client = connected.map_err(|source| SyncError::Cloud {
        name: name.to_owned(),
        source,
    })?;
    Deployed::new(client, &ours.id).ok_or_else(not_there)
}

async fn read(
    clock: &dyn Clock,
    application: &Deployed,
) -> Result<Option<Value>, crate::cloud::Fault> {
    retry(clock, Retry::Idempotent, CALL_BOUND, || application.get()).await
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// What Argo CD reads and takes away as soon as it has begun.
fn operation(request: &Request<'_>) -> Value {
    let mut sync = json!({"prune": request.prune});
    if let Some(revision) = request.revision {
        sync["revision"] = json!(revision);
    }
    json!({"operation": {"initiatedBy": {"username": "groundwork"}, "sync": sync}})
}

/// Whether somebody asked for a deployment that is not over.
fn is_under_way(live: &Value) -> bool {
    let phase = text(live, "/status/operationState/phase");
    live.get("operation").is_some() || ["Running", "Terminating"].contains(&phase)
}

/// When the deployment that it tells of began.
fn started(live: &Value) -> Option<&str> {
    live.pointer("/status/operationState/startedAt")?.as_str()
}

/// How the application is. A deployment that had `finished` before says nothing of ours.
fn report(live: &Value, finished: Option<&str>) -> Report {
    let ours =
        live.get("operation").is_none() && started(live).is_some_and(|at| Some(at) != finished);
    let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
    let errors = conditions.into_iter().flatten();
    let errors = errors.filter(|one| text(one, "/type").ends_with("Error"));
    let mut messages: Vec<String> = errors.map(|one| text(one, "/message").to_owned()).collect();
    let (phase, message) = if ours {
        let said = text(live, "/status/operationState/message");
        (text(live, "/status/operationState/phase"), said)
    } else {
        ("Requested", "")
    };
    if phase != "Succeeded" && !message.is_empty() && !messages.iter().any(|m| m == message) {
        messages.insert(0, message.to_owned());
    }
    let health = text(live, "/status/health/message");
    if !health.is_empty() && text(live, "/status/health/status") == "Degraded" {
        messages.push(health.to_owned());
    }
    let word = |pointer| match text(live, pointer) {
        "" => "Unknown".to_owned(),
        word => word.to_owned(),
    };
    Report {
        sync: word("/status/sync/status"),
        health: word("/status/health/status"),
        operation: phase.to_owned(),
        revision: text(live, "/status/sync/revision").to_owned(),
        messages,
    }
}

impl Report {
    /// The same in words.
    pub fn words(&self) -> String {
        let operation = match self.operation.as_str() {
            "Requested" => "Argo CD has not begun",
            "Running" | "Terminating" => "Argo CD is at it",
            "Succeeded" => "Argo CD has deployed it",
            _ => "Argo CD gave up",
        };
        let (sync, health) = (&self.sync, &self.health);
        let mut words = format!("{operation}, it is {sync} and {health}");
        if !self.messages.is_empty() {
            words.push_str("; ");
            words.push_str(&self.messages.join("; "));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_of_before_says_nothing_of_ours() {
        let mut live = json!({"status": {
            "sync": {"status": "Synced"}, "health": {"status": "Healthy"},
            "operationState": {"phase": "Succeeded", "startedAt": "1", "message": "done"},
        }});
        assert_eq!(report(&live, Some("1")).operation, "Requested");
        live["operation"] = json!({"sync": {}});
        assert_eq!(report(&live, None).operation, "Requested");
        live["status"]["operationState"] =
            json!({"phase": "Failed", "startedAt": "2", "message": "no such path"});
        assert_eq!(report(&live, Some("1")).operation, "Requested");
        live.as_object_mut().unwrap().remove("operation");
        let failed = report(&live, Some("1"));
        assert_eq!(failed.operation, "Failed");
        assert!(
            failed
                .words()
                .ends_with("gave up, it is Synced and Healthy; no such path")
        );
    }

    #[test]
    fn what_is_wrong_with_it_is_told_once() {
        let message = "Application referencing project x which does not exist";
        let live = json!({"status": {
            "conditions": [{"type": "InvalidSpecError", "message": message}, {"type": "OrphanedResourceWarning", "message": "more"}],
            "operationState": {"phase": "Error", "startedAt": "2", "message": message},
        }});
        assert_eq!(report(&live, None).messages, [message]);
    }
}
