//! EKS Auto Mode as the sandbox has it: what it refuses, and what comes and goes with it.

use serde_json::{Value, json};

use super::tests::{CLUSTER_ROLE, NODE_ROLE};
use crate::sandbox::aws::testing::Desk;

const INVALID: &str = "InvalidParameterException";

fn switches(compute: Value, on: [bool; 2]) -> Value {
    json!({
        "name": "main",
        "computeConfig": compute,
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": on[0]}},
        "storageConfig": {"blockStorage": {"enabled": on[1]}},
    })
}

fn on() -> Value {
    let pools = json!(["general-purpose", "system"]);
    switches(
        json!({"enabled": true, "nodePools": pools, "nodeRoleArn": NODE_ROLE}),
        [true, true],
    )
}

fn off() -> Value {
    switches(json!({"enabled": false}), [false, false])
}

/// Lets the cluster's role say as whom it acts.
fn may_tag(desk: &mut Desk) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Principal": {"Service": "eks.amazonaws.com"},
    }]});
    let role = json!({"RoleName": "control", "PolicyDocument": trust.to_string()});
    desk.ok("iam", "UpdateAssumeRolePolicy", role);
}

#[test]
fn it_is_on_or_off_as_a_whole_and_with_the_rights_that_it_needs() {
    let mut desk = Desk::with_eks(json!({"accessConfig": {"authenticationMode": "API"}}));
    let update = "UpdateClusterConfig";
    assert_eq!(desk.eks_refused(update, on()), INVALID, "no sts:TagSession");
    may_tag(&mut desk);
    let compute = on()["computeConfig"].clone();
    for halves in [[true, false], [false, true], [false, false]] {
        let half = switches(compute.clone(), halves);
        assert_eq!(desk.eks_refused(update, half), INVALID, "{halves:?}");
    }
    let only = json!({"name": "main", "computeConfig": compute});
    assert_eq!(desk.eks_refused(update, only), INVALID);
    for wrong in [
        json!({"enabled": true, "nodePools": ["gpu"], "nodeRoleArn": NODE_ROLE}),
        json!({"enabled": true, "nodePools": ["system"]}),
        json!({"enabled": true, "nodeRoleArn": NODE_ROLE}),
        json!({"enabled": true, "nodePools": ["system"], "nodeRoleArn": CLUSTER_ROLE}),
    ] {
        let wrong = switches(wrong, [true, true]);
        assert_eq!(desk.eks_refused(update, wrong.clone()), INVALID, "{wrong}");
    }
    desk.eks(update, on());
    desk.pass(60);
    let cluster = desk.eks_cluster();
    assert_eq!(cluster["computeConfig"], on()["computeConfig"]);
    assert_eq!(cluster["storageConfig"], on()["storageConfig"]);
    let balancing = &cluster["kubernetesNetworkConfig"]["elasticLoadBalancing"];
    assert_eq!(balancing["enabled"], true);
    let entry = json!({"clusterName": "main", "principalArn": NODE_ROLE});
    let entry = desk.eks("DescribeAccessEntry", entry);
    assert_eq!(entry["accessEntry"]["type"], "EC2");

    let other = json!({"enabled": true, "nodePools": ["system"], "nodeRoleArn": NODE_ROLE.replace("worker", "bare")});
    assert_eq!(
        desk.eks_refused(update, switches(other, [true, true])),
        INVALID,
        "the role stays while it is on"
    );
    desk.eks(update, off());
    desk.pass(60);
    assert_eq!(desk.eks_cluster()["computeConfig"], Value::Null);
}

#[test]
fn a_new_cluster_with_it_brings_no_addons_along() {
    let mut desk = Desk::with_roles();
    may_tag(&mut desk);
    let mut input = on();
    input["roleArn"] = json!(CLUSTER_ROLE);
    input["resourcesVpcConfig"] = json!({"subnetIds": desk.subnets});
    assert_eq!(desk.eks_refused("CreateCluster", input.clone()), INVALID);
    input["bootstrapSelfManagedAddons"] = json!(false);
    desk.eks("CreateCluster", input);
}
