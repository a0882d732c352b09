//! An update of EKS that is accepted and then fails leaves the cluster as it was: the run says why, and the next plan
//! shows what is still to be done. What gets stuck in the cluster is mended by a change, and so gets it at once.

use std::collections::BTreeSet;

use groundwork::address::Address;
use groundwork::environment::Environment;
use groundwork::environment::model::LogType;
use groundwork::ops::Confirmed;
use groundwork::plan::{Goal, Verb};
use groundwork::sandbox::faults::Misbehaviour;
use serde_json::json;

use crate::bench::{applied, session_on, staging};
use crate::common::{Silence, after, apply, carry_out, never_stopped};
use crate::hands::{Hands, region};

/// Applies `environment` to staging while the updates that `operation` begins fail; then lets them go through.
async fn fails_and_goes_on(environment: Environment, operation: &str, address: &str) {
    let world = applied();
    let session = session_on(&world, environment);
    world.sandbox.faults().set(Misbehaviour {
        failing_later: BTreeSet::from([operation.to_owned()]),
        ..Misbehaviour::default()
    });
    let address: Address = address.parse().expect("an address");
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let nothing = Confirmed::default();
    let report =
        groundwork::ops::apply(&session, &planned, &nothing, &Silence, never_stopped()).await;
    let report = report.expect("a run");
    let [(failed, error)] = report.failed.as_slice() else {
        panic!("{:#?}", report.failed);
    };
    assert_eq!(*failed, address);
    let told = error.to_string();
    let why = "OperationNotPermitted: The sandbox was told to have this update fail";
    assert!(told.contains(why), "{told}");
    world.sandbox.faults().set(Misbehaviour::default());
    let again = session.plan(Goal::Apply).await.expect("a plan");
    let action = again.plan.action(&address).expect("an action");
    assert_eq!(action.verb, Verb::Update);
    apply(&session).await;
    let done = session.plan(Goal::Apply).await.expect("a plan");
    assert!(done.plan.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_of_the_cluster_is_told() {
    let mut environment = staging();
    let cluster = environment.cluster.as_mut().expect("a cluster");
    cluster.logging = BTreeSet::from([LogType::Audit, LogType::Api]);
    let address = "cluster.control-plane";
    fails_and_goes_on(environment, "UpdateClusterConfig", address).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_of_a_node_group_is_told() {
    let mut environment = staging();
    let cluster = environment.cluster.as_mut().expect("a cluster");
    let mut groups = cluster.node_groups.iter_mut();
    let (key, group) = groups.next().expect("a group");
    group.max += 1;
    let address = format!("cluster.node-group.{key}");
    fails_and_goes_on(environment, "UpdateNodegroupConfig", &address).await;
}

/// Its new pods find no node, and so it would wait for them for ever if it had to be ready before it is changed back.
#[tokio::test(start_paused = true)]
async fn what_never_gets_ready_takes_a_change() {
    let world = applied();
    let session = session_on(&world, staging());
    let hands = Hands::on(&world, &session);
    let nodes = hands.get("/api/v1/nodes").await;
    let nodes = nodes["items"].as_array().expect("nodes").iter();
    for name in nodes.filter_map(|node| node["metadata"]["name"].as_str()) {
        let cordoned = json!({"spec": {"unschedulable": true}});
        hands
            .patch(&format!("/api/v1/nodes/{name}"), cordoned)
            .await;
    }
    let path = "/apis/apps/v1/namespaces/traefik/deployments/traefik";
    let live = hands.get(path).await;
    let mut containers = live["spec"]["template"]["spec"]["containers"].clone();
    containers[0]["image"] = json!("nowhere:1");
    let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    hands.patch(path, patch).await;
    apply(&session).await;
    let mended = hands.get(path).await;
    let image = "/spec/template/spec/containers/0/image";
    assert_eq!(mended.pointer(image), live.pointer(image));
    let done = session.plan(Goal::Apply).await.expect("a plan");
    assert!(done.plan.is_empty());
}

/// A database reads as failed when its change is about to be sent, and is well again after a moment.
#[tokio::test(start_paused = true)]
async fn what_failed_for_a_moment_is_waited_for() {
    let world = applied();
    let mut wanted = staging();
    let mut databases = wanted.databases.values_mut();
    databases.next().expect("a database").backup_retention_days += 1;
    let session = session_on(&world, wanted);
    let hands = Hands::on(&world, &session);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let work: Vec<_> = planned.plan.work().map(|action| action.verb).collect();
    assert_eq!(work, [Verb::Update]);
    let status = region("rds/instances/microservices-mysql/status");
    let well = hands.read(&status);
    hands.edit(&[(status.clone(), json!("Failed"))]);
    tokio::select! {
        report = carry_out(&session, &planned) => assert!(report.is_complete()),
        () = after(20, || hands.edit(&[(status, well)])) => unreachable!("it waits for ever"),
    }
}
