//! Objects in the cluster that don't do as they are told: what can't be changed, and what doesn't go.

use groundwork::address::Address;
use groundwork::environment::Environment;
use groundwork::ops::{self, Confirmed, Session};
use groundwork::plan::{Goal, Verb};
use serde_json::{Value, json};

use crate::bench::{applied, session, session_on, staging};
use crate::common::{World, carry_out, carry_out_with};
use crate::hands::Hands;
use crate::shared::{Silence, never_stopped};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/traefik/deployments";
const SERVICE: &str = "/api/v1/namespaces/traefik/services/traefik";

fn without_ingress(world: &World) -> Session {
    let mut environment: Environment = staging();
    environment.bootstrap.as_mut().expect("a bootstrap").ingress = None;
    environment.smoke.clear();
    environment.load_balancer_names.clear();
    session_on(world, environment)
}

async fn is_done(session: &Session) {
    let again = session.plan(Goal::Apply).await.expect("a plan");
    assert!(again.plan.is_empty(), "{:#?}", again.plan);
}

/// A Deployment's selector never changes: only another Deployment has another.
#[tokio::test(start_paused = true)]
async fn what_the_api_server_never_changes_is_made_anew() {
    let world = applied();
    let session = session(&world);
    let hands = Hands::on(&world, &session);
    let path = format!("{DEPLOYMENTS}/traefik");
    let mut deployment = hands.get(&path).await;
    hands.delete(&path).await;
    for pointer in [
        "/spec/selector/matchLabels",
        "/spec/template/metadata/labels",
    ] {
        deployment.pointer_mut(pointer).expect("labels")["made-by"] = json!("hand");
    }
    deployment["metadata"] = json!({
        "name": "traefik",
        "labels": deployment["metadata"]["labels"],
        "annotations": deployment["metadata"]["annotations"],
    });
    hands.create(DEPLOYMENTS, deployment).await;

    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let work: Vec<_> = planned.plan.work().collect();
    let [action] = work[..] else {
        panic!("{work:#?}");
    };
    assert_eq!(action.verb, Verb::Replace);
    let before: Vec<&Value> = action.changes.iter().map(|change| &change.before).collect();
    assert_eq!(
        before,
        [&json!(
            "apps/v1/Deployment/traefik/traefik with another spec.selector"
        )]
    );
    carry_out(&session, &planned).await;
    is_done(&session).await;
    assert!(
        hands
            .get(&path)
            .await
            .pointer("/spec/selector/matchLabels/made-by")
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn what_keeps_an_object_is_named_with_who_should_let_it_go() {
    let world = applied();
    let hands = Hands::on(&world, &session(&world));
    let finalizers = |all: Value| json!({"metadata": {"finalizers": all}});
    let held = finalizers(json!(["widgets.example.com/never"]));
    hands.patch(SERVICE, held).await;
    let session = without_ingress(&world);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let namespace = Address::of(&["bootstrap", "namespace", "traefik"]);
    let consent = Confirmed {
        data_loss: [namespace].into(),
    };
    let report = ops::apply(&session, &planned, &consent, &Silence, never_stopped()).await;
    let report = report.expect("a run");
    let failed: Vec<String> = report
        .failed
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    let [failed] = &failed[..] else {
        panic!("{failed:#?}");
    };
    assert!(
        failed.starts_with("bootstrap.ingress.service.traefik: after 9"),
        "{failed}"
    );
    let words = "the finalizer widgets.example.com/never, which the controller of widgets.example.com clears";
    assert!(failed.ends_with(words), "{failed}");

    hands.patch(SERVICE, finalizers(Value::Null)).await;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    carry_out_with(&session, &planned, &consent).await;
    is_done(&session).await;
}
