//! Deleting a secret: after a window in which it can be restored, or at once but not in an instant.

use super::{Deletion, Task, invalid_parameter, invalid_request, named, not_found, secrets};
use crate::sandbox::aws::{self, Call, Fault, Fields, Reply};
use crate::sandbox::durations::SECRET_FORCE_DELETE;
use crate::sandbox::schedule;
use crate::sandbox::world::World;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let forced = call
        .params
        .flag("ForceDeleteWithoutRecovery")
        .unwrap_or(false);
    let window = call.params.int("RecoveryWindowInDays")?;
    let seconds = match (forced, window) {
        (true, Some(_)) => {
            return Err(invalid_parameter(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        (true, None) => SECRET_FORCE_DELETE,
        (false, window) => match window.unwrap_or(30) {
            days @ 7..=30 => days.unsigned_abs() * SECONDS_PER_DAY,
            _ => {
                return Err(invalid_parameter(
                    "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
                ));
            }
        },
    };
    let asked = world.now;
    let deletion = Deletion {
        asked,
        due: asked.after_secs(seconds),
        forced,
    };
    let secret = match named(world, call) {
        Ok(secret) => secret,
        Err(_) if forced => return absent(world, call),
        Err(refusal) => return Err(refusal),
    };
    if secret.deletion.is_some() && !forced {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was already scheduled for deletion.",
        ));
    }
    secret.deletion = Some(deletion);
    let reply =
        secrets::brief(secret).with("DeletionDate", if forced { asked } else { deletion.due });
    let name = secret.name.clone();
    let task = schedule::Task::Aws {
        region: call.region.clone(),
        task: aws::Task::SecretsManager(Task::Remove { name, deletion }),
    };
    world.in_secs(seconds, task);
    Ok(reply.into())
}

/// Deleting by force what does not exist succeeds, with an ARN that nothing has.
fn absent(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("SecretId")?;
    if id.starts_with("arn:") {
        return Err(not_found());
    }
    let arn = format!(
        "arn:aws:secretsmanager:{}:{}:secret:{id}-000000",
        call.region, world.account
    );
    Ok(Fields::new()
        .with("ARN", arn)
        .with("Name", id)
        .with("DeletionDate", world.now)
        .into())
}

pub(super) fn restore(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let secret = named(world, call)?;
    if secret.deletion.is_some_and(|deletion| deletion.forced) {
        return Err(not_found());
    }
    secret.deletion = None;
    Ok(secrets::brief(secret).into())
}
