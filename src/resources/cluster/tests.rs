//! Clusters in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::resources::testing::Bench;
use crate::resources::{Kind, Owner, inventory::Inventory, network};

const CLUSTER: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
zones = 2
nat = "single"
[cluster]
name = "ms"
[cluster.node_groups.default]
instance_types = ["t3.medium"]
min = 1
desired = 1
max = 3
disk_gib = 20
"#;

#[tokio::test(start_paused = true)]
async fn a_cluster_goes_up_and_comes_down_to_nothing() {
    let mut bench = Bench::new(CLUSTER);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let outputs = &bench.recorded[&control_plane()].outputs;
    for name in [
        "endpoint",
        "certificate_authority",
        "cluster_security_group",
        "oidc_issuer",
    ] {
        assert!(outputs.contains_key(name), "{name}");
    }
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_field_of_a_cluster_that_eks_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(CLUSTER);
    bench.up().await;
    let cluster = control_plane();
    bench
        .edits(&cluster, "private_endpoint", json!(false))
        .await;
    bench
        .edits(&cluster, "public_access_cidrs", json!(["192.0.2.0/24"]))
        .await;
    bench
        .edits(&cluster, "logging", json!(["api", "audit"]))
        .await;
    let private = ["a", "b"].map(|zone| network::subnet(&format!("private-{zone}")));
    let private = private.map(|subnet| bench.recorded[&subnet].id.clone());
    bench.edits(&cluster, "subnets", json!(private)).await;
    let tags = bench.one_more_tag(&cluster);
    bench.edits(&cluster, "tags", tags).await;
}

#[tokio::test(start_paused = true)]
async fn every_field_of_a_node_group_that_eks_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(CLUSTER);
    bench.up().await;
    let nodes = node_group("default");
    bench.edits(&nodes, "desired", json!(2)).await;
    bench.edits(&nodes, "max", json!(5)).await;
    let sizes = [("min", json!(2)), ("desired", json!(2))];
    let expected = sizes
        .clone()
        .map(|(field, _)| format!("{nodes} {field}"))
        .into();
    bench.edits_with(&nodes, &sizes, &expected).await;
    bench.edits(&nodes, "labels", json!({"tier": "web"})).await;
    let taint = json!([{"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}]);
    bench.edits(&nodes, "taints", taint).await;
    let tags = bench.one_more_tag(&nodes);
    bench.edits(&nodes, "tags", tags).await;
}

/// The same cluster with these lines behind it.
fn with(more: &str) -> String {
    format!("{CLUSTER}{more}")
}

const ACCESS: &str = r#"
[cluster.access.ops]
principal = "user/ops-account"
groups = ["ops"]
[cluster.access.ops.policies]
AmazonEKSViewPolicy = {}
AmazonEKSEditPolicy = { namespaces = ["flights"] }
"#;

#[tokio::test(start_paused = true)]
async fn every_field_of_an_access_entry_that_eks_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(&with(ACCESS));
    bench.up().await;
    let entry = access_entry("ops");
    bench.edits(&entry, "groups", json!(["others"])).await;
    let policy = |name: &str| format!("arn:aws:eks::aws:cluster-access-policy/{name}");
    let elsewhere = json!({ policy("AmazonEKSEditPolicy"): ["reservations"], policy("AmazonEKSAdminPolicy"): [] });
    bench.edits(&entry, "policies", elsewhere).await;
    let tags = bench.one_more_tag(&entry);
    bench.edits(&entry, "tags", tags).await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

/// EKS lets the cluster's creator in by an entry of its own: what the file says of that principal is brought about on it.
#[tokio::test(start_paused = true)]
async fn an_entry_that_eks_made_in_our_cluster_is_ours() {
    let mut bench = Bench::new(&with(&ACCESS.replace("ops-account", "sandbox")));
    for address in [control_role(), control_plane()] {
        for first in bench.order() {
            if !bench.recorded.contains_key(&first) && first != access_entry("ops") {
                bench.make(&first).await;
            }
            if first == address {
                break;
            }
        }
    }
    let found = bench.observe().await;
    let found = found
        .iter()
        .find(|found| found.address == access_entry("ops"));
    assert_eq!(found.map(|found| &found.owner), Some(&Owner::Ours));
    bench.make(&access_entry("ops")).await;
    let differences = bench.differences().await;
    let entry = access_entry("ops").to_string();
    assert!(
        !differences.iter().any(|one| one.contains(&entry)),
        "{differences:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_access_policy_that_eks_does_not_have_is_a_problem_before_the_first_change() {
    let bench = Bench::new(&with(
        &ACCESS.replace("AmazonEKSViewPolicy", "AmazonEKSLookPolicy"),
    ));
    let inventory = Inventory::sweep(&bench.cloud, &bench.wanted()).await;
    let desired = &bench.desired[&access_entry("ops")];
    let problems = AccessEntry
        .check(&bench.cloud, &inventory, desired)
        .await
        .unwrap();
    let told: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert!(
        told[0].starts_with("EKS has no access policy AmazonEKSLookPolicy; it has Amazon"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn roles_are_changed_in_place_and_hold_nothing_else() {
    let mut bench = Bench::new(CLUSTER);
    bench.make(&worker_role()).await;
    bench.make(&control_role()).await;
    let roles = [worker_role(), control_role()];
    bench.desired.retain(|address, _| roles.contains(address));
    let role = worker_role();
    let policies = json!(["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"]);
    bench.edits(&role, "policies", policies).await;
    let mut trust = bench.desired[&role].fields["trust"].clone();
    trust["Statement"][0]["Principal"]["Service"] = json!("eks.amazonaws.com");
    bench.edits(&role, "trust", trust).await;
    let tags = bench.one_more_tag(&role);
    bench.edits(&role, "tags", tags).await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_eks_does_not_have_is_a_problem_before_the_first_change() {
    let text = CLUSTER.replace("name = \"ms\"", "name = \"ms\"\nversion = \"1.19\"");
    let bench = Bench::new(&text);
    let wanted = bench.wanted();
    let inventory = Inventory::sweep(&bench.cloud, &wanted).await;
    let desired = &bench.desired[&control_plane()];
    let problems = ControlPlane
        .check(&bench.cloud, &inventory, desired)
        .await
        .unwrap();
    assert_eq!(problems.len(), 1);
    let message = &problems[0].message;
    assert!(
        message.starts_with("EKS has no Kubernetes 1.19; it has 1."),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_ec2_does_not_offer_is_a_problem() {
    let problems = |text: &str| {
        let bench = Bench::new(text);
        async move {
            let inventory = Inventory::sweep(&bench.cloud, &bench.wanted()).await;
            let desired = &bench.desired[&node_group("default")];
            let found = NodeGroup
                .check(&bench.cloud, &inventory, desired)
                .await
                .unwrap();
            found
                .into_iter()
                .map(|problem| problem.message)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(problems(CLUSTER).await, Vec::<String>::new());
    let text = CLUSTER.replace("[\"t3.medium\"]", "[\"t3.medium\", \"x9.huge\"]");
    assert_eq!(
        problems(&text).await,
        ["EC2 offers no x9.huge in this region"]
    );
}

const PARTS: &str = r#"
[cluster.addons.vpc-cni]
configuration = '{"env": {"ENABLE_PREFIX_DELEGATION": "true"}}'
[cluster.addons.eks-pod-identity-agent]
[cluster.addons.coredns]
version = "v1.12.4-eksbuild.1"
[cluster.addons.aws-ebs-csi-driver]
[cluster.identities.uploader]
namespace = "flights"
service_account = "uploader"
policies = ["AmazonS3ReadOnlyAccess"]
"#;

#[tokio::test(start_paused = true)]
async fn addons_and_identities_are_changed_in_place_and_go() {
    let mut bench = Bench::new(&with(PARTS));
    let order = bench.order();
    let place = |address: &Address| order.iter().position(|one| one == address);
    let (before, nodes) = (place(&addon("vpc-cni")), place(&node_group("default")));
    let (after, its_identity) = (
        place(&addon("aws-ebs-csi-driver")),
        identity("aws-ebs-csi-driver"),
    );
    assert!(
        before < nodes && nodes < after && place(&its_identity) < after,
        "{order:?}"
    );
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let networking = addon("vpc-cni");
    bench.edits(&networking, "configuration", json!({})).await;
    let tags = bench.one_more_tag(&networking);
    bench.edits(&networking, "tags", tags).await;
    let names = addon("coredns");
    bench
        .edits(&names, "version", json!("v1.13.1-eksbuild.1"))
        .await;
    let uploader = identity("uploader");
    let other = json!("arn:aws:iam::123456789012:role/ms-aws-ebs-csi-driver");
    bench.edits(&uploader, "role", other).await;
    let tags = bench.one_more_tag(&uploader);
    bench.edits(&uploader, "tags", tags).await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

/// The three switches go on and off together, beside node groups, with roles for both.
#[tokio::test(start_paused = true)]
async fn auto_mode_is_switched_on_and_off() {
    const ADDONS: &str =
        "[cluster.addons.coredns]\n[cluster.addons.kube-proxy]\n[cluster.addons.vpc-cni]\n";
    let off = with(ADDONS);
    let on = format!("{off}[cluster.auto_mode]\n");
    let mut bench = Bench::new(&on);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let found = bench
        .cloud
        .aws
        .eks
        .describe_cluster()
        .name("ms")
        .send()
        .await;
    let found = found.unwrap().cluster.unwrap();
    let pools = found
        .compute_config()
        .map(|compute| compute.node_pools().len());
    assert_eq!(pools, Some(2));
    bench
        .edits(&control_plane(), "node_pools", json!(["system"]))
        .await;
    bench.ask(&off);
    for address in [control_plane(), control_role()] {
        let id = bench.recorded[&address].id.clone();
        bench.converge(&address, &id).await;
    }
    let gone = auto_role();
    assert_eq!(
        bench.differences().await,
        [format!("{gone} unasked")].into()
    );
    bench.ask(&on);
    for address in [control_role(), control_plane()] {
        let id = bench.recorded[&address].id.clone();
        bench.converge(&address, &id).await;
    }
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn addons_without_nodes_to_run_on_are_no_failure() {
    let nodes = CLUSTER.find("[cluster.node_groups").unwrap();
    let text = format!("{}{PARTS}", &CLUSTER[..nodes]);
    let mut bench = Bench::new(&text);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn an_addon_or_a_version_that_eks_does_not_have_is_a_problem_before_the_first_change() {
    let text = with("[cluster.addons.cordns]\n[cluster.addons.vpc-cni]\nversion = \"v0\"\n");
    let bench = Bench::new(&text);
    let inventory = Inventory::sweep(&bench.cloud, &bench.wanted()).await;
    let mut told = Vec::new();
    for name in ["cordns", "vpc-cni"] {
        let desired = &bench.desired[&addon(name)];
        let problems = Addon
            .check(&bench.cloud, &inventory, desired)
            .await
            .unwrap();
        told.extend(problems.into_iter().map(|problem| problem.message));
    }
    let versions = "v1.20.4-eksbuild.2, v1.20.3-eksbuild.1";
    let expected = [
        "EKS has no add-on cordns".to_owned(),
        format!("EKS has no vpc-cni v0; it has {versions}"),
    ];
    assert_eq!(told, expected);
}

/// The log group is there before EKS would make one that keeps everything for ever, and goes after the cluster.
#[tokio::test(start_paused = true)]
async fn logs_are_kept_as_long_as_the_file_says() {
    let text = CLUSTER.replace(
        "\"ms\"",
        "\"ms\"\nlogging = [\"api\"]\nlog_retention_days = 7",
    );
    let mut bench = Bench::new(&text);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let logs = log_group();
    bench.edits(&logs, "retention_days", json!(0)).await;
    let tags = bench.one_more_tag(&logs);
    bench.edits(&logs, "tags", tags).await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
    let left = bench
        .cloud
        .aws
        .logs
        .describe_log_groups()
        .send()
        .await
        .unwrap();
    assert_eq!(left.log_groups(), []);
}

/// What EKS made for our cluster before the file said anything of it is ours to keep in line.
#[tokio::test(start_paused = true)]
async fn a_log_group_that_eks_made_for_our_cluster_is_ours() {
    let text = CLUSTER.replace("\"ms\"", "\"ms\"\nlogging = [\"api\"]");
    let mut bench = Bench::new(&text);
    let desired = bench.desired.remove(&log_group()).unwrap();
    for known in bench.desired.values_mut() {
        known.depends_on.remove(&log_group());
    }
    bench.up().await;
    bench.desired.insert(log_group(), desired);
    let found = bench.observe().await;
    let found = found.iter().find(|found| found.address == log_group());
    assert_eq!(found.map(|found| &found.owner), Some(&Owner::Ours));
}

#[tokio::test(start_paused = true)]
async fn a_version_beyond_the_next_is_a_problem_that_names_the_next() {
    let asks =
        |version: &str| CLUSTER.replace("\"ms\"", &format!("\"ms\"\nversion = \"{version}\""));
    let mut bench = Bench::new(&asks("1.32"));
    bench.up().await;
    bench.ask(&asks("1.34"));
    let inventory = Inventory::sweep(&bench.cloud, &bench.wanted()).await;
    let desired = &bench.desired[&control_plane()];
    let problems = ControlPlane
        .check(&bench.cloud, &inventory, desired)
        .await
        .unwrap();
    let told: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    let expected =
        "EKS goes up one minor version at a time: 1.33 is the next, and 1.34 is asked for";
    assert_eq!(told, [expected]);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_takes_control_plane_addons_and_nodes_along() {
    let bench = Bench::new(CLUSTER);
    let call = bench
        .cloud
        .aws
        .eks
        .describe_cluster_versions()
        .send()
        .await
        .unwrap();
    let known = call.cluster_versions.unwrap_or_default();
    let mut known: Vec<String> = known
        .iter()
        .filter_map(|v| v.cluster_version.clone())
        .collect();
    known.sort_by_key(|version| version.split_once('.').unwrap().1.parse::<u32>().unwrap());
    let (oldest, later) = (&known[2], &known[3]);
    let asks = |version: &str| {
        CLUSTER.replace("\"ms\"", &format!("\"ms\"\nversion = \"{version}\""))
            + "[cluster.addons.kube-proxy]\n"
    };
    let mut bench = Bench::new(&asks(oldest));
    bench.up().await;
    bench.ask(&asks(later));
    let (groups, proxy) = (node_group("default"), addon("kube-proxy"));
    let expected = [control_plane(), groups.clone()].map(|address| format!("{address} version"));
    assert_eq!(bench.differences().await, expected.into());
    let order = bench.order();
    let place = |address: &Address| order.iter().position(|one| one == address);
    assert!(place(&control_plane()) < place(&proxy) && place(&proxy) < place(&groups));
    for address in [control_plane(), proxy, groups] {
        let id = bench.recorded[&address].id.clone();
        bench.converge(&address, &id).await;
        let version = &bench.recorded[&address].outputs["version"];
        assert!(
            version.trim_start_matches('v').starts_with(later.as_str()),
            "{version}"
        );
    }
    assert_eq!(bench.differences().await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_that_name_that_is_not_ours_is_seen_as_such() {
    let mut bench = Bench::new(CLUSTER);
    bench.up().await;
    bench.recorded.clear();
    bench.ownership.environment = "other".to_owned();
    bench.ownership.lineage = "6d3f0c1e-0000-4000-8000-000000000002".to_owned();
    let found = bench.observe().await;
    let names: BTreeSet<&str> = found.iter().map(|found| found.kind).collect();
    assert_eq!(
        names,
        ["cluster.control-plane", "cluster.node-group", "iam.role"].into()
    );
    assert!(
        found
            .iter()
            .all(|found| matches!(found.owner, Owner::Other { .. }))
    );
}
