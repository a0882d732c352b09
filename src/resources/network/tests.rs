//! Networks in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{SecurityGroupRuleRequest, SecurityGroupRuleUpdate};
use serde_json::json;

use super::*;
use crate::cloud::Class;
use crate::resources::cluster::control_plane;
use crate::resources::testing::Bench;
use crate::resources::{Condition, Owner, TAG_ENVIRONMENT, TAG_LINEAGE};

const STAGING: &str = r#"
[environment]
name = "staging"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.10.0.0/16"
zones = 2
nat = "per-zone"
"#;

#[tokio::test(start_paused = true)]
async fn a_network_goes_up_and_comes_down_to_nothing() {
    let mut bench = Bench::new(STAGING);
    let (empty, gone) = (bench.observe().await, BTreeSet::new());
    assert_eq!(empty, []);
    let missing = bench.differences().await;
    assert_eq!(missing.len(), bench.desired.len());
    assert!(missing.contains("network.vpc missing"));
    bench.up().await;
    assert_eq!(bench.differences().await, gone);
    let kinds: Vec<&str> = bench.desired.values().map(|desired| desired.kind).collect();
    let count = |kind: &str| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!(count("network.subnet"), 4);
    assert_eq!(count("network.nat-gateway"), 2);
    assert_eq!(count("network.address"), 2);
    assert_eq!(count("network.route-table"), 3);
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn every_field_that_ec2_changes_in_place_is_changed_and_seen() {
    let mut bench = Bench::new(STAGING);
    bench.up().await;
    bench.edits(&vpc(), "dns_hostnames", json!(false)).await;
    let both = ["dns_support", "dns_hostnames"];
    let expected = both.map(|field| format!("{} {field}", vpc())).into();
    let off = both.map(|field| (field, json!(false)));
    bench.edits_with(&vpc(), &off, &expected).await;
    bench
        .edits(&subnet("public-a"), "map_public_ip", json!(true))
        .await;
    let moved = json!([{"to": "10.99.0.0/16", "via": bench.recorded[&internet_gateway()].id}]);
    bench.edits(&route_table("public"), "routes", moved).await;
    let nat = &bench.recorded[&nat_gateway("b")].id;
    let other_way = json!([{"to": "0.0.0.0/0", "via": nat}]);
    bench
        .edits(&route_table("private-a"), "routes", other_way)
        .await;
    bench
        .edits(&route_table("private-a"), "routes", json!([]))
        .await;
    bench
        .edits(&route_table("private-a"), "subnets", json!([]))
        .await;
    for address in [
        vpc(),
        subnet("private-b"),
        internet_gateway(),
        elastic_ip("a"),
        nat_gateway("a"),
        route_table("public"),
    ] {
        let tags = bench.one_more_tag(&address);
        bench.edits(&address, "tags", tags).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_subnet_moves_from_one_table_to_another() {
    let mut bench = Bench::new(STAGING);
    bench.up().await;
    let table = route_table("private-a");
    let both = json!([
        bench.recorded[&subnet("private-a")].id,
        bench.recorded[&subnet("private-b")].id
    ]);
    let id = bench.recorded[&table].id.clone();
    let mut desired = bench.desired[&table].clone();
    desired.fields.insert("subnets".into(), both);
    bench.desired.insert(table.clone(), desired);
    bench.converge(&table, &id).await;
    let lost = format!("{} subnets", route_table("private-b"));
    assert_eq!(bench.differences().await, BTreeSet::from([lost]));
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_or_detached_behind_our_back_is_missed() {
    let mut bench = Bench::new(STAGING);
    bench.up().await;
    let id = |address: &Address| bench.recorded[address].id.clone();
    let (gateway, network) = (id(&internet_gateway()), id(&vpc()));
    let (nat, ip) = (id(&nat_gateway("a")), id(&elastic_ip("a")));
    let other_nat = id(&nat_gateway("b"));
    let ec2 = &bench.cloud.aws.ec2;
    for nat in [&nat, &other_nat] {
        ec2.delete_nat_gateway()
            .nat_gateway_id(nat)
            .send()
            .await
            .unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_secs(120)).await;
    ec2.release_address()
        .allocation_id(&ip)
        .send()
        .await
        .unwrap();
    let detach = ec2.detach_internet_gateway().internet_gateway_id(&gateway);
    detach.vpc_id(&network).send().await.unwrap();
    let expected = [
        "network.nat-gateway.a missing",
        "network.nat-gateway.b missing",
        "network.address.a missing",
        "network.internet-gateway vpc",
    ];
    assert_eq!(
        bench.differences().await,
        expected.map(str::to_owned).into()
    );
    bench.converge(&internet_gateway(), &gateway).await;
    assert_eq!(bench.differences().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn tags_that_somebody_took_away_are_a_difference_and_not_an_absence() {
    let mut bench = Bench::new(STAGING);
    bench.up().await;
    let id = bench.recorded[&vpc()].id.clone();
    let tag = |key: &str| aws_sdk_ec2::types::Tag::builder().key(key).build();
    let untag = bench.cloud.aws.ec2.delete_tags().resources(&id);
    untag
        .tags(tag(TAG_ENVIRONMENT))
        .tags(tag("Name"))
        .send()
        .await
        .unwrap();
    let expected = BTreeSet::from(["network.vpc tags".to_owned()]);
    assert_eq!(bench.differences().await, expected);
    bench.converge(&vpc(), &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn another_lineages_network_is_seen_and_is_not_ours() {
    let mut bench = Bench::new(STAGING);
    bench.up().await;
    bench.recorded.clear();
    bench.ownership.lineage = "6d3f0c1e-0000-4000-8000-000000000002".to_owned();
    let found = bench.observe().await;
    assert_eq!(found.len(), bench.desired.len());
    let lineage = Some("6d3f0c1e-0000-4000-8000-000000000001".to_owned());
    assert!(found.iter().all(|found| found.owner
        == Owner::Other {
            lineage: lineage.clone()
        }));
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_name_is_taken_is_refused_unless_it_is_ours() {
    let text = format!(
        "{STAGING}\n[caches.sessions]\nengine = \"redis\"\nversion = \"7.0\"\nnode_type = \"cache.t4g.micro\"\n"
    );
    let mut bench = Bench::new(&text);
    bench.make(&vpc()).await;
    let group = security_group(&["cache", "sessions"]);
    let first = bench.create(&group).await.unwrap();
    let again = bench.create(&group).await.unwrap();
    assert_eq!(first, again, "a create whose reply was lost made it");
    let tag = aws_sdk_ec2::types::Tag::builder()
        .key(TAG_LINEAGE)
        .value("other");
    let retag = bench.cloud.aws.ec2.create_tags().resources(&first);
    retag.tags(tag.build()).send().await.unwrap();
    let fault = bench.create(&group).await.unwrap_err();
    assert_eq!(
        (fault.code.as_str(), fault.class),
        ("InvalidGroup.Duplicate", Class::Exists)
    );
}

#[tokio::test(start_paused = true)]
async fn rules_are_exactly_those_of_the_file() {
    let text = format!(
        "{STAGING}\n[caches.sessions]\nengine = \"redis\"\nversion = \"7.0\"\nnode_type = \"cache.t4g.micro\"\n\
         allow = [\"10.10.0.0/16\"]\n"
    );
    let mut bench = Bench::new(&text);
    bench.make(&vpc()).await;
    let group = security_group(&["cache", "sessions"]);
    bench
        .desired
        .retain(|address, _| *address == vpc() || *address == group);
    bench.make(&group).await;
    assert_eq!(
        bench.differences().await,
        BTreeSet::new(),
        "the way out that EC2 gives is closed"
    );
    let rule =
        |port: u16, peer: &str| json!({"protocol": "tcp", "from": port, "to": port, "peer": peer});
    bench
        .edits(
            &group,
            "ingress",
            json!([rule(22, "0.0.0.0/0"), rule(6379, "10.10.0.0/16")]),
        )
        .await;
    bench.edits(&group, "ingress", json!([])).await;
    bench
        .edits(
            &group,
            "egress",
            json!([{"protocol": "-1", "peer": "0.0.0.0/0"}]),
        )
        .await;
    let tags = bench.one_more_tag(&group);
    bench.edits(&group, "tags", tags).await;
}

#[tokio::test(start_paused = true)]
async fn a_nat_gateway_that_cannot_work_has_failed_and_says_why() {
    let mut bench = Bench::new(STAGING);
    for address in [vpc(), subnet("public-a"), elastic_ip("a")] {
        bench.make(&address).await;
    }
    let id = bench.create(&nat_gateway("a")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let found = bench.observe().await;
    let found = found.iter().find(|found| found.id == id).unwrap();
    let Condition::Failed(why) = &found.condition else {
        panic!("it is {:?}", found.condition);
    };
    assert!(why.starts_with("Gateway.NotAttached: "), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_a_resource_is_no_difference_of_its_group() {
    let text = format!(
        "{STAGING}\n[caches.sessions]\nengine = \"redis\"\nversion = \"7.0\"\nnode_type = \"cache.t4g.micro\"\n\
         [cluster]\nname = \"ms\"\n[cluster.node_groups.default]\n"
    );
    let mut bench = Bench::new(&text);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let access = Address::of(&["cache", "sessions", "access"]);
    let rule = bench.recorded[&access].clone();
    let fields = &bench.recorded[&control_plane()].outputs;
    assert_eq!(
        rule.fields["source"],
        json!(fields["cluster_security_group"])
    );
    // Somebody opens the port below, too: the rule is another one now.
    let group = rule.fields["group"].as_str().unwrap();
    let ec2 = &bench.cloud.aws.ec2;
    let listed = ec2
        .describe_security_group_rules()
        .filters(filter("group-id", [group]));
    let listed = listed.send().await.unwrap();
    let id = listed.security_group_rules()[0]
        .security_group_rule_id()
        .unwrap();
    let wider = SecurityGroupRuleRequest::builder()
        .ip_protocol("tcp")
        .from_port(6378)
        .to_port(6379)
        .referenced_group_id(rule.fields["source"].as_str().unwrap())
        .description(listed.security_group_rules()[0].description().unwrap())
        .build();
    let update = SecurityGroupRuleUpdate::builder().security_group_rule_id(id);
    let modify = ec2.modify_security_group_rules().group_id(group);
    let update = update.security_group_rule(wider).build();
    modify.security_group_rules(update).send().await.unwrap();
    let expected = BTreeSet::from([format!("{access} from")]);
    assert_eq!(bench.differences().await, expected);
    bench.remove(&access).await;
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{access} missing")])
    );
    bench.make(&access).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
}
