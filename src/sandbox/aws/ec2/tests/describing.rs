//! Tags, filters and pages, which all kinds share.

use serde_json::{Value, json};

use super::{Cloud, REGION};
use crate::sandbox::aws::wildcard::matches;

fn tagged(resource_type: &str, tags: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = (tags.iter())
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    json!([{"ResourceType": resource_type, "Tag": tags}])
}

fn vpc_named(cloud: &mut Cloud, name: &str) -> String {
    let params =
        json!({"CidrBlock": "10.10.0.0/16", "TagSpecification": tagged("vpc", &[("Name", name)])});
    cloud.text("CreateVpc", params, "vpc.vpcId")
}

fn found(cloud: &mut Cloud, filters: Value) -> Vec<String> {
    cloud.texts("DescribeVpcs", json!({ "Filter": filters }), "vpcSet.vpcId")
}

#[test]
fn filters_are_joined_by_and_their_values_by_or() {
    let mut cloud = Cloud::new();
    let (one, two) = (vpc_named(&mut cloud, "one"), vpc_named(&mut cloud, "two"));
    let name = |values: &[&str]| json!({"Name": "tag:Name", "Value": values});
    let id = |id: &str| json!({"Name": "vpc-id", "Value": [id]});
    assert_eq!(found(&mut cloud, json!([name(&["one"])])), [one.as_str()]);
    assert_eq!(found(&mut cloud, json!([name(&["one", "two"])])).len(), 2);
    assert_eq!(found(&mut cloud, json!([name(&["t*"])])), [two.as_str()]);
    assert_eq!(
        found(&mut cloud, json!([name(&["t?o"]), id(&two)])),
        [two.as_str()]
    );
    assert_eq!(
        found(&mut cloud, json!([name(&["one"]), id(&two)])),
        [""; 0]
    );
    assert_eq!(
        found(&mut cloud, json!([{"Name": "tag-key", "Value": ["Name"]}])).len(),
        2
    );
    assert_eq!(
        found(&mut cloud, json!([{"Name": "tag:Other", "Value": ["*"]}])),
        [""; 0]
    );
}

#[test]
fn an_unknown_filter_is_refused_even_where_nothing_is() {
    let mut cloud = Cloud::new();
    for operation in [
        "DescribeVpcs",
        "DescribeSubnets",
        "DescribeInternetGateways",
        "DescribeNatGateways",
        "DescribeAddresses",
        "DescribeRouteTables",
        "DescribeSecurityGroups",
        "DescribeSecurityGroupRules",
        "DescribeNetworkInterfaces",
        "DescribeInstances",
        "DescribeVolumes",
        "DescribeTags",
        "DescribeAvailabilityZones",
    ] {
        let params = json!({"Filter": [{"Name": "colour", "Value": ["red"]}]});
        cloud.refuses(operation, params, "InvalidParameterValue");
    }
}

#[test]
fn wildcards_match_as_in_a_shell() {
    for (pattern, text, expected) in [
        ("", "", true),
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abbd", false),
        ("*b*b*", "abcb", true),
        ("?", "", false),
        ("a?", "ab", true),
        ("a", "ab", false),
        ("*ab", "aab", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn pages_go_on_where_the_last_ended() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let mut subnet = |number: u8| {
        let params = json!({"VpcId": vpc, "CidrBlock": format!("10.10.{number}.0/24")});
        cloud.text("CreateSubnet", params, "subnet.subnetId")
    };
    let mut all: Vec<String> = (0..12).map(&mut subnet).collect();
    all.sort();
    let (mut seen, mut sizes, mut token) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let params = json!({"MaxResults": "5", "NextToken": token});
        let reply = cloud.ask("DescribeSubnets", params).expect("a page");
        let ids = super::texts_at(&reply, "subnetSet.subnetId");
        sizes.push(ids.len());
        seen.extend(ids);
        token = super::texts_at(&reply, "nextToken").pop();
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    assert_eq!(sizes, [5, 5, 2]);
}

#[test]
fn pages_that_aws_does_not_give_are_refused() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    for (params, code) in [
        (json!({"MaxResults": "4"}), "InvalidParameterValue"),
        (json!({"MaxResults": "1001"}), "InvalidParameterValue"),
        (json!({"MaxResults": "-5"}), "InvalidParameterValue"),
        (
            json!({"MaxResults": "5", "VpcId": [vpc]}),
            "InvalidParameterCombination",
        ),
        (json!({"NextToken": "%"}), "InvalidNextToken"),
        (json!({"VpcId": [vpc, "vpc-1"]}), "InvalidVpcID.NotFound"),
    ] {
        cloud.refuses("DescribeVpcs", params.clone(), code);
    }
}

#[test]
fn tags_are_added_described_and_deleted() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let gateway = cloud.internet_gateway(&vpc);
    let params = json!({"ResourceId": [vpc, gateway], "Tag": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]});
    cloud.does("CreateTags", params);
    cloud.does(
        "CreateTags",
        json!({"ResourceId": [vpc], "Tag": [{"Key": "a", "Value": "2"}]}),
    );
    let filter = json!({"Filter": [{"Name": "resource-id", "Value": [vpc]}]});
    assert_eq!(
        cloud.texts("DescribeTags", filter.clone(), "tagSet.value"),
        ["2", ""]
    );
    let types = cloud.texts(
        "DescribeTags",
        json!({"Filter": [{"Name": "key", "Value": ["a"]}]}),
        "tagSet.resourceType",
    );
    assert_eq!(types, ["internet-gateway", "vpc"]);
    // A value that is not the tag's leaves it.
    cloud.does(
        "DeleteTags",
        json!({"ResourceId": [vpc], "Tag": [{"Key": "a", "Value": "1"}, {"Key": "b"}]}),
    );
    assert_eq!(
        cloud.texts("DescribeTags", filter.clone(), "tagSet.key"),
        ["a"]
    );
    cloud.does("DeleteTags", json!({"ResourceId": [vpc]}));
    assert_eq!(cloud.texts("DescribeTags", filter, "tagSet.key"), [""; 0]);
    let left = &cloud.world.region(REGION).ec2.tags;
    assert_eq!(left.keys().collect::<Vec<_>>(), [&gateway]);
}

#[test]
fn tags_that_are_none_are_refused() {
    let mut cloud = Cloud::new();
    let vpc = cloud.vpc();
    let many: Vec<Value> = (0..51)
        .map(|i| json!({"Key": format!("k{i}"), "Value": ""}))
        .collect();
    for (params, code) in [
        (
            json!({"ResourceId": [vpc], "Tag": [{"Key": "aws:x", "Value": ""}]}),
            "InvalidParameterValue",
        ),
        (
            json!({"ResourceId": [vpc], "Tag": [{"Key": "k".repeat(129), "Value": ""}]}),
            "InvalidParameterValue",
        ),
        (
            json!({"ResourceId": [vpc], "Tag": many}),
            "TagLimitExceeded",
        ),
        (
            json!({"ResourceId": ["vpc-1"], "Tag": []}),
            "InvalidVpcID.NotFound",
        ),
        (json!({"ResourceId": ["nonsense"], "Tag": []}), "InvalidID"),
        (json!({"Tag": []}), "MissingParameter"),
    ] {
        cloud.refuses("CreateTags", params.clone(), code);
    }
    for specification in [
        tagged("subnet", &[("a", "b")]),
        tagged("vpc", &[("a", "b"), ("a", "c")]),
    ] {
        let params = json!({"CidrBlock": "10.10.0.0/16", "TagSpecification": specification});
        cloud.refuses("CreateVpc", params, "InvalidParameterValue");
    }
}

#[test]
fn every_region_has_three_zones() {
    let mut cloud = Cloud::new();
    let names = cloud.texts(
        "DescribeAvailabilityZones",
        json!({}),
        "availabilityZoneInfo.zoneName",
    );
    assert_eq!(names, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    let params = json!({"Filter": [{"Name": "zone-id", "Value": ["euc1-az1"]}]});
    let names = cloud.texts(
        "DescribeAvailabilityZones",
        params,
        "availabilityZoneInfo.zoneName",
    );
    assert_eq!(names, ["eu-central-1c"]);
    cloud.refuses(
        "DescribeAvailabilityZones",
        json!({"ZoneName": ["mars-1a"]}),
        "InvalidParameterValue",
    );
    assert_eq!(
        super::super::zones::id("ap-southeast-2", "ap-southeast-2b"),
        "apse2-az2"
    );
}

#[test]
fn instance_types_have_sizes_and_places() {
    let mut cloud = Cloud::new();
    for (name, vcpus, mebibytes, architecture) in [
        ("t3.medium", "2", "4096", "x86_64"),
        ("m7g.large", "2", "8192", "arm64"),
        ("c5.4xlarge", "16", "32768", "x86_64"),
        ("r6i.24xlarge", "96", "786432", "x86_64"),
    ] {
        let reply = cloud.ask("DescribeInstanceTypes", json!({"InstanceType": [name]}));
        let reply = reply.expect("it exists");
        let at = |path: &str| super::texts_at(&reply, &format!("instanceTypeSet.{path}"));
        assert_eq!(at("vCpuInfo.defaultVCpus"), [vcpus], "{name}");
        assert_eq!(at("memoryInfo.sizeInMiB"), [mebibytes], "{name}");
        assert_eq!(
            at("processorInfo.supportedArchitectures"),
            [architecture],
            "{name}"
        );
    }
    let unknown = json!({"InstanceType": ["t3.medium", "t3.huge"]});
    cloud.refuses("DescribeInstanceTypes", unknown, "InvalidInstanceType");
    let params = json!({
        "LocationType": "availability-zone",
        "Filter": [{"Name": "instance-type", "Value": ["t3.medium"]}],
    });
    let path = "instanceTypeOfferingSet.location";
    let zones = cloud.texts("DescribeInstanceTypeOfferings", params, path);
    assert_eq!(zones, ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    let params = json!({"LocationType": "planet"});
    cloud.refuses(
        "DescribeInstanceTypeOfferings",
        params,
        "InvalidParameterValue",
    );
}
