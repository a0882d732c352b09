//! A process that ends in the middle, by whatever hand, and another that finds it at work.

use std::collections::BTreeMap;

use serde_json::Value;

use super::project::Project;

/// The events after whose number the process is killed: early, in the middle of waiting, and late.
const KILLED_AFTER: [usize; 8] = [1, 2, 4, 7, 12, 20, 28, 36];

fn kill_after(project: &Project, arguments: &[&str], events: usize) {
    let mut running = project.start(arguments);
    let mut seen = 0;
    let more = running.until(|_| {
        seen += 1;
        seen == events
    });
    if more {
        running.kill();
    } else {
        running.end().ends(0);
    }
}

async fn undisturbed() -> BTreeMap<&'static str, usize> {
    let project = Project::new();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.count().await
}

#[tokio::test]
async fn killed_again_and_again_it_still_arrives_without_duplicates() {
    let project = Project::new();
    let nothing = project.count().await;
    for events in KILLED_AFTER {
        kill_after(&project, &["apply", "demo", "--yes", "--json"], events);
    }
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
    assert_eq!(project.count().await, undisturbed().await);

    for events in KILLED_AFTER {
        kill_after(&project, &["destroy", "demo", "--yes", "--json"], events);
    }
    project.run(&["destroy", "demo", "--yes"]).ends(0);
    assert_eq!(project.count().await, nothing);
}

#[test]
fn the_first_signal_lets_what_is_in_flight_finish() {
    let project = Project::new();
    let mut running = project.start(&["apply", "demo", "--yes", "--json"]);
    assert!(running.until(|line| line.contains(r#""event":"waiting""#)));
    running.signal("TERM");
    let done = running.end().ends(130);
    assert!(
        done.err.contains("run the same command again"),
        "{}",
        done.err
    );
    let events = done.events();
    let ended = events.last().expect("an event");
    assert_eq!(ended["event"], "ended");
    assert_eq!(ended["failed"], 0, "{ended}");
    assert!(ended["skipped"].as_u64() > Some(0), "{ended}");
    let after: Vec<&Value> = events
        .iter()
        .skip_while(|event| event["event"] != "stopping")
        .collect();
    assert!(!after.is_empty(), "nobody was told: {events:#?}");
    assert!(after.iter().all(|event| event["event"] != "started"));

    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

/// A cluster takes ten minutes, which nobody waits for who asked to stop.
#[test]
fn what_takes_long_is_left_to_the_next_run() {
    let project = Project::new();
    let slow = ["apply", "demo", "--yes", "--json", "--sandbox-speed", "10"];
    let mut running = project.start(&slow);
    let creating = r#""address":"cluster.control-plane","state":"CREATING""#;
    assert!(running.until(|line| line.contains(creating)));
    running.signal("TERM");
    let events = running.end().ends(130).events();
    let left: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "left")
        .collect();
    let ended = events.last().expect("an event");
    assert_eq!(ended["left"], left.len(), "{ended}");
    assert!(!left.is_empty(), "{ended}");
    assert_eq!(ended["failed"], 0, "{ended}");

    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

#[test]
fn the_second_signal_ends_at_once() {
    let project = Project::new();
    // In the host's own time a VPC takes seconds and a cluster ten minutes.
    let slow = ["apply", "demo", "--yes", "--json", "--sandbox-speed", "1"];
    let mut running = project.start(&slow);
    assert!(running.until(|line| line.contains(r#""event":"started""#)));
    running.signal("INT");
    assert!(running.until(|line| line.contains(r#""event":"stopping""#)));
    running.signal("INT");
    running.end().ends(130);
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

#[test]
fn a_second_run_is_told_who_is_at_it_and_since_when() {
    let project = Project::new();
    let slow = ["apply", "demo", "--yes", "--json", "--sandbox-speed", "1"];
    let mut first = project.start(&slow);
    assert!(first.until(|line| line.contains(r#""event":"started""#)));
    for arguments in [["apply", "demo", "--yes"], ["destroy", "demo", "--yes"]] {
        let refused = project.run(&arguments).ends(1);
        let holder = format!("process {} has been running `apply` since ", first.id());
        assert!(refused.err.contains(&holder), "{}", refused.err);
        assert!(!refused.out.contains("done"), "{}", refused.out);
    }
    // Looking is not changing.
    project.run(&["plan", "demo"]).ends(2);
    first.kill();
    project.run(&["apply", "demo", "--yes"]).ends(0);
}
