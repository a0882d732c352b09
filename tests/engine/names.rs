//! Names of the load balancer: in our private zone and in a public one that is not ours, of which nothing else is touched.

use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
};
use groundwork::cloud::Cloud;
use groundwork::ops::{self, Error, Session};
use groundwork::plan::{Goal, Verb};
use groundwork::resources::bootstrap::entered;

use crate::common::{World, apply, destroy, remembered};

const FILE: &str = r#"
[environment]
name = "named"
region = "us-east-1"

[cloud]
provider = "sandbox"

[network]
cidr = "10.50.0.0/16"
nat = "single"
private_zone = "named.example.com"

[cluster.node_groups.default]
instance_types = ["t3.small"]
min = 1

[bootstrap.ingress]
controller = "traefik"

[[dns.records]]
name = "*.named.example.com"
zone = "example.com"

[[dns.records]]
name = "named.example.com"
"#;

const PUBLIC: &str = "dns.public._any.named.example.com";

fn session(world: &World) -> Session {
    world.session_of("named", FILE)
}

/// A public zone, made by somebody.
async fn public_zone(cloud: &Cloud, reference: &str) -> String {
    let call = cloud.aws.route53.create_hosted_zone();
    let call = call.name("example.com").caller_reference(reference);
    let made = call.send().await.unwrap();
    made.hosted_zone().unwrap().id().to_owned()
}

/// Changes a plain record of somebody's in the zone.
async fn change(cloud: &Cloud, zone: &str, action: ChangeAction, name: &str) {
    let value = ResourceRecord::builder().value("192.0.2.1").build();
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::A)
        .ttl(60)
        .resource_records(value.unwrap());
    let change = Change::builder()
        .action(action)
        .resource_record_set(set.build().unwrap());
    let batch = ChangeBatch::builder().changes(change.build().unwrap());
    let call = cloud.aws.route53.change_resource_record_sets();
    let call = call.hosted_zone_id(zone);
    let call = call.change_batch(batch.build().unwrap());
    call.send().await.unwrap();
}

/// Name and alias target of every record but the zone's own.
async fn records(cloud: &Cloud, zone: &str) -> Vec<(String, String)> {
    let call = cloud.aws.route53.list_resource_record_sets();
    let listed = call.hosted_zone_id(zone).send().await.unwrap();
    let sets = listed.resource_record_sets().iter();
    sets.filter(|set| *set.r#type() == RrType::A)
        .map(|set| {
            let target = set
                .alias_target()
                .map(|target| target.dns_name().to_owned());
            (set.name().to_owned(), target.unwrap_or_default())
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn only_our_records_come_and_go_in_a_zone_that_is_not_ours() {
    let world = World::new();
    let session = session(&world);
    let cloud = &session.cloud;
    match session.plan(Goal::Apply).await {
        Err(error @ Error::Impossible(_)) => {
            let text = error.to_string();
            assert!(
                text.contains("there is no public zone example.com"),
                "{text}"
            );
        }
        other => panic!("{:?}", other.err()),
    }
    let zone = public_zone(cloud, "first").await;
    change(cloud, &zone, ChangeAction::Create, "www.example.com").await;
    apply(&session).await;

    let state = remembered(&session).unwrap();
    let host = format!(
        "{}.",
        entered(&state.resources).unwrap().outputs["hostname"]
    );
    let theirs = ("www.example.com.".to_owned(), String::new());
    let ours = ("\\052.named.example.com.".to_owned(), host.clone());
    assert_eq!(records(cloud, &zone).await, [ours.clone(), theirs.clone()]);
    let private = &state.resources[&"network.private-zone".parse().unwrap()].id;
    let apex = ("named.example.com.".to_owned(), host);
    assert_eq!(records(cloud, private).await, [apex]);
    let again = session.plan(Goal::Apply).await.unwrap();
    assert!(
        again.plan.is_empty(),
        "{:#?}",
        again.plan.work().collect::<Vec<_>>()
    );

    // Somebody points it elsewhere.
    change(cloud, &zone, ChangeAction::Upsert, "*.named.example.com").await;
    let planned = session.plan(Goal::Apply).await.unwrap();
    let action = planned.plan.action(&PUBLIC.parse().unwrap()).unwrap();
    assert_eq!(action.verb, Verb::Update);
    assert_eq!(planned.plan.work().count(), 1);
    apply(&session).await;
    assert_eq!(records(cloud, &zone).await, [ours, theirs.clone()]);

    // The state is lost: that it leads to our load balancer tells that it is ours.
    std::fs::remove_file(session.store.file().unwrap()).unwrap();
    let rebuilt = ops::rebuild(&session, None, groundwork::observe::Depth::Cluster).await;
    ops::take_over(&session, &rebuilt.unwrap()).await.unwrap();
    let after = session.plan(Goal::Apply).await.unwrap();
    assert!(
        after.plan.is_empty(),
        "{:#?}",
        after.plan.work().collect::<Vec<_>>()
    );

    destroy(&session).await;
    assert_eq!(records(cloud, &zone).await, [theirs]);
}

#[tokio::test(start_paused = true)]
async fn what_stands_there_already_is_refused_and_so_is_a_choice_of_zones() {
    let world = World::new();
    let session = session(&world);
    let cloud = &session.cloud;
    let zone = public_zone(cloud, "first").await;
    change(cloud, &zone, ChangeAction::Create, "*.named.example.com").await;
    match session.plan(Goal::Apply).await {
        Err(Error::Refused { refusals, .. }) => {
            let text = format!("{refusals:?}");
            assert!(text.contains(PUBLIC), "{text}");
        }
        other => panic!("{:?}", other.err()),
    }
    change(cloud, &zone, ChangeAction::Delete, "*.named.example.com").await;
    public_zone(cloud, "second").await;
    match session.plan(Goal::Apply).await {
        Err(error @ Error::Impossible(_)) => {
            let text = error.to_string();
            assert!(text.contains("2 public zones example.com"), "{text}");
        }
        other => panic!("{:?}", other.err()),
    }
}
