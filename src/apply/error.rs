//! Why an action failed, and what to do about it.

use std::error::Error as StdError;
use std::sync::Arc;

use crate::cloud::{Class, Fault, NO_CREDENTIALS, OVERTAKEN};
use crate::graph::Cycle;
use crate::resources::Unseen;
use crate::state::{Overtaken, Stopped};

/// Why an action on one resource failed. The address is told beside it.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A call to a cloud failed for good.
    #[error("{doing} failed")]
    Cloud {
        /// What was being done.
        doing: &'static str,
        /// The call.
        source: Fault,
    },
    /// What became of it could not be seen.
    #[error("looking for it failed")]
    Unseen(#[from] Unseen),
    /// The resource ended in a state from which it does not recover.
    #[error("it ended as {0}")]
    Broken(String),
    /// It can't get ready, for a reason that was found out before its service told.
    #[error("it can't get ready: {0}")]
    Hindered(String),
    /// A change was accepted and then came to nothing.
    #[error("the change was accepted and came to nothing: {0}")]
    CameToNothing(String),
    /// It was made and is not there.
    #[error("it was made and then was not there any more")]
    Vanished,
    /// It did not settle in time.
    #[error("it is still {state} after {seconds} s")]
    Slow {
        /// The cloud's word.
        state: String,
        /// How long we waited.
        seconds: u64,
    },
    /// It is to go, and something in the cluster keeps it.
    #[error("after {seconds} s it still waits for {parts}")]
    Held {
        /// What keeps it.
        parts: String,
        /// How long we waited.
        seconds: u64,
    },
    /// The cloud accepts changes and does not show them.
    #[error("{}", stubborn(fields))]
    Stubborn {
        /// Which fields.
        fields: Vec<String>,
    },
    /// What it refers to has no such output.
    #[error("it needs {0}, which is not known")]
    Unresolved(String),
    /// The plan asks what the file does not say.
    #[error("the plan names it, and neither file nor state does")]
    Unknown,
    /// The journal stopped.
    #[error("the journal stopped")]
    Journal(#[from] Stopped),
}

/// Why a whole run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan can't be ordered.
    #[error(transparent)]
    Ring(#[from] Cycle),
    /// All was done, but the last word of the journal could not be kept.
    #[error("everything was done, and that could not be written down")]
    Outcome(#[source] Stopped),
    /// The run was cut short, and the journal could not keep what it had done.
    #[error("what was done could not be written down")]
    Unwritten(#[source] Stopped),
}

fn stubborn(fields: &[String]) -> String {
    let named: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    match &named[..] {
        [] => "it still differs after being set".to_owned(),
        [one] => format!("{one} still differs after being set"),
        [firsts @ .., last] => {
            let firsts = firsts.join(", ");
            format!("{firsts} and {last} still differ after being set")
        }
    }
}

/// What to do where a state or its lock can't be written.
pub const NO_ROOM: &str = "make room on the disk, or the folder writable, or let the bucket be written to, then run the same command again";

/// What to do where groundwork contradicts itself.
const OWN_FAULT: &str =
    "this is a fault of groundwork, please report it; nothing is lost: run the same command again";

/// What to do about an error, if there is something better than to run the same command again.
pub fn hint(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let shared = || error.downcast_ref::<Arc<Fault>>().map(AsRef::as_ref);
        if let Some(fault) = error.downcast_ref::<Fault>().or_else(shared) {
            return fault_hint(fault);
        }
        if let Some(error) = error.downcast_ref::<ActError>()
            && let Some(hint) = own_hint(error)
        {
            return Some(hint.to_owned());
        }
        match error.downcast_ref::<Stopped>() {
            Some(Stopped::Overtaken(_)) => return Some(OVERTAKEN_HINT.to_owned()),
            Some(Stopped::Store(_)) => return Some(NO_ROOM.to_owned()),
            Some(Stopped::Illegal(_)) => return Some(OWN_FAULT.to_owned()),
            None => {}
        }
        if error.is::<Overtaken>() {
            return Some(OVERTAKEN_HINT.to_owned());
        }
        next = error.source();
    }
    None
}

/// What to do about a resource that AWS does not bring to where it should be.
fn own_hint(error: &ActError) -> Option<&'static str> {
    match error {
        ActError::Broken(_) => Some(
            "run the same command again: what can't become ready is replaced; if it ends like this once more, the reason above is what to mend",
        ),
        ActError::CameToNothing(_) => Some(
            "mend what it says, in the file or in the account, then run the same command again",
        ),
        ActError::Vanished => {
            Some("find out who deleted it, then run the same command again: it is made anew")
        }
        ActError::Slow { .. } => Some(
            "look at it in the cloud's own console, or, if it is in the cluster, by `kubectl describe`; once it moves on, run the same command again",
        ),
        ActError::Held { .. } => Some(
            "look after what is named there, or bring back the controller that should, then run the same command again",
        ),
        ActError::Stubborn { .. } => {
            Some("find out what sets them back, then run the same command again")
        }
        // What to do stands in it.
        ActError::Hindered(_)
        | ActError::Cloud { .. }
        | ActError::Unseen(_)
        | ActError::Unresolved(_)
        | ActError::Unknown
        | ActError::Journal(_) => None,
    }
}

/// What to do after another run took over.
const OVERTAKEN_HINT: &str = "this run was paused or cut off for too long, and changed nothing since: run the same command again, which waits for whoever took over";

fn fault_hint(fault: &Fault) -> Option<String> {
    if fault.code != OVERTAKEN
        && let Some(remedy) = fault.remedy()
    {
        return Some(remedy);
    }
    Some(match fault.class {
        Class::Stop if fault.code == OVERTAKEN => OVERTAKEN_HINT.to_owned(),
        Class::Forbidden if fault.code == NO_CREDENTIALS => {
            "give credentials as to any AWS tool: AWS_PROFILE, AWS_ACCESS_KEY_ID and its secret, or a role"
                .to_owned()
        }
        Class::Forbidden => {
            format!(
                "grant the right to call {} {}, then run the same command again",
                fault.service, fault.operation
            )
        }
        Class::Uncertain => {
            "check the connection, then run the same command again: it finds out what happened"
                .to_owned()
        }
        Class::Retry => {
            "the cloud is busy, or something else still holds it: wait, or remove that, then run the same command again"
                .to_owned()
        }
        Class::Exists => {
            "something with this name exists that is not ours: choose another `name` in the file"
                .to_owned()
        }
        Class::Absent | Class::Stop => format!(
            "mend what {} says, in the file or in the account, then run the same command again",
            fault.service
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_different_is_told_by_number() {
        let said = |fields: &[&str]| {
            let fields = fields.iter().map(ToString::to_string).collect();
            ActError::Stubborn { fields }.to_string()
        };
        assert_eq!(said(&["tags"]), "`tags` still differs after being set");
        assert_eq!(
            said(&["a", "b", "c"]),
            "`a`, `b` and `c` still differ after being set"
        );
    }
}
