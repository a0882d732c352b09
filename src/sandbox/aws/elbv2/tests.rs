//! Elastic Load Balancing through `handle`, and what a Service of type LoadBalancer makes and leaves.

use serde_json::{Value, json};

use super::{
    Kind, Maker, NewServiceLoadBalancer, ServicePort, create_for_service, delete_for_service,
    tagged_arns,
};
use crate::sandbox::aws::ec2::{self, Tags, security_groups};
use crate::sandbox::aws::{Call, Fault, Params, Reply, dispatch};
use crate::sandbox::durations;
use crate::sandbox::time::SimTime;
use crate::sandbox::world::{DEFAULT_ACCOUNT, World};

const REGION: &str = "eu-central-1";

/// A network with an internet gateway and two public subnets that carry the load balancers' tag.
struct Cloud {
    world: World,
    vpc: String,
    gateway: String,
    subnets: Vec<String>,
}

impl Cloud {
    fn new() -> Self {
        let mut cloud = Self {
            world: World::new(DEFAULT_ACCOUNT, SimTime::EPOCH),
            vpc: String::new(),
            gateway: String::new(),
            subnets: Vec::new(),
        };
        let ec2 = "ec2";
        let block = json!({"CidrBlock": "10.10.0.0/16"});
        cloud.vpc = cloud.text(ec2, "CreateVpc", block, "vpc.vpcId");
        let path = "internetGateway.internetGatewayId";
        cloud.gateway = cloud.text(ec2, "CreateInternetGateway", json!({}), path);
        let attach = json!({"InternetGatewayId": cloud.gateway, "VpcId": cloud.vpc});
        cloud
            .ask(ec2, "AttachInternetGateway", attach)
            .expect("attached");
        for (zone, block) in [("a", "10.10.0.0/18"), ("b", "10.10.64.0/18")] {
            let tag = json!([{"Key": "kubernetes.io/role/elb", "Value": "1"}]);
            let params = json!({
                "VpcId": cloud.vpc, "CidrBlock": block, "AvailabilityZone": format!("{REGION}{zone}"),
                "TagSpecification": [{"ResourceType": "subnet", "Tag": tag}],
            });
            let id = cloud.text(ec2, "CreateSubnet", params, "subnet.subnetId");
            cloud.subnets.push(id);
        }
        cloud
    }

    fn ask(&mut self, service: &str, operation: &str, params: Value) -> Result<Reply, Fault> {
        let call = Call {
            service: service.to_owned(),
            region: REGION.to_owned(),
            operation: operation.to_owned(),
            params: Params(params),
        };
        dispatch(&mut self.world, &call)
    }

    fn text(&mut self, service: &str, operation: &str, params: Value, path: &str) -> String {
        self.texts(service, operation, params, path)
            .pop()
            .unwrap_or_default()
    }

    fn texts(&mut self, service: &str, operation: &str, params: Value, path: &str) -> Vec<String> {
        let reply = self.ask(service, operation, params).expect("an answer");
        ec2::texts_at(&reply, path)
    }

    fn elb(&mut self, operation: &str, params: Value, path: &str) -> Vec<String> {
        self.texts("elasticloadbalancing", operation, params, path)
    }

    fn refuses(&mut self, service: &str, operation: &str, params: Value) -> String {
        self.ask(service, operation, params)
            .expect_err("a refusal")
            .code
    }

    fn pass_secs(&mut self, seconds: u64) {
        let now = self.world.now.after_secs(seconds);
        self.world.advance(now);
    }

    fn service(&self) -> NewServiceLoadBalancer {
        NewServiceLoadBalancer {
            cluster: "demo".to_owned(),
            vpc_id: self.vpc.clone(),
            namespace: "traefik".to_owned(),
            service: "traefik".to_owned(),
            uid: "0123abcd-4567-89ab-cdef-0123456789ab".to_owned(),
            maker: Maker::Legacy,
            kind: Kind::Network,
            internal: false,
            ports: vec![ServicePort {
                port: 80,
                node_port: 30080,
                protocol: "TCP".to_owned(),
                certificate: None,
                encrypted_backend: false,
            }],
        }
    }

    fn detach(&mut self) -> Result<Reply, Fault> {
        let params = json!({"InternetGatewayId": self.gateway, "VpcId": self.vpc});
        self.ask("ec2", "DetachInternetGateway", params)
    }
}

#[test]
fn a_service_makes_a_load_balancer_that_blocks_the_network_until_it_goes() {
    let mut cloud = Cloud::new();
    let tags = Tags::from([(ec2::CLUSTER_NAME_TAG.to_owned(), "demo".to_owned())]);
    let vpc = cloud.vpc.clone();
    let nodes = security_groups::create(
        &mut cloud.world,
        REGION,
        &vpc,
        "eks-cluster-sg-demo-1",
        "nodes",
        tags,
    );
    let nodes = nodes.expect("a group");
    let new = cloud.service();
    let made = create_for_service(&mut cloud.world, REGION, &new).expect("a load balancer");
    assert_eq!(made.name, "a0123abcd456789abcdef0123456789a");
    assert!(
        made.hostname.ends_with(".elb.eu-central-1.amazonaws.com"),
        "{}",
        made.hostname
    );

    let state = "LoadBalancers.State.Code";
    assert_eq!(
        cloud.elb("DescribeLoadBalancers", json!({}), state),
        ["provisioning"]
    );
    cloud.pass_secs(durations::LOAD_BALANCER_CREATE);
    assert_eq!(
        cloud.elb("DescribeLoadBalancers", json!({}), state),
        ["active"]
    );
    let params = json!({"ResourceArns": [made.arn]});
    let keys = cloud.elb("DescribeTags", params, "TagDescriptions.Tags.Key");
    assert_eq!(
        keys,
        ["kubernetes.io/cluster/demo", "kubernetes.io/service-name"]
    );
    let described = cloud.texts(
        "ec2",
        "DescribeNetworkInterfaces",
        json!({}),
        "networkInterfaceSet.description",
    );
    assert_eq!(described.len(), 2);
    assert!(
        described[0].starts_with(&format!("ELB net/{}/", made.name)),
        "{described:?}"
    );
    let params = json!({"GroupId": [nodes]});
    let rules = "securityGroupInfo.ipPermissions.ipRanges.description";
    let described = cloud.texts("ec2", "DescribeSecurityGroups", params.clone(), rules);
    assert!(
        described.contains(&format!("kubernetes.io/rule/nlb/client={}", made.name)),
        "{described:?}"
    );

    let group =
        json!({"Filter": [{"Name": "group-name", "Value": [format!("k8s-elb-{}", made.name)]}]});
    let id = cloud.text(
        "ec2",
        "DescribeSecurityGroups",
        group.clone(),
        "securityGroupInfo.groupId",
    );
    assert_eq!(
        cloud.refuses("ec2", "DeleteSecurityGroup", json!({"GroupId": id})),
        "DependencyViolation"
    );
    let subnet = cloud.subnets[0].clone();
    assert_eq!(
        cloud.refuses("ec2", "DeleteSubnet", json!({"SubnetId": subnet})),
        "DependencyViolation"
    );
    assert_eq!(
        cloud.detach().expect_err("a refusal").code,
        "DependencyViolation"
    );

    delete_for_service(&mut cloud.world, REGION, &new.name());
    delete_for_service(&mut cloud.world, REGION, &new.name());
    assert_eq!(
        cloud.elb(
            "DescribeTargetGroups",
            json!({}),
            "TargetGroups.TargetGroupArn"
        ),
        [""; 0]
    );
    assert_eq!(
        cloud.texts("ec2", "DescribeSecurityGroups", params, rules),
        [""; 0]
    );
    assert_eq!(
        cloud.detach().expect_err("a refusal").code,
        "DependencyViolation"
    );
    cloud.pass_secs(durations::LOAD_BALANCER_DELETE);
    cloud.detach().expect("nothing is mapped any more");
    assert_eq!(
        cloud.texts(
            "ec2",
            "DescribeSecurityGroups",
            group,
            "securityGroupInfo.groupId"
        ),
        [""; 0]
    );
    assert!(tagged_arns(&cloud.world, REGION).is_empty());
}

#[test]
fn a_service_without_a_tagged_subnet_gets_nothing_and_leaves_nothing() {
    let mut cloud = Cloud::new();
    let mut new = cloud.service();
    new.internal = true;
    let refusal = create_for_service(&mut cloud.world, REGION, &new)
        .expect_err("no subnet is for internal ones");
    assert!(
        refusal
            .message
            .contains("could not find any suitable subnets"),
        "{refusal}"
    );
    new.internal = false;
    cloud.detach().expect("nothing is mapped");
    let refusal =
        create_for_service(&mut cloud.world, REGION, &new).expect_err("no way to the internet");
    assert_eq!(refusal.code, "InvalidSubnet");
    assert_eq!(cloud.world.region(REGION).ec2.security_groups.len(), 1);
    assert!(cloud.world.region(REGION).ec2.interfaces.is_empty());
}

#[test]
fn creating_the_same_again_answers_the_one_there_is() {
    let mut cloud = Cloud::new();
    let subnets = cloud.subnets.clone();
    let params = json!({"Name": "web", "Type": "network", "Subnets": subnets});
    let path = "LoadBalancers.LoadBalancerArn";
    let one = cloud.elb("CreateLoadBalancer", params.clone(), path);
    assert_eq!(cloud.elb("CreateLoadBalancer", params, path), one);
    let other = json!({"Name": "web", "Type": "network", "Subnets": [subnets[0]]});
    let refusal = cloud.refuses("elasticloadbalancing", "CreateLoadBalancer", other);
    assert_eq!(refusal, "DuplicateLoadBalancerName");
    let zones = cloud.elb(
        "DescribeLoadBalancers",
        json!({"Names": ["web"]}),
        "LoadBalancers.AvailabilityZones.ZoneName",
    );
    assert_eq!(zones, ["eu-central-1a", "eu-central-1b"]);
}

#[test]
fn a_target_group_in_use_stays() {
    let mut cloud = Cloud::new();
    let params = json!({"Name": "web", "Type": "network", "Subnets": cloud.subnets});
    let balancer = cloud
        .elb(
            "CreateLoadBalancer",
            params,
            "LoadBalancers.LoadBalancerArn",
        )
        .remove(0);
    let params = json!({"Name": "web", "Protocol": "TCP", "Port": "80", "VpcId": cloud.vpc});
    let group = cloud
        .elb("CreateTargetGroup", params, "TargetGroups.TargetGroupArn")
        .remove(0);
    let actions = json!([{"Type": "forward", "TargetGroupArn": group}]);
    let params = json!({"LoadBalancerArn": balancer, "Protocol": "TCP", "Port": "80", "DefaultActions": actions});
    cloud.elb("CreateListener", params.clone(), "Listeners.ListenerArn");
    let service = "elasticloadbalancing";
    assert_eq!(
        cloud.refuses(service, "CreateListener", params),
        "DuplicateListener"
    );
    let of = json!({"LoadBalancerArn": balancer});
    assert_eq!(
        cloud.elb("DescribeListeners", of.clone(), "Listeners.Port"),
        ["80"]
    );
    let users = cloud.elb(
        "DescribeTargetGroups",
        of.clone(),
        "TargetGroups.LoadBalancerArns",
    );
    assert_eq!(users, [balancer]);
    let delete = json!({"TargetGroupArn": group});
    assert_eq!(
        cloud.refuses(service, "DeleteTargetGroup", delete.clone()),
        "ResourceInUse"
    );
    cloud
        .ask(service, "DeleteLoadBalancer", of.clone())
        .expect("deleted");
    cloud
        .ask(service, "DeleteLoadBalancer", of.clone())
        .expect("deleted already");
    cloud
        .ask(service, "DeleteTargetGroup", delete)
        .expect("free");
    assert_eq!(
        cloud.refuses(service, "DescribeListeners", of),
        "LoadBalancerNotFound"
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let mut cloud = Cloud::new();
    let (service, vpc) = ("elasticloadbalancing", cloud.vpc.clone());
    let subnet = cloud.subnets[0].clone();
    for (params, code) in [
        (
            json!({"Name": "web", "Type": "network", "Subnets": ["subnet-1"]}),
            "SubnetNotFound",
        ),
        (
            json!({"Name": "web", "Type": "network", "Subnets": [subnet, subnet]}),
            "InvalidConfigurationRequest",
        ),
        (
            json!({"Name": "web", "Subnets": [subnet]}),
            "ValidationError",
        ),
        (json!({"Name": "web", "Type": "network"}), "ValidationError"),
        (
            json!({"Name": "-web", "Type": "network", "Subnets": [subnet]}),
            "ValidationError",
        ),
        (
            json!({"Name": "web", "Type": "magic", "Subnets": [subnet]}),
            "ValidationError",
        ),
        (
            json!({"Name": "web", "Type": "network", "Subnets": [subnet], "SecurityGroups": ["sg-1"]}),
            "InvalidSecurityGroup",
        ),
    ] {
        let refusal = cloud.refuses(service, "CreateLoadBalancer", params.clone());
        assert_eq!(refusal, code, "{params}");
    }
    for (params, code) in [
        (
            json!({"Name": "g", "Protocol": "TCP", "Port": "0", "VpcId": vpc}),
            "ValidationError",
        ),
        (
            json!({"Name": "g", "Protocol": "TCP", "Port": "80", "VpcId": "vpc-1"}),
            "ValidationError",
        ),
    ] {
        let refusal = cloud.refuses(service, "CreateTargetGroup", params.clone());
        assert_eq!(refusal, code, "{params}");
    }
    for (operation, params, code) in [
        (
            "DescribeLoadBalancers",
            json!({"Names": ["none"]}),
            "LoadBalancerNotFound",
        ),
        (
            "DescribeTargetGroups",
            json!({"Names": ["none"]}),
            "TargetGroupNotFound",
        ),
        (
            "DescribeTags",
            json!({"ResourceArns": ["arn:x"]}),
            "LoadBalancerNotFound",
        ),
        ("DescribeTags", json!({}), "ValidationError"),
        (
            "DescribeLoadBalancers",
            json!({"PageSize": "401"}),
            "ValidationError",
        ),
        ("DescribeRules", json!({}), "InvalidAction"),
    ] {
        assert_eq!(
            cloud.refuses(service, operation, params),
            code,
            "{operation}"
        );
    }
}

#[test]
fn pages_go_on_where_the_last_ended_and_tags_change() {
    let mut cloud = Cloud::new();
    for name in ["a", "b", "c"] {
        let params = json!({"Name": name, "Protocol": "TCP", "Port": "80", "VpcId": cloud.vpc});
        cloud.elb("CreateTargetGroup", params, "TargetGroups");
    }
    let page = cloud
        .ask(
            "elasticloadbalancing",
            "DescribeTargetGroups",
            json!({"PageSize": "2"}),
        )
        .expect("a page");
    assert_eq!(
        ec2::texts_at(&page, "TargetGroups.TargetGroupName"),
        ["a", "b"]
    );
    let marker = ec2::texts_at(&page, "NextMarker").remove(0);
    let params = json!({"PageSize": "2", "Marker": marker});
    assert_eq!(
        cloud.elb(
            "DescribeTargetGroups",
            params.clone(),
            "TargetGroups.TargetGroupName"
        ),
        ["c"]
    );
    let arn = cloud
        .elb(
            "DescribeTargetGroups",
            params,
            "TargetGroups.TargetGroupArn",
        )
        .remove(0);
    let tags = json!({"ResourceArns": [arn], "Tags": [{"Key": "k", "Value": "v"}]});
    cloud.elb("AddTags", tags, "");
    assert_eq!(
        tagged_arns(&cloud.world, REGION),
        [(arn.clone(), Tags::from([("k".to_owned(), "v".to_owned())]))]
    );
    cloud.elb(
        "RemoveTags",
        json!({"ResourceArns": [arn], "TagKeys": ["k"]}),
        "",
    );
    assert!(tagged_arns(&cloud.world, REGION).is_empty());
}

#[test]
fn a_service_that_asks_for_nothing_else_gets_a_classic_load_balancer() {
    let mut cloud = Cloud::new();
    let tags = Tags::from([(ec2::CLUSTER_NAME_TAG.to_owned(), "demo".to_owned())]);
    let vpc = cloud.vpc.clone();
    let name = "eks-cluster-sg-demo-1";
    let nodes = security_groups::create(&mut cloud.world, REGION, &vpc, name, "nodes", tags);
    let nodes = nodes.expect("a group");
    let new = NewServiceLoadBalancer {
        kind: Kind::Classic,
        ..cloud.service()
    };
    let made = create_for_service(&mut cloud.world, REGION, &new).expect("a load balancer");
    // Version 2 of the service knows neither it nor a target group of it.
    let elb = "elasticloadbalancing";
    let arn = "LoadBalancers.LoadBalancerArn";
    assert_eq!(cloud.elb("DescribeLoadBalancers", json!({}), arn), [""; 0]);
    let targets = "TargetGroups.TargetGroupArn";
    assert_eq!(
        cloud.elb("DescribeTargetGroups", json!({}), targets),
        [""; 0]
    );
    let named = json!({"ResourceArns": [made.arn]});
    assert_eq!(
        cloud.refuses(elb, "DescribeTags", named),
        "LoadBalancerNotFound"
    );
    let named = json!({"LoadBalancerArn": made.arn});
    assert_eq!(
        cloud.refuses(elb, "DeleteLoadBalancer", named),
        "ValidationError"
    );
    // The tag index does.
    let params = json!({"TagFilters": [{"Key": "kubernetes.io/cluster/demo"}], "ResourceTypeFilters": ["elasticloadbalancing:loadbalancer"]});
    let arns = cloud.texts(
        "tagging",
        "GetResources",
        params,
        "ResourceTagMappingList.ResourceARN",
    );
    assert_eq!(arns, [made.arn.as_str()]);
    assert!(made.arn.ends_with(&format!(":loadbalancer/{}", made.name)));
    let path = "networkInterfaceSet.description";
    let described = cloud.texts("ec2", "DescribeNetworkInterfaces", json!({}), path);
    assert_eq!(
        described,
        [format!("ELB {}", made.name), format!("ELB {}", made.name)]
    );
    let peers = |cloud: &mut Cloud| {
        let path = "securityGroupInfo.ipPermissions.groups.groupId";
        let params = json!({"GroupId": [nodes]});
        cloud
            .texts("ec2", "DescribeSecurityGroups", params, path)
            .len()
    };
    assert_eq!(peers(&mut cloud), 1, "its group is let in to the nodes");

    let classic = "elasticloadbalancing-classic";
    let path = "LoadBalancerDescriptions.LoadBalancerName";
    let named = json!({"LoadBalancerNames": [made.name]});
    let names = cloud.texts(classic, "DescribeLoadBalancers", named.clone(), path);
    assert_eq!(names, [made.name.as_str()]);
    assert_eq!(
        cloud.detach().expect_err("a refusal").code,
        "DependencyViolation"
    );
    delete_for_service(&mut cloud.world, REGION, &new.name());
    assert_eq!(
        cloud.refuses(classic, "DescribeLoadBalancers", named),
        "LoadBalancerNotFound"
    );
    cloud.pass_secs(durations::LOAD_BALANCER_DELETE + 1);
    assert_eq!(peers(&mut cloud), 0);
    cloud.detach().expect("nothing uses the gateway");
}
