//! The nodes of a group: instances in EC2, and nodes in the simulated Kubernetes.

use super::settings::to_kubernetes;
use super::state::{Issue, Node, Nodegroup};
use super::versions;
use crate::sandbox::aws::ec2::instances;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::kubernetes::{self, NewNode};
use crate::sandbox::world::World;

/// The code of the issue that an instance was not launched: it is tried again.
pub(super) const NOT_LAUNCHED: &str = "AsgInstanceLaunchFailures";

/// Launches instances until the group has as many as it desires. What EC2 refuses becomes an issue of the group.
pub(super) fn launch(world: &mut World, region: &str, cluster_group: &str, group: &mut Nodegroup) {
    let desired = usize::try_from(group.settings.scaling.desired).unwrap_or_default();
    while group.nodes.len() < desired {
        match launch_one(world, region, cluster_group, group) {
            Ok(node) => group.nodes.push(node),
            Err(issue) => {
                group.issues.push(issue);
                return;
            }
        }
    }
}

fn launch_one(
    world: &mut World,
    region: &str,
    cluster_group: &str,
    group: &Nodegroup,
) -> Result<Node, Issue> {
    let nodes_in = |subnet: &&String| {
        (group.nodes.iter())
            .filter(|node| node.subnet_id == **subnet)
            .count()
    };
    // Of those that have the fewest nodes the one with the lowest block, in whatever order they were given.
    let ec2 = &world.region(region).ec2;
    let block = |subnet: &&String| ec2.subnet(subnet).map(|subnet| subnet.cidr).ok();
    let subnet = (group.subnets.iter()).min_by_key(|subnet| (nodes_in(subnet), block(subnet)));
    let subnet = subnet.cloned();
    let subnet_id = subnet.unwrap_or_default();
    let new = instances::New {
        subnet_id: subnet_id.clone(),
        group_ids: vec![cluster_group.to_owned()],
        instance_type: group.instance_types.first().cloned().unwrap_or_default(),
        image_id: image(group),
        tags: instance_tags(group),
    };
    let failed = |message: String| Issue {
        code: NOT_LAUNCHED.to_owned(),
        message,
        resource_ids: vec![group.scaling_group()],
    };
    let instance_id =
        instances::launch(world, region, new).map_err(|fault| failed(fault.message))?;
    let ec2 = &world.region(region).ec2;
    let instance = ec2
        .instance(&instance_id)
        .map_err(|fault| failed(fault.message))?;
    let zone = ec2.subnet(&subnet_id).map(|subnet| subnet.zone.clone());
    Ok(Node {
        name: node_name(region, &instance.private_ip.to_string()),
        zone: zone.unwrap_or_default(),
        instance_id,
        subnet_id,
    })
}

/// The private DNS name of an instance.
fn node_name(region: &str, ip: &str) -> String {
    let host = ip.replace('.', "-");
    match region {
        "us-east-1" => format!("ip-{host}.ec2.internal"),
        _ => format!("ip-{host}.{region}.compute.internal"),
    }
}

/// An image's id: the same for the same kind and version.
fn image(group: &Nodegroup) -> String {
    use sha2::{Digest, Sha256};
    let release = versions::node_release(&group.version);
    let digest = Sha256::digest(format!("{} {release}", group.ami_type));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("ami-0{}", &hex[..16])
}

fn instance_tags(group: &Nodegroup) -> Tags {
    let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    if group.is_pool {
        // As its policies demand (EKS user guide, "Custom AWS tags for EKS Auto resources").
        return Tags::from([
            tag("eks:eks-cluster-name", &group.cluster),
            tag("eks:kubernetes-node-class-name", "default"),
            tag("eks:kubernetes-node-pool-name", &group.name),
        ]);
    }
    Tags::from([
        tag("eks:cluster-name", &group.cluster),
        tag("eks:nodegroup-name", &group.name),
        tag(&format!("kubernetes.io/cluster/{}", group.cluster), "owned"),
        tag("aws:autoscaling:groupName", &group.scaling_group()),
    ])
}

/// Has the group's nodes join Kubernetes, with the labels and taints of now.
pub(super) fn join(world: &mut World, region: &str, group: &Nodegroup) {
    for node in &group.nodes {
        kubernetes::add_node(world, region, &group.cluster, joining(group, node));
    }
}

/// A node of the group as it joins.
pub(super) fn joining(group: &Nodegroup, node: &Node) -> NewNode {
    let mut labels = group.settings.labels.clone();
    if !group.is_pool {
        labels.insert("eks.amazonaws.com/nodegroup".to_owned(), group.name.clone());
        labels.insert(
            "eks.amazonaws.com/capacityType".to_owned(),
            group.capacity.clone(),
        );
    }
    let taint = |taint: &super::Taint| {
        let effect = to_kubernetes(&taint.effect).unwrap_or_default();
        (taint.key.clone(), taint.value.clone(), effect.to_owned())
    };
    NewNode {
        name: node.name.clone(),
        instance_id: node.instance_id.clone(),
        instance_type: group.instance_types.first().cloned().unwrap_or_default(),
        zone: node.zone.clone(),
        labels,
        taints: group.settings.taints.iter().map(taint).collect(),
    }
}

/// Takes nodes away until `kept` are left, the newest first: out of Kubernetes, and their instances out of EC2.
pub(super) fn retire(world: &mut World, region: &str, group: &mut Nodegroup, kept: usize) {
    while group.nodes.len() > kept {
        let Some(node) = group.nodes.pop() else {
            return;
        };
        kubernetes::remove_node(world, region, &group.cluster, &node.name);
        // Somebody may have terminated it before; then it is gone as it should be.
        let _ = instances::terminate(world, region, &node.instance_id);
    }
}
