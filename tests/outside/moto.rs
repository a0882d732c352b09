//! The same life cycles against an AWS that nobody here wrote: moto over HTTP, its gaps filled by `tests/moto`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::over_http::{Aws, ready_for_aws, through_aws};
use crate::project::{Project, repository};

/// The Python that has moto, where `scripts/clients` put it. Without it the test is skipped, and says so.
#[expect(clippy::disallowed_macros, reason = "a skipped test says so")]
fn python() -> Option<OsString> {
    let python = env::var_os("GROUNDWORK_MOTO_PYTHON");
    if python.is_none() {
        eprintln!("skipped: there is no moto, which `. scripts/clients` puts here");
    }
    python
}

/// moto, until this is dropped: it ends when its standard input does.
struct Moto {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Moto {
    fn start(project: &Project, python: &OsStr) -> Self {
        let log = project.path().join("requests.log");
        let mut process = Command::new(python)
            .arg(repository().join("tests/moto/server.py"))
            .arg(&log)
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python");
        let mut url = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("a pipe"));
        out.read_line(&mut url).expect("an address");
        let url = url.trim().to_owned();
        Self { process, url, log }
    }

    /// The requests since this was last asked, each as `service operation status`.
    fn requests(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        fs::write(&self.log, "").expect("an empty log");
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It was told to end, and has nothing to lose.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A cluster that moto can't give: a simulated one, made by the binary in a project of its own.
const CLUSTER: &str = r#"
[environment]
name = "judge"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.99.0.0/16"
zones = 2
[cluster.node_groups.default]
instance_types = ["t3.medium"]
min = 3
max = 4
"#;

/// Brings `environment` up, looks, edits it, and takes it down; AWS is moto, Kubernetes the served sandbox.
async fn lives(environment: &str, edits: &[(&str, &str)]) {
    let Some(python) = python() else {
        return;
    };
    let project = Project::whole();
    ready_for_aws(&project, environment);
    project.write("environments/judge.toml", CLUSTER);
    project.run(&["apply", "judge", "--yes"]).ends(0);
    let cluster = Aws::of(&project).await;
    cluster.kubeconfig(&project, "judge");
    let moto = Moto::start(&project, &python);

    let run = async |arguments: &[&str]| {
        let through = ["--kubeconfig", "kubeconfig.yaml", "--context", "tunnel"];
        let arguments = [arguments, &through].concat();
        through_aws(&project, &moto.url, &arguments).await
    };
    let is_done = async || {
        moto.requests();
        run(&["plan", environment]).await.ends(0);
        let requests = moto.requests();
        assert!(requests.len() <= 25, "{requests:#?}");
    };
    run(&["apply", environment, "--yes"]).await.ends(0);
    is_done().await;

    for (from, to) in edits {
        project.edit(&format!("environments/{environment}.toml"), from, to);
    }
    run(&["apply", environment, "--yes"]).await.ends(0);
    is_done().await;

    run(&["destroy", environment, "--yes"]).await.ends(0);
    let answers = moto.requests();
    let unknown = answers.iter().filter(|answer| answer.ends_with(" 501"));
    assert_eq!(unknown.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn staging_lives_on_moto() {
    let edits = [
        ("owner = \"platform\"", "owner = \"delivery\""),
        ("max = 5", "max = 6"),
        ("storage_gib = 20", "storage_gib = 30"),
        ("scan_on_push = true", "scan_on_push = false"),
        ("\"AmazonElastiCacheFullAccess\"", "\"ReadOnlyAccess\""),
    ];
    lives("staging", &edits).await;
}

#[tokio::test]
async fn demo_lives_on_moto() {
    let edits = [
        ("owner = \"platform\"", "owner = \"delivery\""),
        ("class = \"db.t3.micro\"", "class = \"db.t3.small\""),
        ("max = 4", "max = 5"),
        ("replicas = 1", "replicas = 2"),
    ];
    lives("demo", &edits).await;
}
