//! Errors of both clouds, and the one table that says what each code means for us (FACTS §4).

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::refusal::{is_of_a_namespace_that_goes, is_of_an_unfit_document};
use super::remains;
use crate::state::Overtaken;

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

/// The code of calls that were not sent because another run may be at work.
pub const OVERTAKEN: &str = "Overtaken";

/// The code of what an API server can't read as an object of its type.
pub const UNFIT: &str = "Unfit";

/// The code of calls that could not be signed, and so were not sent.
pub const NO_CREDENTIALS: &str = "NoCredentials";

/// Whether the call failed before it was sent, for want of something that is told by an error `E`.
fn was_kept_back_by<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<E>() {
            return true;
        }
        next = cause.source();
    }
    false
}

/// Names the call whose SDK error is turned into a [`Fault`]: `.map_err(fault("ec2", "CreateVpc"))`.
pub fn fault<E>(
    service: &'static str,
    operation: &'static str,
) -> impl Fn(SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    move |error| match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            let error = context.into_err();
            let code = error.code().unwrap_or("Unknown").to_owned();
            let message = error.message().unwrap_or("no message").to_owned();
            let class = classify(service, operation, &code, &message);
            Fault {
                service,
                operation,
                class: class.unwrap_or_else(|| by_status(status)),
                code,
                message,
                source: None,
            }
        }
        unsent if was_kept_back_by::<Overtaken>(&unsent) => Fault::overtaken(service, operation),
        unsigned if was_kept_back_by::<CredentialsError>(&unsigned) => Fault {
            service,
            operation,
            code: NO_CREDENTIALS.to_owned(),
            message: "no usable AWS credentials were found".to_owned(),
            class: Class::Forbidden,
            source: unsigned.into_source().ok(),
        },
        other => Fault {
            service,
            operation,
            code: "NoAnswer".to_owned(),
            message: "the service could not be reached or did not answer".to_owned(),
            class: Class::Uncertain,
            // Without the answer itself, which may hold what nobody is to see.
            source: other.into_source().ok(),
        },
    }
}

impl Fault {
    /// An answer of the Kubernetes API server, or none.
    pub fn kubernetes(operation: &'static str, error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if is_of_an_unfit_document(&status.message) => Self {
                service: "kubernetes",
                operation,
                code: UNFIT.to_owned(),
                message: status.message.clone(),
                class: Class::Stop,
                source: None,
            },
            kube::Error::Api(status) => {
                let class = match (status.code, status.reason.as_str()) {
                    (404, _) => Class::Absent,
                    (409, "AlreadyExists") => Class::Exists,
                    (429, _) | (503, _) | (504, _) => Class::Retry,
                    (500.., _) => Class::Uncertain,
                    (403, _) if is_of_a_namespace_that_goes(&status.message) => Class::Retry,
                    (401 | 403, _) => Class::Forbidden,
                    _ => Class::Stop,
                };
                // What webhooks and policies refuse has a reason only where they give one.
                let code = match status.reason.as_str() {
                    "" => status.code.to_string(),
                    reason => reason.to_owned(),
                };
                let message = status.message.clone();
                Self {
                    service: "kubernetes",
                    operation,
                    code,
                    message,
                    class,
                    source: None,
                }
            }
            unsent if was_kept_back_by::<Overtaken>(&unsent) => {
                Self::overtaken("kubernetes", operation)
            }
            other => Self {
                service: "kubernetes",
                operation,
                code: "NoAnswer".to_owned(),
                message: "the API server could not be reached or did not answer".to_owned(),
                class: Class::Uncertain,
                source: Some(remains::of_client(other)),
            },
        }
    }

    /// A call that was not sent.
    fn overtaken(service: &'static str, operation: &'static str) -> Self {
        Self {
            service,
            operation,
            code: OVERTAKEN.to_owned(),
            message: Overtaken.to_string(),
            class: Class::Stop,
            source: None,
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

    /// For how long a change is sent again while its service answers like this (FACTS §4).
    pub fn patience(&self) -> Duration {
        let minutes = match self.service {
            "iam" => 2,
            "ec2" => 5,
            _ => 10,
        };
        Duration::from_secs(minutes * 60)
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
    "NoSuchResourceException",
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
    "ResourceAlreadyExistsException",
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

/// The one place that decides what a code of AWS means; none for a code that nobody foresaw.
fn classify(service: &str, operation: &str, code: &str, message: &str) -> Option<Class> {
    let deleting = operation.starts_with("Delete");
    Some(match (service, code) {
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
        // A delete waits for what is under way, and not for what somebody else keeps there.
        ("eks", "ResourceInUseException") if deleting && !message.contains("in progress") => {
            Class::Stop
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
        _ => return None,
    })
}

/// What the status says where the code says nothing: a busy service, or one that failed and may yet have done it.
fn by_status(status: u16) -> Class {
    match status {
        429 => Class::Retry,
        500.. => Class::Uncertain,
        401 | 403 => Class::Forbidden,
        _ => Class::Stop,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::error::ErrorMetadata;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn the_same_code_means_different_things_in_different_calls() {
        let role = "The role arn:aws:iam::1:role/x could not be assumed";
        let busy = "Cluster demo currently has update 1 in progress";
        let rows = [
            (
                "eks",
                "CreateCluster",
                "InvalidParameterException",
                role,
                Some(Class::Retry),
            ),
            (
                "eks",
                "CreateCluster",
                "InvalidParameterException",
                "bad subnets",
                None,
            ),
            (
                "eks",
                "CreateCluster",
                "ResourceInUseException",
                "",
                Some(Class::Exists),
            ),
            (
                "eks",
                "DeleteCluster",
                "ResourceInUseException",
                busy,
                Some(Class::Retry),
            ),
            (
                "eks",
                "DeleteCluster",
                "ResourceInUseException",
                "Cluster has nodegroups attached",
                Some(Class::Stop),
            ),
            (
                "eks",
                "UpdateClusterConfig",
                "ResourceInUseException",
                "",
                Some(Class::Retry),
            ),
            (
                "ec2",
                "DescribeVpcs",
                "InvalidVpcID.NotFound",
                "",
                Some(Class::Absent),
            ),
            (
                "rds",
                "DeleteDBInstance",
                "InvalidDBInstanceState",
                "x is already being deleted",
                Some(Class::Absent),
            ),
        ];
        for (service, operation, code, message, class) in rows {
            let found = classify(service, operation, code, message);
            assert_eq!(found, class, "{operation} {code} {message}");
        }
    }

    fn answered(status: u16, code: &str) -> Fault {
        let status = StatusCode::try_from(status).unwrap();
        let raw = HttpResponse::new(status, SdkBody::from("canary"));
        let meta = ErrorMetadata::builder().code(code).build();
        let error = aws_sdk_eks::operation::describe_cluster::DescribeClusterError::generic(meta);
        fault("eks", "DescribeCluster")(SdkError::service_error(error, raw))
    }

    #[test]
    fn a_code_that_nobody_foresaw_means_what_its_status_means() {
        assert_eq!(answered(429, "SlowDown").class, Class::Retry);
        assert_eq!(answered(503, "Overwhelmed").class, Class::Uncertain);
        assert_eq!(answered(403, "NotToday").class, Class::Forbidden);
        assert_eq!(answered(400, "Odd").class, Class::Stop);
        // A code that is known says more than the status.
        let known = answered(500, "ResourceNotFoundException");
        assert_eq!(known.class, Class::Absent);
    }

    #[test]
    fn an_answer_that_could_not_be_read_is_not_shown() {
        let raw = HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::from("canary"));
        type Error = aws_sdk_eks::operation::describe_cluster::DescribeClusterError;
        let unread = SdkError::<Error, _>::response_error("not JSON", raw);
        let fault = fault("eks", "DescribeCluster")(unread);
        assert_eq!(fault.class, Class::Uncertain);
        let shown = format!("{fault:?}");
        assert!(
            shown.contains("not JSON") && !shown.contains("canary"),
            "{shown}"
        );
    }

    #[test]
    fn what_an_api_server_can_not_read_is_no_failure_of_its_own() {
        let answered = |message: &str| {
            let status = kube::core::Status {
                code: 500,
                message: message.to_owned(),
                ..Default::default()
            };
            Fault::kubernetes("apply", kube::Error::Api(Box::new(status)))
        };
        let unfit = answered(
            "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.x: field not declared in schema",
        );
        assert_eq!((unfit.class, &*unfit.code), (Class::Stop, UNFIT));
        let failed = answered("Internal error occurred: failed calling webhook \"x\"");
        assert_eq!(failed.class, Class::Uncertain);
    }

    #[test]
    fn each_service_has_its_own_patience() {
        let minutes = |service| {
            let fault = Fault::incomplete(service, "Create", "id");
            fault.patience().as_secs() / 60
        };
        assert_eq!(["iam", "ec2", "elasticache"].map(minutes), [2, 5, 10]);
    }
}
