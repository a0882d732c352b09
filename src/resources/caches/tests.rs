//! Caches in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::cloud::Class;
use crate::resources::testing::Bench;
use crate::resources::{
    Condition, Kind, Owner, inventory::Inventory, network, subnet_group::subnet_group,
};

const CACHE: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
zones = 2
nat = "none"
[caches.sessions]
engine = "redis"
version = "7.0"
node_type = "cache.t4g.micro"
nodes = 1
"#;

#[tokio::test(start_paused = true)]
async fn a_cache_goes_up_and_comes_down_to_nothing() {
    let mut bench = Bench::new(CACHE);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let outputs = &bench.recorded[&replication_group("sessions")].outputs;
    assert_eq!(outputs["port"], "6379");
    assert!(outputs.contains_key("endpoint"));
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_field_that_elasticache_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(CACHE);
    bench.up().await;
    let cache = replication_group("sessions");
    bench
        .edits(&cache, "node_type", json!("cache.t4g.small"))
        .await;
    bench
        .edits(&cache, "description", json!("Something else"))
        .await;
    let more = [
        ("nodes", json!(3)),
        ("automatic_failover", json!(true)),
        ("multi_az", json!(true)),
    ];
    let expected = more
        .clone()
        .map(|(field, _)| format!("{cache} {field}"))
        .into();
    bench.edits_with(&cache, &more, &expected).await;
    let default = bench.default_group().await;
    bench
        .edits(&cache, "security_groups", json!([default]))
        .await;
    let tags = bench.one_more_tag(&cache);
    bench.edits(&cache, "tags", tags).await;
    let group = subnet_group(&["cache", "sessions"]);
    let one = json!([bench.recorded[&network::subnet("private-a")].id]);
    bench.edits(&group, "subnets", one).await;
    bench
        .edits(&group, "description", json!("Something else"))
        .await;
    let tags = bench.one_more_tag(&group);
    bench.edits(&group, "tags", tags).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_version_is_an_upgrade_and_an_older_one_a_problem() {
    let mut bench = Bench::new(CACHE);
    bench.up().await;
    let cache = replication_group("sessions");
    bench.ask(&CACHE.replace("version = \"7.0\"", "version = \"7.1\""));
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{cache} version")])
    );
    let id = bench.recorded[&cache].id.clone();
    bench.converge(&cache, &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let problems = |bench: Bench| async move {
        let wanted = bench.wanted();
        let inventory = Inventory::sweep(&bench.cloud, &wanted).await;
        let desired = &bench.desired[&replication_group("sessions")];
        let found = ReplicationGroup
            .check(&bench.cloud, &inventory, desired)
            .await
            .unwrap();
        found
            .into_iter()
            .map(|problem| problem.message)
            .collect::<Vec<_>>()
    };
    bench.ask(CACHE);
    let found = problems(bench).await;
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("ElastiCache never goes back to an older redis"),
        "{}",
        found[0]
    );
    let unknown = CACHE.replace("version = \"7.0\"", "version = \"5.9\"");
    let found = problems(Bench::new(&unknown)).await;
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("ElastiCache has no redis 5.9; it has "),
        "{}",
        found[0]
    );
}

/// While a group is not available ElastiCache does not tell its tags.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_made_is_ours_only_where_the_state_knows_its_id() {
    let mut bench = Bench::new(CACHE);
    bench.late(&["GetResources"]);
    bench.observe().await;
    let cache = replication_group("sessions");
    for address in bench.order() {
        if address != cache {
            bench.make(&address).await;
        }
    }
    let id = bench.create(&cache).await.unwrap();
    let seen = async |bench: &Bench| {
        let found = bench.observe().await;
        found.into_iter().find(|found| found.address == cache)
    };
    bench.leave_open(&cache, Some(&id));
    let begun = tokio::time::Instant::now();
    let found = seen(&bench).await.expect("it is seen");
    assert!(
        begun.elapsed().as_secs() < 10,
        "nothing had to be waited for"
    );
    assert_eq!(found.condition, Condition::Settling("creating".to_owned()));
    assert_eq!(found.owner, Owner::Ours);
    assert_eq!(found.fields["tags"], bench.desired[&cache].fields["tags"]);
    // Nobody knows whose it is before its tags are told.
    bench.leave_open(&cache, None);
    let found = seen(&bench).await.expect("it is seen");
    assert!(
        begun.elapsed().as_secs() > 300,
        "its tags are told once it is available"
    );
    assert_eq!(found.owner, Owner::Ours);
    bench.open.clear();
    bench.converge(&cache, &id).await;
    // Its tags are told neither while it is changed nor while it goes.
    bench
        .desired
        .get_mut(&cache)
        .unwrap()
        .fields
        .insert("description".to_owned(), json!("another"));
    bench.update(&cache).await.unwrap();
    let found = seen(&bench).await.expect("it is seen");
    assert_eq!(found.owner, Owner::Ours);
}

#[tokio::test(start_paused = true)]
async fn anothers_group_of_our_name_is_never_taken_for_ours() {
    let mut bench = Bench::new(CACHE);
    let cache = replication_group("sessions");
    for address in bench.order() {
        if address != cache {
            bench.make(&address).await;
        }
    }
    let name = bench.desired[&cache].name.clone();
    let theirs = bench.cloud.aws.elasticache.create_replication_group();
    let theirs = theirs.replication_group_id(&name);
    let theirs = theirs.replication_group_description("theirs");
    let theirs = theirs.engine("redis").cache_node_type("cache.t4g.micro");
    let subnets = &bench.recorded[&subnet_group(&["cache", "sessions"])].id;
    let theirs = theirs.cache_subnet_group_name(subnets);
    theirs.num_cache_clusters(1).send().await.unwrap();
    bench.leave_open(&cache, None);
    assert_eq!(bench.create(&cache).await.unwrap_err().class, Class::Exists);
    let found = bench.observe().await;
    let found = found.iter().find(|found| found.address == cache);
    assert_eq!(found.unwrap().owner, Owner::Other { lineage: None });
}
