//! The cluster's inside in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use http::{Method, Request};
use serde_json::{Value, json};

use super::id::ObjectId;
use super::ingress::{NoEntrance, entrance};
use super::object::ObjectKind;
use super::rendered::{Published, Rendered, documents, rendered};
use super::{application, ingress, namespace, project, repository};
use crate::address::Address;
use crate::cloud::{Class, ClusterEndpoint, Connector, Fault};
use crate::resources::inventory::Inventory;
use crate::resources::testing::Bench;
use crate::resources::{CONTROL_PLANE, Context, Fields, Kind, Owner, kind};
use crate::sensitive::Sensitive;

mod published;

const CLUSTER: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
zones = 2
nat = "single"
[cluster.node_groups.default]
instance_types = ["t3.small"]
[secrets.given]
value = { env = "PASSWORD" }
[bootstrap]
namespaces = ["shop"]
[bootstrap.secrets.db]
namespace = "shop"
data.password = { secret = "given" }
data.user = { value = "shop" }
"#;

const INGRESS: &str = r#"
[bootstrap.ingress]
controller = "traefik"
replicas = 2
"#;

const AGENT: &str = r#"
[bootstrap.agent]
kind = "argocd"
version = "v3.5.1"
[bootstrap.agent.applications.web]
repository = "https://example.com/web"
path = "deploy"
namespace = "shop"
sync = "manual"
[bootstrap.agent.applications.own]
repository = "https://example.com/own"
path = "deploy"
namespace = "shop"
sync = "automatic"
"#;

fn secret() -> Address {
    Address::of(&["bootstrap", "secret", "db"])
}

/// The object at an address, as it stands in the cluster.
fn object(bench: &Bench, address: &Address) -> ObjectId {
    bench.recorded[address].id.parse().unwrap()
}

async fn send(bench: &Bench, method: Method, path: &str, body: &Value) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/merge-patch+json")
        .body(body.to_string().into_bytes())
        .unwrap();
    let client = bench.cluster.as_ref().unwrap();
    client.request(request).await.unwrap()
}

/// Changes an object as `manager` does.
async fn meddle(bench: &Bench, address: &Address, manager: &str, patch: Value) {
    let path = format!("{}?fieldManager={manager}", object(bench, address).path());
    send(bench, Method::PATCH, &path, &patch).await;
}

/// Changes an object by hand, sees it, and has it put back.
async fn drifts(bench: &mut Bench, address: &Address, field: &str, patch: Value) {
    meddle(bench, address, "kubectl-edit", patch).await;
    let differs = BTreeSet::from([format!("{address} {field}")]);
    assert_eq!(bench.differences().await, differs);
    let id = bench.recorded[address].id.clone();
    bench.converge(address, &id).await;
    assert_eq!(
        bench.differences().await,
        BTreeSet::new(),
        "{address} was put back"
    );
}

#[tokio::test(start_paused = true)]
async fn namespaces_and_secrets_are_made_changed_and_deleted() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let live = send(
        &bench,
        Method::GET,
        &object(&bench, &secret()).path(),
        &json!({}),
    )
    .await;
    assert_eq!(live["data"]["user"], "c2hvcA==");
    assert_eq!(live["data"]["password"], "Y29ycmVjdC1ob3JzZQ==");
    let shop = namespace::address("shop");
    let labels = json!({"metadata": {"labels": {"groundwork.dev/environment": "other"}}});
    drifts(&mut bench, &shop, "manifest", labels.clone()).await;
    drifts(&mut bench, &secret(), "manifest", labels).await;
    let data = json!({"data": {"password": "b3RoZXI="}});
    drifts(&mut bench, &secret(), "data", data).await;
    drifts(
        &mut bench,
        &secret(),
        "data",
        json!({"data": {"user": null}}),
    )
    .await;
    // What others add stays theirs.
    let theirs = json!({"metadata": {"labels": {"team": "web"}}, "data": {"extra": "eA=="}});
    meddle(&bench, &secret(), "kubectl-edit", theirs).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    // The file names one key less.
    bench.ask(&CLUSTER.replace("data.user = { value = \"shop\" }", ""));
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{} data", secret())])
    );
    let id = bench.recorded[&secret()].id.clone();
    bench.converge(&secret(), &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let shown = format!("{:?} {:?}", bench.recorded, bench.observe().await);
    for canary in ["correct-horse", "Y29ycmVjdC1ob3JzZQ=="] {
        assert!(!shown.contains(canary));
    }
    // Another namespace is another object.
    bench.ask(
        &CLUSTER
            .replace("[\"shop\"]", "[\"shop\", \"cart\"]")
            .replace(
                "[bootstrap.secrets.db]\nnamespace = \"shop\"",
                "[bootstrap.secrets.db]\nnamespace = \"cart\"",
            ),
    );
    let differences = bench.differences().await;
    assert!(
        differences.contains(&format!("{} object", secret())),
        "{differences:?}"
    );
    bench.ask(CLUSTER);
    bench.remove(&secret()).await;
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{} missing", secret())])
    );
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_new_value_reaches_the_cluster() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.up().await;
    bench
        .variables
        .insert("PASSWORD".into(), Sensitive::new("battery-staple"));
    let given = Address::of(&["secret", "given"]);
    let id = bench.recorded[&given].id.clone();
    bench.converge(&given, &id).await;
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{} data", secret())])
    );
    let id = bench.recorded[&secret()].id.clone();
    bench.converge(&secret(), &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let live = send(
        &bench,
        Method::GET,
        &object(&bench, &secret()).path(),
        &json!({}),
    )
    .await;
    assert_eq!(live["data"]["password"], "YmF0dGVyeS1zdGFwbGU=");
}

#[tokio::test(start_paused = true)]
async fn the_ingress_controller_gets_its_load_balancer_and_keeps_its_form() {
    let mut bench = Bench::in_cluster(&(CLUSTER.to_owned() + INGRESS));
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let (service, deployment) = (ingress::address("Service"), ingress::address("Deployment"));
    let host = &bench.recorded[&service].outputs["hostname"];
    assert!(host.contains("elb"), "{host}");
    drifts(
        &mut bench,
        &deployment,
        "manifest",
        json!({"spec": {"replicas": 5}}),
    )
    .await;
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x:1"}]);
    let path = format!(
        "{}?fieldManager=kubectl-edit",
        object(&bench, &deployment).path()
    );
    let patch = Request::patch(path).header("content-type", "application/json-patch+json");
    let patch = patch.body(image.to_string().into_bytes()).unwrap();
    bench
        .cluster
        .as_ref()
        .unwrap()
        .request::<Value>(patch)
        .await
        .unwrap();
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{deployment} manifest")])
    );
    let id = bench.recorded[&deployment].id.clone();
    bench.converge(&deployment, &id).await;
    let role = ingress::address("ClusterRole");
    drifts(&mut bench, &role, "manifest", json!({"rules": []})).await;
    let class = ingress::address("IngressClass");
    let annotation = json!({"metadata": {"annotations": {"ingressclass.kubernetes.io/is-default-class": "false"}}});
    drifts(&mut bench, &class, "manifest", annotation).await;
    // The file asks for another size.
    bench.ask(&(CLUSTER.to_owned() + &INGRESS.replace("replicas = 2", "replicas = 1")));
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{deployment} manifest")])
    );
    bench.converge(&deployment, &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_a_controller_manages_is_named_and_left() {
    let mut bench = Bench::in_cluster(&(CLUSTER.to_owned() + INGRESS));
    bench.up().await;
    let deployment = ingress::address("Deployment");
    meddle(
        &bench,
        &deployment,
        "scaler",
        json!({"spec": {"replicas": 5}}),
    )
    .await;
    assert_eq!(
        bench.differences().await,
        BTreeSet::from([format!("{deployment} manifest")])
    );
    let refused = bench.update(&deployment).await.unwrap_err();
    assert_eq!(refused.class, Class::Stop);
    assert!(
        refused
            .message
            .contains(".spec.replicas is managed by \"scaler\""),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_agent_comes_with_its_applications_and_goes_after_them() {
    let mut bench = Bench::in_cluster(&(CLUSTER.to_owned() + AGENT));
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let web = Address::of(&["bootstrap", "application", "web"]);
    let source = json!({"spec": {"source": {"path": "elsewhere"}}});
    drifts(&mut bench, &web, "manifest", source).await;
    // What the agent makes for itself at run time is no difference and stays.
    let own = ObjectId {
        name: "argocd-initial-admin-secret".into(),
        ..object(&bench, &secret())
    };
    let own = ObjectId {
        namespace: "argocd".into(),
        ..own
    };
    let password = send(&bench, Method::GET, &own.path(), &json!({})).await;
    assert!(password["data"]["password"].is_string());
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn the_agent_signs_in_with_what_stays_nowhere() {
    let more = r#"
[bootstrap.agent.projects.shop]
repositories = ["https://example.com/*"]
namespaces = ["shop"]
cluster_objects = [{ kind = "Namespace" }]
[bootstrap.agent.repositories.web]
url = "https://example.com/web"
username = "git"
password = { secret = "given" }
[bootstrap.agent.repositories.own]
url = "git@example.com:own"
ssh_key = { secret = "given" }
"#;
    let agent = AGENT.replacen(
        "path = \"deploy\"",
        "path = \"deploy\"\nproject = \"shop\"",
        1,
    );
    let mut bench = Bench::in_cluster(&(CLUSTER.to_owned() + &agent + more));
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let (web, own) = (repository::address("web"), repository::address("own"));
    let live = send(
        &bench,
        Method::GET,
        &object(&bench, &web).path(),
        &json!({}),
    )
    .await;
    let label = &live["metadata"]["labels"]["argocd.argoproj.io/secret-type"];
    assert_eq!(label, "repository");
    assert_eq!(live["data"]["username"], "Z2l0");
    assert_eq!(live["data"]["password"], "Y29ycmVjdC1ob3JzZQ==");
    let live = send(
        &bench,
        Method::GET,
        &object(&bench, &own).path(),
        &json!({}),
    )
    .await;
    assert_eq!(live["data"]["sshPrivateKey"], "Y29ycmVjdC1ob3JzZQ==");
    let shown = format!("{:?} {:?}", bench.recorded, bench.observe().await);
    assert!(!shown.contains("Y29ycmVjdC1ob3JzZQ==") && !shown.contains("correct-horse"));
    let shop = project::address("shop");
    let live = send(
        &bench,
        Method::GET,
        &object(&bench, &shop).path(),
        &json!({}),
    )
    .await;
    let objects = json!([{"group": "", "kind": "Namespace"}]);
    assert_eq!(live["spec"]["clusterResourceWhitelist"], objects);
    let order = bench.order();
    let at = |address: &Address| order.iter().position(|one| one == address);
    let application = Address::of(&["bootstrap", "application", "web"]);
    for first in [&shop, &web, &own] {
        assert!(at(first) < at(&application), "{first}");
    }
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[test]
fn the_core_of_the_agent_gets_the_project_that_its_server_would_make() {
    let asked = |flavour: &str| {
        let agent = AGENT.replace("version =", &format!("flavour = \"{flavour}\"\nversion ="));
        let bench = Bench::in_cluster(&(CLUSTER.to_owned() + &agent));
        bench.desired.contains_key(&project::address("default"))
    };
    assert!(asked("core") && !asked("full") && !asked("ha"));
}

#[tokio::test(start_paused = true)]
async fn objects_of_ours_are_found_without_the_state_and_others_are_refused() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.up().await;
    let shop = namespace::address("shop");
    let recorded = std::mem::take(&mut bench.recorded);
    let desired = std::mem::take(&mut bench.desired);
    assert!(
        !bench
            .observe()
            .await
            .iter()
            .any(|found| found.address == secret()),
        "no type is known"
    );
    bench.desired = desired;
    let found = bench.observe().await;
    let ours = |address: &Address| found.iter().any(|found| found.is_ours_at(address));
    assert!(ours(&shop) && ours(&secret()));
    bench.recorded = recorded;
    // Somebody took its place.
    bench.remove(&secret()).await;
    let theirs = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}});
    let path = "/api/v1/namespaces/shop/secrets";
    let create = Request::post(path).header("content-type", "application/json");
    let create = create.body(theirs.to_string().into_bytes()).unwrap();
    bench
        .cluster
        .as_ref()
        .unwrap()
        .request::<Value>(create)
        .await
        .unwrap();
    let found = bench.observe().await;
    let found = found
        .iter()
        .find(|found| found.address == secret())
        .unwrap();
    assert_eq!(found.owner, Owner::Other { lineage: None });
    let refused = bench.create(&secret()).await.unwrap_err();
    assert_eq!(refused.class, Class::Exists);
}

#[tokio::test(start_paused = true)]
async fn without_a_cluster_there_is_nothing_in_it() {
    let bench = Bench::in_cluster(CLUSTER);
    assert_eq!(bench.observe().await, []);
    assert!(
        bench
            .differences()
            .await
            .contains(&format!("{} missing", secret()))
    );
}

/// A cluster that is there and can't be reached.
struct Unreachable;

#[async_trait]
impl Connector for Unreachable {
    async fn connect(&self, _: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        Err(Fault::incomplete("kubernetes", "connect", "anything"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_does_not_answer_leaves_its_objects_unknown() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.up().await;
    bench.cloud.connector = Arc::new(Unreachable);
    let wanted = bench.wanted();
    let mut inventory = Inventory::sweep(&bench.cloud, &wanted).await;
    let control_plane = kind(CONTROL_PLANE).unwrap();
    let found = control_plane.observe(&inventory, &wanted).unwrap();
    let found = BTreeMap::from([(super::control_plane(), found)]);
    inventory
        .look_into_cluster(&bench.cloud, &wanted, &found)
        .await;
    assert!(namespace::KIND.observe(&inventory, &wanted).is_err());
}

#[test]
fn only_what_acts_outside_is_deleted_before_its_cluster() {
    let goes = |kind: &ObjectKind, manifest: Value| {
        kind.goes_with_cluster(&Fields::from_iter([("manifest".to_owned(), manifest)]))
    };
    assert!(goes(&namespace::KIND, json!({"kind": "Namespace"})));
    assert!(goes(&ingress::KIND, json!({"kind": "Deployment"})));
    assert!(goes(
        &ingress::KIND,
        json!({"kind": "Service", "spec": {"type": "ClusterIP"}})
    ));
    assert!(!goes(
        &ingress::KIND,
        json!({"kind": "Service", "spec": {"type": "LoadBalancer"}})
    ));
    assert!(!goes(&application::KIND, json!({"kind": "Application"})));
    assert!(kind("bootstrap.agent").is_some_and(|kind| kind.lives_in_cluster()));
}

#[test]
fn what_claims_a_volume_holds_data() {
    let holds = |kind: &ObjectKind, manifest: Value| {
        kind.holds_data(&Fields::from_iter([("manifest".to_owned(), manifest)]))
    };
    let release = &super::RELEASE;
    assert!(holds(release, json!({"kind": "PersistentVolumeClaim"})));
    let set = |kept: &str| {
        let policy = json!({"whenDeleted": kept, "whenScaled": "Retain"});
        json!({"kind": "StatefulSet", "spec": {"persistentVolumeClaimRetentionPolicy": policy}})
    };
    assert!(holds(release, set("Delete")));
    assert!(!holds(release, set("Retain")));
    assert!(!holds(release, json!({"kind": "StatefulSet"})));
    assert!(!holds(release, json!({"kind": "ConfigMap"})));
    assert!(holds(&namespace::KIND, json!({"kind": "Namespace"})));
}

#[test]
fn the_entrance_is_the_only_service_with_a_load_balancer() {
    let text = format!(
        "{CLUSTER}\n[bootstrap.ingress]\ncontroller = \"traefik\"\nmanifest = {{ url = \"https://example.com/a.yaml\", sha256 = \"{}\" }}\n",
        "0".repeat(64)
    );
    let documents = |_: &str| Err(std::io::Error::other("none"));
    let environment = crate::environment::parse("test.toml", &text, None, &documents);
    let (bench, environment) = (Bench::in_cluster(CLUSTER), environment.unwrap());
    let service = |name: &str, sort: &str| {
        Rendered::plain(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"type": sort},
        }))
    };
    let found = |services: Vec<Rendered>| {
        let published = Published {
            ingress: services,
            ..Published::default()
        };
        let context = Context {
            environment: &environment,
            ownership: &bench.ownership,
            account: "123456789012",
            variables: &bench.variables,
            published: &published,
        };
        entrance(&context).map(|address| address.to_string())
    };
    let metrics = || service("metrics", "ClusterIP");
    let door = "bootstrap.ingress.service.door";
    assert_eq!(found(vec![metrics()]), Err(NoEntrance::None));
    let one = found(vec![metrics(), service("door", "LoadBalancer")]);
    assert_eq!(one.as_deref(), Ok(door));
    let two = vec![
        service("door", "LoadBalancer"),
        service("back", "LoadBalancer"),
    ];
    let both = [door, "bootstrap.ingress.service.back"].map(str::to_owned);
    assert_eq!(found(two), Err(NoEntrance::Several(both.to_vec())));
}
