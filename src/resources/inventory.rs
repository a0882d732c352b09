//! One concurrent sweep of list calls: what refresh, drift, adoption, orphan detection and the proof after
//! teardown all read.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::bootstrap::Values;
use super::bootstrap::inventory::sweep;
use super::caches::inventory::Caches;
use super::calls::not_there_yet;
use super::cluster::existing;
use super::cluster::inventory::Clusters;
use super::cluster::leftovers::{self, Swept};
use super::cluster::workloads;
use super::databases::inventory::Databases;
use super::dns::inventory::Dns;
use super::iam::inventory::Iam;
use super::network::inventory::Network;
use super::registries::inventory::Registries;
use super::secrets::inventory::Secrets;
use super::tagged::{self, Index};
use super::{CONTROL_PLANE, Condition, EXISTING_CLUSTER, Observed, Owner, Unseen, Wanted, cluster};
use crate::address::Address;
use crate::cloud::{Cloud, ClusterEndpoint, Fault, Retry, retry};

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
    /// The cluster that somebody else made and that we use, if there is one.
    pub existing: Seen<Option<existing::Found>>,
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
    /// Objects in the cluster; none while there is no cluster.
    pub objects: Seen<Vec<Observed>>,
    /// The types of objects in another's cluster that we may not list, so that any of them may be ours.
    pub unlisted: Vec<String>,
    /// The namespaces in another's cluster that the file takes to be there, and that are not.
    pub absent_namespaces: BTreeSet<String>,
    /// Names of what has effects outside the cluster and is not ours; looked for only in a teardown.
    pub workloads: Seen<Option<Vec<String>>>,
    /// What the cluster's controllers made in AWS; looked for only in a teardown.
    pub leftovers: Seen<Option<Swept>>,
}

impl Inventory {
    /// Sweeps every service at once.
    pub async fn sweep(cloud: &Cloud, wanted: &Wanted<'_>) -> Self {
        if !cloud.aws.has_account() {
            return Self::without_account();
        }
        // Several parts wait for the index of tags, each after its own list calls. Boxes keep the one future that
        // awaits all of them from growing beyond what the compiler lays out.
        let index = tagged::index(cloud, wanted.ownership).boxed().shared();
        let (tagged, network, clusters, databases, caches, iam, dns, secrets, registries) = futures::join!(
            index.clone(),
            Network::sweep(cloud, wanted).boxed(),
            Clusters::sweep(cloud, wanted, index.clone()).boxed(),
            Databases::sweep(cloud, wanted, index.clone()).boxed(),
            Caches::sweep(cloud, wanted, index.clone()).boxed(),
            part(cloud, || Iam::list(cloud, wanted.ownership)).boxed(),
            Dns::sweep(cloud, wanted, index.clone()).boxed(),
            Secrets::sweep(cloud, wanted, index.clone()).boxed(),
            Registries::sweep(cloud, wanted, index.clone()).boxed(),
        );
        let leftovers = leftovers::sweep(cloud, wanted, &network, &clusters, &dns);
        let leftovers = leftovers.boxed().await;
        Self {
            tagged,
            network,
            clusters,
            existing: Ok(None),
            databases,
            caches,
            iam,
            dns,
            secrets,
            registries,
            objects: Ok(Vec::new()),
            unlisted: Vec::new(),
            absent_namespaces: BTreeSet::new(),
            workloads: Ok(None),
            leftovers,
        }
    }

    /// What there is where nothing is in AWS.
    fn without_account() -> Self {
        Self {
            tagged: Ok(Arc::default()),
            network: Network::none(),
            clusters: Clusters::none(),
            existing: Ok(None),
            databases: Databases::none(),
            caches: Caches::none(),
            iam: Ok(Iam::default()),
            dns: Ok(Dns::default()),
            secrets: Ok(Secrets::default()),
            registries: Ok(Registries::default()),
            objects: Ok(Vec::new()),
            unlisted: Vec::new(),
            absent_namespaces: BTreeSet::new(),
            workloads: Ok(None),
            leftovers: Ok(None),
        }
    }

    /// Finds the cluster that somebody else made, if that is what the environment uses.
    pub async fn find_cluster(&mut self, cloud: &Cloud, wanted: &Wanted<'_>) {
        if let Some(name) = existing::name(wanted) {
            let region = &wanted.ownership.region;
            let found = part(cloud, || existing::find(cloud, region, name)).await;
            self.existing = found.map(Some);
        }
    }

    /// Looks at what is in the cluster, if `found` has one of ours or the one that we use. A cluster that is there and
    /// does not answer leaves its objects unknown; another one than the one that we used is not looked into.
    pub async fn look_into_cluster(
        &mut self,
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        found: &BTreeMap<Address, Vec<Observed>>,
    ) {
        let Some(endpoint) = cluster_endpoint(found) else {
            return;
        };
        let found_before = self.existing.as_ref().ok().and_then(Option::as_ref);
        if found_before.is_some_and(|found| existing::is_another(wanted, found)) {
            return;
        }
        let values = self.secrets.as_ref().map(|secrets| &secrets.values);
        let mut values = Values(values.cloned().unwrap_or_default());
        let given = wanted.variables.iter();
        values.0.extend(given.map(|(k, v)| (k.clone(), v.clone())));
        let lookup = |address: &Address, output: &str| {
            let seen = found
                .get(address)?
                .iter()
                .find(|one| one.owner == Owner::Ours)?;
            seen.outputs.get(output).cloned()
        };
        let sight = part(cloud, || async {
            let client = cloud.connector.connect(&endpoint).await?;
            sweep(&client, wanted, &values, &lookup).await
        });
        self.objects = sight.await.map(|sight| {
            self.unlisted = sight.unlisted;
            self.absent_namespaces = sight.absent;
            sight.objects
        });
        if wanted.desired.contains_key(&cluster::workloads()) {
            let names = part(cloud, || async {
                let client = cloud.connector.connect(&endpoint).await?;
                workloads::names(&client, wanted.ownership).await
            });
            self.workloads = names.await.map(Some);
        }
    }
}

/// The API server of our cluster or of the one that we use, if there is one that answers or should.
pub fn cluster_endpoint(found: &BTreeMap<Address, Vec<Observed>>) -> Option<ClusterEndpoint> {
    found
        .values()
        .flatten()
        .filter(|found| [CONTROL_PLANE, EXISTING_CLUSTER].contains(&found.kind))
        .filter(|found| found.owner == Owner::Ours)
        .filter(|found| !matches!(found.condition, Condition::Deleting | Condition::Failed(_)))
        .find_map(|found| ClusterEndpoint::of(&found.outputs))
}

/// Reads one part, patiently.
pub(super) async fn part<T, F>(cloud: &Cloud, mut list: impl FnMut() -> F) -> Seen<T>
where
    F: Future<Output = Result<T, Fault>>,
{
    // What a list has just named and the next call denies was deleted or is too new: listed again, it tells which.
    let list = || {
        let listed = list();
        async move { listed.await.map_err(not_there_yet) }
    };
    seen(retry(&*cloud.clock, Retry::Idempotent, PATIENCE, list).await)
}
