//! A process that ends in the middle, by whatever hand, and another that finds it at work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use groundwork::state::State;
use serde_json::Value;

use super::project::Project;
use super::served::{FAST, SLOW, Served};

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

const APPLY: [&str; 4] = ["apply", "demo", "--yes", "--json"];
const DESTROY: [&str; 4] = ["destroy", "demo", "--yes", "--json"];

/// CI kills so long after it asked.
const CI_KILLS: Duration = Duration::from_secs(10);

/// What an apply leaves that nobody interrupts.
fn uninterrupted() -> &'static str {
    static WORLD: OnceLock<String> = OnceLock::new();
    WORLD.get_or_init(|| {
        let served = Served::at_speed(FAST);
        served.run(&APPLY).ends(0);
        served.world()
    })
}

/// The same command arrives where an uninterrupted one does.
fn goes_on(served: &Served) {
    served.run(&APPLY).ends(0);
    served.run(&["plan", "demo"]).ends(0);
    assert_eq!(served.world(), uninterrupted());
}

/// The addresses of these events.
fn addresses(events: &[Value], which: &str) -> BTreeSet<String> {
    let events = events.iter().filter(|event| event["event"] == which);
    let addresses = events.map(|event| event["address"].as_str().expect("an address").to_owned());
    addresses.collect()
}

/// What the state says was begun and not finished.
fn open_entries(served: &Served) -> BTreeSet<String> {
    let path = served.project.path();
    let bytes = fs::read(path.join(".groundwork/state/aws/123456789012/demo.json"));
    let state = State::from_bytes(&bytes.expect("a state"), "demo").expect("a whole state");
    state.open.keys().map(ToString::to_string).collect()
}

#[test]
fn the_first_signal_lets_what_is_in_flight_finish() {
    let served = Served::at_speed(FAST);
    let mut running = served.start(&APPLY);
    assert!(running.until(|line| line.contains(r#""event":"waiting""#)));
    running.signal("TERM");
    let done = running.end().ends(130);
    let told = &done.err;
    assert!(told.contains("run the same command again"), "{told}");
    let events = done.events();
    let ended = events.last().expect("an event");
    assert_eq!(ended["event"], "ended");
    assert_eq!(ended["failed"], 0, "{ended}");
    assert!(ended["skipped"].as_u64() > Some(0), "{ended}");
    let mut after = events.iter();
    let stopping = after.find(|event| event["event"] == "stopping");
    assert!(stopping.is_some(), "nobody was told: {events:#?}");
    assert!(after.all(|event| event["event"] != "started"));
    assert_eq!(open_entries(&served), addresses(&events, "left"));
    goes_on(&served);
}

/// A cluster takes ten minutes, which nobody waits for who asked to stop.
#[test]
fn what_takes_long_is_on_record_and_left_to_the_next_run() {
    let served = Served::at_speed(SLOW);
    let mut running = served.start(&APPLY);
    let creating = r#""address":"cluster.control-plane","state":"CREATING""#;
    assert!(running.until(|line| line.contains(creating)));
    let begun = Instant::now();
    running.signal("TERM");
    let events = running.end().ends(130).events();
    let took = begun.elapsed();
    assert!(took < CI_KILLS, "it took {took:?}");
    let left = addresses(&events, "left");
    let ended = events.last().expect("an event");
    assert_eq!(ended["left"], left.len(), "{ended}");
    assert!(left.contains("cluster.control-plane"), "{left:?}");
    assert_eq!(ended["failed"], 0, "{ended}");
    assert_eq!(open_entries(&served), left);
    goes_on(&served.again_at_speed(FAST));
}

#[test]
fn the_second_signal_ends_at_once() {
    let served = Served::at_speed(SLOW);
    let mut running = served.start(&APPLY);
    assert!(running.until(|line| line.contains(r#""event":"started""#)));
    let begun = Instant::now();
    running.signal("INT");
    assert!(running.until(|line| line.contains(r#""event":"stopping""#)));
    running.signal("INT");
    let done = running.end().ends(130);
    let took = begun.elapsed();
    assert!(took < CI_KILLS / 3, "it took {took:?}");
    assert!(!done.out.contains(r#""event":"ended""#), "{}", done.out);
    goes_on(&served.again_at_speed(FAST));
}

/// Asks a command that has come to `moment` to stop, and kills it so much later, whatever it is doing by then.
async fn cancelled(served: &Served, command: &[&str], moment: &str, later: Duration) {
    let mut running = served.start(command);
    let moment = running.until(|line| line.contains(moment));
    assert!(moment, "it ended: {:?}", running.end());
    running.signal("TERM");
    tokio::time::sleep(later).await;
    let at_work = running.is_at_work();
    assert!(!at_work || later < CI_KILLS, "it takes more than CI gives");
    running.kill();
}

#[tokio::test]
async fn what_ci_cancels_goes_on_the_next_time() {
    let laters = [0, 50, 500, 3000, 10_000].map(Duration::from_millis);
    let served = Served::at_speed(SLOW);
    let nothing = served.world();
    for later in laters {
        cancelled(&served, &APPLY, r#""state":"CREATING""#, later).await;
    }
    let served = served.again_at_speed(FAST);
    goes_on(&served);
    let served = served.again_at_speed(SLOW);
    for later in laters {
        cancelled(&served, &DESTROY, r#""event":"started""#, later).await;
    }
    let served = served.again_at_speed(FAST);
    served.run(&DESTROY).ends(0);
    assert_eq!(served.world(), nothing);
}

#[test]
fn a_second_run_is_told_who_is_at_it_and_since_when() {
    let project = Project::new();
    let slow = ["apply", "demo", "--yes", "--json", "--sandbox-speed", "1"];
    let mut first = project.start(&slow);
    assert!(first.until(|line| line.contains(r#""event":"started""#)));
    for command in ["apply", "destroy"] {
        let refused = project
            .run(&[command, "demo", "--yes", "--no-wait"])
            .ends(75);
        let holder = format!("process {} has been running `apply` since ", first.id());
        assert!(refused.err.contains(&holder), "{}", refused.err);
        assert!(!refused.out.contains("done"), "{}", refused.out);
    }
    // Looking is not changing.
    project.run(&["plan", "demo"]).ends(2);
    first.kill();
    project.run(&["apply", "demo", "--yes"]).ends(0);
}

#[test]
fn a_run_that_is_paused_keeps_a_folder_and_ends_well_when_it_wakes_up() {
    let served = Served::at_speed(FAST);
    let mut first = served.start(&APPLY);
    assert!(first.until(|line| line.contains(r#""event":"started""#)));
    first.signal("STOP");
    let refused = served
        .run(&["apply", "demo", "--yes", "--no-wait"])
        .ends(75);
    let holder = format!("process {} has been running `apply` since ", first.id());
    assert!(refused.err.contains(&holder), "{}", refused.err);
    let mut second = served.start(&APPLY);
    first.signal("CONT");
    first.end().ends(0);
    assert!(!second.until(|line| line.contains(r#""event":"started""#)));
    second.end().ends(0);
    served.run(&["plan", "demo"]).ends(0);
}
