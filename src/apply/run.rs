//! The scheduler: which step runs when, and what follows from its end.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::iter::successors;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::act::{Clusters, act};
use super::error::{ActError, RunError, hint};
use super::{Job, Known};
use crate::address::Address;
use crate::cloud::{Cloud, OVERTAKEN};
use crate::event::Event;
use crate::graph::{Cycle, Graph};
use crate::plan::{Phase, Step, Verb, steps};
use crate::state::{Outcome, Transition};

/// How many steps of one section run at once: enough to hide latency, few enough not to be throttled.
const AT_ONCE: usize = 12;

/// How long what is in flight may go on after a stop, in the host's time: less than the ten seconds after which CI
/// kills what it cancelled.
const WINDING_UP: Duration = Duration::from_secs(8);

/// How a run ended.
#[derive(Debug, Default)]
pub struct Report {
    /// How many actions were done, without what was only forgotten.
    pub done: usize,
    /// What failed, and why.
    pub failed: Vec<(Address, ActError)>,
    /// What was begun, is on record, and was left for the next run to go on with.
    pub left: Vec<Address>,
    /// What was not tried.
    pub skipped: Vec<Address>,
    /// How often the state was written.
    pub state_writes: u64,
}

impl Report {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.left.is_empty() && self.skipped.is_empty()
    }
}

/// Carries out the job's plan. What fails stops what depends on it, and nothing else.
///
/// # Errors
/// When the plan can't be ordered, or all was done and the journal could not take that down.
pub async fn run(job: &Job<'_>) -> Result<Report, RunError> {
    let graph = steps(job.plan, &job.basis)?;
    let begun = job.cloud.clock.passed();
    let operation = job.operation();
    job.listener.hear(&Event::Began {
        operation,
        environment: job.plan.environment.clone(),
        actions: job.plan.work().filter(|action| action.is_counted()).count(),
        expected_seconds: job.plan.expected_seconds,
    });
    let mut progress = Progress::new(job, &graph)?;
    let known = RefCell::new(Known::new());
    let clusters = Clusters::default();
    let mut running = FuturesUnordered::new();
    let mut stop = job.stop.clone();
    let mut ends_by = None;
    loop {
        let allowed = || !*stop.borrow() && job.cloud.fence.check().is_ok();
        while let Some(step) = allowed().then(|| progress.take()).flatten() {
            let (known, clusters) = (&known, &clusters);
            running.push(async move {
                let result = act(job, known, clusters, &step).await;
                (step, result)
            });
        }
        tokio::select! {
            biased;
            ended = running.next() => match ended {
                Some((step, result)) => progress.end(job, step, result),
                None => break,
            },
            // Also wakes the loop, which then starts nothing more.
            Ok(()) = stop.changed() => {
                job.listener.hear(&Event::Stopping);
                ends_by = Some(Instant::now() + WINDING_UP);
            }
            () = until(ends_by) => break,
        }
    }
    // What is still in flight is cut off here, as by a crash: its journal entry is open, and the next run settles it.
    drop(running);
    let mut report = progress.report(job);
    let complete = report.is_complete();
    let outcome = Outcome {
        operation: operation.to_owned(),
        at: job.cloud.clock.now(),
        complete,
    };
    let kept = job.journal.record(Transition::End(outcome)).await;
    report.state_writes = job.journal.writes();
    if complete && let Err(stopped) = kept {
        return Err(RunError::Outcome(stopped));
    }
    let told = |error: &ActError| match error {
        ActError::Journal(_) => true,
        ActError::Cloud { source, .. } => source.code == OVERTAKEN,
        _ => false,
    };
    let told = report.failed.iter().any(|(_, error)| told(error));
    let counted = |addresses: &[Address]| {
        let counted = addresses.iter().filter(|address| job.counts(address));
        counted.count()
    };
    job.listener.hear(&Event::Ended {
        operation,
        done: report.done,
        failed: report.failed.len(),
        left: report.left.len(),
        skipped: counted(&report.skipped),
        seconds: seconds_since(begun, job.cloud),
    });
    match kept {
        Err(stopped) if !told => Err(RunError::Unwritten(stopped)),
        Ok(()) | Err(_) => Ok(report),
    }
}

/// Waits for a moment; for ever where there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Whole seconds since `begun`, told by [`crate::clock::Clock::passed`].
pub(super) fn seconds_since(begun: Duration, cloud: &Cloud) -> u64 {
    cloud.clock.passed().saturating_sub(begun).as_secs()
}

/// Which steps wait, run or are done. What waits for one that failed waits to the end.
struct Progress<'g> {
    graph: &'g Graph<Step>,
    weight: BTreeMap<Step, u64>,
    waiting: BTreeMap<Step, usize>,
    ready: BTreeSet<(std::cmp::Reverse<u64>, Step)>,
    running: BTreeSet<Step>,
    followers: BTreeMap<Step, Vec<Step>>,
    report: Report,
}

impl<'g> Progress<'g> {
    fn new(job: &Job<'_>, graph: &'g Graph<Step>) -> Result<Self, Cycle> {
        let weight = graph.remaining(|step| job.plan.seconds(step))?;
        let mut followers: BTreeMap<Step, Vec<Step>> = BTreeMap::new();
        let mut progress = Self {
            graph,
            weight,
            waiting: BTreeMap::new(),
            ready: BTreeSet::new(),
            running: BTreeSet::new(),
            followers: BTreeMap::new(),
            report: Report::default(),
        };
        for step in graph.nodes() {
            let firsts: Vec<&Step> = graph.waits_for(step).collect();
            for first in &firsts {
                followers
                    .entry((*first).clone())
                    .or_default()
                    .push(step.clone());
            }
            progress.waiting.insert(step.clone(), firsts.len());
            if firsts.is_empty() {
                progress.make_ready(step.clone());
            }
        }
        progress.followers = followers;
        Ok(progress)
    }

    fn make_ready(&mut self, step: Step) {
        let weight = self.weight.get(&step).copied().unwrap_or(0);
        self.ready.insert((std::cmp::Reverse(weight), step));
    }

    /// The ready step with the longest chain behind it whose section has room.
    fn take(&mut self) -> Option<Step> {
        let room = |step: &Step| {
            let section = step.address.section();
            let beside = self.running.iter();
            beside
                .filter(|other| other.address.section() == section)
                .count()
                < AT_ONCE
        };
        let next = self.ready.iter().find(|(_, step)| room(step))?.clone();
        self.ready.remove(&next);
        self.waiting.remove(&next.1);
        self.running.insert(next.1.clone());
        Some(next.1)
    }

    fn end(&mut self, job: &Job<'_>, step: Step, result: Result<(), ActError>) {
        self.running.remove(&step);
        match result {
            Ok(()) => {
                for follower in self.followers.get(&step).cloned().unwrap_or_default() {
                    let Some(count) = self.waiting.get_mut(&follower) else {
                        continue;
                    };
                    *count -= 1;
                    if *count == 0 {
                        self.make_ready(follower);
                    }
                }
                if job.is_last(&step, self.graph) && job.counts(&step.address) {
                    self.report.done += 1;
                }
            }
            Err(error) => {
                let causes = successors(Some(&error as &dyn StdError), |&cause| cause.source());
                let causes = causes.map(ToString::to_string).collect();
                let verb = job.verb(&step.address);
                let hint = hint(&error);
                job.listener.hear(&Event::Failed {
                    address: step.address.clone(),
                    verb,
                    causes,
                    hint,
                });
                self.report.failed.push((step.address.clone(), error));
            }
        }
    }

    fn report(mut self, job: &Job<'_>) -> Report {
        for step in self.running {
            job.listener.hear(&Event::Left {
                address: step.address.clone(),
                verb: job.verb(&step.address),
            });
            self.report.left.push(step.address);
        }
        let failed: BTreeSet<&Address> = self
            .report
            .failed
            .iter()
            .map(|(address, _)| address)
            .collect();
        let left: BTreeSet<Address> = self
            .waiting
            .keys()
            .map(|step| step.address.clone())
            .collect();
        let skipped: Vec<Address> = left
            .into_iter()
            .filter(|address| job.acts(address))
            .filter(|address| !failed.contains(address) && !self.report.left.contains(address))
            .collect();
        for address in skipped.iter().filter(|address| job.counts(address)) {
            job.listener.hear(&Event::Skipped {
                address: address.clone(),
                verb: job.verb(address),
            });
        }
        self.report.skipped = skipped;
        self.report
    }
}

impl Job<'_> {
    fn operation(&self) -> &'static str {
        match self.plan.goal {
            crate::plan::Goal::Apply => "apply",
            crate::plan::Goal::Destroy => "destroy",
        }
    }

    pub(super) fn verb(&self, address: &Address) -> Verb {
        self.plan
            .action(address)
            .map_or(Verb::None, |action| action.verb)
    }

    fn acts(&self, address: &Address) -> bool {
        self.plan
            .action(address)
            .is_some_and(crate::plan::Action::acts)
    }

    /// Whether people count the action.
    fn counts(&self, address: &Address) -> bool {
        self.plan
            .action(address)
            .is_some_and(crate::plan::Action::is_counted)
    }

    /// Whether the action is over with this step: a replacement has two.
    fn is_last(&self, step: &Step, graph: &Graph<Step>) -> bool {
        let making = Step {
            phase: Phase::Make,
            address: step.address.clone(),
        };
        step.phase == Phase::Make || !graph.contains(&making)
    }
}
