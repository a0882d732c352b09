//! The Security Token Service: who is calling.

use super::call::{Call, Fault, Reply};
use super::iam::CALLER;
use crate::sandbox::world::World;

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "GetCallerIdentity" => Ok(Reply::Fields(vec![
            (
                "Arn",
                format!("arn:aws:iam::{}:user/{CALLER}", world.account).into(),
            ),
            ("UserId", "AIDASANDBOXSANDBOX000".into()),
            ("Account", (&world.account).into()),
        ])),
        _ => Err(Fault::unknown_operation(call)),
    }
}
