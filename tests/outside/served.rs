//! A world that a process of its own serves, and groundwork on it as on AWS: every call over HTTP. What a client sent before
//! it died still has its effect.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use groundwork::sandbox::serve::aws_url;
use serde_json::Value;

use super::over_http::kubeconfig;
use super::project::{Done, GROUNDWORK, Project, Running};

/// What every command on such a world says besides.
pub const THROUGH: [&str; 6] = [
    "--provider",
    "aws",
    "--kubeconfig",
    "kubeconfig.yaml",
    "--context",
    "tunnel",
];

/// The world's time when nobody is to wait for it, and when there is to be something to wait for.
pub const FAST: &str = "1000";
pub const SLOW: &str = "10";

/// Serves the project's world, and says which kubeconfig leads to the cluster in it.
pub fn serve(project: &Project) -> (Running, PathBuf) {
    let mut server = project.start(&["sandbox", "serve", "--port", "0"]);
    let mut kubeconfig = None;
    assert!(server.until(|line| {
        let mut words = line.split_whitespace();
        let after = words.find(|word| *word == "--kubeconfig");
        kubeconfig = after.and_then(|_| words.next()).map(PathBuf::from);
        kubeconfig.is_some()
    }));
    let kubeconfig = project.path().join(kubeconfig.expect("a kubeconfig"));
    (server, kubeconfig)
}

/// Demo without its deploy agent, with the account that AWS is asked for.
pub fn on_aws() -> Project {
    let project = Project::new();
    let file = "environments/demo.toml";
    let owner = "owner = \"platform\"\n";
    project.edit(file, owner, &format!("{owner}account = \"123456789012\"\n"));
    project
}

/// A program with credentials for what answers at `endpoint`.
pub fn command(project: &Project, program: &str, endpoint: &str) -> Command {
    let mut command = project.command(program);
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "AKIDSANDBOX")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// A project whose world is served by a process of its own, as one that outlives every client.
pub struct Served {
    pub project: Project,
    address: SocketAddr,
    server: Running,
}

impl Served {
    /// A new world, whose time runs so many times as fast as the host's.
    pub fn at_speed(speed: &str) -> Self {
        Self::serving(on_aws(), speed)
    }

    /// The same world, served anew at another speed.
    pub fn again_at_speed(self, speed: &str) -> Self {
        let Self {
            project, server, ..
        } = self;
        drop(server);
        Self::serving(project, speed)
    }

    fn serving(project: Project, speed: &str) -> Self {
        let serve = ["sandbox", "serve", "--port", "0", "--sandbox-speed", speed];
        let mut server = project.start(&serve);
        let mut address = None;
        server.until(|line| {
            let url = line.split("--endpoint-url http://").nth(1);
            let told = url.and_then(|rest| rest.split(' ').next());
            address = told.and_then(|told| told.parse().ok());
            address.is_some()
        });
        let address = address.expect("an address to call");
        kubeconfig(&project, address, "demo");
        Self {
            project,
            address,
            server,
        }
    }

    fn groundwork(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.project, GROUNDWORK, &aws_url(self.address));
        command.args(arguments).args(THROUGH);
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.groundwork(arguments))
    }

    /// Starts the binary and reads its events as they come.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.project.run_in_background(self.groundwork(arguments))
    }

    /// What exists; a generated password is written as what it is.
    pub fn world(&self) -> String {
        let show = ["sandbox", "show", "--json"];
        let mut world = self.project.run(&show).ends(0).json();
        let secrets = world["resources"]["secret"].as_array_mut();
        let digests: Vec<Value> = secrets
            .into_iter()
            .flatten()
            .map(|secret| secret["value_sha256"].clone())
            .collect();
        let mut text = serde_json::to_string_pretty(&world).expect("JSON");
        for digest in digests.iter().filter_map(Value::as_str) {
            text = text.replace(digest, "generated");
        }
        text
    }
}
