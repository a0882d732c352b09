//! The simulated EC2: networks and what lives in them, with AWS's dependencies, refusals and times.

mod addresses;
mod cidr;
mod describe;
mod instance_types;
pub mod instances;
pub mod interfaces;
mod internet_gateways;
mod kind;
mod nat_gateways;
mod permissions;
mod route_tables;
pub mod routes;
mod rules;
pub mod security_groups;
mod state;
mod subnets;
mod tags;
#[cfg(test)]
mod tests;
mod tokens;
mod volumes;
mod vpcs;
pub mod zones;

use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(super) use describe::texts_at;
pub use kind::Kind;
pub use nat_gateways::fail_later;
pub use state::*;

use super::{Call, Fault, Fields, Reply};
use crate::sandbox::schedule;
use crate::sandbox::world::World;

/// The tag by which EKS marks a cluster's own security group.
pub const CLUSTER_NAME_TAG: &str = "aws:eks:cluster-name";

/// What EC2 does by itself, minutes after a call. Each names its resource.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// pending → available.
    VpcAvailable(String),
    /// pending → available.
    SubnetAvailable(String),
    /// pending → available.
    NatGatewayAvailable(String),
    /// pending → failed.
    NatGatewayFails(String),
    /// deleting → deleted.
    NatGatewayDeleted(String),
    /// No longer listed.
    NatGatewayForgotten(String),
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
        Task::VpcAvailable(id) => vpcs::available(world, region, &id),
        Task::SubnetAvailable(id) => subnets::available(world, region, &id),
        Task::NatGatewayAvailable(id) => nat_gateways::available(world, region, &id),
        Task::NatGatewayFails(id) => nat_gateways::failed(world, region, &id),
        Task::NatGatewayDeleted(id) => nat_gateways::deleted(world, region, &id),
        Task::NatGatewayForgotten(id) => nat_gateways::forgotten(world, region, &id),
        Task::InstanceRuns(id) => instances::started(world, region, &id),
        Task::InstanceTerminated(id) => instances::terminated(world, region, &id),
        Task::InstanceForgotten(id) => instances::forgotten(world, region, &id),
    }
}

/// Answers one request.
///
/// # Errors
/// Whatever AWS refuses.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if call.params.flag("DryRun") == Some(true) {
        let message = "Request would have succeeded, but DryRun flag is set.";
        return Err(Fault::new("DryRunOperation", message).status(412));
    }
    match call.operation.as_str() {
        "CreateVpc" => vpcs::create(world, call),
        "DescribeVpcs" => vpcs::describe(world, call),
        "DeleteVpc" => vpcs::delete(world, call),
        "ModifyVpcAttribute" => vpcs::modify_attribute(world, call),
        "DescribeVpcAttribute" => vpcs::describe_attribute(world, call),
        "CreateSubnet" => subnets::create(world, call),
        "DescribeSubnets" => subnets::describe(world, call),
        "ModifySubnetAttribute" => subnets::modify_attribute(world, call),
        "DeleteSubnet" => subnets::delete(world, call),
        "CreateInternetGateway" => internet_gateways::create(world, call),
        "AttachInternetGateway" => internet_gateways::attach(world, call),
        "DetachInternetGateway" => internet_gateways::detach(world, call),
        "DeleteInternetGateway" => internet_gateways::delete(world, call),
        "DescribeInternetGateways" => internet_gateways::describe(world, call),
        "AllocateAddress" => addresses::allocate(world, call),
        "DescribeAddresses" => addresses::describe(world, call),
        "ReleaseAddress" => addresses::release(world, call),
        "CreateNatGateway" => nat_gateways::create(world, call),
        "DescribeNatGateways" => nat_gateways::describe(world, call),
        "DeleteNatGateway" => nat_gateways::delete(world, call),
        "CreateRouteTable" => route_tables::create(world, call),
        "DescribeRouteTables" => route_tables::describe(world, call),
        "DeleteRouteTable" => route_tables::delete(world, call),
        "AssociateRouteTable" => route_tables::associate(world, call),
        "DisassociateRouteTable" => route_tables::disassociate(world, call),
        "ReplaceRouteTableAssociation" => route_tables::replace_association(world, call),
        "CreateRoute" => routes::create(world, call),
        "ReplaceRoute" => routes::replace(world, call),
        "DeleteRoute" => routes::delete(world, call),
        "CreateSecurityGroup" => security_groups::create_call(world, call),
        "DescribeSecurityGroups" => security_groups::describe(world, call),
        "DeleteSecurityGroup" => security_groups::delete_call(world, call),
        "AuthorizeSecurityGroupIngress" => rules::authorize(world, call, false),
        "AuthorizeSecurityGroupEgress" => rules::authorize(world, call, true),
        "RevokeSecurityGroupIngress" => rules::revoke(world, call, false),
        "RevokeSecurityGroupEgress" => rules::revoke(world, call, true),
        "ModifySecurityGroupRules" => rules::modify(world, call),
        "DescribeSecurityGroupRules" => rules::describe(world, call),
        "CreateNetworkInterface" => interfaces::create_call(world, call),
        "DescribeNetworkInterfaces" => interfaces::describe(world, call),
        "DeleteNetworkInterface" => interfaces::delete_call(world, call),
        "DescribeInstances" => instances::describe(world, call),
        "DescribeInstanceTypes" => instance_types::describe(call),
        "DescribeInstanceTypeOfferings" => instance_types::describe_offerings(call),
        "CreateVolume" => volumes::create(world, call),
        "DescribeVolumes" => volumes::describe(world, call),
        "DeleteVolume" => volumes::delete(world, call),
        "CreateTags" => tags::create(world, call),
        "DeleteTags" => tags::delete(world, call),
        "DescribeTags" => tags::describe(world, call),
        "DescribeAvailabilityZones" => zones::describe(call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// The answer of an operation that has nothing to tell.
fn done() -> Reply {
    Fields::new().with("return", true).into()
}

/// Has `task` done after `seconds`.
fn later(world: &mut World, region: &str, seconds: u64, task: Task) {
    let task = schedule::Task::Aws {
        region: region.to_owned(),
        task: super::Task::Ec2(task),
    };
    world.in_secs(seconds, task);
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
