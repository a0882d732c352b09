//! Runs that share a state in a bucket, each a process of its own, against an S3 server that is not ours.

use std::process::Command;

use groundwork::sandbox::Sandbox;
use groundwork::sandbox::serve::{Server, aws_url};
use groundwork::sandbox::time::ClockSource;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::moto::{BUCKET, SERVER};
use crate::project::{Done, Project, Running};
use crate::python::{Program, python};

/// An environment that takes a moment, because its gateway does.
const FILE: &str = r#"
[environment]
name = "small"
region = "us-east-1"
account = "123456789012"

[cloud]
provider = "aws"

[network]
cidr = "10.0.0.0/16"
zones = 1
nat = "single"
"#;

/// So many times as fast as the host's runs the cloud's time: a gateway takes seconds.
const SPEED: f64 = 40.0;

/// Both clouds of these tests: a sandbox behind HTTP, and the bucket.
struct Clouds {
    project: Project,
    s3: Program,
    aws: String,
    serving: JoinHandle<()>,
    /// How many networks there were before.
    networks: usize,
}

impl Clouds {
    async fn new() -> Option<Self> {
        let python = python()?;
        let project = Project::new();
        let s3 = Program::start(&project, &python, SERVER, &[]);
        let state = format!("\n[state]\nbackend = \"s3://{BUCKET}/environments\"\n");
        project.write("environments/small.toml", FILE.to_owned() + &state);
        let clock = ClockSource::Wall { scale: SPEED };
        let sandbox = Sandbox::open(project.path().join(".groundwork/sandbox"), clock);
        let server = Server::bind(sandbox, 0).await.expect("a port");
        let aws = aws_url(server.address());
        let serving = tokio::spawn(server.run(std::future::pending()));
        let networks = project.count().await["describe_vpcs"];
        Some(Self {
            project,
            s3,
            aws,
            serving,
            networks,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.groundwork(arguments);
        command
            .env("AWS_ENDPOINT_URL", &self.aws)
            .env("AWS_ENDPOINT_URL_S3", &self.s3.url)
            .env("AWS_ACCESS_KEY_ID", "AKIDSANDBOX")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("GROUNDWORK_LEASE_SECONDS", "8");
        command
    }

    fn start(&self, arguments: &[&str]) -> Running {
        self.project.run_in_background(self.command(arguments))
    }

    async fn run(&self, arguments: &[&str]) -> Done {
        let command = self.command(arguments);
        let ended = spawn_blocking(move || Done::of(command)).await;
        ended.expect("a command")
    }

    /// Starts to apply, and comes back while the gateway is on its way.
    async fn in_the_middle(&self) -> Running {
        let mut running = self.start(&["apply", "small", "--yes", "--json"]);
        let waits = |line: &str| line.contains(r#""event":"waiting""#) && line.contains("nat");
        let (running, waits) = spawn_blocking(move || {
            let waits = running.until(waits);
            (running, waits)
        })
        .await
        .expect("a thread");
        assert!(waits, "the gateway was there at once");
        running
    }

    async fn end(running: Running) -> Done {
        spawn_blocking(|| running.end()).await.expect("a thread")
    }

    /// Everything is there once, and the state says so.
    async fn expect_whole(&self) {
        self.run(&["plan", "small"]).await.ends(0);
        let counts = self.project.count().await;
        assert_eq!(
            (counts["nat_gateways"], counts["describe_addresses"]),
            (1, 1)
        );
        assert_eq!(counts["describe_vpcs"], self.networks + 1);
    }
}

impl Drop for Clouds {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[tokio::test]
async fn one_works_and_the_others_wait_or_leave() {
    let Some(clouds) = Clouds::new().await else {
        return;
    };
    let first = clouds.in_the_middle().await;
    let busy = clouds.run(&["apply", "small", "--yes", "--no-wait"]).await;
    let holder = format!("process {} on ", first.id());
    let busy = busy.ends(75);
    assert!(busy.err.contains(&holder), "{}", busy.err);
    assert!(
        busy.err.contains("has been running `apply` since "),
        "{}",
        busy.err
    );

    let second = clouds.start(&["apply", "small", "--yes"]);
    let first = Clouds::end(first).await.ends(0);
    assert!(first.err.contains("the state was written"), "{}", first.err);
    let second = Clouds::end(second).await.ends(0);
    assert!(
        second.err.contains("waiting for another run of `small`"),
        "{}",
        second.err
    );
    assert!(second.err.contains(&holder), "{}", second.err);
    clouds.expect_whole().await;

    clouds.run(&["destroy", "small", "--yes"]).await.ends(0);
    clouds.run(&["state", "list", "small"]).await.ends(1);
    assert_eq!(
        clouds.project.count().await["describe_vpcs"],
        clouds.networks
    );
}

#[tokio::test]
async fn two_that_race_make_nothing_twice() {
    let Some(clouds) = Clouds::new().await else {
        return;
    };
    let arguments = ["apply", "small", "--yes"];
    let both = tokio::join!(clouds.run(&arguments), clouds.run(&arguments));
    both.0.ends(0);
    both.1.ends(0);
    clouds.expect_whole().await;

    let versions = clouds.run(&["state", "history", "small"]).await.ends(0);
    assert!(!versions.out.is_empty());
    clouds
        .project
        .edit("environments/small.toml", "zones = 1", "zones = 2");
    clouds.run(&arguments).await.ends(0);
    let versions = clouds.run(&["state", "history", "small"]).await.ends(0);
    let last = versions.out.lines().last().expect("a version");
    let version = last.split_whitespace().next().expect("its name");
    let restore = ["state", "restore", "small", version, "--yes"];
    let restored = clouds.run(&restore).await.ends(0);
    assert!(
        restored.err.contains("the state remembers"),
        "{}",
        restored.err
    );
    // What was made since is found by its tags.
    clouds.run(&arguments).await.ends(0);
    clouds.run(&["plan", "small"]).await.ends(0);
}

#[tokio::test]
async fn a_killed_run_is_succeeded_with_no_human() {
    let Some(clouds) = Clouds::new().await else {
        return;
    };
    clouds.in_the_middle().await.kill();
    let next = clouds.run(&["apply", "small", "--yes"]).await.ends(0);
    assert!(next.err.contains("waiting for another run"), "{}", next.err);
    clouds.expect_whole().await;
}

#[tokio::test]
async fn a_run_that_was_paused_and_overtaken_changes_nothing_more() {
    let Some(clouds) = Clouds::new().await else {
        return;
    };
    let paused = clouds.in_the_middle().await;
    paused.signal("STOP");
    clouds.run(&["apply", "small", "--yes"]).await.ends(0);
    let state = clouds.run(&["state", "show", "small"]).await.ends(0).json();

    paused.signal("CONT");
    let woken = Clouds::end(paused).await.ends(1);
    assert!(
        woken.err.contains("run the same command again"),
        "{}",
        woken.err
    );
    let started = |event: &serde_json::Value| event["event"] == "started";
    assert!(!woken.events().iter().any(started), "{}", woken.out);
    let after = clouds.run(&["state", "show", "small"]).await.ends(0).json();
    assert_eq!(after, state);
    clouds.expect_whole().await;
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_told_before_anything_changes() {
    let Some(clouds) = Clouds::new().await else {
        return;
    };
    clouds
        .project
        .edit("environments/small.toml", BUCKET, "acme-nowhere");
    let failed = clouds.run(&["apply", "small", "--yes"]).await.ends(1);
    assert!(failed.err.contains("s3://acme-nowhere"), "{}", failed.err);
    assert_eq!(
        clouds.project.count().await["describe_vpcs"],
        clouds.networks
    );
}
