//! What others publish, in the sandbox: in its order, told in parts, its secrets known to nobody.

use kube::Client;
use kube::client::Body;

use super::*;
use crate::resources::bootstrap::inventory::sweep;
use crate::resources::bootstrap::secret::Values;

const WEB: &str = r#"
[bootstrap.releases.web]
namespace = "web"
manifest = { url = "https://example.com/web.yaml", sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" }
"#;

const PUBLISHED: &str = r#"
apiVersion: example.com/v1
kind: Pool
metadata: {name: one}
spec: {size: 1}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pools.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Pool, plural: pools, singular: pool, listKind: PoolList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: prepare, annotations: {helm.sh/hook: "pre-install,pre-upgrade"}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: it, image: prepare:1}]}}}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {password: hunter2}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {greeting: hello}
---
apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {team: web}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web:1}]}
"#;

impl Bench {
    /// What `web` publishes is this.
    fn publish(&mut self, text: &str) {
        let objects = documents(text).unwrap();
        let objects = rendered("web", objects, &BTreeSet::new()).unwrap();
        self.published.releases.insert("web".to_owned(), objects);
        self.ask(&(CLUSTER.to_owned() + WEB));
    }
}

fn web(kind: &str, name: &str) -> Address {
    Address::of(&["bootstrap", "release", "web", kind, name])
}

#[tokio::test(start_paused = true)]
async fn what_is_published_comes_in_its_order_and_is_kept() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(PUBLISHED);
    let order = bench.order();
    let at = |address: &Address| order.iter().position(|one| one == address).unwrap();
    let turns = [
        namespace::address("web"),
        web("job", "prepare"),
        web("configmap", "web"),
        web("deployment", "web"),
        web("pool", "one"),
    ];
    for pair in turns.windows(2) {
        assert!(at(&pair[0]) < at(&pair[1]), "{pair:?} in {order:?}");
    }
    let types = web("customresourcedefinition", "pools.example.com");
    assert!(at(&types) < at(&web("job", "prepare")));
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let shown = format!("{:?} {:?}", bench.recorded, bench.observe().await);
    for canary in ["hunter2", "aHVudGVyMg=="] {
        assert!(!shown.contains(canary), "{canary}");
    }
    let team = object(&bench, &namespace::address("web"));
    let team = send(&bench, Method::GET, &team.path(), &json!({})).await;
    assert_eq!(team["metadata"]["labels"]["team"], "web");
    let greeting = json!({"data": {"greeting": "bye"}});
    drifts(&mut bench, &web("configmap", "web"), "manifest", greeting).await;
    let password = json!({"data": {"password": "eA=="}});
    drifts(&mut bench, &web("secret", "web"), "data", password).await;
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn what_another_version_publishes_is_told_in_parts() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(PUBLISHED);
    bench.up().await;
    // One secret value more, one job that runs at every upgrade, and one object less.
    let next = PUBLISHED.replace("hunter2", "hunter3");
    let (before, rest) = next
        .split_once("---\napiVersion: v1\nkind: ConfigMap")
        .unwrap();
    let (_, after) = rest.split_once("---").unwrap();
    bench.publish(&format!("{before}---{after}"));
    let differences = bench.differences().await;
    let expected = [
        format!("{} data", web("secret", "web")),
        format!("{} manifest", web("job", "prepare")),
        format!("{} run", web("job", "prepare")),
        format!("{} unasked", web("configmap", "web")),
    ];
    assert_eq!(differences, BTreeSet::from(expected));
    let found = bench.observe().await;
    let secret = found.iter().find(|one| one.address == web("secret", "web"));
    assert_eq!(
        secret.unwrap().fields["data"],
        json!({"password": "differs"})
    );
}

#[tokio::test(start_paused = true)]
async fn of_published_secrets_nothing_is_asked_where_nobody_knows_them() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(PUBLISHED);
    bench.up().await;
    bench.published = Published::remembered(&bench.recorded);
    bench.variables.retain(|name, _| name == "PASSWORD");
    bench.ask(&(CLUSTER.to_owned() + WEB));
    assert_eq!(bench.differences().await, BTreeSet::new());
}

const CACTI: &str = r#"
apiVersion: example.com/v1
kind: Cactus
metadata: {name: saguaro}
spec: {height: 5}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: cacti.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Cactus, plural: cacti, singular: cactus, listKind: CactusList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
"#;

#[tokio::test(start_paused = true)]
async fn a_type_may_have_a_plural_that_nobody_guesses() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(CACTI);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let saguaro = web("cactus", "saguaro");
    let path = "/apis/example.com/v1/namespaces/web/cacti/saguaro?fieldManager=kubectl-edit";
    send(&bench, Method::PATCH, path, &json!({"spec": {"height": 6}})).await;
    let differs = BTreeSet::from([format!("{saguaro} manifest")]);
    assert_eq!(bench.differences().await, differs);
    let id = bench.recorded[&saguaro].id.clone();
    bench.converge(&saguaro, &id).await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_a_type_does_not_have_is_told_as_what_differs() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(PUBLISHED);
    bench.up().await;
    bench.publish(&PUBLISHED.replace("  selector:", "  selektor: {a: b}\n  selector:"));
    let web = web("deployment", "web");
    let seen = bench.observe().await;
    let seen = seen.iter().find(|one| one.address == web).unwrap();
    let told = seen.fields["manifest"]["differs"].as_str().unwrap();
    assert!(
        told.contains(".spec.selektor: field not declared in schema"),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_nobody_keeps_account_of_is_taken_back() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(PUBLISHED);
    bench.up().await;
    let map = web("configmap", "web");
    let forgotten = json!({"metadata": {"managedFields": [{}]}});
    meddle(&bench, &map, "restore", forgotten).await;
    let greeting = json!({"data": {"greeting": "bye"}});
    drifts(&mut bench, &map, "manifest", greeting).await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_is_not_held_against_the_file() {
    let mut bench = Bench::in_cluster(CLUSTER);
    bench.publish(PUBLISHED);
    bench.up().await;
    let client = bench.cluster.clone().unwrap();
    let refusing = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            if request.method() != Method::PATCH {
                return client.send(request).await;
            }
            let told = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 500,
                "reason": "InternalError", "message": "failed calling webhook \"gone.example.com\"",
            });
            let body = Body::from(told.to_string().into_bytes());
            Ok(http::Response::builder().status(500).body(body).unwrap())
        }
    });
    let refusing = Client::new(refusing, "default");
    let lookup = |_: &Address, _: &str| None;
    let values = Values::default();
    let seen = async |bench: &Bench| sweep(&refusing, &bench.wanted(), &values, &lookup).await;
    assert!(seen(&bench).await.is_err());
    bench.teardown = true;
    let seen = seen(&bench).await.unwrap().objects;
    let deployment = seen
        .iter()
        .find(|one| one.address == web("deployment", "web"));
    assert_eq!(deployment.unwrap().owner, Owner::Ours);
}
