//! Staging with everything that a kind can be asked for, brought up once: each test works on a copy of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use groundwork::environment::Environment;
use groundwork::environment::model::{
    Access, Addon, Conflicts, GroupPolicy, IdentityBy, LoadBalancerName, LogType, Manifest,
    PodIdentity, Policy, Project, Release, Repository, RepositoryKind, SignIn, Source,
};
use groundwork::observe::VISIBILITY;
use groundwork::ops::Session;
use groundwork::plan::Goal;
use groundwork::sandbox::{Sandbox, store::Effect, time::ClockSource};
use groundwork::sensitive::Sensitive;
use serde_json::json;
use tempfile::TempDir;

use crate::common::{World, apply, example};
use crate::shared::trim_agent;

/// A Kubernetes version that is neither the oldest nor the newest.
pub const VERSION: &str = "1.34";

/// Staging, with a policy of our own, a name of the load balancer, a Kubernetes version and all that a cluster can be
/// given in the file.
pub fn staging() -> Environment {
    let mut staging = example("staging");
    let policy = Policy {
        name: "queue-readers".to_owned(),
        path: "policies/queue-readers.json".to_owned(),
        document: document("sqs:ReceiveMessage"),
    };
    staging.policies.insert("queue-readers".to_owned(), policy);
    let group = staging.groups.get_mut("DB-Ops").expect("the group");
    group
        .policies
        .push(GroupPolicy::Own("queue-readers".to_owned()));
    let cluster = staging.cluster.as_mut().expect("a cluster");
    cluster.version = Some(VERSION.to_owned());
    let everywhere = BTreeSet::new();
    let access = Access {
        principal: "user/ops-account".to_owned(),
        policies: [("AmazonEKSViewPolicy".to_owned(), everywhere)].into(),
        groups: BTreeSet::from(["viewers".to_owned()]),
    };
    cluster.access.insert("ops".to_owned(), access);
    let bootstrap = staging.bootstrap.as_mut().expect("a bootstrap");
    let release = Release {
        namespace: "ledger".to_owned(),
        source: Source::Manifest(Manifest::File {
            path: "manifests/ledger.yaml".to_owned(),
            text: Sensitive::new(LEDGER),
        }),
    };
    bootstrap.releases.insert("ledger".to_owned(), release);
    cluster.logging.insert(LogType::Api);
    cluster.log_retention_days = Some(30);
    let addon = |version: Option<&str>| Addon {
        version: version.map(str::to_owned),
        configuration: serde_json::Map::new(),
        conflicts: Conflicts::Overwrite,
        before_nodes: true,
        identity: None,
    };
    let addons = [
        ("eks-pod-identity-agent", addon(Some("v1.3.9-eksbuild.3"))),
        ("kube-proxy", addon(None)),
    ];
    cluster
        .addons
        .extend(addons.map(|(name, addon)| (name.to_owned(), addon)));
    let identity = PodIdentity {
        by: IdentityBy::PodIdentity,
        role: "ms-cluster-staging-uploader".to_owned(),
        namespace: "microservices".to_owned(),
        service_account: "uploader".to_owned(),
        policies: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess".to_owned()].into(),
    };
    let by_token = PodIdentity {
        by: IdentityBy::Oidc,
        role: "ms-cluster-staging-reader".to_owned(),
        service_account: "reader".to_owned(),
        ..identity.clone()
    };
    cluster.identities.insert("uploader".to_owned(), identity);
    cluster.identities.insert("reader".to_owned(), by_token);
    cluster.oidc_provider = true;
    staging.load_balancer_names.push(LoadBalancerName {
        name: "*.staging.msur-vpc.com".to_owned(),
        public_zone: None,
    });
    let agent = bootstrap.agent.as_mut().expect("an agent");
    let project = Project {
        description: None,
        repositories: vec!["https://github.com/implementing-microservices/*".to_owned()],
        namespaces: vec!["microservices".to_owned()],
        cluster_objects: Vec::new(),
    };
    agent.projects.insert("flights".to_owned(), project);
    for application in agent.applications.values_mut() {
        "flights".clone_into(&mut application.project);
    }
    let repository = Repository {
        url: "https://github.com/implementing-microservices/ms-deploy".to_owned(),
        kind: RepositoryKind::Git,
        sign_in: SignIn::Password {
            username: "git".to_owned(),
            secret: "mysql-password".to_owned(),
        },
        project: None,
    };
    agent.repositories.insert("deploy".to_owned(), repository);
    staging
}

/// What somebody publishes.
const LEDGER: &str = "
apiVersion: v1
kind: Secret
metadata: {name: ledger}
stringData: {password: hunter2}
---
apiVersion: batch/v1
kind: Job
metadata: {name: ledger, annotations: {helm.sh/hook: post-install}}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: it, image: ledger:1}]}
";

/// A policy document that allows `action`.
pub fn document(action: &str) -> serde_json::Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
    })
}

/// Staging as it is after its first apply, in a world that nobody else touches.
pub fn applied() -> World {
    static BUILT: OnceLock<TempDir> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    let folder = tempfile::tempdir().expect("a temporary folder");
    copy(built.path(), folder.path());
    let sandbox = Sandbox::open(folder.path().join("sandbox"), ClockSource::Virtual);
    World { folder, sandbox }
}

/// A session on unchanged staging in `world`.
pub fn session(world: &World) -> Session {
    session_on(world, staging())
}

/// A session on `environment` in `world`. Of the agent's many objects a few of each sort are enough here.
pub fn session_on(world: &World, environment: Environment) -> Session {
    let mut session = world.session(environment);
    trim_agent(&mut session);
    session
}

/// Brings staging up on a clock of its own: the tests that wait for it have another.
fn build() -> TempDir {
    let build = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let world = World::new();
            let session = session(&world);
            apply(&session).await;
            let again = session.plan(Goal::Apply).await.expect("a plan");
            let work: Vec<_> = again.plan.work().collect();
            assert!(work.is_empty(), "a second apply would do: {work:#?}");
            // Nothing is so new any more that it might be there and not be seen.
            tokio::time::advance(VISIBILITY).await;
            let store = world.sandbox.store();
            let lives_on = store.transact(Effect::Changes, |_| ());
            lives_on.expect("a world");
            world.folder
        })
    };
    std::thread::spawn(build).join().expect("staging comes up")
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path: PathBuf = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            std::fs::create_dir_all(&target).expect("a folder");
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file");
        }
    }
}
