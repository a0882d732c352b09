//! The file as its users meet it: the examples, the smallest one, and what bad ones are told.

mod bad;
mod files;
mod hostile;
mod inside;
mod reached;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::model::*;
use super::{Diagnostics, load, parse};

/// The least that an environment with a cluster says.
const LEAST: &str = r#"[environment]
name = "tiny"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
[cluster.node_groups.default]
"#;

fn documents(name: &str) -> io::Result<String> {
    match name {
        "policies/demo-readers.json" => {
            Ok(include_str!("../../../policies/demo-readers.json").to_owned())
        }
        "manifests/job.yaml" => Ok("kind: Job".to_owned()),
        "policies/broken.json" => Ok("{".to_owned()),
        "policies/empty.json" => Ok(r#"{"Version": "2012-10-17"}"#.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

fn read(text: &str) -> Result<Environment, Diagnostics> {
    parse("environments/tiny.toml", text, None, &documents)
}

/// What a text means that must be right.
fn good(text: &str) -> Environment {
    read(text).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
    folder.join(format!("{name}.toml"))
}

#[test]
fn the_examples_are_accepted() {
    for name in ["staging", "demo"] {
        let environment = load(&example(name), None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(environment.name, name);
        assert_eq!(environment.provider, Provider::Sandbox);
    }
}

#[test]
fn on_aws_the_examples_lack_nothing_but_the_account() {
    for name in ["staging", "demo"] {
        let Err(super::Error::Invalid(diagnostics)) = load(&example(name), Some(Provider::Aws))
        else {
            panic!("{name} is accepted without an account");
        };
        let told: Vec<&str> = diagnostics
            .faults
            .iter()
            .map(|fault| fault.message.as_str())
            .collect();
        assert_eq!(told, ["`account` is missing, and the provider is aws"]);
    }
}

#[test]
fn staging_is_called_as_its_inventory_says() {
    let staging = load(&example("staging"), None).unwrap_or_else(|error| panic!("{error}"));
    let network = staging.network.unwrap();
    let subnets: Vec<(&str, &str, String)> = network
        .subnets
        .values()
        .map(|subnet| {
            (
                subnet.name.as_str(),
                subnet.zone.as_str(),
                subnet.cidr.to_string(),
            )
        })
        .collect();
    assert_eq!(
        subnets,
        [
            (
                "staging msur-vpc-private-subnet-a",
                "us-east-1a",
                "10.10.128.0/18".to_owned()
            ),
            (
                "staging msur-vpc-private-subnet-b",
                "us-east-1b",
                "10.10.192.0/18".to_owned()
            ),
            (
                "staging msur-vpc-public-subnet-a",
                "us-east-1a",
                "10.10.0.0/18".to_owned()
            ),
            (
                "staging msur-vpc-public-subnet-b",
                "us-east-1b",
                "10.10.64.0/18".to_owned()
            ),
        ]
    );
    assert_eq!(network.name, "staging msur-vpc");
    assert_eq!(
        network.internet_gateway.as_deref(),
        Some("staging msur-vpc-igw")
    );
    let gateway = |letter: &str| NatGateway {
        name: format!("staging msur-vpc-nat-gw-{letter}"),
        address_name: format!("staging msur-vpc-nat-{letter}"),
        subnet: format!("public-{letter}"),
    };
    assert!(
        network
            .nat_gateways
            .values()
            .eq(&[gateway("a"), gateway("b")])
    );
    let private = |letter: &str| RouteTable {
        name: format!("staging msur-vpc-private-route-{letter}"),
        default_route: DefaultRoute::Nat(letter.to_owned()),
        subnets: vec![format!("private-{letter}")],
    };
    let public = RouteTable {
        name: "staging msur-vpc-public-route".to_owned(),
        default_route: DefaultRoute::InternetGateway,
        subnets: vec!["public-a".to_owned(), "public-b".to_owned()],
    };
    assert!(
        network
            .route_tables
            .values()
            .eq(&[private("a"), private("b"), public])
    );
    let tag = ("kubernetes.io/cluster/ms-cluster-staging", "shared");
    let tags: Vec<(&str, &str)> = network.subnets["public-a"]
        .tags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(tags, [tag, ("kubernetes.io/role/elb", "1")]);
    assert_eq!(network.tags[tag.0], tag.1);

    let cluster = staging.cluster.unwrap();
    assert_eq!(cluster.control_role, "ms-cluster-staging-control");
    assert_eq!(cluster.worker_role, "ms-cluster-staging-worker");
    let policies = BTreeSet::from([ControlPolicy::AmazonEKSServicePolicy]);
    assert_eq!(cluster.control_policies, policies);
    assert_eq!(cluster.security_group.name, "ms-cluster-staging");
    let database = &staging.databases["microservices"];
    assert_eq!(database.dns.as_deref(), Some("rds.staging.msur-vpc.com"));
    assert_eq!(database.subnets, ["private-a", "private-b"]);
    assert_eq!(
        staging.groups["DB-Ops"].policies,
        [
            GroupPolicy::Arn("arn:aws:iam::aws:policy/AmazonRDSFullAccess".to_owned()),
            GroupPolicy::Arn("arn:aws:iam::aws:policy/AmazonElastiCacheFullAccess".to_owned()),
        ]
    );
}

#[test]
fn demo_generates_its_password_and_has_a_policy_of_its_own() {
    let demo = load(&example("demo"), None).unwrap_or_else(|error| panic!("{error}"));
    let secret = &demo.secrets[&demo.databases["addressbook"].password];
    assert_eq!(secret.name, "demo/addressbook-password");
    assert_eq!(secret.source, SecretSource::Generate { length: 32 });
    assert_eq!(demo.policies["demo-readers"].name, "demo-demo-readers");
    assert_eq!(demo.variables().count(), 0);
    let ttl = demo.ttl.map(Ttl::duration);
    assert_eq!(ttl, Some(std::time::Duration::from_secs(8 * 3600)));
}

#[test]
fn ten_lines_are_an_environment() {
    assert!(LEAST.lines().count() <= 10);
    let environment = good(LEAST);
    let network = environment.network.unwrap();
    let counts = (
        network.subnets.len(),
        network.nat_gateways.len(),
        network.route_tables.len(),
    );
    assert_eq!(counts, (4, 1, 3));
    let cluster = environment.cluster.unwrap();
    assert_eq!((cluster.name.as_str(), cluster.subnets.len()), ("tiny", 4));
    assert!(cluster.control_policies.is_empty());
    assert_eq!(
        cluster.node_groups["default"].subnets,
        ["private-a", "private-b"]
    );
}

#[test]
fn subnets_one_by_one_mean_what_carving_means() {
    let subnet = |key: &str, cidr: &str, letter: &str| {
        let public = key.starts_with("public");
        format!(
            "[network.subnets.{key}]\ncidr = \"{cidr}\"\nzone = \"us-east-1{letter}\"\npublic = {public}\n"
        )
    };
    let explicit = [
        subnet("public-a", "10.0.0.0/18", "a"),
        subnet("public-b", "10.0.64.0/18", "b"),
        subnet("private-a", "10.0.128.0/18", "a"),
        subnet("private-b", "10.0.192.0/18", "b"),
    ];
    assert_eq!(good(&format!("{LEAST}{}", explicit.concat())), good(LEAST));
}

#[test]
fn one_nat_gateway_serves_all_zones() {
    let network = good(LEAST).network.unwrap();
    assert_eq!(network.nat_gateways["a"].subnet, "public-a");
    for table in ["private-a", "private-b"] {
        let route = &network.route_tables[table].default_route;
        assert_eq!(*route, DefaultRoute::Nat("a".to_owned()));
    }
}

#[test]
fn other_partitions_have_other_arns() {
    let text = format!("{LEAST}[iam.groups.ops]\npolicies = [\"ReadOnlyAccess\"]\n");
    let china = good(&text.replace("us-east-1", "cn-north-1"));
    let arn = "arn:aws-cn:iam::aws:policy/ReadOnlyAccess".to_owned();
    assert_eq!(china.groups["ops"].policies, [GroupPolicy::Arn(arn)]);
    assert_eq!(china.partition(), "aws-cn");
}
