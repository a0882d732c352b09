//! Errors of both clouds, and the one table that says what each code means for us (FACTS §4).

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// What an error means for the one who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same call will go through later: throttled, or not yet settled or visible.
    Retry,
    /// What was asked for is not there: success for a delete, absence for a read.
    Absent,
    /// What should be made is there already.
    Exists,
    /// No answer, or a server error: the effect may or may not have happened.
    Uncertain,
    /// A right is missing, or the credentials are no good.
    Forbidden,
    /// Calling again will not help.
    Stop,
}

/// One failed call.
#[derive(Debug, thiserror::Error)]
#[error("{service} {operation} failed: {code}: {message}")]
pub struct Fault {
    /// The service, as its SDK crate is named.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// AWS's or Kubernetes' code.
    pub code: String,
    /// What the service said.
    pub message: String,
    /// What it means for us.
    pub class: Class,
    /// What lies below, for calls that got no answer.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Names the call whose SDK error is turned into a [`Fault`]: `.map_err(fault("ec2", "CreateVpc"))`.
pub fn fault<E, R>(
    service: &'static str,
    operation: &'static str,
) -> impl Fn(SdkError<E, R>) -> Fault
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    move |error| match error {
        SdkError::ServiceError(context) => {
            let error = context.into_err();
            let code = error.code().unwrap_or("Unknown").to_owned();
            let message = error.message().unwrap_or("no message").to_owned();
            Fault {
                service,
                operation,
                class: classify(service, operation, &code, &message),
                code,
                message,
                source: None,
            }
        }
        other => Fault {
            service,
            operation,
            code: "NoAnswer".to_owned(),
            message: "the service could not be reached or did not answer".to_owned(),
            class: Class::Uncertain,
            source: Some(Box::new(other)),
        },
    }
}

impl Fault {
    /// An answer of the Kubernetes API server, or none.
    pub fn kubernetes(operation: &'static str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => {
                let class = match (status.code, status.reason.as_str()) {
                    (404, _) => Class::Absent,
                    (409, "AlreadyExists") => Class::Exists,
                    (429, _) | (503, _) | (504, _) => Class::Retry,
                    (500.., _) => Class::Uncertain,
                    (401 | 403, _) => Class::Forbidden,
                    _ => Class::Stop,
                };
                let (code, message) = (status.reason.clone(), status.message.clone());
                Self {
                    service: "kubernetes",
                    operation,
                    code,
                    message,
                    class,
                    source: None,
                }
            }
            other => Self {
                service: "kubernetes",
                operation,
                code: "NoAnswer".to_owned(),
                message: "the API server could not be reached or did not answer".to_owned(),
                class: Class::Uncertain,
                source: Some(Box::new(other)),
            },
        }
    }

    /// An answer that lacks what the service always gives.
    pub fn incomplete(service: &'static str, operation: &'static str, member: &str) -> Self {
        Self {
            service,
            operation,
            code: "IncompleteAnswer".to_owned(),
            message: format!("the answer has no {member}"),
            class: Class::Stop,
            source: None,
        }
    }

    /// Whether the call said that the thing is not there.
    pub fn is_absent(&self) -> bool {
        self.class == Class::Absent
    }
}

/// What a delete makes of its answer: that there was nothing to delete is success.
pub fn absent_is_done<T>(result: Result<T, Fault>) -> Result<(), Fault> {
    match result {
        Err(fault) if !fault.is_absent() => Err(fault),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Codes that say "not there", whatever the service.
const ABSENT: &[&str] = &[
    "NoSuchEntity",
    "NoSuchHostedZone",
    "ResourceNotFoundException",
    "RepositoryNotFoundException",
    "DBInstanceNotFound",
    "DBSubnetGroupNotFoundFault",
    "ReplicationGroupNotFoundFault",
    "CacheClusterNotFound",
    "CacheSubnetGroupNotFoundFault",
    "NatGatewayNotFound",
    "LoadBalancerNotFound",
    "TargetGroupNotFound",
];

/// Codes that say "there already".
const EXISTS: &[&str] = &[
    "EntityAlreadyExists",
    "ResourceInUseException",
    "ResourceExistsException",
    "RepositoryAlreadyExistsException",
    "DBInstanceAlreadyExists",
    "DBSubnetGroupAlreadyExists",
    "ReplicationGroupAlreadyExists",
    "CacheSubnetGroupAlreadyExists",
    "HostedZoneAlreadyExists",
    "InvalidGroup.Duplicate",
    "InvalidPermission.Duplicate",
    "RouteAlreadyExists",
];

/// Codes that pass by themselves: throttling, and states that settle.
const RETRY: &[&str] = &[
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "PriorRequestNotComplete",
    "ResourcePropagationDelayException",
    "ConcurrentModification",
    "IncorrectState",
    "DependencyViolation",
    "InvalidDBInstanceState",
    "InvalidDBSubnetGroupStateFault",
    "InvalidReplicationGroupState",
    "CacheSubnetGroupInUse",
    "InvalidIPAddress.InUse",
    "ResourceInUse",
    "DeleteConflict",
];

const FORBIDDEN: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "MissingAuthenticationToken",
];

const UNCERTAIN: &[&str] = &[
    "InternalFailure",
    "InternalServiceError",
    "ServiceFailure",
    "ServiceUnavailableException",
    "InternalError",
    "ServiceUnavailable",
    "ServerException",
    "Unavailable",
];

/// The one place that decides what a code of AWS means.
fn classify(service: &str, operation: &str, code: &str, message: &str) -> Class {
    let deleting = operation.starts_with("Delete");
    match (service, code) {
        // A create waits until a role that was just made can be seen and assumed (FACTS §4).
        ("eks", "InvalidParameterException")
            if [
                "does not exist",
                "Error in role params",
                "could not be assumed",
                "policy must include",
            ]
            .iter()
            .any(|text| message.contains(text)) =>
        {
            Class::Retry
        }
        ("eks", "ResourceInUseException") if deleting || operation.starts_with("Update") => {
            Class::Retry
        }
        ("iam", "MalformedPolicyDocument") if message.contains("Invalid principal") => Class::Retry,
        ("rds", "InvalidDBInstanceState") if message.contains("already being deleted") => {
            Class::Absent
        }
        ("ec2", code) if code.starts_with("Invalid") && code.ends_with(".NotFound") => {
            Class::Absent
        }
        ("ec2", "InvalidAllocationID.NotFound" | "InvalidAssociationID.NotFound") => Class::Absent,
        _ if ABSENT.contains(&code) => Class::Absent,
        _ if EXISTS.contains(&code) => Class::Exists,
        _ if RETRY.contains(&code) => Class::Retry,
        _ if FORBIDDEN.contains(&code) => Class::Forbidden,
        _ if UNCERTAIN.contains(&code) => Class::Uncertain,
        _ => Class::Stop,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_code_means_different_things_in_different_calls() {
        let role = "The role arn:aws:iam::1:role/x could not be assumed";
        assert_eq!(
            classify("eks", "CreateCluster", "InvalidParameterException", role),
            Class::Retry
        );
        assert_eq!(
            classify(
                "eks",
                "CreateCluster",
                "InvalidParameterException",
                "bad subnets"
            ),
            Class::Stop
        );
        assert_eq!(
            classify("eks", "CreateCluster", "ResourceInUseException", ""),
            Class::Exists
        );
        assert_eq!(
            classify("eks", "DeleteCluster", "ResourceInUseException", ""),
            Class::Retry
        );
        assert_eq!(
            classify("ec2", "DescribeVpcs", "InvalidVpcID.NotFound", ""),
            Class::Absent
        );
        assert_eq!(
            classify(
                "rds",
                "DeleteDBInstance",
                "InvalidDBInstanceState",
                "x is already being deleted"
            ),
            Class::Absent
        );
    }
}
