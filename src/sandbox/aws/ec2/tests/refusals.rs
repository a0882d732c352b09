//! One test for each row about EC2 in moto-differences.txt, and for each deletion precondition of FACTS §1.

use serde_json::json;

use super::{Cloud, Nat};

#[test]
fn create_subnet_overlapping_block() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    cloud.subnet(&vpc, "10.10.0.0/18");
    for block in ["10.10.0.0/18", "10.10.0.0/17", "10.10.16.0/20"] {
        let params = json!({"VpcId": vpc, "CidrBlock": block});
        cloud.refuses("CreateSubnet", params, "InvalidSubnet.Conflict");
    }
    cloud.subnet(&vpc, "10.10.64.0/18");
}

#[test]
fn create_subnet_block_outside_the_vpc() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    for block in ["10.11.0.0/18", "10.0.0.0/8", "10.10.0.0/29"] {
        let params = json!({"VpcId": vpc, "CidrBlock": block});
        cloud.refuses("CreateSubnet", params, "InvalidSubnet.Range");
    }
}

#[test]
fn create_nat_gateway_vpc_without_internet_gateway() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let address = cloud.address();
    let params = json!({"SubnetId": subnet, "AllocationId": address});
    let nat = cloud.text("CreateNatGateway", params, "natGateway.natGatewayId");
    assert_eq!(cloud.nat_state(&nat), "pending");
    cloud.pass_secs(30);
    assert_eq!(cloud.nat_state(&nat), "failed");
    let code = cloud.text(
        "DescribeNatGateways",
        json!({}),
        "natGatewaySet.failureCode",
    );
    assert_eq!(code, "Gateway.NotAttached");
    // It gave back what it had taken.
    cloud.does("ReleaseAddress", json!({"AllocationId": address}));
    cloud.does("DeleteSubnet", json!({"SubnetId": subnet}));
}

#[test]
fn create_nat_gateway_again_same_client_token() {
    let Nat {
        mut cloud,
        subnet,
        address,
        nat,
        ..
    } = Nat::new();
    let again = json!({"SubnetId": subnet, "AllocationId": address, "ClientToken": "one"});
    assert_eq!(
        cloud.text("CreateNatGateway", again, "natGateway.natGatewayId"),
        nat
    );
    let other = json!({"SubnetId": subnet, "AllocationId": "eipalloc-1", "ClientToken": "one"});
    cloud.refuses("CreateNatGateway", other, "IdempotentParameterMismatch");
}

#[test]
fn create_nat_gateway_address_in_use() {
    let Nat {
        mut cloud,
        subnet,
        address,
        ..
    } = Nat::new();
    let params = json!({"SubnetId": subnet, "AllocationId": address, "ClientToken": "two"});
    cloud.refuses("CreateNatGateway", params, "Resource.AlreadyAssociated");
    assert_eq!(
        cloud
            .texts(
                "DescribeNatGateways",
                json!({}),
                "natGatewaySet.natGatewayId"
            )
            .len(),
        1
    );
}

#[test]
fn create_nat_gateway_unknown_subnet_or_address() {
    let Nat {
        mut cloud,
        subnet,
        address,
        ..
    } = Nat::new();
    let params = json!({"SubnetId": "subnet-1", "AllocationId": address});
    cloud.refuses("CreateNatGateway", params, "InvalidSubnetID.NotFound");
    let params = json!({"SubnetId": subnet, "AllocationId": "eipalloc-1"});
    cloud.refuses("CreateNatGateway", params, "InvalidAllocationID.NotFound");
    let params = json!({"SubnetId": subnet});
    cloud.refuses("CreateNatGateway", params, "MissingParameter");
}

#[test]
fn release_address_used_by_a_nat_gateway() {
    let Nat {
        mut cloud,
        address,
        nat,
        ..
    } = Nat::new();
    let release = json!({"AllocationId": address});
    cloud.refuses("ReleaseAddress", release.clone(), "InvalidIPAddress.InUse");
    cloud.does("DeleteNatGateway", json!({"NatGatewayId": nat}));
    cloud.refuses("ReleaseAddress", release.clone(), "InvalidIPAddress.InUse");
    cloud.pass_secs(60);
    cloud.does("ReleaseAddress", release.clone());
    cloud.refuses("ReleaseAddress", release, "InvalidAllocationID.NotFound");
}

#[test]
fn delete_subnet_holding_a_nat_gateway() {
    let Nat {
        mut cloud,
        subnet,
        nat,
        ..
    } = Nat::new();
    let delete = json!({"SubnetId": subnet});
    cloud.refuses("DeleteSubnet", delete.clone(), "DependencyViolation");
    cloud.does("DeleteNatGateway", json!({"NatGatewayId": nat}));
    cloud.refuses("DeleteSubnet", delete.clone(), "DependencyViolation");
    cloud.pass_secs(60);
    cloud.does("DeleteSubnet", delete);
}

#[test]
fn delete_vpc_with_subnets_or_anything_else_inside() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let delete = json!({"VpcId": vpc});

    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    cloud.refuses("DeleteVpc", delete.clone(), "DependencyViolation");
    cloud.does("DeleteSubnet", json!({"SubnetId": subnet}));

    let gateway = cloud.internet_gateway(&vpc);
    cloud.refuses("DeleteVpc", delete.clone(), "DependencyViolation");
    cloud.does(
        "DetachInternetGateway",
        json!({"InternetGatewayId": gateway, "VpcId": vpc}),
    );

    let group = cloud.group(&vpc, "web");
    cloud.refuses("DeleteVpc", delete.clone(), "DependencyViolation");
    cloud.does("DeleteSecurityGroup", json!({"GroupId": group}));

    let table = cloud.route_table(&vpc);
    cloud.refuses("DeleteVpc", delete.clone(), "DependencyViolation");
    cloud.does("DeleteRouteTable", json!({"RouteTableId": table}));

    cloud.does("DeleteVpc", delete.clone());
    cloud.refuses("DeleteVpc", delete, "InvalidVpcID.NotFound");
    let ec2 = &cloud.world.region(super::REGION).ec2;
    assert!(ec2.route_tables.is_empty() && ec2.security_groups.is_empty());
}

#[test]
fn sixth_address_in_the_account() {
    let mut cloud = Cloud::new();
    let first = cloud.address();
    for _ in 0..4 {
        cloud.address();
    }
    cloud.refuses("AllocateAddress", json!({}), "AddressLimitExceeded");
    cloud.does("ReleaseAddress", json!({"AllocationId": first}));
    cloud.address();
}

#[test]
fn attach_internet_gateway_vpc_has_one() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let first = cloud.internet_gateway(&vpc);
    let path = "internetGateway.internetGatewayId";
    let second = cloud.text("CreateInternetGateway", json!({}), path);
    for id in [second, first] {
        let params = json!({"InternetGatewayId": id, "VpcId": vpc});
        cloud.refuses(
            "AttachInternetGateway",
            params,
            "Resource.AlreadyAssociated",
        );
    }
}

#[test]
fn create_route_to_an_unknown_target() {
    let Nat {
        mut cloud,
        vpc,
        nat,
        ..
    } = Nat::new();
    let table = cloud.route_table(&vpc);
    for (target, id, code) in [
        ("NatGatewayId", "nat-1", "NatGatewayNotFound"),
        ("GatewayId", "igw-1", "InvalidGatewayID.NotFound"),
        (
            "NetworkInterfaceId",
            "eni-1",
            "InvalidNetworkInterfaceID.NotFound",
        ),
    ] {
        let params =
            json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", target: id});
        cloud.refuses("CreateRoute", params, code);
    }
    cloud.does("DeleteNatGateway", json!({"NatGatewayId": nat}));
    cloud.pass_secs(60);
    let params =
        json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat});
    cloud.refuses("CreateRoute", params, "NatGatewayNotFound");
}

#[test]
fn create_route_that_exists_or_that_the_network_has_already() {
    let Nat {
        mut cloud,
        vpc,
        nat,
        ..
    } = Nat::new();
    let table = cloud.route_table(&vpc);
    let route = |block: &str| json!({"RouteTableId": table, "DestinationCidrBlock": block, "NatGatewayId": nat});
    cloud.does("CreateRoute", route("0.0.0.0/0"));
    cloud.refuses("CreateRoute", route("0.0.0.0/0"), "RouteAlreadyExists");
    cloud.refuses("CreateRoute", route("10.10.0.0/16"), "RouteAlreadyExists");
    cloud.refuses(
        "CreateRoute",
        route("10.10.1.0/24"),
        "InvalidParameterValue",
    );
    cloud.refuses("CreateRoute", route("nonsense"), "InvalidParameterValue");
    cloud.refuses(
        "ReplaceRoute",
        route("10.99.0.0/16"),
        "InvalidParameterValue",
    );
    cloud.refuses(
        "DeleteRoute",
        route("10.99.0.0/16"),
        "InvalidRoute.NotFound",
    );
    cloud.refuses(
        "DeleteRoute",
        route("10.10.0.0/16"),
        "InvalidParameterValue",
    );
    cloud.does("DeleteRoute", route("0.0.0.0/0"));
}

#[test]
fn associate_route_table_subnet_has_another() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let (one, two) = (cloud.route_table(&vpc), cloud.route_table(&vpc));
    let with = |table: &str| json!({"RouteTableId": table, "SubnetId": subnet});
    let association = cloud.text("AssociateRouteTable", with(&one), "associationId");
    cloud.refuses(
        "AssociateRouteTable",
        with(&two),
        "Resource.AlreadyAssociated",
    );
    assert_eq!(
        cloud.text("AssociateRouteTable", with(&one), "associationId"),
        association
    );
}

#[test]
fn delete_route_table_with_associations() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let table = cloud.route_table(&vpc);
    let delete = json!({"RouteTableId": table});
    let associate = json!({"RouteTableId": table, "SubnetId": subnet});
    let association = cloud.text("AssociateRouteTable", associate, "associationId");
    cloud.refuses("DeleteRouteTable", delete.clone(), "DependencyViolation");
    cloud.does(
        "DisassociateRouteTable",
        json!({"AssociationId": association}),
    );
    cloud.does("DeleteRouteTable", delete);
    let params = json!({"AssociationId": association});
    cloud.refuses(
        "DisassociateRouteTable",
        params,
        "InvalidAssociationID.NotFound",
    );
}

#[test]
fn the_main_route_table_stays() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let filter = json!({"Filter": [
        {"Name": "vpc-id", "Value": [vpc]},
        {"Name": "association.main", "Value": ["true"]},
    ]});
    let path = "routeTableSet.routeTableId";
    let main = cloud.text("DescribeRouteTables", filter.clone(), path);
    let path = "routeTableSet.associationSet.routeTableAssociationId";
    let association = cloud.text("DescribeRouteTables", filter, path);
    let params = json!({"RouteTableId": main});
    cloud.refuses("DeleteRouteTable", params, "DependencyViolation");
    let params = json!({"AssociationId": association});
    cloud.refuses("DisassociateRouteTable", params, "InvalidParameterValue");
}

#[test]
fn create_security_group_name_taken_in_the_vpc() {
    let mut cloud = Cloud::new();
    let (vpc, other) = (cloud.vpc(), cloud.vpc());
    cloud.group(&vpc, "web");
    cloud.group(&other, "web");
    let params = json!({"VpcId": vpc, "GroupName": "web", "GroupDescription": "again"});
    cloud.refuses("CreateSecurityGroup", params, "InvalidGroup.Duplicate");
}

#[test]
fn detach_internet_gateway_while_an_address_is_mapped() {
    let Nat {
        mut cloud,
        vpc,
        internet_gateway,
        nat,
        ..
    } = Nat::new();
    let detach = json!({"InternetGatewayId": internet_gateway, "VpcId": vpc});
    let delete = json!({"InternetGatewayId": internet_gateway});
    let refusal = cloud
        .ask("DetachInternetGateway", detach.clone())
        .expect_err("a refusal");
    assert_eq!(refusal.code, "DependencyViolation");
    assert!(
        refusal
            .message
            .contains("has some mapped public address(es)"),
        "{refusal}"
    );
    cloud.refuses(
        "DeleteInternetGateway",
        delete.clone(),
        "DependencyViolation",
    );
    cloud.does("DeleteNatGateway", json!({"NatGatewayId": nat}));
    cloud.pass_secs(60);
    cloud.does("DetachInternetGateway", detach.clone());
    cloud.refuses("DetachInternetGateway", detach, "Gateway.NotAttached");
    cloud.does("DeleteInternetGateway", delete);
}

#[test]
fn blocks_that_are_none_or_have_the_wrong_size() {
    let mut cloud = Cloud::new();
    for (block, code) in [
        ("10.10.0.0/15", "InvalidVpc.Range"),
        ("10.10.0.0/29", "InvalidVpc.Range"),
        ("10.10.0.0", "InvalidParameterValue"),
        ("10.10.0.300/16", "InvalidParameterValue"),
        ("", "MissingParameter"),
    ] {
        cloud.refuses("CreateVpc", json!({"CidrBlock": block}), code);
    }
    let block = cloud.text(
        "CreateVpc",
        json!({"CidrBlock": "10.10.3.7/16"}),
        "vpc.cidrBlock",
    );
    assert_eq!(block, "10.10.0.0/16");
}

#[test]
fn a_subnet_in_an_unknown_zone_or_network() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let params =
        json!({"VpcId": vpc, "CidrBlock": "10.10.0.0/18", "AvailabilityZone": "eu-central-1z"});
    cloud.refuses("CreateSubnet", params, "InvalidParameterValue");
    let params = json!({"VpcId": "vpc-1", "CidrBlock": "10.10.0.0/18"});
    cloud.refuses("CreateSubnet", params, "InvalidVpcID.NotFound");
}

#[test]
fn one_attribute_in_a_call() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let both = json!({"VpcId": vpc, "EnableDnsSupport": {"Value": "true"}, "EnableDnsHostnames": {"Value": "true"}});
    cloud.refuses("ModifyVpcAttribute", both, "InvalidParameterCombination");
    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let both = json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": "true"}, "EnableDns64": {"Value": "true"}});
    cloud.refuses("ModifySubnetAttribute", both, "InvalidParameterCombination");
    let none = json!({"SubnetId": subnet});
    cloud.refuses("ModifySubnetAttribute", none, "InvalidParameterCombination");
}

#[test]
fn an_attached_interface_is_not_deleted_by_hand() {
    let Nat {
        mut cloud, subnet, ..
    } = Nat::new();
    let path = "networkInterfaceSet.networkInterfaceId";
    let of_nat = cloud.text("DescribeNetworkInterfaces", json!({}), path);
    let params = json!({"NetworkInterfaceId": of_nat});
    cloud.refuses("DeleteNetworkInterface", params, "InvalidParameterValue");
    let path = "networkInterface.networkInterfaceId";
    let free = cloud.text("CreateNetworkInterface", json!({"SubnetId": subnet}), path);
    cloud.does(
        "DeleteNetworkInterface",
        json!({"NetworkInterfaceId": free}),
    );
}

#[test]
fn what_the_sandbox_does_not_know_is_refused() {
    let mut cloud = Cloud::new();
    cloud.refuses("RunInstances", json!({}), "InvalidAction");
    let dry = json!({"CidrBlock": "10.10.0.0/16", "DryRun": "true"});
    cloud.refuses("CreateVpc", dry, "DryRunOperation");
    assert_eq!(
        cloud.texts("DescribeVpcs", json!({}), "vpcSet.vpcId"),
        [""; 0]
    );
}
