//! One AWS request, from its bytes to the bytes of its answer: one transaction on the world.

use bytes::Bytes;
use http::{Request, Response};

use super::call::Fault;
use super::{dispatch, eks, protocol};
use crate::sandbox::faults::{Disconnected, Faults, Outcome};
use crate::sandbox::store::{Effect, Store};

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
        Outcome::Serve | Outcome::DropReply => {}
    }
    let answer = store
        .transact(effect, |world| {
            if let Some(mut past) = faults.past(&call.operation, world) {
                return dispatch(&mut past, &call);
            }
            let answer = dispatch(world, &call);
            if answer.is_ok() && faults.fails_later(&call.operation) {
                eks::fail_later(world, &call);
            }
            answer
        })
        .unwrap_or_else(|error| Err(unusable(&error)));
    if verdict.outcome == Outcome::DropReply {
        return Err(Disconnected);
    }
    Ok(match answer {
        Ok(reply) => dialect.reply(&call.operation, &reply, &id),
        Err(fault) => dialect.fault(&fault, &id),
    })
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
