//! A state that is lost or damaged is put together again with one command, in the sandbox and over HTTP.

use std::fs;

use super::over_http::{Aws, TUNNEL, ready_for_aws};
use super::project::Project;

const REBUILD: [&str; 4] = ["state", "rebuild", "demo", "--yes"];

#[tokio::test]
async fn a_lost_state_comes_back_after_asking() {
    let project = Project::new();
    let before = project.count().await;
    let (state, folder) = (project.state("demo"), project.state("demo"));
    let folder = folder.parent().expect("a folder");
    let nothing = project.run(&REBUILD).ends(1);
    assert!(
        nothing.err.contains("nothing that can be seen belongs to"),
        "{}",
        nothing.err
    );
    project.run(&["apply", "demo", "--yes"]).ends(0);
    let applied = fs::read_to_string(&state).expect("a state");

    let asked = project.run(&["state", "rebuild", "demo"]).ends(1);
    assert!(
        asked.err.contains("there is a state that can be used"),
        "{}",
        asked.err
    );
    assert!(asked.err.contains("add --yes"), "{}", asked.err);
    assert_eq!(fs::read_to_string(&state).expect("a state"), applied);
    let replaced = project.run(&REBUILD).ends(0);
    let kept = folder.join("demo.replaced-1.json");
    assert!(
        replaced
            .err
            .contains(kept.file_name().unwrap().to_str().unwrap()),
        "{}",
        replaced.err
    );
    assert_eq!(fs::read_to_string(kept).expect("a copy"), applied);
    project.run(&["plan", "demo"]).ends(0);

    fs::remove_file(&state).expect("a state");
    let lost = project.run(&["plan", "demo"]).ends(1);
    assert!(
        lost.err.contains("`groundwork state rebuild demo`"),
        "{}",
        lost.err
    );
    project.run(&["state", "rebuild", "demo"]).ends(1);
    assert!(!state.exists());
    project.run(&REBUILD).ends(0);
    project.run(&["plan", "demo"]).ends(0);

    let half = &applied[..applied.len() / 2];
    fs::write(&state, half).expect("a state");
    let damaged = project.run(&["plan", "demo"]).ends(1);
    assert!(
        damaged.err.contains("`groundwork state rebuild`"),
        "{}",
        damaged.err
    );
    project.run(&REBUILD).ends(0);
    let kept = fs::read_to_string(folder.join("demo.damaged-1.json"));
    assert_eq!(kept.expect("a copy"), half);
    project.run(&["plan", "demo"]).ends(0);
    project.run(&["destroy", "demo", "--yes"]).ends(0);
    assert_eq!(project.count().await, before);
}

/// Killed at work, and then everything that it knew is gone.
#[tokio::test]
async fn what_a_killed_run_had_made_is_found_without_its_state() {
    let project = Project::new();
    let before = project.count().await;
    for event in [
        r#""event":"finished","address":"network.vpc""#,
        r#""address":"cluster.control-plane","state":"CREATING""#,
        r#""event":"started","address":"bootstrap.secret"#,
    ] {
        let mut running = project.start(&["apply", "demo", "--yes", "--json"]);
        assert!(running.until(|line| line.contains(event)), "{event}");
        running.kill();
        fs::remove_file(project.state("demo")).expect("a state");
        project.run(&REBUILD).ends(0);
    }
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
    project.run(&["destroy", "demo", "--yes"]).ends(0);
    assert_eq!(project.count().await, before);
}

#[tokio::test]
async fn a_lost_state_comes_back_over_http() {
    let project = Project::whole();
    ready_for_aws(&project, "demo");
    let before = project.count().await;
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    let run = async |arguments: &[&str]| aws.run(&project, &[arguments, &TUNNEL].concat()).await;
    run(&["apply", "demo", "--yes"]).await.ends(0);
    let state = project
        .state("demo")
        .to_string_lossy()
        .replace("/sandbox/", "/aws/");
    fs::remove_file(&state).expect("a state");
    run(&["plan", "demo"]).await.ends(1);
    run(&REBUILD).await.ends(0);
    run(&["plan", "demo"]).await.ends(0);
    run(&["destroy", "demo", "--yes"]).await.ends(0);
    assert_eq!(project.count().await, before);
}
