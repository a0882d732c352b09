//! The VPC and what belongs to it.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;

/// The VPC and everything in it that routes packets or resolves names.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The VPC's `Name`.
    pub name: String,
    /// Its address block.
    pub cidr: Ipv4Net,
    /// Tags of the VPC besides `Name` and our own: what Kubernetes looks for.
    pub tags: BTreeMap<String, String>,
    /// The `Name` of the internet gateway; none when no subnet is public.
    pub internet_gateway: Option<String>,
    /// Subnets by key, such as `public-a`.
    pub subnets: BTreeMap<String, Subnet>,
    /// NAT gateways by the letter of their zone.
    pub nat_gateways: BTreeMap<String, NatGateway>,
    /// Route tables by key: `public`, and one for each zone with private subnets, such as `private-a`.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// The zone for names inside the VPC.
    pub private_zone: Option<PrivateZone>,
}

impl Network {
    /// The keys of the private subnets.
    pub fn private_subnets(&self) -> impl Iterator<Item = &str> {
        self.subnets
            .iter()
            .filter(|(_, subnet)| !subnet.public)
            .map(|(key, _)| key.as_str())
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq)]
pub struct Subnet {
    /// Its `Name`.
    pub name: String,
    /// Its availability zone, such as `us-east-1a`.
    pub zone: String,
    /// The letter at the end of the zone.
    pub letter: String,
    /// Its address block.
    pub cidr: Ipv4Net,
    /// Whether its default route is the internet gateway.
    pub public: bool,
    /// Tags besides `Name` and our own: what Kubernetes looks for.
    pub tags: BTreeMap<String, String>,
}

/// A NAT gateway and the address that it shows to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatGateway {
    /// Its `Name`.
    pub name: String,
    /// The `Name` of its elastic IP address.
    pub address_name: String,
    /// The key of the public subnet that it stands in.
    pub subnet: String,
}

/// A route table. The route to the VPC itself is AWS's own and not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Its `Name`.
    pub name: String,
    /// Where everything outside the VPC goes.
    pub default_route: DefaultRoute,
    /// The keys of the subnets that use it.
    pub subnets: Vec<String>,
}

/// Where a route table sends what is for outside the VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DefaultRoute {
    /// Nowhere: there is no such route.
    None,
    /// The internet gateway.
    InternetGateway,
    /// The NAT gateway with this key.
    Nat(String),
}

/// A private Route 53 zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateZone {
    /// Its domain name, lowercase, without the final dot.
    pub name: String,
    /// Its comment.
    pub comment: String,
}

/// A security group; its rules follow from whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its group name and `Name`.
    pub name: String,
    /// Its description, which AWS never changes.
    pub description: String,
}
