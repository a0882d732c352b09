//! UpdateNodegroupConfig and UpdateNodegroupVersion.

use super::nodegroups::{group_of, keep};
use super::state::{Change, Nodegroup, NodegroupStatus, Settings};
use super::updates::{self, UpdateParams};
use super::{cluster_of, in_use, invalid, nodegroups, nodes, settings, versions};
use crate::sandbox::aws::{Call, Fault, Reply};
use crate::sandbox::durations::{NODE_GROUP_UPDATE, NODE_GROUP_VERSION_UPDATE};
use crate::sandbox::world::World;

fn check_free(group: &Nodegroup) -> Result<(), Fault> {
    match group.status {
        NodegroupStatus::Active => Ok(()),
        status => Err(in_use(format!(
            "Nodegroup {} cannot be updated: an operation is in progress, its status is {}",
            group.name,
            status.word()
        ))),
    }
}

pub(super) fn config(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (group, _) = group_of(world, call)?;
    if let Some(reply) = updates::repeated(cluster_of(world, call)?, call) {
        return Ok(reply);
    }
    check_free(&group)?;
    let after = settings::after(&call.params, &group.settings)?;
    if after == group.settings {
        return Err(invalid(
            "No changes detected: the node group is as asked already",
        ));
    }
    let about = about(&group.settings, &after);
    let change = Change::Nodegroup(after);
    updates::begin(
        world,
        call,
        "ConfigUpdate",
        change,
        about,
        NODE_GROUP_UPDATE,
    )
}

/// What a change of settings is about, as EKS lists it.
fn about(before: &Settings, after: &Settings) -> UpdateParams {
    let (was, is) = (before.scaling, after.scaling);
    let sizes = [
        ("MinSize", was.min, is.min),
        ("MaxSize", was.max, is.max),
        ("DesiredSize", was.desired, is.desired),
    ];
    let sizes = sizes.into_iter().filter(|(_, was, is)| was != is);
    let mut about: UpdateParams = sizes
        .map(|(name, _, is)| (name.to_owned(), is.to_string()))
        .collect();
    if before.labels != after.labels {
        about.push(("LabelsToAdd".to_owned(), format!("{:?}", after.labels)));
    }
    if before.taints != after.taints {
        let taints = after
            .taints
            .iter()
            .map(|taint| format!("{}:{}", taint.key, taint.effect));
        about.push((
            "TaintsToAdd".to_owned(),
            taints.collect::<Vec<_>>().join(","),
        ));
    }
    about
}

pub(super) fn version(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (group, _) = group_of(world, call)?;
    let cluster = cluster_of(world, call)?.clone();
    if let Some(reply) = updates::repeated(&cluster, call) {
        return Ok(reply);
    }
    check_free(&group)?;
    if call.params.has("launchTemplate") {
        return Err(invalid("The launch template that was given does not exist"));
    }
    let asked = nodegroups::version(&call.params, &cluster)?;
    if versions::behind(&group.version, &asked) < 0 {
        return Err(invalid(format!(
            "Node group version can't go down from {} to {asked}",
            group.version
        )));
    }
    let about = vec![
        ("Version".to_owned(), asked.clone()),
        ("ReleaseVersion".to_owned(), versions::node_release(&asked)),
    ];
    let change = Change::NodegroupVersion(asked);
    updates::begin(
        world,
        call,
        "VersionUpdate",
        change,
        about,
        NODE_GROUP_VERSION_UPDATE,
    )
}

/// An update came to nothing: the group is as it was.
pub(super) fn give_up(world: &mut World, region: &str, cluster: &str, group: &str) {
    let clusters = &mut world.region(region).eks.clusters;
    let cluster = clusters.get_mut(cluster);
    if let Some(group) = cluster.and_then(|cluster| cluster.nodegroups.get_mut(group)) {
        group.status = NodegroupStatus::Active;
    }
}

/// An update takes effect: nodes come and go, and wear the labels and taints of now.
pub(super) fn apply(world: &mut World, region: &str, cluster: &str, group: &str, change: Change) {
    let Some(cluster) = world.region(region).eks.clusters.get(cluster) else {
        return;
    };
    let cluster_group = cluster.cluster_group_id.clone();
    let Some(mut group) = cluster.nodegroups.get(group).cloned() else {
        return;
    };
    let kept = match change {
        Change::Nodegroup(settings) => {
            group.settings = settings;
            usize::try_from(group.settings.scaling.desired).unwrap_or_default()
        }
        // Every node is replaced by one of the new version.
        Change::NodegroupVersion(version) => {
            group.version = version;
            0
        }
        _ => return,
    };
    group.status = NodegroupStatus::Active;
    group.modified = world.now;
    nodes::retire(world, region, &mut group, kept);
    nodes::launch(world, region, &cluster_group, &mut group);
    nodes::join(world, region, &group);
    keep(world, region, group);
}
