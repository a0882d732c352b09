//! What EKS holds of the environment: the clusters and node groups that are wanted by name, and those that the
//! index of tags knows beside them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_eks::types::{Cluster, Nodegroup};

use crate::cloud::{Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::inventory::{Seen, part};
use crate::resources::tagged::Index;
use crate::resources::{CONTROL_PLANE, Fields, NODE_GROUP, Wanted, references};

/// EKS's part of the inventory.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// Clusters.
    pub clusters: Seen<Vec<Cluster>>,
    /// Node groups.
    pub node_groups: Seen<Vec<Nodegroup>>,
}

impl Clusters {
    /// Describes all of them at once; `index` is awaited only for those that nobody wants.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Self {
        let names: BTreeSet<String> = wanted.names(CONTROL_PLANE).into_keys().collect();
        let groups = node_groups_wanted(wanted);
        let (mut clusters, mut node_groups, index) = futures::join!(
            part(cloud, || describe_clusters(cloud, &names)),
            part(cloud, || describe_node_groups(cloud, &groups)),
            index,
        );
        match index {
            Ok(index) => {
                let others: BTreeSet<String> =
                    index.keys().filter_map(|arn| cluster_in(arn)).collect();
                let others = &others - &names;
                let more = part(cloud, || describe_clusters(cloud, &others)).await;
                clusters = joined(clusters, more);
                let others: BTreeSet<GroupName> =
                    index.keys().filter_map(|arn| group_in(arn)).collect();
                let others = &others - &groups;
                let more = part(cloud, || describe_node_groups(cloud, &others)).await;
                node_groups = joined(node_groups, more);
            }
            Err(unseen) => {
                clusters = clusters.and(Err(unseen.clone()));
                node_groups = node_groups.and(Err(unseen));
            }
        }
        Self {
            clusters,
            node_groups,
        }
    }
}

fn joined<T>(some: Seen<Vec<T>>, more: Seen<Vec<T>>) -> Seen<Vec<T>> {
    let mut all = some?;
    all.extend(more?);
    Ok(all)
}

/// The names of a cluster and of a node group in it.
pub(super) type GroupName = (String, String);

fn node_groups_wanted(wanted: &Wanted<'_>) -> BTreeSet<GroupName> {
    let known = wanted.known().filter(|(_, kind, ..)| *kind == NODE_GROUP);
    known
        .filter_map(|(.., name, fields)| Some((cluster_of(wanted, fields)?, name.to_owned())))
        .collect()
}

/// The name of the cluster that a node group belongs to: the id of a control plane is its name.
pub(super) fn cluster_of(wanted: &Wanted<'_>, fields: &Fields) -> Option<String> {
    let cluster = fields.get("cluster")?;
    if let Some(name) = cluster.as_str() {
        return Some(name.to_owned());
    }
    let (resource, _) = references(cluster).pop_first()?;
    let desired = wanted.desired.get(&resource);
    desired.map(|control_plane| control_plane.name.clone())
}

/// `arn:aws:eks:<region>:<account>:cluster/<name>`
fn cluster_in(arn: &str) -> Option<String> {
    let (service, name) = arn.split_once(":cluster/")?;
    service.contains(":eks:").then(|| name.to_owned())
}

/// `arn:aws:eks:<region>:<account>:nodegroup/<cluster>/<name>/<uuid>`
fn group_in(arn: &str) -> Option<GroupName> {
    let (service, names) = arn.split_once(":nodegroup/")?;
    let mut names = names.split('/');
    let name = (names.next()?.to_owned(), names.next()?.to_owned());
    service.contains(":eks:").then_some(name)
}

async fn describe_clusters(cloud: &Cloud, names: &BTreeSet<String>) -> Result<Vec<Cluster>, Fault> {
    let asked = names.iter().map(|name| describe_cluster(cloud, name));
    let found = futures::future::try_join_all(asked).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn describe_node_groups(
    cloud: &Cloud,
    names: &BTreeSet<GroupName>,
) -> Result<Vec<Nodegroup>, Fault> {
    let asked = names
        .iter()
        .map(|(cluster, name)| describe_node_group(cloud, cluster, name));
    let found = futures::future::try_join_all(asked).await?;
    Ok(found.into_iter().flatten().collect())
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
    cluster: &str,
    name: &str,
) -> Result<Option<Nodegroup>, Fault> {
    let call = cloud.aws.eks.describe_nodegroup().cluster_name(cluster);
    let answer = call.nodegroup_name(name).send().await;
    let found = present(answer.map_err(fault("eks", "DescribeNodegroup")))?;
    Ok(found.and_then(|found| found.nodegroup))
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
    }
}
