//! `sync`: an application is deployed now, and whoever waits learns how that ends.

use std::sync::Mutex;
use std::time::Duration;

use groundwork::ops::{Request, Session, SyncError, SyncReport, sync};

use crate::bench::{applied, session};
use crate::common::never_stopped;
use crate::hands::Hands;

const APPLICATION: &str = "flight-info";

/// Syncs, and gives what was told of it on the way as well.
async fn deploy(
    session: &Session,
    application: &str,
) -> (Result<SyncReport, SyncError>, Vec<String>) {
    let told = Mutex::new(Vec::new());
    let hear = |report: &SyncReport| told.lock().unwrap().push(report.operation.clone());
    let request = Request {
        application,
        revision: None,
        prune: false,
        within: Duration::from_secs(120),
    };
    let ended = sync(session, &request, &hear, never_stopped()).await;
    (ended, told.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_application_that_a_person_deploys_is_deployed_on_demand() {
    let world = applied();
    let session = session(&world);
    let (ended, told) = deploy(&session, APPLICATION).await;
    let report = ended.expect("a deployment");
    assert_eq!(
        (report.sync.as_str(), report.health.as_str()),
        ("Synced", "Healthy")
    );
    assert_eq!(told, ["Requested", "Running", "Succeeded"]);
    // Once more: what was before is no proof.
    let (again, told) = deploy(&session, APPLICATION).await;
    assert!(
        again.is_ok() && told.contains(&"Running".to_owned()),
        "{told:?}"
    );
    let plan = session
        .plan(groundwork::plan::Goal::Apply)
        .await
        .expect("a plan");
    assert!(plan.plan.is_empty(), "what was asked for once is no drift");
}

#[tokio::test(start_paused = true)]
async fn what_argo_cd_says_is_told() {
    let world = applied();
    let session = session(&world);
    let hands = Hands::on(&world, &session);
    let project = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/flights";
    hands.delete(project).await;
    let (ended, _) = deploy(&session, APPLICATION).await;
    let error = ended.expect_err("there is no such project");
    assert!(matches!(error, SyncError::Failed { .. }), "{error}");
    let expected = "Application referencing project flights which does not exist";
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_waited_for_longer_than_that() {
    let world = applied();
    let session = session(&world);
    let hands = Hands::on(&world, &session);
    let sets = "/apis/apps/v1/namespaces/argocd/statefulsets";
    hands
        .delete(&format!("{sets}/argocd-application-controller"))
        .await;
    hands.wait(60).await;
    let (ended, told) = deploy(&session, APPLICATION).await;
    let error = ended.expect_err("nobody acts");
    assert!(matches!(error, SyncError::Slow { .. }), "{error}");
    assert!(
        error.to_string().contains("Argo CD has not begun"),
        "{error}"
    );
    assert_eq!(told, ["Requested"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_there_is_deployed() {
    let world = applied();
    let session = session(&world);
    let (unknown, _) = deploy(&session, "flight").await;
    let known = vec![APPLICATION.to_owned()];
    assert!(matches!(unknown, Err(SyncError::Unknown { known: of, .. }) if of == known));
    let hands = Hands::on(&world, &session);
    let path = format!("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{APPLICATION}");
    hands.delete(&path).await;
    hands.wait(60).await;
    let (gone, _) = deploy(&session, APPLICATION).await;
    assert!(matches!(gone, Err(SyncError::NotThere(_))));
}
