//! What EKS holds of the environment: the clusters and node groups that are wanted by name, and those that the
//! index of tags knows beside them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_eks::types::{AccessEntry, AssociatedAccessPolicy, Cluster, Nodegroup};

use super::control_plane;
use super::part::{self, PartName};
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::inventory::{Seen, part};
use crate::resources::tagged::Index;
use crate::resources::{ACCESS_ENTRY, CONTROL_PLANE, NODE_GROUP, Owner, Wanted};

/// EKS's part of the inventory.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// Clusters.
    pub clusters: Seen<Vec<Cluster>>,
    /// Node groups.
    pub node_groups: Seen<Vec<Nodegroup>>,
    /// Who is let in.
    pub access: Seen<Vec<Entry>>,
}

/// An access entry, and the policies that it has.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The entry itself.
    pub entry: AccessEntry,
    /// Its policies, and where they hold.
    pub policies: Vec<AssociatedAccessPolicy>,
}

impl Clusters {
    /// Describes all of them at once; `index` is awaited only for those that nobody wants.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Self {
        let names: BTreeSet<String> = wanted.names(CONTROL_PLANE).into_keys().collect();
        let groups = part::wanted(wanted, NODE_GROUP);
        let entries = part::wanted(wanted, ACCESS_ENTRY);
        let (clusters, node_groups, access, index) = futures::join!(
            part(cloud, || describe_clusters(cloud, &names)),
            part(cloud, || all(&groups, |of| describe_node_group(cloud, of))),
            part(cloud, || all(&entries, |of| describe_entry(cloud, of))),
            index,
        );
        let index = match index {
            Ok(index) => index,
            Err(unseen) => {
                return Self {
                    clusters: clusters.and(Err(unseen.clone())),
                    node_groups: node_groups.and(Err(unseen.clone())),
                    access: access.and(Err(unseen)),
                };
            }
        };
        let others: BTreeSet<String> = index.keys().filter_map(|arn| cluster_in(arn)).collect();
        let others = &others - &names;
        let more = part(cloud, || describe_clusters(cloud, &others)).await;
        let clusters = joined(clusters, more);
        let others: BTreeSet<PartName> = index.keys().filter_map(|arn| group_in(arn)).collect();
        let others = &others - &groups;
        let more = part(cloud, || all(&others, |of| describe_node_group(cloud, of))).await;
        let node_groups = joined(node_groups, more);
        let others: BTreeSet<PartName> = index.keys().filter_map(|arn| entry_in(arn)).collect();
        let others = &others - &entries;
        let more = part(cloud, || all(&others, |of| describe_entry(cloud, of))).await;
        Self {
            clusters,
            node_groups,
            access: joined(access, more),
        }
    }

    /// Whose the cluster of this name is: nobody's that we know while it is not seen.
    pub(super) fn owner(&self, wanted: &Wanted<'_>, name: &str) -> Owner {
        let clusters = self.clusters.as_deref().unwrap_or(&[]);
        let mut named = clusters.iter().filter(|found| found.name() == Some(name));
        named
            .next()
            .map_or(Owner::Other { lineage: None }, |found| {
                control_plane::owner(wanted, found)
            })
    }
}

/// Each of these that is there.
async fn all<'a, N, T, F>(names: &'a BTreeSet<N>, one: impl Fn(&'a N) -> F) -> Result<Vec<T>, Fault>
where
    F: Future<Output = Result<Option<T>, Fault>>,
{
    let found = futures::future::try_join_all(names.iter().map(one)).await?;
    Ok(found.into_iter().flatten().collect())
}

fn joined<T>(some: Seen<Vec<T>>, more: Seen<Vec<T>>) -> Seen<Vec<T>> {
    let mut all = some?;
    all.extend(more?);
    Ok(all)
}

/// `arn:aws:eks:<region>:<account>:cluster/<name>`
fn cluster_in(arn: &str) -> Option<String> {
    let (service, name) = arn.split_once(":cluster/")?;
    service.contains(":eks:").then(|| name.to_owned())
}

/// `arn:aws:eks:<region>:<account>:nodegroup/<cluster>/<name>/<uuid>`
fn group_in(arn: &str) -> Option<PartName> {
    let (service, names) = arn.split_once(":nodegroup/")?;
    let mut names = names.split('/');
    let name = (names.next()?.to_owned(), names.next()?.to_owned());
    service.contains(":eks:").then_some(name)
}

/// `arn:aws:eks:<region>:<account>:access-entry/<cluster>/<role or user>/<account>/<name>/<uuid>`
fn entry_in(arn: &str) -> Option<PartName> {
    let (service, names) = arn.split_once(":access-entry/")?;
    let partition = service.split(':').nth(1)?;
    let (names, _) = names.rsplit_once('/')?;
    let mut names = names.splitn(4, '/');
    let (cluster, sort) = (names.next()?, names.next()?);
    let (account, name) = (names.next()?, names.next()?);
    let principal = format!("arn:{partition}:iam::{account}:{sort}/{name}");
    service
        .contains(":eks:")
        .then(|| (cluster.to_owned(), principal))
}

async fn describe_clusters(cloud: &Cloud, names: &BTreeSet<String>) -> Result<Vec<Cluster>, Fault> {
    all(names, |name| describe_cluster(cloud, name)).await
}

/// The cluster of this name, or none.
pub(super) async fn describe_cluster(cloud: &Cloud, name: &str) -> Result<Option<Cluster>, Fault> {
    let answer = cloud.aws.eks.describe_cluster().name(name).send().await;
    let found = present(answer.map_err(fault("eks", "DescribeCluster")))?;
    Ok(found.and_then(|found| found.cluster))
}

/// The node group of this name in the cluster of this name, or none.
pub(super) async fn describe_node_group(
    cloud: &Cloud,
    (cluster, name): &PartName,
) -> Result<Option<Nodegroup>, Fault> {
    let call = cloud.aws.eks.describe_nodegroup().cluster_name(cluster);
    let answer = call.nodegroup_name(name).send().await;
    let found = present(answer.map_err(fault("eks", "DescribeNodegroup")))?;
    Ok(found.and_then(|found| found.nodegroup))
}

/// The access entry of this principal in the cluster of this name, or none.
pub(super) async fn describe_entry(
    cloud: &Cloud,
    (cluster, principal): &PartName,
) -> Result<Option<Entry>, Fault> {
    let eks = &cloud.aws.eks;
    let described = eks.describe_access_entry().cluster_name(cluster);
    let described = described.principal_arn(principal).send();
    let listed = eks.list_associated_access_policies().cluster_name(cluster);
    let listed = listed.principal_arn(principal).into_paginator().items();
    let (described, listed) = futures::join!(described, listed.send().try_collect());
    let described = present(described.map_err(fault("eks", "DescribeAccessEntry")))?;
    let Some(entry) = described.and_then(|found| found.access_entry) else {
        return Ok(None);
    };
    let policies = present(listed.map_err(fault("eks", "ListAssociatedAccessPolicies")))?;
    Ok(policies.map(|policies| Entry { entry, policies }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_out_of_arns() {
        let arn = "arn:aws:eks:us-east-1:123456789012:cluster/ms";
        assert_eq!(cluster_in(arn).as_deref(), Some("ms"));
        assert_eq!(cluster_in("arn:aws:rds:us-east-1:1:cluster/x"), None);
        let arn = "arn:aws:eks:us-east-1:123456789012:nodegroup/ms/workers/0ac1";
        assert_eq!(group_in(arn), Some(("ms".into(), "workers".into())));
        let arn =
            "arn:aws-cn:eks:cn-north-1:123456789012:access-entry/ms/role/123456789012/ops/ci/0ac1";
        let principal = "arn:aws-cn:iam::123456789012:role/ops/ci";
        assert_eq!(entry_in(arn), Some(("ms".into(), principal.into())));
    }
}
