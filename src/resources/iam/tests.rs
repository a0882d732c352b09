//! Groups and policies in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::address::Address;
use crate::cloud::Class;
use crate::resources::inventory::Inventory;
use crate::resources::testing::Bench;
use crate::resources::{Desired, Kind, Observed};

const GROUPS: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[iam.groups.DB-Ops]
policies = ["AmazonRDSFullAccess", "AmazonElastiCacheFullAccess"]
members = ["ops-account"]
"#;

const RDS: &str = "arn:aws:iam::aws:policy/AmazonRDSFullAccess";

fn group() -> Address {
    Address::of(&["iam", "group", "DB-Ops"])
}

/// A policy of ours beside the group, which has it.
fn with_policy(bench: &mut Bench) -> Address {
    let address = policy::address("db-ops");
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"},
    ]});
    let tags = bench.ownership.named(&address, "db-ops");
    let spec = json!({"document": document, "tags": tags});
    let own = Desired::new("iam.policy", address.clone(), "db-ops", &spec);
    bench.desired.insert(address.clone(), own);
    let arn = format!(
        "arn:aws:iam::123456789012:policy{}db-ops",
        path(&bench.ownership)
    );
    let group = bench
        .desired
        .remove(&group())
        .unwrap()
        .after(address.clone());
    let mut fields = group.fields.clone();
    fields.insert("policies".to_owned(), json!([arn, RDS]));
    bench
        .desired
        .insert(group.address.clone(), Desired { fields, ..group });
    address
}

async fn problems(bench: &Bench) -> Vec<String> {
    let inventory = Inventory::sweep(&bench.cloud, &bench.wanted()).await;
    let desired = &bench.desired[&group()];
    let found = IamGroup.check(&bench.cloud, &inventory, desired).await;
    found
        .unwrap()
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_group_goes_up_and_comes_down_to_nothing() {
    let mut bench = Bench::new(GROUPS);
    assert_eq!(problems(&bench).await, Vec::<String>::new());
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn policies_and_members_are_exactly_those_of_the_file() {
    let mut bench = Bench::new(GROUPS);
    bench.up().await;
    bench.edits(&group(), "policies", json!([RDS])).await;
    bench.edits(&group(), "policies", json!([])).await;
    bench.edits(&group(), "members", json!([])).await;
}

#[tokio::test(start_paused = true)]
async fn a_member_or_policy_that_does_not_exist_is_a_problem_that_names_it() {
    let text = GROUPS
        .replace("ops-account", "nobody")
        .replace("AmazonRDSFullAccess", "arn:aws:iam::aws:policy/NoSuchThing");
    let found = problems(&Bench::new(&text)).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("no user `nobody`"), "{found:?}");
    assert!(found[1].contains("policy/NoSuchThing"), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_ours_lives_and_goes_with_its_group() {
    let mut bench = Bench::new(GROUPS);
    let own = with_policy(&mut bench);
    assert_eq!(problems(&bench).await, Vec::<String>::new());
    bench.up().await;
    let statement = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": "*"},
        ]})
    };
    // More often than IAM keeps versions.
    for action in ["rds:*", "rds:Create*", "rds:Delete*"] {
        bench.edits(&own, "document", statement(action)).await;
    }
    let tags = bench.one_more_tag(&own);
    bench.edits(&own, "tags", tags).await;
    // Deleting the policy first takes it off our group.
    bench.remove(&own).await;
    let missing = [format!("{own} missing"), format!("{} policies", group())];
    assert_eq!(bench.differences().await, BTreeSet::from(missing));
    bench.make(&own).await;
    let id = bench.recorded[&group()].id.clone();
    bench.converge(&group(), &id).await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn anothers_group_of_our_name_is_seen_as_anothers() {
    let bench = Bench::new(GROUPS);
    let call = bench.cloud.aws.iam.create_group().group_name("DB-Ops");
    let foreign = "/groundwork/demo/us-east-1/their-lineage/";
    call.path(foreign).send().await.unwrap();
    let found: Vec<Observed> = bench.observe().await;
    assert_eq!(found.len(), 1);
    let lineage = Some("their-lineage".to_owned());
    assert_eq!(found[0].owner, Owner::Other { lineage });
    let refused = bench.create(&group()).await.unwrap_err();
    assert_eq!(refused.class, Class::Exists);
}

#[test]
fn only_our_own_path_makes_an_entity_ours() {
    let ours = Ownership {
        environment: "staging".into(),
        region: "us-east-1".into(),
        lineage: "l-1".into(),
        expires: None,
        owner: None,
    };
    assert_eq!(path(&ours), "/groundwork/staging/us-east-1/l-1/");
    assert_eq!(owner(&ours, &path(&ours)), Owner::Ours);
    let other = |path: &str| match owner(&ours, path) {
        Owner::Other { lineage } => lineage,
        Owner::Ours => panic!("{path} is not ours"),
    };
    assert_eq!(
        other("/groundwork/staging/us-east-1/l-2/").as_deref(),
        Some("l-2")
    );
    assert_eq!(other("/"), None);
    assert_eq!(other("/teams/ops/"), None);
}

/// FACTS §2: one policy is all that EKS needs.
#[test]
fn the_control_plane_may_do_what_eks_needs_and_what_the_file_adds() {
    let policies = |more: &str| {
        let cluster = format!(
            "{GROUPS}[network]\ncidr = \"10.0.0.0/16\"\nzones = 2\n[cluster]\n{more}\n[cluster.node_groups.default]\n"
        );
        let bench = Bench::new(&cluster);
        let role = &bench.desired[&crate::resources::cluster::control_role()];
        role.fields["policies"].clone()
    };
    let arn = |name: &str| format!("arn:aws:iam::aws:policy/{name}");
    assert_eq!(policies(""), json!([arn("AmazonEKSClusterPolicy")]));
    let both = json!([arn("AmazonEKSClusterPolicy"), arn("AmazonEKSServicePolicy")]);
    let asked = policies("control_policies = [\"AmazonEKSServicePolicy\"]");
    assert_eq!(asked, both);
}
