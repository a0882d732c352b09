//! The private zone in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
};
use serde_json::json;

use crate::address::Address;
use crate::cloud::Class;
use crate::resources::testing::Bench;
use crate::resources::{Kind, Order, network};

use super::DnsZone;

const ZONE: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
zones = 2
nat = "none"
private_zone = "demo.example.com"
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
dns = "rds"
final_snapshot = false
"#;

fn zone() -> Address {
    super::zone::address()
}

fn record() -> Address {
    Address::of(&["database", "flights", "record"])
}

async fn put(bench: &Bench, action: ChangeAction, name: &str) {
    let value = ResourceRecord::builder().value("10.0.0.1").build().unwrap();
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::A)
        .ttl(60)
        .resource_records(value)
        .build()
        .unwrap();
    let change = Change::builder()
        .action(action)
        .resource_record_set(set)
        .build()
        .unwrap();
    let batch = ChangeBatch::builder().changes(change).build().unwrap();
    let call = bench.cloud.aws.route53.change_resource_record_sets();
    let id = &bench.recorded[&zone()].id;
    call.hosted_zone_id(id)
        .change_batch(batch)
        .send()
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn zone_and_record_go_up_and_come_down_to_nothing() {
    let mut bench = Bench::new(ZONE);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let fields = bench.fields(&record());
    let endpoint =
        &bench.recorded[&Address::of(&["database", "flights", "instance"])].outputs["endpoint"];
    assert_eq!(fields["values"], json!([endpoint]));
    assert_eq!(fields["domain"], "rds.demo.example.com");
    // Also without the state: by name, and by the text that the zone was made with.
    let recorded = std::mem::take(&mut bench.recorded);
    assert!(
        bench
            .observe()
            .await
            .iter()
            .any(|found| found.address == zone())
    );
    bench.recorded = recorded;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_field_that_route_53_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(ZONE);
    bench.up().await;
    bench
        .edits(&zone(), "comment", json!("something else"))
        .await;
    let tags = bench.one_more_tag(&zone());
    bench.edits(&zone(), "tags", tags).await;
    let ec2 = &bench.cloud.aws.ec2;
    let other = ec2
        .create_vpc()
        .cidr_block("10.9.0.0/16")
        .send()
        .await
        .unwrap();
    let other = other.vpc().and_then(|vpc| vpc.vpc_id()).unwrap().to_owned();
    let own = bench.recorded[&network::vpc()].id.clone();
    bench.edits(&zone(), "vpcs", json!([own, other])).await;
    bench.edits(&zone(), "vpcs", json!([other])).await;
    bench.edits(&record(), "ttl", json!(60)).await;
    bench
        .edits(&record(), "values", json!(["elsewhere.example.com"]))
        .await;
}

#[tokio::test(start_paused = true)]
async fn foreign_records_stay_and_stop_the_zone_by_name() {
    let mut bench = Bench::new(ZONE);
    bench.up().await;
    put(&bench, ChangeAction::Create, "theirs.demo.example.com").await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.remove(&record()).await;
    let recorded = bench.recorded[&zone()].clone();
    let address = zone();
    let order = Order {
        address: &address,
        name: &recorded.name,
        wanted: bench.wanted(),
        fields: &recorded.fields,
        token: "00000000-0000-4000-8000-000000000000",
        variables: &bench.variables,
        cluster: None,
    };
    let refused = DnsZone.delete(&bench.cloud, &order, &recorded.id).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.class, Class::Stop);
    assert!(
        refused.message.contains("theirs.demo.example.com A"),
        "{refused}"
    );
    put(&bench, ChangeAction::Delete, "theirs.demo.example.com").await;
    bench.down().await;
}

#[tokio::test(start_paused = true)]
async fn a_zone_whose_creation_was_not_heard_of_is_taken_up() {
    let mut bench = Bench::new(ZONE);
    bench.desired.remove(&record());
    let vpc = network::vpc();
    bench.make(&vpc).await;
    let first = bench.create(&zone()).await.unwrap();
    // Not tagged yet, and recognised all the same.
    let found = bench.observe().await;
    assert!(found.iter().any(|found| found.is_ours_at(&zone())));
    assert_eq!(bench.create(&zone()).await.unwrap(), first);
}
