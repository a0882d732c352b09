//! Add-ons and Pod Identity associations: their lives, and what EKS refuses.

use serde_json::{Value, json};

use super::tests::NODE_ROLE;
use crate::sandbox::aws::testing::Desk;

fn over(base: Value, over: &Value) -> Value {
    let mut input = base;
    let fields = over.as_object().unwrap().clone();
    input.as_object_mut().unwrap().extend(fields);
    input
}

fn addon(name: &str, more: Value) -> Value {
    over(json!({"clusterName": "main", "addonName": name}), &more)
}

fn desk() -> Desk {
    Desk::with_eks(json!({"version": "1.34"}))
}

fn status(desk: &mut Desk, name: &str) -> Value {
    desk.eks("DescribeAddon", addon(name, json!({})))["addon"]["status"].clone()
}

#[test]
fn an_addon_is_installed_updated_and_removed() {
    let mut desk = desk();
    let made = desk.eks("CreateAddon", addon("eks-pod-identity-agent", json!({})));
    assert_eq!(made["addon"]["status"], "CREATING");
    assert_eq!(made["addon"]["addonVersion"], "v1.3.9-eksbuild.3");
    desk.pass(30);
    assert_eq!(status(&mut desk, "eks-pod-identity-agent"), "ACTIVE");
    let older = json!({"addonVersion": "v1.3.8-eksbuild.2", "configurationValues": "{}"});
    let begun = desk.eks("UpdateAddon", addon("eks-pod-identity-agent", older));
    let id = begun["update"]["id"].clone();
    assert_eq!(status(&mut desk, "eks-pod-identity-agent"), "UPDATING");
    // The cluster itself is free meanwhile.
    assert_eq!(desk.eks_cluster()["status"], "ACTIVE");
    desk.pass(30);
    let asked = json!({"name": "main", "addonName": "eks-pod-identity-agent", "updateId": id});
    let update = desk.eks("DescribeUpdate", asked);
    assert_eq!(update["update"]["status"], "Successful");
    let found = desk.eks("DescribeAddon", addon("eks-pod-identity-agent", json!({})));
    assert_eq!(found["addon"]["addonVersion"], "v1.3.8-eksbuild.2");
    desk.eks("DeleteAddon", addon("eks-pod-identity-agent", json!({})));
    desk.pass(20);
    let gone = desk.eks_refused("DescribeAddon", addon("eks-pod-identity-agent", json!({})));
    assert_eq!(gone, "ResourceNotFoundException");
}

#[test]
fn what_runs_on_nodes_is_degraded_until_there_are_some() {
    let mut desk = desk();
    desk.eks(
        "CreateAddon",
        addon("coredns", json!({"resolveConflicts": "OVERWRITE"})),
    );
    desk.pass(30);
    let found = desk.eks("DescribeAddon", addon("coredns", json!({})));
    assert_eq!(found["addon"]["status"], "DEGRADED");
    assert_eq!(
        found["addon"]["health"]["issues"][0]["code"],
        "InsufficientNumberOfReplicas"
    );
    let nodes = json!({
        "clusterName": "main", "nodegroupName": "n", "nodeRole": NODE_ROLE, "subnets": desk.subnets,
    });
    desk.eks("CreateNodegroup", nodes);
    desk.pass(200);
    assert_eq!(status(&mut desk, "coredns"), "ACTIVE");
}

#[test]
fn what_is_there_already_is_only_written_over_if_that_is_asked_for() {
    let mut desk = desk();
    desk.eks("CreateAddon", addon("vpc-cni", json!({})));
    desk.pass(30);
    let found = desk.eks("DescribeAddon", addon("vpc-cni", json!({})));
    assert_eq!(found["addon"]["status"], "CREATE_FAILED");
    assert_eq!(
        found["addon"]["health"]["issues"][0]["code"],
        "ConfigurationConflict"
    );
}

#[test]
fn what_eks_does_not_offer_is_refused() {
    let mut desk = desk();
    for (name, more) in [
        ("nothing", json!({})),
        ("vpc-cni", json!({"addonVersion": "v0"})),
        ("kube-proxy", json!({"addonVersion": "v1.35.0-eksbuild.2"})),
        ("coredns", json!({"configurationValues": "replicas"})),
        ("coredns", json!({"resolveConflicts": "SOMETIMES"})),
    ] {
        let code = desk.eks_refused("CreateAddon", addon(name, more.clone()));
        assert_eq!(code, "InvalidParameterException", "{name} {more}");
    }
    desk.eks("CreateAddon", addon("vpc-cni", json!({})));
    let again = desk.eks_refused("CreateAddon", addon("vpc-cni", json!({})));
    assert_eq!(again, "ResourceInUseException");
    let unknown = json!({"addonName": "nothing"});
    assert_eq!(
        desk.eks("DescribeAddonVersions", unknown)["addons"],
        json!([])
    );
}

#[test]
fn pods_act_with_roles_that_trust_them() {
    let mut desk = desk();
    let trust = |actions: Value| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": actions, "Principal": {"Service": "pods.eks.amazonaws.com"},
        }]})
        .to_string()
    };
    let role =
        |name: &str, trust: String| json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
    desk.ok(
        "iam",
        "CreateRole",
        role("half", trust(json!("sts:AssumeRole"))),
    );
    desk.ok(
        "iam",
        "CreateRole",
        role("whole", trust(json!(["sts:AssumeRole", "sts:TagSession"]))),
    );
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let asked = |role: &str| json!({"clusterName": "main", "namespace": "n", "serviceAccount": "s", "roleArn": arn(role)});
    for bad in ["none", "half", "worker"] {
        let code = desk.eks_refused("CreatePodIdentityAssociation", asked(bad));
        assert_eq!(code, "InvalidParameterException", "{bad}");
    }
    let made = desk.eks("CreatePodIdentityAssociation", asked("whole"));
    let id = made["association"]["associationId"].clone();
    let again = desk.eks_refused("CreatePodIdentityAssociation", asked("whole"));
    assert_eq!(again, "ResourceInUseException");
    let listed = desk.eks(
        "ListPodIdentityAssociations",
        json!({"clusterName": "main", "namespace": "n"}),
    );
    assert_eq!(listed["associations"][0]["associationId"], id);
    let named = json!({"clusterName": "main", "associationId": id});
    desk.eks("DeletePodIdentityAssociation", named.clone());
    let gone = desk.eks_refused("DescribePodIdentityAssociation", named);
    assert_eq!(gone, "ResourceNotFoundException");
}
