//! What CI does with staging, done in the sandbox: every command of the workflow, in order.

use std::fs;

use serde_json::Value;

use super::project::{Done, GROUNDWORK, Project, repository};

const WORKFLOW: &str = ".github/workflows/staging.yml";

/// The project of a CI run: the scripts are there as well.
fn checkout() -> Project {
    let project = Project::new();
    let rebuild = "scripts/rebuild";
    fs::create_dir(project.path().join("scripts")).expect("a folder");
    let copied = fs::copy(repository().join(rebuild), project.path().join(rebuild));
    copied.expect("a copy, with its mode");
    project
}

fn workflow() -> Value {
    let text = fs::read_to_string(repository().join(WORKFLOW)).expect("the workflow");
    serde_saphyr::from_str(&text).expect("YAML")
}

fn steps<'a>(workflow: &'a Value, job: &str) -> &'a Vec<Value> {
    workflow["jobs"][job]["steps"].as_array().expect("steps")
}

/// Runs what a step says, as CI's shell does. What builds and formats groundwork itself is checked elsewhere.
fn run(project: &Project, step: &Value) -> Option<String> {
    let script = step["run"].as_str()?;
    if script.starts_with("cargo ") {
        return None;
    }
    let mut command = project.command("bash");
    command
        .args(["-e", "-o", "pipefail", "-c"])
        .arg(script.replace("--provider aws", "--provider sandbox"))
        .env("GROUNDWORK", GROUNDWORK);
    if step["env"]["MYSQL_PASSWORD"].is_string() {
        command.env("MYSQL_PASSWORD", "correct-horse-battery");
    }
    let done = Done::of(command);
    assert_eq!(done.code, 0, "{script}\n{}{}", done.out, done.err);
    Some(script.to_owned())
}

#[test]
fn a_tag_brings_staging_up_and_the_night_rebuilds_it() {
    let workflow = workflow();
    assert_eq!(workflow["on"]["push"]["tags"][0], "v*");
    assert!(workflow["on"]["schedule"][0]["cron"].is_string());

    let project = checkout();
    let ran: Vec<String> = steps(&workflow, "apply")
        .iter()
        .filter_map(|step| run(&project, step))
        .collect();
    let verbs: Vec<&str> = ran
        .iter()
        .filter_map(|script| script.split_whitespace().nth(1))
        .collect();
    assert_eq!(verbs, ["validate", "plan", "apply", "kubeconfig"]);
    let artifact = steps(&workflow, "apply").iter().find_map(|step| {
        step["with"]["path"]
            .as_str()
            .filter(|path| path.ends_with(".yaml"))
    });
    let artifact = project.path().join(artifact.expect("an artifact"));
    let config = fs::read_to_string(artifact).expect("the kubeconfig");
    let config: Value = serde_saphyr::from_str(&config).expect("YAML");
    assert_eq!(config["current-context"], "ms-cluster-staging");

    let ran: Vec<String> = steps(&workflow, "rebuild")
        .iter()
        .filter_map(|step| run(&project, step))
        .collect();
    assert_eq!(ran.len(), 1, "{ran:?}");
    assert!(ran[0].starts_with("scripts/rebuild staging"), "{ran:?}");
}

#[test]
fn a_rebuild_that_can_not_end_well_says_so() {
    let project = checkout();
    let rebuild = |arguments: &[&str]| {
        let mut command = project.command("scripts/rebuild");
        command.args(arguments).env("GROUNDWORK", GROUNDWORK);
        Done::of(command)
    };
    rebuild(&[]).ends(64);
    // Without its password staging is taken down, which needs none, and does not come up.
    let failed = rebuild(&["staging"]).ends(1);
    assert!(failed.err.contains("MYSQL_PASSWORD"), "{}", failed.err);
}
