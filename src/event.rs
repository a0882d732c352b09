//! What happens during a run, as typed events: people and machines read the same ones.

use serde::Serialize;

use crate::address::Address;
use crate::plan::Verb;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    Began {
        /// `apply` or `destroy`.
        operation: &'static str,
        /// The environment.
        environment: String,
        /// How many actions there are to do. What is only forgotten takes no time, changes nothing, and is not counted
        /// here or when the run has ended.
        actions: usize,
        /// Seconds along the critical path.
        expected_seconds: u64,
    },
    /// Work on a resource began.
    Started {
        /// Which.
        address: Address,
        /// What is done.
        verb: Verb,
        /// How many seconds it is expected to take.
        expected_seconds: u64,
    },
    /// A resource is on its way; the cloud's own word for where it is.
    Waiting {
        /// Which.
        address: Address,
        /// The word, such as `CREATING`.
        state: String,
    },
    /// The old one of a replaced resource is gone, durably; the new one is made when its turn comes.
    Removed {
        /// Which.
        address: Address,
        /// How many seconds it took.
        seconds: u64,
    },
    /// Work on a resource is done, durably.
    Finished {
        /// Which.
        address: Address,
        /// What was done.
        verb: Verb,
        /// How many seconds it took.
        seconds: u64,
    },
    /// Work on a resource failed.
    Failed {
        /// Which.
        address: Address,
        /// What was tried.
        verb: Verb,
        /// What failed, from the outside in.
        causes: Vec<String>,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// Work on a resource was cut off by a stop. It is on record, and the next run goes on with it.
    Left {
        /// Which.
        address: Address,
        /// What was being done.
        verb: Verb,
    },
    /// Nothing was tried, because something before it failed or the run was stopped.
    Skipped {
        /// Which.
        address: Address,
        /// What would have been done.
        verb: Verb,
    },
    /// Someone asked to stop: nothing new is started, and what is in flight has a moment to finish.
    Stopping,
    /// A smoke test is over.
    Smoke(SmokeTest),
    /// The run is over.
    Ended {
        /// `apply` or `destroy`.
        operation: &'static str,
        /// How many actions were done.
        done: usize,
        /// How many failed.
        failed: usize,
        /// How many were begun and left to the next run.
        left: usize,
        /// How many were not tried.
        skipped: usize,
        /// How many seconds it took.
        seconds: u64,
    },
}

/// How a smoke test went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SmokeTest {
    /// What was asked for.
    pub url: String,
    /// What came of it.
    pub result: SmokeResult,
    /// The answer that was wanted, in words.
    pub wanted: String,
    /// The last answer, in words; none where nothing was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// Applications that may be meant and are not as their repository says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_synced: Vec<String>,
    /// What to look at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How many seconds it took.
    pub seconds: u64,
}

/// What comes of a smoke test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SmokeResult {
    /// The right answer came.
    Passed,
    /// Nothing was asked, because nobody has deployed what would answer.
    NotSynced,
    /// The right answer did not come in time.
    Failed,
    /// It was stopped before the right answer came.
    Stopped,
}

/// Where events go.
pub trait Listener: Send + Sync {
    /// Takes one event. Must not block.
    fn hear(&self, event: &Event);
}
