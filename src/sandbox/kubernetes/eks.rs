//! What EKS does to a cluster from outside: it starts and ends the API server, and nodes come and go.

use std::collections::BTreeMap;

use super::cluster::Cluster;
use crate::sandbox::world::World;

/// A node that joins.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// The node's name, the instance's private DNS name.
    pub name: String,
    /// The EC2 instance.
    pub instance_id: String,
    /// Its type, such as `t3.medium`.
    pub instance_type: String,
    /// Its availability zone.
    pub zone: String,
    /// The node group's labels.
    pub labels: BTreeMap<String, String>,
    /// The node group's taints: key, value, and effect as Kubernetes writes it (`NoSchedule`).
    pub taints: Vec<(String, String, String)>,
}

/// How the world finds a cluster.
pub(super) fn world_key(region: &str, name: &str) -> String {
    format!("{region}/{name}")
}

/// Starts the API server of an EKS cluster, once EKS reports it ACTIVE, with all that EKS puts into a new cluster.
pub fn create_cluster(world: &mut World, region: &str, name: &str, version: &str) {
    let cluster = Cluster {
        name: name.to_owned(),
        region: region.to_owned(),
        version: version.to_owned(),
        ..Cluster::default()
    };
    world.clusters.insert(world_key(region, name), cluster);
}

/// Ends the API server. What its controllers made in AWS (load balancers, volumes) stays behind, as in AWS.
pub fn delete_cluster(world: &mut World, region: &str, name: &str) {
    world.clusters.remove(&world_key(region, name));
}

/// A node joins the cluster, ready. A cluster that isn't there is passed over.
pub fn add_node(world: &mut World, region: &str, cluster: &str, node: NewNode) {
    if let Some(cluster) = world.clusters.get_mut(&world_key(region, cluster)) {
        let document = serde_json::json!({"metadata": {"name": node.name}});
        cluster
            .objects
            .entry("nodes".to_owned())
            .or_default()
            .insert(format!("/{}", node.name), document);
    }
}

/// A node leaves the cluster, and its pods with it.
pub fn remove_node(world: &mut World, region: &str, cluster: &str, name: &str) {
    if let Some(nodes) = world
        .clusters
        .get_mut(&world_key(region, cluster))
        .and_then(|cluster| cluster.objects.get_mut("nodes"))
    {
        nodes.remove(&format!("/{name}"));
    }
}
