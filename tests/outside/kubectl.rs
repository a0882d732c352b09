//! kubectl, an independent client, against the cluster that an apply of demo made in a served sandbox.

use std::path::PathBuf;

use super::clients;
use super::project::{Done, Project, Running};
use super::served::serve;

const GREETING: &str = "
apiVersion: v1
kind: ConfigMap
metadata: {name: greeting, namespace: addressbook}
data: {hello: world}
";

/// A served sandbox with demo in it.
struct Served {
    project: Project,
    server: Running,
    kubeconfig: PathBuf,
}

impl Served {
    fn new() -> Self {
        let project = Project::whole();
        project.run(&["apply", "demo", "--yes"]).ends(0);
        let (server, kubeconfig) = serve(&project);
        Self {
            project,
            server,
            kubeconfig,
        }
    }

    fn kubectl(&self, arguments: &str) -> Done {
        let mut command = self.project.command("kubectl");
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        Done::of({
            command.args(arguments.split_whitespace());
            command
        })
    }

    /// Insists on the exit code, and that all of `expected` is said.
    #[track_caller]
    fn says(&self, arguments: &str, code: i32, expected: &[&str]) {
        let done = self.kubectl(arguments);
        let said = format!("kubectl {arguments}\n{}{}", done.out, done.err);
        assert_eq!(done.code, code, "{said}");
        for text in expected {
            assert!(said.contains(text), "`{text}` is missing: {said}");
        }
    }
}

#[test]
fn kubectl_finds_a_cluster_like_any_other() {
    if !clients::found("kubectl") {
        return;
    }
    let served = Served::new();
    reads(&served);
    applies(&served);
    applies_on_the_server(&served);
    waits(&served);
    served.server.signal("TERM");
    served.server.end().ends(0);
}

fn reads(served: &Served) {
    let pods = served.kubectl("get pods -A").ends(0).out;
    let mut lines = pods.lines().map(|line| line.split_whitespace().collect());
    let heading: Vec<&str> = lines.next().expect("a heading");
    assert_eq!(
        heading,
        ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    );
    let namespaces: Vec<&str> = lines
        .inspect(|row: &Vec<&str>| assert_eq!(row[3], "Running", "{row:?}"))
        .map(|row| row[0])
        .collect();
    for namespace in ["argocd", "kube-system", "traefik"] {
        assert!(namespaces.contains(&namespace), "{pods}");
    }
    let deployment = served.kubectl("get deployment traefik -n traefik -o json");
    assert_eq!(deployment.ends(0).json()["status"]["readyReplicas"], 1);
    let secret = served.kubectl("get secret db-params -n addressbook -o json");
    let data = secret.ends(0).json()["data"].clone();
    let keys: Vec<&String> = data.as_object().expect("data").keys().collect();
    assert_eq!(
        keys,
        ["host", "password", "port", "schema", "ssl", "user"],
        "{data}"
    );
    served.says(
        "get namespace nope",
        1,
        &["(NotFound)", "\"nope\" not found"],
    );
    served.says("get nopes", 1, &["doesn't have a resource type \"nopes\""]);

    let image = "docker.io/traefik";
    served.says(
        "describe deployment traefik -n traefik",
        0,
        &[image, "Conditions:"],
    );
    served.says(
        "describe service traefik -n traefik",
        0,
        &["LoadBalancer Ingress:"],
    );
    served.says("describe namespace nope", 1, &["(NotFound)"]);

    let kinds = ["deployments", "ingressclasses", "applications.argoproj.io"];
    served.says("api-resources -o name", 0, &kinds);
    served.says("api-resources --api-group nope -o name", 0, &[]);
}

fn applies(served: &Served) {
    served.project.write("greeting.yaml", GREETING);
    served.says("diff -f greeting.yaml", 1, &["+  hello: world"]);
    served.says("apply -f greeting.yaml", 0, &["greeting created"]);
    served.says("apply -f greeting.yaml", 0, &["greeting unchanged"]);
    served.says("diff -f greeting.yaml", 0, &[]);
    served.project.edit("greeting.yaml", "world", "there");
    served.says(
        "diff -f greeting.yaml",
        1,
        &["-  hello: world", "+  hello: there"],
    );
    served.says("apply -f greeting.yaml", 0, &["greeting configured"]);
    let get = "get configmap greeting -n addressbook -o json";
    assert_eq!(served.kubectl(get).ends(0).json()["data"]["hello"], "there");

    // An unknown field would not do: kubectl before 1.25 does not ask the server to be strict.
    let wrong_type = GREETING.replace("hello: world", "hello: [world]");
    served.project.write("wrong.yaml", wrong_type);
    served.says(
        "apply -f wrong.yaml",
        1,
        &["cannot be handled as a ConfigMap"],
    );
    let elsewhere = GREETING.replace("addressbook", "nope");
    served.project.write("wrong.yaml", elsewhere);
    served.says("apply -f wrong.yaml", 1, &["namespaces \"nope\" not found"]);

    served.says("delete -f greeting.yaml", 0, &["\"greeting\" deleted"]);
    served.says("delete -f greeting.yaml", 1, &["(NotFound)"]);
    served.says("delete -f greeting.yaml --ignore-not-found", 0, &[]);
}

fn applies_on_the_server(served: &Served) {
    served.project.write("greeting.yaml", GREETING);
    let apply = "apply --server-side -f greeting.yaml";
    served.says(apply, 0, &["greeting serverside-applied"]);
    served.project.edit("greeting.yaml", "world", "you");
    let second = format!("{apply} --field-manager second");
    served.says(
        &second,
        1,
        &["1 conflict", "conflict with \"kubectl\"", ".data.hello"],
    );
    served.says(
        &format!("{second} --force-conflicts"),
        0,
        &["serverside-applied"],
    );
    served.says(
        "diff --server-side --field-manager second -f greeting.yaml",
        0,
        &[],
    );
    served.says(
        "wait --for delete configmap/greeting -n addressbook --timeout 1s",
        1,
        &["timed out"],
    );
    // It waits until the object is gone. `wait --for delete` on what is gone already fails before kubectl 1.24.
    served.says("delete configmap greeting -n addressbook", 0, &["deleted"]);
}

fn waits(served: &Served) {
    let traefik = "deployment/traefik -n traefik --timeout";
    let met = "deployment.apps/traefik condition met";
    served.says(
        &format!("wait --for condition=Available {traefik} 30s"),
        0,
        &[met],
    );
    served.says(
        &format!("wait --for condition=Nope {traefik} 1s"),
        1,
        &["timed out"],
    );
    served.says(
        &format!("rollout status {traefik} 30s"),
        0,
        &["successfully rolled out"],
    );
    served.says(
        "rollout status deployment/nope -n traefik",
        1,
        &["(NotFound)"],
    );
    served.says(
        "rollout restart deployment/traefik -n traefik",
        0,
        &["restarted"],
    );
    served.says(
        &format!("rollout status {traefik} 30s"),
        0,
        &["successfully rolled out"],
    );
}
