//! `cluster.leftovers`: what the cluster's controllers left in AWS. It stands only in a teardown, which sweeps it once
//! the cluster is gone and before its network goes (FACTS §3).

mod find;
mod marks;
mod remove;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::json;

pub use find::{Leftover, Search, Thing, find};
pub(super) use marks::{Mark, mark, owned};

use super::inventory::{Clusters, describe_cluster};
use super::{leftovers, not_made};
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault};
use crate::resources::dns::inventory::Dns;
use crate::resources::field::fields_of;
use crate::resources::inventory::{Inventory, Seen, part};
use crate::resources::network::inventory::Network;
use crate::resources::{
    CONTROL_PLANE, Condition, Context, Desired, Field, Fields, Kind, LEFTOVERS, LOG_GROUP,
    Observed, Order, Outputs, Owner, Unseen, Usual, Wanted,
};

/// The kind `cluster.leftovers`.
pub struct Leftovers;

/// The leftovers' part of the inventory.
#[derive(Clone, Debug)]
pub struct Swept {
    /// What was looked for.
    pub search: Search,
    /// What was found.
    pub found: Vec<Leftover>,
    /// Whether the cluster still stands, so that there will be more.
    pub cluster_stands: bool,
}

/// Looks for leftovers, if a teardown asks for them and there is reason to take them for ours: names and tags of a
/// cluster say only what it is called.
///
/// # Errors
/// When a part is unknown.
pub async fn sweep(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    network: &Network,
    clusters: &Clusters,
    dns: &Seen<Dns>,
) -> Seen<Option<Swept>> {
    let Some(asked) = wanted.desired.get(&leftovers()) else {
        return Ok(None);
    };
    let known = clusters.clusters.as_ref().map_err(Clone::clone)?;
    let standing = known
        .iter()
        .find(|cluster| cluster.name() == Some(&asked.name));
    let ours = standing.map(|cluster| super::control_plane::owner(wanted, cluster));
    let vpcs = network.own_vpcs(wanted)?;
    let remembered = wanted.recorded.values().any(|r| r.kind == CONTROL_PLANE);
    let is_ours = match ours {
        Some(owner) => owner == Owner::Ours,
        None => remembered || !vpcs.is_empty(),
    };
    if !is_ours {
        return Ok(None);
    }
    let dns = dns.as_ref().map_err(Clone::clone)?;
    let search = Search {
        cluster: asked.name.clone(),
        vpcs,
        zones: dns.own_zones(wanted),
        own_names: wanted.names("dns.record").into_keys().collect(),
        own_logs: own_logs(wanted),
    };
    let found = part(cloud, || find(cloud, &search)).await?;
    Ok(Some(Swept {
        search,
        found,
        cluster_stands: standing.is_some(),
    }))
}

/// The log groups that we made or keep, and take away ourselves if they are to go: EKS makes one that is swept anew,
/// without the days for which it is to be kept.
fn own_logs(wanted: &Wanted<'_>) -> BTreeSet<String> {
    let recorded = wanted.recorded.values();
    let recorded = recorded.filter(|recorded| recorded.kind == LOG_GROUP);
    let open = wanted.open.values().filter(|entry| entry.kind == LOG_GROUP);
    let names = recorded.map(|recorded| recorded.name.clone());
    names.chain(open.map(|entry| entry.name.clone())).collect()
}

fn observed(search: &Search, found: &[&Leftover], condition: Condition) -> Observed {
    let mut fields = fields_of(search);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    fields.insert("found".to_owned(), json!(found));
    Observed {
        address: leftovers(),
        kind: LEFTOVERS,
        id: search.cluster.clone(),
        name: search.cluster.clone(),
        owner: Owner::Ours,
        condition,
        fields,
        outputs: Outputs::new(),
    }
}

#[async_trait]
impl Kind for Leftovers {
    fn name(&self) -> &'static str {
        LEFTOVERS
    }

    fn fields(&self) -> &'static [Field] {
        &[]
    }

    fn goes_in_waves(&self) -> bool {
        true
    }

    fn parts(&self, fields: &Fields) -> Vec<String> {
        super::found(fields)
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(1, 1, 5)
    }

    fn desired(&self, _context: &Context<'_>) -> Vec<Desired> {
        Vec::new()
    }

    /// There as long as the cluster is: what it leaves shows only once it is gone.
    fn observe(
        &self,
        inventory: &Inventory,
        _wanted: &Wanted<'_>,
    ) -> Result<Vec<Observed>, Unseen> {
        let swept = inventory.leftovers.as_ref().map_err(Clone::clone)?;
        let Some(swept) = swept else {
            return Ok(Vec::new());
        };
        if swept.found.is_empty() && !swept.cluster_stands {
            return Ok(Vec::new());
        }
        // What nodes and control plane use goes with them.
        let stays = |left: &&Leftover| {
            !swept.cluster_stands || !(left.busy || left.is_the_clusters_own_group())
        };
        let found: Vec<&Leftover> = swept.found.iter().filter(stays).collect();
        Ok(vec![observed(&swept.search, &found, Condition::Ready)])
    }

    async fn create(&self, _cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        Err(not_made(order))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        _id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let search: Search = order.spec()?;
        let found = find(cloud, &search).await?;
        let all: Vec<&Leftover> = found.iter().collect();
        if all.is_empty() {
            return Ok(None);
        }
        let condition = if all.iter().all(|left| left.busy) {
            let names: Vec<String> = all.iter().map(ToString::to_string).collect();
            Condition::Settling(format!("waiting for {}", names.join(", ")))
        } else {
            Condition::Ready
        };
        Ok(Some(observed(&search, &all, condition)))
    }

    async fn update(
        &self,
        _cloud: &Cloud,
        order: &Order<'_>,
        _observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        Err(not_made(order))
    }

    /// Takes away what can go now.
    async fn delete(&self, cloud: &Cloud, order: &Order<'_>, id: &str) -> Result<(), Fault> {
        if describe_cluster(cloud, id).await?.is_some() {
            return Err(Fault {
                service: "eks",
                operation: "sweep",
                code: "ClusterStands".to_owned(),
                message: format!("the cluster {id} still stands, and uses what is to be swept"),
                class: Class::Stop,
                source: None,
            });
        }
        let found = find(cloud, &order.spec()?).await?;
        remove::all(cloud, found).await
    }
}
