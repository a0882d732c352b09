//! Section `network`: the VPC and everything in it that routes packets, and the security groups of all sections.

mod ec2;
mod elastic_ip;
mod internet_gateway;
pub mod inventory;
mod nat_gateway;
pub mod occupants;
mod permissions;
mod route_table;
mod security_group;
mod security_group_rule;
mod subnet;
#[cfg(test)]
mod tests;
mod vpc;

pub use elastic_ip::ElasticIp;
pub use internet_gateway::InternetGateway;
pub use nat_gateway::NatGateway;
pub use route_table::RouteTable;
pub use security_group::{SecurityGroup, security_group};
pub use security_group_rule::SecurityGroupRule;
pub use subnet::Subnet;
pub use vpc::Vpc;

pub(super) use ec2::filter;

use super::Input;
use crate::address::Address;

/// Where the VPC stands.
pub fn vpc() -> Address {
    Address::of(&["network", "vpc"])
}

/// Where the internet gateway stands.
pub fn internet_gateway() -> Address {
    Address::of(&["network", "internet-gateway"])
}

/// Where the subnet with this key stands.
pub fn subnet(key: &str) -> Address {
    Address::of(&["network", "subnet", key])
}

/// Where the elastic IP address of the NAT gateway with this key stands.
pub fn elastic_ip(key: &str) -> Address {
    Address::of(&["network", "address", key])
}

/// Where the NAT gateway with this key stands.
pub fn nat_gateway(key: &str) -> Address {
    Address::of(&["network", "nat-gateway", key])
}

/// Where the route table with this key stands.
pub fn route_table(key: &str) -> Address {
    Address::of(&["network", "route-table", key])
}

/// The ids of the subnets with these keys.
pub fn subnet_ids(keys: &[String]) -> Vec<Input> {
    keys.iter()
        .map(|key| Input::of(&subnet(key), "id"))
        .collect()
}
