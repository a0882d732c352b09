//! The last look: what of an environment is left, by lineage, by name, by cluster tag and in its VPC.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::{Error, Planned, Session};
use crate::cloud::{Cloud, Fault, Retry, fault, retry};
use crate::observe;
use crate::resources::{Condition, Owner, TAG_LINEAGE, Unseen, Wanted};

/// Something that should be gone and is not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Remains {
    /// What it is: a kind, or AWS's own name for it.
    pub kind: String,
    /// Its id or ARN.
    pub id: String,
    /// By what it was found.
    pub found_by: &'static str,
}

/// Observes once more, and lists everything of the environment that is still there.
///
/// # Errors
/// When not everything can be seen: that is no proof.
pub async fn look_again(session: &Session, planned: &Planned) -> Result<Vec<Remains>, Error> {
    let nothing = BTreeMap::new();
    let wanted = Wanted {
        ownership: &planned.ownership,
        desired: &planned.desired,
        recorded: &nothing,
        variables: &session.variables,
    };
    let observation = observe::observe(&session.cloud, &wanted, &BTreeMap::new()).await?;
    let there = observation.found.into_values().flatten();
    let ours =
        there.filter(|found| found.owner == Owner::Ours && found.condition != Condition::Deleting);
    let mut remains: BTreeSet<Remains> = ours
        .map(|found| Remains {
            kind: found.kind.to_owned(),
            id: found.id,
            found_by: "name or tags",
        })
        .collect();
    remains.extend(tagged(&session.cloud, &planned.ownership.lineage).await?);
    if let Some(vpc) = planned
        .observation
        .found
        .values()
        .flatten()
        .find(|found| found.kind == "network.vpc" && found.owner == Owner::Ours)
    {
        remains.extend(in_vpc(&session.cloud, &vpc.id).await?);
    }
    Ok(remains.into_iter().collect())
}

async fn call<T, F>(cloud: &Cloud, ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Fault>>,
{
    let bound = std::time::Duration::from_secs(60);
    let answer = retry(cloud.clock.as_ref(), Retry::Idempotent, bound, ask).await;
    answer.map_err(|fault| Error::Unseen(Unseen(Arc::new(fault))))
}

/// Services whose own lists observation has just read by tag and name. The tag index also names what was
/// deleted a while ago (FACTS §1), so of these services their own word counts.
const OBSERVED_DIRECTLY: [&str; 6] = ["ec2", "eks", "rds", "elasticache", "ecr", "secretsmanager"];

/// Everything else that carries our lineage.
async fn tagged(cloud: &Cloud, lineage: &str) -> Result<Vec<Remains>, Error> {
    let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
        .key(TAG_LINEAGE)
        .values(lineage)
        .build();
    let found = call(cloud, || async {
        let pages = cloud
            .aws
            .tagging
            .get_resources()
            .tag_filters(filter.clone())
            .into_paginator()
            .items()
            .send();
        pages
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(fault("tagging", "GetResources"))
    });
    let arns = found
        .await?
        .into_iter()
        .filter_map(|mapping| mapping.resource_arn);
    let arns = arns.filter(|arn| {
        !arn.split(':')
            .nth(2)
            .is_some_and(|service| OBSERVED_DIRECTLY.contains(&service))
    });
    Ok(arns
        .map(|arn| Remains {
            kind: "tagged".to_owned(),
            id: arn,
            found_by: "lineage tag",
        })
        .collect())
}

/// Whatever occupies the VPC, if that is still there.
async fn in_vpc(cloud: &Cloud, vpc: &str) -> Result<Vec<Remains>, Error> {
    let filter = aws_sdk_ec2::types::Filter::builder()
        .name("vpc-id")
        .values(vpc)
        .build();
    let interfaces = call(cloud, || async {
        let pages = cloud
            .aws
            .ec2
            .describe_network_interfaces()
            .filters(filter.clone())
            .into_paginator()
            .items()
            .send();
        pages
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(fault("ec2", "DescribeNetworkInterfaces"))
    });
    let ids = interfaces
        .await?
        .into_iter()
        .filter_map(|interface| interface.network_interface_id);
    Ok(ids
        .map(|id| Remains {
            kind: "network interface".to_owned(),
            id,
            found_by: "VPC",
        })
        .collect())
}
