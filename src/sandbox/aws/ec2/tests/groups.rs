//! Security groups and their rules.

use serde_json::{Value, json};

use super::Cloud;

const WEB: &str = "0.0.0.0/0";

fn tcp(port: u16, block: &str) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": port.to_string(), "ToPort": port.to_string(), "IpRanges": [{"CidrIp": block}]})
}

fn of(group: &str, permission: Value) -> Value {
    json!({"GroupId": group, "IpPermissions": [permission]})
}

fn from_group(group: &str) -> Value {
    json!({"IpProtocol": "-1", "Groups": [{"GroupId": group}]})
}

#[test]
fn a_new_group_lets_everything_out_until_that_is_revoked() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let group = cloud.group(&vpc, "web");
    let ask = json!({"GroupId": [group]});
    let path = "securityGroupInfo.ipPermissionsEgress.ipRanges.cidrIp";
    assert_eq!(
        cloud.texts("DescribeSecurityGroups", ask.clone(), path),
        [WEB]
    );
    let all = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": WEB}]});
    cloud.does("RevokeSecurityGroupEgress", of(&group, all.clone()));
    assert_eq!(cloud.texts("DescribeSecurityGroups", ask, path), [""; 0]);
    cloud.refuses(
        "RevokeSecurityGroupEgress",
        of(&group, all),
        "InvalidPermission.NotFound",
    );
}

#[test]
fn rules_are_added_described_modified_and_revoked_by_id() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let group = cloud.group(&vpc, "web");
    let params = json!({
        "GroupId": group,
        "IpPermissions": [{"IpProtocol": "6", "FromPort": "443", "ToPort": "443",
            "IpRanges": [{"CidrIp": "10.1.2.3/8", "Description": "inside"}]}],
        "TagSpecification": [{"ResourceType": "security-group-rule", "Tag": [{"Key": "a", "Value": "b"}]}],
    });
    let reply = cloud
        .ask("AuthorizeSecurityGroupIngress", params)
        .expect("a rule");
    let at = |path: &str| super::texts_at(&reply, &format!("securityGroupRuleSet.{path}"));
    assert_eq!(at("cidrIpv4"), ["10.0.0.0/8"]);
    assert_eq!(at("ipProtocol"), ["tcp"]);
    assert_eq!(at("fromPort"), ["443"]);
    assert_eq!(at("isEgress"), ["false"]);
    assert_eq!(at("description"), ["inside"]);
    assert_eq!(at("tagSet.key"), ["a"]);
    let id = at("securityGroupRuleId").remove(0);

    let rule = json!({"IpProtocol": "tcp", "FromPort": "8443", "ToPort": "8443", "CidrIpv4": "10.0.0.0/8"});
    let update = json!({"SecurityGroupRuleId": id, "SecurityGroupRule": rule});
    let params = json!({"GroupId": group, "SecurityGroupRule": [update]});
    cloud.does("ModifySecurityGroupRules", params);
    let filter = json!({"Filter": [{"Name": "group-id", "Value": [group]}, {"Name": "tag:a", "Value": ["b"]}]});
    let ports = cloud.texts(
        "DescribeSecurityGroupRules",
        filter.clone(),
        "securityGroupRuleSet.fromPort",
    );
    assert_eq!(ports, ["8443"]);

    let params = json!({"GroupId": group, "SecurityGroupRuleId": [id]});
    let path = "revokedSecurityGroupRuleSet.securityGroupRuleId";
    assert_eq!(
        cloud.texts("RevokeSecurityGroupIngress", params.clone(), path),
        [id]
    );
    cloud.refuses(
        "RevokeSecurityGroupIngress",
        params,
        "InvalidSecurityGroupRuleId.NotFound",
    );
    let left = cloud.texts(
        "DescribeSecurityGroupRules",
        filter,
        "securityGroupRuleSet.fromPort",
    );
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_duplicate_rule_is_refused_and_with_it_the_whole_call() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let group = cloud.group(&vpc, "web");
    cloud.does("AuthorizeSecurityGroupIngress", of(&group, tcp(80, WEB)));
    let params = json!({"GroupId": group, "IpPermissions": [tcp(81, WEB), tcp(80, WEB)]});
    cloud.refuses(
        "AuthorizeSecurityGroupIngress",
        params,
        "InvalidPermission.Duplicate",
    );
    let path = "securityGroupInfo.ipPermissions.fromPort";
    let params = json!({"GroupId": [group]});
    assert_eq!(cloud.texts("DescribeSecurityGroups", params, path), ["80"]);
    // The other direction is another rule.
    cloud.does("AuthorizeSecurityGroupEgress", of(&group, tcp(80, WEB)));
}

#[test]
fn rules_that_are_none_are_refused() {
    let mut cloud = Cloud::new();
    let (vpc, other_vpc) = (cloud.vpc(), cloud.vpc());
    let group = cloud.group(&vpc, "web");
    let elsewhere = cloud.group(&other_vpc, "web");
    let range = json!([{"CidrIp": WEB}]);
    for (permission, code) in [
        (tcp(80, "10.0.0.0/33"), "InvalidParameterValue"),
        (
            json!({"IpProtocol": "tcp", "IpRanges": range}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "tcp", "FromPort": "9", "ToPort": "8", "IpRanges": range}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "tcp", "FromPort": "1", "ToPort": "65536", "IpRanges": range}),
            "InvalidParameterValue",
        ),
        (
            json!({"IpProtocol": "quic", "FromPort": "1", "ToPort": "2", "IpRanges": range}),
            "InvalidParameterValue",
        ),
        (json!({"IpProtocol": "-1"}), "MissingParameter"),
        (json!({"IpRanges": range}), "MissingParameter"),
        (from_group("sg-1"), "InvalidGroup.NotFound"),
        (from_group(&elsewhere), "InvalidGroup.NotFound"),
        (
            json!({"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}]}),
            "InvalidPrefixListID.NotFound",
        ),
    ] {
        let params = of(&group, permission.clone());
        cloud.refuses("AuthorizeSecurityGroupIngress", params, code);
    }
    cloud.refuses(
        "AuthorizeSecurityGroupIngress",
        of("sg-1", tcp(80, WEB)),
        "InvalidGroup.NotFound",
    );
}

#[test]
fn a_group_is_full_at_sixty_rules_in_one_direction() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let group = cloud.group(&vpc, "web");
    let sixty: Vec<Value> = (1..=60).map(|port| tcp(port, WEB)).collect();
    let params = json!({"GroupId": group, "IpPermissions": sixty});
    cloud.does("AuthorizeSecurityGroupIngress", params);
    cloud.refuses(
        "AuthorizeSecurityGroupIngress",
        of(&group, tcp(61, WEB)),
        "RulesPerSecurityGroupLimitExceeded",
    );
}

#[test]
fn a_group_that_is_referenced_stays() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let (database, nodes) = (cloud.group(&vpc, "database"), cloud.group(&vpc, "nodes"));
    cloud.does(
        "AuthorizeSecurityGroupIngress",
        of(&database, from_group(&nodes)),
    );
    // A reference to itself does not hold a group.
    cloud.does(
        "AuthorizeSecurityGroupIngress",
        of(&nodes, from_group(&nodes)),
    );
    let delete = json!({"GroupId": nodes});
    cloud.refuses("DeleteSecurityGroup", delete.clone(), "DependencyViolation");
    cloud.does(
        "RevokeSecurityGroupIngress",
        of(&database, from_group(&nodes)),
    );
    cloud.does("DeleteSecurityGroup", delete.clone());
    cloud.refuses("DeleteSecurityGroup", delete, "InvalidGroup.NotFound");
}

#[test]
fn a_group_that_an_interface_wears_stays() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
    let group = cloud.group(&vpc, "web");
    let params = json!({"SubnetId": subnet, "SecurityGroupId": [group]});
    let path = "networkInterface.networkInterfaceId";
    let interface = cloud.text("CreateNetworkInterface", params, path);
    let delete = json!({"GroupId": group});
    cloud.refuses("DeleteSecurityGroup", delete.clone(), "DependencyViolation");
    cloud.does(
        "DeleteNetworkInterface",
        json!({"NetworkInterfaceId": interface}),
    );
    cloud.does("DeleteSecurityGroup", delete);
}

#[test]
fn the_default_group_can_neither_be_made_nor_deleted() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let filter = json!({"Filter": [{"Name": "group-name", "Value": ["default"]}]});
    let default = cloud.text(
        "DescribeSecurityGroups",
        filter,
        "securityGroupInfo.groupId",
    );
    cloud.refuses(
        "DeleteSecurityGroup",
        json!({"GroupId": default}),
        "CannotDelete",
    );
    for name in ["default", "sg-mine", "ümlaut"] {
        let params = json!({"VpcId": vpc, "GroupName": name, "GroupDescription": "x"});
        cloud.refuses("CreateSecurityGroup", params, "InvalidParameterValue");
    }
    let params = json!({"GroupName": "web", "GroupDescription": "x"});
    cloud.refuses("CreateSecurityGroup", params, "VPCIdNotSpecified");
}
