//! The kinds of EC2 resources that carry an id and tags: how AWS spells their ids, their names and their absence.

use crate::sandbox::aws::Fault;

/// A kind of EC2 resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `vpc-…`
    Vpc,
    /// `subnet-…`
    Subnet,
    /// `igw-…`
    InternetGateway,
    /// `nat-…`
    NatGateway,
    /// `eipalloc-…`
    Address,
    /// `rtb-…`
    RouteTable,
    /// `sg-…`
    SecurityGroup,
    /// `sgr-…`
    SecurityGroupRule,
    /// `eni-…`
    NetworkInterface,
    /// `i-…`
    Instance,
    /// `vol-…`
    Volume,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Vpc,
        Self::Subnet,
        Self::InternetGateway,
        Self::NatGateway,
        Self::Address,
        Self::RouteTable,
        Self::SecurityGroup,
        Self::SecurityGroupRule,
        Self::NetworkInterface,
        Self::Instance,
        Self::Volume,
    ];

    /// The kind that an id's prefix tells.
    pub fn of(id: &str) -> Option<Self> {
        let (prefix, _) = id.split_once('-')?;
        Self::ALL.into_iter().find(|kind| kind.prefix() == prefix)
    }

    /// What an id begins with, without the hyphen.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::InternetGateway => "igw",
            Self::NatGateway => "nat",
            Self::Address => "eipalloc",
            Self::RouteTable => "rtb",
            Self::SecurityGroup => "sg",
            Self::SecurityGroupRule => "sgr",
            Self::NetworkInterface => "eni",
            Self::Instance => "i",
            Self::Volume => "vol",
        }
    }

    /// The type in ARNs, tag specifications and DescribeTags.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::InternetGateway => "internet-gateway",
            Self::NatGateway => "natgateway",
            Self::Address => "elastic-ip",
            Self::RouteTable => "route-table",
            Self::SecurityGroup => "security-group",
            Self::SecurityGroupRule => "security-group-rule",
            Self::NetworkInterface => "network-interface",
            Self::Instance => "instance",
            Self::Volume => "volume",
        }
    }

    /// The refusal for an id that names nothing.
    pub fn not_found(self, id: &str) -> Fault {
        let (code, noun) = match self {
            Self::Vpc => ("InvalidVpcID.NotFound", "vpc ID"),
            Self::Subnet => ("InvalidSubnetID.NotFound", "subnet ID"),
            Self::InternetGateway => ("InvalidInternetGatewayID.NotFound", "internetGateway ID"),
            Self::NatGateway => ("NatGatewayNotFound", "NAT gateway"),
            Self::Address => ("InvalidAllocationID.NotFound", "allocation ID"),
            Self::RouteTable => ("InvalidRouteTableID.NotFound", "routeTable ID"),
            Self::SecurityGroup => ("InvalidGroup.NotFound", "security group"),
            Self::SecurityGroupRule => (
                "InvalidSecurityGroupRuleId.NotFound",
                "security group rule ID",
            ),
            Self::NetworkInterface => ("InvalidNetworkInterfaceID.NotFound", "networkInterface ID"),
            Self::Instance => ("InvalidInstanceID.NotFound", "instance ID"),
            Self::Volume => ("InvalidVolume.NotFound", "volume"),
        };
        Fault::new(code, format!("The {noun} '{id}' does not exist"))
    }

    /// The refusal to delete what something else still needs.
    pub fn in_use(self, id: &str) -> Fault {
        Fault::new(
            "DependencyViolation",
            format!(
                "The {} '{id}' has dependencies and cannot be deleted.",
                self.resource_type()
            ),
        )
    }
}
