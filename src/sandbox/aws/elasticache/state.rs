//! What ElastiCache holds in one region.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::engines;
use crate::sandbox::aws::Fault;
use crate::sandbox::aws::subnet_groups::SubnetGroups;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::time::SimTime;

/// ElastiCache in one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ElastiCache {
    /// Subnet groups by name.
    pub subnet_groups: SubnetGroups,
    /// Replication groups by id.
    pub groups: BTreeMap<String, Group>,
    /// Cache clusters by id, those of replication groups too.
    pub clusters: BTreeMap<String, Cluster>,
}

/// Where a replication group or a cluster stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Being made.
    Creating,
    /// At work, and free for changes.
    Available,
    /// Being changed.
    Modifying,
    /// Could not be made.
    CreateFailed,
    /// Going.
    Deleting,
}

impl Status {
    /// As ElastiCache writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::CreateFailed => "create-failed",
            Self::Deleting => "deleting",
        }
    }
}

/// What the nodes of a replication group have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `redis`, `valkey` or `memcached`.
    pub engine: String,
    /// Its full version.
    pub version: String,
    /// The type of the nodes.
    pub node_type: String,
    /// Its parameter group.
    pub parameter_group: String,
    /// Its subnet group.
    pub subnet_group: String,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// Its port.
    pub port: i64,
    /// Whether traffic is encrypted.
    pub transit_encryption: bool,
    /// Whether stored data is encrypted.
    pub at_rest_encryption: bool,
    /// Whether a password is demanded.
    pub auth_token: bool,
    /// Whether minor versions come by themselves.
    pub auto_minor: bool,
    /// Days for which snapshots are kept; 0 turns them off.
    pub retention_days: i64,
    /// Daily window for snapshots.
    pub snapshot_window: String,
    /// Weekly window for maintenance.
    pub maintenance_window: String,
}

/// Changes that are under way or wait for the maintenance window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// A new node type.
    pub node_type: Option<String>,
    /// A new engine; one can only go from redis to valkey.
    pub engine: Option<String>,
    /// A new version.
    pub version: Option<String>,
}

/// A replication group with one shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// Its id, in small letters.
    pub id: String,
    /// An id that no later namesake gets.
    pub uid: String,
    /// Its ARN.
    pub arn: String,
    /// What it is for.
    pub description: String,
    /// Where it stands.
    pub status: Status,
    /// Whether it was available once, and so has endpoints.
    pub has_endpoints: bool,
    /// When it was asked for.
    pub created: SimTime,
    /// Whether a replica takes over when the primary fails.
    pub failover: bool,
    /// Whether its nodes stand in several zones.
    pub multi_az: bool,
    /// What its nodes have in common.
    pub settings: Settings,
    /// Its tags.
    pub tags: Tags,
    /// What is about to change.
    pub pending: Pending,
}

/// A cache cluster: a node of a replication group, or on its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cluster {
    /// Its id, in small letters.
    pub id: String,
    /// An id that no later namesake gets.
    pub uid: String,
    /// Its ARN.
    pub arn: String,
    /// The replication group that it belongs to.
    pub group: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for.
    pub created: SimTime,
    /// How many nodes it has; one, but for memcached.
    pub nodes: i64,
    /// The subnet in which it stands.
    pub subnet_id: String,
    /// The zone of that subnet.
    pub zone: String,
    /// Its interfaces, one for each node.
    pub interfaces: Vec<String>,
    /// How it is set up.
    pub settings: Settings,
    /// Its tags.
    pub tags: Tags,
    /// What is about to change.
    pub pending: Pending,
}

impl Settings {
    /// Takes over what was about to change.
    pub fn apply(&mut self, pending: Pending) {
        if let Some(node_type) = pending.node_type {
            self.node_type = node_type;
        }
        if let Some(engine) = pending.engine {
            self.engine = engine;
        }
        if let Some(version) = pending.version {
            self.version = version;
        }
        self.parameter_group = engines::parameter_group(&self.engine, &self.version);
    }
}

impl ElastiCache {
    /// The replication group of this id.
    pub fn group(&self, id: &str) -> Result<&Group, Fault> {
        (self.groups.get(&id.to_lowercase())).ok_or_else(|| no_group(id))
    }

    /// The same, to change it.
    pub fn group_mut(&mut self, id: &str) -> Result<&mut Group, Fault> {
        (self.groups.get_mut(&id.to_lowercase())).ok_or_else(|| no_group(id))
    }

    /// The replication group with this unique id.
    pub fn group_by_uid(&mut self, uid: &str) -> Option<&mut Group> {
        self.groups.values_mut().find(|group| group.uid == uid)
    }

    /// The cluster of this id.
    pub fn cluster(&self, id: &str) -> Result<&Cluster, Fault> {
        (self.clusters.get(&id.to_lowercase())).ok_or_else(|| no_cluster(id))
    }

    /// The same, to change it.
    pub fn cluster_mut(&mut self, id: &str) -> Result<&mut Cluster, Fault> {
        (self.clusters.get_mut(&id.to_lowercase())).ok_or_else(|| no_cluster(id))
    }

    /// The cluster with this unique id.
    pub fn cluster_by_uid(&mut self, uid: &str) -> Option<&mut Cluster> {
        (self.clusters.values_mut()).find(|cluster| cluster.uid == uid)
    }

    /// The nodes of a replication group, the primary first.
    pub fn members(&self, group: &str) -> impl Iterator<Item = &Cluster> {
        (self.clusters.values()).filter(move |cluster| cluster.group.as_deref() == Some(group))
    }

    /// The same, to change them.
    pub fn members_mut(&mut self, group: &str) -> impl Iterator<Item = &mut Cluster> {
        (self.clusters.values_mut()).filter(move |cluster| cluster.group.as_deref() == Some(group))
    }
}

fn no_group(id: &str) -> Fault {
    let message = format!("ReplicationGroup {id} not found.");
    Fault::new("ReplicationGroupNotFoundFault", message).status(404)
}

fn no_cluster(id: &str) -> Fault {
    Fault::new(
        "CacheClusterNotFound",
        format!("CacheCluster not found: {id}"),
    )
    .status(404)
}
