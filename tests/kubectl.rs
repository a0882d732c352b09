//! kubectl, an independent client, works with the Kubernetes of a served sandbox.
//!
//! Needs the `kubectl` command; where there is none, the test says so and passes.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use groundwork::sandbox::Sandbox;
use groundwork::sandbox::kubernetes::{NewNode, add_node, create_cluster};
use groundwork::sandbox::serve::{Server, cluster_url};
use groundwork::sandbox::store::Effect;
use groundwork::sandbox::time::ClockSource;
use tempfile::TempDir;

const REGION: &str = "eu-central-1";
const CLUSTER: &str = "c";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const WEB: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "web:1", ports: [{containerPort: 80}], env: [{name: A, value: "1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sites.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: sites, kind: Site, singular: site, shortNames: [st]}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, description: What the site is.}}}}
"#;

/// kubectl with a configuration of its own.
struct Kubectl {
    folder: TempDir,
}

impl Kubectl {
    fn new(server: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let config = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
             users: [{{name: u, user: {{token: any}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n"
        );
        std::fs::write(folder.path().join("config"), config)?;
        std::fs::write(folder.path().join("web.yaml"), WEB)?;
        let newer = WEB.replace("web:1", "web:2");
        std::fs::write(folder.path().join("newer.yaml"), newer)?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit code, and what was printed on both streams.
    async fn run(&self, line: &str) -> Outcome<(i32, String)> {
        let mut command = Command::new("kubectl");
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("KUBECONFIG", self.path("config"))
            .env("HOME", self.folder.path());
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok((output.status.code().unwrap_or(-1), text))
    }

    /// Runs a command that must succeed and print each of `parts`.
    async fn shows(&self, line: &str, parts: &[&str]) -> Outcome {
        let (code, text) = self.run(line).await?;
        assert_eq!(code, 0, "kubectl {line}: {text}");
        for part in parts {
            assert!(
                text.contains(part),
                "kubectl {line} without {part:?}: {text}"
            );
        }
        Ok(())
    }

    /// Runs a command that must end with `expected` and print `part`.
    async fn ends(&self, line: &str, expected: i32, part: &str) -> Outcome {
        let (code, text) = self.run(line).await?;
        assert_eq!(code, expected, "kubectl {line}: {text}");
        assert!(
            text.contains(part),
            "kubectl {line} without {part:?}: {text}"
        );
        Ok(())
    }
}

/// A served cluster with one node, twenty times as fast as the clock on the wall.
async fn served(folder: &TempDir) -> Outcome<Server> {
    let sandbox = Sandbox::open(folder.path(), ClockSource::Wall { scale: 20.0 });
    sandbox.store().transact(Effect::Changes, |world| {
        create_cluster(world, REGION, CLUSTER, "1.35");
        let node = NewNode {
            name: "ip-10-0-1-2.eu-central-1.compute.internal".to_owned(),
            instance_id: "i-0123456789abcdef0".to_owned(),
            instance_type: "t3.medium".to_owned(),
            zone: "eu-central-1a".to_owned(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
        };
        add_node(world, REGION, CLUSTER, node);
    })?;
    Ok(Server::bind(sandbox, 0).await?)
}

#[tokio::test]
async fn kubectl_reads_applies_waits_and_deletes() -> Outcome {
    match Command::new("kubectl").arg("help").output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            eprintln!("not tested: there is no kubectl command here");
            return Ok(());
        }
        found => drop(found?),
    }
    let folder = tempfile::tempdir()?;
    let server = served(&folder).await?;
    let kubectl = Kubectl::new(&cluster_url(server.address(), REGION, CLUSTER))?;
    tokio::select! {
        () = server.run(std::future::pending()) => Err("the server ended".into()),
        done = session(&kubectl) => done,
    }
}

async fn session(kubectl: &Kubectl) -> Outcome {
    kubectl
        .shows("get nodes", &["STATUS", "Ready", "v1.35.0"])
        .await?;
    kubectl
        .shows(
            "api-resources",
            &["deployments", "deploy", "apps/v1", "Deployment"],
        )
        .await?;
    kubectl
        .shows(
            "apply -f web.yaml",
            &["deployment.apps/web created", "service/web created"],
        )
        .await?;
    kubectl
        .shows(
            "rollout status deployment/web --timeout=60s",
            &["successfully rolled out"],
        )
        .await?;
    kubectl
        .shows(
            "wait --for=condition=Established crd/sites.example.org --timeout=60s",
            &["condition met"],
        )
        .await?;
    kubectl.shows("get sites", &["No resources found"]).await?;
    kubectl
        .shows("get all", &["deployment.apps/web   2/2", "service/web"])
        .await?;
    kubectl
        .shows(
            "describe deployment web",
            &["2 available", "NewReplicaSetAvailable"],
        )
        .await?;
    kubectl
        .shows("describe service web", &["Endpoints:"])
        .await?;
    kubectl
        .shows("explain site.spec", &["What the site is."])
        .await?;
    kubectl
        .shows("apply -f web.yaml", &["deployment.apps/web unchanged"])
        .await?;
    kubectl.ends("diff -f web.yaml", 0, "").await?;
    kubectl.ends("diff -f newer.yaml", 1, "web:2").await?;
    kubectl
        .ends(
            "apply --server-side --field-manager=other -f newer.yaml",
            1,
            ".spec.template.spec.containers[name=\"web\"].image",
        )
        .await?;
    kubectl
        .shows(
            "apply --server-side --force-conflicts --field-manager=other -f newer.yaml",
            &["deployment.apps/web serverside-applied"],
        )
        .await?;
    kubectl
        .ends(
            "diff --server-side --field-manager=other -f newer.yaml",
            0,
            "",
        )
        .await?;
    kubectl
        .shows("create namespace demo", &["namespace/demo created"])
        .await?;
    kubectl
        .shows(
            "create secret generic s -n demo --from-literal=a=b",
            &["secret/s created"],
        )
        .await?;
    kubectl
        .shows("delete namespace demo --timeout=60s", &["\"demo\" deleted"])
        .await?;
    kubectl
        .ends("get namespace demo", 1, "namespaces \"demo\" not found")
        .await?;
    kubectl
        .shows("delete -f web.yaml --timeout=60s", &["\"web\" deleted"])
        .await?;
    kubectl
        .shows("wait --for=delete pod -l app=web --timeout=60s", &[])
        .await?;
    kubectl.shows("get pods", &["No resources found"]).await
}
