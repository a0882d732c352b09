//! A project in a folder of its own, and the binary run in it with nothing of the tester's environment.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use groundwork::sandbox::Sandbox;
use groundwork::sandbox::time::ClockSource;
use serde_json::Value;
use tempfile::TempDir;

/// So many times as fast as the host's runs the sandbox's time: a cluster comes up in a second.
const SPEED: &str = "1000";

/// The binary under test.
pub const GROUNDWORK: &str = env!("CARGO_BIN_EXE_groundwork");

/// This repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What one command did.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Done {
    /// Waits for `command` to end.
    pub fn of(mut command: Command) -> Self {
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Insists on the exit code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// What was printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// What was printed, as one JSON object on each line.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.out.lines().map(parse).collect()
    }
}

/// A project with the example environments and a sandbox of its own.
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// The examples, but demo without its deploy agent: a third of the work, and all kinds of it.
    pub fn new() -> Self {
        let project = Self::whole();
        let agent = "[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\n";
        project.edit("environments/demo.toml", agent, "");
        project
    }

    /// The examples as they are.
    pub fn whole() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for part in ["environments", "policies"] {
            let to = folder.path().join(part);
            fs::create_dir(&to).expect("a folder");
            for entry in fs::read_dir(repository().join(part)).expect("a folder") {
                let from = entry.expect("an entry").path();
                fs::copy(&from, to.join(from.file_name().expect("a name"))).expect("a copy");
            }
        }
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a written file");
    }

    /// Replaces a text that stands in a file of the project.
    #[track_caller]
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join(name)).expect("a file");
        assert!(text.contains(from), "{name} does not say `{from}`");
        self.write(name, text.replace(from, to));
    }

    /// A program in the project's folder, with an environment of its own.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path())
            .env("COLUMNS", "100")
            .env("GROUNDWORK_SANDBOX_SPEED", SPEED)
            .stdin(Stdio::null());
        command
    }

    /// The binary, not yet started.
    pub fn groundwork(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(GROUNDWORK);
        command.args(arguments);
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.groundwork(arguments))
    }

    /// The state's file.
    pub fn state(&self, environment: &str) -> PathBuf {
        let folder = ".groundwork/state/sandbox/123456789012";
        self.path().join(folder).join(format!("{environment}.json"))
    }

    /// Starts the binary and reads its events as they come.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.run_in_background(self.groundwork(arguments))
    }

    /// The same with a command that was made ready.
    pub fn run_in_background(&self, mut command: Command) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let child = Some(child);
        Running { child, out }
    }

    /// How many there are of everything in the sandbox that could be made twice.
    pub async fn count(&self) -> BTreeMap<&'static str, usize> {
        let clock = ClockSource::Wall { scale: 1.0 };
        let sandbox = Sandbox::open(self.path().join(".groundwork/sandbox"), clock);
        let aws = sandbox.cloud("us-east-1").aws;
        macro_rules! count {
            ($client:ident, $operation:ident, $list:ident) => {{
                let answer = aws.$client.$operation().send().await.expect("a list");
                (stringify!($operation), answer.$list().len())
            }};
        }
        let mut counts = BTreeMap::from([
            count!(ec2, describe_vpcs, vpcs),
            count!(ec2, describe_subnets, subnets),
            count!(ec2, describe_addresses, addresses),
            count!(ec2, describe_internet_gateways, internet_gateways),
            count!(ec2, describe_route_tables, route_tables),
            count!(ec2, describe_security_groups, security_groups),
            count!(ec2, describe_security_group_rules, security_group_rules),
            count!(ec2, describe_network_interfaces, network_interfaces),
            count!(eks, list_clusters, clusters),
            count!(rds, describe_db_instances, db_instances),
            count!(rds, describe_db_subnet_groups, db_subnet_groups),
            count!(iam, list_roles, roles),
            count!(iam, list_groups, groups),
            count!(secrets, list_secrets, secret_list),
        ]);
        // Gateways and instances are still listed for a while after they are gone.
        let gateways = aws
            .ec2
            .describe_nat_gateways()
            .send()
            .await
            .expect("a list");
        let living = gateways.nat_gateways().iter().filter(|gateway| {
            gateway
                .state()
                .is_none_or(|state| state.as_str() != "deleted")
        });
        counts.insert("nat_gateways", living.count());
        counts
    }
}

/// A command under way.
pub struct Running {
    child: Option<Child>,
    out: BufReader<ChildStdout>,
}

impl Running {
    /// Reads lines until one satisfies `enough`, or the command's output ends. Says which.
    pub fn until(&mut self, mut enough: impl FnMut(&str) -> bool) -> bool {
        let mut line = String::new();
        loop {
            line.clear();
            if self.out.read_line(&mut line).expect("text") == 0 {
                return false;
            }
            if enough(line.trim_end()) {
                return true;
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("a living process").id()
    }

    /// Whether it has not ended yet.
    pub fn is_at_work(&mut self) -> bool {
        let child = self.child.as_mut().expect("a living process");
        child.try_wait().expect("a process").is_none()
    }

    /// Ends it as `kill -9` does.
    pub fn kill(self) {
        drop(self);
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for its end, and gives the rest of what it said.
    pub fn end(mut self) -> Done {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("text");
        let child = self.child.take().expect("a living process");
        let output = child.wait_with_output().expect("an end");
        Done {
            code: output.status.code().unwrap_or(-1),
            out: rest,
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

impl Drop for Running {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}
