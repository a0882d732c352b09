"""The requests that make and take down a network: EC2."""

TAGS = [{"Key": "Name", "Value": "judge"}, {"Key": "groundwork:owner", "Value": "platform"}]


def tagged(kind):
    return [{"ResourceType": kind, "Tags": TAGS}]


def by_id(identifier):
    return [{"Name": "resource-id", "Values": [identifier]}]


def place(cloud, sequence):
    """A network with a subnet in each of two zones, for another sequence to work in."""
    ec2 = cloud.steps(sequence, "ec2")
    network = ec2("a network", "CreateVpc", CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    parts = []
    for at, zone in enumerate(("us-east-1a", "us-east-1b")):
        asked = {"VpcId": network, "CidrBlock": f"10.20.{16 * at}.0/20", "AvailabilityZone": zone}
        parts.append(ec2(f"a subnet in {zone}", "CreateSubnet", **asked)["Subnet"]["SubnetId"])
    return network, parts


def networks(cloud):
    ec2 = cloud.steps("networks", "ec2")

    made = ec2("CreateVpc", "CreateVpc", CidrBlock="10.10.0.0/16", TagSpecifications=tagged("vpc"))
    network = made["Vpc"]["VpcId"]
    ec2("CreateVpc, block too large", "CreateVpc", CidrBlock="10.0.0.0/8")
    ec2("CreateVpc, no block", "CreateVpc", CidrBlock="10.0.0.0")
    ec2("DescribeVpcs", "DescribeVpcs", VpcIds=[network])
    ec2("DescribeVpcs by tag", "DescribeVpcs", Filters=[{"Name": "tag:Name", "Values": ["judge"]}])
    ec2("DescribeVpcs, unknown id", "DescribeVpcs", VpcIds=["vpc-0123456789abcdef0"])
    ec2("DescribeVpcs, malformed id", "DescribeVpcs", VpcIds=["judge"])
    ec2("ModifyVpcAttribute", "ModifyVpcAttribute", VpcId=network, EnableDnsHostnames={"Value": True})
    ec2("DescribeVpcAttribute", "DescribeVpcAttribute", VpcId=network, Attribute="enableDnsHostnames")
    ec2("CreateTags", "CreateTags", Resources=[network], Tags=[{"Key": "team", "Value": "a <b> & c"}])
    ec2("CreateTags, unknown id", "CreateTags", Resources=["vpc-0123456789abcdef0"], Tags=TAGS)
    ec2("DescribeTags", "DescribeTags", Filters=by_id(network))
    ec2("DeleteTags", "DeleteTags", Resources=[network], Tags=[{"Key": "team"}])
    ec2("DescribeTags after DeleteTags", "DescribeTags", Filters=by_id(network))
    ec2("CreateTags, a key of AWS's own", "CreateTags", Resources=[network], Tags=[{"Key": "aws:x", "Value": "y"}])

    made = ec2("CreateSubnet", "CreateSubnet", VpcId=network, CidrBlock="10.10.0.0/18", AvailabilityZone="us-east-1a")
    part = made["Subnet"]["SubnetId"]
    ec2("CreateSubnet, overlapping block", "CreateSubnet", VpcId=network, CidrBlock="10.10.32.0/20")
    ec2("CreateSubnet, block outside the VPC", "CreateSubnet", VpcId=network, CidrBlock="10.11.0.0/18")
    ec2("CreateSubnet, unknown zone", "CreateSubnet", VpcId=network, CidrBlock="10.10.64.0/18", AvailabilityZone="us-east-1z")
    ec2("CreateSubnet, unknown VPC", "CreateSubnet", VpcId="vpc-0123456789abcdef0", CidrBlock="10.10.64.0/18")
    ec2("DescribeSubnets", "DescribeSubnets", SubnetIds=[part])
    ec2("DescribeSubnets, unknown id", "DescribeSubnets", SubnetIds=["subnet-0123456789abcdef0"])
    ec2("ModifySubnetAttribute", "ModifySubnetAttribute", SubnetId=part, MapPublicIpOnLaunch={"Value": True})
    ec2("DescribeSubnets after ModifySubnetAttribute", "DescribeSubnets", SubnetIds=[part])
    ec2("DeleteVpc with a subnet", "DeleteVpc", VpcId=network)
    ec2("DeleteSubnet", "DeleteSubnet", SubnetId=part)
    ec2("DeleteSubnet again", "DeleteSubnet", SubnetId=part)
    ec2("DeleteVpc", "DeleteVpc", VpcId=network)
    ec2("DeleteVpc again", "DeleteVpc", VpcId=network)
    ec2("DescribeAvailabilityZones", "DescribeAvailabilityZones", ZoneNames=["us-east-1a", "us-east-1b"])
    ec2("DescribeAvailabilityZones, unknown", "DescribeAvailabilityZones", ZoneNames=["us-east-1z"])


def gateways(cloud):
    ec2 = cloud.steps("gateways", "ec2")

    network, [part, _] = place(cloud, "gateways")
    address = ec2("AllocateAddress", "AllocateAddress", Domain="vpc")["AllocationId"]
    ec2("DescribeAddresses", "DescribeAddresses", AllocationIds=[address])
    ec2("DescribeAddresses, unknown id", "DescribeAddresses", AllocationIds=["eipalloc-0123456789abcdef0"])
    ec2("CreateNatGateway, unknown subnet", "CreateNatGateway", SubnetId="subnet-0123456789abcdef0", AllocationId=address)
    inner = ec2("CreateInternetGateway", "CreateInternetGateway", TagSpecifications=tagged("internet-gateway"))
    inner = inner["InternetGateway"]["InternetGatewayId"]
    ec2("AttachInternetGateway", "AttachInternetGateway", InternetGatewayId=inner, VpcId=network)
    ec2("AttachInternetGateway again", "AttachInternetGateway", InternetGatewayId=inner, VpcId=network)
    ec2("AttachInternetGateway, unknown VPC", "AttachInternetGateway", InternetGatewayId=inner, VpcId="vpc-0123456789abcdef0")
    ec2("DescribeInternetGateways", "DescribeInternetGateways", InternetGatewayIds=[inner])
    ec2("DeleteInternetGateway, attached", "DeleteInternetGateway", InternetGatewayId=inner)
    ec2("DeleteVpc with a gateway", "DeleteVpc", VpcId=network)

    asked = {"SubnetId": part, "AllocationId": address, "ClientToken": "token-1"}
    made = ec2("CreateNatGateway", "CreateNatGateway", **asked, TagSpecifications=tagged("natgateway"))
    outer = made["NatGateway"]["NatGatewayId"]
    ec2("CreateNatGateway, address in use", "CreateNatGateway", **{**asked, "ClientToken": "token-2"})
    ec2.until(
        lambda answer: answer["NatGateways"][0]["State"] == "available",
        "DescribeNatGateways", "DescribeNatGateways", NatGatewayIds=[outer],
    )  # fmt: skip
    ec2("DescribeNatGateways, unknown id", "DescribeNatGateways", NatGatewayIds=["nat-0123456789abcdef0"])
    ec2("ReleaseAddress used by a NAT gateway", "ReleaseAddress", AllocationId=address)
    ec2("DeleteNatGateway", "DeleteNatGateway", NatGatewayId=outer)
    ec2("DeleteNatGateway, unknown id", "DeleteNatGateway", NatGatewayId="nat-0123456789abcdef0")
    ec2.until(
        lambda answer: not answer["NatGateways"] or answer["NatGateways"][0]["State"] == "deleted",
        "DescribeNatGateways after DeleteNatGateway", "DescribeNatGateways", NatGatewayIds=[outer],
    )  # fmt: skip
    ec2("DetachInternetGateway", "DetachInternetGateway", InternetGatewayId=inner, VpcId=network)
    ec2("DetachInternetGateway again", "DetachInternetGateway", InternetGatewayId=inner, VpcId=network)
    ec2("DeleteInternetGateway", "DeleteInternetGateway", InternetGatewayId=inner)
    ec2("DeleteInternetGateway again", "DeleteInternetGateway", InternetGatewayId=inner)


def routes(cloud):
    ec2 = cloud.steps("routes", "ec2")

    network, [part, _] = place(cloud, "routes")
    gateway = ec2("CreateInternetGateway", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    ec2("AttachInternetGateway", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=network)
    made = ec2("CreateRouteTable", "CreateRouteTable", VpcId=network, TagSpecifications=tagged("route-table"))
    table = made["RouteTable"]["RouteTableId"]
    other = ec2("CreateRouteTable, a second", "CreateRouteTable", VpcId=network)["RouteTable"]["RouteTableId"]
    ec2("CreateRouteTable, unknown VPC", "CreateRouteTable", VpcId="vpc-0123456789abcdef0")
    everywhere = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"}
    ec2("CreateRoute", "CreateRoute", **everywhere, GatewayId=gateway)
    ec2("CreateRoute again", "CreateRoute", **everywhere, GatewayId=gateway)
    ec2("CreateRoute to an unknown gateway", "CreateRoute", **{**everywhere, "DestinationCidrBlock": "10.99.0.0/16"}, GatewayId="igw-0123456789abcdef0")
    ec2("ReplaceRoute", "ReplaceRoute", **everywhere, GatewayId=gateway)
    ec2("ReplaceRoute, no such route", "ReplaceRoute", RouteTableId=table, DestinationCidrBlock="10.98.0.0/16", GatewayId=gateway)
    made = ec2("AssociateRouteTable", "AssociateRouteTable", RouteTableId=table, SubnetId=part)
    ec2("AssociateRouteTable, subnet has another", "AssociateRouteTable", RouteTableId=other, SubnetId=part)
    ec2("DescribeRouteTables", "DescribeRouteTables", RouteTableIds=[table])
    ec2("DescribeRouteTables by subnet", "DescribeRouteTables", Filters=[{"Name": "association.subnet-id", "Values": [part]}])
    ec2("DescribeRouteTables, unknown id", "DescribeRouteTables", RouteTableIds=["rtb-0123456789abcdef0"])
    ec2("DeleteRouteTable, associated", "DeleteRouteTable", RouteTableId=table)
    moved = ec2("ReplaceRouteTableAssociation", "ReplaceRouteTableAssociation", AssociationId=made["AssociationId"], RouteTableId=other)
    ec2("DisassociateRouteTable", "DisassociateRouteTable", AssociationId=moved["NewAssociationId"])
    ec2("DisassociateRouteTable again", "DisassociateRouteTable", AssociationId=moved["NewAssociationId"])
    ec2("DeleteRoute", "DeleteRoute", **everywhere)
    ec2("DeleteRoute again", "DeleteRoute", **everywhere)
    ec2("DeleteRouteTable", "DeleteRouteTable", RouteTableId=table)
    ec2("DeleteRouteTable again", "DeleteRouteTable", RouteTableId=table)
    main = {"Filters": [{"Name": "vpc-id", "Values": [network]}, {"Name": "association.main", "Values": ["true"]}]}
    main = ec2("DescribeRouteTables, the main one", "DescribeRouteTables", **main)["RouteTables"][0]["RouteTableId"]
    ec2("DeleteRouteTable, the main one", "DeleteRouteTable", RouteTableId=main)


def security_groups(cloud):
    ec2 = cloud.steps("security groups", "ec2")

    network, _ = place(cloud, "security groups")
    asked = {"GroupName": "judge", "Description": "database of judge", "VpcId": network}
    group = ec2("CreateSecurityGroup", "CreateSecurityGroup", **asked, TagSpecifications=tagged("security-group"))["GroupId"]
    ec2("CreateSecurityGroup, name taken in the VPC", "CreateSecurityGroup", **asked)
    ec2("CreateSecurityGroup, unknown VPC", "CreateSecurityGroup", **{**asked, "VpcId": "vpc-0123456789abcdef0"})
    ec2("CreateSecurityGroup, named sg-", "CreateSecurityGroup", **{**asked, "GroupName": "sg-judge"})
    other = ec2("CreateSecurityGroup, a second", "CreateSecurityGroup", **{**asked, "GroupName": "other"})["GroupId"]
    ec2("DescribeSecurityGroups", "DescribeSecurityGroups", GroupIds=[group])
    ec2("DescribeSecurityGroups, unknown id", "DescribeSecurityGroups", GroupIds=["sg-0123456789abcdef0"])
    allow = {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306}
    allow = {**allow, "UserIdGroupPairs": [{"GroupId": other, "Description": "cluster"}]}
    made = ec2("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[allow])
    ec2("AuthorizeSecurityGroupIngress again", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[allow])
    unknown = {**allow, "UserIdGroupPairs": [{"GroupId": "sg-0123456789abcdef0"}]}
    ec2("AuthorizeSecurityGroupIngress, unknown group", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[unknown])
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    ec2("DescribeSecurityGroupRules", "DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [group]}])
    changed = {"IpProtocol": "tcp", "FromPort": 3307, "ToPort": 3307, "ReferencedGroupId": other, "Description": "moved"}
    changed = [{"SecurityGroupRuleId": rule, "SecurityGroupRule": changed}]
    ec2("ModifySecurityGroupRules", "ModifySecurityGroupRules", GroupId=group, SecurityGroupRules=changed)
    ec2("DescribeSecurityGroupRules by id", "DescribeSecurityGroupRules", SecurityGroupRuleIds=[rule])
    ec2("DeleteSecurityGroup, named by another", "DeleteSecurityGroup", GroupId=other)
    ec2("RevokeSecurityGroupIngress", "RevokeSecurityGroupIngress", GroupId=group, SecurityGroupRuleIds=[rule])
    web = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "web"}]}
    ec2("AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupEgress", GroupId=group, IpPermissions=[web])
    ec2("RevokeSecurityGroupEgress", "RevokeSecurityGroupEgress", GroupId=group, IpPermissions=[web])
    ec2("RevokeSecurityGroupEgress again", "RevokeSecurityGroupEgress", GroupId=group, IpPermissions=[web])
    backwards = {"IpProtocol": "tcp", "FromPort": 20, "ToPort": 10, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2("AuthorizeSecurityGroupIngress, ports backwards", "AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[backwards])
    ec2("DeleteVpc with a security group", "DeleteVpc", VpcId=network)
    ec2("DeleteSecurityGroup", "DeleteSecurityGroup", GroupId=group)
    ec2("DeleteSecurityGroup again", "DeleteSecurityGroup", GroupId=group)
    default = {"Filters": [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": ["default"]}]}
    default = ec2("DescribeSecurityGroups, the default one", "DescribeSecurityGroups", **default)["SecurityGroups"][0]["GroupId"]
    ec2("DeleteSecurityGroup, the default one", "DeleteSecurityGroup", GroupId=default)


def interfaces_and_volumes(cloud):
    ec2 = cloud.steps("interfaces and volumes", "ec2")

    network, [part, _] = place(cloud, "interfaces and volumes")
    made = ec2("CreateNetworkInterface", "CreateNetworkInterface", SubnetId=part, Description="judge")
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    ec2("DescribeNetworkInterfaces", "DescribeNetworkInterfaces", NetworkInterfaceIds=[interface])
    ec2("DeleteSubnet with an interface", "DeleteSubnet", SubnetId=part)
    ec2("DeleteNetworkInterface", "DeleteNetworkInterface", NetworkInterfaceId=interface)
    ec2("DeleteNetworkInterface again", "DeleteNetworkInterface", NetworkInterfaceId=interface)
    made = ec2("CreateVolume", "CreateVolume", AvailabilityZone="us-east-1a", Size=10, VolumeType="gp3", TagSpecifications=tagged("volume"))
    volume = made["VolumeId"]
    ec2.until(
        lambda answer: answer["Volumes"][0]["State"] == "available",
        "DescribeVolumes", "DescribeVolumes", VolumeIds=[volume],
    )  # fmt: skip
    ec2("DeleteVolume", "DeleteVolume", VolumeId=volume)
    ec2.until(
        lambda answer: answer is None,
        "DescribeVolumes after DeleteVolume", "DescribeVolumes", VolumeIds=[volume],
    )  # fmt: skip


SEQUENCES = [networks, gateways, routes, security_groups, interfaces_and_volumes]
