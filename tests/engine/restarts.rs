//! An API server that goes away in the middle of a run, and namespaces that take their time to go: the run goes on, ends with
//! everything up, and makes nothing twice.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use groundwork::cloud::{ClusterEndpoint, Connector, Fault};
use groundwork::ops::Session;
use groundwork::plan::{Goal, Verb};
use groundwork::sandbox::Sandbox;
use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::json;
use tokio::time::Instant;

use crate::common::{apply, carry_out_with, destroy};
use crate::guest::{agreed, call, guest, hosted, is_there, marked, put};

/// For how long an API server is away while it restarts.
const AWAY: Duration = Duration::from_secs(45);

/// The way to an API server that goes away at the request of this number, for a while.
#[derive(Clone)]
struct Restarting {
    sandbox: Sandbox,
    at: u64,
    requests: Arc<AtomicU64>,
    since: Arc<Mutex<Option<Instant>>>,
}

impl Restarting {
    fn at(sandbox: &Sandbox, at: u64) -> Self {
        Self {
            sandbox: sandbox.clone(),
            at,
            requests: Arc::default(),
            since: Arc::default(),
        }
    }

    /// Counts a request, and says whether it meets an API server that is away.
    fn is_away(&self) -> (u64, bool) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let mut since = self.since.lock().unwrap();
        if number < self.at {
            return (number, false);
        }
        let since = since.get_or_insert_with(Instant::now);
        (number, since.elapsed() < AWAY)
    }

    /// What becomes of a request: refused, turned away by what stands in front, or cut off after its effect.
    async fn answer(
        self,
        client: kube::Client,
        request: Request<Body>,
    ) -> Result<Response<Body>, io::Error> {
        let (number, away) = self.is_away();
        let kinds = [
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::ConnectionReset,
        ];
        match number % 3 {
            _ if !away => client.send(request).await.map_err(io::Error::other),
            0 => Err(kinds[0].into()),
            1 => {
                let status = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "reason": "ServiceUnavailable", "code": 503, "message": "apiserver is shutting down",
                });
                let body = Body::from(status.to_string().into_bytes());
                let answer = Response::builder().status(503).body(body);
                answer.map_err(io::Error::other)
            }
            _ => {
                drop(client.send(request).await);
                Err(kinds[1].into())
            }
        }
    }
}

#[async_trait]
impl Connector for Restarting {
    async fn connect(&self, cluster: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        let client = self
            .sandbox
            .kubernetes_client(&cluster.region, &cluster.name);
        let way = self.clone();
        let service = tower::service_fn(move |request| way.clone().answer(client.clone(), request));
        Ok(kube::Client::new(service, "default"))
    }
}

/// Has the session's API server restart at that request from now on.
fn restart(session: &mut Session, sandbox: &Sandbox, at: u64) -> Restarting {
    let way = Restarting::at(sandbox, at);
    session.cloud.connector = Arc::new(way.clone());
    way
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_restarts_is_waited_for() {
    let (world, _) = hosted().await;
    let mut session = guest(&world);
    apply(&session).await;
    let undisturbed = marked(&world).await;
    destroy(&session).await;
    // While it is looked at, and at several moments of the run itself.
    for at in [5, 60, 75, 90, 110] {
        let way = restart(&mut session, &world.sandbox, at);
        apply(&session).await;
        assert!(
            way.since.lock().unwrap().is_some(),
            "not so many as {at} requests"
        );
        assert!(session.plan(Goal::Apply).await.unwrap().plan.is_empty());
        assert_eq!(marked(&world).await, undisturbed);
        let way = restart(&mut session, &world.sandbox, at);
        destroy(&session).await;
        assert!(
            way.since.lock().unwrap().is_some(),
            "not so many as {at} requests"
        );
        assert_eq!(marked(&world).await, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_takes_its_time_to_go_is_waited_for_and_made_anew() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let held = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["widgets.example.com/never"]},
    });
    let configs = "/api/v1/namespaces/shop/configmaps";
    put(&world, configs, held).await;
    let shop = "/api/v1/namespaces/shop";
    call(&world, Method::DELETE, shop, &json!({}))
        .await
        .unwrap();
    let planned = session.plan(Goal::Apply).await.unwrap();
    let namespace = "bootstrap.namespace.shop".parse().unwrap();
    assert_eq!(planned.plan.action(&namespace).unwrap().verb, Verb::Replace);
    let freed = async {
        tokio::time::sleep(Duration::from_secs(90)).await;
        let mut free = json!({"apiVersion": "v1", "kind": "ConfigMap"});
        free["metadata"] = json!({"name": "held"});
        let path = format!("{configs}/held");
        call(&world, Method::PUT, &path, &free).await.unwrap();
    };
    let consent = agreed(&["bootstrap.namespace.shop"]);
    tokio::join!(carry_out_with(&session, &planned, &consent), freed);
    assert!(session.plan(Goal::Apply).await.unwrap().plan.is_empty());
    assert!(is_there(&world, "/api/v1/namespaces/shop/secrets/greeting").await);
}

/// Between plan and run somebody deletes a namespace in which something is to be made: what the API server says of it until it
/// is gone passes, and the next run makes all of it anew.
#[tokio::test(start_paused = true)]
async fn what_is_made_in_a_namespace_that_goes_is_made_by_the_next_run() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let secret = "/api/v1/namespaces/shop/secrets/greeting";
    call(&world, Method::DELETE, secret, &json!({}))
        .await
        .unwrap();
    let planned = session.plan(Goal::Apply).await.unwrap();
    call(
        &world,
        Method::DELETE,
        "/api/v1/namespaces/shop",
        &json!({}),
    )
    .await
    .unwrap();
    let nothing = groundwork::ops::Confirmed::default();
    let stop = crate::common::never_stopped();
    let run = groundwork::ops::apply(&session, &planned, &nothing, &crate::common::Silence, stop);
    let report = run.await.unwrap();
    let failed: Vec<_> = report.failed.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(failed, ["bootstrap.secret.greeting"]);
    apply(&session).await;
    assert!(is_there(&world, secret).await);
}
