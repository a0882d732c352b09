//! The simulated Elastic Load Balancing: load balancers whose interfaces occupy subnets and security groups. Version 2
//! of the service knows network and application load balancers; the classic ones have an API of their own.

mod classic;
pub mod hosted_zones;
mod load_balancers;
mod operations;
pub mod service;
mod target_groups;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use load_balancers::delete as delete_load_balancer;
pub use service::{
    Maker, NewServiceLoadBalancer, ServiceLoadBalancer, ServicePort, create_for_service,
    delete_for_auto_mode, delete_for_service, update_for_service,
};

use super::ec2::Tags;
use super::{Call, Fault, Reply};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// Elastic Load Balancing in one region; everything by ARN.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Elbv2 {
    /// Load balancers.
    pub load_balancers: BTreeMap<String, LoadBalancer>,
    /// Target groups.
    pub target_groups: BTreeMap<String, TargetGroup>,
    /// Tags; an entry is never empty.
    pub tags: BTreeMap<String, Tags>,
}

/// A load balancer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// Its name, unique in the region.
    pub name: String,
    /// What its clients call.
    pub dns_name: String,
    /// Of which generation and layer it is.
    pub kind: Kind,
    /// Whether it has no public addresses.
    pub internal: bool,
    /// Its network.
    pub vpc_id: String,
    /// Its subnets, one for each zone.
    pub subnet_ids: Vec<String>,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// Its interfaces, which outlive it by a while.
    pub interface_ids: Vec<String>,
    /// Its listeners by ARN.
    pub listeners: BTreeMap<String, Listener>,
    /// Whether it went from provisioning to active.
    pub active: bool,
    /// When it was asked for.
    pub created: SimTime,
}

/// Which sort of load balancer it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Of layer 4.
    #[default]
    Network,
    /// Of layer 7.
    Application,
    /// Of the generation before, which version 2 of the service does not know.
    Classic,
}

impl Kind {
    /// As AWS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Application => "application",
            Self::Classic => "classic",
        }
    }
}

/// A port on which a load balancer listens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listener {
    /// The port.
    pub port: i64,
    /// For example `TCP`.
    pub protocol: String,
    /// ARN of the target group that it forwards to.
    pub target_group: String,
    /// ARN of the certificate that it shows, if it speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// Its name, unique in the region.
    pub name: String,
    /// For example `TCP`.
    pub protocol: String,
    /// The targets' port.
    pub port: i64,
    /// Its network.
    pub vpc_id: String,
    /// `instance` or `ip`.
    pub target_type: String,
}

/// What the service does by itself, minutes after a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// provisioning → active, by ARN.
    Active(String),
    /// The interfaces of a deleted load balancer go.
    InterfacesGone(Vec<String>),
    /// The cloud provider inside Kubernetes removes the security group that it made for a Service.
    ServiceGroupGone(String),
}

/// Does what fell due.
pub fn run(world: &mut World, region: &str, task: Task) {
    match task {
        Task::Active(arn) => load_balancers::active(world, region, &arn),
        Task::InterfacesGone(ids) => load_balancers::interfaces_gone(world, region, &ids),
        Task::ServiceGroupGone(id) => service::group_gone(world, region, &id),
    }
}

/// Answers one request to the API of classic load balancers.
///
/// # Errors
/// Whatever AWS refuses.
pub fn handle_classic(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "DescribeLoadBalancers" => classic::describe_load_balancers(world, call),
        "DeleteLoadBalancer" => classic::delete_load_balancer(world, call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Answers one request to version 2.
///
/// # Errors
/// Whatever AWS refuses.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateLoadBalancer" => operations::create_load_balancer(world, call),
        "DescribeLoadBalancers" => operations::describe_load_balancers(world, call),
        "DeleteLoadBalancer" => operations::delete_load_balancer(world, call),
        "CreateTargetGroup" => operations::create_target_group(world, call),
        "DescribeTargetGroups" => operations::describe_target_groups(world, call),
        "DeleteTargetGroup" => operations::delete_target_group(world, call),
        "CreateListener" => operations::create_listener(world, call),
        "DescribeListeners" => operations::describe_listeners(world, call),
        "DescribeTags" => operations::describe_tags(world, call),
        "AddTags" => operations::add_tags(world, call),
        "RemoveTags" => operations::remove_tags(world, call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

impl Elbv2 {
    /// The load balancers that version 2 knows, by ARN.
    fn of_version_2(&self) -> impl Iterator<Item = (&String, &LoadBalancer)> {
        (self.load_balancers.iter()).filter(|(_, balancer)| balancer.kind != Kind::Classic)
    }

    /// ARN of the load balancer of this name.
    pub fn by_name(&self, name: &str) -> Option<&str> {
        (self.load_balancers.iter())
            .find(|(_, balancer)| balancer.name == name)
            .map(|(arn, _)| arn.as_str())
    }

    /// Adds tags, or gives those that exist a new value.
    pub fn add_tags(&mut self, arn: &str, tags: Tags) {
        if !tags.is_empty() {
            self.tags.entry(arn.to_owned()).or_default().extend(tags);
        }
    }
}

/// Every tagged resource of the service in the region, by ARN.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    world.regions.get(region).map_or_else(Vec::new, |services| {
        (services.elbv2.tags.iter())
            .map(|(arn, tags)| (arn.clone(), tags.clone()))
            .collect()
    })
}
