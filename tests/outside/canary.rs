//! The real binary with a canary in the place of every secret: nothing that it prints or writes holds one.

use std::fs;
use std::process::Command;

use groundwork::environment::load;
use serde_json::Value;

use super::canaries::Canaries;
use super::over_http::Aws;
use super::project::{Done, Project};
use super::served::{THROUGH, on_aws};

const PASSWORD: &str = "canary+of=the-variable?&<1";
const ROTATED: &str = "canary+of=another-variable?&<2";
const IN_THE_FILE: &str = "canary-in-the-file/+3";
const SECRET_KEY: &str = "canary/of/the/secret+key4";
const SESSION_TOKEN: &str = "canary/of/the/session+token5";
const BEARER: &str = "canary-of-the-bearer-token6";

/// A project, and everything that was ever printed in it.
struct Watched {
    project: Project,
    said: Vec<(String, String)>,
}

impl Watched {
    fn command(&self, arguments: &[&str], password: &str) -> Command {
        let mut command = self.project.groundwork(arguments);
        command
            .env("MYSQL_PASSWORD", password)
            .env("AWS_ACCESS_KEY_ID", "AKIDCANARY")
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
        command
    }

    fn keep(&mut self, arguments: &[&str], done: &Done) {
        let said = format!("{}{}", done.out, done.err);
        self.said.push((arguments.join(" "), said));
    }

    fn run(&mut self, arguments: &[&str]) -> i32 {
        self.run_with(arguments, PASSWORD)
    }

    fn run_with(&mut self, arguments: &[&str], password: &str) -> i32 {
        let done = Done::of(self.command(arguments, password));
        self.keep(arguments, &done);
        done.code
    }

    /// Kills the command as soon as it says `word`.
    fn kill_at(&mut self, arguments: &[&str], word: &str) {
        let mut running = self
            .project
            .run_in_background(self.command(arguments, PASSWORD));
        let mut said = String::new();
        running.until(|line| {
            said += line;
            line.contains(word)
        });
        running.kill();
        self.said.push((arguments.join(" "), said));
    }

    /// Looks for everything that is secret now.
    #[track_caller]
    fn search(&self) -> usize {
        let mut canaries = Canaries::default();
        for (name, value) in [
            ("the variable", PASSWORD),
            ("the other variable", ROTATED),
            ("what stands in the file", IN_THE_FILE),
            ("the secret key", SECRET_KEY),
            ("the session token", SESSION_TOKEN),
            ("the bearer token", BEARER),
        ] {
            canaries.plant(name, value);
        }
        let world = self.project.path().join(".groundwork/sandbox");
        let document = fs::read(world.join("world.json")).expect("a world");
        canaries.plant_all_of(&serde_json::from_slice::<Value>(&document).expect("a document"));
        for (command, said) in &self.said {
            canaries.are_not_in(command, said);
            let token = command.starts_with("token") || !said.contains("k8s-aws-v1.");
            assert!(token, "a token in {command}");
        }
        let groundwork = self.project.path().join(".groundwork");
        let files = canaries.are_in_no_file(&groundwork, &world);
        assert!(files > 0, "no file was searched");
        canaries.count()
    }
}

#[test]
fn nothing_secret_is_printed_or_written() {
    let project = Project::whole();
    let mut watched = Watched {
        project,
        said: Vec::new(),
    };
    let mut most = 0;
    for name in ["staging", "demo"] {
        watched.run(&["validate", name]);
        assert_eq!(watched.run(&["plan", name]), 2);
        watched.run(&["plan", name, "--json"]);
        // Without the variable, and without a terminal to ask on.
        watched.run_with(&["apply", name, "--yes"], "");
        watched.run(&["apply", name]);
        for word in ["network.vpc", "CREATING", "bootstrap.secret"] {
            watched.kill_at(&["apply", name, "--yes", "--json"], word);
        }
        assert_eq!(watched.run(&["apply", name, "--yes", "--json"]), 0);
        for arguments in [
            &["apply", name, "--yes"] as &[&str],
            &["status", name],
            &["status", name, "--json"],
            &["output", name],
            &["output", name, "--json"],
            &["kubeconfig", name],
            &["graph", name],
            &["state", "list", name],
            &["state", "show", name],
            &["state", "rebuild", name, "--yes"],
            &["plan", name, "--json"],
            &["plan", name, "--destroy", "--json"],
            &["sandbox", "show"],
        ] {
            assert!([0, 2].contains(&watched.run(arguments)), "{arguments:?}");
        }
        most = most.max(watched.search());
    }
    // Another value is seen and rolled out.
    assert_eq!(watched.run_with(&["plan", "staging", "--json"], ROTATED), 2);
    let plan = watched.said.last().expect("a plan");
    for address in [
        "secret.mysql-password",
        "database.microservices.instance",
        "bootstrap.secret.mysql",
    ] {
        assert!(plan.1.contains(address), "{}", plan.1);
    }
    watched.run_with(&["plan", "staging"], ROTATED);
    assert_eq!(watched.run_with(&["apply", "staging", "--yes"], ROTATED), 0);
    assert_eq!(watched.run_with(&["plan", "staging"], ROTATED), 0);
    // A state that can't be used, or not be written.
    let state = watched.project.state("staging");
    let good = fs::read(&state).expect("a state");
    fs::write(&state, &good[..good.len() / 2]).expect("a state");
    assert_eq!(watched.run_with(&["plan", "staging"], ROTATED), 1);
    fs::write(&state, good).expect("a state");
    let next = state.with_extension("json.next");
    fs::create_dir(&next).expect("an obstacle");
    assert_eq!(watched.run(&["apply", "staging", "--yes"]), 1);
    fs::remove_dir(next).expect("an obstacle");
    most = most.max(watched.search());
    for name in ["staging", "demo"] {
        watched.kill_at(
            &["destroy", name, "--yes", "--json"],
            "cluster.control-plane",
        );
        assert_eq!(watched.run(&["destroy", name, "--yes"]), 0);
    }
    let sandbox = watched
        .project
        .path()
        .join(".groundwork/sandbox/world.json");
    assert!(
        sandbox.exists() && most > 12,
        "only {most} values were looked for"
    );
}

/// People write passwords where they don't belong: what is said about that does not repeat them.
#[test]
fn a_password_in_the_file_is_refused_without_repeating_it() {
    let project = Project::whole();
    for (from, to) in [
        (
            "password = { secret = \"mysql-password\" }",
            format!("password = \"{IN_THE_FILE}\""),
        ),
        (
            "value = { env = \"MYSQL_PASSWORD\" }",
            format!("value = \"{IN_THE_FILE}\""),
        ),
        (
            "value = { env = \"MYSQL_PASSWORD\" }",
            format!("value = {{ plain = \"{IN_THE_FILE}\" }}"),
        ),
        (
            "value = { env = \"MYSQL_PASSWORD\" }",
            format!("value = {{ env = \"{IN_THE_FILE}\" }}"),
        ),
    ] {
        let file = "environments/staging.toml";
        let before = fs::read(project.path().join(file)).expect("a file");
        project.edit(file, from, &to);
        let mut canaries = Canaries::default();
        canaries.plant("what stands in the file", IN_THE_FILE);
        let error = load(&project.path().join(file), None).expect_err("no environment");
        canaries.are_not_in(&to, format!("{error:?} {error:#?} {error}"));
        for command in ["validate", "plan"] {
            let done = project.run(&[command, "staging"]).ends(1);
            canaries.are_not_in(&to, done.out + &done.err);
        }
        project.write(file, before);
    }
}

/// Over HTTP there are credentials, the bearer token of a kubeconfig, and tokens that are made of the credentials.
#[tokio::test]
async fn no_credential_is_printed_or_written() {
    let project = on_aws();
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    let kubeconfig = project.path().join("kubeconfig.yaml");
    let text = fs::read_to_string(&kubeconfig).expect("a kubeconfig");
    let text = text.replace("user: {}", &format!("user: {{token: {BEARER}}}"));
    assert!(text.contains(BEARER));
    fs::write(&kubeconfig, text).expect("a kubeconfig");
    let mut watched = Watched {
        project,
        said: Vec::new(),
    };
    let mut most = 0;
    for (arguments, answers, code) in [
        (&["apply", "demo", "--yes", "--json"] as &[&str], true, 0),
        (&["plan", "demo", "--json"], true, 0),
        (&["status", "demo"], true, 0),
        (&["plan", "demo"], false, 1),
        (&["destroy", "demo", "--yes"], false, 1),
        (
            &["token", "--cluster", "demo", "--region", "us-east-1"],
            true,
            0,
        ),
        (&["kubeconfig", "demo"], true, 0),
        (&["state", "show", "demo"], true, 0),
        (&["destroy", "demo", "--yes", "--json"], true, 0),
    ] {
        let all = [arguments, &THROUGH].concat();
        let mut command = watched.command(&all, PASSWORD);
        let endpoint = if answers {
            aws.url()
        } else {
            "http://127.0.0.1:9".to_owned()
        };
        command.env("AWS_ENDPOINT_URL", endpoint);
        let ended = tokio::task::spawn_blocking(move || Done::of(command));
        let done = ended.await.expect("a command").ends(code);
        watched.keep(&all, &done);
        most = most.max(watched.search());
    }
    let (_, token) = watched
        .said
        .iter()
        .find(|(command, _)| command.starts_with("token"))
        .expect("a token");
    let token: Value = serde_json::from_str(token).expect("JSON");
    let mut canaries = Canaries::default();
    canaries.plant(
        "the token",
        token["status"]["token"].as_str().expect("a token"),
    );
    for (command, said) in &watched.said {
        if !command.starts_with("token") {
            canaries.are_not_in(command, said);
        }
    }
    assert!(most > 6, "only {most} values were looked for");
}

/// What a kubeconfig says of its user. None of these can be used.
const USERS: [&str; 6] = [
    "CANARY",
    "{token: [CANARY]}",
    "{token: CANARY",
    "{auth-provider: {name: CANARY, config: {}}}",
    "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Never, command: sh, args: [-c, \
     'echo $X; echo $X >&2; exit 1'], env: [{name: X, value: CANARY}]}}",
    "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Never, command: echo, args: [CANARY]}}",
];

/// What stands in AWS's files. None of these can be used.
const PROFILES: [&str; 5] = [
    "[default]\ncredential_process = echo CANARY\n",
    "[default]\ncredential_process = sh -c 'echo CANARY; echo CANARY >&2; exit 1'\n",
    "[default]\naws_access_key_id = AKIDCANARY\naws_secret_access_key CANARY\n",
    "[default]\naws_secret_access_key = CANARY\n",
    "[default\naws_secret_access_key = CANARY\n",
];

/// What should give credentials and can't be used is not quoted.
#[tokio::test]
async fn files_with_credentials_are_not_quoted() {
    let project = on_aws();
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    let through = |path: &str| {
        let through = ["--provider", "aws", "--kubeconfig", path, "--context"];
        [&through as &[&str], &["tunnel"]].concat().join(" ")
    };
    let run = async |arguments: &str, set: &[(&str, &str)]| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut command = project.groundwork(&arguments);
        command
            .env("AWS_ENDPOINT_URL", aws.url())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(set.iter().copied());
        let ended = tokio::task::spawn_blocking(move || Done::of(command));
        ended.await.expect("a command")
    };
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDSANDBOX"),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
    ];
    let usable = through("kubeconfig.yaml");
    run(&format!("apply demo --yes {usable}"), &keys)
        .await
        .ends(0);
    let mut canaries = Canaries::default();
    canaries.plant("the bearer token", BEARER);
    let good = fs::read_to_string(project.path().join("kubeconfig.yaml")).expect("a kubeconfig");
    for user in USERS {
        let told = good.replace(
            "user: {}",
            &format!("user: {user}").replace("CANARY", BEARER),
        );
        assert!(told.contains(BEARER));
        project.write("unusable.yaml", told);
        let unusable = through("unusable.yaml");
        let done = run(&format!("plan demo {unusable}"), &keys).await.ends(1);
        canaries.are_not_in(user, done.out + &done.err);
    }
    for profile in PROFILES {
        let path = project.path().join("profiles");
        fs::write(&path, profile.replace("CANARY", BEARER)).expect("a file");
        let path = path.to_string_lossy();
        for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            let set = [(variable, &*path)];
            let done = run(&format!("plan demo {usable}"), &set).await.ends(1);
            canaries.are_not_in(profile, done.out + &done.err);
        }
    }
}
