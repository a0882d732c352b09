//! The official SDK reads what EC2 and Elastic Load Balancing answer, over their own protocols.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, Filter, IpPermission, IpRange, NatGatewayState, ResourceType, Tag,
    TagSpecification, VpcState,
};

use super::REGION;
use crate::sandbox::Sandbox;
use crate::sandbox::time::ClockSource;

fn config(sandbox: &Sandbox) -> aws_config::SdkConfig {
    let credentials = Credentials::new("AKIDSANDBOX", "secret", None, None, "tests");
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(sandbox.aws_http_client())
        .build()
}

fn named(resource_type: ResourceType, name: &str) -> TagSpecification {
    let tag = Tag::builder().key("Name").value(name).build();
    TagSpecification::builder()
        .resource_type(resource_type)
        .tags(tag)
        .build()
}

#[tokio::test(start_paused = true)]
async fn the_sdk_builds_a_network_and_reads_it_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::open(folder.path(), ClockSource::Virtual);
    let ec2 = aws_sdk_ec2::Client::new(&config(&sandbox));

    let tags = named(ResourceType::Vpc, "staging");
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.10.0.0/16")
        .tag_specifications(tags);
    let vpc = vpc
        .send()
        .await
        .expect("a VPC")
        .vpc
        .expect("it is answered");
    assert_eq!(vpc.state(), Some(&VpcState::Pending));
    let vpc_id = vpc.vpc_id().expect("an id");
    let on = AttributeBooleanValue::builder().value(true).build();
    let modify = ec2
        .modify_vpc_attribute()
        .vpc_id(vpc_id)
        .enable_dns_hostnames(on);
    modify.send().await.expect("modified");

    let gateway = ec2
        .create_internet_gateway()
        .send()
        .await
        .expect("a gateway");
    let gateway_id = gateway
        .internet_gateway
        .and_then(|gateway| gateway.internet_gateway_id)
        .expect("an id");
    let attach = ec2
        .attach_internet_gateway()
        .vpc_id(vpc_id)
        .internet_gateway_id(&gateway_id);
    attach.send().await.expect("attached");

    let subnet = ec2
        .create_subnet()
        .vpc_id(vpc_id)
        .cidr_block("10.10.0.0/18");
    let subnet = subnet
        .availability_zone("eu-central-1b")
        .send()
        .await
        .expect("a subnet")
        .subnet
        .expect("it");
    assert_eq!(subnet.availability_zone_id(), Some("euc1-az3"));
    assert_eq!(subnet.available_ip_address_count(), Some(16_379));
    let subnet_id = subnet.subnet_id().expect("an id");

    let address = ec2.allocate_address().send().await.expect("an address");
    let nat = ec2
        .create_nat_gateway()
        .subnet_id(subnet_id)
        .set_allocation_id(address.allocation_id);
    let nat = nat
        .send()
        .await
        .expect("a NAT gateway")
        .nat_gateway
        .expect("it");
    let nat_id = nat.nat_gateway_id().expect("an id");
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    let of_vpc = Filter::builder().name("vpc-id").values(vpc_id).build();
    let nats = ec2
        .describe_nat_gateways()
        .filter(of_vpc.clone())
        .send()
        .await
        .expect("a list");
    assert_eq!(
        nats.nat_gateways()[0].state(),
        Some(&NatGatewayState::Available)
    );
    assert_eq!(
        nats.nat_gateways()[0].nat_gateway_addresses()[0].public_ip(),
        address.public_ip.as_deref()
    );
    assert!(nats.nat_gateways()[0].create_time().is_some());

    let table = ec2
        .create_route_table()
        .vpc_id(vpc_id)
        .send()
        .await
        .expect("a table")
        .route_table
        .expect("it");
    let table_id = table.route_table_id().expect("an id");
    let route = ec2
        .create_route()
        .route_table_id(table_id)
        .destination_cidr_block("0.0.0.0/0");
    route.nat_gateway_id(nat_id).send().await.expect("a route");
    let associate = ec2
        .associate_route_table()
        .route_table_id(table_id)
        .subnet_id(subnet_id);
    assert!(
        associate
            .send()
            .await
            .expect("associated")
            .association_id()
            .is_some()
    );
    let tables = ec2
        .describe_route_tables()
        .route_table_ids(table_id)
        .send()
        .await
        .expect("a list");
    assert_eq!(
        tables.route_tables()[0].routes()[1].nat_gateway_id(),
        Some(nat_id)
    );
    assert_eq!(
        tables.route_tables()[0].associations()[0].subnet_id(),
        Some(subnet_id)
    );

    let group = ec2
        .create_security_group()
        .vpc_id(vpc_id)
        .group_name("db")
        .description("of the database");
    let group_id = group
        .send()
        .await
        .expect("a group")
        .group_id
        .expect("an id");
    let range = IpRange::builder().cidr_ip("10.10.0.0/16").build();
    let permission = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(3306)
        .to_port(3306)
        .ip_ranges(range);
    let authorize = ec2
        .authorize_security_group_ingress()
        .group_id(&group_id)
        .ip_permissions(permission.build());
    let rules = authorize.send().await.expect("a rule");
    assert_eq!(rules.security_group_rules()[0].to_port(), Some(3306));
    let rule_id = rules.security_group_rules()[0]
        .security_group_rule_id()
        .expect("an id");
    let groups = ec2
        .describe_security_groups()
        .group_ids(&group_id)
        .send()
        .await
        .expect("a list");
    assert_eq!(
        groups.security_groups()[0].description(),
        Some("of the database")
    );
    assert_eq!(
        groups.security_groups()[0].ip_permissions()[0].ip_ranges()[0].cidr_ip(),
        Some("10.10.0.0/16")
    );
    let revoke = ec2
        .revoke_security_group_ingress()
        .group_id(&group_id)
        .security_group_rule_ids(rule_id);
    revoke.send().await.expect("revoked");

    let interfaces = ec2
        .describe_network_interfaces()
        .filters(of_vpc)
        .send()
        .await
        .expect("a list");
    assert_eq!(
        interfaces.network_interfaces()[0].requester_managed(),
        Some(true)
    );
    let vpcs = ec2
        .describe_vpcs()
        .vpc_ids(vpc_id)
        .send()
        .await
        .expect("a list");
    assert_eq!(vpcs.vpcs()[0].tags()[0].value(), Some("staging"));

    let error = ec2
        .delete_vpc()
        .vpc_id(vpc_id)
        .send()
        .await
        .expect_err("it is full");
    let code = aws_sdk_ec2::error::ProvideErrorMetadata::code(&error);
    assert_eq!(code, Some("DependencyViolation"));
}
