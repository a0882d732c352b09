//! In a cluster that somebody else made, beside what is there: in namespaces that are theirs, and beside their ingress
//! controller.

use std::time::Duration;

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
    let (world, session) = lodged().await;
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
    carry_out_with(&smaller, &planned, &agreed(&lost)).await;
    assert!(!is_there(&world, CLAIM).await);
    drop(session);
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

/// A claim that something in the cluster does not let go is no proof that nothing is left.
#[tokio::test(start_paused = true)]
async fn a_claim_that_stays_is_named() {
    let (world, session) = lodged().await;
    let held = json!({"metadata": {"finalizers": ["example.com/keep"]}});
    let client = world.sandbox.kubernetes_client("us-east-1", "host");
    let request =
        http::Request::patch(CLAIM).header("content-type", "application/merge-patch+json");
    let request = request.body(held.to_string().into_bytes()).unwrap();
    let _held: Value = client.request(request).await.unwrap();
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let nothing = Confirmed::default();
    let ended = ops::destroy(&session, &planned, &nothing, &Silence, never_stopped()).await;
    let remains = ended.unwrap().remains;
    let named: Vec<_> = remains
        .iter()
        .map(|it| (it.kind.as_str(), it.name.as_str()))
        .collect();
    assert_eq!(named, [("PersistentVolumeClaim", "pages-ledger-0")]);
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
    destroy(&session).await;
    assert!(is_there(&world, &format!("{classes}/traefik")).await);
    assert!(is_there(&world, "/api/v1/namespaces/traefik/configmaps/theirs").await);
    is_untouched(&host).await;
}

/// Brings the guest up with a Service of this class; gives what is told of it, within five minutes.
async fn without_a_balancer(world: &World, class: &str) -> String {
    let mut session = guest(world);
    let published = session.published.as_mut().unwrap();
    let ledger = published.releases.get_mut("ledger").unwrap();
    let mut service = ledger[0].clone();
    service.manifest = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "ledger", "namespace": "ledger"},
        "spec": {"type": "LoadBalancer", "loadBalancerClass": class, "ports": [{"port": 80}]},
    });
    if class.is_empty() {
        service.manifest["spec"]["loadBalancerClass"].take();
    }
    ledger.push(service);
    let planned = session.plan(Goal::Apply).await.unwrap();
    let (begun, nothing) = (Instant::now(), Confirmed::default());
    let report = ops::apply(&session, &planned, &nothing, &Silence, never_stopped()).await;
    assert!(
        begun.elapsed() < Duration::from_secs(600),
        "{:?}",
        begun.elapsed()
    );
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
