//! What EKS demands of the roles that it is given.

use super::invalid;
use crate::sandbox::aws::Fault;
use crate::sandbox::world::World;

/// Refuses a role that doesn't exist or that the service `principal` can't assume.
pub(super) fn check(world: &World, arn: &str, principal: &str) -> Result<(), Fault> {
    let role = world.global.iam.role_by_arn(arn);
    match role.is_some_and(|role| role.trusts(principal)) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
        ))),
    }
}

/// Refuses a role that can't be told in tags of the session as whom it acts.
pub(super) fn check_tags_session(world: &World, arn: &str) -> Result<(), Fault> {
    let role = world.global.iam.role_by_arn(arn);
    match role.is_some_and(|role| role.trust.contains("sts:TagSession")) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Trust policy of role {arn} is not correct: it must allow sts:AssumeRole and sts:TagSession"
        ))),
    }
}

/// What nodes need before they can join: each row names policies of which one is enough.
const NODE_POLICIES: [&[&str]; 3] = [
    &[
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKSWorkerNodeMinimalPolicy",
    ],
    &[
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEC2ContainerRegistryReadOnly",
    ],
    &["AmazonEKS_CNI_Policy"],
];

/// Whether nodes with this role can join a cluster.
pub(super) fn lets_nodes_join(world: &World, arn: &str) -> bool {
    has_all(world, arn, &NODE_POLICIES)
}

/// The same for nodes of Auto Mode, whose network is EKS's own business.
pub(super) fn lets_pools_join(world: &World, arn: &str) -> bool {
    has_all(world, arn, &NODE_POLICIES[..2])
}

fn has_all(world: &World, arn: &str, policies: &[&[&str]]) -> bool {
    let Some(role) = world.global.iam.role_by_arn(arn) else {
        return false;
    };
    let has = |policy: &&str| {
        let arn = format!("arn:aws:iam::aws:policy/{policy}");
        role.entity.attached.contains(&arn)
    };
    policies.iter().all(|choices| choices.iter().any(has))
}
