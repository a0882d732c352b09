//! What RDS holds in one region.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sandbox::aws::Fault;
use crate::sandbox::aws::subnet_groups::SubnetGroups;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::time::SimTime;

/// RDS in one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rds {
    /// Subnet groups by name.
    pub subnet_groups: SubnetGroups,
    /// Instances by identifier.
    pub instances: BTreeMap<String, Instance>,
    /// Snapshots by identifier.
    pub snapshots: BTreeMap<String, Snapshot>,
}

/// A password, which the cloud must know and nobody may print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(redacted)")
    }
}

/// Where an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Being made.
    Creating,
    /// Up, and taking its first backup.
    BackingUp,
    /// At work, and free for changes.
    Available,
    /// Being changed.
    Modifying,
    /// Getting a new master password.
    ResettingCredentials,
    /// Could not be made.
    Failed,
    /// Going.
    Deleting,
}

impl Status {
    /// As RDS writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::BackingUp => "backing-up",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::ResettingCredentials => "resetting-master-credentials",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
        }
    }
}

/// Changes that are under way or wait for the maintenance window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// A new class.
    pub class: Option<String>,
    /// A new size, in GiB.
    pub gib: Option<i64>,
    /// A new storage type.
    pub storage_type: Option<String>,
    /// A new port.
    pub port: Option<i64>,
    /// A new engine version.
    pub version: Option<String>,
    /// With or without a standby.
    pub multi_az: Option<bool>,
    /// A new master password.
    pub password: Option<Password>,
}

/// A database instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// Its identifier, in small letters.
    pub id: String,
    /// Its unique id (`db-…`), which no later namesake gets.
    pub resource_id: String,
    /// Its ARN.
    pub arn: String,
    /// Its DNS name, shown once it has an endpoint.
    pub address: String,
    /// The hosted zone of that name.
    pub address_zone: String,
    /// Where it stands.
    pub status: Status,
    /// When it was up.
    pub created: Option<SimTime>,
    /// `mysql` or `postgres`.
    pub engine: String,
    /// Its engine's version.
    pub version: String,
    /// Its class.
    pub class: String,
    /// Its size, in GiB.
    pub gib: i64,
    /// Up to where it grows by itself, in GiB.
    pub max_gib: Option<i64>,
    /// `gp3`, …
    pub storage_type: String,
    /// Provisioned input and output operations, where asked.
    pub iops: Option<i64>,
    /// Whether its storage is encrypted.
    pub encrypted: bool,
    /// The database that it was made with.
    pub db_name: Option<String>,
    /// Its master user.
    pub username: String,
    /// Its master password.
    pub password: Password,
    /// Its port.
    pub port: i64,
    /// Its parameter group.
    pub parameter_group: String,
    /// Whether it has a standby.
    pub multi_az: bool,
    /// Its subnet group.
    pub subnet_group: String,
    /// The subnet in which it stands.
    pub subnet_id: String,
    /// The zone of that subnet.
    pub zone: String,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// Its interfaces: its own, and its standby's.
    pub interfaces: Vec<String>,
    /// Whether it has a public address.
    pub public: bool,
    /// Days for which backups are kept; 0 turns them off.
    pub retention_days: i64,
    /// Daily window for backups.
    pub backup_window: String,
    /// Weekly window for maintenance.
    pub maintenance_window: String,
    /// Whether minor versions come by themselves.
    pub auto_minor: bool,
    /// Whether snapshots get its tags.
    pub copy_tags: bool,
    /// Whether IAM users may log in.
    pub iam_login: bool,
    /// Whether it refuses to be deleted.
    pub protected: bool,
    /// Its tags.
    pub tags: Tags,
    /// What is about to change.
    pub pending: Pending,
}

/// A snapshot: the instance as it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// Its identifier.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// When it was taken.
    pub created: SimTime,
    /// Whether it is complete.
    pub available: bool,
    /// What was taken.
    pub instance: Instance,
    /// The network of that instance.
    pub vpc_id: String,
    /// Its tags.
    pub tags: Tags,
}

/// The name at the end of an ARN, or the name itself.
fn bare(name: &str) -> String {
    let last = name.rsplit(':').next().unwrap_or(name);
    last.to_lowercase()
}

impl Rds {
    /// The instance of this identifier or ARN.
    pub fn instance(&self, id: &str) -> Result<&Instance, Fault> {
        (self.instances.get(&bare(id))).ok_or_else(|| no_instance(id))
    }

    /// The same, to change it.
    pub fn instance_mut(&mut self, id: &str) -> Result<&mut Instance, Fault> {
        (self.instances.get_mut(&bare(id))).ok_or_else(|| no_instance(id))
    }

    /// The instance with this resource id.
    pub fn by_resource_id(&mut self, resource_id: &str) -> Option<&mut Instance> {
        (self.instances.values_mut()).find(|instance| instance.resource_id == resource_id)
    }

    /// The snapshot of this identifier or ARN.
    pub fn snapshot(&self, id: &str) -> Result<&Snapshot, Fault> {
        (self.snapshots.get(&bare(id))).ok_or_else(|| no_snapshot(id))
    }

    /// The same, to change it.
    pub fn snapshot_mut(&mut self, id: &str) -> Result<&mut Snapshot, Fault> {
        (self.snapshots.get_mut(&bare(id))).ok_or_else(|| no_snapshot(id))
    }
}

fn no_instance(id: &str) -> Fault {
    Fault::new("DBInstanceNotFound", format!("DBInstance {id} not found.")).status(404)
}

fn no_snapshot(id: &str) -> Fault {
    Fault::new("DBSnapshotNotFound", format!("DBSnapshot {id} not found.")).status(404)
}
