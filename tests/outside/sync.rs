//! `groundwork sync` as a person uses it: told what nobody has deployed, they deploy it, and it answers.

use serde_json::json;

use super::project::Project;

const APPLICATION: &str = r#"
[bootstrap.agent.applications.addressbook]
repository = "https://github.com/implementing-microservices/ms-deploy"
path = "ms-addressbook"
namespace = "addressbook"
sync = "manual"

[[smoke]]
host = "addressbook.example.com"
application = "addressbook"
within = "1m"
"#;

#[test]
fn an_application_is_deployed_when_a_person_says_so() {
    let project = Project::whole();
    let file = "environments/demo.toml";
    let agent = "kind = \"argocd\"\nversion = \"v3.5.1\"\n";
    project.edit(
        file,
        agent,
        &format!("{agent}flavour = \"core\"\n{APPLICATION}"),
    );
    let applied = project.run(&["apply", "demo", "--yes"]).ends(0);
    let hint =
        "deploy it with `groundwork sync demo addressbook`, then run `groundwork smoke demo`";
    assert!(applied.out.contains(hint), "{}", applied.out);

    let unknown = project.run(&["sync", "demo", "adressbook"]).ends(1);
    assert!(
        unknown.err.contains("did you mean `addressbook`?"),
        "{}",
        unknown.err
    );
    let synced = project.run(&["sync", "demo", "addressbook"]).ends(0);
    assert!(
        synced.err.contains("it is Synced and Healthy"),
        "{}",
        synced.err
    );
    let said = project
        .run(&["sync", "demo", "addressbook", "--json"])
        .ends(0);
    let last = said.events().pop().expect("an event");
    assert_eq!(
        [&last["event"], &last["health"]],
        [&json!("synced"), &json!("Healthy")],
        "{last}"
    );
    project.run(&["plan", "demo"]).ends(0);
}
