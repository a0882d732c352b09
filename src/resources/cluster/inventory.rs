//! What EKS holds of the environment: the clusters and node groups that are wanted by name, and those that the
//! index of tags knows beside them.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_sdk_cloudwatchlogs::types::LogGroup;
use aws_sdk_eks::types::{
    AccessEntry, Addon, AssociatedAccessPolicy, Cluster, Nodegroup, PodIdentityAssociation,
};

use super::part::{self, PartName};
use super::{control_plane, identity, log_group, oidc_provider};
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::inventory::{Seen, part};
use crate::resources::tagged::{Index, with_tags};
use crate::resources::{
    ACCESS_ENTRY, ADDON, CONTROL_PLANE, LOG_GROUP, NODE_GROUP, Owner, POD_IDENTITY, Tags, Wanted,
};

/// EKS's part of the inventory.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// Clusters.
    pub clusters: Seen<Vec<Cluster>>,
    /// Node groups.
    pub node_groups: Seen<Vec<Nodegroup>>,
    /// Who is let in.
    pub access: Seen<Vec<Entry>>,
    /// Add-ons.
    pub addons: Seen<Vec<Addon>>,
    /// Which pods act in AWS as whom.
    pub identities: Seen<Vec<PodIdentityAssociation>>,
    /// By what IAM knows the tokens of clusters.
    pub providers: Seen<Vec<oidc_provider::Found>>,
    /// Where control planes log, with their tags.
    pub log_groups: Seen<Vec<(LogGroup, Tags)>>,
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
    /// What there is without an account.
    pub fn none() -> Self {
        Self {
            clusters: Ok(Vec::new()),
            node_groups: Ok(Vec::new()),
            access: Ok(Vec::new()),
            addons: Ok(Vec::new()),
            identities: Ok(Vec::new()),
            providers: Ok(Vec::new()),
            log_groups: Ok(Vec::new()),
        }
    }

    /// Describes all of them at once; `index` is awaited only for those that nobody wants.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Self {
        let names: BTreeSet<String> = wanted.names(CONTROL_PLANE).into_keys().collect();
        let groups = part::wanted(wanted, NODE_GROUP);
        let entries = part::wanted(wanted, ACCESS_ENTRY);
        let named = part::wanted(wanted, ADDON);
        let accounts = part::wanted(wanted, POD_IDENTITY);
        let logs: BTreeSet<String> = wanted.names(LOG_GROUP).into_keys().collect();
        let (clusters, node_groups, access, addons, identities, providers, log_groups, index) = futures::join!(
            part(cloud, || describe_clusters(cloud, &names)),
            part(cloud, || all(&groups, |of| describe_node_group(cloud, of))),
            part(cloud, || all(&entries, |of| describe_entry(cloud, of))),
            part(cloud, || all(&named, |of| describe_addon(cloud, of))),
            part(cloud, || describe_identities(cloud, &accounts)),
            part(cloud, || oidc_provider::list(cloud, wanted)),
            part(cloud, || all(&logs, |name| log_group::described(
                cloud, name
            ))),
            index,
        );
        let index = match index {
            Ok(index) => index,
            Err(unseen) => {
                return Self {
                    clusters: clusters.and(Err(unseen.clone())),
                    node_groups: node_groups.and(Err(unseen.clone())),
                    access: access.and(Err(unseen.clone())),
                    addons: addons.and(Err(unseen.clone())),
                    identities: identities.and(Err(unseen.clone())),
                    providers,
                    log_groups: Err(unseen),
                };
            }
        };
        let others = beside(&index, cluster_in, &names);
        let more = part(cloud, || describe_clusters(cloud, &others)).await;
        let clusters = joined(clusters, more);
        let others = beside(&index, group_in, &groups);
        let more = part(cloud, || all(&others, |of| describe_node_group(cloud, of))).await;
        let node_groups = joined(node_groups, more);
        let others = beside(&index, entry_in, &entries);
        let more = part(cloud, || all(&others, |of| describe_entry(cloud, of))).await;
        let access = joined(access, more);
        let others = beside(&index, addon_in, &named);
        let more = part(cloud, || all(&others, |of| describe_addon(cloud, of))).await;
        let addons = joined(addons, more);
        let identities = with_indexed_identities(cloud, identities, &index).await;
        let others = beside(&index, log_group_in, &logs);
        let more = part(cloud, || {
            all(&others, |name| log_group::described(cloud, name))
        })
        .await;
        let log_groups = joined(log_groups, more);
        Self {
            clusters,
            node_groups,
            access,
            addons,
            identities,
            providers,
            log_groups: with_log_tags(cloud, wanted, &index, log_groups).await,
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

/// What the index knows beside what is wanted by name.
fn beside<N: Ord + Clone>(
    index: &Index,
    name: impl Fn(&str) -> Option<N>,
    wanted: &BTreeSet<N>,
) -> BTreeSet<N> {
    let indexed: BTreeSet<N> = index.keys().filter_map(|arn| name(arn)).collect();
    &indexed - wanted
}

/// The associations that were found by what they are for, and those that only the index knows.
async fn with_indexed_identities(
    cloud: &Cloud,
    found: Seen<Vec<PodIdentityAssociation>>,
    index: &Index,
) -> Seen<Vec<PodIdentityAssociation>> {
    let found = found?;
    let known = found.iter().filter_map(|found| {
        let (cluster, id) = (found.cluster_name()?, found.association_id()?);
        Some((cluster.to_owned(), id.to_owned()))
    });
    let known: BTreeSet<PartName> = known.collect();
    let others = beside(index, identity_in, &known);
    let one = |(cluster, id): &PartName| {
        let (cluster, id) = (cluster.clone(), id.clone());
        async move { describe_identity_by_id(cloud, &cluster, &id).await }
    };
    let more = part(cloud, || all(&others, one)).await;
    joined(Ok(found), more)
}

/// Log groups are listed without their tags.
async fn with_log_tags(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    index: &Index,
    found: Seen<Vec<LogGroup>>,
) -> Seen<Vec<(LogGroup, Tags)>> {
    let names = |found: &LogGroup| {
        let name = found.log_group_name().map(str::to_owned);
        (name, log_group::arn(found).map(str::to_owned))
    };
    let named: Vec<_> = found?
        .into_iter()
        .map(|found| (names(&found), found))
        .collect();
    let tagged = with_tags(
        cloud,
        wanted,
        LOG_GROUP,
        index,
        named,
        |((name, arn), _)| (name.as_deref(), arn.as_deref()),
        |arn| log_group::tags_of(cloud, arn),
    );
    let tagged = tagged.await?.into_iter();
    Ok(tagged.map(|((_, found), tags)| (found, tags)).collect())
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
    part_in(arn, ":nodegroup/")
}

/// The first two names behind `sort`: of a cluster, and of a part of it.
fn part_in(arn: &str, sort: &str) -> Option<PartName> {
    let (service, names) = arn.split_once(sort)?;
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

/// `arn:aws:eks:<region>:<account>:addon/<cluster>/<name>/<uuid>`
fn addon_in(arn: &str) -> Option<PartName> {
    part_in(arn, ":addon/")
}

/// `arn:aws:eks:<region>:<account>:podidentityassociation/<cluster>/<id>`
fn identity_in(arn: &str) -> Option<PartName> {
    part_in(arn, ":podidentityassociation/")
}

/// `arn:aws:logs:<region>:<account>:log-group:/aws/eks/<cluster>/cluster`
fn log_group_in(arn: &str) -> Option<String> {
    let (_, name) = arn.split_once(":log-group:")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    log_group::cluster_in(name).map(|_| name.to_owned())
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

/// The add-on of this name in the cluster of this name, or none.
pub(super) async fn describe_addon(
    cloud: &Cloud,
    (cluster, name): &PartName,
) -> Result<Option<Addon>, Fault> {
    let call = cloud.aws.eks.describe_addon().cluster_name(cluster);
    let answer = call.addon_name(name).send().await;
    let found = present(answer.map_err(fault("eks", "DescribeAddon")))?;
    Ok(found.and_then(|found| found.addon))
}

/// The associations of these service accounts, each `namespace/name`, one list for each cluster.
async fn describe_identities(
    cloud: &Cloud,
    accounts: &BTreeSet<PartName>,
) -> Result<Vec<PodIdentityAssociation>, Fault> {
    let clusters: BTreeSet<&str> = accounts
        .iter()
        .map(|(cluster, _)| cluster.as_str())
        .collect();
    let mut found = Vec::new();
    for cluster in clusters {
        let call = cloud.aws.eks.list_pod_identity_associations();
        let listed = call.cluster_name(cluster).into_paginator().items();
        let listed = listed.send().try_collect().await;
        let listed = present(listed.map_err(fault("eks", "ListPodIdentityAssociations")))?;
        for listed in listed.unwrap_or_default() {
            let name = identity::name(listed.namespace(), listed.service_account());
            let id = listed.association_id().unwrap_or_default();
            if accounts.contains(&(cluster.to_owned(), name)) {
                found.extend(describe_identity_by_id(cloud, cluster, id).await?);
            }
        }
    }
    Ok(found)
}

/// The association of a service account, `namespace/name`, in the cluster of this name, or none.
pub(super) async fn describe_identity(
    cloud: &Cloud,
    account: &PartName,
) -> Result<Option<PodIdentityAssociation>, Fault> {
    let found = describe_identities(cloud, &BTreeSet::from([account.clone()])).await?;
    Ok(found.into_iter().next())
}

/// The association with this id in the cluster of this name, or none.
pub(super) async fn describe_identity_by_id(
    cloud: &Cloud,
    cluster: &str,
    id: &str,
) -> Result<Option<PodIdentityAssociation>, Fault> {
    let call = cloud.aws.eks.describe_pod_identity_association();
    let answer = call.cluster_name(cluster).association_id(id).send().await;
    let found = present(answer.map_err(fault("eks", "DescribePodIdentityAssociation")))?;
    Ok(found.and_then(|found| found.association))
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
