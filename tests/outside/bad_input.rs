//! Bad input and what it gets: a clear error, the documented exit code, nothing lost, nothing half-written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use groundwork::environment;
use groundwork::ops::Session;
use groundwork::plan::Goal;
use groundwork::sandbox::Sandbox;
use groundwork::sandbox::faults::Misbehaviour;
use groundwork::sandbox::time::ClockSource;
use groundwork::state::Store;

use super::over_http::Aws;
use super::project::{Done, Project};

const HEAD: &str = r#"[environment]
name = "bad"
region = "us-east-1"

[cloud]
provider = "sandbox"

"#;

/// Insists that all of `expected` is said on standard error.
#[track_caller]
fn says(done: &Done, expected: &[&str]) {
    for text in expected {
        assert!(done.err.contains(text), "`{text}` is missing: {}", done.err);
    }
}

#[test]
fn a_file_that_can_not_be_used_is_refused_with_place_and_remedy() {
    let network = format!("{HEAD}[network]\n");
    let cases: [(&str, String, &[&str]); 7] = [
        (
            "empty",
            String::new(),
            &["the file is empty", "[environment]"],
        ),
        (
            "no TOML",
            "hello world\n".to_owned(),
            &["this is not TOML", "bad.toml:1:7", "1 | hello world"],
        ),
        (
            "unknown key",
            format!("{network}cidr = \"10.0.0.0/16\"\nzonse = 2\n"),
            &[
                "unknown key `zonse`",
                "bad.toml:10:1",
                "did you mean `zones`?",
            ],
        ),
        (
            "wrong type",
            format!("{network}cidr = 5\n"),
            &[
                "wrong type for `network.cidr`",
                "bad.toml:9:8",
                "text in quotes",
            ],
        ),
        (
            "overlapping blocks",
            format!(
                "{network}cidr = \"10.0.0.0/16\"\n\
                 [network.subnets.one]\ncidr = \"10.0.0.0/18\"\nzone = \"us-east-1a\"\n\
                 [network.subnets.two]\ncidr = \"10.0.32.0/20\"\nzone = \"us-east-1b\"\n"
            ),
            &["overlap", "10.0.32.0/20", "bad.toml:14:8"],
        ),
        (
            "dangling reference",
            format!(
                "{network}cidr = \"10.0.0.0/16\"\n\
                 [databases.a]\nengine = \"mysql\"\nversion = \"8.4\"\nclass = \"db.t3.micro\"\n\
                 database = \"a\"\nusername = \"a\"\npassword = {{ secret = \"nope\" }}\n"
            ),
            &["there is no secret `nope`", "[secrets.nope]"],
        ),
        (
            "state where it can not be",
            format!(
                "{HEAD}[state]\nbackend = \"gs://bucket/state\"\n[network]\ncidr = \"10.0.0.0/16\"\n"
            ),
            &[
                "can't be kept in `gs://`",
                "s3://bucket/prefix",
                "bad.toml:9:11",
            ],
        ),
    ];
    for (what, text, expected) in cases {
        let project = Project::new();
        project.write("environments/bad.toml", text);
        for command in ["validate", "plan", "apply", "destroy", "status"] {
            let done = project.run(&[command, "bad"]);
            assert_eq!(done.code, 1, "{what}: {command}: {}", done.err);
            assert_eq!(done.out, "", "{what}");
            says(&done, expected);
        }
        assert!(!project.path().join(".groundwork").exists(), "{what}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let project = Project::new();
    let text = format!("{HEAD}[network]\ncidr = 5\nzonse = 2\n[cachse]\n");
    project.write("environments/bad.toml", text);
    let done = project.run(&["validate", "bad"]).ends(1);
    says(&done, &["`network.cidr`", "`zonse`", "`cachse`"]);
}

#[test]
fn a_file_that_is_not_there_is_missed_by_name() {
    let project = Project::new();
    let done = project.run(&["plan", "demoo"]).ends(1);
    says(
        &done,
        &["no environment file", "demoo.toml", "did you mean `demo`?"],
    );
    let done = project.run(&["plan", "other"]).ends(1);
    says(&done, &["other.toml", "demo", "staging"]);
    project.write("environments/bytes.toml", b"\xff\xfe");
    let done = project.run(&["plan", "bytes"]).ends(1);
    says(&done, &["bytes.toml is not UTF-8", "line 1"]);
    fs::create_dir(project.path().join("environments/folder.toml")).unwrap();
    let done = project.run(&["plan", "folder"]).ends(1);
    says(&done, &["folder.toml is a folder"]);
}

#[tokio::test]
async fn an_unset_variable_is_named_before_anything_is_made() {
    let project = Project::new();
    let before = project.count().await;
    for value in [None, Some("")] {
        let mut command = project.groundwork(&["apply", "staging", "--yes"]);
        command.envs(value.map(|value| ("MYSQL_PASSWORD", value)));
        let done = Done::of(command).ends(1);
        says(
            &done,
            &["MYSQL_PASSWORD", "secret.mysql-password", "not set"],
        );
    }
    assert_eq!(project.count().await, before);
    assert!(!project.state("staging").exists());
}

#[tokio::test]
async fn a_member_that_does_not_exist_is_found_at_plan() {
    let project = Project::new();
    project.edit(
        "environments/demo.toml",
        "members = []",
        "members = [\"nobody\"]",
    );
    let before = project.count().await;
    for arguments in [&["plan", "demo"] as &[&str], &["apply", "demo", "--yes"]] {
        let done = project.run(arguments).ends(1);
        says(&done, &["iam.group.demo-readers", "nobody"]);
    }
    assert_eq!(project.count().await, before);
}

#[tokio::test]
async fn what_another_lineage_made_is_neither_adopted_nor_deleted() {
    let project = Project::new();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    let before = project.count().await;
    let (state, aside) = (project.state("demo"), project.path().join("aside.json"));
    fs::rename(&state, &aside).unwrap();
    let lineage = fs::read_to_string(&aside).unwrap();
    let lineage: serde_json::Value = serde_json::from_str(&lineage).unwrap();
    let lineage = lineage["lineage"].as_str().unwrap();
    for arguments in [&["plan", "demo"] as &[&str], &["apply", "demo", "--yes"]] {
        let done = project.run(arguments).ends(1);
        says(
            &done,
            &[
                "network.vpc",
                "another lineage",
                lineage,
                "nothing was changed",
            ],
        );
        assert_eq!(
            done.err.matches("another lineage").count(),
            1,
            "{}",
            done.err
        );
    }
    let done = project.run(&["destroy", "demo", "--yes"]).ends(1);
    says(&done, &["another lineage", lineage]);
    assert_eq!(project.count().await, before);
    fs::rename(&aside, &state).unwrap();
    project.run(&["plan", "demo"]).ends(0);
}

#[test]
fn a_state_that_can_not_be_used_is_never_overwritten() {
    let project = Project::new();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.edit("environments/demo.toml", "max = 4", "max = 5");
    let path = project.state("demo");
    let good = fs::read_to_string(&path).unwrap();
    let half = good[..good.len() / 2].to_owned();
    let later = good.replacen("\"format\": 1", "\"format\": 2", 1);
    let other = good.replacen("\"environment\": \"demo\"", "\"environment\": \"x\"", 1);
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "corrupt",
            &half,
            &["can't be used", "demo.damaged-1.json", "state rebuild"],
        ),
        ("empty", "", &["can't be used", "demo.damaged-"]),
        ("later", &later, &["later groundwork", "format 2"]),
        ("another's", &other, &["can't be used"]),
    ];
    for (what, text, expected) in cases {
        fs::write(&path, text).unwrap();
        for arguments in [
            &["plan", "demo"] as &[&str],
            &["apply", "demo", "--yes"],
            &["destroy", "demo", "--yes"],
            &["status", "demo"],
        ] {
            let done = project.run(arguments);
            assert_eq!(done.code, 1, "{what}: {arguments:?}: {}", done.err);
            says(&done, expected);
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "{what}");
        }
        let aside = path.with_extension("damaged-1.json");
        if aside.exists() {
            assert_eq!(fs::read_to_string(&aside).unwrap(), text, "{what}");
            fs::remove_file(aside).unwrap();
        }
    }
    fs::write(&path, good).unwrap();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

/// Root may write anywhere, so a folder in the place of a file stands for a disk that refuses.
#[tokio::test]
async fn a_disk_that_refuses_stops_everything_before_it_is_forgotten() {
    let project = Project::new();
    let before = project.count().await;
    let state = project.state("demo");
    let next = state.with_extension("json.next");
    fs::create_dir_all(&next).unwrap();
    let done = project.run(&["apply", "demo", "--yes"]).ends(1);
    let said = done.out + &done.err;
    assert!(said.contains("can't write the state"), "{said}");
    assert!(said.contains("demo.json"), "{said}");
    assert_eq!(project.count().await, before);
    fs::remove_dir(&next).unwrap();

    fs::create_dir(&state).unwrap();
    let done = project.run(&["apply", "demo", "--yes"]).ends(1);
    says(&done, &["can't read the state", "demo.json"]);
    fs::remove_dir(&state).unwrap();

    let world = project.path().join(".groundwork/sandbox/world.json");
    fs::rename(&world, project.path().join("world.json")).unwrap();
    fs::create_dir(&world).unwrap();
    let done = project.run(&["apply", "demo", "--yes"]).ends(1);
    says(&done, &["world.json could not be used"]);
    fs::remove_dir(&world).unwrap();
    fs::write(&world, "{").unwrap();
    let done = project.run(&["plan", "demo"]).ends(1);
    says(
        &done,
        &["world.json", "can't be read", "groundwork sandbox reset"],
    );
    fs::rename(project.path().join("world.json"), &world).unwrap();

    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

const OWNER: &str = "owner = \"platform\"\n";

#[tokio::test]
async fn another_account_than_the_file_names_is_not_touched() {
    let project = Project::new();
    // Without the agent, whose manifest would be fetched from the internet.
    let before = project.count().await;
    let aws = Aws::of(&project).await;
    let done = aws.run(&project, &["plan", "demo"]).await.ends(1);
    says(&done, &["account"]);

    let account = |number: &str| format!("{OWNER}account = \"{number}\"\n");
    project.edit("environments/demo.toml", OWNER, &account("999999999999"));
    for arguments in [
        &["plan", "demo"] as &[&str],
        &["apply", "demo", "--yes"],
        &["destroy", "demo", "--yes"],
    ] {
        let done = aws.run(&project, arguments).await.ends(1);
        says(
            &done,
            &[
                "account 123456789012",
                "only 999999999999",
                "nothing was changed",
            ],
        );
    }
    project.edit("environments/demo.toml", "999999999999", "123456789012");
    let plan = aws.run(&project, &["plan", "demo"]).await.ends(2);
    assert!(plan.out.contains("to create"), "{}", plan.out);
    assert_eq!(project.count().await, before);
}

/// On the virtual clock: groundwork asks again for a minute before it gives up.
#[tokio::test(start_paused = true)]
async fn what_can_not_be_seen_is_not_changed() {
    let project = Project::new();
    let environment = environment::load(&project.path().join("environments/demo.toml"), None);
    let environment = environment.expect("a valid file");
    let sandbox = Sandbox::open(project.path().join("world"), ClockSource::Virtual);
    let account = "123456789012".to_owned();
    let folder = project.path().join("state");
    let session = Session {
        cloud: sandbox.cloud(&environment.region),
        store: Store::local(&folder, "sandbox", &account, &environment.name),
        account,
        variables: BTreeMap::new(),
        published: None,
        environment,
    };
    sandbox.faults().set(Misbehaviour {
        failing_reads: BTreeSet::from(["DescribeVpcs".to_owned()]),
        ..Misbehaviour::default()
    });
    for goal in [Goal::Apply, Goal::Destroy] {
        let Err(error) = session.plan(goal).await else {
            panic!("a plan was made without seeing what exists");
        };
        let said = groundwork::ui::failure(&error, groundwork::apply::hint(&error).as_deref());
        for text in [
            "can't see everything",
            "nothing was changed",
            "DescribeVpcs",
            "hint:",
        ] {
            assert!(said.contains(text), "`{text}` is missing: {said}");
        }
    }
    assert_eq!(sandbox.faults().changes(), 0);
    assert!(!folder.exists());
}
