//! CreateNodegroup, DescribeNodegroup, DeleteNodegroup, and what happens between them.

use super::state::{Cluster, ClusterStatus, Issue, Nodegroup, NodegroupStatus, Token};
use super::{
    Task, access, checked_name, cluster_of, in_use, invalid, later, nodes, not_found, render,
    roles, settings, versions,
};
use crate::sandbox::aws::ec2::routes;
use crate::sandbox::aws::machine_types::{self, INSTANCES};
use crate::sandbox::aws::placement::Subnets;
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, tag_operations};
use crate::sandbox::durations::{
    NODE_GROUP_CREATE, NODE_GROUP_DELETE, NODE_GROUP_JOIN_RETRY, NODE_GROUP_JOIN_TIMEOUT,
};
use crate::sandbox::world::World;

/// The kinds of images that a group of Linux nodes can have, without accelerators.
const AMI_TYPES: [&str; 4] = [
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64",
];

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let cluster = cluster_of(world, call)?.clone();
    let name = checked_name(params, "nodegroupName", 63)?;
    let token = Token::of(params);
    if let Some(group) = cluster.nodegroups.get(&name) {
        // The same request again is answered with what it made.
        return match token.is_some() && group.token == token {
            true => Ok(Fields::only("nodegroup", render::nodegroup(group))),
            false => Err(in_use(format!(
                "NodeGroup already exists with name {name} and cluster name {}",
                cluster.name
            ))),
        };
    }
    if !matches!(
        cluster.status,
        ClusterStatus::Active | ClusterStatus::Updating
    ) {
        let message = format!("Cluster '{}' is not in ACTIVE status", cluster.name);
        return Err(Fault::new("InvalidRequestException", message));
    }
    let mut group = read(world, region, params, &cluster, name)?;
    group.token = token;
    nodes::launch(world, region, &cluster.cluster_group_id, &mut group);
    let reply = Fields::only("nodegroup", render::nodegroup(&group));
    later(
        world,
        region,
        NODE_GROUP_CREATE,
        Task::Join(group.uid.clone()),
    );
    access::of_nodes(world, call, &group.role_arn)?;
    let cluster = cluster_of(world, call)?;
    cluster.nodegroups.insert(group.name.clone(), group);
    Ok(reply)
}

fn read(
    world: &mut World,
    region: &str,
    params: &Params,
    cluster: &Cluster,
    name: String,
) -> Result<Nodegroup, Fault> {
    let role_arn = params.text("nodeRole").unwrap_or_default();
    roles::check(world, &role_arn, "ec2.amazonaws.com")?;
    let subnets = params.texts("subnets");
    let found = Subnets::find(world, region, &subnets, "InvalidParameterException")?;
    if found.vpc_id != cluster.vpc_id {
        return Err(invalid("Subnets are not in the VPC of the cluster"));
    }
    // The sandbox's accounts have neither, so that every one that is named does not exist.
    for (member, what) in [
        ("launchTemplate", "launch template"),
        ("remoteAccess", "key pair"),
    ] {
        if params.has(member) {
            return Err(invalid(format!("The {what} that was given does not exist")));
        }
    }
    let (instance_types, ami_type) = machines(params)?;
    let capacity = params
        .text("capacityType")
        .unwrap_or_else(|| "ON_DEMAND".to_owned());
    if !["ON_DEMAND", "SPOT"].contains(&capacity.as_str()) {
        return Err(invalid(format!("Invalid capacityType: {capacity}")));
    }
    let disk_gib = params.int("diskSize")?.unwrap_or(20);
    if !(1..=16_384).contains(&disk_gib) {
        return Err(invalid(format!("Invalid diskSize: {disk_gib}")));
    }
    let uid = world.ids.uuid();
    Ok(Nodegroup {
        is_pool: false,
        cluster: cluster.name.clone(),
        arn: format!(
            "arn:aws:eks:{region}:{}:nodegroup/{}/{name}/{uid}",
            world.account, cluster.name
        ),
        uid,
        created: world.now,
        modified: world.now,
        token: None,
        status: NodegroupStatus::Creating,
        version: version(params, cluster)?,
        capacity,
        instance_types,
        subnets,
        ami_type,
        role_arn,
        disk_gib,
        settings: settings::of_new(params)?,
        tags: tag_operations::from_map(params, "tags"),
        nodes: Vec::new(),
        issues: Vec::new(),
        name,
    })
}

/// Instance types, and an image that fits their processors.
fn machines(params: &Params) -> Result<(Vec<String>, String), Fault> {
    let mut types = params.texts("instanceTypes");
    if types.is_empty() {
        types.push("t3.medium".to_owned());
    }
    if let Some(unknown) = types
        .iter()
        .find(|name| !machine_types::is_known(INSTANCES, name))
    {
        return Err(invalid(format!(
            "The following supplied instance types do not exist: [{unknown}]"
        )));
    }
    let arm = types.iter().any(|name| machine_types::is_arm(name));
    let default = if arm {
        "AL2023_ARM_64_STANDARD"
    } else {
        "AL2023_x86_64_STANDARD"
    };
    let ami_type = params.text("amiType").unwrap_or_else(|| default.to_owned());
    if !AMI_TYPES.contains(&ami_type.as_str()) {
        return Err(invalid(format!(
            "The sandbox offers no nodes of amiType {ami_type}"
        )));
    }
    let for_arm = ami_type.contains("_ARM_");
    match types
        .iter()
        .find(|name| machine_types::is_arm(name) != for_arm)
    {
        Some(other) => Err(invalid(format!(
            "[{other}] is not a valid instance type for requested amiType {ami_type}"
        ))),
        None => Ok((types, ami_type)),
    }
}

/// The version of the nodes: the cluster's, or at most three minor versions behind it.
pub(super) fn version(params: &Params, cluster: &Cluster) -> Result<String, Fault> {
    let Some(asked) = params.text("version") else {
        return Ok(cluster.version.clone());
    };
    let asked = versions::resolve(Some(&asked))?;
    match (0..=3).contains(&versions::behind(&asked, &cluster.version)) {
        true => Ok(asked),
        false => Err(invalid(format!(
            "Requested Nodegroup version {asked} doesn't go with the cluster's version {}",
            cluster.version
        ))),
    }
}

/// The node group of a request, and the name of its cluster's security group.
pub(super) fn group_of(world: &mut World, call: &Call) -> Result<(Nodegroup, String), Fault> {
    let name = call.params.text("nodegroupName").unwrap_or_default();
    let cluster = cluster_of(world, call)?;
    match cluster.nodegroups.get(&name) {
        Some(group) => Ok((group.clone(), cluster.cluster_group_id.clone())),
        None => Err(not_found(format!("No node group found for name: {name}."))),
    }
}

/// Puts a group back into the world, if its cluster is still there.
pub(super) fn keep(world: &mut World, region: &str, group: Nodegroup) {
    let clusters = &mut world.region(region).eks.clusters;
    if let Some(cluster) = clusters.get_mut(&group.cluster) {
        cluster.nodegroups.insert(group.name.clone(), group);
    }
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (group, _) = group_of(world, call)?;
    Ok(Fields::only("nodegroup", render::nodegroup(&group)))
}

/// The new nodes join. As long as they can't they try again, and in the end the group fails.
pub(super) fn join(world: &mut World, region: &str, uid: &str) {
    let Some(group) = world.region(region).eks.nodegroup_by_uid(uid) else {
        return;
    };
    let mut group = group.clone();
    if group.status != NodegroupStatus::Creating {
        return;
    }
    let gives_up = world.now >= group.created.after_secs(NODE_GROUP_JOIN_TIMEOUT);
    let told_to_fail = group
        .issues
        .iter()
        .any(|issue| issue.code != nodes::NOT_LAUNCHED);
    if !group.issues.is_empty() && !told_to_fail && !gives_up {
        group.issues.clear();
        let clusters = &world.region(region).eks.clusters;
        let worn = clusters
            .get(&group.cluster)
            .map(|cluster| cluster.cluster_group_id.clone());
        nodes::launch(world, region, &worn.unwrap_or_default(), &mut group);
    }
    if told_to_fail {
        group.status = NodegroupStatus::CreateFailed;
    } else if group.issues.is_empty() && can_join(world, region, &group) {
        nodes::join(world, region, &group);
        group.status = NodegroupStatus::Active;
    } else if gives_up {
        group.status = NodegroupStatus::CreateFailed;
        let instances = group.nodes.iter().map(|node| node.instance_id.clone());
        group.issues.push(Issue {
            code: "NodeCreationFailure".to_owned(),
            message: "Instances failed to join the kubernetes cluster".to_owned(),
            resource_ids: instances.collect(),
        });
    } else {
        let task = Task::Join(uid.to_owned());
        later(world, region, NODE_GROUP_JOIN_RETRY, task);
    }
    keep(world, region, group);
}

/// Whether the nodes have rights, a way to the API server, and are let in.
fn can_join(world: &mut World, region: &str, group: &Nodegroup) -> bool {
    let clusters = &world.region(region).eks.clusters;
    let let_in = clusters.get(&group.cluster).is_some_and(|cluster| {
        let entry = cluster.access_entries.get(&group.role_arn);
        cluster.authentication != "API" || entry.is_some_and(|entry| entry.kind == access::OF_NODES)
    });
    let ec2 = &world.region(region).ec2;
    let mut subnets = group.nodes.iter().map(|node| node.subnet_id.as_str());
    let reach = subnets.all(|subnet| routes::leads_out(ec2, subnet));
    let_in && reach && roles::lets_nodes_join(world, &group.role_arn)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let region = call.region.as_str();
    let (mut group, _) = group_of(world, call)?;
    if !matches!(
        group.status,
        NodegroupStatus::Active | NodegroupStatus::CreateFailed
    ) {
        return Err(in_use(format!(
            "Nodegroup {} has an operation in progress: its status is {}",
            group.name,
            group.status.word()
        )));
    }
    group.status = NodegroupStatus::Deleting;
    nodes::retire(world, region, &mut group, 0);
    let reply = Fields::only("nodegroup", render::nodegroup(&group));
    later(
        world,
        region,
        NODE_GROUP_DELETE,
        Task::RemoveNodegroup(group.uid.clone()),
    );
    keep(world, region, group);
    Ok(reply)
}

/// DELETING → gone.
pub(super) fn remove(world: &mut World, region: &str, uid: &str) {
    for cluster in world.region(region).eks.clusters.values_mut() {
        cluster.nodegroups.retain(|_, group| group.uid != uid);
    }
}
