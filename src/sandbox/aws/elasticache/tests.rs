//! Each difference between moto and AWS that concerns ElastiCache, and FACTS' rows on it.

use serde_json::{Value, json};

use crate::sandbox::aws::ec2::security_groups;
use crate::sandbox::aws::testing::{Desk, REGION};

const CREATED: u64 = 420;
const DELETED: u64 = 240;
const MODIFIED: u64 = 240;

impl Desk {
    fn cache(&mut self, operation: &str, input: Value) -> Value {
        self.ok("elasticache", operation, input)
    }

    fn cache_refused(&mut self, operation: &str, input: Value) -> String {
        self.refused("elasticache", operation, input)
    }

    fn cache_subnets(&mut self) {
        let subnets = [self.subnets[0], self.subnets[1]];
        self.cache(
            "CreateCacheSubnetGroup",
            subnet_group_input("Caches", &subnets),
        );
    }

    fn group_input(&self, over: Value) -> Value {
        let mut input = json!({
            "ReplicationGroupId": "Reservations", "ReplicationGroupDescription": "d",
            "CacheNodeType": "cache.t4g.micro", "Engine": "redis", "EngineVersion": "7.1",
            "CacheSubnetGroupName": "caches", "SecurityGroupIds": [self.group],
            "Tags": [{"Key": "a", "Value": "1"}],
        });
        for (key, value) in over.as_object().unwrap() {
            input[key] = value.clone();
        }
        input
    }

    /// A world with the subnet group and a replication group that is available.
    fn with_group(over: Value) -> Self {
        let mut desk = Self::new();
        desk.cache_subnets();
        let input = desk.group_input(over);
        desk.cache("CreateReplicationGroup", input);
        desk.pass(CREATED);
        desk
    }

    fn replication_group(&mut self) -> Value {
        let id = json!({"ReplicationGroupId": "reservations"});
        self.cache("DescribeReplicationGroups", id)["ReplicationGroups"][0].clone()
    }

    fn node(&mut self, id: &str) -> Value {
        let id = json!({"CacheClusterId": id, "ShowCacheNodeInfo": true});
        self.cache("DescribeCacheClusters", id)["CacheClusters"][0].clone()
    }

    /// A world with a cluster on its own that is available.
    fn with_cluster() -> Self {
        let mut desk = Self::new();
        desk.cache_subnets();
        let input = desk.cluster_input(json!({}));
        let made = desk.cache("CreateCacheCluster", input);
        assert_eq!(made["CacheCluster"]["CacheClusterStatus"], "creating");
        desk.pass(CREATED - 1);
        assert_eq!(desk.node("alone")["CacheClusterStatus"], "creating");
        desk.pass(1);
        desk
    }

    fn cluster_input(&self, over: Value) -> Value {
        let mut input = json!({
            "CacheClusterId": "alone", "Engine": "redis", "CacheNodeType": "cache.t3.micro",
            "NumCacheNodes": 1, "EngineVersion": "7.0", "CacheSubnetGroupName": "caches",
            "SecurityGroupIds": [self.group],
        });
        for (key, value) in over.as_object().unwrap() {
            input[key] = value.clone();
        }
        input
    }
}

fn subnet_group_input(name: &str, subnets: &[&str]) -> Value {
    json!({"CacheSubnetGroupName": name, "CacheSubnetGroupDescription": "d", "SubnetIds": subnets})
}

fn reservations() -> Value {
    json!({"ReplicationGroupId": "reservations"})
}

#[test]
fn cache_subnet_groups_are_made_once_changed_and_deleted() {
    let mut desk = Desk::new();
    desk.cache_subnets();
    let again = subnet_group_input("caches", &["subnet-a"]);
    let taken = desk.cache_refused("CreateCacheSubnetGroup", again);
    assert_eq!(taken, "CacheSubnetGroupAlreadyExists");
    let modified = desk.cache(
        "ModifyCacheSubnetGroup",
        subnet_group_input("caches", &["subnet-c"]),
    );
    assert_eq!(
        modified["CacheSubnetGroup"]["Subnets"][0]["SubnetIdentifier"],
        "subnet-c"
    );
    let name = json!({"CacheSubnetGroupName": "caches"});
    desk.cache("DeleteCacheSubnetGroup", name.clone());
    let gone = desk.cache_refused("DescribeCacheSubnetGroups", name);
    assert_eq!(gone, "CacheSubnetGroupNotFoundFault");
}

#[test]
fn delete_cache_subnet_group_in_use() {
    let mut desk = Desk::with_group(json!({}));
    let name = json!({"CacheSubnetGroupName": "caches"});
    assert_eq!(
        desk.cache_refused("DeleteCacheSubnetGroup", name),
        "CacheSubnetGroupInUse"
    );
    let without = subnet_group_input("caches", &["subnet-b"]);
    assert_eq!(
        desk.cache_refused("ModifyCacheSubnetGroup", without),
        "SubnetInUse"
    );
}

#[test]
fn create_cache_cluster_name_taken() {
    let mut desk = Desk::with_cluster();
    let input = desk.cluster_input(json!({}));
    assert_eq!(
        desk.cache_refused("CreateCacheCluster", input),
        "CacheClusterAlreadyExists"
    );
}

#[test]
fn create_cache_cluster_unknown_subnet_group() {
    let mut desk = Desk::new();
    let input = desk.cluster_input(json!({}));
    assert_eq!(
        desk.cache_refused("CreateCacheCluster", input),
        "CacheSubnetGroupNotFoundFault"
    );
}

#[test]
fn valkey_needs_a_replication_group() {
    let mut desk = Desk::new();
    desk.cache_subnets();
    let input = desk.cluster_input(json!({"Engine": "valkey", "EngineVersion": "8.0"}));
    assert_eq!(
        desk.cache_refused("CreateCacheCluster", input),
        "InvalidParameterValue"
    );
    let input = desk.group_input(json!({"Engine": "valkey", "EngineVersion": "8.0"}));
    desk.cache("CreateReplicationGroup", input);
    let node = desk.node("reservations-001");
    assert_eq!(
        node["CacheParameterGroup"]["CacheParameterGroupName"],
        "default.valkey8"
    );
}

#[test]
fn describe_cache_clusters_gives_groups_parameters_and_nodes() {
    let mut desk = Desk::with_cluster();
    let cluster = desk.node("alone");
    assert_eq!(cluster["EngineVersion"], "7.0.7");
    assert_eq!(
        cluster["SecurityGroups"][0]["SecurityGroupId"],
        json!(desk.group)
    );
    assert_eq!(
        cluster["CacheParameterGroup"]["CacheParameterGroupName"],
        "default.redis7"
    );
    assert_eq!(cluster["CacheNodes"][0]["Endpoint"]["Port"], json!(6379.0));
    let plain = desk.cache("DescribeCacheClusters", json!({}));
    assert!(plain["CacheClusters"][0].get("CacheNodes").is_none());
}

#[test]
fn modify_cache_cluster_is_modifying() {
    let mut desk = Desk::with_cluster();
    let change = json!({
        "CacheClusterId": "alone", "CacheNodeType": "cache.t3.small", "ApplyImmediately": true,
    });
    let modifying = desk.cache("ModifyCacheCluster", change.clone());
    assert_eq!(modifying["CacheCluster"]["CacheClusterStatus"], "modifying");
    assert_eq!(
        desk.cache_refused("ModifyCacheCluster", change),
        "InvalidCacheClusterState"
    );
    desk.pass(MODIFIED);
    assert_eq!(desk.node("alone")["CacheNodeType"], "cache.t3.small");
    assert_eq!(desk.node("alone")["CacheClusterStatus"], "available");
}

#[test]
fn delete_cache_cluster_then_describe() {
    let mut desk = Desk::with_cluster();
    let id = json!({"CacheClusterId": "alone"});
    desk.cache("DeleteCacheCluster", id.clone());
    desk.pass(DELETED - 1);
    assert_eq!(desk.node("alone")["CacheClusterStatus"], "deleting");
    desk.pass(1);
    assert_eq!(
        desk.cache_refused("DescribeCacheClusters", id),
        "CacheClusterNotFound"
    );
    assert!(desk.wearing(&desk.group.clone()).is_empty());
}

#[test]
fn create_replication_group_takes_its_time() {
    let mut desk = Desk::new();
    desk.cache_subnets();
    let input = desk.group_input(json!({}));
    let made = desk.cache("CreateReplicationGroup", input.clone());
    assert_eq!(
        made["ReplicationGroup"]["ReplicationGroupId"],
        "reservations"
    );
    assert_eq!(made["ReplicationGroup"]["Status"], "creating");
    let again = desk.cache_refused("CreateReplicationGroup", input);
    assert_eq!(again, "ReplicationGroupAlreadyExists");
    desk.pass(CREATED - 1);
    let young = desk.replication_group();
    assert_eq!(
        (&young["Status"], &young["NodeGroups"]),
        (&json!("creating"), &json!([]))
    );
    desk.pass(1);
    let group = desk.replication_group();
    assert_eq!(group["Status"], "available");
    assert_eq!(group["MemberClusters"], json!(["reservations-001"]));
    let address = group["NodeGroups"][0]["PrimaryEndpoint"]["Address"]
        .as_str()
        .unwrap();
    assert!(address.starts_with("reservations."), "{address}");
    assert!(
        address.ends_with(".ng.0001.euc1.cache.amazonaws.com"),
        "{address}"
    );
    for absent in ["SecurityGroups", "EngineVersion", "TagList"] {
        assert!(group.get(absent).is_none(), "{absent}");
    }
    let node = desk.node("reservations-001");
    assert_eq!(node["EngineVersion"], "7.1.0");
    assert_eq!(node["CacheSubnetGroupName"], "caches");
    assert_eq!(node["ReplicationGroupId"], "reservations");
}

#[test]
fn create_replication_group_refuses_what_elasticache_does_not_offer() {
    let mut desk = Desk::new();
    desk.cache_subnets();
    for (over, code) in [
        (
            json!({"CacheNodeType": "cache.t9.huge"}),
            "InvalidParameterValue",
        ),
        (json!({"Engine": "memcached"}), "InvalidParameterValue"),
        (json!({"EngineVersion": "9.9"}), "InvalidParameterValue"),
        (
            json!({"AutomaticFailoverEnabled": true}),
            "InvalidParameterValue",
        ),
        (
            json!({"MultiAZEnabled": true, "NumCacheClusters": 2}),
            "InvalidParameterCombination",
        ),
        (json!({"NumCacheClusters": 7}), "InvalidParameterValue"),
        (
            json!({"AuthToken": "sixteen-characters"}),
            "InvalidParameterValue",
        ),
        (
            json!({"SecurityGroupIds": ["sg-none"]}),
            "InvalidParameterValue",
        ),
        (
            json!({"CacheSubnetGroupName": "none"}),
            "CacheSubnetGroupNotFoundFault",
        ),
        (
            json!({"CacheParameterGroupName": "mine"}),
            "CacheParameterGroupNotFound",
        ),
        (
            json!({"ReplicationGroupId": "9lives"}),
            "InvalidParameterValue",
        ),
    ] {
        let input = desk.group_input(over.clone());
        assert_eq!(
            desk.cache_refused("CreateReplicationGroup", input),
            code,
            "{over}"
        );
    }
    assert!(desk.world.region(REGION).ec2.interfaces.is_empty());
}

#[test]
fn only_an_available_group_changes_and_goes() {
    let mut desk = Desk::with_group(json!({}));
    let mut change = reservations();
    change["CacheNodeType"] = "cache.t4g.small".into();
    change["ApplyImmediately"] = true.into();
    let modifying = desk.cache("ModifyReplicationGroup", change.clone());
    assert_eq!(modifying["ReplicationGroup"]["Status"], "modifying");
    let busy = "InvalidReplicationGroupState";
    assert_eq!(desk.cache_refused("ModifyReplicationGroup", change), busy);
    let arn = modifying["ReplicationGroup"]["ARN"].clone();
    let tags = json!({"ResourceName": arn});
    assert_eq!(desk.cache_refused("ListTagsForResource", tags), busy);
    assert_eq!(
        desk.cache_refused("DeleteReplicationGroup", reservations()),
        busy
    );
    desk.pass(MODIFIED);
    assert_eq!(desk.replication_group()["CacheNodeType"], "cache.t4g.small");
    assert_eq!(
        desk.node("reservations-001")["CacheNodeType"],
        "cache.t4g.small"
    );

    desk.cache("DeleteReplicationGroup", reservations());
    assert_eq!(
        desk.node("reservations-001")["CacheClusterStatus"],
        "deleting"
    );
    desk.pass(DELETED);
    let gone = desk.cache_refused("DescribeReplicationGroups", reservations());
    assert_eq!(gone, "ReplicationGroupNotFoundFault");
    desk.cache(
        "DeleteCacheSubnetGroup",
        json!({"CacheSubnetGroupName": "caches"}),
    );
}

#[test]
fn versions_only_go_up() {
    let mut desk = Desk::with_group(json!({"EngineVersion": "7.0"}));
    let change = |version: &str| {
        json!({
            "ReplicationGroupId": "reservations", "EngineVersion": version, "ApplyImmediately": true,
        })
    };
    let down = desk.cache_refused("ModifyReplicationGroup", change("6.2"));
    assert_eq!(down, "InvalidParameterValue");
    desk.cache("ModifyReplicationGroup", change("7.1"));
    desk.pass(MODIFIED);
    assert_eq!(desk.node("reservations-001")["EngineVersion"], "7.1.0");
}

#[test]
fn security_groups_change_at_once_and_are_worn() {
    let mut desk = Desk::with_group(json!({}));
    let (group, other) = (desk.group.clone(), desk.other_group.clone());
    assert_eq!(desk.wearing(&group), ["ElastiCache reservations-001"]);
    let refused = security_groups::delete(&mut desk.world, REGION, &group).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation");
    let mut change = reservations();
    change["SecurityGroupIds"] = json!([other]);
    desk.cache("ModifyReplicationGroup", change);
    let node = desk.node("reservations-001");
    assert_eq!(node["SecurityGroups"][0]["SecurityGroupId"], json!(other));
    security_groups::delete(&mut desk.world, REGION, &group).unwrap();
}

#[test]
fn replicas_come_and_go() {
    let mut desk = Desk::with_group(json!({}));
    let count = |replicas: i64| {
        json!({
            "ReplicationGroupId": "reservations", "NewReplicaCount": replicas, "ApplyImmediately": true,
        })
    };
    let none = desk.cache_refused("DecreaseReplicaCount", count(0));
    assert_eq!(none, "InvalidParameterValue");
    desk.cache("IncreaseReplicaCount", count(2));
    assert_eq!(
        desk.node("reservations-003")["CacheClusterStatus"],
        "creating"
    );
    desk.pass(MODIFIED);
    let group = desk.replication_group();
    assert_eq!(group["MemberClusters"].as_array().unwrap().len(), 3);
    assert_eq!(
        group["NodeGroups"][0]["NodeGroupMembers"][1]["CurrentRole"],
        "replica"
    );
    assert_eq!(
        desk.node("reservations-002")["PreferredAvailabilityZone"],
        "eu-central-1b"
    );
    desk.cache("DecreaseReplicaCount", count(1));
    desk.pass(MODIFIED);
    assert_eq!(
        desk.replication_group()["MemberClusters"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(desk.wearing(&desk.group.clone()).len(), 2);
    let mut failover = reservations();
    failover["AutomaticFailoverEnabled"] = true.into();
    desk.cache("ModifyReplicationGroup", failover);
    let last = desk.cache_refused("DecreaseReplicaCount", count(0));
    assert_eq!(last, "InvalidParameterValue");
}

#[test]
fn a_groups_tags_are_its_nodes_too() {
    let mut desk = Desk::with_group(json!({}));
    let arn = desk.replication_group()["ARN"].clone();
    let tag = json!({"ResourceName": arn, "Tags": [{"Key": "b", "Value": "2"}]});
    desk.cache("AddTagsToResource", tag);
    let node = desk.node("reservations-001")["ARN"].clone();
    let listed = desk.cache("ListTagsForResource", json!({"ResourceName": node}));
    assert_eq!(listed["TagList"].as_array().unwrap().len(), 2);
    assert_eq!(super::tagged_arns(&desk.world, REGION).len(), 3);
}

#[test]
fn versions_on_offer_are_listed() {
    let mut desk = Desk::new();
    let newest = json!({"Engine": "redis", "DefaultOnly": true});
    let listed = desk.cache("DescribeCacheEngineVersions", newest);
    assert_eq!(listed["CacheEngineVersions"].as_array().unwrap().len(), 1);
    assert_eq!(listed["CacheEngineVersions"][0]["EngineVersion"], "7.1");
}
