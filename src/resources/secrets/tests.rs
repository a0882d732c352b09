//! Secrets in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use serde_json::json;

use crate::address::Address;
use crate::cloud::Class;
use crate::resources::testing::Bench;
use crate::resources::{Owner, Variables};
use crate::sensitive::Sensitive;

const SECRETS: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[secrets.given]
name = "demo/given"
description = "a given one"
value = { env = "PASSWORD" }
[secrets.made]
name = "demo/made"
value = { generate = { length = 24 } }
"#;

fn secret(key: &str) -> Address {
    Address::of(&["secret", key])
}

async fn value(bench: &Bench, name: &str) -> Sensitive {
    super::read_value(&bench.cloud, name).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn secrets_go_up_and_come_down_to_nothing() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    assert_eq!(
        value(&bench, "demo/given").await,
        Sensitive::new("correct-horse")
    );
    assert_eq!(value(&bench, "demo/made").await.expose().len(), 24);
    let shown = format!("{:?} {:?}", bench.recorded, bench.observe().await);
    assert!(!shown.contains("correct-horse"), "{shown}");
    assert!(
        !shown.contains(value(&bench, "demo/made").await.expose()),
        "{shown}"
    );
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_field_is_changed_and_seen() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    let given = secret("given");
    bench.edits(&given, "description", json!("another")).await;
    let tags = bench.one_more_tag(&given);
    bench.edits(&given, "tags", tags).await;
}

#[tokio::test(start_paused = true)]
async fn a_value_changed_on_either_side_is_seen_and_set() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    let given = secret("given");
    let id = bench.recorded[&given].id.clone();
    let differs = BTreeSet::from([format!("{given} value")]);
    bench
        .variables
        .insert("PASSWORD".into(), Sensitive::new("battery-staple"));
    assert_eq!(bench.differences().await, differs);
    bench.converge(&given, &id).await;
    assert_eq!(
        value(&bench, "demo/given").await,
        Sensitive::new("battery-staple")
    );
    let put = bench.cloud.aws.secrets.put_secret_value().secret_id(&id);
    put.secret_string("typed in a console")
        .send()
        .await
        .unwrap();
    assert_eq!(bench.differences().await, differs);
    bench.converge(&given, &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    // A command that does not need the variable compares nothing.
    bench.variables = Variables::new();
    assert_eq!(bench.differences().await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn a_made_up_value_is_never_made_again() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    let before = value(&bench, "demo/made").await;
    bench.ask(&SECRETS.replace("length = 24", "length = 40"));
    assert_eq!(bench.differences().await, BTreeSet::new());
    assert_eq!(value(&bench, "demo/made").await, before);
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_was_not_heard_of_is_taken_up() {
    let bench = Bench::new(SECRETS);
    let first = bench.create(&secret("made")).await.unwrap();
    let before = value(&bench, "demo/made").await;
    assert_eq!(bench.create(&secret("made")).await.unwrap(), first);
    assert_eq!(value(&bench, "demo/made").await, before);
}

#[tokio::test(start_paused = true)]
async fn one_of_ours_that_was_deleted_for_later_is_restored() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    let given = secret("given");
    let id = bench.recorded[&given].id.clone();
    let delete = bench.cloud.aws.secrets.delete_secret().secret_id(&id);
    delete.recovery_window_in_days(7).send().await.unwrap();
    let missing = BTreeSet::from([format!("{given} missing")]);
    assert_eq!(bench.differences().await, missing);
    bench
        .variables
        .insert("PASSWORD".into(), Sensitive::new("battery-staple"));
    bench.make(&given).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    assert_eq!(
        value(&bench, "demo/given").await,
        Sensitive::new("battery-staple")
    );
}

#[tokio::test(start_paused = true)]
async fn a_teardown_frees_the_name_of_one_that_was_deleted_for_later() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    let (given, made) = (secret("given"), secret("made"));
    for address in [&given, &made] {
        let delete = bench.cloud.aws.secrets.delete_secret();
        let delete = delete.secret_id(&bench.recorded[address].id);
        delete.recovery_window_in_days(7).send().await.unwrap();
    }
    bench.teardown = true;
    // One is known, the other neither to the file nor to the state any more.
    bench.desired.remove(&made);
    let forgotten = bench.recorded.remove(&made).unwrap();
    let found = bench.observe().await;
    let seen: BTreeSet<&Address> = found.iter().map(|found| &found.address).collect();
    assert_eq!(seen, BTreeSet::from([&given, &made]));
    assert!(found.iter().all(|found| found.owner == Owner::Ours));
    bench.recorded.insert(made.clone(), forgotten);
    for address in [given, made] {
        bench.remove(&address).await;
    }
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_set_free_is_waited_for() {
    let mut bench = Bench::new(SECRETS);
    bench.up().await;
    let given = secret("given");
    let id = bench.recorded[&given].id.clone();
    let delete = bench.cloud.aws.secrets.delete_secret().secret_id(&id);
    delete
        .force_delete_without_recovery(true)
        .send()
        .await
        .unwrap();
    let refused = bench.create(&given).await.unwrap_err();
    assert_eq!(refused.class, Class::Retry, "{refused}");
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_ne!(bench.create(&given).await.unwrap(), id);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_late_hides_nothing_and_shows_nothing_that_went() {
    let mut bench = Bench::new(SECRETS);
    bench.late(&["ListSecrets", "GetResources"]);
    assert_eq!(bench.observe().await, []);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.late(&["ListSecrets", "GetResources"]);
    bench.observe().await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
    bench.teardown = true;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn anothers_secret_of_our_name_is_neither_taken_nor_restored() {
    let bench = Bench::new(SECRETS);
    let secrets = &bench.cloud.aws.secrets;
    let theirs = secrets
        .create_secret()
        .name("demo/given")
        .secret_string("theirs");
    theirs.send().await.unwrap();
    let found = bench.observe().await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].owner, Owner::Other { lineage: None });
    let refused = bench.create(&secret("given")).await.unwrap_err();
    assert_eq!(refused.class, Class::Exists);
    let delete = secrets.delete_secret().secret_id("demo/given");
    delete.recovery_window_in_days(7).send().await.unwrap();
    let refused = bench.create(&secret("given")).await.unwrap_err();
    assert_eq!(refused.class, Class::Exists, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_variable_that_is_not_set_stops_the_creation() {
    let mut bench = Bench::new(SECRETS);
    bench.variables = Variables::new();
    let refused = bench.create(&secret("given")).await.unwrap_err();
    assert!(refused.message.contains("PASSWORD"), "{refused}");
    assert_eq!(bench.observe().await, []);
}
