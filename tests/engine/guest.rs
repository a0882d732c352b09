//! An environment in a cluster that somebody else made: nothing but what it put there is ever taken away, and all of that.

use groundwork::environment::{self, Environment};
use groundwork::observe::Depth;
use groundwork::ops::{self, Confirmed, Error, Planned, Session};
use groundwork::plan::{Danger, Goal, Phase, Refusal, Step, Verb, steps};
use groundwork::sandbox::faults::Misbehaviour;
use groundwork::state::State;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::common::{
    Silence, World, apply, carry_out, carry_out_with, destroy, never_stopped, remembered,
};

const REGION: &str = "us-east-1";

/// Whose cluster it is.
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

pub const GUEST: &str = r#"
[environment]
name = "guest"
region = "us-east-1"

[cloud]
provider = "sandbox"

[cluster]
existing = true
name = "host"

[bootstrap]
namespaces = ["shop"]

[bootstrap.secrets.greeting]
namespace = "shop"
data.text = { value = "hello" }

[bootstrap.ingress]
controller = "traefik"

[bootstrap.releases.ledger]
namespace = "ledger"
manifest.file = "manifests/ledger.yaml"
"#;

const LEDGER: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: books.ledger.example.com}
spec:
  group: ledger.example.com
  scope: Namespaced
  names: {kind: Book, plural: books, singular: book}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger}
spec:
  serviceName: ledger
  selector: {matchLabels: {app: ledger}}
  template:
    metadata: {labels: {app: ledger}}
    spec: {containers: [{name: it, image: 'ledger:1', volumeMounts: [{name: pages, mountPath: /pages}]}]}
  volumeClaimTemplates:
  - metadata: {name: pages}
    spec: {accessModes: [ReadWriteOnce], storageClassName: gp2, resources: {requests: {storage: 1Gi}}}
---
apiVersion: ledger.example.com/v1
kind: Book
metadata: {name: first}
spec: {title: one}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: shelf}
spec: {accessModes: [ReadWriteOnce], storageClassName: gp2, resources: {requests: {storage: 1Gi}}}
";

/// The environment `name` of `text`.
pub fn environment(world: &World, name: &str, text: &str) -> Environment {
    let folder = world.folder.path();
    let file = folder.join(format!("environments/{name}.toml"));
    for (path, text) in [
        (&file, text),
        (&folder.join("environments/manifests/ledger.yaml"), LEDGER),
        (&folder.join("manifests/ledger.yaml"), LEDGER),
    ] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    environment::load(&file, None).unwrap_or_else(|error| panic!("{error:?}"))
}

pub fn guest(world: &World) -> Session {
    world.session(environment(world, "guest", GUEST))
}

/// A world with somebody's cluster in it, and their session.
pub async fn hosted() -> (World, Session) {
    let world = World::new();
    let host = world.session(environment(&world, "host", HOST));
    apply(&host).await;
    (world, host)
}

pub async fn call(
    world: &World,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value, String> {
    let client = world.sandbox.kubernetes_client(REGION, "host");
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes());
    let answer = client.request(request.unwrap()).await;
    answer.map_err(|error| error.to_string())
}

pub async fn put(world: &World, path: &str, object: Value) {
    let made = call(world, Method::POST, path, &object).await;
    made.unwrap_or_else(|error| panic!("{path}: {error}"));
}

pub async fn is_there(world: &World, path: &str) -> bool {
    call(world, Method::GET, path, &Value::Null).await.is_ok()
}

/// Somebody's object, which has nothing to do with us.
pub fn theirs() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs"}})
}

fn verb(planned: &Planned, address: &str) -> Verb {
    let action = planned.plan.action(&address.parse().unwrap());
    action.unwrap_or_else(|| panic!("no {address}")).verb
}

pub fn agreed(addresses: &[&str]) -> Confirmed {
    Confirmed {
        data_loss: addresses.iter().map(|it| it.parse().unwrap()).collect(),
    }
}

async fn refusals(session: &Session, goal: Goal) -> Vec<Refusal> {
    match session.plan(goal).await {
        Err(Error::Refused { refusals, .. }) => refusals,
        Err(error) => panic!("{error:?}"),
        Ok(planned) => panic!("there is a plan: {:#?}", planned.plan.counts()),
    }
}

/// The host sees nothing that it has to do.
pub async fn is_untouched(host: &Session) {
    let planned = host.plan(Goal::Apply).await.unwrap();
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan);
}

/// What carries the guest's label.
pub async fn marked(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for path in [
        "/api/v1/namespaces",
        "/api/v1/secrets",
        "/api/v1/services",
        "/api/v1/serviceaccounts",
        "/apis/apps/v1/deployments",
        "/apis/apps/v1/statefulsets",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/networking.k8s.io/v1/ingressclasses",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ] {
        let path = format!("{path}?labelSelector=groundwork.dev/environment%3Dguest");
        let listed = call(world, Method::GET, &path, &Value::Null).await.unwrap();
        let items = listed["items"].as_array().unwrap().iter();
        found.extend(items.map(|one| one["metadata"]["name"].to_string()));
    }
    found
}

#[tokio::test(start_paused = true)]
async fn it_comes_up_changes_and_goes_and_the_cluster_stays() {
    let (world, host) = hosted().await;
    put(&world, "/api/v1/namespaces/default/configmaps", theirs()).await;
    let session = guest(&world);
    let planned = session.plan(Goal::Apply).await.unwrap();
    let elsewhere = planned.plan.work().map(|action| action.address.as_str());
    let elsewhere: Vec<_> = elsewhere
        .filter(|it| !it.starts_with("bootstrap."))
        .collect();
    assert_eq!(elsewhere, ["cluster.control-plane"]);
    assert_eq!(verb(&planned, "cluster.control-plane"), Verb::Adopt);
    carry_out(&session, &planned).await;
    assert!(session.plan(Goal::Apply).await.unwrap().plan.is_empty());
    assert!(
        is_there(
            &world,
            "/apis/apps/v1/namespaces/ledger/statefulsets/ledger"
        )
        .await
    );
    let book = "/apis/ledger.example.com/v1/namespaces/ledger/books/first";
    assert!(is_there(&world, book).await);

    // A section that is taken out takes its objects along.
    let smaller = GUEST.replace("[bootstrap.ingress]\ncontroller = \"traefik\"\n", "");
    let smaller = world.session(environment(&world, "guest", &smaller));
    let planned = smaller.plan(Goal::Apply).await.unwrap();
    assert_eq!(
        verb(&planned, "bootstrap.ingress.service.traefik"),
        Verb::Delete
    );
    assert_eq!(verb(&planned, "cluster.control-plane"), Verb::None);
    let order = steps(&planned.plan, &planned.basis()).unwrap();
    let removal = |kind: &str| Step {
        phase: Phase::Remove,
        address: format!("bootstrap.ingress.{kind}.traefik").parse().unwrap(),
    };
    // What undoes a load balancer may need anything, for all we know.
    for later in ["deployment", "clusterrole"] {
        let before = order.behind(&removal(later));
        assert!(before.contains(&removal("service")), "{later}");
    }
    let consent = agreed(&["bootstrap.namespace.traefik"]);
    carry_out_with(&smaller, &planned, &consent).await;
    assert!(!is_there(&world, "/api/v1/namespaces/traefik").await);

    let planned = smaller.plan(Goal::Destroy).await.unwrap();
    assert_eq!(verb(&planned, "cluster.control-plane"), Verb::Forget);
    assert_eq!(verb(&planned, "bootstrap.namespace.shop"), Verb::Delete);
    destroy(&smaller).await;
    assert_eq!(marked(&world).await, Vec::<String>::new());
    assert!(is_there(&world, "/api/v1/namespaces/default/configmaps/theirs").await);
    assert_eq!(remembered(&smaller), None);
    is_untouched(&host).await;
}

#[tokio::test(start_paused = true)]
async fn an_ingress_of_ours_serves_nobody_else() {
    let (world, _) = hosted().await;
    let planned = guest(&world).plan(Goal::Apply).await.unwrap();
    let manifest = |kind: &str| {
        let address = format!("bootstrap.ingress.{kind}.traefik").parse().unwrap();
        planned.desired[&address].fields["manifest"].clone()
    };
    let class = manifest("ingressclass");
    let default = "ingressclass.kubernetes.io/is-default-class";
    assert_eq!(class["metadata"]["annotations"][default], Value::Null);
    let arguments = &manifest("deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
    let only = json!("--providers.kubernetesingress.ingressclass=traefik");
    assert!(arguments.as_array().unwrap().contains(&only));
}

/// A cluster that answers is not gone: what does not answer is named, and nobody is told to forget everything.
#[tokio::test(start_paused = true)]
async fn a_group_that_does_not_answer_is_named() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    world.sandbox.faults().set(Misbehaviour {
        failing_reads: ["GET /apis/policy/v1".to_owned()].into(),
        ..Misbehaviour::default()
    });
    let unseen = session.plan(Goal::Destroy).await.err().unwrap();
    let Error::Unseen(unseen) = &unseen else {
        panic!("{unseen:?}");
    };
    assert!(unseen.0.message.contains("policy/v1"), "{unseen:?}");
}

/// An object of ours of which the state knows nothing.
pub fn forgotten(session: &Session, address: &str) -> Value {
    let mut forgotten = theirs();
    forgotten["metadata"] = json!({
        "name": "forgotten",
        "labels": {
            "app.kubernetes.io/managed-by": "groundwork", "groundwork.dev/environment": "guest",
        },
        "annotations": {
            "groundwork.dev/lineage": remembered(session).unwrap().lineage,
            "groundwork.dev/address": address,
        },
    });
    forgotten
}

/// Nobody has planned to take it away: the last look finds it, and the next destroy takes it.
#[tokio::test(start_paused = true)]
async fn the_proof_looks_into_the_cluster() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let late = forgotten(&session, "bootstrap.release.gone.configmap.forgotten");
    put(&world, "/api/v1/namespaces/default/configmaps", late).await;
    let nothing = Confirmed::default();
    let ended = ops::destroy(&session, &planned, &nothing, &Silence, never_stopped()).await;
    let remains = ended.unwrap().remains;
    let named: Vec<_> = remains.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(named, ["forgotten"]);
    destroy(&session).await;
}

#[tokio::test(start_paused = true)]
async fn an_object_of_a_type_that_nobody_remembers_is_found_by_its_marks() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let address = "bootstrap.release.gone.configmap.forgotten";
    let forgotten = forgotten(&session, address);
    put(&world, "/api/v1/namespaces/default/configmaps", forgotten).await;
    let planned = session.plan(Goal::Destroy).await.unwrap();
    assert_eq!(verb(&planned, address), Verb::Delete);
    destroy(&session).await;
    assert!(!is_there(&world, "/api/v1/namespaces/default/configmaps/forgotten").await);
}

#[tokio::test(start_paused = true)]
async fn another_cluster_is_never_taken_for_the_one() {
    let (world, host) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let recorded = remembered(&session).unwrap().resources;
    let id = &recorded[&"cluster.control-plane".parse().unwrap()].id;
    destroy(&host).await;
    let unseen = session.plan(Goal::Destroy).await.err().unwrap();
    assert!(matches!(unseen, Error::GuestUnseen(_)), "{unseen:?}");
    apply(&host).await;
    for goal in [Goal::Apply, Goal::Destroy] {
        let refusals = refusals(&session, goal).await;
        let [Refusal::OtherCluster { was, is, .. }] = &refusals[..] else {
            panic!("{refusals:?}");
        };
        assert!(was == id && is != id);
    }
    // The one that it was in is gone for good.
    let planned = session.plan_skipping_cluster().await.unwrap();
    assert!(
        planned
            .plan
            .work()
            .all(|action| action.verb == Verb::Forget)
    );
    let nothing = Confirmed::default();
    let ended = ops::destroy(&session, &planned, &nothing, &Silence, never_stopped()).await;
    assert_eq!(ended.unwrap().remains, []);
    apply(&session).await;
    destroy(&session).await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_ones_own_is_never_exchanged_for_anothers() {
    let (world, host) = hosted().await;
    apply(&guest(&world)).await;
    let in_anothers = GUEST.replace("name = \"guest\"", "name = \"host\"");
    let of_its_own = HOST.replace("name = \"host\"", "name = \"guest\"");
    for (name, text, ours) in [("host", in_anothers, true), ("guest", of_its_own, false)] {
        let session = world.session(environment(&world, name, &text));
        let refusals = refusals(&session, Goal::Apply).await;
        let meant = |it: &Refusal| matches!(it, Refusal::OtherSort { ours: it, .. } if *it == ours);
        assert!(refusals.iter().any(meant), "{refusals:?}");
    }
    is_untouched(&host).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_state_is_put_together_from_what_is_in_the_cluster() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let before = remembered(&session).unwrap();
    std::fs::remove_file(session.store.file().unwrap()).unwrap();
    let rebuilt = ops::rebuild(&session, None, Depth::Cluster).await.unwrap();
    let known = |state: &State| {
        let addresses = state.resources.keys().cloned().collect::<Vec<_>>();
        (state.lineage, addresses)
    };
    assert_eq!(known(&rebuilt.state), known(&before));
    ops::take_over(&session, &rebuilt).await.unwrap();
    assert!(session.plan(Goal::Apply).await.unwrap().plan.is_empty());
    destroy(&session).await;
}

#[tokio::test(start_paused = true)]
async fn taking_the_cluster_out_of_the_file_takes_all_of_it_along() {
    let (world, host) = hosted().await;
    apply(&guest(&world)).await;
    let nothing = GUEST.split("[cluster]").next().unwrap();
    let session = world.session(environment(&world, "guest", nothing));
    let planned = session.plan(Goal::Apply).await.unwrap();
    let dangerous = planned.plan.work().filter(|action| action.danger.is_some());
    let dangerous: Vec<_> = dangerous.map(|action| action.address.as_str()).collect();
    carry_out_with(&session, &planned, &agreed(&dangerous)).await;
    assert_eq!(marked(&world).await, Vec::<String>::new());
    assert!(remembered(&session).unwrap().resources.is_empty());
    is_untouched(&host).await;
}

/// What a chart no longer has is deleted, but for a volume that somebody may have written to.
#[tokio::test(start_paused = true)]
async fn a_claim_that_leaves_its_release_takes_consent() {
    let (world, _) = hosted().await;
    let mut session = guest(&world);
    apply(&session).await;
    let published = session.published.as_mut().unwrap();
    let ledger = published.releases.get_mut("ledger").unwrap();
    ledger.retain(|object| object.manifest["kind"] != "PersistentVolumeClaim");
    let planned = session.plan(Goal::Apply).await.unwrap();
    let work: Vec<_> = planned.plan.work().collect();
    let [action] = work[..] else {
        panic!("{work:#?}");
    };
    let claim = "bootstrap.release.ledger.persistentvolumeclaim.shelf";
    assert_eq!(action.address.as_str(), claim);
    assert_eq!(action.danger, Some(Danger::LosesData));
    let nothing = Confirmed::default();
    let refused = ops::apply(&session, &planned, &nothing, &Silence, never_stopped()).await;
    assert!(matches!(refused, Err(Error::DataLoss(lost)) if lost == [action.address.clone()]));
    let path = "/api/v1/namespaces/ledger/persistentvolumeclaims/shelf";
    assert!(is_there(&world, path).await);
    carry_out_with(&session, &planned, &agreed(&[claim])).await;
    assert!(!is_there(&world, path).await);
}

/// The cluster gives the class; that the load balancer faces the internet has to be said.
#[tokio::test(start_paused = true)]
async fn where_anothers_cluster_has_auto_mode_that_makes_the_load_balancer() {
    let world = World::new();
    let nodes = HOST.find("[cluster.node_groups").unwrap();
    let auto = format!("{}[cluster.auto_mode]\n", &HOST[..nodes]);
    let host = world.session(environment(&world, "host", &auto));
    apply(&host).await;
    let session = guest(&world);
    apply(&session).await;
    let balancers = &host.cloud.aws.load_balancers;
    let there = balancers.describe_load_balancers().send().await.unwrap();
    let [balancer] = there.load_balancers() else {
        panic!("{:#?}", there.load_balancers());
    };
    let name = balancer.load_balancer_name().unwrap();
    assert!(name.starts_with("k8s-traefik-"), "{name}");
    let scheme = balancer.scheme().map(|scheme| scheme.as_str());
    assert_eq!(scheme, Some("internet-facing"));
    let planned = session.plan(Goal::Apply).await.unwrap();
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan);
    destroy(&session).await;
    is_untouched(&host).await;
}
