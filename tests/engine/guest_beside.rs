//! In a cluster that somebody else made, beside what is there: in namespaces that are theirs, and beside their ingress
//! controller.

use std::time::Duration;

use groundwork::event::SmokeResult;
use groundwork::ops::{self, Confirmed, Error, Session};
use groundwork::plan::{Danger, Goal, Verb};
use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::common::{Silence, World, apply, carry_out_with, destroy, never_stopped, remembered};
use crate::guest::{
    GUEST, agreed, call, environment, guest, hosted, is_there, is_untouched, marked, put, theirs,
};

const NAMESPACES: &str = "/api/v1/namespaces";
const CLAIM: &str = "/api/v1/namespaces/ledger/persistentvolumeclaims/pages-ledger-0";
const SET: &str = "bootstrap.release.ledger.statefulset.ledger";

/// The guest, whose namespaces `shop` and `ledger` are those of others.
fn lodger(world: &World) -> Session {
    let listed = "namespaces = [\"shop\"]";
    let text = GUEST.replace(listed, "existing_namespaces = [\"shop\", \"ledger\"]");
    assert_ne!(text, GUEST);
    world.session(environment(world, "guest", &text))
}

async fn put_namespace(world: &World, name: &str) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    put(world, NAMESPACES, namespace).await;
    put(world, &format!("{NAMESPACES}/{name}/configmaps"), theirs()).await;
}

/// Somebody's cluster with a lodger in the namespaces of others.
async fn lodged() -> (World, Session) {
    let (world, _) = hosted().await;
    for name in ["shop", "ledger"] {
        put_namespace(&world, name).await;
    }
    let session = lodger(&world);
    apply(&session).await;
    (world, session)
}

#[tokio::test(start_paused = true)]
async fn namespaces_of_others_are_used_and_stay() {
    let (world, session) = lodged().await;
    let planned = session.plan(Goal::Apply).await.unwrap();
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan);
    assert!(is_there(&world, "/api/v1/namespaces/shop/secrets/greeting").await);
    assert!(is_there(&world, CLAIM).await);

    let planned = session.plan(Goal::Destroy).await.unwrap();
    let set = planned.plan.action(&SET.parse().unwrap()).unwrap();
    assert_eq!(set.danger, Some(Danger::LosesData));
    assert!(set.reason.contains("pages-ledger-0"), "{}", set.reason);
    destroy(&session).await;
    assert_eq!(marked(&world).await, Vec::<String>::new());
    assert_eq!(remembered(&session), None);
    for name in ["shop", "ledger"] {
        let theirs = format!("{NAMESPACES}/{name}/configmaps/theirs");
        assert!(is_there(&world, &theirs).await, "{name}");
    }
    assert!(!is_there(&world, CLAIM).await);
}

#[tokio::test(start_paused = true)]
async fn a_claim_in_the_namespace_of_others_goes_with_its_set_and_with_consent() {
    let (world, _) = lodged().await;
    let text = GUEST.replace(
        "namespaces = [\"shop\"]",
        "existing_namespaces = [\"shop\"]",
    );
    let text = text.split("[bootstrap.releases").next().unwrap();
    let smaller = world.session(environment(&world, "guest", text));
    let planned = smaller.plan(Goal::Apply).await.unwrap();
    let nothing = Confirmed::default();
    let refused = ops::apply(&smaller, &planned, &nothing, &Silence, never_stopped()).await;
    let Err(Error::DataLoss(lost)) = refused else {
        panic!("{refused:?}");
    };
    assert!(lost.contains(&SET.parse().unwrap()), "{lost:?}");
    assert!(is_there(&world, CLAIM).await);
    let lost: Vec<&str> = lost.iter().map(|address| address.as_str()).collect();
    // Pods that take their time to end hold it: the set is gone before.
    hold(&world, json!(["example.com/keep"])).await;
    let run = async {
        carry_out_with(&smaller, &planned, &agreed(&lost)).await;
        assert!(!is_there(&world, CLAIM).await);
    };
    let letting_go = async {
        tokio::time::sleep(Duration::from_secs(45)).await;
        hold(&world, Value::Null).await;
    };
    futures::join!(run, letting_go);
}

/// What replaces a set takes over what it claimed.
#[tokio::test(start_paused = true)]
async fn a_set_that_is_made_anew_keeps_its_claims() {
    let (world, mut session) = lodged().await;
    let claim = async || {
        let claim = call(&world, Method::GET, CLAIM, &Value::Null)
            .await
            .unwrap();
        let metadata = &claim["metadata"];
        [
            metadata["uid"].clone(),
            metadata["deletionTimestamp"].clone(),
        ]
    };
    let before = claim().await;
    let published = session.published.as_mut().unwrap();
    let ledger = published.releases.get_mut("ledger").unwrap();
    let mut objects = ledger.iter_mut();
    let set = objects.find(|object| object.manifest["kind"] == "StatefulSet");
    set.unwrap().manifest["spec"]["podManagementPolicy"] = json!("Parallel");
    let planned = session.plan(Goal::Apply).await.unwrap();
    let action = planned.plan.action(&SET.parse().unwrap()).unwrap();
    assert_eq!(
        (action.verb, action.danger),
        (Verb::Replace, Some(Danger::Disrupts))
    );
    apply(&session).await;
    assert_eq!(claim().await, before);
    assert_eq!(before[1], Value::Null);
}

/// A claim that something in the cluster does not let go is no proof that nothing is left, however often that is asked.
#[tokio::test(start_paused = true)]
async fn a_claim_that_stays_is_named_until_it_goes() {
    let (world, session) = lodged().await;
    hold(&world, json!(["example.com/keep"])).await;
    for _ in 0..2 {
        let planned = session.plan(Goal::Destroy).await.unwrap();
        let nothing = Confirmed::default();
        let ended = ops::destroy(&session, &planned, &nothing, &Silence, never_stopped()).await;
        let ended = ended.unwrap();
        let failed: Vec<_> = ended
            .report
            .failed
            .iter()
            .map(|(at, _)| at.as_str())
            .collect();
        assert_eq!(failed, [SET]);
        let remains: Vec<_> = ended.remains.iter().map(|it| it.name.as_str()).collect();
        assert!(remains.contains(&"ledger"), "{remains:?}");
    }
    hold(&world, Value::Null).await;
    destroy(&session).await;
    assert!(!is_there(&world, CLAIM).await);
}

/// Has the claim kept by these finalizers.
async fn hold(world: &World, finalizers: Value) {
    let held = json!({"metadata": {"finalizers": finalizers}});
    let client = world.sandbox.kubernetes_client("us-east-1", "host");
    let request = http::Request::patch(CLAIM);
    let request = request.header("content-type", "application/merge-patch+json");
    let request = request.body(held.to_string().into_bytes()).unwrap();
    let _held: Value = client.request(request).await.unwrap();
}

/// A name is no proof: what the set's controller did not label is somebody's.
#[tokio::test(start_paused = true)]
async fn a_claim_of_others_that_is_called_like_ours_stays() {
    let (world, session) = lodged().await;
    let claims = CLAIM.rsplit_once('/').unwrap().0;
    let spec = json!({
        "accessModes": ["ReadWriteOnce"], "storageClassName": "gp2",
        "resources": {"requests": {"storage": "1Gi"}},
    });
    let theirs = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": spec,
        "metadata": {"name": "pages-ledger-7", "labels": {"owner": "team-a"}},
    });
    put(&world, claims, theirs).await;
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let set = planned.plan.action(&SET.parse().unwrap()).unwrap();
    assert!(!set.reason.contains("pages-ledger-7"), "{}", set.reason);
    destroy(&session).await;
    assert!(!is_there(&world, CLAIM).await);
    assert!(is_there(&world, &format!("{claims}/pages-ledger-7")).await);
}

/// To take it out of what is made would take it away, and what stays in it along.
#[tokio::test(start_paused = true)]
async fn a_namespace_of_ours_is_not_handed_over_by_a_move_in_the_file() {
    let (world, _) = hosted().await;
    apply(&guest(&world)).await;
    let listed = "namespaces = [\"shop\"]";
    let text = GUEST.replace(listed, "existing_namespaces = [\"shop\"]");
    let moved = world.session(environment(&world, "guest", &text));
    let error = moved.plan(Goal::Apply).await.err().unwrap();
    let Error::Impossible(problems) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(problems[0].address.as_str(), "bootstrap.namespace.shop");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_not_there_is_told_once_before_the_first_change() {
    let (world, host) = hosted().await;
    put_namespace(&world, "shop").await;
    let session = lodger(&world);
    let error = session.plan(Goal::Apply).await.err().unwrap();
    let Error::Impossible(problems) = &error else {
        panic!("{error:?}");
    };
    let told: Vec<&str> = problems.iter().map(|it| it.message.as_str()).collect();
    let [told] = told[..] else {
        panic!("{told:?}");
    };
    assert!(told.contains("no namespace `ledger`"), "{told}");
    is_untouched(&host).await;
}

/// The answer to the only smoke test, and whether it was the right one.
async fn answer(session: &Session) -> (bool, String) {
    let smoke = ops::smoke(session, &Silence, never_stopped()).await;
    let tests = smoke.unwrap().tests;
    let [test] = &tests[..] else {
        panic!("{tests:#?}");
    };
    let answered = test.answered.clone().unwrap_or_default();
    (test.result == SmokeResult::Passed, answered)
}

#[tokio::test(start_paused = true)]
async fn an_ingress_controller_stands_beside_another() {
    let (world, host) = hosted().await;
    put_namespace(&world, "traefik").await;
    let classes = "/apis/networking.k8s.io/v1/ingressclasses";
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"},
        "spec": {"controller": "traefik.io/ingress-controller"},
    });
    put(&world, classes, class).await;
    let refused = guest(&world).plan(Goal::Apply).await.err().unwrap();
    assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
    let asked = "controller = \"traefik\"";
    let text = GUEST.replace(asked, &format!("{asked}\nnamespace = \"edge\""));
    let session = world.session(environment(&world, "guest", &text));
    apply(&session).await;
    let planned = session.plan(Goal::Apply).await.unwrap();
    assert!(planned.plan.is_empty(), "{:#?}", planned.plan);
    assert!(is_there(&world, &format!("{classes}/edge")).await);
    let controller = "/apis/apps/v1/namespaces/edge/deployments/traefik";
    let controller = call(&world, Method::GET, controller, &Value::Null).await;
    let arguments =
        controller.unwrap()["spec"]["template"]["spec"]["containers"][0]["args"].clone();
    let arguments = arguments.as_array().unwrap().clone();
    for expected in [
        "--providers.kubernetesingress.ingressclass=edge",
        "--providers.kubernetesingress.ingressendpoint.publishedservice=edge/traefik",
    ] {
        assert!(arguments.contains(&json!(expected)), "{arguments:?}");
    }
    // Ours answers for its own class, and not for the other's.
    for (class, host) in [
        ("traefik", "theirs.example.com"),
        ("edge", "ours.example.com"),
    ] {
        let backend = json!({"service": {"name": "traefik", "port": {"number": 80}}});
        let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": class},
            "spec": {"ingressClassName": class, "rules": [{"host": host, "http": {"paths": [path]}}]},
        });
        let ingresses = "/apis/networking.k8s.io/v1/namespaces/edge/ingresses";
        put(&world, ingresses, ingress).await;
    }
    let asked = |host: &str| {
        let smoke = format!("[[smoke]]\nhost = \"{host}\"\npath = \"/\"\n");
        world.session(environment(&world, "guest", &format!("{text}\n{smoke}")))
    };
    for (host, answers) in [("ours.example.com", true), ("theirs.example.com", false)] {
        let (passed, answered) = answer(&asked(host)).await;
        assert_eq!(passed, answers, "{host}: {answered}");
    }
    let agreed = agreed(&["bootstrap.namespace.edge"]);
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let ended = ops::destroy(&session, &planned, &agreed, &Silence, never_stopped()).await;
    assert_eq!(ended.unwrap().remains, []);
    assert!(is_there(&world, &format!("{classes}/traefik")).await);
    assert!(is_there(&world, "/api/v1/namespaces/traefik/configmaps/theirs").await);
    is_untouched(&host).await;
}

/// Brings the guest up with a Service of this class; gives what is told of it, within ten minutes.
async fn without_a_balancer(world: &World, class: &str) -> String {
    let mut session = guest(world);
    let published = session.published.as_mut().unwrap();
    let ledger = published.releases.get_mut("ledger").unwrap();
    let mut service = ledger[0].clone();
    service.manifest = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "ledger", "namespace": "ledger"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": class, "ports": [{"port": 80}]},
    });
    ledger.push(service);
    let planned = session.plan(Goal::Apply).await.unwrap();
    let (begun, nothing) = (Instant::now(), Confirmed::default());
    let report = ops::apply(&session, &planned, &nothing, &Silence, never_stopped()).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(600), "{took:?}");
    let failed = report.unwrap().failed;
    let address = "bootstrap.release.ledger.service.ledger".parse().unwrap();
    let told = failed.iter().find(|(failed, _)| *failed == address);
    told.unwrap_or_else(|| panic!("{failed:#?}")).1.to_string()
}

#[tokio::test(start_paused = true)]
async fn where_nothing_makes_load_balancers_that_is_told() {
    let (world, _) = hosted().await;
    let told = without_a_balancer(&world, "metallb.io/metallb").await;
    assert!(
        told.contains("nothing in the cluster makes load balancers"),
        "{told}"
    );
}
