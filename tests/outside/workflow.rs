//! What CI does with staging, done in the sandbox: every command of the workflow, in order.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

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

/// Runs what a step says, as CI's shell does, with the state in the folder `bucket`. What builds and formats groundwork
/// itself is checked elsewhere.
fn run(project: &Project, bucket: &Path, step: &Value) -> Option<String> {
    let script = step["run"].as_str()?;
    if script.starts_with("cargo ") {
        return None;
    }
    let mut command = project.command("bash");
    command
        .args(["-e", "-o", "pipefail", "-c"])
        .arg(script.replace("--provider aws", "--provider sandbox"))
        .env("GITHUB_PATH", bucket.join("path"))
        .env("GROUNDWORK_STATE", bucket.join("state"))
        .env("PATH", search(bucket));
    if step["env"]["MYSQL_PASSWORD"].is_string() {
        command.env("MYSQL_PASSWORD", "correct-horse-battery");
    }
    let done = Done::of(command);
    assert_eq!(done.code, 0, "{script}\n{}{}", done.out, done.err);
    Some(script.to_owned())
}

/// The PATH with groundwork first.
fn search(bucket: &Path) -> OsString {
    let folder = bucket.join("bin");
    if !folder.exists() {
        fs::create_dir(&folder).expect("a folder");
        symlink(GROUNDWORK, folder.join("groundwork")).expect("a link");
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths([folder].into_iter().chain(env::split_paths(&path))).expect("a PATH")
}

#[test]
fn a_tag_brings_staging_up_and_the_night_rebuilds_it() {
    let workflow = workflow();
    assert_eq!(workflow["on"]["push"]["tags"][0], "v*");
    assert!(workflow["on"]["schedule"][0]["cron"].is_string());

    let (project, bucket) = (checkout(), tempfile::tempdir().expect("a folder"));
    let run_job = |project: &Project, job: &str| -> Vec<String> {
        let steps = steps(&workflow, job).iter();
        steps
            .filter_map(|step| run(project, bucket.path(), step))
            .collect()
    };
    let ran = run_job(&project, "apply");
    let verbs: Vec<&str> = ran
        .iter()
        .filter(|script| script.starts_with("groundwork "))
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

    // At night it is another machine, and the cloud is the same: only the bucket knows what is whose.
    let night = checkout();
    fs::create_dir(night.path().join(".groundwork")).expect("a folder");
    let world = ".groundwork/sandbox";
    fs::rename(project.path().join(world), night.path().join(world)).expect("the cloud");
    let ran = run_job(&night, "rebuild");
    let [_, rebuild] = ran.as_slice() else {
        panic!("{ran:?}");
    };
    assert!(rebuild.starts_with("scripts/rebuild staging"), "{ran:?}");
    let state = "state/sandbox/123456789012/staging.json";
    assert!(bucket.path().join(state).exists());
}

/// A runner forgets everything: what a run has begun is known only from the bucket, whatever becomes of the run.
#[test]
fn the_state_is_in_a_bucket_throughout() {
    let workflow = workflow();
    let state = workflow["env"]["GROUNDWORK_STATE"].as_str();
    assert!(
        state.is_some_and(|state| state.starts_with("s3://")),
        "{state:?}"
    );
    // The lease keeps runs apart; a group would drop the one that waits when a third comes.
    assert!(workflow["concurrency"].is_null());
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
