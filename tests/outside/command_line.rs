//! Every command, its exit code and the form of what it prints.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::Value;

use super::project::{Done, GROUNDWORK, Project, repository};

const DATABASE: &str = "database.addressbook.instance";

/// All that demo gives: sections and keys as the file calls them, dots between.
const OUTPUTS: [&str; 14] = [
    "argocd.password.key",
    "argocd.password.namespace",
    "argocd.password.secret",
    "argocd.port_forward",
    "argocd.url",
    "argocd.user",
    "cluster.endpoint",
    "cluster.name",
    "database.addressbook.endpoint",
    "database.addressbook.port",
    "ingress.hostname",
    "kubeconfig",
    "secret.addressbook-password.arn",
    "vpc.id",
];

#[tokio::test]
async fn a_demo_comes_up_is_looked_at_changed_and_goes_down() {
    let project = Project::whole();
    plans_the_same_twice(&project);
    asks_before_it_changes_anything(&project);
    let before = project.count().await;

    let applied = project.run(&["apply", "demo", "--yes"]).ends(0);
    for expected in [
        "cluster.endpoint",
        "ingress.hostname",
        "kubeconfig",
        "argocd.url",
    ] {
        assert!(applied.out.contains(expected), "{}", applied.out);
    }
    does_nothing_twice(&project);
    tells_whether_it_answers(&project);
    tells_how_it_is(&project);
    tells_what_it_gives(&project);
    tells_what_it_remembers(&project);
    changes_in_place(&project);
    keeps_data(&project);

    project.edit("environments/demo.toml", "ttl = ", "protect = true\nttl = ");
    let refused = project.run(&["destroy", "demo", "--yes"]).ends(1);
    assert!(refused.err.contains("protect = false"), "{}", refused.err);
    project.edit("environments/demo.toml", "protect = true\n", "");
    project.run(&["plan", "demo"]).ends(0);

    let refused = project.run(&["destroy", "demo"]).ends(1);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    project.run(&["plan", "demo"]).ends(0);
    let destroyed = project.run(&["destroy", "demo", "--yes"]).ends(0);
    assert!(
        destroyed.out.contains("nothing of demo is left"),
        "{}",
        destroyed.out
    );
    assert_eq!(project.count().await, before);
    assert!(!project.state("demo").exists());
    let kubeconfig = project.path().join(".groundwork/kubeconfig/demo.yaml");
    assert!(!kubeconfig.exists());
    project.run(&["destroy", "demo", "--yes"]).ends(0);
}

fn plans_the_same_twice(project: &Project) {
    let plan = project.run(&["plan", "demo"]).ends(2);
    assert_eq!(project.run(&["plan", "demo"]).ends(2).out, plan.out);
    let json = project.run(&["plan", "demo", "--json"]).ends(2);
    assert_eq!(
        project.run(&["plan", "demo", "--json"]).ends(2).out,
        json.out
    );
    let actions = json.json()["actions"].as_array().cloned().unwrap();
    assert!(
        actions
            .iter()
            .all(|action| action["verb"] == "create" && action["reason"] != ""),
        "{actions:#?}"
    );
    let addresses = actions
        .iter()
        .filter_map(|action| action["address"].as_str());
    for address in addresses {
        assert!(plan.out.contains(address), "{address}: {}", plan.out);
    }
}

fn asks_before_it_changes_anything(project: &Project) {
    let refused = project.run(&["apply", "demo"]).ends(1);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert!(!project.state("demo").exists());
    let status = project.run(&["status", "demo"]).ends(0).out;
    assert!(status.contains("never applied"), "{status}");
    // Its time has not begun.
    let status = project.run(&["status", "demo", "--json"]).ends(0).json();
    assert_eq!(status["expires"], Value::Null, "{status}");
    project.run(&["plan", "demo"]).ends(2);
}

fn does_nothing_twice(project: &Project) {
    let state = fs::read(project.state("demo")).unwrap();
    let again = project.run(&["apply", "demo", "--yes"]).ends(0);
    assert!(again.out.contains("nothing to do"), "{}", again.out);
    assert_eq!(fs::read(project.state("demo")).unwrap(), state);
    project.run(&["plan", "demo"]).ends(0);
}

fn tells_whether_it_answers(project: &Project) {
    const FILE: &str = "environments/demo.toml";
    let none = project.run(&["smoke", "demo"]).ends(0);
    assert!(none.err.contains("no smoke tests"), "{}", none.err);
    let before = fs::read_to_string(project.path().join(FILE)).unwrap();
    let test = "[[smoke]]\nhost = \"demo.example.com\"\npath = \"/here\"\nexpect = 404\nwithin = \"10m\"\n";
    project.write(FILE, format!("{before}\n{test}"));
    let passed = project.run(&["apply", "demo", "--yes"]).ends(0);
    let answered = "✓ http://demo.example.com/here answered 404 (404 page not found)";
    assert!(passed.out.contains(answered), "{}", passed.out);

    project.edit(FILE, "expect = 404\nwithin = \"10m\"", "within = \"1m\"");
    let failed = project.run(&["apply", "demo", "--yes"]).ends(3);
    let told = "answered 404 (404 page not found) where 200 is expected, after 1 min";
    assert!(failed.out.contains(told), "{}", failed.out);
    let failed = project.run(&["smoke", "demo", "--json"]).ends(3).json();
    assert_eq!(failed["event"], "smoke");
    assert_eq!(failed["result"], "failed");
    assert_eq!(failed["answered"], "404 (404 page not found)");
    let hint = failed["hint"].as_str().unwrap();
    assert!(hint.contains("kubectl get ingress -A"), "{hint}");
    project.write(FILE, before);

    // The same from outside.
    let mut server = project.start(&["sandbox", "serve", "--port", "0"]);
    let mut address = String::new();
    assert!(server.until(|line| {
        let url = line.split("--endpoint-url http://").nth(1);
        url.and_then(|rest| rest.split(' ').next())
            .unwrap_or_default()
            .clone_into(&mut address);
        !address.is_empty()
    }));
    let mut stream = TcpStream::connect(&address).unwrap();
    let request = "GET /here HTTP/1.1\r\nHost: demo.example.com\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert!(answer.ends_with("404 page not found\n"), "{answer}");
}

fn tells_how_it_is(project: &Project) {
    let status = project.run(&["status", "demo", "--json"]).ends(0).json();
    let resources = status["resources"].as_array().unwrap();
    assert!(resources.len() > 30, "only {} resources", resources.len());
    let form = BTreeSet::from(["address", "age_seconds", "id", "kind", "state"]);
    for resource in resources {
        let fields = resource.as_object().unwrap();
        let keys: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(keys, form);
        assert_eq!(resource["state"], "ready", "{resource}");
        assert!(resource["id"].is_string() && resource["age_seconds"].is_u64());
    }
    let table = project.run(&["status", "demo"]).ends(0).out;
    assert!(table.contains("expires in"), "{table}");
    let all = format!("{0} of {0} resources ready", resources.len());
    assert!(table.contains(&all), "{table}");
    // Nothing is cut in a pipe, whatever the width of the terminal behind it.
    for resource in resources {
        let id = resource["id"].as_str().unwrap();
        assert!(
            table.lines().any(|line| line.ends_with(id)),
            "{id}: {table}"
        );
    }
}

fn tells_what_it_gives(project: &Project) {
    let outputs = project.run(&["output", "demo", "--json"]).ends(0).json();
    let one = project.run(&["output", "demo", "cluster.endpoint"]).ends(0);
    assert_eq!(outputs["cluster.endpoint"], one.out.trim_end());
    let missing = project.run(&["output", "demo", "cluster.endpiont"]).ends(1);
    assert!(missing.err.contains("cluster.endpoint"), "{}", missing.err);

    let names: Vec<&str> = outputs
        .as_object()
        .expect("outputs")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, OUTPUTS);
    assert_eq!(
        outputs["argocd.password.secret"],
        "argocd-initial-admin-secret"
    );

    let server = ["kubeconfig", "demo", "--server", "http://127.0.0.1:1"];
    let config = project.run(&server).ends(0).json();
    assert_eq!(
        config["clusters"][0]["cluster"]["server"],
        "http://127.0.0.1:1/k8s/us-east-1/demo"
    );
    let written = project.path().join(".groundwork/kubeconfig/demo.yaml");
    let mode = fs::metadata(written).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Mermaid draws no more than 500 edges and 50,000 characters unless it is told to.
#[test]
fn graphs_are_within_the_limits_of_mermaid() {
    let project = Project::whole();
    for (environment, database) in [("demo", "addressbook"), ("staging", "microservices")] {
        is_drawn(
            &project,
            environment,
            &format!("database_{database}_instance"),
        );
    }
}

fn is_drawn(project: &Project, environment: &str, database: &str) {
    let graph = project.run(&["graph", environment]).ends(0).out;
    assert!(graph.len() < 50_000, "{} characters", graph.len());
    let mut lines = graph.lines().map(str::trim);
    assert_eq!(lines.next(), Some("flowchart LR"));
    let (arrows, nodes): (Vec<_>, Vec<_>) = lines.partition(|line| line.contains(" --> "));
    let nodes: BTreeSet<&str> = nodes
        .iter()
        .filter_map(|line| line.split('[').next())
        .collect();
    assert!(nodes.len() > 30 && nodes.contains(database), "{graph}");
    assert!(
        arrows.len() >= nodes.len() - 1 && arrows.len() < 500,
        "{graph}"
    );
    // The agent is one, between its namespace and what it deploys.
    assert!(nodes.contains("bootstrap_agent"), "{graph}");
    for end in arrows.iter().flat_map(|line| line.split(" --> ")) {
        assert!(nodes.contains(end), "{end}");
    }
}

fn tells_what_it_remembers(project: &Project) {
    let list = project.run(&["state", "list", "demo"]).ends(0).out;
    assert!(list.lines().any(|line| line == DATABASE), "{list}");
    let all = project.run(&["state", "show", "demo"]).ends(0).json();
    assert_eq!(
        all["resources"].as_object().unwrap().len(),
        list.lines().count()
    );
    let one = project.run(&["state", "show", "demo", DATABASE]).ends(0);
    assert_eq!(one.json(), all["resources"][DATABASE]);
    let missing = ["state", "show", "demo", "database.nope"];
    let missing = project.run(&missing).ends(1);
    assert!(missing.err.contains("database.nope"), "{}", missing.err);
}

fn changes_in_place(project: &Project) {
    project.edit("environments/demo.toml", "max = 4", "max = 5");
    let plan = project.run(&["plan", "demo"]).ends(2).out;
    assert!(plan.contains("1 to update"), "{plan}");
    assert!(plan.contains("max: 4 → 5"), "{plan}");
    let events = project.run(&["apply", "demo", "--yes", "--json"]).ends(0);
    let events = events.events();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .filter(|name| *name != "waiting")
        .collect();
    assert_eq!(names, ["began", "started", "finished", "ended", "outputs"]);
    project.run(&["plan", "demo"]).ends(0);
}

fn keeps_data(project: &Project) {
    let user = "username = \"addressbook\"";
    project.edit("environments/demo.toml", user, "username = \"other\"");
    let plan = project.run(&["plan", "demo"]).ends(2).out;
    assert!(plan.contains("! loses its data; username"), "{plan}");
    let refused = project.run(&["apply", "demo", "--yes"]).ends(1);
    let flag = format!("--allow-data-loss {DATABASE}");
    assert!(refused.err.contains(&flag), "{}", refused.err);
    let agreed = ["apply", "demo", "--yes", "--allow-data-loss", DATABASE];
    project.run(&agreed).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

#[test]
fn help_tells_the_exit_codes_and_wrong_usage_ends_with_64() {
    let project = Project::new();
    let help = project.run(&["--help"]).ends(0).out;
    let (_, codes) = help.split_once("Exit codes:").expect("the codes");
    let codes: Vec<&str> = codes
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "64", "75", "130"]);
    let version = project.run(&["--version"]).ends(0).out;
    assert_eq!(version, "groundwork 0.1.0\n");
    let wrong: [&[&str]; 11] = [
        &[],
        &["plam", "demo"],
        &["plan"],
        &["plan", "demo", "--colour"],
        &["plan", "demo", "--provider", "azure"],
        &["apply", "demo", "--allow-data-loss", "not an address"],
        &["sandbox", "serve", "--port", "65536"],
        &["plan", "demo", "--sandbox-speed", "0"],
        &["plan", "demo", "--sandbox-speed=-5"],
        &["plan", "demo", "--sandbox-speed", "NaN"],
        &["plan", "demo", "--sandbox-speed", "10001"],
    ];
    for arguments in wrong {
        let done = project.run(arguments);
        assert_eq!(done.code, 64, "{arguments:?}: {}", done.err);
        assert!(done.err.contains("--help"), "{}", done.err);
        assert_eq!(done.out, "", "{arguments:?}");
    }
}

#[test]
fn examples_are_valid_and_so_are_those_of_the_readme() {
    let project = Project::new();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```").collect();
    let examples = blocks.iter().filter_map(|text| text.strip_prefix("toml\n"));
    let mut names = vec!["demo".to_owned(), "staging".to_owned()];
    for example in examples {
        // What is no whole environment can be added to one.
        if !example.starts_with("[environment]") {
            project.edit(
                "environments/demo.toml",
                "[bootstrap]\n",
                &format!("{example}\n[bootstrap]\n"),
            );
            continue;
        }
        let name = example.split('"').nth(1).expect("a name").to_owned();
        project.write(&format!("environments/{name}.toml"), example);
        names.push(name);
    }
    assert!(names.len() > 2, "the README shows no environment");
    for name in names {
        let done = project.run(&["validate", &name]).ends(0);
        assert!(done.out.contains("is a valid environment"), "{}", done.out);
    }
    let schema = project.run(&["schema"]).ends(0).json();
    assert!(schema["properties"]["environment"].is_object());
    assert_eq!(fs::read_dir(project.path()).unwrap().count(), 2);
}

#[test]
fn the_readme_says_what_the_sandboxs_clients_need() {
    let project = Project::new();
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let mut server = project.start(&["sandbox", "serve", "--port", "0"]);
    let mut needed = String::new();
    assert!(server.until(|line| {
        let export = line.trim().starts_with("export ");
        needed = line.trim().to_owned();
        export
    }));
    assert!(readme.contains(&format!("$ {needed}\n")), "{needed}");
}

#[test]
fn completions_are_scripts_of_their_shell() {
    let project = Project::new();
    for (shell, known) in [("bash", "complete"), ("zsh", "#compdef"), ("fish", "-c")] {
        let script = project.run(&["completions", shell]).ends(0).out;
        assert!(
            script.contains(known) && script.contains("kubeconfig"),
            "{shell}"
        );
    }
    let script = project.run(&["completions", "bash"]).ends(0).out;
    let mut bash = project.command("bash");
    let mut bash = bash.arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    bash.stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(bash.wait().unwrap().success());
}

#[tokio::test]
async fn reset_begins_a_new_world_and_asks_first() {
    let project = Project::new();
    let new = project.count().await;
    project.run(&["apply", "demo", "--yes"]).ends(0);
    assert_ne!(project.count().await, new);
    let refused = project.run(&["sandbox", "reset"]).ends(1);
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert_ne!(project.count().await, new);
    project.run(&["sandbox", "reset", "--yes"]).ends(0);
    assert_eq!(project.count().await, new);
    // What is remembered is gone: the plan says so, and makes it again.
    let plan = project.run(&["plan", "demo", "--json"]).ends(2).json();
    let actions = plan["actions"].as_array().unwrap();
    assert!(actions.iter().any(|action| action["verb"] == "create"));
    project.run(&["apply", "demo", "--yes"]).ends(0);
    project.run(&["plan", "demo"]).ends(0);
}

#[test]
fn a_teardown_tells_apart_what_it_deletes_and_what_it_forgets() {
    let project = Project::whole();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    let plan = project.run(&["plan", "demo", "--destroy"]).ends(2).out;
    let forgets = |line: &&str| line.contains("forget  ");
    let folded: Vec<&str> = plan.lines().filter(forgets).collect();
    let [folded] = folded[..] else {
        panic!("{plan}");
    };
    assert!(
        folded.ends_with("each because it goes with the cluster"),
        "{plan}"
    );
    assert_eq!(
        plan.matches("the environment is destroyed").count(),
        5,
        "{plan}"
    );
    let deletes = plan.lines().filter(|line| line.starts_with("  - delete"));
    let deletes = deletes.count();
    let destroyed = project.run(&["destroy", "demo", "--yes", "--json"]).ends(0);
    let events = destroyed.events();
    let event = |name: &str| events.iter().find(|event| event["event"] == name).unwrap();
    assert_eq!(event("began")["actions"], deletes);
    assert_eq!(event("ended")["done"], deletes);
}

/// A value that nothing prints must not be there in what everything prints.
#[test]
fn secrets_are_nowhere_but_in_the_sandbox() {
    let project = Project::new();
    let password = "correct-horse-battery";
    let mut said = String::new();
    for arguments in [
        &["plan", "staging"] as &[&str],
        &["apply", "staging", "--yes", "--json"],
        &["status", "staging", "--json"],
        &["plan", "staging", "--json"],
        &["output", "staging"],
        &["state", "show", "staging"],
    ] {
        let mut command = project.groundwork(arguments);
        command.env("MYSQL_PASSWORD", password);
        let done = super::project::Done::of(command);
        assert!(
            done.code == 0 || arguments == ["plan", "staging"],
            "{arguments:?}: {}{}",
            done.out,
            done.err
        );
        said += &(done.out + &done.err);
    }
    assert!(!said.contains(password));
    let world = fs::read_to_string(project.path().join(".groundwork/sandbox/world.json")).unwrap();
    assert!(
        world.contains(password),
        "the test looks for the wrong thing"
    );
    let state = fs::read_to_string(project.state("staging")).unwrap();
    assert!(!state.contains(password));
    let value: Value = serde_json::from_str(&state).unwrap();
    assert_eq!(value["environment"], "staging");
}

/// `command` in a shell that fails when any part of a pipe does.
fn in_a_shell(project: &Project, command: &str) -> Done {
    let mut shell = project.command("bash");
    shell.args(["-c", &format!("set -o pipefail; {command}")]);
    shell.env("GROUNDWORK", GROUNDWORK);
    Done::of(shell)
}

#[test]
fn who_reads_a_pipe_may_leave() {
    let project = Project::new();
    in_a_shell(&project, "$GROUNDWORK schema | head -n 1").ends(0);
    // The run goes on without anybody to tell.
    let apply = "$GROUNDWORK apply demo --yes --json 2>&1 | head -n 1";
    in_a_shell(&project, apply).ends(0);
    project.run(&["plan", "demo"]).ends(0);
    in_a_shell(&project, "$GROUNDWORK sandbox show --json | head -n 1").ends(0);
}

#[test]
fn what_can_not_be_printed_is_a_failure() {
    let project = Project::new();
    for command in ["schema", "plan demo", "completions bash", "graph demo"] {
        let full = in_a_shell(&project, &format!("$GROUNDWORK {command} > /dev/full")).ends(1);
        let said = "can't write to standard output";
        assert!(full.err.contains(said), "{command}: {}", full.err);
    }
}

#[test]
fn a_kubeconfig_is_an_output_and_comes_back() {
    let project = Project::new();
    let applied = project.run(&["apply", "demo", "--yes"]).ends(0);
    let path = project.run(&["output", "demo", "kubeconfig"]).ends(0).out;
    assert!(applied.out.contains(path.trim()), "{}", applied.out);
    let file = project.path().join(path.trim());
    std::fs::remove_file(&file).expect("a kubeconfig");
    let again = project.run(&["apply", "demo", "--yes"]).ends(0);
    assert!(again.out.contains(path.trim()), "{}", again.out);
    assert!(file.exists());
    let all = project.run(&["output", "demo", "--json"]).ends(0).json();
    assert_eq!(all["kubeconfig"], path.trim());
}

#[test]
fn a_stand_in_is_announced() {
    let project = Project::whole();
    let said = project.run(&["plan", "demo"]).ends(2).out;
    assert!(
        said.contains("stand-in takes the place of Argo CD"),
        "{said}"
    );
    let plan = project.run(&["plan", "demo", "--json"]).ends(2).json();
    assert_eq!(plan["stand_ins"], serde_json::json!(["Argo CD"]));
    let without = Project::new()
        .run(&["plan", "demo", "--json"])
        .ends(2)
        .json();
    assert_eq!(without["stand_ins"], serde_json::json!([]));
}
