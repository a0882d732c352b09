//! helm, which renders charts: the binary with charts that these tests write, in a folder, in a repository over HTTP
//! and in an OCI registry.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use groundwork::digest;
use serde_json::json;

use crate::clients;
use crate::project::{Done, Project};

const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

const TEMPLATES: [(&str, &str); 5] = [
    (
        "settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {greeting: {{ .Values.greeting | quote }}}\n",
    ),
    (
        "secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {token: canary-{{ .Values.greeting }}}\n",
    ),
    (
        "web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: {{ .Release.Namespace }}}\nspec:\n  \
         replicas: {{ .Values.replicas }}\n  selector: {matchLabels: {app: web}}\n  template:\n    \
         metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: web:1}]}\n",
    ),
    (
        "prepare.yaml",
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: prepare, annotations: {helm.sh/hook: \"pre-install,pre-upgrade\"}}\n\
         spec: {template: {spec: {restartPolicy: Never, containers: [{name: it, image: web:1}]}}}\n",
    ),
    (
        "test.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: never, annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: it, image: web:1}]}\n",
    ),
];

/// A project whose demo has the chart `charts/web` in its cluster.
fn project() -> Project {
    let project = Project::new();
    project.write("charts/web/Chart.yaml", CHART);
    project.write("charts/web/values.yaml", "greeting: hello\nreplicas: 1\n");
    for (name, text) in TEMPLATES {
        project.write(&format!("charts/web/templates/{name}"), text);
    }
    let file = project.path().join("environments/demo.toml");
    let text = fs::read_to_string(file).expect("demo");
    let release = "\n[bootstrap.releases.web]\nnamespace = \"web\"\nchart = { path = \"charts/web\", values = { replicas = 2 } }\n";
    project.write("environments/demo.toml", text + release);
    project
}

/// What a plan would do, as `verb address`.
fn work(project: &Project) -> Vec<String> {
    let plan = project.run(&["plan", "demo", "--json"]);
    assert!([0, 2].contains(&plan.code), "{}", plan.err);
    let plan = plan.json();
    let actions = plan["actions"].as_array().expect("actions").iter();
    let actions = actions.filter(|action| action["verb"] != "none");
    let told = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    actions
        .map(|action| format!("{} {}", told(&action["verb"]), told(&action["address"])))
        .collect()
}

#[test]
fn a_chart_lives_in_the_plan_like_everything_else() {
    if !clients::found("helm") {
        return;
    }
    let project = project();
    let applied = project.run(&["apply", "demo", "--yes"]).ends(0);
    let plan = project.run(&["plan", "demo"]).ends(0);
    let state = fs::read_to_string(project.state("demo")).expect("a state");
    for said in [&applied.out, &applied.err, &plan.out, &state] {
        // Plain and as Kubernetes encodes it.
        for canary in ["canary-hello", "Y2FuYXJ5LWhlbGxv"] {
            assert!(!said.contains(canary), "{canary} in {said}");
        }
    }
    let listed = project.run(&["state", "list", "demo"]).ends(0).out;
    assert!(
        listed.contains("bootstrap.release.web.job.prepare"),
        "{listed}"
    );
    assert!(!listed.contains("never"), "{listed}");
    let status = project.run(&["status", "demo"]).ends(0).out;
    assert!(!status.contains("drifted"), "{status}");

    // Other values, and one object less.
    project.edit(
        "environments/demo.toml",
        "replicas = 2",
        "greeting = \"bye\"",
    );
    fs::remove_file(project.path().join("charts/web/templates/web.yaml")).expect("a template");
    let expected = [
        "update bootstrap.release.web.configmap.web",
        "delete bootstrap.release.web.deployment.web",
        "replace bootstrap.release.web.job.prepare",
        "update bootstrap.release.web.secret.web",
    ];
    assert_eq!(work(&project), expected);
    let plan = project.run(&["plan", "demo"]).ends(2).out;
    assert!(
        plan.contains("manifest.data.greeting: hello → bye"),
        "{plan}"
    );
    assert!(!plan.contains("canary"), "{plan}");
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
    project.run(&["destroy", "demo", "--yes"]).ends(0);
}

/// A chart that asks which Kubernetes it is for is told that of another's cluster.
#[test]
fn a_chart_is_made_for_the_cluster_that_it_goes_to() {
    if !clients::found("helm") {
        return;
    }
    let project = project();
    let version = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: v{{ .Capabilities.KubeVersion.Minor }}}\n";
    project.write("charts/web/templates/version.yaml", version);
    let environment = |name: &str, rest: &str| {
        let text = format!(
            "[environment]\nname = \"{name}\"\nregion = \"us-east-1\"\n[cloud]\nprovider = \"sandbox\"\n{rest}"
        );
        project.write(&format!("environments/{name}.toml"), text);
    };
    let host =
        "[network]\ncidr = \"10.30.0.0/16\"\n[cluster]\nname = \"shared\"\nversion = \"1.33\"\n";
    environment("host", host);
    project.run(&["apply", "host", "--yes"]).ends(0);
    let chart =
        "[bootstrap.releases.web]\nnamespace = \"web\"\nchart = { path = \"charts/web\" }\n";
    let guest = format!("[cluster]\nexisting = true\nname = \"shared\"\n{chart}");
    environment("guest", &guest);
    let plan = project.run(&["plan", "guest"]).ends(2).out;
    assert!(
        plan.contains("bootstrap.release.web.configmap.v33"),
        "{plan}"
    );

    // Nobody says which one this gets: EKS does.
    let own = format!(
        "[network]\ncidr = \"10.40.0.0/16\"\n[cluster.node_groups.a]\ninstance_types = [\"t3.small\"]\n{chart}"
    );
    environment("own", &own);
    let plan = project.run(&["plan", "own"]).ends(2).out;
    assert!(
        plan.contains("bootstrap.release.web.configmap.v35"),
        "{plan}"
    );
}

#[test]
fn what_helm_can_not_do_is_told() {
    if !clients::found("helm") {
        return;
    }
    let project = project();
    let template = |text: &str| project.write("charts/web/templates/more.yaml", text);
    let says = |expected: &[&str]| {
        let plan = project.run(&["plan", "demo"]).ends(1);
        for text in expected {
            assert!(plan.err.contains(text), "`{text}` is missing: {}", plan.err);
        }
        plan
    };
    template(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: drawn}\nstringData: {password: {{ randAlphaNum 20 }}}\n",
    );
    says(&[
        "never the same twice",
        "data.password of v1/Secret//drawn",
        "`values`",
    ]);
    template("{{ required \"a host is needed\" .Values.host }}");
    says(&["`helm template` failed", "a host is needed"]);
    template(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: bye, annotations: {helm.sh/hook: pre-delete}}\n",
    );
    says(&[
        "batch/v1/Job//bye is a hook of the sort pre-delete",
        "skip_hooks = [\"pre-delete\"]",
    ]);
    project.edit(
        "environments/demo.toml",
        "values =",
        "skip_hooks = [\"pre-delete\"], values =",
    );
    project.run(&["plan", "demo"]).ends(2);
    template("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: canary canary, b: [}\n");
    let plan = says(&[]);
    assert!(!plan.err.contains("canary canary"), "{}", plan.err);
}

#[test]
fn a_project_without_helm_is_told_how_to_get_it() {
    let project = project();
    let mut plan = project.groundwork(&["plan", "demo"]);
    plan.env("PATH", project.path());
    let plan = Done::of(plan).ends(1);
    for text in ["no program `helm`", "https://helm.sh/docs/intro/install"] {
        assert!(plan.err.contains(text), "{}", plan.err);
    }
    // Of a published chart the sandbox has a stand-in, and says so.
    published(&project, "http://127.0.0.1:9/charts", "");
    let mut plan = project.groundwork(&["plan", "demo"]);
    plan.env("PATH", project.path());
    let plan = Done::of(plan).ends(2);
    assert!(
        plan.out.contains("takes the place of the release web"),
        "{}",
        plan.out
    );
}

/// The release takes its chart from a repository from now on.
fn published(project: &Project, repository: &str, more: &str) {
    let source =
        format!("repository = \"{repository}\", name = \"web\", version = \"1.0.0\"{more}");
    project.edit("environments/demo.toml", "path = \"charts/web\"", &source);
}

/// What a server has: by path the type of the content and the content.
type Shelves = Arc<Mutex<BTreeMap<String, (String, Vec<u8>)>>>;

/// A server on loopback that has what is put on its shelves; its address.
fn serve(shelves: &Shelves) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let shelves = Arc::clone(shelves);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            // Whoever hangs up early does not matter to the others.
            let _ = answer(stream, &shelves);
        }
    });
    address.to_string()
}

fn answer(mut stream: TcpStream, shelves: &Shelves) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let mut words = request.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let found = shelves.lock().expect("shelves").get(path).cloned();
    let (status, (kind, body)) = match found {
        Some(found) => ("200 OK", found),
        None => ("404 Not Found", ("text/plain".to_owned(), Vec::new())),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nDocker-Content-Digest: sha256:{}\r\nConnection: close\r\n\r\n",
        body.len(),
        digest::of(&body)
    )?;
    if method == "GET" {
        stream.write_all(&body)?;
    }
    Ok(())
}

/// The chart as helm packs it.
fn packed(project: &Project) -> Vec<u8> {
    let mut pack = project.command("helm");
    pack.args(["package", "charts/web"]);
    Done::of(pack).ends(0);
    fs::read(project.path().join("web-1.0.0.tgz")).expect("an archive")
}

#[test]
fn a_published_chart_is_fetched_once_and_pinned() {
    if !clients::found("helm") {
        return;
    }
    let project = project();
    let (archive, shelves) = (packed(&project), Shelves::default());
    let address = serve(&shelves);
    let index = format!(
        "apiVersion: v1\nentries:\n  web:\n  - {{apiVersion: v2, name: web, version: 1.0.0, urls: [\"http://{address}/charts/web-1.0.0.tgz\"]}}\n"
    );
    let put = |path: &str, kind: &str, body: &[u8]| {
        let on = (kind.to_owned(), body.to_vec());
        shelves.lock().expect("shelves").insert(path.to_owned(), on);
    };
    put("/charts/index.yaml", "text/yaml", index.as_bytes());
    put("/charts/web-1.0.0.tgz", "application/gzip", &archive);
    let from_folder = work(&project);
    let pin = format!(", sha256 = \"{}\"", digest::of(&archive));
    published(&project, &format!("http://{address}/charts"), &pin);
    assert_eq!(work(&project), from_folder);
    shelves.lock().expect("shelves").clear();
    assert_eq!(work(&project), from_folder, "it is at hand");
    let pinned = digest::of(&archive);
    project.edit("environments/demo.toml", &pinned, &"a".repeat(64));
    put("/charts/index.yaml", "text/yaml", index.as_bytes());
    put("/charts/web-1.0.0.tgz", "application/gzip", &archive);
    let plan = project.run(&["plan", "demo"]).ends(1);
    assert!(
        plan.err.contains(&pinned) && plan.err.contains("is expected"),
        "{}",
        plan.err
    );
}

#[test]
fn a_chart_comes_out_of_an_oci_registry() {
    if !clients::found("helm") {
        return;
    }
    let project = project();
    let (archive, shelves) = (packed(&project), Shelves::default());
    let config = br#"{"name":"web","version":"1.0.0","apiVersion":"v2"}"#;
    let part = |kind: &str, body: &[u8]| {
        let digest = format!("sha256:{}", digest::of(body));
        let on = ("application/octet-stream".to_owned(), body.to_vec());
        let path = format!("/v2/charts/web/blobs/{digest}");
        shelves.lock().expect("shelves").insert(path, on);
        json!({"mediaType": kind, "digest": digest, "size": body.len()})
    };
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": kind,
        "config": part("application/vnd.cncf.helm.config.v1+json", config),
        "layers": [part("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &archive)],
    });
    let manifest = manifest.to_string().into_bytes();
    for reference in [
        "1.0.0".to_owned(),
        format!("sha256:{}", digest::of(&manifest)),
    ] {
        let path = format!("/v2/charts/web/manifests/{reference}");
        let on = (kind.to_owned(), manifest.clone());
        shelves.lock().expect("shelves").insert(path, on);
    }
    let from_folder = work(&project);
    let address = serve(&shelves);
    published(&project, &format!("oci://{address}/charts"), "");
    assert_eq!(work(&project), from_folder);
    let stand_ins = project.run(&["plan", "demo", "--json"]).json();
    assert_eq!(stand_ins["stand_ins"], json!([]));
}
