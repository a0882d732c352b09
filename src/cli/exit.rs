//! How a command ends: its exit code, and what is said about a failure.

use std::process::{ExitCode, Termination};

use crate::apply::{NO_ROOM, hint};
use crate::environment;
use crate::plan::Refusal;
use crate::resources::bootstrap::{INGRESS, NAMESPACE};
use crate::{ops, sandbox, state, ui};

/// How the process ends. The codes are documented in `--help` and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// Something failed.
    Failed,
    /// `plan` found something to do.
    SomethingToDo,
    /// Everything is there, but it does not answer as the file says.
    Smoke,
    /// The command line could not be understood.
    Usage,
    /// Another run is at work, and nobody wanted to wait.
    Busy,
    /// Ended by a signal, after what was in flight was finished.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::SomethingToDo => 2,
            Self::Smoke => 3,
            Self::Usage => 64,
            Self::Busy => 75,
            Self::Interrupted => 130,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The environment's file.
    #[error(transparent)]
    Environment(#[from] environment::Error),
    /// An operation.
    #[error(transparent)]
    Operation(#[from] ops::Error),
    /// The state.
    #[error(transparent)]
    Store(#[from] state::StoreError),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] state::LockError),
    /// The sandbox's world.
    #[error(transparent)]
    World(#[from] sandbox::store::Error),
    /// The sandbox's server.
    #[error(transparent)]
    Serve(#[from] sandbox::serve::Error),
    /// A call that a command makes itself.
    #[error(transparent)]
    Cloud(#[from] crate::cloud::Fault),
    /// A file could not be written.
    #[error("can't write {path}", path = path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Standard output.
    #[error(transparent)]
    Print(#[from] ui::Unprinted),
    /// AWS would not know who calls.
    #[error("there are no AWS credentials: neither in variables nor in a profile nor from a role")]
    NoCredentials,
    /// The bucket of the state can't be reached with what variables and profile say.
    #[error("the bucket `{bucket}` of the state can't be used")]
    Bucket {
        /// Its name.
        bucket: String,
        /// What is wrong.
        source: object_store::Error,
    },
    /// The kubeconfig that the user named.
    #[error(transparent)]
    Kubeconfig(#[from] crate::cloud::UnusableKubeconfig),
    /// A kubeconfig was named where there is nothing to reach.
    #[error("the sandbox answers for its own cluster: --kubeconfig is for --provider aws")]
    OwnCluster,
    /// Only whoever made a cluster can give a kubeconfig of it.
    #[error(
        "the cluster `{0}` is reached as the kubeconfig says that is named with --kubeconfig: groundwork has no other"
    )]
    OthersCluster(String),
    /// An application was not deployed.
    #[error(transparent)]
    Sync(Box<ops::SyncError>),
    /// What others publish could not be had, or not be used.
    #[error(transparent)]
    Published(#[from] super::published::Unpublished),
    /// What stands in for the deploy agent's manifest in the sandbox is broken.
    #[error(transparent)]
    StandIn(#[from] sandbox::stand_ins::Unreadable),
    /// Nobody can be asked.
    #[error(
        "this needs a confirmation, and there is no terminal to ask on: add --yes if you mean it"
    )]
    NobodyToAsk,
    /// There is no such thing to show.
    #[error("there is no {what} `{name}`")]
    NotThere {
        /// What was asked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// What `what` may have been meant instead of `name`.
fn near(what: &str, name: &str, known: &[String]) -> String {
    match environment::nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => "there is none yet".to_owned(),
        None if known.len() > 12 && what == "output" => {
            "`groundwork output ENV` prints all".to_owned()
        }
        None if known.len() > 12 && what == "version" => {
            "`groundwork state history ENV` lists all".to_owned()
        }
        None if known.len() > 12 => "`groundwork state list ENV` prints all".to_owned(),
        None => environment::listed(known),
    }
}

/// Whether colours are wanted on standard error.
pub fn colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Prints why a command failed.
pub fn failed(error: &Error) -> Exit {
    if let Error::Environment(environment::Error::Invalid(diagnostics)) = error {
        let text = diagnostics.render(colour(), super::context::columns());
        ui::tell(format_args!("{text}\n"));
        return Exit::Failed;
    }
    let hint = own_hint(error).or_else(|| hint(error));
    ui::tell(match error {
        Error::Operation(ops::Error::Refused { refusals, .. }) => {
            ui::refused(refusals, hint.as_deref())
        }
        _ => ui::failure(error, hint.as_deref()),
    });
    match error {
        Error::Lock(state::LockError::Held { .. }) => Exit::Busy,
        _ => Exit::Failed,
    }
}

/// What to do about errors that carry no call to a cloud.
fn own_hint(error: &Error) -> Option<String> {
    match error {
        Error::Environment(error) => error.hint(),
        Error::NotThere { what, name, known } => Some(near(what, name, known)),
        Error::Operation(ops::Error::Refused {
            environment,
            refusals,
        }) => taken(environment, refusals),
        Error::Serve(sandbox::serve::Error::Bind { .. }) => {
            Some("take another port with --port; 0 takes a free one".to_owned())
        }
        Error::Operation(ops::Error::Preflight(obstacles)) => Some(preflight(obstacles)),
        Error::Operation(ops::Error::UnsetVariables(variables)) => {
            let first = variables
                .first()
                .map(|(name, _)| name.as_str())
                .unwrap_or_default();
            Some(format!(
                "set it for this command only: {first}=… groundwork …"
            ))
        }
        Error::Lock(state::LockError::Held { .. }) => Some(
            "without --no-wait this waits until that run ends, or until it is sure that it is dead"
                .to_owned(),
        ),
        Error::Store(state::StoreError::Damaged { .. })
        | Error::Operation(ops::Error::Store(state::StoreError::Damaged { .. })) => Some(
            "have it put together again from the file and the cloud with `groundwork state rebuild`, \
             or put an older version in its place with `groundwork state restore`"
                .to_owned(),
        ),
        Error::Store(state::StoreError::Place(state::PlaceError::Failed { .. }))
        | Error::Operation(ops::Error::Store(state::StoreError::Place(
            state::PlaceError::Failed { .. },
        )))
        | Error::Lock(
            state::LockError::Io { .. }
            | state::LockError::Store(state::StoreError::Place(state::PlaceError::Failed { .. })),
        ) => Some(NO_ROOM.to_owned()),
        Error::Store(state::StoreError::NoVersion { version, known }) => Some(near("version", version, known)),
        Error::Published(unpublished) => unpublished.hint(),
        Error::Sync(error) => sync(error),
        Error::Operation(ops::Error::SeveralLineages { .. }) => Some(
            "look which of them is this environment's, and name it with --lineage; the others belong to \
             whoever has their state"
                .to_owned(),
        ),
        Error::Operation(ops::Error::NothingToRebuild(name)) => Some(format!(
            "look whether account and region are the right ones; if the environment is gone, \
             `groundwork apply {name}` begins a new one"
        )),
        _ => None,
    }
}

/// What to do about an application that was not deployed.
fn sync(error: &ops::SyncError) -> Option<String> {
    match error {
        ops::SyncError::NotThere(_) => Some("`groundwork apply ENV` puts it there".to_owned()),
        ops::SyncError::Slow { report, .. } if report.operation == "Requested" => {
            Some("look whether the controller of Argo CD runs: `groundwork status ENV`".to_owned())
        }
        ops::SyncError::Slow { report, .. } if report.sync == "OutOfSync" => {
            Some("what the repository no longer has is deleted only with --prune".to_owned())
        }
        _ => None,
    }
}

/// What to do about a plan that AWS would not let through to its end.
fn preflight(obstacles: &ops::Obstacles) -> String {
    let ops::Obstacles {
        environment: name,
        principal,
        rights,
        shortages,
    } = obstacles;
    let mut ways = Vec::new();
    let is_denied_by = |by| rights.iter().any(|rights| rights.denied_by == by);
    if is_denied_by(ops::DeniedBy::Nobody) {
        ways.push(match principal.rsplit_once('/') {
            // What Identity Center made only Identity Center changes.
            Some((path, _)) if path.contains(":role/aws-reserved/") => format!(
                "add what `groundwork permissions {name}` prints to the permission set in IAM Identity Center"
            ),
            Some((path, role)) if path.contains(":role") => format!(
                "grant it what is missing: aws iam put-role-policy --role-name {role} --policy-name groundwork-{name} \
                 --policy-document \"$(groundwork permissions {name})\""
            ),
            // A policy of this length has no room with a user.
            _ => format!(
                "have a role with the policy that `groundwork permissions {name}` prints, and assume it"
            ),
        });
    }
    if is_denied_by(ops::DeniedBy::Boundary) || is_denied_by(ops::DeniedBy::Policy) {
        ways.push(
            "have whoever keeps the policy that denies it let it through: no grant helps"
                .to_owned(),
        );
    }
    ways.extend(shortages.iter().map(|shortage| {
        let (service, code) = (shortage.service, shortage.code);
        let wanted = shortage.used + shortage.needed;
        format!(
            "make room, or ask AWS for more: aws service-quotas request-service-quota-increase \
             --service-code {service} --quota-code {code} --desired-value {wanted}"
        )
    }));
    ways.push("go on all the same with --skip-preflight".to_owned());
    ways.join("\n")
}

/// What to do about names that are taken. Only what has a lineage can be what a lost state told of.
fn taken(environment: &str, refusals: &[Refusal]) -> Option<String> {
    let is_another = |refusal: &Refusal| matches!(refusal, Refusal::OtherCluster { .. });
    if refusals.iter().any(is_another) {
        return Some(format!(
            "name the way to the first with --kubeconfig and --context; if that cluster is gone for good, \
             `groundwork destroy {environment} --skip-cluster` forgets what was put into it"
        ));
    }
    let lineages = refusals.iter().filter_map(|refusal| match refusal {
        Refusal::Foreign { lineage, .. } => Some(lineage.is_some()),
        Refusal::OtherCluster { .. }
        | Refusal::OtherSort { .. }
        | Refusal::UnknownKind { .. }
        | Refusal::Ring(_) => None,
    });
    let somebodys = lineages.max()?;
    let otherwise = "rename ours in the file, or remove what is there if nobody needs it";
    let mut ways = vec![if somebodys {
        format!(
            "if this is what environment `{environment}` made and its state was lost, \
             `groundwork state rebuild {environment}` puts the state together again; otherwise {otherwise}"
        )
    } else {
        otherwise.to_owned()
    }];
    let is_taken = |of: &str| {
        let mut taken = refusals.iter();
        taken.any(|refusal| matches!(refusal, Refusal::Foreign { kind, .. } if kind == of))
    };
    if is_taken(NAMESPACE.name) {
        ways.push(
            "a namespace that is in another's cluster already can be used, and then stays: list it under \
             `existing_namespaces` in `[bootstrap]`"
                .to_owned(),
        );
    }
    if is_taken(INGRESS.name) {
        ways.push(
            "beside another ingress controller ours can stand in a `namespace` of its own, by which its class is called: \
             say it in `[bootstrap.ingress]`"
                .to_owned(),
        );
    }
    Some(ways.join("\n"))
}

/// Prints what clap has to say: help and version end well, anything else is wrong usage.
pub fn usage(error: &clap::Error) -> Exit {
    // Nowhere to print to is nothing that could be told to anyone.
    drop(error.print());
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_lineage_can_be_what_a_lost_state_told_of() {
        let foreign = |lineage: Option<&str>| Refusal::Foreign {
            address: "network.vpc".parse().expect("an address"),
            kind: "network.vpc".to_owned(),
            name: "demo".to_owned(),
            id: "vpc-1".to_owned(),
            lineage: lineage.map(str::to_owned),
        };
        assert_eq!(taken("demo", &[]), None);
        let by_hand = taken("demo", &[foreign(None)]).expect("a hint");
        assert!(!by_hand.contains("rebuild"), "{by_hand}");
        assert!(!by_hand.contains("existing_namespaces"), "{by_hand}");
        let mut in_cluster = foreign(None);
        if let Refusal::Foreign { kind, .. } = &mut in_cluster {
            *kind = "bootstrap.namespace".to_owned();
        }
        let beside = taken("demo", &[in_cluster]).expect("a hint");
        assert!(beside.contains("`existing_namespaces`"), "{beside}");
        let lost = taken("demo", &[foreign(None), foreign(Some("1f0c"))]).expect("a hint");
        assert!(lost.contains("`groundwork state rebuild demo`"), "{lost}");
    }

    #[test]
    fn who_asks_for_what_is_not_there_is_told_where_all_is() {
        let of = |what: &str, number: usize| {
            let known: Vec<String> = (0..number).map(|one| format!("vpc.{one}")).collect();
            near(what, "something-else", &known)
        };
        assert_eq!(of("output", 0), "there is none yet");
        assert_eq!(of("output", 1), "there is vpc.0");
        assert_eq!(of("output", 2), "there are vpc.0, vpc.1");
        assert!(of("output", 20).contains("`groundwork output ENV`"));
        assert!(of("version", 20).contains("`groundwork state history ENV`"));
        assert!(of("resource", 20).contains("`groundwork state list ENV`"));
    }
}
