//! Updates, with which EKS goes on after it has answered. One that fails leaves the cluster as it was, and only the
//! update itself tells.

use aws_sdk_eks::types::{Update, UpdateStatus};

use crate::cloud::{Class, Cloud, Fault, fault};
use crate::resources::Outcome;
use crate::resources::calls::present;

/// The id of the update that EKS began; none where it found nothing to change, which it refuses.
pub(super) fn begun(answer: Result<Option<Update>, Fault>) -> Result<Option<String>, Fault> {
    match answer {
        Ok(update) => Ok(update.and_then(|update| update.id)),
        Err(fault) if fault.class == Class::Stop && fault.message.contains("No changes") => {
            Ok(None)
        }
        Err(fault) => Err(fault),
    }
}

/// What an update is of.
pub(super) enum Of<'a> {
    /// The cluster itself.
    Cluster,
    /// Its node group of this name.
    NodeGroup(&'a str),
    /// Its add-on of this name.
    Addon(&'a str),
}

/// What became of an update of a cluster or of a part of it.
pub(super) async fn outcome(
    cloud: &Cloud,
    cluster: &str,
    of: Of<'_>,
    update: &str,
) -> Result<Outcome, Fault> {
    let call = cloud.aws.eks.describe_update().name(cluster);
    let call = match of {
        Of::Cluster => call,
        Of::NodeGroup(name) => call.nodegroup_name(name),
        Of::Addon(name) => call.addon_name(name),
    };
    let answer = call.update_id(update).send().await;
    let found = present(answer.map_err(fault("eks", "DescribeUpdate")))?;
    Ok(match found.and_then(|found| found.update) {
        Some(update) => outcome_of(&update),
        // Not visible yet.
        None => Outcome::UnderWay,
    })
}

fn outcome_of(update: &Update) -> Outcome {
    let word = match update.status() {
        Some(UpdateStatus::Failed) => "failed",
        Some(UpdateStatus::Cancelled) => "was cancelled",
        Some(UpdateStatus::Successful) => return Outcome::Done,
        Some(_) | None => return Outcome::UnderWay,
    };
    let errors = update.errors().iter().map(|error| {
        let code = error.error_code().map_or("Unknown", |code| code.as_str());
        let message = error.error_message().unwrap_or("no message");
        match error.resource_ids() {
            [] => format!("{code}: {message}"),
            ids => format!("{code}: {message} ({})", ids.join(", ")),
        }
    });
    let errors: Vec<String> = errors.collect();
    let kind = update.r#type().map_or("update", |kind| kind.as_str());
    if errors.is_empty() {
        Outcome::Failed(format!("{kind} {word}, and EKS does not say why"))
    } else {
        Outcome::Failed(format!("{kind} {word}: {}", errors.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::{ErrorCode, ErrorDetail, UpdateType};

    use super::*;

    #[test]
    fn a_failed_update_tells_each_of_its_errors() {
        let error = ErrorDetail::builder()
            .error_code(ErrorCode::IpNotAvailable)
            .error_message("no addresses are left")
            .resource_ids("subnet-1");
        let update = |status| Update::builder().status(status);
        let failed = update(UpdateStatus::Failed)
            .r#type(UpdateType::VersionUpdate)
            .errors(error.build());
        let why = "VersionUpdate failed: IpNotAvailable: no addresses are left (subnet-1)";
        assert_eq!(outcome_of(&failed.build()), Outcome::Failed(why.to_owned()));
        let cancelled = outcome_of(&update(UpdateStatus::Cancelled).build());
        assert!(matches!(cancelled, Outcome::Failed(_)));
        let under_way = update(UpdateStatus::InProgress).build();
        assert_eq!(outcome_of(&under_way), Outcome::UnderWay);
        let done = update(UpdateStatus::Successful).build();
        assert_eq!(outcome_of(&done), Outcome::Done);
    }
}
