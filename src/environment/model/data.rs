//! Databases, caches and secrets.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecurityGroup;

/// An RDS instance with its subnet group, its security group and its name in the private zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// The instance identifier.
    pub name: String,
    /// What runs on it.
    pub engine: DatabaseEngine,
    /// The engine's version; AWS takes the newest patch of it.
    pub version: String,
    /// The instance class, such as `db.t3.micro`.
    pub class: String,
    /// Its storage (gp3).
    pub storage_gib: u32,
    /// The database that is made in it at first.
    pub database: String,
    /// The master user.
    pub username: String,
    /// The key of the secret that holds the master user's password.
    pub password: String,
    /// Its full name in the private zone, without the final dot.
    pub dns: Option<String>,
    /// Whether a standby runs in another zone.
    pub multi_az: bool,
    /// Whether its storage is encrypted.
    pub encryption: bool,
    /// Whether AWS itself refuses to delete it.
    pub deletion_protection: bool,
    /// Whether a last snapshot is taken when it is deleted.
    pub final_snapshot: bool,
    /// For how many days daily backups are kept; 0 switches them off.
    pub backup_retention_days: u32,
    /// The port that the engine listens on.
    pub port: u16,
    /// The name of its DB subnet group.
    pub subnet_group: String,
    /// The keys of the subnets in that group: the private ones.
    pub subnets: Vec<String>,
    /// The security group that it wears.
    pub security_group: SecurityGroup,
    /// Who may connect besides the cluster's nodes.
    pub allow: BTreeSet<Ipv4Net>,
}

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseEngine {
    /// MySQL.
    Mysql,
    /// PostgreSQL.
    Postgres,
}

impl DatabaseEngine {
    /// The word that RDS and the file use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
        }
    }

    /// Its name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Mysql => "MySQL",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The port that it listens on.
    pub fn port(self) -> u16 {
        match self {
            Self::Mysql => 3306,
            Self::Postgres => 5432,
        }
    }
}

/// An ElastiCache replication group with its subnet group and its security group.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// The replication group's id, lowercase.
    pub name: String,
    /// What runs on it.
    pub engine: CacheEngine,
    /// The engine's version.
    pub version: String,
    /// The node type, such as `cache.t4g.micro`.
    pub node_type: String,
    /// How many nodes: one primary, the others replicas.
    pub nodes: u32,
    /// Whether data is encrypted at rest and in transit.
    pub encryption: bool,
    /// The port that it listens on.
    pub port: u16,
    /// The name of its cache subnet group.
    pub subnet_group: String,
    /// The keys of the subnets in that group: the private ones.
    pub subnets: Vec<String>,
    /// The security group that it wears.
    pub security_group: SecurityGroup,
    /// Who may connect besides the cluster's nodes.
    pub allow: BTreeSet<Ipv4Net>,
}

/// A cache engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheEngine {
    /// Redis.
    Redis,
    /// Valkey.
    Valkey,
}

impl CacheEngine {
    /// The word that ElastiCache and the file use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }
}

/// A Secrets Manager secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its name in Secrets Manager.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Where its value comes from.
    pub source: SecretSource,
}

/// Where a secret's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The environment variable of this name, when a command needs it.
    Environment(String),
    /// Made up once, when the secret is created; letters and digits only, so that every engine takes it as a password.
    Generate {
        /// How many characters.
        length: u32,
    },
}
