//! Replication groups and cache clusters as ElastiCache answers them.

use super::state::{Cluster, ElastiCache, Group, Pending, Status};
use crate::sandbox::aws::names::{endpoint_hash, short_region};
use crate::sandbox::aws::{Fields, Reply};

/// The account and the region of an ARN.
fn place_of(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':').skip(3);
    let region = parts.next().unwrap_or_default();
    (parts.next().unwrap_or_default(), region)
}

/// What follows a name in the DNS names of an account's caches.
fn domain(arn: &str) -> (String, String) {
    let (account, region) = place_of(arn);
    let hash = endpoint_hash("elasticache", account, region, 6);
    (
        hash,
        format!("{}.cache.amazonaws.com", short_region(region)),
    )
}

fn endpoint(address: String, port: i64) -> Reply {
    Fields::new()
        .with("Address", address)
        .with("Port", port)
        .into()
}

pub(super) fn group(cache: &ElastiCache, group: &Group) -> Reply {
    let members: Vec<&Cluster> = cache.members(&group.id).collect();
    let settings = &group.settings;
    let enabled = |flag: bool| if flag { "enabled" } else { "disabled" };
    Fields::new()
        .with("ReplicationGroupId", &group.id)
        .with("Description", &group.description)
        .with("Status", group.status.word())
        .with("PendingModifiedValues", Reply::empty())
        .list(
            "MemberClusters",
            "ClusterId",
            members.iter().map(|member| &member.id),
        )
        .list(
            "NodeGroups",
            "NodeGroup",
            group.has_endpoints.then(|| node_group(group, &members)),
        )
        .with("AutomaticFailover", enabled(group.failover))
        .with("MultiAZ", enabled(group.multi_az))
        .with("SnapshotRetentionLimit", settings.retention_days)
        .with("SnapshotWindow", &settings.snapshot_window)
        .with("ClusterEnabled", false)
        .with("CacheNodeType", &settings.node_type)
        .with("AuthTokenEnabled", settings.auth_token)
        .with("TransitEncryptionEnabled", settings.transit_encryption)
        .with("AtRestEncryptionEnabled", settings.at_rest_encryption)
        .with("ARN", &group.arn)
        .with("ReplicationGroupCreateTime", group.created)
        .with("AutoMinorVersionUpgrade", settings.auto_minor)
        .with("NetworkType", "ipv4")
        .with("IpDiscovery", "ipv4")
        .maybe(
            "TransitEncryptionMode",
            settings.transit_encryption.then_some("required"),
        )
        .with("ClusterMode", "disabled")
        .with("Engine", &settings.engine)
        .into()
}

/// The one shard. With encrypted traffic its names are others, as in AWS.
fn node_group(group: &Group, members: &[&Cluster]) -> Reply {
    let (id, port) = (&group.id, group.settings.port);
    let (hash, domain) = domain(&group.arn);
    let (primary, reader) = match group.settings.transit_encryption {
        true => (
            format!("master.{id}.{hash}.{domain}"),
            format!("replica.{id}.{hash}.{domain}"),
        ),
        false => (
            format!("{id}.{hash}.ng.0001.{domain}"),
            format!("{id}-ro.{hash}.ng.0001.{domain}"),
        ),
    };
    let member = |(number, member): (usize, &&Cluster)| {
        Fields::new()
            .with("CacheClusterId", &member.id)
            .with("CacheNodeId", "0001")
            .with("ReadEndpoint", endpoint(node_address(member, 1), port))
            .with("PreferredAvailabilityZone", &member.zone)
            .with(
                "CurrentRole",
                if number == 0 { "primary" } else { "replica" },
            )
    };
    Fields::new()
        .with("NodeGroupId", "0001")
        .with("Status", group.status.word())
        .with("PrimaryEndpoint", endpoint(primary, port))
        .with("ReaderEndpoint", endpoint(reader, port))
        .list(
            "NodeGroupMembers",
            "NodeGroupMember",
            members.iter().enumerate().map(member),
        )
        .into()
}

fn node_address(cluster: &Cluster, number: i64) -> String {
    let (hash, domain) = domain(&cluster.arn);
    match &cluster.group {
        Some(group) if cluster.settings.transit_encryption => {
            format!("{}.{group}.{hash}.{domain}", cluster.id)
        }
        Some(_) | None => format!("{}.{hash}.{number:04}.{domain}", cluster.id),
    }
}

pub(super) fn cluster(cluster: &Cluster, nodes: bool) -> Reply {
    let settings = &cluster.settings;
    let (hash, domain) = domain(&cluster.arn);
    let discovery = (settings.engine == "memcached" && cluster.status != Status::Creating)
        .then(|| endpoint(format!("{}.{hash}.cfg.{domain}", cluster.id), settings.port));
    let groups = settings.group_ids.iter().map(|id| {
        Fields::new()
            .with("SecurityGroupId", id)
            .with("Status", "active")
    });
    let parameter_group = Fields::new()
        .with("CacheParameterGroupName", &settings.parameter_group)
        .with("ParameterApplyStatus", "in-sync")
        .list("CacheNodeIdsToReboot", "CacheNodeId", None::<Reply>);
    let node = |number: i64| {
        let address = node_address(cluster, number);
        Fields::new()
            .with("CacheNodeId", format!("{number:04}"))
            .with("CacheNodeStatus", cluster.status.word())
            .with("CacheNodeCreateTime", cluster.created)
            .with("Endpoint", endpoint(address, settings.port))
            .with("ParameterGroupStatus", "in-sync")
            .with("CustomerAvailabilityZone", &cluster.zone)
            .into()
    };
    // AWS lists nodes once they are there, and only where they are asked for.
    let shown = nodes && cluster.status != Status::Creating;
    let nodes = shown.then(|| Reply::List("CacheNode", (1..=cluster.nodes).map(node).collect()));
    Fields::new()
        .with("CacheClusterId", &cluster.id)
        .maybe("ConfigurationEndpoint", discovery)
        .with("CacheNodeType", &settings.node_type)
        .with("Engine", &settings.engine)
        .with("EngineVersion", &settings.version)
        .with("CacheClusterStatus", cluster.status.word())
        .with("NumCacheNodes", cluster.nodes)
        .with("PreferredAvailabilityZone", &cluster.zone)
        .with("CacheClusterCreateTime", cluster.created)
        .with("PreferredMaintenanceWindow", &settings.maintenance_window)
        .with("PendingModifiedValues", pending(&cluster.pending))
        .list("CacheSecurityGroups", "CacheSecurityGroup", None::<Reply>)
        .with("CacheParameterGroup", parameter_group)
        .with("CacheSubnetGroupName", &settings.subnet_group)
        .maybe("CacheNodes", nodes)
        .with("AutoMinorVersionUpgrade", settings.auto_minor)
        .list("SecurityGroups", "member", groups)
        .maybe("ReplicationGroupId", cluster.group.as_ref())
        .with("SnapshotRetentionLimit", settings.retention_days)
        .with("SnapshotWindow", &settings.snapshot_window)
        .with("AuthTokenEnabled", settings.auth_token)
        .with("TransitEncryptionEnabled", settings.transit_encryption)
        .with("AtRestEncryptionEnabled", settings.at_rest_encryption)
        .with("ARN", &cluster.arn)
        .with("ReplicationGroupLogDeliveryEnabled", false)
        .with("NetworkType", "ipv4")
        .with("IpDiscovery", "ipv4")
        .into()
}

fn pending(pending: &Pending) -> Reply {
    Fields::new()
        .maybe("CacheNodeType", pending.node_type.as_ref())
        .maybe("EngineVersion", pending.version.as_ref())
        .into()
}
