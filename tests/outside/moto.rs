//! The same life cycles against an AWS that nobody here wrote: moto over HTTP, its gaps filled by `tests/moto`. Its S3 is
//! also the bucket that other tests keep their states in.

use crate::over_http::{Aws, TUNNEL, ready_for_aws, through_aws};
use crate::project::Project;
use crate::python::{Program, python};

/// moto's program.
pub const SERVER: &str = "tests/moto/server.py";

/// The bucket that it begins with.
pub const BUCKET: &str = "acme-groundwork";

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
    let moto = Program::start(&project, &python, SERVER, &[]);

    let run = async |arguments: &[&str]| {
        let arguments = [arguments, &TUNNEL].concat();
        through_aws(&project, &moto.url, &arguments).await
    };
    let is_done = async || {
        moto.told();
        run(&["plan", environment]).await.ends(0);
        let requests = moto.told();
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
    let answers = moto.told();
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
