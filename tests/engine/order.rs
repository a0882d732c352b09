//! What waits for what during a run, and how long that is expected to take.

use std::sync::Mutex;

use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed};
use groundwork::plan::{Goal, Verb};

use crate::bench::{applied, session, session_on, staging};
use crate::common::{World, never_stopped};

/// Remembers when work on what began and ended.
#[derive(Default)]
struct Diary(Mutex<Vec<(&'static str, String)>>);

impl Listener for Diary {
    fn hear(&self, event: &Event) {
        let line = match event {
            Event::Started { address, .. } => ("began", address.to_string()),
            Event::Finished { address, .. } => ("ended", address.to_string()),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Diary {
    fn at(&self, what: &'static str, address: &str) -> usize {
        let lines = self.0.lock().unwrap();
        let found = lines
            .iter()
            .position(|line| *line == (what, address.to_owned()));
        found.unwrap_or_else(|| panic!("{address} never {what}"))
    }
}

#[tokio::test(start_paused = true)]
async fn databases_do_not_wait_for_the_cluster() {
    let world = World::new();
    let session = session_on(&world, staging());
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let diary = Diary::default();
    let confirmed = Confirmed::default();
    let report = ops::apply(&session, &planned, &confirmed, &diary, never_stopped());
    let report = report.await.expect("a run");
    assert!(report.is_complete(), "{:#?}", report.failed);

    let cluster = diary.at("ended", "cluster.control-plane");
    for data in [
        "database.microservices.instance",
        "cache.microservices.replication-group",
    ] {
        assert!(diary.at("began", data) < diary.at("ended", "network.nat-gateway.a"));
        assert!(
            diary.at("ended", data) < cluster,
            "{data} waits for the cluster"
        );
    }
    let groups = session.cloud.aws.ec2.describe_security_groups();
    let groups = groups.send().await.expect("groups");
    for (owner, port) in [("database", 3306), ("cache", 6379)] {
        let group = format!("{owner}.microservices.security-group");
        let rule = format!("{owner}.microservices.access");
        assert!(diary.at("ended", &group) < diary.at("began", "cluster.control-plane"));
        assert!(cluster < diary.at("began", &rule), "{rule} joins later");

        // On the engine's port only, and only for those that wear the cluster's own group.
        let state = session
            .store
            .load()
            .await
            .expect("a state")
            .expect("a state");
        let recorded = |address: &str| &state.resources[&address.parse().unwrap()];
        let id = &recorded(&group).id;
        let source = &recorded("cluster.control-plane").outputs["cluster_security_group"];
        let found = groups.security_groups().iter();
        let mut found = found.filter(|found| found.group_id() == Some(id));
        let [rule] = found.next().expect("the group").ip_permissions() else {
            panic!("{group} has not one rule");
        };
        assert_eq!((rule.from_port(), rule.to_port()), (Some(port), Some(port)));
        assert_eq!(rule.ip_protocol(), Some("tcp"));
        assert_eq!(
            rule.user_id_group_pairs()[0].group_id(),
            Some(source.as_str())
        );
        assert!(rule.ip_ranges().is_empty() && rule.user_id_group_pairs().len() == 1);
    }
}

/// The controllers that undo what the cluster did outside may run on its nodes.
#[tokio::test(start_paused = true)]
async fn nodes_outlive_load_balancers() {
    let world = applied();
    let session = session(&world);
    let planned = session.plan(Goal::Destroy).await.expect("a plan");
    let diary = Diary::default();
    let nothing = Confirmed::default();
    let teardown = ops::destroy(&session, &planned, &nothing, &diary, never_stopped());
    let teardown = teardown.await.expect("a run");
    assert_eq!(teardown.remains, Vec::new());
    let nodes = diary.at("began", "cluster.node-group.microservices");
    for work in [
        "bootstrap.application.flight-info",
        "bootstrap.ingress.service.traefik",
        "cluster.workloads",
    ] {
        assert!(diary.at("ended", work) < nodes, "{work} outlives the nodes");
    }
}

/// The old one goes and the new one comes: each half counts once.
#[tokio::test(start_paused = true)]
async fn a_replacement_takes_as_long_as_both_of_its_halves() {
    let world = applied();
    let mut wanted = staging();
    let cache = wanted.caches.get_mut("microservices").unwrap();
    cache.encryption = !cache.encryption;
    let planned = session_on(&world, wanted).plan(Goal::Apply).await;
    let plan = planned.expect("a plan").plan;
    let address = "cache.microservices.replication-group".parse().unwrap();
    let action = plan.action(&address).expect("an action");
    assert_eq!(action.verb, Verb::Replace);
    assert!(action.expected_seconds > 600, "{}", action.expected_seconds);
    assert_eq!(plan.expected_seconds, action.expected_seconds);
}
