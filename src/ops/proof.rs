//! The last look: what of an environment is left, by lineage, by name, by cluster tag and in its VPC.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Error, Planned, Session};
use crate::cloud::{Cloud, Fault, Retry, fault, retry};
use crate::observe::{self, Depth};
use crate::resources::cluster::{self, leftovers};
use crate::resources::network::occupants::occupants;
use crate::resources::{EXISTING_CLUSTER, Observed, Owner, TAG_LINEAGE, Unseen, Wanted};

/// Something that should be gone and is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remains {
    /// What it is: a kind, or what people call it.
    pub kind: String,
    /// Its id or ARN.
    pub id: String,
    /// Its name or description; the id again where it has none.
    pub name: String,
    /// By what it was found.
    pub found_by: &'static str,
}

/// Observes once more, and lists everything of the environment that is still there.
///
/// # Errors
/// When not everything can be seen: that is no proof.
pub async fn look_again(session: &Session, planned: &Planned) -> Result<Vec<Remains>, Error> {
    let cloud = &session.cloud;
    // Leftovers are named one by one below, and what is in a cluster is there as long as the cluster is.
    let mut desired = planned.desired.clone();
    desired.remove(&cluster::workloads());
    desired.remove(&cluster::leftovers());
    let wanted = Wanted {
        ownership: &planned.ownership,
        desired: &desired,
        recorded: &planned.state.resources,
        open: &planned.state.open,
        variables: &session.variables,
        teardown: true,
    };
    // In a cluster that stays, what is ours has to go by itself.
    let depth = match planned.depth {
        Depth::Cluster if cluster::existing::is_used(&wanted) => Depth::Cluster,
        Depth::Cluster | Depth::Aws => Depth::Aws,
    };
    let observation = observe::observe(cloud, &wanted, None, depth).await?;
    let there = observation.found.values().flatten();
    let there = there.filter(|found| found.kind != EXISTING_CLUSTER);
    let mut remains: Vec<Remains> = there.filter_map(|found| ours(planned, found)).collect();
    let unlisted = observation.inventory.unlisted.iter();
    remains.extend(unlisted.map(|of_type| Remains {
        kind: "unseen".to_owned(),
        id: of_type.clone(),
        name: of_type.clone(),
        found_by: "their types, which we may not list",
    }));
    let swept = planned.observation.inventory.leftovers.as_ref();
    if let Some(swept) = swept.map_err(Clone::clone)? {
        remains.extend(left_behind(cloud, &swept.search).await?);
    }
    if cloud.aws.has_account() {
        remains.extend(tagged(cloud, &planned.ownership.lineage).await?);
    }
    let vpcs = planned.observation.inventory.network.own_vpcs(&wanted)?;
    for vpc in &vpcs {
        remains.extend(in_vpc(cloud, vpc).await?);
    }
    // Of what was found in several ways the first is told.
    let mut once: BTreeMap<String, Remains> = BTreeMap::new();
    for found in remains {
        once.entry(found.id.clone()).or_insert(found);
    }
    let mut remains: Vec<Remains> = once.into_values().collect();
    remains.sort();
    Ok(remains)
}

/// What is ours by its tags or name, or as the state remembers it, though somebody took its tags away.
fn ours(planned: &Planned, found: &Observed) -> Option<Remains> {
    let recorded = planned.state.resources.get(&found.address);
    let found_by = match &found.owner {
        Owner::Ours => "name or tags",
        Owner::Other { lineage: None } if recorded.is_some_and(|r| r.id == found.id) => "state",
        Owner::Other { .. } => return None,
    };
    Some(Remains {
        kind: found.kind.to_owned(),
        id: found.id.clone(),
        name: found.name.clone(),
        found_by,
    })
}

async fn call<T, F>(cloud: &Cloud, ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Fault>>,
{
    let bound = Duration::from_secs(60);
    let answer = retry(cloud.clock.as_ref(), Retry::Idempotent, bound, ask).await;
    answer.map_err(|fault| Error::Unseen(Unseen(Arc::new(fault))))
}

/// What the cluster's controllers left in AWS.
async fn left_behind(cloud: &Cloud, search: &leftovers::Search) -> Result<Vec<Remains>, Error> {
    let found = call(cloud, || leftovers::find(cloud, search)).await?;
    let remains = found.into_iter().map(|left| Remains {
        kind: left.thing.word().to_owned(),
        name: if left.name.is_empty() {
            left.id.clone()
        } else {
            left.name
        },
        id: left.id,
        found_by: "the cluster's tags and names",
    });
    Ok(remains.collect())
}

/// Services whose own lists observation has just read by tag and name. The tag index also names what was
/// deleted a while ago (FACTS §1), so of these services their own word counts.
const OBSERVED_DIRECTLY: [&str; 8] = [
    "ec2",
    "eks",
    "rds",
    "elasticache",
    "ecr",
    "secretsmanager",
    "route53",
    "iam",
];

/// Everything else that carries our lineage.
async fn tagged(cloud: &Cloud, lineage: &str) -> Result<Vec<Remains>, Error> {
    let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
        .key(TAG_LINEAGE)
        .values(lineage)
        .build();
    let found = call(cloud, || async {
        let ask = cloud.aws.tagging.get_resources();
        let ask = ask.tag_filters(filter.clone()).into_paginator();
        let listed = ask.items().send().try_collect().await;
        listed.map_err(fault("tagging", "GetResources"))
    });
    let arns = found.await?.into_iter();
    let arns = arns
        .filter_map(|mapping| mapping.resource_arn)
        .filter(|arn| {
            let service = arn.split(':').nth(2).unwrap_or_default();
            !OBSERVED_DIRECTLY.contains(&service)
        });
    let remains = arns.map(|arn| Remains {
        kind: "tagged".to_owned(),
        name: arn.clone(),
        id: arn,
        found_by: "lineage tag",
    });
    Ok(remains.collect())
}

/// Whatever occupies the VPC, if that is still there.
async fn in_vpc(cloud: &Cloud, vpc: &str) -> Result<Vec<Remains>, Error> {
    let found = call(cloud, || occupants(cloud, vpc)).await?;
    let remains = found.into_iter().map(|occupant| Remains {
        kind: occupant.kind.to_owned(),
        id: occupant.id,
        name: occupant.name,
        found_by: "VPC",
    });
    Ok(remains.collect())
}
