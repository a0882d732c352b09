//! What EC2 holds in one region, and the lookups that refuse as AWS does.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use crate::sandbox::aws::Fault;
pub use crate::sandbox::aws::tags::Tags;
use crate::sandbox::time::SimTime;

/// EC2 in one region. Tags stand in one place for all kinds, because their operations treat all kinds alike.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ec2 {
    /// Networks by id.
    pub vpcs: BTreeMap<String, Vpc>,
    /// Subnets by id.
    pub subnets: BTreeMap<String, Subnet>,
    /// Internet gateways by id.
    pub internet_gateways: BTreeMap<String, InternetGateway>,
    /// NAT gateways by id, deleted ones for a while too.
    pub nat_gateways: BTreeMap<String, NatGateway>,
    /// Elastic addresses by allocation id.
    pub addresses: BTreeMap<String, Address>,
    /// Route tables by id.
    pub route_tables: BTreeMap<String, RouteTable>,
    /// Security groups by id.
    pub security_groups: BTreeMap<String, SecurityGroup>,
    /// Network interfaces by id.
    pub interfaces: BTreeMap<String, Interface>,
    /// Instances by id, terminated ones for a while too.
    pub instances: BTreeMap<String, Instance>,
    /// Volumes by id.
    pub volumes: BTreeMap<String, Volume>,
    /// Tags by resource id; an entry is never empty.
    pub tags: BTreeMap<String, Tags>,
    /// What each client token made, by operation and token.
    pub tokens: BTreeMap<String, Token>,
}

/// A network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Vpc {
    /// Its block.
    pub cidr: Ipv4Net,
    /// Whether it went from pending to available.
    pub available: bool,
    /// The attribute `enableDnsSupport`.
    pub dns_support: bool,
    /// The attribute `enableDnsHostnames`.
    pub dns_hostnames: bool,
    /// Id of the association of its one block.
    pub cidr_association: String,
}

/// A subnet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Subnet {
    /// Its network.
    pub vpc_id: String,
    /// Its block.
    pub cidr: Ipv4Net,
    /// Name of its zone.
    pub zone: String,
    /// Whether it went from pending to available.
    pub available: bool,
    /// The attribute `mapPublicIpOnLaunch`.
    pub map_public_ip: bool,
}

/// An internet gateway.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The network that it is attached to.
    pub vpc_id: Option<String>,
}

/// State of a NAT gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NatState {
    /// Being made.
    Pending,
    /// At work.
    Available,
    /// Could not be made.
    Failed,
    /// Going.
    Deleting,
    /// Gone, but still listed.
    Deleted,
}

/// A NAT gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NatGateway {
    /// Its network.
    pub vpc_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Its elastic address; private gateways have none.
    pub allocation_id: Option<String>,
    /// Its interface, which goes when it fails or is deleted.
    pub interface_id: Option<String>,
    /// Its address in the subnet, as it was while it had the interface.
    pub private_ip: Ipv4Addr,
    /// Its public address likewise.
    pub public_ip: Option<Ipv4Addr>,
    /// Where it stands.
    pub state: NatState,
    /// When it was asked for.
    pub created: SimTime,
    /// When it was gone.
    pub deleted: Option<SimTime>,
}

/// An elastic address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub public_ip: Ipv4Addr,
    /// The interface that wears it, and the id of that association.
    pub association: Option<AddressAssociation>,
}

/// Where an elastic address is worn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddressAssociation {
    /// `eipassoc-…`
    pub id: String,
    /// The interface.
    pub interface_id: String,
}

/// A route table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its network.
    pub vpc_id: String,
    /// Routes beside the local one, by destination.
    pub routes: BTreeMap<String, Target>,
    /// Associations by id (`rtbassoc-…`).
    pub associations: BTreeMap<String, Association>,
}

/// What a route table is associated with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Association {
    /// The network: this is its main table.
    Main,
    /// A subnet.
    Subnet(String),
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// An internet gateway.
    InternetGateway(String),
    /// A NAT gateway.
    NatGateway(String),
    /// A network interface.
    Interface(String),
}

/// A security group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its network.
    pub vpc_id: String,
    /// Its name, unique in the network.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its rules by id (`sgr-…`).
    pub rules: BTreeMap<String, Rule>,
}

/// What a rule lets pass; two rules of a group are never equal in this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Whether it is about what leaves.
    pub egress: bool,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all.
    pub protocol: String,
    /// First port, or ICMP type.
    pub from_port: Option<i64>,
    /// Last port, or ICMP code.
    pub to_port: Option<i64>,
    /// The other end.
    pub peer: Peer,
}

/// The other end of a rule's traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    /// An IPv4 block.
    V4(String),
    /// An IPv6 block.
    V6(String),
    /// Whoever wears this security group.
    Group(String),
}

/// A rule of a security group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// What it lets pass.
    pub traffic: Traffic,
    /// Its description.
    pub description: Option<String>,
}

/// A network interface.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interface {
    /// Its network.
    pub vpc_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// Its description, by which people recognise its maker.
    pub description: String,
    /// `interface`, `nat_gateway`, `network_load_balancer`, …
    pub interface_type: String,
    /// The service that made it, if one did: `amazon-elb`, a principal's id, …
    pub requester: Option<String>,
    /// Its address in the subnet.
    pub private_ip: Ipv4Addr,
    /// Its public address, elastic or lent.
    pub public_ip: Option<Ipv4Addr>,
    /// What it is attached to; `None` is the state `available`.
    pub attachment: Option<Attachment>,
}

/// What an interface is attached to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Attachment {
    /// An instance of this account, as its first device.
    Instance(String),
    /// Something of the service that made the interface, for example `amazon-rds` or `amazon-elb`.
    Service(String),
}

/// State of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// At work.
    Running,
    /// Going.
    ShuttingDown,
    /// Gone, but still listed.
    Terminated,
}

/// An instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// Its network.
    pub vpc_id: String,
    /// Its subnet.
    pub subnet_id: String,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// For example `t3.medium`.
    pub instance_type: String,
    /// The image that it started from.
    pub image_id: String,
    /// Its first interface, which goes with it.
    pub interface_id: Option<String>,
    /// Its address in the subnet.
    pub private_ip: Ipv4Addr,
    /// Where it stands.
    pub state: InstanceState,
    /// When it was launched.
    pub launched: SimTime,
}

/// A volume. Nothing here attaches one: those that matter are left over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Volume {
    /// Its zone.
    pub zone: String,
    /// Its size.
    pub gib: i64,
    /// For example `gp3`.
    pub volume_type: String,
    /// When it was made.
    pub created: SimTime,
}

/// What a client token made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// The resource.
    pub id: String,
    /// The input that came with it: another one with the same token is refused.
    pub input: serde_json::Value,
}

/// A lookup by id that answers AWS's refusal.
macro_rules! lookup {
    ($($name:ident, $name_mut:ident, $map:ident, $type:ty, $kind:ident;)*) => {$(
        #[doc = concat!("The ", stringify!($kind), " of this id.")]
        pub fn $name(&self, id: &str) -> Result<&$type, Fault> {
            self.$map.get(id).ok_or_else(|| Kind::$kind.not_found(id))
        }

        #[doc = concat!("The ", stringify!($kind), " of this id, to change it.")]
        pub fn $name_mut(&mut self, id: &str) -> Result<&mut $type, Fault> {
            self.$map.get_mut(id).ok_or_else(|| Kind::$kind.not_found(id))
        }
    )*};
}

impl Ec2 {
    lookup! {
        vpc, vpc_mut, vpcs, Vpc, Vpc;
        subnet, subnet_mut, subnets, Subnet, Subnet;
        internet_gateway, internet_gateway_mut, internet_gateways, InternetGateway, InternetGateway;
        nat_gateway, nat_gateway_mut, nat_gateways, NatGateway, NatGateway;
        address, address_mut, addresses, Address, Address;
        route_table, route_table_mut, route_tables, RouteTable, RouteTable;
        security_group, security_group_mut, security_groups, SecurityGroup, SecurityGroup;
        interface, interface_mut, interfaces, Interface, NetworkInterface;
        instance, instance_mut, instances, Instance, Instance;
        volume, volume_mut, volumes, Volume, Volume;
    }

    /// Whether a resource of this id exists.
    pub fn has(&self, kind: Kind, id: &str) -> bool {
        match kind {
            Kind::Vpc => self.vpcs.contains_key(id),
            Kind::Subnet => self.subnets.contains_key(id),
            Kind::InternetGateway => self.internet_gateways.contains_key(id),
            Kind::NatGateway => self.nat_gateways.contains_key(id),
            Kind::Address => self.addresses.contains_key(id),
            Kind::RouteTable => self.route_tables.contains_key(id),
            Kind::SecurityGroup => self.security_groups.contains_key(id),
            Kind::SecurityGroupRule => {
                (self.security_groups.values()).any(|group| group.rules.contains_key(id))
            }
            Kind::NetworkInterface => self.interfaces.contains_key(id),
            Kind::Instance => self.instances.contains_key(id),
            Kind::Volume => self.volumes.contains_key(id),
        }
    }

    /// The tags of a resource.
    pub fn tags_of(&self, id: &str) -> Tags {
        self.tags.get(id).cloned().unwrap_or_default()
    }

    /// Adds tags, or gives those that exist a new value.
    pub fn add_tags(&mut self, id: &str, tags: Tags) {
        if !tags.is_empty() {
            self.tags.entry(id.to_owned()).or_default().extend(tags);
        }
    }

    /// Forgets what is remembered beside a resource that is gone: its tags and its client token.
    pub fn forget(&mut self, id: &str) {
        self.tags.remove(id);
        self.tokens.retain(|_, made| made.id != id);
    }
}
