//! The simulated EC2: networks and what lives in them, with AWS's dependencies, refusals and times.

mod addresses;
pub mod instances;
pub mod interfaces;
mod kind;
pub mod security_groups;
mod state;

use serde::{Deserialize, Serialize};

pub use kind::Kind;
pub use state::*;

use super::{Call, Fault, Reply};
use crate::sandbox::world::World;

/// The tag by which EKS marks a cluster's own security group.
pub const CLUSTER_NAME_TAG: &str = "aws:eks:cluster-name";

/// What EC2 does by itself, minutes after a call. Each names its resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// pending → running.
    InstanceRuns(String),
    /// shutting-down → terminated.
    InstanceTerminated(String),
    /// No longer listed.
    InstanceForgotten(String),
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    match task {
        Task::InstanceRuns(id) => instances::started(world, region, &id),
        Task::InstanceTerminated(id) => instances::terminated(world, region, &id),
        Task::InstanceForgotten(id) => instances::forgotten(world, region, &id),
    }
}

/// Answers one request.
///
/// # Errors
/// Whatever AWS refuses.
pub fn handle(_world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Err(Fault::unknown_operation(call))
}

/// Every tagged resource of the region, by ARN.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let Some(services) = world.regions.get(region) else {
        return Vec::new();
    };
    let arn = |id: &String| {
        let name = Kind::of(id)?.resource_type();
        Some(format!(
            "arn:aws:ec2:{region}:{}:{name}/{id}",
            world.account
        ))
    };
    (services.ec2.tags.iter())
        .filter_map(|(id, tags)| Some((arn(id)?, tags.clone())))
        .collect()
}
