//! Network interfaces: what occupies a subnet, its security groups and, with a public address, the internet gateway.

use std::net::Ipv4Addr;

use super::addresses;
use super::kind::Kind;
use super::state::{Address, AddressAssociation, Attachment, Ec2, Interface, Subnet, Tags};
use crate::sandbox::aws::Fault;
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
