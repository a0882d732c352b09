//! Network interfaces: what occupies a subnet, its security groups and, with a public address, the internet gateway.

use std::net::Ipv4Addr;

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Address, AddressAssociation, Attachment, Ec2, Interface, Subnet, Tags};
use super::{addresses, done, security_groups, tags, tokens};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// The public address that a new interface shall have.
#[derive(Clone, Debug)]
pub enum PublicIp {
    /// One that AWS lends as long as the interface lives.
    Lent,
    /// The elastic address with this allocation id.
    Allocation(String),
}

/// What a new interface shall be.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// The subnet, one of whose addresses it takes.
    pub subnet_id: String,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// Its description, by which people recognise its maker.
    pub description: String,
    /// `interface` where it is left empty.
    pub interface_type: String,
    /// The service that makes it and that alone may delete it; `None` for an interface of the account's own.
    pub requester: Option<String>,
    /// A public address.
    pub public_ip: Option<PublicIp>,
    /// What it is attached to; `None` leaves it `available`.
    pub attachment: Option<Attachment>,
    /// A certain address of the subnet.
    pub private_ip: Option<Ipv4Addr>,
    /// Its tags.
    pub tags: Tags,
}

/// Makes an interface; answers its id.
///
/// # Errors
/// When subnet, groups or address don't exist or don't fit, or the subnet is full.
pub fn create(world: &mut World, region: &str, new: New) -> Result<String, Fault> {
    let ec2 = &world.region(region).ec2;
    let subnet = ec2.subnet(&new.subnet_id)?.clone();
    check_groups(ec2, &subnet.vpc_id, &new.group_ids)?;
    let private_ip = match new.private_ip {
        None => free_ip(ec2, &new.subnet_id, &subnet)?,
        Some(asked) => usable_ip(ec2, &new.subnet_id, &subnet, asked)?,
    };
    let public_ip = match &new.public_ip {
        None => None,
        Some(PublicIp::Lent) => Some(addresses::unused_public_ip(world, region)),
        Some(PublicIp::Allocation(id)) => Some(free_address(ec2, id)?.public_ip),
    };
    let id = world.ids.ec2(Kind::NetworkInterface.prefix());
    let association = format!("eipassoc-0{}", world.ids.hex(16));
    let ec2 = &mut world.region(region).ec2;
    if let Some(PublicIp::Allocation(allocation)) = &new.public_ip {
        ec2.address_mut(allocation)?.association = Some(AddressAssociation {
            id: association,
            interface_id: id.clone(),
        });
    }
    let interface = Interface {
        vpc_id: subnet.vpc_id,
        subnet_id: new.subnet_id,
        group_ids: new.group_ids,
        description: new.description,
        interface_type: if new.interface_type.is_empty() {
            "interface".to_owned()
        } else {
            new.interface_type
        },
        requester: new.requester,
        private_ip,
        public_ip,
        attachment: new.attachment,
    };
    ec2.interfaces.insert(id.clone(), interface);
    ec2.add_tags(&id, new.tags);
    Ok(id)
}

/// Removes an interface whatever it is attached to, as the service that made it may, and frees its elastic address.
///
/// # Errors
/// When there is none of this id.
pub fn delete(world: &mut World, region: &str, id: &str) -> Result<(), Fault> {
    let ec2 = &mut world.region(region).ec2;
    ec2.interfaces
        .remove(id)
        .ok_or_else(|| Kind::NetworkInterface.not_found(id))?;
    for address in ec2.addresses.values_mut() {
        if matches!(&address.association, Some(worn) if worn.interface_id == id) {
            address.association = None;
        }
    }
    ec2.forget(id);
    Ok(())
}

/// CreateNetworkInterface.
pub(super) fn create_call(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = tokens::once(world, call, make)?;
    let view = View::of(world, &call.region);
    let interface = reply(&view, &id, view.ec2.interface(&id)?);
    Ok(Fields::new()
        .with("networkInterface", interface)
        .maybe("clientToken", call.params.text("ClientToken"))
        .into())
}

fn make(world: &mut World, call: &Call) -> Result<String, Fault> {
    let params = &call.params;
    let subnet_id = params.required("SubnetId")?;
    let ec2 = &world.region(&call.region).ec2;
    let vpc_id = &ec2.subnet(&subnet_id)?.vpc_id;
    let asked = params.texts("SecurityGroupId");
    let private_ip = params.text("PrivateIpAddress").map(|text| read_ip(&text));
    let new = New {
        group_ids: security_groups::given_or_default(ec2, vpc_id, asked),
        subnet_id,
        description: params.text("Description").unwrap_or_default(),
        private_ip: private_ip.transpose()?,
        tags: tags::specified(params, Kind::NetworkInterface)?,
        ..New::default()
    };
    create(world, &call.region, new)
}

fn read_ip(text: &str) -> Result<Ipv4Addr, Fault> {
    text.parse().map_err(|_| {
        Fault::new(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter privateIpAddress is invalid."),
        )
    })
}

/// DeleteNetworkInterface: not while it is attached.
pub(super) fn delete_call(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("NetworkInterfaceId")?;
    let interface = world.region(&call.region).ec2.interface(&id)?;
    if interface.attachment.is_some() {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Network interface '{id}' is currently in use."),
        ));
    }
    delete(world, &call.region, &id)?;
    Ok(done())
}

/// DescribeNetworkInterfaces.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "networkInterfaceSet",
        ids: "NetworkInterfaceId",
        kind: Some(Kind::NetworkInterface),
        id_member: "networkInterfaceId",
        filters: &[
            (
                "addresses.private-ip-address",
                "privateIpAddressesSet.privateIpAddress",
            ),
            ("association.allocation-id", "association.allocationId"),
            ("association.association-id", "association.associationId"),
            ("association.public-ip", "association.publicIp"),
            ("attachment.instance-id", "attachment.instanceId"),
            ("attachment.instance-owner-id", "attachment.instanceOwnerId"),
            ("attachment.status", "attachment.status"),
            ("availability-zone", "availabilityZone"),
            ("description", "description"),
            ("group-id", "groupSet.groupId"),
            ("group-name", "groupSet.groupName"),
            ("interface-type", "interfaceType"),
            ("network-interface-id", "networkInterfaceId"),
            ("owner-id", "ownerId"),
            ("private-ip-address", "privateIpAddress"),
            ("requester-id", "requesterId"),
            ("requester-managed", "requesterManaged"),
            ("status", "status"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.interfaces, reply)
}

fn reply(view: &View<'_>, id: &str, interface: &Interface) -> Reply {
    let zone = (view.ec2.subnets.get(&interface.subnet_id)).map(|subnet| &subnet.zone);
    let private_ip = interface.private_ip.to_string();
    let address = Fields::new()
        .with("privateIpAddress", &private_ip)
        .with("primary", true);
    Fields::new()
        .with("networkInterfaceId", id)
        .with("subnetId", &interface.subnet_id)
        .with("vpcId", &interface.vpc_id)
        .maybe("availabilityZone", zone)
        .with("description", &interface.description)
        .with("ownerId", view.account)
        .maybe("requesterId", interface.requester.as_ref())
        .with("requesterManaged", interface.requester.is_some())
        .with(
            "status",
            if interface.attachment.is_some() {
                "in-use"
            } else {
                "available"
            },
        )
        .with("macAddress", mac_address(interface.private_ip))
        .with("privateIpAddress", &private_ip)
        .with("sourceDestCheck", interface.interface_type == "interface")
        .list(
            "groupSet",
            "item",
            group_replies(view.ec2, &interface.group_ids),
        )
        .maybe(
            "attachment",
            interface
                .attachment
                .as_ref()
                .map(|to| attachment(view, id, to)),
        )
        .maybe(
            "association",
            interface.public_ip.map(|ip| association(view, id, ip)),
        )
        .list("privateIpAddressesSet", "item", [address])
        .with("interfaceType", &interface.interface_type)
        .with("tagSet", view.tag_set(id))
        .into()
}

/// Security groups as other resources list theirs.
pub(super) fn group_replies(ec2: &Ec2, group_ids: &[String]) -> Vec<Fields> {
    let name = |id: &String| ec2.security_groups.get(id).map(|group| &group.name);
    (group_ids.iter())
        .map(|id| {
            Fields::new()
                .with("groupId", id)
                .maybe("groupName", name(id))
        })
        .collect()
}

fn attachment(view: &View<'_>, id: &str, to: &Attachment) -> Fields {
    let fields = Fields::new()
        .with("attachmentId", id.replacen("eni-", "eni-attach-", 1))
        .with("deviceIndex", 0)
        .with("status", "attached");
    match to {
        Attachment::Instance(instance) => fields
            .with("instanceId", instance)
            .with("instanceOwnerId", view.account)
            .with("deleteOnTermination", true),
        Attachment::Service(owner) => fields
            .with("instanceOwnerId", owner)
            .with("deleteOnTermination", false),
    }
}

fn association(view: &View<'_>, id: &str, public_ip: Ipv4Addr) -> Fields {
    let elastic = (view.ec2.addresses.iter()).find_map(|(allocation, address)| {
        let worn = address.association.as_ref()?;
        (worn.interface_id == id).then_some((allocation, &worn.id))
    });
    let fields = Fields::new().with("publicIp", public_ip.to_string());
    match elastic {
        None => fields.with("ipOwnerId", "amazon"),
        Some((allocation, association)) => fields
            .with("ipOwnerId", view.account)
            .with("allocationId", allocation)
            .with("associationId", association),
    }
}

/// Locally administered, and as unique in its network as the address is.
fn mac_address(ip: Ipv4Addr) -> String {
    let [a, b, c, d] = ip.octets();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn check_groups(ec2: &Ec2, vpc_id: &str, group_ids: &[String]) -> Result<(), Fault> {
    for id in group_ids {
        if ec2.security_group(id)?.vpc_id != vpc_id {
            return Err(Fault::new(
                "InvalidParameter",
                "You have specified two resources that belong to different networks.",
            ));
        }
    }
    Ok(())
}

fn free_address<'ec2>(ec2: &'ec2 Ec2, allocation_id: &str) -> Result<&'ec2 Address, Fault> {
    let address = ec2.address(allocation_id)?;
    match &address.association {
        None => Ok(address),
        Some(_) => Err(Fault::new(
            "Resource.AlreadyAssociated",
            format!(
                "Elastic IP address [{allocation_id}] is already associated with a network interface"
            ),
        )),
    }
}

/// How many addresses of a subnet interfaces have taken.
pub(super) fn count_in(ec2: &Ec2, subnet_id: &str) -> usize {
    (ec2.interfaces.values())
        .filter(|interface| interface.subnet_id == subnet_id)
        .count()
}

fn is_taken(ec2: &Ec2, subnet_id: &str, ip: Ipv4Addr) -> bool {
    (ec2.interfaces.values())
        .any(|interface| interface.subnet_id == subnet_id && interface.private_ip == ip)
}

/// AWS keeps the first four addresses of a subnet and the last one.
fn is_usable(subnet: &Subnet, ip: Ipv4Addr) -> bool {
    let first = subnet.cidr.network().to_bits();
    subnet.cidr.contains(&ip) && ip.to_bits() >= first + 4 && ip != subnet.cidr.broadcast()
}

fn free_ip(ec2: &Ec2, subnet_id: &str, subnet: &Subnet) -> Result<Ipv4Addr, Fault> {
    let first = subnet.cidr.network().to_bits();
    let last = subnet.cidr.broadcast().to_bits();
    let taken: std::collections::BTreeSet<Ipv4Addr> = (ec2.interfaces.values())
        .filter(|interface| interface.subnet_id == subnet_id)
        .map(|interface| interface.private_ip)
        .collect();
    (first + 4..last)
        .map(Ipv4Addr::from_bits)
        .find(|ip| !taken.contains(ip))
        .ok_or_else(|| {
            Fault::new(
                "InsufficientFreeAddressesInSubnet",
                format!("The specified subnet '{subnet_id}' does not have enough free addresses."),
            )
        })
}

fn usable_ip(
    ec2: &Ec2,
    subnet_id: &str,
    subnet: &Subnet,
    asked: Ipv4Addr,
) -> Result<Ipv4Addr, Fault> {
    if !is_usable(subnet, asked) {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Address {asked} does not fall within the subnet's address range"),
        ));
    }
    if is_taken(ec2, subnet_id, asked) {
        return Err(Fault::new(
            "InvalidIPAddress.InUse",
            format!("Address {asked} is in use."),
        ));
    }
    Ok(asked)
}
