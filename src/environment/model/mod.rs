//! The environment as the rest of the program sees it: checked, with every name resolved, every default filled in and every
//! subnet carved.
//!
//! All of it is plain data that can be compared and printed. No secret value is ever in here: a secret says only where its value
//! comes from. Keys of maps are the names that the file uses, and the parts of addresses; `name` fields are what AWS or
//! Kubernetes calls the thing.

mod access;
mod bootstrap;
mod cluster;
mod data;
mod dns;
mod network;
mod smoke;
mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{Group, GroupPolicy, Policy, Registry};
pub use bootstrap::{
    Agent, AgentKind, Application, Bootstrap, Chart, ChartPlace, DEFAULT_PROJECT, DatabaseField,
    Flavour, Hook, Ingress, IngressController, IngressTls, KubernetesSecret, Manifest, Project,
    Release, Repository, RepositoryKind, SignIn, Source, Sync, ValueSource, is_in_every_cluster,
};
pub use cluster::{
    Access, Addon, AutoMode, Capacity, Cluster, Conflicts, ControlPolicy, ExistingCluster,
    IdentityBy, LOG_RETENTION_DAYS, LogType, NETWORKING, NodeGroup, NodePool, PodIdentity, Taint,
    TaintEffect,
};
pub use data::{Cache, CacheEngine, Database, DatabaseEngine, Secret, SecretSource};
pub use dns::LoadBalancerName;
pub use network::{
    DefaultRoute, NatGateway, Network, PrivateZone, RouteTable, SecurityGroup, Subnet,
};
pub use smoke::{Scheme, Smoke};
pub use state::{NoBackend, StateBackend};

/// One deployable world, as its file describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Its name, which is also the name of its file.
    pub name: String,
    /// The AWS region, such as `us-east-1`.
    pub region: String,
    /// The twelve digits of the only AWS account that it may live in. Without one, with [`Provider::Aws`], nothing of it is
    /// in AWS: it is made of what is put into an existing cluster, and AWS is never called.
    pub account: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// How long it is meant to live, counted from its first apply.
    pub ttl: Option<Ttl>,
    /// Destroy refuses while this is true.
    pub protect: bool,
    /// Which cloud it lives in, after a `--provider` on the command line.
    pub provider: Provider,
    /// Where its state is kept.
    pub state: StateBackend,
    /// The VPC and what belongs to it.
    pub network: Option<Network>,
    /// The EKS cluster; there is always a network then.
    pub cluster: Option<Cluster>,
    /// The cluster that somebody else made, in the place of one of our own.
    pub existing_cluster: Option<ExistingCluster>,
    /// RDS instances; there is always a network when there are any.
    pub databases: BTreeMap<String, Database>,
    /// ElastiCache replication groups; there is always a network when there are any.
    pub caches: BTreeMap<String, Cache>,
    /// IAM groups.
    pub groups: BTreeMap<String, Group>,
    /// Customer-managed IAM policies, each made from one JSON document that groups name.
    pub policies: BTreeMap<String, Policy>,
    /// Secrets Manager secrets, including those generated for databases that name none.
    pub secrets: BTreeMap<String, Secret>,
    /// ECR repositories.
    pub registries: BTreeMap<String, Registry>,
    /// What is put into the cluster; there is always one of either sort then.
    pub bootstrap: Option<Bootstrap>,
    /// Names of the ingress load balancer; there is always an ingress controller when there are any.
    pub load_balancer_names: Vec<LoadBalancerName>,
    /// Requests that it must answer once it is up; there is always an ingress controller when there are any.
    pub smoke: Vec<Smoke>,
}

impl Environment {
    /// What stands for the account of an environment that has none.
    pub const NO_ACCOUNT: &'static str = "no-account";

    /// The first part of ARNs after `arn:` in this region.
    pub fn partition(&self) -> &'static str {
        partition(&self.region)
    }

    /// Whether nothing of it is in AWS, which is never called then.
    pub fn is_without_aws(&self) -> bool {
        self.provider == Provider::Aws && self.account.is_none()
    }

    /// The environment variables that hold the values of secrets.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.secrets
            .values()
            .filter_map(|secret| match &secret.source {
                SecretSource::Environment(variable) => Some(variable.as_str()),
                SecretSource::Generate { .. } => None,
            })
    }
}

/// The ARN partition that a region belongs to.
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// Which cloud an environment lives in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The embedded AWS and Kubernetes.
    Sandbox,
    /// The real one.
    Aws,
}

impl Provider {
    /// The word that the file and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Aws => "aws",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long an environment is meant to live: a whole number of minutes, hours or days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(Duration);

impl Ttl {
    const UNITS: [(char, u64); 3] = [('d', 86_400), ('h', 3_600), ('m', 60)];
    /// A year: what lives longer needs no expiry.
    const MAX: u64 = 366 * 86_400;

    /// The time as a duration.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// A text that is no time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a whole number of minutes, hours or days between 1m and 366d, such as \"90m\", \"8h\" or \"3d\""
)]
pub struct InvalidTtl;

impl FromStr for Ttl {
    type Err = InvalidTtl;

    fn from_str(text: &str) -> Result<Self, InvalidTtl> {
        Self::UNITS
            .iter()
            .find_map(|(unit, seconds)| {
                let digits = text.strip_suffix(*unit)?;
                if !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let total = digits.parse::<u64>().ok()?.checked_mul(*seconds)?;
                (1..=Self::MAX)
                    .contains(&total)
                    .then_some(Self(Duration::from_secs(total)))
            })
            .ok_or(InvalidTtl)
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        for (unit, size) in Self::UNITS {
            if seconds.is_multiple_of(size) {
                return write!(f, "{}{unit}", seconds / size);
            }
        }
        write!(f, "{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_reads_and_prints_alike() {
        for text in ["90m", "8h", "3d", "1m", "366d"] {
            assert_eq!(
                text.parse::<Ttl>().map(|ttl| ttl.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!(
            "120m".parse::<Ttl>().map(|ttl| ttl.to_string()),
            Ok("2h".to_owned())
        );
    }

    #[test]
    fn what_is_no_ttl_is_refused() {
        for text in [
            "",
            "h",
            "8",
            "0h",
            "-1h",
            "+8h",
            "1.5h",
            "8 h",
            "367d",
            "99999999999999999999d",
            "8w",
            "8µ",
        ] {
            assert_eq!(text.parse::<Ttl>(), Err(InvalidTtl), "{text}");
        }
    }
}
