//! The simulated Kubernetes: one API server and its controllers for each EKS cluster of the world.

use serde::{Deserialize, Serialize};

use super::world::World;

/// One cluster: its objects and what its controllers remember.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cluster {}

/// What a controller does by itself at a set moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {}

/// Does what fell due in the cluster `cluster` of `region`.
pub fn run(_world: &mut World, _region: &str, _cluster: &str, task: Task) {
    match task {}
}
