//! What changes by itself as time passes, and what other services make through the functions of this folder.

use serde_json::json;

use super::{Cloud, Nat, REGION};
use crate::sandbox::aws::ec2::{Tags, instances, interfaces, tagged_arns};
use crate::sandbox::durations;

#[test]
fn a_vpc_and_a_subnet_become_available() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    cloud.subnet(&vpc, "10.10.0.0/18");
    assert_eq!(
        cloud.text("DescribeVpcs", json!({}), "vpcSet.state"),
        "pending"
    );
    assert_eq!(
        cloud.text("DescribeSubnets", json!({}), "subnetSet.state"),
        "pending"
    );
    cloud.pass_secs(durations::NETWORK_PENDING);
    assert_eq!(
        cloud.text("DescribeVpcs", json!({}), "vpcSet.state"),
        "available"
    );
    assert_eq!(
        cloud.text("DescribeSubnets", json!({}), "subnetSet.state"),
        "available"
    );
}

#[test]
fn attributes_are_kept() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let ask = json!({"VpcId": vpc, "Attribute": "enableDnsHostnames"});
    let path = "enableDnsHostnames.value";
    assert_eq!(
        cloud.text("DescribeVpcAttribute", ask.clone(), path),
        "false"
    );
    let on = json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": "true"}});
    cloud.does("ModifyVpcAttribute", on);
    assert_eq!(cloud.text("DescribeVpcAttribute", ask, path), "true");
    let support = json!({"VpcId": vpc, "Attribute": "enableDnsSupport"});
    assert_eq!(
        cloud.text("DescribeVpcAttribute", support, "enableDnsSupport.value"),
        "true"
    );

    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let on = json!({"SubnetId": subnet, "MapPublicIpOnLaunch": {"Value": "true"}});
    cloud.does("ModifySubnetAttribute", on);
    let mapped = cloud.text(
        "DescribeSubnets",
        json!({}),
        "subnetSet.mapPublicIpOnLaunch",
    );
    assert_eq!(mapped, "true");
}

#[test]
fn a_nat_gateway_comes_goes_and_is_listed_for_an_hour() {
    let Nat {
        mut cloud,
        address,
        nat,
        ..
    } = Nat::new();
    let path = "networkInterfaceSet.description";
    let described = cloud.texts("DescribeNetworkInterfaces", json!({}), path);
    assert_eq!(described, [format!("Interface for NAT Gateway {nat}")]);
    let worn = cloud.text("DescribeAddresses", json!({}), "addressesSet.associationId");
    assert!(worn.starts_with("eipassoc-"), "{worn}");

    assert_eq!(cloud.nat_state(&nat), "pending");
    cloud.pass_secs(durations::NAT_GATEWAY_CREATE - 1);
    assert_eq!(cloud.nat_state(&nat), "pending");
    cloud.pass_secs(1);
    assert_eq!(cloud.nat_state(&nat), "available");
    let params = json!({"NatGatewayId": [nat]});
    let path = "natGatewaySet.natGatewayAddressSet.allocationId";
    assert_eq!(cloud.text("DescribeNatGateways", params, path), address);

    let delete = json!({"NatGatewayId": nat});
    cloud.does("DeleteNatGateway", delete.clone());
    cloud.does("DeleteNatGateway", delete.clone());
    assert_eq!(cloud.nat_state(&nat), "deleting");
    cloud.pass_secs(durations::NAT_GATEWAY_DELETE);
    assert_eq!(cloud.nat_state(&nat), "deleted");
    cloud.refuses("DeleteNatGateway", delete, "NatGatewayNotFound");
    assert_eq!(
        cloud.text("DescribeAddresses", json!({}), "addressesSet.associationId"),
        ""
    );
    cloud.pass_secs(3600);
    let params = json!({"NatGatewayId": [nat]});
    cloud.refuses("DescribeNatGateways", params, "NatGatewayNotFound");
    assert!(cloud.world.region(REGION).ec2.tokens.is_empty());
}

#[test]
fn a_nat_gateway_that_is_deleted_while_pending_never_becomes_available() {
    let Nat { mut cloud, nat, .. } = Nat::new();
    cloud.does("DeleteNatGateway", json!({"NatGatewayId": nat}));
    for _ in 0..200 {
        cloud.pass_secs(1);
        assert_ne!(cloud.nat_state(&nat), "available");
    }
    assert_eq!(cloud.nat_state(&nat), "deleted");
}

#[test]
fn a_route_becomes_a_black_hole_when_its_target_goes() {
    let Nat {
        mut cloud,
        vpc,
        internet_gateway,
        nat,
        ..
    } = Nat::new();
    let table = cloud.route_table(&vpc);
    let route = |block: &str, target: &str, id: &str| json!({"RouteTableId": table, "DestinationCidrBlock": block, target: id});
    cloud.does("CreateRoute", route("0.0.0.0/0", "NatGatewayId", &nat));
    cloud.does(
        "CreateRoute",
        route("192.0.2.0/24", "GatewayId", &internet_gateway),
    );
    let ask = json!({"RouteTableId": [table]});
    let path = "routeTableSet.routeSet.state";
    let states = cloud.texts("DescribeRouteTables", ask.clone(), path);
    assert_eq!(states, ["active", "active", "active"]);
    cloud.does("DeleteNatGateway", json!({"NatGatewayId": nat}));
    cloud.pass_secs(60);
    let states = cloud.texts("DescribeRouteTables", ask.clone(), path);
    assert_eq!(states, ["active", "blackhole", "active"]);
    cloud.does(
        "ReplaceRoute",
        route("0.0.0.0/0", "GatewayId", &internet_gateway),
    );
    let states = cloud.texts("DescribeRouteTables", ask.clone(), path);
    assert_eq!(states, ["active", "active", "active"]);
    cloud.does(
        "DetachInternetGateway",
        json!({"InternetGatewayId": internet_gateway, "VpcId": vpc}),
    );
    let states = cloud.texts("DescribeRouteTables", ask, path);
    assert_eq!(states, ["active", "blackhole", "blackhole"]);
}

#[test]
fn an_association_moves_to_another_table_and_goes_with_its_subnet() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let (one, two) = (cloud.route_table(&vpc), cloud.route_table(&vpc));
    let params = json!({"RouteTableId": one, "SubnetId": subnet});
    let first = cloud.text("AssociateRouteTable", params, "associationId");
    let params = json!({"AssociationId": first, "RouteTableId": two});
    let second = cloud.text("ReplaceRouteTableAssociation", params, "newAssociationId");
    assert_ne!(first, second);
    cloud.does("DeleteRouteTable", json!({"RouteTableId": one}));
    cloud.does("DeleteSubnet", json!({"SubnetId": subnet}));
    cloud.does("DeleteRouteTable", json!({"RouteTableId": two}));
}

#[test]
fn a_client_token_makes_one_route_table() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let params = json!({"VpcId": vpc, "ClientToken": "t"});
    let path = "routeTable.routeTableId";
    let one = cloud.text("CreateRouteTable", params.clone(), path);
    assert_eq!(cloud.text("CreateRouteTable", params.clone(), path), one);
    cloud.does("DeleteRouteTable", json!({"RouteTableId": one}));
    assert_ne!(cloud.text("CreateRouteTable", params, path), one);
}

#[test]
fn an_instance_starts_is_terminated_and_frees_its_address() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/28");
    let new = instances::New {
        subnet_id: subnet,
        instance_type: "t3.medium".to_owned(),
        image_id: "ami-1".to_owned(),
        tags: Tags::from([("eks:nodegroup-name".to_owned(), "default".to_owned())]),
        ..instances::New::default()
    };
    let id = instances::launch(&mut cloud.world, REGION, new).expect("an instance");
    let ask = json!({"Filter": [{"Name": "tag:eks:nodegroup-name", "Value": ["default"]}]});
    let path = "reservationSet.instancesSet.instanceState.name";
    assert_eq!(
        cloud.text("DescribeInstances", ask.clone(), path),
        "pending"
    );
    cloud.pass_secs(60);
    assert_eq!(
        cloud.text("DescribeInstances", ask.clone(), path),
        "running"
    );
    let free = "subnetSet.availableIpAddressCount";
    assert_eq!(cloud.text("DescribeSubnets", json!({}), free), "10");
    instances::terminate(&mut cloud.world, REGION, &id).expect("it exists");
    assert_eq!(
        cloud.text("DescribeInstances", ask.clone(), path),
        "shutting-down"
    );
    cloud.pass_secs(60);
    assert_eq!(cloud.text("DescribeInstances", ask, path), "terminated");
    assert_eq!(cloud.text("DescribeSubnets", json!({}), free), "11");
    cloud.pass_secs(3600);
    let params = json!({"InstanceId": [id]});
    cloud.refuses("DescribeInstances", params, "InvalidInstanceID.NotFound");
    assert!(tagged_arns(&cloud.world, REGION).is_empty());
}

#[test]
fn a_full_subnet_takes_no_interface_and_a_taken_address_is_refused() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/28");
    let new = interfaces::New {
        subnet_id: subnet.clone(),
        ..interfaces::New::default()
    };
    for _ in 0..11 {
        interfaces::create(&mut cloud.world, REGION, new.clone()).expect("an address is free");
    }
    let full = interfaces::create(&mut cloud.world, REGION, new).expect_err("it is full");
    assert_eq!(full.code, "InsufficientFreeAddressesInSubnet");
    for (ip, code) in [
        ("10.10.0.4", "InvalidIPAddress.InUse"),
        ("10.10.0.3", "InvalidParameterValue"),
        ("10.10.0.15", "InvalidParameterValue"),
        ("10.10.1.4", "InvalidParameterValue"),
    ] {
        let params = json!({"SubnetId": subnet, "PrivateIpAddress": ip});
        cloud.refuses("CreateNetworkInterface", params, code);
    }
}

#[test]
fn a_volume_is_made_found_and_deleted() {
    let mut cloud = Cloud::new();
    let params = json!({
        "AvailabilityZone": "eu-central-1b", "Size": "8", "VolumeType": "gp3",
        "TagSpecification": [{"ResourceType": "volume", "Tag": [{"Key": "ebs.csi.aws.com/cluster", "Value": "true"}]}],
    });
    let id = cloud.text("CreateVolume", params, "volumeId");
    let filter = json!({"Filter": [{"Name": "tag:ebs.csi.aws.com/cluster", "Value": ["true"]}]});
    assert_eq!(
        cloud.texts("DescribeVolumes", filter, "volumeSet.volumeId"),
        [id.as_str()]
    );
    let arns = tagged_arns(&cloud.world, REGION);
    assert_eq!(
        arns[0].0,
        format!("arn:aws:ec2:{REGION}:123456789012:volume/{id}")
    );
    cloud.does("DeleteVolume", json!({"VolumeId": id}));
    cloud.refuses(
        "DeleteVolume",
        json!({"VolumeId": id}),
        "InvalidVolume.NotFound",
    );
    let params = json!({"AvailabilityZone": "eu-central-1z", "Size": "8"});
    cloud.refuses("CreateVolume", params, "InvalidZone.NotFound");
}
