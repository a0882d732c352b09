//! groundwork on what it takes for AWS: a served sandbox, every call over HTTP, the cluster through a kubeconfig.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use groundwork::sandbox::Sandbox;
use groundwork::sandbox::serve::{Server, aws_url, cluster_url};
use groundwork::sandbox::time::ClockSource;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::project::{Done, GROUNDWORK, Project, repository};

/// How a command reaches the cluster of the kubeconfig that [`Aws::kubeconfig`] writes.
pub const TUNNEL: [&str; 4] = ["--kubeconfig", "kubeconfig.yaml", "--context", "tunnel"];

/// An endpoint that answers as AWS does, out of the project's own world.
pub struct Aws {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Aws {
    pub async fn of(project: &Project) -> Self {
        let sandbox = Sandbox::open(
            project.path().join(".groundwork/sandbox"),
            ClockSource::Wall { scale: 1000.0 },
        );
        let server = Server::bind(sandbox, 0).await.expect("a port");
        let address = server.address();
        let serving = tokio::spawn(server.run(std::future::pending()));
        Self { address, serving }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        aws_url(self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs the binary against it to the end.
    pub async fn run(&self, project: &Project, arguments: &[&str]) -> Done {
        through_aws(project, &aws_url(self.address), arguments).await
    }

    /// Writes a kubeconfig of the cluster `name`, which need not be there yet.
    pub fn kubeconfig(&self, project: &Project, name: &str) {
        kubeconfig(project, self.address, name);
    }
}

/// Writes a kubeconfig of the cluster `name`, which need not be there yet, of the world that is served at `address`.
pub fn kubeconfig(project: &Project, address: SocketAddr, name: &str) {
    let url = cluster_url(address, "us-east-1", name);
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n\
         clusters: [{{name: it, cluster: {{server: {url:?}}}}}]\n\
         users: [{{name: me, user: {{}}}}]\n\
         contexts: [{{name: tunnel, context: {{cluster: it, user: me}}}}]\n"
    );
    project.write("kubeconfig.yaml", text);
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Runs the binary to its end with what answers as AWS does at `url`.
pub async fn through_aws(project: &Project, url: &str, arguments: &[&str]) -> Done {
    let mut command = project.groundwork(arguments);
    command
        .args(["--provider", "aws"])
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDSANDBOX")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("MYSQL_PASSWORD", "correct-horse-battery")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let ended = tokio::task::spawn_blocking(move || Done::of(command));
    ended.await.expect("a command")
}

/// Gives `environment` an account and an agent whose manifest is at hand, so that it needs no internet. Returns where it is kept.
pub fn ready_for_aws(project: &Project, environment: &str) -> PathBuf {
    let file = &format!("environments/{environment}.toml");
    let owner = "owner = \"platform\"\n";
    project.edit(file, owner, &format!("{owner}account = \"123456789012\"\n"));
    let manifest = fs::read(repository().join("src/sandbox/stand_ins/argocd.yaml"));
    let manifest = manifest.expect("the stand-in");
    let digest = groundwork::digest::of(&manifest);
    let version = "version = \"v3.5.1\"\n";
    let nowhere = "http://127.0.0.1:9/install.yaml";
    let pinned = format!("{version}manifest = {{ url = \"{nowhere}\", sha256 = \"{digest}\" }}\n");
    project.edit(file, version, &pinned);
    let kept = format!(".groundwork/cache/{digest}.yaml");
    project.write(&kept, manifest);
    project.path().join(kept)
}

#[tokio::test]
async fn demo_comes_up_and_goes_down_over_http() {
    let project = Project::whole();
    let kept = ready_for_aws(&project, "demo");
    let before = project.count().await;
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    let run = async |arguments: &[&str]| {
        let arguments = [arguments, &TUNNEL].concat();
        aws.run(&project, &arguments).await
    };

    run(&["apply", "demo", "--yes"]).await.ends(0);
    run(&["plan", "demo"]).await.ends(0);
    let status = run(&["status", "demo", "--json"]).await.ends(0).json();
    let resources = status["resources"].as_array().expect("resources");
    let of_the_cluster = resources
        .iter()
        .filter(|resource| resource["address"] == "bootstrap.namespace.addressbook");
    assert_eq!(of_the_cluster.count(), 1, "{status:#}");
    // What is on AWS is not in the sandbox's state.
    project.run(&["state", "list", "demo"]).ends(1);

    // The manifest is out of reach: what exists can be looked at and removed all the same.
    fs::remove_file(kept).expect("the manifest");
    let plan = run(&["plan", "demo"]).await.ends(1);
    assert!(plan.err.contains("install manifest"), "{}", plan.err);
    let still = run(&["status", "demo", "--json"]).await.ends(0).json();
    let states = |status: &Value| -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resources = status["resources"].as_array().expect("resources").iter();
        resources
            .map(|resource| (text(&resource["address"]), text(&resource["state"])))
            .collect()
    };
    assert_eq!(states(&still), states(&status));
    looks_without_aws(&project);
    gives_a_kubeconfig_that_finds_groundwork(&project);
    run(&["plan", "demo", "--destroy"]).await.ends(2);
    run(&["destroy", "demo", "--yes"]).await.ends(0);
    assert_eq!(project.count().await, before);
}

/// What is remembered on this machine is told without credentials, and nobody is called.
fn looks_without_aws(project: &Project) {
    for arguments in [
        &["state", "list", "demo"] as &[&str],
        &[
            "state",
            "show",
            "demo",
            "bootstrap.agent.deployment.argocd-server",
        ],
        &["output", "demo", "cluster.endpoint"],
        &["kubeconfig", "demo"],
        &["graph", "demo"],
    ] {
        let mut command = project.groundwork(arguments);
        command
            .args(["--provider", "aws"])
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        let done = Done::of(command).ends(0);
        assert!(!done.out.is_empty(), "{arguments:?}");
    }
}

/// Where groundwork is on the PATH its kubeconfig works on every machine that has it there; else it works here.
fn gives_a_kubeconfig_that_finds_groundwork(project: &Project) {
    let told = |path: &Path| {
        let mut command = project.groundwork(&["kubeconfig", "demo", "--provider", "aws"]);
        command.env("PATH", path);
        let done = Done::of(command).ends(0);
        let text = done.out.contains(&project.path().display().to_string());
        assert!(!text, "no path of this machine: {}", done.out);
        let exec = done.json()["users"][0]["user"]["exec"].take();
        exec["command"].as_str().expect("a command").to_owned()
    };
    let folder = project.path().join("bin");
    fs::create_dir(&folder).expect("a folder");
    assert_eq!(told(&folder), GROUNDWORK);
    let program = folder.join("groundwork");
    fs::write(&program, "another program").expect("a file");
    assert_eq!(told(&folder), GROUNDWORK);
    fs::remove_file(&program).expect("it goes");
    symlink(GROUNDWORK, &program).expect("a link");
    assert_eq!(told(&folder), "groundwork");
}

#[test]
fn missing_credentials_are_told_as_such() {
    let project = Project::whole();
    ready_for_aws(&project, "demo");
    let mut command = project.groundwork(&["plan", "demo", "--provider", "aws"]);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    let done = Done::of(command).ends(1);
    assert!(
        done.err.contains("no usable AWS credentials"),
        "{}",
        done.err
    );
    assert!(done.err.contains("AWS_PROFILE"), "{}", done.err);
}

#[tokio::test]
async fn a_kubeconfig_that_can_not_be_used_is_named() {
    let project = Project::whole();
    ready_for_aws(&project, "demo");
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    let plan = ["plan", "demo", "--kubeconfig", "kubeconfig.yaml"];
    for (arguments, said) in [
        (
            vec!["plan", "demo", "--kubeconfig", "none.yaml"],
            "none.yaml",
        ),
        (plan.to_vec(), "nowhere"),
        ([&plan[..], &["--context", "else"]].concat(), "else"),
    ] {
        let done = aws.run(&project, &arguments).await.ends(1);
        assert!(done.err.contains("can't be used"), "{}", done.err);
        assert!(done.err.contains(said), "{}", done.err);
    }
    let done = project.run(&plan).ends(1);
    assert!(done.err.contains("answers for its own"), "{}", done.err);
    project.run(&["plan", "demo", "--context", "x"]).ends(64);
}
