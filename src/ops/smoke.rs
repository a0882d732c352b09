//! Smoke tests: whether the environment answers as its users need it to.

use std::error::Error as _;
use std::iter::successors;
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;

use super::{Error, Session};
use crate::cloud::{ClusterEndpoint, NoAnswer, Page, Visit};
use crate::environment::Provider;
use crate::environment::model::{self, Agent, Application, Sync};
use crate::event::{Event, Listener, SmokeResult, SmokeTest};
use crate::resources::bootstrap::{ApplicationStatus, application_status, entered};
use crate::resources::{CONTROL_PLANE, EXISTING_CLUSTER};
use crate::state::State;

/// How long to wait before asking again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// How much of an answer is told, in characters.
const TOLD: usize = 80;

/// How the smoke tests of an environment went, in the order of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smoke {
    /// Each of them.
    pub tests: Vec<SmokeTest>,
}

impl Smoke {
    /// Whether any of them came to this.
    pub fn any(&self, result: SmokeResult) -> bool {
        self.tests.iter().any(|test| test.result == result)
    }
}

/// Runs the smoke tests of the file, all at once, and tells of each when it is over. A test that nobody can pass,
/// because nobody has synced the application that would answer, asks nothing.
///
/// # Errors
/// When the environment was never applied, or its state can't be read.
pub async fn smoke(
    session: &Session,
    listener: &dyn Listener,
    stop: watch::Receiver<bool>,
) -> Result<Smoke, Error> {
    let environment = &session.environment;
    if environment.smoke.is_empty() {
        return Ok(Smoke { tests: Vec::new() });
    }
    let state = session.store.load().await?;
    let state = state.ok_or_else(|| Error::NeverApplied(environment.name.clone()))?;
    let scene = Scene {
        session,
        cluster: cluster(session, &state).await,
        balancer: balancer(&state),
    };
    let tests = environment.smoke.iter().map(|check| {
        let (scene, stop) = (&scene, stop.clone());
        async move {
            let test = scene.test(check, stop).await;
            listener.hear(&Event::Smoke(test.clone()));
            test
        }
    });
    Ok(Smoke {
        tests: join_all(tests).await,
    })
}

/// The name of the ingress load balancer, as it was when it was made.
fn balancer(state: &State) -> Option<String> {
    entered(&state.resources)?.outputs.get("hostname").cloned()
}

/// The cluster, if it can be reached: the tests themselves do without.
async fn cluster(session: &Session, state: &State) -> Option<kube::Client> {
    let mut recorded = state.resources.values();
    let control_plane =
        recorded.find(|one| [CONTROL_PLANE, EXISTING_CLUSTER].contains(&one.kind.as_str()))?;
    let endpoint = ClusterEndpoint::of(&control_plane.outputs)?;
    session.cloud.connector.connect(&endpoint).await.ok()
}

/// What all tests share.
struct Scene<'a> {
    session: &'a Session,
    cluster: Option<kube::Client>,
    balancer: Option<String>,
}

impl Scene<'_> {
    async fn test(&self, check: &model::Smoke, mut stop: watch::Receiver<bool>) -> SmokeTest {
        let clock = &self.session.cloud.clock;
        let begun = clock.passed();
        let passed = || clock.passed().saturating_sub(begun);
        let ended = |result, answered, not_synced: Vec<String>, hint| SmokeTest {
            url: check.url(),
            result,
            wanted: wanted(check),
            answered,
            not_synced,
            hint,
            seconds: passed().as_secs(),
        };
        let never = self.unsynced(check, ApplicationStatus::is_missing).await;
        if !never.is_empty() && never.len() == self.answering(check).len() {
            let hint = self.sync_first(&never);
            return ended(SmokeResult::NotSynced, None, never, Some(hint));
        }
        let Some(balancer) = &self.balancer else {
            let answered = "nothing, for want of a load balancer".to_owned();
            let hint = format!("`groundwork apply {}` makes it", self.name());
            return ended(SmokeResult::Failed, Some(answered), Vec::new(), Some(hint));
        };
        loop {
            let visit = Visit {
                to: balancer,
                scheme: check.scheme,
                host: &check.host,
                path: &check.path,
            };
            let answer = self.session.cloud.visitor.visit(visit).await;
            let answered = Some(told(&answer));
            if answer.as_ref().is_ok_and(|page| is_right(check, page)) {
                return ended(SmokeResult::Passed, answered, Vec::new(), None);
            }
            let left = check.within.saturating_sub(passed());
            if left.is_zero() {
                let unsynced = self.unsynced(check, |status| !status.is_synced()).await;
                let hint = self.where_to_look(check, &answer, &unsynced);
                return ended(SmokeResult::Failed, answered, unsynced, Some(hint));
            }
            tokio::select! {
                () = clock.sleep(left.min(ASK_AGAIN)) => {}
                // Nobody can stop it any more when the other side is gone, and then it goes on.
                Ok(_) = stop.wait_for(|stopped| *stopped) => {
                    return ended(SmokeResult::Stopped, answered, Vec::new(), None);
                }
            }
        }
    }

    fn name(&self) -> &str {
        &self.session.environment.name
    }

    /// The applications that may be meant to answer.
    fn answering(&self, check: &model::Smoke) -> Vec<(&Agent, &Application)> {
        let bootstrap = self.session.environment.bootstrap.as_ref();
        let agent = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref());
        let applications = agent.into_iter().flat_map(|agent| {
            let applications = agent.applications.iter();
            applications.map(move |(key, application)| (agent, key, application))
        });
        applications
            .filter(|(_, key, _)| check.application.as_ref().is_none_or(|asked| asked == *key))
            .map(|(agent, _, application)| (agent, application))
            .collect()
    }

    /// Names of those that a person syncs and that are `like` this. What can't be seen is not told.
    async fn unsynced(
        &self,
        check: &model::Smoke,
        like: fn(&ApplicationStatus) -> bool,
    ) -> Vec<String> {
        let Some(client) = &self.cluster else {
            return Vec::new();
        };
        let answering = self.answering(check).into_iter();
        let by_hand = answering.filter(|(_, application)| application.sync == Sync::Manual);
        let seen = by_hand.map(|(agent, application)| async move {
            let status = application_status(client, agent, application).await.ok()?;
            like(&status).then(|| application.name.clone())
        });
        join_all(seen).await.into_iter().flatten().collect()
    }

    fn sync_first(&self, applications: &[String]) -> String {
        let name = self.name();
        let syncs = applications
            .iter()
            .map(|application| format!("`groundwork sync {name} {application}`"));
        let syncs: Vec<_> = syncs.collect();
        let (each, what) = match syncs.len() {
            1 => ("", "it"),
            _ => (" each", "them"),
        };
        format!(
            "deploy {what}{each} with {}, then run `groundwork smoke {name}`",
            syncs.join(", ")
        )
    }

    /// What to look at, by what was answered last.
    fn where_to_look(
        &self,
        check: &model::Smoke,
        answer: &Result<Page, NoAnswer>,
        unsynced: &[String],
    ) -> String {
        let environment = &self.session.environment;
        let ingress = environment.bootstrap.as_ref();
        let ingress = ingress.and_then(|bootstrap| bootstrap.ingress.as_ref());
        let home = ingress.map_or("", |ingress| &ingress.namespace);
        let look = match answer {
            Err(_) => format!(
                "look whether the ingress controller runs and its load balancer is there: `kubectl -n {home} get pods,services`; `groundwork plan {}` shows what is missing",
                environment.name
            ),
            Ok(page) if page.status == check.expect => {
                "look at what the application answers: the status is right".to_owned()
            }
            Ok(page) => match page.status {
                404 => format!(
                    "look whether an Ingress leads {} there: `kubectl get ingress -A`",
                    check.host
                ),
                502..=504 => {
                    "look whether the pods behind it are ready: `kubectl get pods,endpointslices -A`"
                        .to_owned()
                }
                _ => "look at the log of the application".to_owned(),
            },
        };
        let deployed = !self.answering(check).is_empty();
        if !unsynced.is_empty() {
            format!("{} is not synced; {look}", unsynced.join(", "))
        } else if deployed && environment.provider == Provider::Sandbox {
            format!("the sandbox deploys nothing of a repository; {look}")
        } else {
            look
        }
    }
}

/// The answer that is wanted, in words.
fn wanted(check: &model::Smoke) -> String {
    match &check.body {
        Some(text) => format!("{} with `{text}`", check.expect),
        None => check.expect.to_string(),
    }
}

fn is_right(check: &model::Smoke, page: &Page) -> bool {
    let contained = |text: &String| page.body.contains(text);
    page.status == check.expect && check.body.as_ref().is_none_or(contained)
}

/// An answer in words: the status and the first line.
fn told(answer: &Result<Page, NoAnswer>) -> String {
    let page = match answer {
        Ok(page) => page,
        Err(silence) => {
            let causes = successors(silence.source(), |&cause| cause.source());
            let causes: Vec<String> = causes.map(ToString::to_string).collect();
            return format!("nothing ({})", causes.join(": "));
        }
    };
    let line = page
        .body
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty());
    let printable = |sign: &char| !sign.is_control();
    match line {
        Some(line) => {
            let line: String = line.chars().filter(printable).take(TOLD).collect();
            format!("{} ({line})", page.status)
        }
        None => page.status.to_string(),
    }
}
