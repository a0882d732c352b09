//! Each difference between moto and AWS that concerns EKS clusters, and FACTS' rows on them.

use serde_json::{Value, json};

use crate::sandbox::aws::ec2::security_groups;
use crate::sandbox::aws::testing::{Desk, REGION};

const CREATED: u64 = 600;
const DELETED: u64 = 150;
const CONFIGURED: u64 = 60;
const UPGRADED: u64 = 600;

pub(super) const CLUSTER_ROLE: &str = "arn:aws:iam::123456789012:role/control";
pub(super) const NODE_ROLE: &str = "arn:aws:iam::123456789012:role/worker";

impl Desk {
    pub(super) fn eks(&mut self, operation: &str, input: Value) -> Value {
        self.ok("eks", operation, input)
    }

    pub(super) fn eks_refused(&mut self, operation: &str, input: Value) -> String {
        self.refused("eks", operation, input)
    }

    fn role(&mut self, name: &str, service: &str, policies: &[&str]) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service},
        }]});
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        self.ok("iam", "CreateRole", role);
        for policy in policies {
            let arn = format!("arn:aws:iam::aws:policy/{policy}");
            self.ok(
                "iam",
                "AttachRolePolicy",
                json!({"RoleName": name, "PolicyArn": arn}),
            );
        }
    }

    /// A world with the roles that EKS demands.
    pub(super) fn with_roles() -> Self {
        let mut desk = Self::new();
        desk.role("control", "eks.amazonaws.com", &["AmazonEKSClusterPolicy"]);
        let node_policies = [
            "AmazonEKSWorkerNodePolicy",
            "AmazonEC2ContainerRegistryPullOnly",
            "AmazonEKS_CNI_Policy",
        ];
        desk.role("worker", "ec2.amazonaws.com", &node_policies);
        desk.role("bare", "ec2.amazonaws.com", &[]);
        desk
    }

    fn eks_input(&self, over: Value) -> Value {
        let mut input = json!({
            "name": "main", "roleArn": CLUSTER_ROLE, "clientRequestToken": "one",
            "resourcesVpcConfig": {"subnetIds": self.subnets, "securityGroupIds": [self.group]},
            "tags": {"a": "1"},
        });
        for (key, value) in over.as_object().unwrap() {
            input[key] = value.clone();
        }
        input
    }

    /// A world with a cluster that is ACTIVE.
    pub(super) fn with_eks(over: Value) -> Self {
        let mut desk = Self::with_roles();
        let input = desk.eks_input(over);
        desk.eks("CreateCluster", input);
        desk.pass(CREATED);
        desk
    }

    pub(super) fn eks_cluster(&mut self) -> Value {
        self.eks("DescribeCluster", json!({"name": "main"}))["cluster"].clone()
    }

    fn configure(&mut self, mut change: Value) -> Value {
        change["name"] = "main".into();
        self.eks("UpdateClusterConfig", change)["update"].clone()
    }

    fn configure_refused(&mut self, mut change: Value) -> String {
        change["name"] = "main".into();
        self.eks_refused("UpdateClusterConfig", change)
    }

    fn log_groups(&mut self) -> usize {
        let groups = self.ok("logs", "DescribeLogGroups", json!({}));
        groups["logGroups"].as_array().unwrap().len()
    }
}

fn name() -> Value {
    json!({"name": "main"})
}

#[test]
fn create_cluster_no_such_role() {
    let mut desk = Desk::with_roles();
    for role in ["arn:aws:iam::123456789012:role/none", NODE_ROLE] {
        let input = desk.eks_input(json!({"roleArn": role}));
        let refused = desk.send("eks", "CreateCluster", input).unwrap_err();
        assert_eq!(refused.code, "InvalidParameterException");
        assert!(refused.message.contains("could not be assumed"));
    }
}

#[test]
fn create_cluster_refuses_what_eks_does_not_offer() {
    let mut desk = Desk::with_roles();
    let group = desk.group.clone();
    let network = |subnets: &[&str], group: &str| json!({"resourcesVpcConfig": {"subnetIds": subnets, "securityGroupIds": [group]}});
    let both_off = json!({
        "subnetIds": desk.subnets, "endpointPublicAccess": false, "endpointPrivateAccess": false,
    });
    for over in [
        network(&["subnet-a", "subnet-c"], &group),
        network(&["subnet-a", "subnet-none"], &group),
        network(&["subnet-a", "subnet-far"], &group),
        network(&[], &group),
        network(&["subnet-a", "subnet-b"], "sg-none"),
        json!({"version": "1.19"}),
        json!({"name": "-dash"}),
        json!({"accessConfig": {"authenticationMode": "NONE"}}),
        json!({"logging": {"clusterLogging": [{"types": ["kernel"], "enabled": true}]}}),
        json!({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.10.8.0/24"}}),
        json!({"resourcesVpcConfig": both_off}),
    ] {
        let input = desk.eks_input(over.clone());
        let code = desk.eks_refused("CreateCluster", input);
        assert_eq!(code, "InvalidParameterException", "{over}");
    }
    let ec2 = &desk.world.region(REGION).ec2;
    assert!(ec2.interfaces.is_empty());
    assert_eq!(ec2.security_groups.len(), 3);
}

#[test]
fn create_cluster_takes_its_time() {
    let mut desk = Desk::with_roles();
    let input = desk.eks_input(json!({}));
    let made = desk.eks("CreateCluster", input);
    assert_eq!(made["cluster"]["status"], "CREATING");
    desk.pass(CREATED - 1);
    let young = desk.eks_cluster();
    assert_eq!(young["status"], "CREATING");
    assert!(young.get("endpoint").is_none() && young.get("identity").is_none());
    assert!(desk.world.clusters.is_empty());
    desk.pass(1);
    let cluster = desk.eks_cluster();
    assert_eq!(cluster["status"], "ACTIVE");
    let endpoint = cluster["endpoint"].as_str().unwrap();
    assert!(
        endpoint.ends_with(".gr7.eu-central-1.eks.amazonaws.com"),
        "{endpoint}"
    );
    assert!(
        cluster["certificateAuthority"]["data"]
            .as_str()
            .unwrap()
            .starts_with("LS0tLS1CRUdJTi")
    );
    let issuer = cluster["identity"]["oidc"]["issuer"].as_str().unwrap();
    assert!(
        issuer.starts_with("https://oidc.eks.eu-central-1.amazonaws.com/id/"),
        "{issuer}"
    );
    assert_eq!(cluster["accessConfig"]["authenticationMode"], "CONFIG_MAP");
    assert_eq!(
        cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
        "172.20.0.0/16"
    );
    assert_eq!(cluster["tags"], json!({"a": "1"}));
    assert!(desk.world.clusters.contains_key("eu-central-1/main"));
    assert_eq!(
        desk.eks("ListClusters", json!({}))["clusters"],
        json!(["main"])
    );
}

#[test]
fn create_cluster_name_taken_and_the_same_request_again() {
    let mut desk = Desk::with_roles();
    let input = desk.eks_input(json!({}));
    let first = desk.eks("CreateCluster", input.clone());
    assert_eq!(desk.eks("CreateCluster", input), first);
    let other = desk.eks_input(json!({"clientRequestToken": "two"}));
    assert_eq!(
        desk.eks_refused("CreateCluster", other),
        "ResourceInUseException"
    );
    let mut without = desk.eks_input(json!({}));
    without
        .as_object_mut()
        .unwrap()
        .remove("clientRequestToken");
    assert_eq!(
        desk.eks_refused("CreateCluster", without),
        "ResourceInUseException"
    );
}

#[test]
fn describe_cluster_version_when_none_asked() {
    let mut desk = Desk::with_eks(json!({}));
    assert_eq!(desk.eks_cluster()["version"], "1.35");
    let default = desk.eks("DescribeClusterVersions", json!({"defaultOnly": true}));
    assert_eq!(default["clusterVersions"][0]["clusterVersion"], "1.35");
    let all = desk.eks("DescribeClusterVersions", json!({}));
    assert_eq!(all["clusterVersions"].as_array().unwrap().len(), 5);
    let status = json!({"versionStatus": "EXTENDED_SUPPORT"});
    let extended = desk.eks("DescribeClusterVersions", status);
    assert_eq!(extended["clusterVersions"].as_array().unwrap().len(), 2);
}

#[test]
fn describe_cluster_security_group_is_a_real_one() {
    let mut desk = Desk::with_eks(json!({}));
    let id = desk.eks_cluster()["resourcesVpcConfig"]["clusterSecurityGroupId"].clone();
    let id = id.as_str().unwrap().to_owned();
    let group = desk.world.region(REGION).ec2.security_group(&id).unwrap();
    assert!(group.name.starts_with("eks-cluster-sg-main-"));
    assert_eq!(desk.wearing(&id), ["Amazon EKS main", "Amazon EKS main"]);
    let given = desk.group.clone();
    assert_eq!(desk.wearing(&given).len(), 2);
    let refused = security_groups::delete(&mut desk.world, REGION, &id).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation");
}

#[test]
fn delete_cluster_takes_its_group_and_interfaces_along() {
    let mut desk = Desk::with_eks(json!({}));
    let deleting = desk.eks("DeleteCluster", name());
    assert_eq!(deleting["cluster"]["status"], "DELETING");
    assert_eq!(
        desk.eks_refused("DeleteCluster", name()),
        "ResourceInUseException"
    );
    desk.pass(DELETED - 1);
    assert_eq!(desk.eks_cluster()["status"], "DELETING");
    desk.pass(1);
    assert_eq!(
        desk.eks_refused("DescribeCluster", name()),
        "ResourceNotFoundException"
    );
    assert_eq!(
        desk.eks_refused("DeleteCluster", name()),
        "ResourceNotFoundException"
    );
    let ec2 = &desk.world.region(REGION).ec2;
    assert!(ec2.interfaces.is_empty());
    assert_eq!(ec2.security_groups.len(), 3);
    assert!(desk.world.clusters.is_empty());
}

#[test]
fn delete_cluster_with_deletion_protection() {
    let mut desk = Desk::with_eks(json!({"deletionProtection": true}));
    assert_eq!(
        desk.eks_refused("DeleteCluster", name()),
        "ResourceInUseException"
    );
    desk.configure(json!({"deletionProtection": false}));
    desk.pass(CONFIGURED);
    desk.eks("DeleteCluster", name());
}

#[test]
fn only_a_cluster_that_logs_has_a_log_group_and_it_stays() {
    let mut silent = Desk::with_eks(json!({}));
    assert_eq!(silent.log_groups(), 0);
    let logging = json!({"clusterLogging": [{"types": ["api", "audit"], "enabled": true}]});
    let mut desk = Desk::with_eks(json!({"logging": logging}));
    assert_eq!(desk.log_groups(), 1);
    desk.ok(
        "logs",
        "DeleteLogGroup",
        json!({"logGroupName": "/aws/eks/main/cluster"}),
    );
    desk.eks("DeleteCluster", name());
    desk.pass(DELETED);
    assert_eq!(desk.log_groups(), 1);
}

#[test]
fn an_update_whose_subnet_goes_fails_and_leaves_the_cluster_as_it_was() {
    let mut desk = Desk::with_roles();
    let network = json!({"subnetIds": ["subnet-a", "subnet-b"], "securityGroupIds": [desk.group]});
    let input = desk.eks_input(json!({"resourcesVpcConfig": network}));
    desk.eks("CreateCluster", input);
    desk.pass(CREATED);
    let before = desk.eks_cluster();
    let network = json!({"subnetIds": desk.subnets});
    let update = desk.configure(json!({"resourcesVpcConfig": network}));
    let id = json!({"name": "main", "updateId": update["id"]});
    let update = desk.eks("DescribeUpdate", id.clone())["update"].clone();
    assert_eq!(
        (&update["status"], &update["errors"]),
        (&json!("InProgress"), &json!([]))
    );
    desk.world.region(REGION).ec2.subnets.remove("subnet-c");
    desk.pass(CONFIGURED);
    let update = desk.eks("DescribeUpdate", id)["update"].clone();
    assert_eq!(update["status"], "Failed");
    assert_eq!(update["errors"][0]["errorCode"], "SubnetNotFound");
    assert_eq!(desk.eks_cluster(), before);
}

#[test]
fn a_cluster_takes_one_update_at_a_time() {
    let mut desk = Desk::with_eks(json!({}));
    let logging = json!({"logging": {"clusterLogging": [{"types": ["api"], "enabled": true}]}});
    let update = desk.configure(logging.clone());
    assert_eq!(
        (&update["status"], &update["type"]),
        (&json!("InProgress"), &json!("LoggingUpdate"))
    );
    assert_eq!(desk.eks_cluster()["status"], "UPDATING");
    let busy = "ResourceInUseException";
    assert_eq!(
        desk.configure_refused(json!({"deletionProtection": true})),
        busy
    );
    let upgrade = json!({"name": "main", "version": "1.35"});
    assert_eq!(desk.eks_refused("UpdateClusterVersion", upgrade), busy);
    assert_eq!(desk.eks_refused("DeleteCluster", name()), busy);
    desk.pass(CONFIGURED);
    let id = json!({"name": "main", "updateId": update["id"]});
    assert_eq!(
        desk.eks("DescribeUpdate", id)["update"]["status"],
        "Successful"
    );
    assert_eq!(
        desk.eks("ListUpdates", name())["updateIds"],
        json!([update["id"]])
    );
    let setups = desk.eks_cluster()["logging"]["clusterLogging"].clone();
    assert_eq!(setups[0], json!({"types": ["api"], "enabled": true}));
    assert_eq!(desk.log_groups(), 1);
    let again = desk.send(
        "eks",
        "UpdateClusterConfig",
        json!({"name": "main", "logging": logging["logging"]}),
    );
    let again = again.unwrap_err();
    assert_eq!(again.code, "InvalidParameterException");
    assert!(again.message.contains("No changes detected"));
}

#[test]
fn each_kind_of_configuration_changes() {
    let mut desk = Desk::with_eks(json!({}));
    let other = desk.other_group.clone();
    let far = json!({"resourcesVpcConfig": {"subnetIds": ["subnet-a", "subnet-far"]}});
    assert_eq!(desk.configure_refused(far), "InvalidParameterException");
    let two = json!({"deletionProtection": true, "accessConfig": {"authenticationMode": "API"}});
    assert_eq!(desk.configure_refused(two), "InvalidParameterException");
    for change in [
        json!({"resourcesVpcConfig": {"endpointPrivateAccess": true, "publicAccessCidrs": ["1.2.3.4/32"]}}),
        json!({"resourcesVpcConfig": {"securityGroupIds": [other]}}),
        json!({"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}),
        json!({"upgradePolicy": {"supportType": "STANDARD"}}),
    ] {
        desk.configure(change);
        desk.pass(CONFIGURED);
    }
    let cluster = desk.eks_cluster();
    let network = &cluster["resourcesVpcConfig"];
    assert_eq!(network["endpointPrivateAccess"], true);
    assert_eq!(network["publicAccessCidrs"], json!(["1.2.3.4/32"]));
    assert_eq!(network["securityGroupIds"], json!([other]));
    assert_eq!(
        cluster["accessConfig"]["authenticationMode"],
        "API_AND_CONFIG_MAP"
    );
    assert_eq!(cluster["upgradePolicy"]["supportType"], "STANDARD");
    assert!(desk.wearing(&desk.group.clone()).is_empty());
    assert_eq!(desk.wearing(&other).len(), 2);
    let back = json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}});
    assert_eq!(desk.configure_refused(back), "InvalidParameterException");
}

#[test]
fn versions_go_up_one_minor_at_a_time() {
    let mut desk = Desk::with_eks(json!({"version": "1.33"}));
    let to = |version: &str| json!({"name": "main", "version": version});
    for refused in ["1.32", "1.33", "1.35", "1.36"] {
        let code = desk.eks_refused("UpdateClusterVersion", to(refused));
        assert_eq!(code, "InvalidParameterException", "{refused}");
    }
    let mut with_token = to("1.34");
    with_token["clientRequestToken"] = "t".into();
    let update = desk.eks("UpdateClusterVersion", with_token.clone());
    assert_eq!(desk.eks("UpdateClusterVersion", with_token), update);
    desk.pass(UPGRADED - 1);
    assert_eq!(desk.eks_cluster()["version"], "1.33");
    desk.pass(1);
    assert_eq!(desk.eks_cluster()["version"], "1.34");
    assert_eq!(desk.world.clusters["eu-central-1/main"].version, "1.34");
}

#[test]
fn tags_come_and_go_by_arn() {
    let mut desk = Desk::with_eks(json!({}));
    let arn = desk.eks_cluster()["arn"].clone();
    desk.eks(
        "TagResource",
        json!({"resourceArn": arn, "tags": {"b": "2"}}),
    );
    desk.eks(
        "UntagResource",
        json!({"resourceArn": arn, "tagKeys": ["a"]}),
    );
    let listed = desk.eks("ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(listed["tags"], json!({"b": "2"}));
    let none = json!({"resourceArn": "arn:aws:eks:eu-central-1:123456789012:cluster/none"});
    assert_eq!(
        desk.eks_refused("ListTagsForResource", none),
        "NotFoundException"
    );
    let tagged = super::tagged_arns(&desk.world, REGION);
    assert_eq!(json!(tagged[0].0), arn);
}
