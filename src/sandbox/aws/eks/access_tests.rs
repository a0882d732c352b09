//! Who is let into clusters: entries, policies, and what EKS refuses.

use serde_json::{Value, json};

use super::tests::{CLUSTER_ROLE, NODE_ROLE};
use crate::sandbox::aws::testing::Desk;

const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

fn entry(over: Value) -> Value {
    let mut input = json!({"clusterName": "main", "principalArn": CLUSTER_ROLE});
    let fields = over.as_object().unwrap().clone();
    input.as_object_mut().unwrap().extend(fields);
    input
}

fn desk() -> Desk {
    Desk::with_eks(json!({"accessConfig": {"authenticationMode": "API"}}))
}

#[test]
fn entries_come_are_given_policies_and_go() {
    let mut desk = desk();
    let made = desk.eks(
        "CreateAccessEntry",
        entry(json!({"kubernetesGroups": ["ops"]})),
    );
    assert_eq!(made["accessEntry"]["type"], "STANDARD");
    let everywhere = entry(json!({"policyArn": VIEW, "accessScope": {"type": "cluster"}}));
    desk.eks("AssociateAccessPolicy", everywhere);
    let here =
        json!({"policyArn": VIEW, "accessScope": {"type": "namespace", "namespaces": ["a"]}});
    desk.eks("AssociateAccessPolicy", entry(here));
    let listed = desk.eks("ListAssociatedAccessPolicies", entry(json!({})));
    let policies = listed["associatedAccessPolicies"].as_array().unwrap();
    assert_eq!(policies.len(), 1, "the same policy holds elsewhere now");
    assert_eq!(policies[0]["accessScope"]["namespaces"], json!(["a"]));
    desk.eks("UpdateAccessEntry", entry(json!({"kubernetesGroups": []})));
    let found = desk.eks("DescribeAccessEntry", entry(json!({})));
    assert_eq!(found["accessEntry"]["kubernetesGroups"], json!([]));
    desk.eks(
        "DisassociateAccessPolicy",
        entry(json!({"policyArn": VIEW})),
    );
    desk.eks("DeleteAccessEntry", entry(json!({})));
    let gone = desk.eks_refused("DescribeAccessEntry", entry(json!({})));
    assert_eq!(gone, "ResourceNotFoundException");
}

#[test]
fn eks_lets_the_creator_and_nodes_in() {
    let mut desk = desk();
    let nodes = json!({
        "clusterName": "main", "nodegroupName": "n", "nodeRole": NODE_ROLE, "subnets": desk.subnets,
    });
    desk.eks("CreateNodegroup", nodes);
    let listed = desk.eks("ListAccessEntries", json!({"clusterName": "main"}));
    let creator = "arn:aws:iam::123456789012:user/sandbox";
    assert_eq!(listed["accessEntries"], json!([NODE_ROLE, creator]));
    let taken = desk.eks_refused("CreateAccessEntry", entry(json!({"principalArn": creator})));
    assert_eq!(taken, "ResourceInUseException");
    let scope =
        json!({"principalArn": NODE_ROLE, "policyArn": VIEW, "accessScope": {"type": "cluster"}});
    let nodes_policy = desk.eks_refused("AssociateAccessPolicy", entry(scope));
    assert_eq!(nodes_policy, "InvalidParameterException");
}

#[test]
fn what_eks_does_not_take_is_refused() {
    let mut desk = desk();
    let nobody = "arn:aws:iam::123456789012:role/nobody";
    for (over, code) in [
        (json!({"principalArn": nobody}), "InvalidParameterException"),
        (
            json!({"principalArn": "arn:aws:sts::123456789012:assumed-role/a/b"}),
            "InvalidParameterException",
        ),
        (
            json!({"kubernetesGroups": ["system:masters"]}),
            "InvalidParameterException",
        ),
        (json!({"type": "OTHER"}), "InvalidParameterException"),
        (json!({"clusterName": "other"}), "ResourceNotFoundException"),
    ] {
        assert_eq!(
            desk.eks_refused("CreateAccessEntry", entry(over.clone())),
            code,
            "{over}"
        );
    }
    desk.eks("CreateAccessEntry", entry(json!({})));
    for over in [
        json!({"policyArn": "arn:aws:eks::aws:cluster-access-policy/Other", "accessScope": {"type": "cluster"}}),
        json!({"policyArn": VIEW, "accessScope": {"type": "namespace"}}),
        json!({"policyArn": VIEW}),
    ] {
        let code = desk.eks_refused("AssociateAccessPolicy", entry(over.clone()));
        assert_eq!(code, "InvalidParameterException", "{over}");
    }
}

#[test]
fn a_cluster_that_asks_its_config_map_has_no_entries() {
    let mut desk = Desk::with_eks(json!({}));
    let refused = desk.eks_refused("CreateAccessEntry", entry(json!({})));
    assert_eq!(refused, "InvalidRequestException");
}
