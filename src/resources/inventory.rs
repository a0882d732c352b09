//! One concurrent sweep of list calls: what refresh, drift, adoption, orphan detection and the proof after
//! teardown all read.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::caches::inventory::Caches;
use super::cluster::inventory::Clusters;
use super::databases::inventory::Databases;
use super::dns::inventory::Dns;
use super::iam::inventory::Iam;
use super::network::inventory::Network;
use super::registries::inventory::Registries;
use super::secrets::inventory::Secrets;
use super::tagged::{self, Index};
use super::{Unseen, Wanted};
use crate::cloud::{Cloud, Fault, Retry, retry};

/// A part of the inventory: present, or unknown because a call failed. Never absent by failure.
pub type Seen<T> = Result<T, Unseen>;

/// Turns the fault of a list call into "unknown".
pub fn seen<T>(result: Result<T, Fault>) -> Seen<T> {
    result.map_err(|fault| Unseen(Arc::new(fault)))
}

/// How long a part is asked for again while its service throttles or does not answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that the list calls found, one part for each section.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// What carries our environment's tag, by ARN.
    pub tagged: Seen<Arc<Index>>,
    /// The VPC and what stands in it.
    pub network: Network,
    /// Clusters and node groups.
    pub clusters: Clusters,
    /// Database instances and their subnet groups.
    pub databases: Databases,
    /// Cache replication groups and their subnet groups.
    pub caches: Caches,
    /// Users, groups, roles and policies.
    pub iam: Seen<Iam>,
    /// Private zones and their records.
    pub dns: Seen<Dns>,
    /// Secrets, and the values that have to be compared.
    pub secrets: Seen<Secrets>,
    /// Image repositories.
    pub registries: Seen<Registries>,
}

impl Inventory {
    /// Sweeps every service at once.
    pub async fn sweep(cloud: &Cloud, wanted: &Wanted<'_>) -> Self {
        // Several parts wait for the index of tags, each after its own list calls.
        let index = tagged::index(cloud, wanted.ownership).boxed().shared();
        let (tagged, network, clusters, databases, caches, iam, dns, secrets, registries) = futures::join!(
            index.clone(),
            Network::sweep(cloud, wanted),
            Clusters::sweep(cloud, wanted, index.clone()),
            Databases::sweep(cloud, wanted, index.clone()),
            Caches::sweep(cloud, wanted, index.clone()),
            part(cloud, || Iam::list(cloud, wanted.ownership)),
            part(cloud, || Dns::list(cloud, wanted)),
            part(cloud, || Secrets::list(cloud, wanted)),
            part(cloud, || Registries::list(cloud, wanted)),
        );
        Self {
            tagged,
            network,
            clusters,
            databases,
            caches,
            iam,
            dns,
            secrets,
            registries,
        }
    }

    /// Looks at what is in the cluster, if `found` has one of ours.
    pub async fn look_into_cluster(
        &mut self,
        _cloud: &Cloud,
        _wanted: &Wanted<'_>,
        _found: &std::collections::BTreeMap<crate::address::Address, Vec<super::Observed>>,
    ) {
    }
}

/// Reads one part, patiently.
pub(super) async fn part<T, F>(cloud: &Cloud, list: impl FnMut() -> F) -> Seen<T>
where
    F: Future<Output = Result<T, Fault>>,
{
    seen(retry(&*cloud.clock, Retry::Idempotent, PATIENCE, list).await)
}
