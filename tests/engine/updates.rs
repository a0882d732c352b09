//! An update of EKS that is accepted and then fails leaves the cluster as it was: the run says why, and the next plan
//! shows what is still to be done.

use std::collections::BTreeSet;

use groundwork::address::Address;
use groundwork::environment::Environment;
use groundwork::environment::model::LogType;
use groundwork::ops::Confirmed;
use groundwork::plan::{Goal, Verb};
use groundwork::sandbox::faults::Misbehaviour;

use crate::bench::{applied, session_on, staging};
use crate::common::{Silence, apply, never_stopped};

/// Applies `environment` to staging while the updates that `operation` begins fail; then lets them go through.
async fn fails_and_goes_on(environment: Environment, operation: &str, address: &str) {
    let world = applied();
    let session = session_on(&world, environment);
    world.sandbox.faults().set(Misbehaviour {
        failing_updates: BTreeSet::from([operation.to_owned()]),
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
    cluster.logging = BTreeSet::from([LogType::Audit]);
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
