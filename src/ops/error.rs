//! Why an operation was not carried out. Nothing was changed when one of these is returned before the run.

use super::{History, Obstacles};
use crate::address::Address;
use crate::apply::RunError;
use crate::plan::Refusal;
use crate::resources::bootstrap::UNSERVED;
use crate::resources::cluster::existing::FIND;
use crate::resources::{Problem, Unseen};
use crate::state::{Overtaken, StoreError};

/// Why an operation was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable that the file names is not set.
    #[error("{}", unset(.0))]
    UnsetVariables(Vec<(String, Address)>),
    /// The credentials are of another account than the file allows.
    #[error(
        "the credentials are of account {found}, and the file allows only {expected}: nothing was changed"
    )]
    WrongAccount {
        /// What the file says.
        expected: String,
        /// Whose credentials these are.
        found: String,
    },
    /// Who we are could not be found out.
    #[error("can't find out which account the credentials are of")]
    Identity(#[source] crate::cloud::Fault),
    /// Consent is given for what is neither in the file nor in the state.
    #[error(
        "there is no resource {0}, so nothing was changed: `--allow-data-loss` takes an address as `plan` shows it"
    )]
    UnknownAddress(Address),
    /// What exists could not be seen in full.
    #[error("can't see everything that exists, so nothing was changed")]
    Unseen(#[from] Unseen),
    /// What is in the cluster could not be seen before a teardown.
    #[error(
        "can't see what is in the cluster, so nothing was changed: make it reachable, or add --skip-cluster to leave what is in it to the sweep of AWS"
    )]
    ClusterUnseen(#[source] Unseen),
    /// What is in a cluster that is not ours could not be seen before a teardown.
    #[error(
        "can't see what is in the cluster, so nothing was changed: make it reachable; if it is gone for good, add --skip-cluster to forget what was put into it"
    )]
    GuestUnseen(#[source] Unseen),
    /// What is in the cluster could not be seen while the state was put together.
    #[error(
        "can't see what is in the cluster, so no state was written: make it reachable, or add --skip-cluster to leave out what is in it until a plan finds it again"
    )]
    ClusterUnseenInRebuild(#[source] Unseen),
    /// The cloud tells of nothing that a state could remember.
    #[error(
        "nothing that can be seen belongs to environment `{0}`, so there is no state to rebuild and none was written"
    )]
    NothingToRebuild(String),
    /// Several histories go by the environment's name.
    #[error(
        "environment `{environment}` has several lineages, so no state was written: {}",
        histories(found)
    )]
    SeveralLineages {
        /// The environment.
        environment: String,
        /// What was found.
        found: Vec<History>,
    },
    /// The plan would touch what is not ours, or can't be made.
    #[error("there is no plan, and nothing was changed: {}", told(refusals))]
    Refused {
        /// The environment.
        environment: String,
        /// Each reason.
        refusals: Vec<Refusal>,
    },
    /// The cloud says that what the file asks can't be.
    #[error("{}", problems(.0))]
    Impossible(Vec<Problem>),
    /// The cloud could not be asked whether what the file asks can be.
    #[error("{address}: can't check what the file asks")]
    Unchecked {
        /// Which resource.
        address: Address,
        /// The call that failed.
        source: crate::cloud::Fault,
    },
    /// The plan would fail half way.
    #[error("this plan can't be carried out, so nothing was changed: {0}")]
    Preflight(Box<Obstacles>),
    /// What others made would go along, and that was not confirmed.
    #[error("this takes along what others made in the cluster: nothing was changed; move it elsewhere, or add {} if it may go:{}", flags(&addresses(.0)), taken(.0))]
    TakesOthers(Vec<(Address, String)>),
    /// Data would be lost, and that was not confirmed.
    #[error("this loses the data in {}: nothing was changed; add {} if that is meant", list(.0), flags(.0))]
    DataLoss(Vec<Address>),
    /// The file names another region than the one that the environment was made in.
    #[error(
        "environment `{environment}` was made in {was}, and its file now says {is}: destroy it with the old region first, or give the new one another name"
    )]
    OtherRegion {
        /// The environment.
        environment: String,
        /// Where it was made.
        was: String,
        /// What the file says.
        is: String,
    },
    /// The environment is protected.
    #[error(
        "environment `{0}` is protected, so nothing was changed: set `protect = false` in its file first"
    )]
    Protected(String),
    /// The state could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another run may be at work.
    #[error(transparent)]
    Overtaken(#[from] Overtaken),
    /// The plan can't be ordered.
    #[error(transparent)]
    Run(#[from] RunError),
    /// There is nothing that could be looked at.
    #[error("environment `{0}` has never been applied here: run `groundwork apply {0}` first")]
    NeverApplied(String),
}

impl Error {
    /// What a teardown makes of something unseen: a cluster that does not answer may be skipped.
    pub(super) fn unseen_in_teardown(unseen: Unseen) -> Self {
        if unseen.0.service == "kubernetes" {
            Self::ClusterUnseen(unseen)
        } else {
            Self::Unseen(unseen)
        }
    }

    /// The same, of a cluster that is not ours: nothing sweeps up after it. One that answers, though not in all its
    /// parts, is not gone.
    pub(super) fn unseen_in_teardown_of_guest(unseen: Unseen) -> Self {
        match (unseen.0.service, unseen.0.operation) {
            ("kubernetes", UNSERVED) => Self::Unseen(unseen),
            ("kubernetes", _) | (_, FIND) | ("eks", "DescribeCluster") => Self::GuestUnseen(unseen),
            _ => Self::Unseen(unseen),
        }
    }

    /// What a rebuild makes of something unseen: what is in a cluster that does not answer may be left out.
    pub(super) fn unseen_in_rebuild(unseen: Unseen) -> Self {
        if unseen.0.service == "kubernetes" {
            Self::ClusterUnseenInRebuild(unseen)
        } else {
            Self::Unseen(unseen)
        }
    }
}

fn histories(found: &[History]) -> String {
    let told = found.iter().map(|history| {
        let example = history.example.as_ref();
        let example = example.map(|(address, id)| format!(", such as {address} ({id})"));
        let (lineage, count) = (history.lineage, history.resources);
        format!(
            "{lineage} with {count} resources{}",
            example.unwrap_or_default()
        )
    });
    told.collect::<Vec<_>>().join("; ")
}

fn unset(variables: &[(String, Address)]) -> String {
    let named: Vec<String> = variables
        .iter()
        .map(|(name, address)| format!("{name} (the value of {address})"))
        .collect();
    let (noun, verb) = if named.len() == 1 {
        ("variable", "is")
    } else {
        ("variables", "are")
    };
    format!(
        "the environment {noun} {} {verb} not set: nothing was changed",
        named.join(", ")
    )
}

fn told(refusals: &[Refusal]) -> String {
    refusals
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn problems(problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.address, problem.message))
        .collect::<Vec<_>>()
        .join("\n")
}

fn addresses(taking: &[(Address, String)]) -> Vec<Address> {
    taking.iter().map(|(address, _)| address.clone()).collect()
}

fn taken(taking: &[(Address, String)]) -> String {
    let lines = taking.iter();
    lines
        .map(|(address, why)| format!("\n{address}: {why}"))
        .collect()
}

fn list(addresses: &[Address]) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn flags(addresses: &[Address]) -> String {
    addresses
        .iter()
        .map(|address| format!("--allow-data-loss {address}"))
        .collect::<Vec<_>>()
        .join(" ")
}
