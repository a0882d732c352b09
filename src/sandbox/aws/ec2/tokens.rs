//! Client tokens: the same request with the same token makes one resource.

use super::state::Token;
use crate::sandbox::aws::{Call, Fault};
use crate::sandbox::world::World;

/// The id of what this call's `ClientToken` made before, or of what `make` makes now.
///
/// # Errors
/// When `make` fails, or the token came with another input before.
pub(super) fn once(
    world: &mut World,
    call: &Call,
    make: impl FnOnce(&mut World, &Call) -> Result<String, Fault>,
) -> Result<String, Fault> {
    let Some(token) = call.params.text("ClientToken") else {
        return make(world, call);
    };
    let key = format!("{} {token}", call.operation);
    let input = &call.params.0;
    match world.region(&call.region).ec2.tokens.get(&key) {
        Some(made) if made.input == *input => return Ok(made.id.clone()),
        Some(_) => {
            return Err(Fault::new(
                "IdempotentParameterMismatch",
                format!("The client token '{token}' came with other parameters before"),
            ));
        }
        None => {}
    }
    let id = make(world, call)?;
    let made = Token {
        id: id.clone(),
        input: input.clone(),
    };
    world.region(&call.region).ec2.tokens.insert(key, made);
    Ok(id)
}
