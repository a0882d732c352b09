//! Round trips through the official SDK clients: every protocol's replies and refusals, in the process and
//! over a socket.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::sandbox::Sandbox;
use crate::sandbox::faults::{Misbehaviour, Stop};
use crate::sandbox::serve::{Server, aws_url};
use crate::sandbox::time::ClockSource;

const REGION: &str = "eu-central-1";

pub(super) struct Fixture {
    sandbox: Sandbox,
    _folder: tempfile::TempDir,
}

pub(super) fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Fixture {
        sandbox: Sandbox::open(folder.path(), ClockSource::Virtual),
        _folder: folder,
    }
}

impl Fixture {
    pub(super) fn config(&self) -> aws_config::SdkConfig {
        config(self.sandbox.aws_http_client(), None)
    }
}

fn config(client: SharedHttpClient, endpoint: Option<String>) -> aws_config::SdkConfig {
    let credentials = Credentials::new("AKIDSANDBOX", "secret", None, None, "tests");
    let mut builder = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(client);
    builder.set_endpoint_url(endpoint);
    builder.build()
}

pub(super) fn code<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Option<&str> {
    error.as_service_error().and_then(|error| error.code())
}

#[tokio::test(start_paused = true)]
async fn a_query_service_answers_and_refuses() {
    let fixture = fixture();
    let client = aws_sdk_sts::Client::new(&fixture.config());
    let caller = client.get_caller_identity().send().await.expect("a caller");
    assert_eq!(caller.account(), Some("123456789012"));
    assert_eq!(caller.arn(), Some("arn:aws:iam::123456789012:user/sandbox"));

    let error = client
        .get_session_token()
        .send()
        .await
        .expect_err("the sandbox has no session tokens");
    assert_eq!(code(&error), Some("InvalidAction"));
    let message = error.as_service_error().and_then(|error| error.message());
    assert_eq!(
        message,
        Some("The sandbox does not know the operation GetSessionToken of sts")
    );
}

#[tokio::test(start_paused = true)]
async fn a_json_service_answers_and_refuses() {
    let fixture = fixture();
    let client = aws_sdk_resourcegroupstagging::Client::new(&fixture.config());
    let resources = client.get_resources().send().await.expect("resources");
    assert!(resources.resource_tag_mapping_list().is_empty());
    assert_eq!(resources.pagination_token(), Some(""));

    let error = client
        .get_resources()
        .resources_per_page(101)
        .send()
        .await
        .expect_err("a page that is too large");
    assert!(
        error
            .as_service_error()
            .is_some_and(|error| error.is_invalid_parameter_exception()),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn ec2_answers_and_refuses() {
    let fixture = fixture();
    let client = aws_sdk_ec2::Client::new(&fixture.config());
    let created = client.create_vpc().cidr_block("10.10.0.0/16").send().await;
    let created = created.expect("a VPC").vpc.expect("it is described");
    let id = created.vpc_id().expect("it has an id");
    let filter = aws_sdk_ec2::types::Filter::builder();
    let filter = filter.name("vpc-id").values(id).build();
    let found = client.describe_vpcs().filters(filter).send().await;
    let found = found.expect("VPCs").vpcs.unwrap_or_default();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].cidr_block(), Some("10.10.0.0/16"));
    assert_eq!(found[0].is_default(), Some(false));
    assert!(found[0].tags().is_empty());

    let error = client.delete_vpc().vpc_id("vpc-00000000000000000").send();
    let error = error.await.expect_err("there is no such VPC");
    assert_eq!(code(&error), Some("InvalidVpcID.NotFound"));
}

#[tokio::test(start_paused = true)]
async fn the_sdk_recognises_refusals_in_every_protocol() {
    use aws_sdk_eks::operation::describe_cluster::DescribeClusterError;
    use aws_sdk_rds::operation::describe_db_instances::DescribeDBInstancesError;
    use aws_sdk_route53::operation::get_hosted_zone::GetHostedZoneError;
    use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretError;

    let fixture = fixture();
    let config = fixture.config();
    let eks = aws_sdk_eks::Client::new(&config);
    let error = eks.describe_cluster().name("nope").send().await;
    let error = error.expect_err("no such cluster").into_service_error();
    let DescribeClusterError::ResourceNotFoundException(error) = error else {
        panic!("another error: {error:?}");
    };
    assert_eq!(error.message(), Some("No cluster found for name: nope."));

    let route53 = aws_sdk_route53::Client::new(&config);
    let error = route53.get_hosted_zone().id("Z0NOPE").send().await;
    let error = error.expect_err("no such zone").into_service_error();
    assert!(
        matches!(&error, GetHostedZoneError::NoSuchHostedZone(_)),
        "{error:?}"
    );

    let rds = aws_sdk_rds::Client::new(&config).describe_db_instances();
    let error = rds.db_instance_identifier("nope").send().await;
    let error = error.expect_err("no such database").into_service_error();
    assert!(
        matches!(&error, DescribeDBInstancesError::DbInstanceNotFoundFault(_)),
        "{error:?}"
    );

    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    let error = secrets.describe_secret().secret_id("nope").send().await;
    let error = error.expect_err("no such secret").into_service_error();
    let DescribeSecretError::ResourceNotFoundException(error) = error else {
        panic!("another error: {error:?}");
    };
    assert!(error.message().is_some());
}

#[tokio::test(start_paused = true)]
async fn operations_that_the_sandbox_lacks_are_named_in_every_protocol() {
    let fixture = fixture();
    let config = fixture.config();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let error = ec2.describe_hosts().send().await.expect_err("no hosts");
    assert_eq!(code(&error), Some("InvalidAction"));
    let eks = aws_sdk_eks::Client::new(&config);
    let error = eks.list_eks_anywhere_subscriptions().send().await;
    assert_eq!(
        code(&error.expect_err("no subscriptions")),
        Some("UnknownOperationException")
    );
    let route53 = aws_sdk_route53::Client::new(&config);
    let error = route53.get_geo_location().send().await;
    assert_eq!(
        code(&error.expect_err("no locations")),
        Some("UnknownOperationException")
    );
}

#[tokio::test(start_paused = true)]
async fn the_sdk_retries_what_is_throttled_and_sees_a_stop_as_a_dead_connection() {
    let fixture = fixture();
    let client = aws_sdk_sts::Client::new(&fixture.config());
    let faults = fixture.sandbox.faults();
    faults.set(Misbehaviour {
        throttled: 1000,
        latency: Duration::from_secs(2),
        ..Misbehaviour::default()
    });
    let error = client.get_caller_identity().send().await;
    assert_eq!(code(&error.expect_err("throttled")), Some("Throttling"));
    let row = ("sts".to_owned(), "GetCallerIdentity".to_owned(), 3);
    assert_eq!(faults.requests(), [row], "the SDK tries three times");

    faults.set(Misbehaviour {
        failing_reads: BTreeSet::from(["GetCallerIdentity".to_owned()]),
        ..Misbehaviour::default()
    });
    let error = client.get_caller_identity().send().await;
    assert_eq!(code(&error.expect_err("broken")), Some("InternalFailure"));

    faults.set(Misbehaviour {
        stop: Some(Stop::Before(0)),
        ..Misbehaviour::default()
    });
    let error = client.get_caller_identity().send().await;
    let error = error.expect_err("a dead connection");
    assert!(
        matches!(&error, SdkError::DispatchFailure(failure) if failure.is_io()),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_a_change_leaves_nothing_and_one_after_it_leaves_its_effect() {
    for (stop, left) in [(Stop::Before(1), 0), (Stop::After(1), 1)] {
        let fixture = fixture();
        let client = aws_sdk_ec2::Client::new(&fixture.config());
        let faults = fixture.sandbox.faults();
        faults.set(Misbehaviour {
            stop: Some(stop),
            ..Misbehaviour::default()
        });
        let created = client.create_vpc().cidr_block("10.10.0.0/16").send().await;
        assert!(matches!(created, Err(SdkError::DispatchFailure(_))));
        assert!(faults.changes() >= 1);

        faults.set(Misbehaviour::default());
        let vpcs = client.describe_vpcs().send().await.expect("VPCs");
        assert_eq!(vpcs.vpcs().len(), left, "{stop:?}");
    }
}

#[tokio::test]
async fn the_served_world_answers_the_sdk_over_loopback() {
    let fixture = fixture();
    let server = Server::bind(fixture.sandbox.clone(), 0)
        .await
        .expect("a free port");
    let address = server.address();
    assert!(address.ip().is_loopback());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));

    let http = aws_smithy_http_client::Builder::new().build_http();
    let client = aws_sdk_sts::Client::new(&config(http, Some(aws_url(address))));
    let caller = client.get_caller_identity().send().await.expect("a caller");
    assert_eq!(caller.account(), Some("123456789012"));

    fixture.sandbox.faults().set(Misbehaviour {
        dropped_replies: 1000,
        ..Misbehaviour::default()
    });
    let error = client.get_caller_identity().send().await;
    assert!(
        matches!(error, Err(SdkError::DispatchFailure(_))),
        "{error:?}"
    );

    stop.send(()).expect("the server still runs");
    serving.await.expect("the server ends");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
