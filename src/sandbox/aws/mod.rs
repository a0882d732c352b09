//! The simulated AWS: the operations that groundwork calls, over AWS's own wire protocols.
//!
//! A request is decoded by `protocol` into a [`Call`], answered by a service module as a [`Reply`] tree
//! or a [`Fault`], and encoded by `protocol` again. A service module knows nothing of the wire.

mod call;
mod connector;
pub mod ec2;
pub mod ecr;
pub mod eks;
pub mod elasticache;
pub mod elbv2;
mod fields;
pub mod iam;
pub mod logs;
mod machine_types;
mod names;
pub mod page;
mod placement;
pub mod protocol;
pub mod quotas;
pub mod rds;
mod respond;
pub mod route53;
pub mod secrets_manager;
pub mod sts;
pub mod subnet_groups;
mod tag_operations;
pub mod tagging;
pub mod tags;
#[cfg(test)]
pub(super) mod testing;
mod wildcard;
#[cfg(test)]
mod wire_tests;

use serde::{Deserialize, Serialize};

pub use call::{Call, Fault, Params, Reply};
pub use connector::http_client;
pub use fields::Fields;
pub use respond::respond;

use super::world::World;

/// Answers one decoded request: hands it to its service.
///
/// # Errors
/// The error that AWS would answer; for what the sandbox does not know, one that says so.
pub fn dispatch(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.service.as_str() {
        "ec2" => ec2::handle(world, call),
        "eks" => eks::handle(world, call),
        "ecr" => ecr::handle(world, call),
        "elasticache" => elasticache::handle(world, call),
        "elasticloadbalancing" => elbv2::handle(world, call),
        "elasticloadbalancing-classic" => elbv2::handle_classic(world, call),
        "iam" => iam::handle(world, call),
        "logs" => logs::handle(world, call),
        "rds" => rds::handle(world, call),
        "route53" => route53::handle(world, call),
        "secretsmanager" => secrets_manager::handle(world, call),
        "servicequotas" => quotas::handle(world, call),
        "sts" => sts::handle(world, call),
        "tagging" => tagging::handle(world, call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Has what `call` has just begun come to nothing, where AWS takes its time for it.
pub fn fail_later(world: &mut World, call: &Call) {
    match call.service.as_str() {
        "ec2" => ec2::fail_later(world, call),
        "eks" => eks::fail_later(world, call),
        "elasticache" => elasticache::fail_later(world, call),
        "rds" => rds::fail_later(world, call),
        _ => {}
    }
}

/// Services without a region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Global {
    /// Roles, groups, users and policies.
    pub iam: iam::Iam,
    /// Hosted zones.
    pub route53: route53::Route53,
}

/// The services of one region.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Region {
    /// Networks and what lives in them.
    pub ec2: ec2::Ec2,
    /// Clusters and node groups.
    pub eks: eks::Eks,
    /// Image registries.
    pub ecr: ecr::Ecr,
    /// Caches.
    pub elasticache: elasticache::ElastiCache,
    /// Load balancers.
    pub elbv2: elbv2::Elbv2,
    /// Log groups.
    pub logs: logs::Logs,
    /// Databases.
    pub rds: rds::Rds,
    /// Quotas that are not the usual ones.
    #[serde(default)]
    pub quotas: quotas::Agreed,
    /// Secrets and their values.
    pub secrets_manager: secrets_manager::SecretsManager,
}

/// What an AWS service does by itself at a set moment; one variant for each service that has any.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// In EC2.
    Ec2(ec2::Task),
    /// In EKS.
    Eks(eks::Task),
    /// In ElastiCache.
    ElastiCache(elasticache::Task),
    /// In Elastic Load Balancing.
    Elbv2(elbv2::Task),
    /// In RDS.
    Rds(rds::Task),
    /// In Secrets Manager.
    SecretsManager(secrets_manager::Task),
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    match task {
        Task::Ec2(task) => ec2::run(world, region, task),
        Task::Eks(task) => eks::run(world, region, task),
        Task::ElastiCache(task) => elasticache::run(world, region, task),
        Task::Elbv2(task) => elbv2::run(world, region, task),
        Task::Rds(task) => rds::run(world, region, task),
        Task::SecretsManager(task) => secrets_manager::run(world, region, task),
    }
}

/// What a new account holds: AWS's managed policies, and the user `ops-account` that the examples name.
pub fn seed(world: &mut World) {
    iam::seed(world);
}
