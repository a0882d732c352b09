//! One AWS request, from its bytes to the bytes of its answer: one transaction on the world.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use super::call::{Call, Fault, Reply};
use super::{dispatch, fail_later, protocol};
use crate::sandbox::faults::{Disconnected, Faults, Outcome};
use crate::sandbox::store::{Effect, Store};
use crate::sandbox::world::World;

/// Answers `request`; its effect is on disk before this returns.
///
/// # Errors
/// When the faults want the connection to die.
pub async fn respond(
    store: &Store,
    faults: &Faults,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, Disconnected> {
    let (dialect, call) = match protocol::decode(&request) {
        Ok(decoded) => decoded,
        Err((dialect, fault)) => return Ok(dialect.fault(&fault, &request_id(0))),
    };
    let effect = effect(&call.operation);
    let verdict = faults.judge(&call.service, &call.operation, effect);
    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
    }
    let id = request_id(verdict.number);
    match verdict.outcome {
        Outcome::DropRequest => return Err(Disconnected),
        Outcome::Throttle => return Ok(dialect.fault(&dialect.throttled(), &id)),
        Outcome::ServerError => return Ok(dialect.fault(&dialect.server_error(), &id)),
        Outcome::Serve | Outcome::DropReply | Outcome::Silence => {}
    }
    let act = |world: &mut World| {
        if let Some(mut past) = faults.past(&call.operation, world) {
            return dispatch(&mut past, &call);
        }
        let answer = dispatch(world, &call);
        if answer.is_ok() && faults.fails_later(&call.operation) {
            fail_later(world, &call);
        }
        answer
    };
    let answer = behind(store, &call, effect, verdict.behind).unwrap_or_else(|| {
        let acted = store.transact(effect, act);
        acted.unwrap_or_else(|error| Err(unusable(&error)))
    });
    match verdict.outcome {
        Outcome::DropReply => return Err(Disconnected),
        Outcome::Silence => std::future::pending().await,
        Outcome::Serve | Outcome::DropRequest | Outcome::Throttle | Outcome::ServerError => {}
    }
    Ok(match answer {
        Ok(reply) => dialect.reply(&call.operation, &reply, &id),
        Err(fault) => dialect.fault(&fault, &id),
    })
}

/// The answer of a copy that has not heard of the latest changes, where it differs: a read tells what was, and what
/// names something too new for the copy is refused. Nobody is told that something is gone which never was.
fn behind(
    store: &Store,
    call: &Call,
    effect: Effect,
    behind: Duration,
) -> Option<Result<Reply, Fault>> {
    if behind.is_zero() {
        return None;
    }
    let answer = store.past(behind, |world| dispatch(world, call));
    if effect == Effect::Reads {
        return answer;
    }
    store.remember();
    let refers = [
        "Create",
        "Attach",
        "Associate",
        "Authorize",
        "Add",
        "Modify",
        "Put",
    ];
    let refers = refers.iter().any(|verb| call.operation.starts_with(verb));
    let too_new =
        |fault: &Fault| fault.code.contains("NotFound") || fault.code.contains("NoSuchEntity");
    answer.filter(|answer| refers && answer.as_ref().is_err_and(too_new))
}

/// What an operation does, by AWS's own custom of naming.
fn effect(operation: &str) -> Effect {
    let reads = [
        "Describe",
        "List",
        "Get",
        "BatchGet",
        "BatchCheck",
        "Search",
        "Simulate",
    ]
    .iter()
    .any(|verb| operation.starts_with(verb));
    if reads {
        Effect::Reads
    } else {
        Effect::Changes
    }
}

/// The world itself can't be used. The status is one that clients don't retry: the cause is a file here.
fn unusable(error: &crate::sandbox::store::Error) -> Fault {
    let cause = std::error::Error::source(error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Fault::new("SandboxUnusable", format!("{error}{cause}"))
}

fn request_id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_operations_named_like_reads_read() {
        for operation in ["DescribeVpcs", "ListClusters", "GetRole", "BatchGetImage"] {
            assert_eq!(effect(operation), Effect::Reads, "{operation}");
        }
        for operation in [
            "CreateVpc",
            "BatchDeleteImage",
            "TagResource",
            "ModifyDBInstance",
        ] {
            assert_eq!(effect(operation), Effect::Changes, "{operation}");
        }
    }
}
