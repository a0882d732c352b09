//! Elastic addresses: five in a region, and none goes while something wears it.

use std::net::Ipv4Addr;

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Address, Ec2};
use super::{done, tags};
use crate::sandbox::aws::{Call, Fault, Fields, Reply, quotas};
use crate::sandbox::world::World;

/// A public address that nothing in the region uses.
pub(super) fn unused_public_ip(world: &mut World, region: &str) -> Ipv4Addr {
    loop {
        let host = u32::from_str_radix(&world.ids.hex(6), 16).unwrap_or(1);
        // 18.0.0.0/8 is one of Amazon's blocks.
        let ip = Ipv4Addr::from_bits((18 << 24) | host);
        let ec2 = &world.region(region).ec2;
        let used = (ec2.addresses.values()).any(|address| address.public_ip == ip)
            || (ec2.interfaces.values()).any(|interface| interface.public_ip == Some(ip));
        if !used {
            return ip;
        }
    }
}

/// AllocateAddress.
pub(super) fn allocate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags::specified(&call.params, Kind::Address)?;
    if let Some(domain) = call.params.text("Domain").filter(|domain| domain != "vpc") {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Invalid value '{domain}' for domain."),
        ));
    }
    let region = world.region(&call.region);
    if quotas::ADDRESSES.is_full(&region.quotas, region.ec2.addresses.len()) {
        return Err(Fault::new(
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ));
    }
    let public_ip = unused_public_ip(world, &call.region);
    let id = world.ids.ec2(Kind::Address.prefix());
    let address = Address {
        public_ip,
        association: None,
    };
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.addresses.insert(id.clone(), address);
    ec2.add_tags(&id, tags);
    Ok(Fields::new()
        .with("publicIp", public_ip.to_string())
        .with("allocationId", id)
        .with("domain", "vpc")
        .with("publicIpv4Pool", "amazon")
        .with("networkBorderGroup", &call.region)
        .into())
}

/// ReleaseAddress, by allocation id or by address.
pub(super) fn release(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ec2 = &mut world.region(&call.region).ec2;
    let id = match call.params.text("PublicIp") {
        Some(ip) => by_public_ip(ec2, &ip)?,
        None => call.params.required("AllocationId")?,
    };
    let address = ec2.address(&id)?;
    if address.association.is_some() {
        return Err(Fault::new(
            "InvalidIPAddress.InUse",
            format!("Address {} is in use.", address.public_ip),
        ));
    }
    ec2.addresses.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

fn by_public_ip(ec2: &Ec2, ip: &str) -> Result<String, Fault> {
    (ec2.addresses.iter())
        .find(|(_, address)| address.public_ip.to_string() == ip)
        .map(|(id, _)| id.clone())
        .ok_or_else(|| {
            Fault::new(
                "InvalidAddress.NotFound",
                format!("Address '{ip}' not found."),
            )
        })
}

/// DescribeAddresses.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "addressesSet",
        ids: "AllocationId",
        kind: Some(Kind::Address),
        id_member: "allocationId",
        filters: &[
            ("allocation-id", "allocationId"),
            ("association-id", "associationId"),
            ("domain", "domain"),
            ("network-border-group", "networkBorderGroup"),
            ("network-interface-id", "networkInterfaceId"),
            ("network-interface-owner-id", "networkInterfaceOwnerId"),
            ("private-ip-address", "privateIpAddress"),
            ("public-ip", "publicIp"),
        ],
    };
    let wanted = call.params.texts("PublicIp");
    let view = View::of(world, &call.region);
    for ip in &wanted {
        by_public_ip(view.ec2, ip)?;
    }
    let all = (view.ec2.addresses.iter())
        .filter(|(_, address)| wanted.is_empty() || wanted.contains(&address.public_ip.to_string()))
        .map(|(id, address)| (id.clone(), reply(&view, id, address)))
        .collect();
    describe::answer(call, &listing, all)
}

fn reply(view: &View<'_>, id: &str, address: &Address) -> Reply {
    let fields = Fields::new()
        .with("allocationId", id)
        .with("publicIp", address.public_ip.to_string())
        .with("domain", "vpc")
        .with("publicIpv4Pool", "amazon")
        .with("networkBorderGroup", view.region)
        .with("tagSet", view.tag_set(id));
    let Some(worn) = &address.association else {
        return fields.into();
    };
    let private_ip = (view.ec2.interface(&worn.interface_id))
        .map(|interface| interface.private_ip.to_string())
        .ok();
    fields
        .with("associationId", &worn.id)
        .with("networkInterfaceId", &worn.interface_id)
        .with("networkInterfaceOwnerId", view.account)
        .maybe("privateIpAddress", private_ip)
        .into()
}
