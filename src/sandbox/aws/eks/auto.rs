//! EKS Auto Mode: three switches that are on or off together, and nodes that come when pods need them. They stay while
//! their pool does: nothing is consolidated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::state::{
    Auto, Cluster, ClusterStatus, Nodegroup, NodegroupStatus, Scaling, Settings, Taint, Unavailable,
};
use super::{access, invalid, nodes, roles};
use crate::sandbox::aws::ec2::routes;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::aws::{Fault, Params, elbv2};
use crate::sandbox::kubernetes::{self, NewNode};
use crate::sandbox::world::World;

/// The pools that EKS has ready.
const POOLS: [&str; 2] = ["general-purpose", "system"];

/// Auto Mode as a request asks for it; none where the request says nothing of it.
pub(super) fn asked(
    world: &World,
    params: &Params,
    role: &str,
) -> Result<Option<Option<Auto>>, Fault> {
    let compute = params.nested("computeConfig");
    let balancing = params
        .nested("kubernetesNetworkConfig")
        .nested("elasticLoadBalancing");
    let storage = params.nested("storageConfig").nested("blockStorage");
    let switches = [&compute, &balancing, &storage].map(|switch| switch.flag("enabled"));
    if switches.iter().all(Option::is_none) {
        return Ok(None);
    }
    let on = switches.map(|switch| switch == Some(true));
    if on.iter().any(|on| on != &switches[0].unwrap_or_default()) {
        return Err(invalid(
            "For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, and blockStorage are all either fully enabled or fully disabled.",
        ));
    }
    if !on[0] {
        return Ok(Some(None));
    }
    roles::check_tags_session(world, role)?;
    let pools: BTreeSet<String> = compute.texts("nodePools").into_iter().collect();
    if let Some(unknown) = pools.iter().find(|pool| !POOLS.contains(&pool.as_str())) {
        return Err(invalid(format!("Invalid node pool: {unknown}")));
    }
    let node_role = compute.text("nodeRoleArn");
    match (&node_role, pools.is_empty()) {
        (Some(role), false) => roles::check(world, role, "ec2.amazonaws.com")?,
        (None, true) => {}
        (Some(_), true) | (None, false) => {
            return Err(invalid(
                "nodeRoleArn goes with nodePools, and nodePools with nodeRoleArn",
            ));
        }
    }
    Ok(Some(Some(Auto { pools, node_role })))
}

/// What follows from Auto Mode being on with these pools, or off: the role of the nodes is let in, the API server gives its
/// class to Services, and what belonged to a pool that is gone goes. Load balancers go with Auto Mode (EKS user guide,
/// "Disable EKS Auto Mode"); the Services keep their finalizer, which nobody clears any more (inferred).
pub(super) fn settle(world: &mut World, region: &str, name: &str) {
    let Some(cluster) = world.region(region).eks.clusters.get(name).cloned() else {
        return;
    };
    let auto = cluster.auto.as_ref();
    kubernetes::set_auto_mode(world, region, name, auto.is_some());
    if let Some(role) = auto.and_then(|auto| auto.node_role.as_ref()) {
        access::of_pools(world, region, name, role);
    }
    if auto.is_none() {
        elbv2::delete_for_auto_mode(world, region, name);
    }
    retire(world, region, &cluster, |pool| {
        auto.is_none_or(|auto| !auto.pools.contains(pool))
    });
}

/// Takes the nodes of the pools away that are `gone`.
pub(super) fn retire(
    world: &mut World,
    region: &str,
    cluster: &Cluster,
    gone: impl Fn(&str) -> bool,
) {
    for (pool, group) in &cluster.auto_nodes {
        if !gone(pool) {
            continue;
        }
        nodes::retire(world, region, &mut group.clone(), 0);
        let clusters = &mut world.region(region).eks.clusters;
        if let Some(cluster) = clusters.get_mut(&cluster.name) {
            cluster.auto_nodes.remove(pool);
        }
    }
}

/// A node as those of a pool are, to see whether a pod would fit it.
pub fn example(pool: &str) -> Value {
    let taints: Vec<Value> = taints(pool)
        .iter()
        .map(|taint| json!({"key": taint.key, "effect": "NoSchedule"}))
        .collect();
    let mut labels = labels(pool);
    for (key, value) in [("arch", "amd64"), ("os", "linux")] {
        labels.insert(format!("kubernetes.io/{key}"), value.to_owned());
    }
    json!({"metadata": {"labels": labels}, "spec": {"taints": taints}})
}

/// Launches one more node of a pool, as it will join; none while it could not.
pub fn launch(world: &mut World, region: &str, name: &str, pool: &str) -> Option<NewNode> {
    let cluster = world.region(region).eks.clusters.get(name)?.clone();
    let role = cluster.auto.as_ref()?.node_role.clone()?;
    let entry = cluster.access_entries.get(&role)?;
    let goes = cluster.status == ClusterStatus::Deleting;
    if goes || entry.kind != access::OF_POOLS || !roles::lets_pools_join(world, &role) {
        return None;
    }
    let ec2 = &world.region(region).ec2;
    let reach = |subnet: &&String| routes::leads_out(ec2, subnet);
    let subnets: Vec<String> = cluster.subnets.iter().filter(reach).cloned().collect();
    if subnets.is_empty() {
        return None;
    }
    let known = cluster.auto_nodes.get(pool).cloned();
    let mut group = known.unwrap_or_else(|| group(world, &cluster, &role, pool));
    group.subnets = subnets;
    group.settings.scaling.desired += 1;
    nodes::launch(world, region, &cluster.cluster_group_id, &mut group);
    if !group.issues.is_empty() {
        return None;
    }
    let node = nodes::joining(&group, group.nodes.last()?);
    let cluster = world.region(region).eks.clusters.get_mut(name)?;
    cluster.auto_nodes.insert(pool.to_owned(), group);
    Some(node)
}

fn labels(pool: &str) -> BTreeMap<String, String> {
    let pairs = [
        ("eks.amazonaws.com/compute-type", "auto"),
        ("eks.amazonaws.com/nodeclass", "default"),
        ("karpenter.sh/capacity-type", "on-demand"),
        ("karpenter.sh/nodepool", pool),
    ];
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pairs.into()
}

/// The pool for what the cluster itself needs keeps others away (EKS user guide, "Built-in NodePool Reference").
fn taints(pool: &str) -> Vec<Taint> {
    let of_system = Taint {
        key: "CriticalAddonsOnly".to_owned(),
        value: String::new(),
        effect: "NO_SCHEDULE".to_owned(),
    };
    match pool {
        "system" => vec![of_system],
        _ => Vec::new(),
    }
}

fn group(world: &mut World, cluster: &Cluster, role: &str, pool: &str) -> Nodegroup {
    Nodegroup {
        name: pool.to_owned(),
        cluster: cluster.name.clone(),
        is_pool: true,
        uid: world.ids.uuid(),
        arn: String::new(),
        created: world.now,
        modified: world.now,
        token: None,
        status: NodegroupStatus::Active,
        version: cluster.version.clone(),
        capacity: "ON_DEMAND".to_owned(),
        // EKS takes machines of the families c, m and r, from the fifth generation on.
        instance_types: vec!["c6i.large".to_owned()],
        subnets: Vec::new(),
        ami_type: "BOTTLEROCKET_x86_64".to_owned(),
        role_arn: role.to_owned(),
        disk_gib: 80,
        settings: Settings {
            scaling: Scaling {
                min: 0,
                max: 0,
                desired: 0,
            },
            labels: labels(pool),
            taints: taints(pool),
            unavailable: Unavailable::Count(1),
        },
        tags: Tags::new(),
        nodes: Vec::new(),
        issues: Vec::new(),
    }
}
