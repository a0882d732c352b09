//! Databases in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::resources::testing::Bench;
use crate::resources::{Kind, inventory::Inventory, network, subnet_group::subnet_group};

const DATABASE: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
zones = 3
nat = "none"
[secrets.db]
value = { env = "PASSWORD" }
[databases.flights]
engine = "postgres"
version = "16"
class = "db.t3.micro"
storage_gib = 20
database = "flights"
username = "flights"
password = { secret = "db" }
final_snapshot = false
deletion_protection = false
"#;

#[tokio::test(start_paused = true)]
async fn a_database_goes_up_and_comes_down_to_nothing() {
    let mut bench = Bench::new(DATABASE);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let outputs = &bench.recorded[&instance("flights")].outputs;
    assert_eq!(outputs["port"], "5432");
    assert!(outputs["endpoint"].contains(".us-east-1.rds."));
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_field_that_rds_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(DATABASE);
    bench.up().await;
    let database = instance("flights");
    bench.edits(&database, "class", json!("db.t3.small")).await;
    bench.edits(&database, "multi_az", json!(true)).await;
    bench
        .edits(&database, "backup_retention_days", json!(9))
        .await;
    bench
        .edits(&database, "deletion_protection", json!(true))
        .await;
    bench
        .edits(&database, "publicly_accessible", json!(true))
        .await;
    let default = bench.default_group().await;
    bench
        .edits(&database, "security_groups", json!([default]))
        .await;
    let tags = bench.one_more_tag(&database);
    bench.edits(&database, "tags", tags).await;
    let group = subnet_group(&["database", "flights"]);
    let two = ["a", "b"].map(|zone| network::subnet(&format!("private-{zone}")));
    let two = two.map(|subnet| bench.recorded[&subnet].id.clone());
    bench.edits(&group, "subnets", json!(two)).await;
    bench
        .edits(&group, "description", json!("Something else"))
        .await;
    let tags = bench.one_more_tag(&group);
    bench.edits(&group, "tags", tags).await;
}

#[tokio::test(start_paused = true)]
async fn storage_grows_and_is_told_that_it_cannot_shrink() {
    let mut bench = Bench::new(DATABASE);
    bench.up().await;
    bench.ask(&DATABASE.replace("storage_gib = 20", "storage_gib = 30"));
    let database = instance("flights");
    let id = bench.recorded[&database].id.clone();
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{database} storage_gib")])
    );
    bench.converge(&database, &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.ask(DATABASE);
    let messages = problems(&bench).await;
    assert_eq!(
        messages,
        ["RDS never shrinks storage: it is 30 GiB now, and 20 GiB are asked for"]
    );
}

async fn problems(bench: &Bench) -> Vec<String> {
    let wanted = bench.wanted();
    let inventory = Inventory::sweep(&bench.cloud, &wanted).await;
    let desired = &bench.desired[&instance("flights")];
    let problems = Instance
        .check(&bench.cloud, &inventory, desired)
        .await
        .unwrap();
    problems
        .into_iter()
        .map(|problem| problem.message)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn versions_and_classes_that_rds_does_not_have_are_problems() {
    let bench = Bench::new(DATABASE);
    assert_eq!(problems(&bench).await, Vec::<String>::new());
    let bench = Bench::new(&DATABASE.replace("version = \"16\"", "version = \"16.99\""));
    let messages = problems(&bench).await;
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].starts_with("RDS has no postgres 16.99; it has "),
        "{}",
        messages[0]
    );
    let bench = Bench::new(&DATABASE.replace("db.t3.micro", "db.x9.huge"));
    let messages = problems(&bench).await;
    assert_eq!(
        messages,
        ["RDS offers no postgres on db.x9.huge in this region"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_version_of_the_secret_becomes_the_password() {
    let mut bench = Bench::new(DATABASE);
    bench.up().await;
    let database = instance("flights");
    let secret = Address::of(&["secret", "db"]);
    let before = bench.recorded[&secret].outputs["version"].clone();
    let name = bench.recorded[&secret].id.clone();
    bench.variables.insert(
        "PASSWORD".to_owned(),
        crate::sensitive::Sensitive::new("battery-staple"),
    );
    bench.converge(&secret, &name).await;
    assert_ne!(bench.recorded[&secret].outputs["version"], before);
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{database} password")])
    );
    let id = bench.recorded[&database].id.clone();
    bench.converge(&database, &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    assert!(
        !format!("{:?}", bench.recorded).contains("staple"),
        "no secret is recorded"
    );
}

#[tokio::test(start_paused = true)]
async fn a_protected_database_is_not_deleted_and_says_why() {
    let text = DATABASE.replace("deletion_protection = false", "deletion_protection = true");
    let mut bench = Bench::new(&text);
    bench.up().await;
    let delete = bench.cloud.aws.rds.delete_db_instance();
    let id = bench.recorded[&instance("flights")].id.clone();
    let fault = delete
        .db_instance_identifier(id)
        .skip_final_snapshot(true)
        .send()
        .await;
    let fault = fault.map_err(fault_of).unwrap_err();
    assert_eq!(fault.class, crate::cloud::Class::Stop);
    assert!(fault.message.contains("protect"), "{fault}");
}

fn fault_of<E>(
    error: aws_smithy_runtime_api::client::result::SdkError<
        E,
        aws_smithy_runtime_api::client::orchestrator::HttpResponse,
    >,
) -> Fault
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata
        + std::error::Error
        + Send
        + Sync
        + 'static,
{
    fault("rds", "DeleteDBInstance")(error)
}

#[tokio::test(start_paused = true)]
async fn a_final_snapshot_is_taken_where_the_file_asks_for_it() {
    let text = DATABASE.replace("final_snapshot = false", "final_snapshot = true");
    let mut bench = Bench::new(&text);
    bench.up().await;
    bench.remove(&instance("flights")).await;
    let snapshots = bench
        .cloud
        .aws
        .rds
        .describe_db_snapshots()
        .send()
        .await
        .unwrap();
    let snapshots = snapshots.db_snapshots.unwrap_or_default();
    assert_eq!(snapshots.len(), 1);
    let name = snapshots[0].db_snapshot_identifier().unwrap();
    assert!(name.starts_with("demo-flights-final-"), "{name}");
}
