//! One command as a new process runs it, and what must hold afterwards.

use std::error::Error as StdError;
use std::fs;
use std::time::Duration;

use groundwork::address::Address;
use groundwork::apply::Report;
use groundwork::environment::Environment;
use groundwork::ops::{self, Confirmed, Remains, Session};
use groundwork::plan::{Danger, Goal};
use groundwork::sandbox::{show, store::Effect};
use groundwork::state::State;
use serde_json::Value;

use crate::record::Place;
use crate::scenario::session;
use crate::shared::{Silence, never_stopped};

/// A load balancer is provisioned, and what was deleted is no longer listed: nobody waits for it.
const SETTLES: Duration = Duration::from_secs(60 * 60);

/// What an undisturbed run leaves: the world as a document, and the addresses that the state remembers.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub world: String,
    pub remembered: Option<Vec<Address>>,
}

impl Outcome {
    /// What is there once the cloud has done what it does by itself.
    pub async fn of(place: &Place, session: &Session) -> Result<Self, String> {
        tokio::time::advance(SETTLES).await;
        let state = session.store.load().await.map_err(|error| chain(&error))?;
        if let Some(State { open, .. }) = &state
            && !open.is_empty()
        {
            return Err(format!("still open: {:?}", open.keys()));
        }
        let remembered = state.map(|state| state.resources.into_keys().collect());
        Ok(Self {
            world: world(place),
            remembered,
        })
    }

    /// Says in which lines this differs from what was expected.
    pub fn expect(&self, expected: &Self) -> Result<(), String> {
        if self == expected {
            return Ok(());
        }
        let difference = |ours: &str, other: &str, sign: char| -> String {
            let others: Vec<&str> = other.lines().collect();
            let lines = ours.lines().filter(|line| !others.contains(line));
            lines.map(|line| format!("\n{sign} {line}")).collect()
        };
        let missing = difference(&expected.world, &self.world, '-');
        let surplus = difference(&self.world, &expected.world, '+');
        let mut text = format!("it ended otherwise:{missing}{surplus}");
        if self.remembered != expected.remembered {
            text += &format!("\nremembered: {:?}", self.remembered);
        }
        Err(text)
    }
}

/// `sandbox show --json` without what is not ours to decide: what a generated password is, and on which node the
/// scheduler puts a pod.
pub fn world(place: &Place) -> String {
    let world = place.sandbox.store();
    let world = world.transact(Effect::Reads, |world| show(world));
    let mut world = world.expect("a world");
    unplace(&mut world);
    let mut text = serde_json::to_string_pretty(&world).expect("JSON");
    let secrets = world["resources"]["secret"].as_array();
    for secret in secrets.into_iter().flatten() {
        if secret["name"].as_str().is_some_and(generated)
            && let Value::String(digest) = &secret["value_sha256"]
        {
            text = text.replace(digest, "generated");
        }
    }
    text
}

/// Takes the nodes of pods away, which decide the order in which pods stand as well.
fn unplace(value: &mut Value) {
    match value {
        Value::Array(list) => {
            list.iter_mut().for_each(unplace);
            list.sort_by_cached_key(Value::to_string);
        }
        Value::Object(fields) => {
            fields.remove("nodeName");
            fields.values_mut().for_each(unplace);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn generated(secret: &str) -> bool {
    secret == "demo/addressbook-password"
}

/// How a run ended.
pub enum Ended {
    Well,
    /// Nothing could be begun or seen to its end.
    Refused(ops::Error),
    /// Not everything was done.
    Incomplete(Report),
    /// Something was found after everything was done.
    Remains(Vec<Remains>),
}

/// Runs the command for `goal` as the command line does, agreeing to every loss of data.
pub async fn attempt(session: &Session, goal: Goal) -> Ended {
    match try_to(session, goal).await {
        Err(error) => Ended::Refused(error),
        Ok((report, _)) if !report.is_complete() => Ended::Incomplete(report),
        Ok((_, remains)) if !remains.is_empty() => Ended::Remains(remains),
        Ok(_) => Ended::Well,
    }
}

async fn try_to(session: &Session, goal: Goal) -> Result<(Report, Vec<Remains>), ops::Error> {
    let planned = session.plan(goal).await?;
    match goal {
        Goal::Apply if planned.plan.is_empty() => Ok((Report::default(), Vec::new())),
        Goal::Apply => {
            let lost = planned.plan.work();
            let lost = lost.filter(|action| action.danger == Some(Danger::LosesData));
            let confirmed = Confirmed {
                data_loss: lost.map(|action| action.address.clone()).collect(),
            };
            let report = ops::apply(session, &planned, &confirmed, &Silence, never_stopped());
            Ok((report.await?, Vec::new()))
        }
        Goal::Destroy => {
            let ended = ops::destroy(
                session,
                &planned,
                &Confirmed::default(),
                &Silence,
                never_stopped(),
            )
            .await?;
            Ok((ended.report, ended.remains))
        }
    }
}

/// Runs the command and insists that all of it is done.
pub async fn run(session: &Session, goal: Goal) -> Result<(), String> {
    match attempt(session, goal).await {
        Ended::Well => Ok(()),
        Ended::Refused(error) => Err(chain(&error)),
        Ended::Remains(remains) => Err(format!("remains: {remains:#?}")),
        Ended::Incomplete(Report { failed, left, .. }) => {
            let failed = failed.iter();
            let failed = failed.map(|(address, error)| format!("\n{address}: {}", chain(error)));
            let failed: String = failed.collect();
            Err(format!("incomplete:{failed} left {left:?}"))
        }
    }
}

/// Takes the environment down and expects the world as it was before there was any.
pub async fn destroy(place: &Place, environment: &Environment) -> Result<(), String> {
    let down = session(place, environment);
    run(&down, Goal::Destroy).await?;
    let empty = Place::new();
    let before = Outcome::of(&empty, &session(&empty, environment)).await?;
    Outcome::of(place, &down).await?.expect(&before)
}

/// Leaves beside the state what a process leaves that dies while it writes one; a bucket never has half an object.
pub fn half_written(session: &Session) {
    let Some(file) = session.store.file() else {
        return;
    };
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let next = file.with_extension("json.next");
    fs::write(next, b"{\"format\": 1, \"envi").expect("a file");
}

/// An error and everything that caused it.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}
