//! The AWS CLI, an independent client, reads from a served sandbox what the SDK made there.
//!
//! Needs the `aws` command.

use std::process::{Command, Output};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_elasticache::types::AutomaticFailoverStatus;
use groundwork::sandbox::Sandbox;
use groundwork::sandbox::serve::{Server, aws_url};
use groundwork::sandbox::time::ClockSource;
use serde_json::{Value, json};

const REGION: &str = "eu-central-1";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn config(sandbox: &Sandbox) -> aws_config::SdkConfig {
    let credentials = Credentials::new("AKIDSANDBOX", "secret", None, None, "tests");
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(sandbox.aws_http_client())
        .build()
}

/// A VPC with a subnet in each of two zones.
async fn network(config: &aws_config::SdkConfig) -> Outcome<(String, Vec<String>)> {
    let ec2 = aws_sdk_ec2::Client::new(config);
    let vpc = ec2.create_vpc().cidr_block("10.10.0.0/16").send().await?;
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).ok_or("no VPC")?;
    for attribute in ["support", "hostnames"] {
        let on = aws_sdk_ec2::types::AttributeBooleanValue::builder().value(true);
        let change = ec2.modify_vpc_attribute().vpc_id(&vpc);
        let change = match attribute {
            "support" => change.enable_dns_support(on.build()),
            _ => change.enable_dns_hostnames(on.build()),
        };
        change.send().await?;
    }
    let mut subnets = Vec::new();
    for (zone, block) in [("a", "10.10.0.0/18"), ("b", "10.10.64.0/18")] {
        let subnet = ec2.create_subnet().vpc_id(&vpc).cidr_block(block);
        let subnet = subnet.availability_zone(format!("{REGION}{zone}"));
        let subnet = subnet
            .send()
            .await?
            .subnet
            .and_then(|found| found.subnet_id);
        subnets.push(subnet.ok_or("no subnet")?);
    }
    Ok((vpc, subnets))
}

async fn cluster(config: &aws_config::SdkConfig, subnets: &[String]) -> Outcome {
    let iam = aws_sdk_iam::Client::new(config);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "eks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    let role = iam.create_role().role_name("cluster");
    let role = role.assume_role_policy_document(trust.to_string());
    let role = role.send().await?.role.ok_or("no role")?.arn;
    iam.attach_role_policy()
        .role_name("cluster")
        .policy_arn("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        .send()
        .await?;
    iam.create_group().group_name("DB-Ops").send().await?;
    iam.add_user_to_group()
        .group_name("DB-Ops")
        .user_name("ops-account")
        .send()
        .await?;
    let network = aws_sdk_eks::types::VpcConfigRequest::builder();
    let network = network.set_subnet_ids(Some(subnets.to_vec())).build();
    aws_sdk_eks::Client::new(config)
        .create_cluster()
        .name("ms-cluster-staging")
        .role_arn(role)
        .resources_vpc_config(network)
        .send()
        .await?;
    Ok(())
}

async fn stores(config: &aws_config::SdkConfig, subnets: &[String]) -> Outcome {
    let rds = aws_sdk_rds::Client::new(config);
    rds.create_db_subnet_group()
        .db_subnet_group_name("flights")
        .db_subnet_group_description("flights")
        .set_subnet_ids(Some(subnets.to_vec()))
        .send()
        .await?;
    rds.create_db_instance()
        .db_instance_identifier("flights")
        .db_subnet_group_name("flights")
        .engine("mysql")
        .db_instance_class("db.t3.micro")
        .allocated_storage(20)
        .master_username("microservices")
        .master_user_password("correct-horse-battery")
        .send()
        .await?;
    let elasticache = aws_sdk_elasticache::Client::new(config);
    elasticache
        .create_cache_subnet_group()
        .cache_subnet_group_name("reservations")
        .cache_subnet_group_description("reservations")
        .set_subnet_ids(Some(subnets.to_vec()))
        .send()
        .await?;
    elasticache
        .create_replication_group()
        .replication_group_id("reservations")
        .replication_group_description("reservations")
        .cache_subnet_group_name("reservations")
        .engine("redis")
        .cache_node_type("cache.t4g.micro")
        .num_cache_clusters(1)
        .send()
        .await?;
    aws_sdk_secretsmanager::Client::new(config)
        .create_secret()
        .name("staging/mysql-password")
        .secret_string("correct-horse-battery")
        .send()
        .await?;
    aws_sdk_ecr::Client::new(config)
        .create_repository()
        .repository_name("ms-flights")
        .send()
        .await?;
    Ok(())
}

/// The zone's id.
async fn zone(config: &aws_config::SdkConfig, vpc: &str) -> Outcome<String> {
    use aws_sdk_route53::types::{
        Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType, Vpc,
        VpcRegion,
    };
    let route53 = aws_sdk_route53::Client::new(config);
    let vpc = Vpc::builder().vpc_id(vpc).vpc_region(VpcRegion::EuCentral1);
    let zone = route53
        .create_hosted_zone()
        .name("staging.msur-vpc.com")
        .caller_reference("first")
        .vpc(vpc.build())
        .send()
        .await?;
    assert!(
        zone.location()
            .starts_with("https://route53.amazonaws.com/2013-04-01/hostedzone/")
    );
    let zone = zone.hosted_zone.ok_or("no zone")?.id;
    let record = ResourceRecord::builder()
        .value("flights.example.")
        .build()?;
    let records = ResourceRecordSet::builder()
        .name("rds.staging.msur-vpc.com")
        .r#type(RrType::Cname)
        .ttl(300)
        .resource_records(record)
        .build()?;
    let change = Change::builder();
    let change = change
        .action(ChangeAction::Create)
        .resource_record_set(records);
    route53
        .change_resource_record_sets()
        .hosted_zone_id(&zone)
        .change_batch(ChangeBatch::builder().changes(change.build()?).build()?)
        .send()
        .await?;
    Ok(zone)
}

async fn aws(endpoint: &str, arguments: &[&str]) -> Outcome<Output> {
    let mut command = Command::new("aws");
    command
        .args(arguments)
        .args(["--endpoint-url", endpoint, "--output", "json"])
        .env("AWS_ACCESS_KEY_ID", "AKIDSANDBOX")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_PAGER", "")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

/// What the CLI printed, after it succeeded.
async fn read(endpoint: &str, arguments: &[&str]) -> Outcome<Value> {
    let output = aws(endpoint, arguments).await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "aws {arguments:?}: {errors}");
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn the_aws_cli_reads_what_the_sdk_made() -> Outcome {
    if !super::clients::found("aws") {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let sandbox = Sandbox::open(folder.path(), ClockSource::Wall { scale: 1.0 });
    let config = config(&sandbox);
    let (vpc, subnets) = network(&config).await?;
    cluster(&config, &subnets).await?;
    stores(&config, &subnets).await?;
    let zone = zone(&config, &vpc).await?;

    let server = Server::bind(sandbox, 0).await?;
    let endpoint = aws_url(server.address());
    let reading = async {
        let group = ["iam", "get-group", "--group-name", "DB-Ops"];
        let records = [
            "route53",
            "list-resource-record-sets",
            "--hosted-zone-id",
            &zone,
        ];
        let vpcs = ["ec2", "describe-vpcs", "--vpc-ids", &vpc];
        let cases: [(&[&str], &str, Value); 10] = [
            (&vpcs, "/Vpcs/0/CidrBlock", json!("10.10.0.0/16")),
            (
                &["eks", "describe-cluster", "--name", "ms-cluster-staging"],
                "/cluster/status",
                json!("CREATING"),
            ),
            (
                &["rds", "describe-db-instances"],
                "/DBInstances/0/AllocatedStorage",
                json!(20),
            ),
            (&records, "/ResourceRecordSets/2/TTL", json!(300)),
            (&group, "/Users/0/UserName", json!("ops-account")),
            (
                &["elasticache", "describe-replication-groups"],
                "/ReplicationGroups/0/AutomaticFailover",
                json!(AutomaticFailoverStatus::Disabled.as_str()),
            ),
            (
                &["secretsmanager", "list-secrets"],
                "/SecretList/0/Name",
                json!("staging/mysql-password"),
            ),
            (
                &["ecr", "describe-repositories"],
                "/repositories/0/repositoryName",
                json!("ms-flights"),
            ),
            // Two generations of one service, told apart by the version that they name.
            (
                &["elbv2", "describe-load-balancers"],
                "/LoadBalancers",
                json!([]),
            ),
            (
                &["elb", "describe-load-balancers"],
                "/LoadBalancerDescriptions",
                json!([]),
            ),
        ];
        for (arguments, pointer, expected) in cases {
            let answer = read(&endpoint, arguments).await?;
            assert_eq!(answer.pointer(pointer), Some(&expected), "{answer:#}");
        }
        let refused = aws(&endpoint, &["eks", "describe-cluster", "--name", "nope"]).await?;
        let errors = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(errors.contains("(ResourceNotFoundException)"), "{errors}");
        Outcome::Ok(())
    };
    // The reader ends first: the server runs until it is dropped.
    tokio::select! {
        () = server.run(std::future::pending()) => Ok(()),
        outcome = reading => outcome,
    }
}
