//! Databases and caches do not wait for the cluster: only the rule that admits its nodes does.

use std::sync::Mutex;

use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed};
use groundwork::plan::Goal;

use crate::bench::{session_on, staging};
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
        let state = session.store.load().expect("a state").expect("a state");
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
