//! A bootstrap in a cluster that groundwork did not make, by the real binary: in the simulator's, or, where
//! GROUNDWORK_TEST_KUBECONFIG is set, in the one of KUBECONFIG. What is tried is the same in both, so that nothing of it is
//! true of the simulator alone. No AWS is called: there are no credentials for it, and nobody answers.

use std::env;
use std::path::PathBuf;
use std::process;

use http::{Method, Request};
use serde_json::{Value, json};

use super::project::{Done, Project, Running};
use super::served::serve;

/// Somebody's cluster in the sandbox.
const HOST: &str = r#"
[environment]
name = "host"
region = "us-east-1"

[cloud]
provider = "sandbox"

[network]
cidr = "10.30.0.0/16"

[cluster.node_groups.default]
instance_types = ["t3.small"]
"#;

/// `PREFIX` is made unlike anybody's.
const FILE: &str = r#"
[environment]
name = "PREFIX"
region = "us-east-1"

[cloud]
provider = "aws"

[cluster]
existing = true

[bootstrap]
namespaces = ["PREFIX"]
existing_namespaces = ["PREFIX-team"]

[bootstrap.secrets.password]
namespace = "PREFIX-team"
data.text = { value = "open" }

[bootstrap.secrets.greeting]
namespace = "PREFIX"
data.text = { value = "hello" }

[bootstrap.releases.web]
namespace = "PREFIX-web"
manifest.file = "web.yaml"
"#;

const WEB: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {colour: green}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: PREFIX-web}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: 'registry.k8s.io/pause:3.10'}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pages.PREFIX.example.com}
spec:
  group: PREFIX.example.com
  scope: Namespaced
  names: {kind: Page, plural: pages, singular: page, listKind: PageList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {title: {type: string}}}
---
apiVersion: PREFIX.example.com/v1
kind: Page
metadata: {name: first}
spec: {title: one}
";

/// A cluster that somebody else made.
struct Place {
    project: Project,
    kubeconfig: PathBuf,
    prefix: String,
    _server: Option<Running>,
}

impl Place {
    fn new() -> Self {
        let project = Project::whole();
        let prefix = format!("groundwork-test-{}", process::id());
        project.write("environments/guest.toml", FILE.replace("PREFIX", &prefix));
        let file = project.path().join("environments/guest.toml");
        let named = file.with_file_name(format!("{prefix}.toml"));
        std::fs::rename(file, named).expect("a file");
        project.write("web.yaml", WEB.replace("PREFIX", &prefix));
        let (server, kubeconfig) = match env::var_os("GROUNDWORK_TEST_KUBECONFIG") {
            Some(_) => (None, env::var_os("KUBECONFIG").expect("KUBECONFIG").into()),
            None => {
                project.write("environments/host.toml", HOST);
                project.run(&["apply", "host", "--yes"]).ends(0);
                let (server, kubeconfig) = serve(&project);
                (Some(server), kubeconfig)
            }
        };
        Self {
            project,
            kubeconfig,
            prefix,
            _server: server,
        }
    }

    /// Runs a command on the environment, without any AWS.
    async fn run(&self, arguments: &[&str]) -> Done {
        self.run_by(arguments, true).await
    }

    async fn run_by(&self, arguments: &[&str], named: bool) -> Done {
        let arguments = arguments.iter().map(|it| it.replace("ENV", &self.prefix));
        let mut command = self.project.groundwork(&[]);
        command.args(arguments);
        if named {
            command.arg("--kubeconfig").arg(&self.kubeconfig);
        }
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        let ended = tokio::task::spawn_blocking(move || Done::of(command));
        ended.await.expect("a command")
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, String> {
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.kubeconfig);
        let kubeconfig = kubeconfig.expect("a kubeconfig");
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options);
        let client = kube::Client::try_from(config.await.expect("a cluster"));
        let content = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder()
            .method(method)
            .uri(path.replace("PREFIX", &self.prefix))
            .header("content-type", content)
            .body(body.to_string().into_bytes());
        let answer = client.expect("a client");
        let answer = answer.request(request.expect("a request")).await;
        answer.map_err(|error| error.to_string())
    }

    /// Makes the namespace of somebody else's that the file names.
    async fn let_somebody_in(&self) {
        let name = format!("{}-team", self.prefix);
        let team = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.by_hand(Method::POST, "/api/v1/namespaces", team).await;
    }

    async fn get(&self, path: &str) -> Option<Value> {
        self.call(Method::GET, path, Value::Null).await.ok()
    }

    /// Changes what is there as a person does, or puts something there.
    async fn by_hand(&self, method: Method, path: &str, body: Value) {
        let path = format!("{path}?fieldManager=kubectl-edit");
        let done = self.call(method, &path, body).await;
        done.unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

const CONFIG: &str = "/api/v1/namespaces/PREFIX-web/configmaps/web";
const CONFIGS: &str = "/api/v1/namespaces/PREFIX/configmaps";

#[tokio::test]
async fn a_cluster_of_somebody_elses_is_bootstrapped_and_left_as_it_was() {
    let place = Place::new();
    let none = place.run_by(&["plan", "ENV"], false).await.ends(1);
    assert!(none.err.contains("add --kubeconfig FILE"), "{}", none.err);
    let absent = place.run(&["plan", "ENV"]).await.ends(1);
    let told = format!("there is no namespace `{}-team`", place.prefix);
    assert!(absent.err.contains(&told), "{}", absent.err);
    place.let_somebody_in().await;
    let first = place.run(&["plan", "ENV", "--json"]).await.ends(2).json();
    let verbs = first["actions"].as_array().expect("actions").iter();
    let others: Vec<_> = verbs.filter(|action| action["verb"] != "create").collect();
    assert_eq!(others.len(), 1, "{others:#?}");
    assert_eq!(others[0]["kind"], "cluster.existing");

    place.run(&["apply", "ENV", "--yes"]).await.ends(0);
    place.run(&["plan", "ENV"]).await.ends(0);
    asks_nothing_of_aws(&place).await;
    follows_the_file_and_mends(&place).await;
    makes_anew_what_can_not_be_changed(&place).await;
    leaves_to_others_what_they_manage(&place).await;
    goes_without_what_is_not_its_own(&place).await;
}

/// Only in the simulator: in anybody's cluster it would leave behind what is forgotten.
#[tokio::test]
async fn a_cluster_that_is_gone_is_forgotten_on_request_and_not_said_to_be_empty() {
    if env::var_os("GROUNDWORK_TEST_KUBECONFIG").is_some() {
        return;
    }
    let mut place = Place::new();
    place.let_somebody_in().await;
    place.run(&["apply", "ENV", "--yes"]).await.ends(0);
    let there = std::fs::read_to_string(&place.kubeconfig).expect("a kubeconfig");
    let server = there.find("127.0.0.1:").expect("a server");
    let server = there[server..].split(['/', '"', '\n']).next();
    let gone = there.replace(server.expect("an address"), "127.0.0.1:9");
    place.project.write("gone.yaml", gone);
    place.kubeconfig = place.project.path().join("gone.yaml");
    let forgetting = ["destroy", "ENV", "--yes", "--skip-cluster"];
    let forgotten = place.run(&forgetting).await.ends(1);
    assert!(!forgotten.out.contains("is left"), "{}", forgotten.out);
    assert!(forgotten.err.contains("nobody looked"), "{}", forgotten.err);
    let state = place.run(&["state", "list", "ENV"]).await.ends(1);
    assert!(state.err.contains("never been applied"), "{}", state.err);
}

async fn asks_nothing_of_aws(place: &Place) {
    let status = place.run(&["status", "ENV", "--json"]).await.ends(0).json();
    let resources = status["resources"].as_array().expect("resources");
    assert!(
        resources.iter().all(|one| one["state"] == "ready"),
        "{status:#}"
    );
    let outputs = place.run(&["output", "ENV", "--json"]).await.ends(0).json();
    assert_eq!(outputs["cluster.name"], *place.prefix);
    let policy = place.run(&["permissions", "ENV"]).await.ends(0).json();
    assert_eq!(policy["Statement"], json!([]));
    let kubeconfig = place.run(&["kubeconfig", "ENV"]).await.ends(1);
    let told = "reached as the kubeconfig says";
    assert!(kubeconfig.err.contains(told), "{}", kubeconfig.err);
    place.run(&["smoke", "ENV"]).await.ends(0);
}

async fn follows_the_file_and_mends(place: &Place) {
    let page = "/apis/PREFIX.example.com/v1/namespaces/PREFIX-web/pages/first";
    let title = async || place.get(page).await.expect("a page")["spec"]["title"].clone();
    assert_eq!(title().await, "one");
    place.project.edit("web.yaml", "title: one", "title: two");
    let colour = json!({"data": {"colour": "red"}});
    place.by_hand(Method::PATCH, CONFIG, colour).await;
    let plan = place.run(&["plan", "ENV"]).await.ends(2);
    assert!(plan.out.contains("2 to update"), "{}", plan.out);
    place.run(&["apply", "ENV", "--yes"]).await.ends(0);
    assert_eq!(title().await, "two");
    let config = place.get(CONFIG).await.expect("a config map");
    assert_eq!(config["data"]["colour"], "green");
    place.run(&["plan", "ENV"]).await.ends(0);
}

async fn makes_anew_what_can_not_be_changed(place: &Place) {
    let labels = [
        (
            "matchLabels: {app: web}",
            "matchLabels: {app: web, tier: front}",
        ),
        ("labels: {app: web}", "labels: {app: web, tier: front}"),
    ];
    for (before, after) in labels {
        place.project.edit("web.yaml", before, after);
    }
    let plan = place.run(&["plan", "ENV", "--json"]).await.ends(2).json();
    let actions = plan["actions"].as_array().expect("actions").iter();
    let work: Vec<_> = actions.filter(|one| one["verb"] != "none").collect();
    let [action] = work[..] else {
        panic!("{work:#?}");
    };
    assert_eq!(action["verb"], "replace");
    let changes = action["changes"].to_string();
    assert!(changes.contains("spec.selector"), "{changes}");
    place.run(&["apply", "ENV", "--yes"]).await.ends(0);
    place.run(&["plan", "ENV"]).await.ends(0);
}

async fn leaves_to_others_what_they_manage(place: &Place) {
    let theirs = format!("{CONFIG}?fieldManager=team-operator");
    let colour = |colour: &str| json!({"data": {"colour": colour}});
    let written = place.call(Method::PATCH, &theirs, colour("blue")).await;
    written.expect("a config map");
    let refused = place.run(&["apply", "ENV", "--yes"]).await.ends(1);
    let told = "managed by \"team-operator\"";
    assert!(refused.out.contains(told), "{}", refused.out);
    let config = place.get(CONFIG).await.expect("a config map");
    assert_eq!(config["data"]["colour"], "blue");
    // The way that it tells to take the field.
    place.by_hand(Method::PATCH, CONFIG, colour("red")).await;
    place.run(&["apply", "ENV", "--yes"]).await.ends(0);
    let config = place.get(CONFIG).await.expect("a config map");
    assert_eq!(config["data"]["colour"], "green");
}

async fn goes_without_what_is_not_its_own(place: &Place) {
    let theirs =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    let beside = "/api/v1/namespaces/default/configmaps";
    place
        .by_hand(Method::POST, beside, theirs(&place.prefix))
        .await;
    place.by_hand(Method::POST, CONFIGS, theirs("theirs")).await;
    let refused = place.run(&["destroy", "ENV", "--yes"]).await.ends(1);
    for told in ["configmap/theirs", "--allow-data-loss bootstrap.namespace."] {
        assert!(refused.err.contains(told), "{}", refused.err);
    }
    let inside = format!("{CONFIGS}/theirs");
    assert!(place.get(&inside).await.is_some());
    assert!(place.get("/api/v1/namespaces/PREFIX-web").await.is_some());
    place.by_hand(Method::DELETE, &inside, json!({})).await;
    let ended = place.run(&["destroy", "ENV", "--yes"]).await.ends(0);
    assert!(ended.out.contains("is left"), "{}", ended.out);
    for gone in [
        "/api/v1/namespaces/PREFIX",
        "/api/v1/namespaces/PREFIX-web",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/pages.PREFIX.example.com",
        "/api/v1/namespaces/PREFIX-team/secrets/password",
    ] {
        assert!(place.get(gone).await.is_none(), "{gone}");
    }
    let team = "/api/v1/namespaces/PREFIX-team";
    assert!(place.get(team).await.is_some());
    place.by_hand(Method::DELETE, team, json!({})).await;
    let beside = format!("{beside}/PREFIX");
    assert!(place.get(&beside).await.is_some());
    place.by_hand(Method::DELETE, &beside, json!({})).await;
}
