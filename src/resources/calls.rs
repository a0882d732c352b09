//! Calls as kinds make them: what may not be visible yet, what may be there already.

use std::future::Future;

use super::{Kind, Order, Owner};
use crate::cloud::{Class, Cloud, Fault, Retry, retry_change};

/// Makes a call that names what may have been made a moment ago: that it is not there yet passes by itself.
/// Only failures that are certain to have had no effect are tried again.
///
/// # Errors
/// The fault of the last call.
pub(super) async fn fresh<T, F>(cloud: &Cloud, mut call: impl FnMut() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>>,
{
    let answer = retry_change(&*cloud.clock, Retry::Certain, || {
        let answer = call();
        async move { answer.await.map_err(not_there_yet) }
    });
    answer.await.map_err(given_up)
}

/// What did not pass in its time will not pass in anyone else's: no caller is to wait for it once more.
fn given_up(fault: Fault) -> Fault {
    match fault.class {
        Class::Retry => Fault {
            class: Class::Stop,
            ..fault
        },
        Class::Absent | Class::Exists | Class::Uncertain | Class::Forbidden | Class::Stop => fault,
    }
}

/// A fault that says "not there", of what was made a moment ago: the call is worth making again.
pub(super) fn not_there_yet(fault: Fault) -> Fault {
    match fault.class {
        Class::Absent => Fault {
            class: Class::Retry,
            ..fault
        },
        Class::Retry | Class::Exists | Class::Uncertain | Class::Forbidden | Class::Stop => fault,
    }
}

/// An answer that says "not there" is none.
///
/// # Errors
/// Every other fault.
pub(super) fn present<T>(answer: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.is_absent() => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// An answer that says "there already" is as good as success, for what is the same when it is made twice.
///
/// # Errors
/// Every other fault.
pub(super) fn exists_is_done<T>(answer: Result<T, Fault>) -> Result<(), Fault> {
    match answer {
        Err(fault) if fault.class != Class::Exists => Err(fault),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What the create of something with a unique name makes of its answer: when it is there already and ours, an
/// earlier create had its effect though its reply was lost.
///
/// # Errors
/// The fault of the create, where nothing of ours has that name.
pub(super) async fn made_already(
    kind: &dyn Kind,
    cloud: &Cloud,
    order: &Order<'_>,
    id: String,
    answer: Result<(), Fault>,
) -> Result<String, Fault> {
    match answer {
        Ok(()) => Ok(id),
        Err(fault) if fault.class == Class::Exists => match kind.read(cloud, order, &id).await? {
            Some(observed) if observed.owner == Owner::Ours => Ok(id),
            Some(_) | None => Err(fault),
        },
        Err(fault) => Err(fault),
    }
}
