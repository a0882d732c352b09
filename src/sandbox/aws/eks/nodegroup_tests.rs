//! Each difference between moto and AWS that concerns node groups, and FACTS' rows on them.

use serde_json::{Value, json};

use super::tests::{CLUSTER_ROLE, NODE_ROLE};
use crate::sandbox::aws::ec2::InstanceState;
use crate::sandbox::aws::testing::{Desk, REGION};

const CREATED: u64 = 140;
const DELETED: u64 = 140;
const UPDATED: u64 = 30;
const UPGRADED: u64 = 300;

fn input(over: Value) -> Value {
    let mut input = json!({
        "clusterName": "main", "nodegroupName": "default", "nodeRole": NODE_ROLE,
        "subnets": ["subnet-a", "subnet-b"], "clientRequestToken": "one",
        "scalingConfig": {"minSize": 1, "maxSize": 5, "desiredSize": 1},
        "labels": {"team": "flights"}, "tags": {"a": "1"},
    });
    for (key, value) in over.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}

fn name() -> Value {
    json!({"clusterName": "main", "nodegroupName": "default"})
}

impl Desk {
    /// A world with a cluster and a node group that is ACTIVE.
    fn with_nodes(over: Value) -> Self {
        let mut desk = Self::with_eks(json!({"version": "1.34"}));
        desk.eks("CreateNodegroup", input(over));
        desk.pass(CREATED);
        desk
    }

    fn nodegroup(&mut self) -> Value {
        self.eks("DescribeNodegroup", name())["nodegroup"].clone()
    }

    fn change(&mut self, mut change: Value) -> Value {
        change["clusterName"] = "main".into();
        change["nodegroupName"] = "default".into();
        self.eks("UpdateNodegroupConfig", change)["update"].clone()
    }

    /// Ids of the instances that are not on their way out.
    fn instances(&mut self) -> Vec<String> {
        let instances = self.world.region(REGION).ec2.instances.iter();
        instances
            .filter(|(_, instance)| {
                matches!(
                    instance.state,
                    InstanceState::Pending | InstanceState::Running
                )
            })
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn kubernetes_nodes(&self) -> usize {
        let cluster = &self.world.clusters["eu-central-1/main"];
        cluster
            .objects
            .get("nodes")
            .map_or(0, std::collections::BTreeMap::len)
    }
}

#[test]
fn create_nodegroup_takes_its_time() {
    let mut desk = Desk::with_eks(json!({}));
    let made = desk.eks("CreateNodegroup", input(json!({})));
    assert_eq!(made["nodegroup"]["status"], "CREATING");
    desk.pass(CREATED - 1);
    assert_eq!(desk.nodegroup()["status"], "CREATING");
    assert_eq!(desk.kubernetes_nodes(), 0);
    desk.pass(1);
    let group = desk.nodegroup();
    assert_eq!(group["status"], "ACTIVE");
    assert_eq!(group["version"], "1.35");
    assert_eq!(group["amiType"], "AL2023_x86_64_STANDARD");
    assert_eq!(group["diskSize"], json!(20.0));
    assert_eq!(group["instanceTypes"], json!(["t3.medium"]));
    assert_eq!(group["capacityType"], "ON_DEMAND");
    assert_eq!(group["health"]["issues"], json!([]));
    let scaling_group = group["resources"]["autoScalingGroups"][0]["name"]
        .as_str()
        .unwrap();
    assert!(scaling_group.starts_with("eks-default-"));
    assert_eq!(desk.kubernetes_nodes(), 1);
    let listed = desk.eks("ListNodegroups", json!({"clusterName": "main"}));
    assert_eq!(listed["nodegroups"], json!(["default"]));
}

#[test]
fn describe_nodegroup_remote_access_none_asked() {
    let mut desk = Desk::with_nodes(json!({}));
    assert!(desk.nodegroup().get("remoteAccess").is_none());
    let with_key = json!({"nodegroupName": "other", "remoteAccess": {"ec2SshKey": "none"}});
    let code = desk.eks_refused("CreateNodegroup", input(with_key));
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn describe_instances_after_create_nodegroup() {
    let mut desk = Desk::with_nodes(json!({}));
    let instances = desk.instances();
    assert_eq!(instances.len(), 1);
    let group = desk.eks_cluster()["resourcesVpcConfig"]["clusterSecurityGroupId"].clone();
    let ec2 = &desk.world.region(REGION).ec2;
    let instance = ec2.instance(&instances[0]).unwrap();
    assert_eq!(json!(instance.group_ids), json!([group]));
    assert_eq!(instance.instance_type, "t3.medium");
    let tags = ec2.tags_of(&instances[0]);
    assert_eq!(tags["eks:cluster-name"], "main");
    assert_eq!(tags["eks:nodegroup-name"], "default");
    assert_eq!(tags["kubernetes.io/cluster/main"], "owned");
}

#[test]
fn nodes_spread_over_the_subnets() {
    let scaling = json!({"scalingConfig": {"minSize": 1, "maxSize": 5, "desiredSize": 4}});
    let mut desk = Desk::with_nodes(scaling);
    let in_a = (desk.world.region(REGION).ec2.instances.values())
        .filter(|instance| instance.subnet_id == "subnet-a")
        .count();
    assert_eq!((desk.instances().len(), in_a), (4, 2));
}

#[test]
fn create_nodegroup_name_taken_and_the_same_request_again() {
    let mut desk = Desk::with_eks(json!({}));
    let first = desk.eks("CreateNodegroup", input(json!({})));
    assert_eq!(desk.eks("CreateNodegroup", input(json!({}))), first);
    let other = input(json!({"clientRequestToken": "two"}));
    assert_eq!(
        desk.eks_refused("CreateNodegroup", other),
        "ResourceInUseException"
    );
    assert_eq!(desk.instances().len(), 1);
}

#[test]
fn create_nodegroup_refuses_what_eks_does_not_offer() {
    let mut desk = Desk::with_eks(json!({"version": "1.34"}));
    let sizes = |min: i64, desired: i64, max: i64| json!({"scalingConfig": {"minSize": min, "desiredSize": desired, "maxSize": max}});
    for over in [
        json!({"nodeRole": "arn:aws:iam::123456789012:role/none"}),
        json!({"nodeRole": CLUSTER_ROLE}),
        json!({"subnets": ["subnet-none"]}),
        json!({"subnets": ["subnet-far"]}),
        json!({"subnets": []}),
        json!({"instanceTypes": ["t9.huge"]}),
        json!({"instanceTypes": ["t4g.small"], "amiType": "AL2023_x86_64_STANDARD"}),
        json!({"capacityType": "FREE"}),
        json!({"version": "1.35"}),
        json!({"taints": [{"key": "a", "effect": "NoSchedule"}]}),
        sizes(2, 1, 5),
        sizes(1, 6, 5),
        sizes(0, 0, 0),
    ] {
        let code = desk.eks_refused("CreateNodegroup", input(over.clone()));
        assert_eq!(code, "InvalidParameterException", "{over}");
    }
    let nowhere = input(json!({"clusterName": "none"}));
    assert_eq!(
        desk.eks_refused("CreateNodegroup", nowhere),
        "ResourceNotFoundException"
    );
    assert!(desk.instances().is_empty());
}

#[test]
fn a_cluster_that_is_not_active_takes_no_nodegroup() {
    let mut desk = Desk::with_eks(json!({}));
    desk.eks("DeleteCluster", json!({"name": "main"}));
    let refused = desk.eks_refused("CreateNodegroup", input(json!({})));
    assert_eq!(refused, "InvalidRequestException");
}

#[test]
fn nodes_without_their_policies_fail_after_twenty_minutes() {
    let role = "arn:aws:iam::123456789012:role/bare";
    let mut desk = Desk::with_nodes(json!({"nodeRole": role}));
    assert_eq!(desk.nodegroup()["status"], "CREATING");
    desk.pass(1200);
    let group = desk.nodegroup();
    assert_eq!(group["status"], "CREATE_FAILED");
    assert_eq!(group["health"]["issues"][0]["code"], "NodeCreationFailure");
    assert_eq!(desk.kubernetes_nodes(), 0);
    desk.eks("DeleteNodegroup", name());
    desk.pass(DELETED);
    assert!(desk.instances().is_empty());
}

#[test]
fn nodes_join_as_soon_as_their_policies_are_there() {
    let mut desk = Desk::with_nodes(json!({"nodeRole": "arn:aws:iam::123456789012:role/bare"}));
    for policy in [
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEKS_CNI_Policy",
    ] {
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        desk.ok(
            "iam",
            "AttachRolePolicy",
            json!({"RoleName": "bare", "PolicyArn": arn}),
        );
    }
    desk.pass(30);
    assert_eq!(desk.nodegroup()["status"], "ACTIVE");
}

#[test]
fn delete_cluster_with_a_node_group() {
    let mut desk = Desk::with_nodes(json!({}));
    let cluster = json!({"name": "main"});
    assert_eq!(
        desk.eks_refused("DeleteCluster", cluster.clone()),
        "ResourceInUseException"
    );
    desk.eks("DeleteNodegroup", name());
    assert_eq!(
        desk.eks_refused("DeleteCluster", cluster.clone()),
        "ResourceInUseException"
    );
    desk.pass(DELETED);
    desk.eks("DeleteCluster", cluster);
}

#[test]
fn delete_nodegroup_takes_its_nodes_along() {
    let mut desk = Desk::with_nodes(json!({}));
    let deleting = desk.eks("DeleteNodegroup", name());
    assert_eq!(deleting["nodegroup"]["status"], "DELETING");
    assert_eq!(
        desk.eks_refused("DeleteNodegroup", name()),
        "ResourceInUseException"
    );
    assert_eq!((desk.instances().len(), desk.kubernetes_nodes()), (0, 0));
    desk.pass(DELETED - 1);
    assert_eq!(desk.nodegroup()["status"], "DELETING");
    desk.pass(1);
    assert_eq!(
        desk.eks_refused("DescribeNodegroup", name()),
        "ResourceNotFoundException"
    );
    let interfaces = desk.world.region(REGION).ec2.interfaces.values();
    let descriptions: Vec<_> = interfaces.map(|one| one.description.as_str()).collect();
    assert_eq!(descriptions, ["Amazon EKS main", "Amazon EKS main"]);
}

#[test]
fn a_node_group_scales_up_and_down() {
    let mut desk = Desk::with_nodes(json!({}));
    let update = desk.change(json!({"scalingConfig": {"desiredSize": 3}}));
    assert_eq!(update["type"], "ConfigUpdate");
    assert_eq!(
        update["params"],
        json!([{"type": "DesiredSize", "value": "3"}])
    );
    assert_eq!(desk.nodegroup()["status"], "UPDATING");
    let busy = json!({"clusterName": "main", "nodegroupName": "default", "labels": {"removeLabels": ["team"]}});
    assert_eq!(
        desk.eks_refused("UpdateNodegroupConfig", busy),
        "ResourceInUseException"
    );
    desk.pass(UPDATED);
    assert_eq!(desk.nodegroup()["scalingConfig"]["desiredSize"], json!(3.0));
    assert_eq!((desk.instances().len(), desk.kubernetes_nodes()), (3, 3));
    let mut id = name();
    id["name"] = "main".into();
    id["updateId"] = update["id"].clone();
    assert_eq!(
        desk.eks("DescribeUpdate", id)["update"]["status"],
        "Successful"
    );
    desk.change(json!({"scalingConfig": {"desiredSize": 1}}));
    desk.pass(UPDATED);
    assert_eq!((desk.instances().len(), desk.kubernetes_nodes()), (1, 1));
    assert_eq!(desk.eks_cluster()["status"], "ACTIVE");
}

#[test]
fn labels_and_taints_change_in_place() {
    let mut desk = Desk::with_nodes(json!({}));
    let before = desk.instances();
    desk.change(json!({
        "labels": {"addOrUpdateLabels": {"tier": "web"}, "removeLabels": ["team"]},
        "taints": {"addOrUpdateTaints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}]},
    }));
    desk.pass(UPDATED);
    let group = desk.nodegroup();
    assert_eq!(group["labels"], json!({"tier": "web"}));
    assert_eq!(
        group["taints"],
        json!([{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}])
    );
    assert_eq!(desk.instances(), before);
    let mut same = name();
    same["labels"] = json!({"addOrUpdateLabels": {"tier": "web"}});
    assert_eq!(
        desk.eks_refused("UpdateNodegroupConfig", same),
        "InvalidParameterException"
    );
    desk.change(json!({"taints": {"removeTaints": [{"key": "k", "effect": "NO_SCHEDULE"}]}}));
    desk.pass(UPDATED);
    assert!(desk.nodegroup().get("taints").is_none());
}

#[test]
fn a_new_version_replaces_every_node() {
    let mut desk = Desk::with_nodes(json!({"version": "1.33"}));
    let before = desk.instances();
    let mut down = name();
    down["version"] = "1.32".into();
    assert_eq!(
        desk.eks_refused("UpdateNodegroupVersion", down),
        "InvalidParameterException"
    );
    desk.eks("UpdateNodegroupVersion", name());
    desk.pass(UPGRADED);
    let group = desk.nodegroup();
    assert_eq!(
        (&group["status"], &group["version"]),
        (&json!("ACTIVE"), &json!("1.34"))
    );
    let after = desk.instances();
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
}

#[test]
fn a_full_subnet_fails_the_group() {
    let mut desk = Desk::with_eks(json!({}));
    let subnet = desk
        .world
        .region(REGION)
        .ec2
        .subnet_mut("subnet-c")
        .unwrap();
    // Eight addresses, of which AWS keeps five.
    subnet.cidr = "10.10.2.0/29".parse().unwrap();
    let many = input(json!({
        "subnets": ["subnet-c"], "scalingConfig": {"minSize": 1, "maxSize": 9, "desiredSize": 9},
    }));
    desk.eks("CreateNodegroup", many);
    desk.pass(CREATED);
    assert_eq!(desk.nodegroup()["status"], "CREATING");
    assert_eq!(desk.nodegroup()["health"]["issues"], json!([]));
    desk.pass(1200);
    let group = desk.nodegroup();
    assert_eq!(group["status"], "CREATE_FAILED");
    assert_eq!(
        group["health"]["issues"][0]["code"],
        "AsgInstanceLaunchFailures"
    );
}
