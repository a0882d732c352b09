//! Smoke tests fail for the right reasons, pass when what is wrong is mended, and know what nobody has deployed yet.

use std::sync::Mutex;

use groundwork::event::{Event, Listener, SmokeResult, SmokeTest};
use groundwork::ops::{self, Session};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::bench;
use groundwork::plan::{Goal, Verb};

use crate::common::{Silence, World, apply, carry_out, never_stopped};

const REGION: &str = "us-east-1";

const FILE: &str = r#"
[environment]
name = "web"
region = "us-east-1"

[cloud]
provider = "sandbox"

[network]
cidr = "10.40.0.0/16"
nat = "single"

[cluster.node_groups.default]
instance_types = ["t3.small"]
min = 1

[bootstrap]
namespaces = ["shop"]

[bootstrap.ingress]
controller = "traefik"
"#;

/// The environment of [`FILE`] with these tests.
fn session(world: &World, tests: &str) -> Session {
    world.session_of("web", &format!("{FILE}{tests}"))
}

/// Sends a manifest or a change to the API server of `cluster`.
async fn send(world: &World, cluster: &str, method: &str, path: &str, body: Value) {
    let kind = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = http::Request::builder().method(method).uri(path);
    let request = request.header("content-type", kind);
    let request = request.body(body.to_string().into_bytes()).unwrap();
    let client = world.sandbox.kubernetes_client(REGION, cluster);
    client.request::<Value>(request).await.unwrap();
}

const INGRESSES: &str = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses";

/// Deploys a program behind a Service.
async fn deploy(world: &World) {
    let labels = json!({"app": "flights"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "flights"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                "name": "flights", "image": "flights:1", "ports": [{"containerPort": 5501}],
            }]}},
        },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "flights"},
        "spec": {"selector": labels, "ports": [{"name": "http", "port": 80, "targetPort": 5501}]},
    });
    let apps = "/apis/apps/v1/namespaces/shop/deployments";
    send(world, "web", "POST", apps, deployment).await;
    send(
        world,
        "web",
        "POST",
        "/api/v1/namespaces/shop/services",
        service,
    )
    .await;
}

/// Leads `host` and `path` to that Service.
async fn lead(world: &World, host: &str, path: &str) {
    let backend = json!({"service": {"name": "flights", "port": {"name": "http"}}});
    let paths = json!([{"path": path, "pathType": "Prefix", "backend": backend}]);
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "flights"},
        "spec": {"rules": [{"host": host, "http": {"paths": paths}}]},
    });
    send(world, "web", "POST", INGRESSES, ingress).await;
}

async fn smoke(session: &Session) -> Vec<SmokeTest> {
    let smoke = ops::smoke(session, &Silence, never_stopped()).await;
    smoke.unwrap().tests
}

/// The only test of an environment, as `(result, last answer, hint)`.
async fn only(session: &Session) -> (SmokeResult, String, String) {
    let mut tests = smoke(session).await;
    let test = tests.pop().unwrap();
    assert_eq!(tests, []);
    let (answered, hint) = (test.answered, test.hint);
    (
        test.result,
        answered.unwrap_or_default(),
        hint.unwrap_or_default(),
    )
}

/// An ingress controller as others publish it, whose objects have names of their own.
const ENTRANCE: &str = "
apiVersion: v1
kind: Service
metadata: {name: metrics}
spec: {selector: {app: door}, ports: [{name: metrics, port: 9100}]}
---
apiVersion: v1
kind: Service
metadata: {name: front-door}
spec: {type: LoadBalancer, selector: {app: door}, ports: [{name: web, port: 80, targetPort: 8000}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: door
  annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}
spec: {controller: traefik.io/ingress-controller}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: door}
spec:
  selector: {matchLabels: {app: door}}
  template:
    metadata: {labels: {app: door}}
    spec: {containers: [{name: door, image: 'traefik:v3', ports: [{name: web, containerPort: 8000}]}]}
";

#[tokio::test(start_paused = true)]
async fn the_load_balancer_of_a_published_controller_is_found_whatever_its_name() {
    let world = World::new();
    let manifest = world.folder.path().join("manifests/door.yaml");
    std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
    std::fs::write(manifest, ENTRANCE).unwrap();
    let published = format!("manifest.file = \"manifests/door.yaml\"\n{FLIGHTS}");
    let session = session(&world, &published);
    apply(&session).await;
    deploy(&world).await;
    lead(&world, "flightsvc.com", "/flights").await;
    let (result, answered, hint) = only(&session).await;
    assert_eq!(
        (result, hint.as_str()),
        (SmokeResult::Passed, ""),
        "{answered}"
    );
    let state = session.store.load().await.unwrap().unwrap();
    let outputs = ops::outputs(&session.environment, &state);
    assert!(outputs["ingress.hostname"].contains("elb"), "{outputs:?}");
}

const FLIGHTS: &str = r#"
[[smoke]]
host = "flightsvc.com"
path = "/flights?flight_no=AA2532"
body = "flight_no=AA2532"
within = "4m"
"#;

#[tokio::test(start_paused = true)]
async fn each_thing_that_is_missing_is_told_by_what_is_answered() {
    let world = World::new();
    let session = session(&world, FLIGHTS);
    let never = ops::smoke(&session, &Silence, never_stopped()).await;
    assert!(matches!(never, Err(ops::Error::NeverApplied(_))));
    apply(&session).await;

    let (result, answered, hint) = only(&session).await;
    assert_eq!(result, SmokeResult::Failed);
    assert_eq!(answered, "404 (404 page not found)");
    assert!(
        hint.contains("an Ingress leads flightsvc.com there"),
        "{hint}"
    );

    // A rule for another path leads nowhere, too; one without a Service is none.
    lead(&world, "flightsvc.com", "/flight").await;
    assert_eq!(only(&session).await.1, "404 (404 page not found)");
    send(
        &world,
        "web",
        "DELETE",
        &format!("{INGRESSES}/flights"),
        json!({}),
    )
    .await;
    lead(&world, "flightsvc.com", "/flights").await;
    assert_eq!(only(&session).await.1, "404 (404 page not found)");

    deploy(&world).await;
    let (result, answered, hint) = only(&session).await;
    assert_eq!((result, hint.as_str()), (SmokeResult::Passed, ""));
    assert_eq!(
        answered,
        "200 (shop/flights answers flightsvc.com/flights?flight_no=AA2532)"
    );

    let scale = json!({"spec": {"replicas": 0}});
    let flights = "/apis/apps/v1/namespaces/shop/deployments/flights";
    send(&world, "web", "PATCH", flights, scale).await;
    session
        .cloud
        .clock
        .sleep(std::time::Duration::from_secs(60))
        .await;
    let (result, answered, hint) = only(&session).await;
    assert_eq!(result, SmokeResult::Failed);
    assert_eq!(answered, "503 (no available server)");
    assert!(hint.contains("the pods behind it are ready"), "{hint}");

    let scale = json!({"spec": {"replicas": 0}});
    let traefik = "/apis/apps/v1/namespaces/traefik/deployments/traefik";
    send(&world, "web", "PATCH", traefik, scale).await;
    session
        .cloud
        .clock
        .sleep(std::time::Duration::from_secs(60))
        .await;
    let (_, answered, hint) = only(&session).await;
    assert!(
        answered.contains("no healthy target on port 80"),
        "{answered}"
    );
    assert!(
        hint.contains("kubectl -n traefik get pods,services"),
        "{hint}"
    );

    let balancers = &session.cloud.aws.load_balancers;
    let there = balancers.describe_load_balancers().send().await.unwrap();
    let arn = there.load_balancers()[0].load_balancer_arn().unwrap();
    let delete = balancers.delete_load_balancer().load_balancer_arn(arn);
    delete.send().await.unwrap();
    let (result, answered, _) = only(&session).await;
    assert_eq!(result, SmokeResult::Failed);
    assert!(
        answered.contains("there is no such load balancer"),
        "{answered}"
    );
}

#[tokio::test(start_paused = true)]
async fn status_body_and_certificate_all_have_to_be_right() {
    let world = World::new();
    let tests = r#"
        [[smoke]]
        host = "a.shop.example.com"
        [[smoke]]
        host = "a.shop.example.com"
        body = "another text"
        within = "1m"
        [[smoke]]
        host = "a.shop.example.com"
        expect = 401
        within = "1m"
        [[smoke]]
        host = "b.a.shop.example.com"
        expect = 404
        [[smoke]]
        host = "a.shop.example.com"
        scheme = "https"
        within = "1m"
    "#;
    let session = session(&world, tests);
    apply(&session).await;
    deploy(&world).await;
    lead(&world, "*.shop.example.com", "/").await;
    session
        .cloud
        .clock
        .sleep(std::time::Duration::from_secs(120))
        .await;
    let results: Vec<_> = smoke(&session).await;
    let told: Vec<_> = (results.iter())
        .map(|test| (test.result, test.wanted.as_str()))
        .collect();
    let failed = SmokeResult::Failed;
    assert_eq!(
        told,
        [
            (SmokeResult::Passed, "200"),
            (failed, "200 with `another text`"),
            (failed, "401"),
            (SmokeResult::Passed, "404"),
            (failed, "200"),
        ]
    );
    let answered = results[4].answered.as_deref().unwrap();
    assert!(
        answered.contains("nobody trusts for this host"),
        "{answered}"
    );
    assert_eq!(results[1].seconds, 60);

    // A certificate for the host.
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "shop"},
        "data": {"tls.crt": "Y2VydA==", "tls.key": "a2V5"},
    });
    send(
        &world,
        "web",
        "POST",
        "/api/v1/namespaces/shop/secrets",
        secret,
    )
    .await;
    let tls = json!({"spec": {"tls": [{"hosts": ["*.shop.example.com"], "secretName": "shop"}]}});
    send(&world, "web", "PATCH", &format!("{INGRESSES}/flights"), tls).await;
    assert_eq!(smoke(&session).await[4].result, SmokeResult::Passed);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_shown_by_the_load_balancer_or_by_the_ingress_controller() {
    const HTTPS: &str =
        "[[smoke]]\nhost = \"flightsvc.com\"\nscheme = \"https\"\nexpect = 404\nwithin = \"4m\"\n";
    let world = World::new();
    let bare = session(&world, HTTPS);
    apply(&bare).await;
    assert!(only(&bare).await.1.contains("nobody trusts for this host"));

    let arn = "arn:aws:acm:us-east-1:123456789012:certificate/6d3f0c1e";
    let by_balancer = format!("tls = {{ certificate = \"{arn}\" }}\n{HTTPS}");
    let by_balancer = session(&world, &by_balancer);
    let planned = by_balancer.plan(Goal::Apply).await.unwrap();
    let work: Vec<_> = (planned.plan.work())
        .map(|action| (action.address.as_str(), action.verb))
        .collect();
    assert_eq!(work, [("bootstrap.ingress.service.traefik", Verb::Update)]);
    carry_out(&by_balancer, &planned).await;
    assert_eq!(only(&by_balancer).await.0, SmokeResult::Passed);
    let balancers = &by_balancer.cloud.aws.load_balancers;
    let there = balancers.describe_load_balancers().send().await.unwrap();
    let own = there.load_balancers()[0].load_balancer_arn().unwrap();
    let listed = balancers.describe_listeners().load_balancer_arn(own);
    let listed = listed.send().await.unwrap();
    let with_certificate = listed.listeners().iter().filter_map(|one| {
        let shown = one.certificates().first()?;
        Some((
            one.port()?,
            one.protocol()?.as_str(),
            shown.certificate_arn()?,
        ))
    });
    let with_certificate: Vec<_> = with_certificate.collect();
    assert_eq!(with_certificate, [(443, "TLS", arn)]);

    let secret = |key: &str| format!("[secrets.{key}]\nvalue = {{ env = \"MYSQL_PASSWORD\" }}\n");
    let own = format!(
        "tls = {{ chain = \"chain\", key = \"key\" }}\n{}{}{HTTPS}",
        secret("chain"),
        secret("key")
    );
    let mut own = session(&world, &own);
    apply(&own).await;
    assert_eq!(only(&own).await.0, SmokeResult::Passed);
    let again = own.plan(Goal::Apply).await.unwrap();
    assert!(
        again.plan.is_empty(),
        "{:#?}",
        again.plan.work().collect::<Vec<_>>()
    );

    // Traefik reads a certificate once: another one takes other pods.
    let renewed = groundwork::sensitive::Sensitive::new("another");
    own.variables.insert("MYSQL_PASSWORD".to_owned(), renewed);
    let planned = own.plan(Goal::Apply).await.unwrap();
    let renewed = |address: &str| {
        let action = planned.plan.action(&address.parse().unwrap());
        action.unwrap().verb
    };
    assert_eq!(renewed("bootstrap.ingress.secret.traefik"), Verb::Update);
    assert_eq!(
        renewed("bootstrap.ingress.deployment.traefik"),
        Verb::Update
    );
    carry_out(&own, &planned).await;
    assert!(own.plan(Goal::Apply).await.unwrap().plan.is_empty());
}

/// Keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Listener for Heard {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_synced_is_not_asked() {
    let world = bench::applied();
    let session = bench::session(&world);
    let heard = Heard::default();
    let tests = ops::smoke(&session, &heard, never_stopped()).await.unwrap();
    let test = &tests.tests[0];
    assert_eq!(test.result, SmokeResult::NotSynced);
    assert_eq!(test.not_synced, ["flight-info"]);
    assert_eq!((test.answered.as_ref(), test.seconds), (None, 0));
    assert_eq!(*heard.0.lock().unwrap(), [Event::Smoke(test.clone())]);

    // Also where the test does not say whose it is: there is only one application.
    let mut anyones = bench::staging();
    anyones.smoke[0].application = None;
    let test = only(&bench::session_on(&world, anyones)).await;
    assert_eq!(test.0, SmokeResult::NotSynced);

    // A person syncs it, and in the sandbox no repository brings anything.
    let sync = json!({"operation": {"sync": {}}});
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/flight-info";
    send(&world, "ms-cluster-staging", "PATCH", path, sync).await;
    session
        .cloud
        .clock
        .sleep(std::time::Duration::from_secs(30))
        .await;
    let (result, answered, hint) = only(&session).await;
    assert_eq!(result, SmokeResult::Failed);
    assert_eq!(answered, "404 (404 page not found)");
    assert!(
        hint.contains("the sandbox deploys nothing of a repository"),
        "{hint}"
    );

    let stopped = watch::channel(true).1;
    let tests = ops::smoke(&session, &Silence, stopped).await.unwrap();
    assert!(tests.any(SmokeResult::Stopped));
}
