//! Subnets: inside their network's block, apart from one another, and held by the interfaces in them.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Association, Subnet};
use super::{Task, cidr, done, interfaces, later, tags, zones};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply};
use crate::sandbox::durations;
use crate::sandbox::world::World;

/// CreateSubnet.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let vpc_id = params.required("VpcId")?;
    let cidr = cidr::sized(params, "InvalidSubnet.Range")?;
    let tags = tags::specified(params, Kind::Subnet)?;
    let ec2 = &world.region(&call.region).ec2;
    let vpc = ec2.vpc(&vpc_id)?;
    if !vpc.cidr.contains(&cidr) {
        return Err(Fault::new(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let zone = zone(params, &call.region)?;
    if (ec2.subnets.values())
        .any(|other| other.vpc_id == vpc_id && cidr::overlap(&other.cidr, &cidr))
    {
        return Err(Fault::new(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    let id = world.ids.ec2(Kind::Subnet.prefix());
    let subnet = Subnet {
        vpc_id,
        cidr,
        zone,
        available: false,
        map_public_ip: false,
    };
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.subnets.insert(id.clone(), subnet);
    ec2.add_tags(&id, tags);
    let task = Task::SubnetAvailable(id.clone());
    later(world, &call.region, durations::NETWORK_PENDING, task);
    let view = View::of(world, &call.region);
    let subnet = reply(&view, &id, view.ec2.subnet(&id)?);
    Ok(Fields::new().with("subnet", subnet).into())
}

/// The zone that is asked for by name or id; AWS chooses one where none is.
fn zone(params: &Params, region: &str) -> Result<String, Fault> {
    let known = zones::names(region);
    let name = params.text("AvailabilityZone");
    let id = params.text("AvailabilityZoneId");
    let asked = name.as_ref().or(id.as_ref());
    (known.iter())
        .find(|zone| {
            name.as_ref().is_none_or(|name| name == *zone)
                && id.as_ref().is_none_or(|id| *id == zones::id(region, zone))
        })
        .cloned()
        .ok_or_else(|| {
            Fault::new(
                "InvalidParameterValue",
                format!(
                    "Value ({}) for parameter availabilityZone is invalid. Subnets can currently \
                     only be created in the following availability zones: {}.",
                    asked.map_or("", String::as_str),
                    known.join(", ")
                ),
            )
        })
}

/// pending → available.
pub(super) fn available(world: &mut World, region: &str, id: &str) {
    if let Ok(subnet) = world.region(region).ec2.subnet_mut(id) {
        subnet.available = true;
    }
}

/// DescribeSubnets.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "subnetSet",
        ids: "SubnetId",
        kind: Some(Kind::Subnet),
        id_member: "subnetId",
        filters: &[
            ("availability-zone", "availabilityZone"),
            ("availabilityZone", "availabilityZone"),
            ("availability-zone-id", "availabilityZoneId"),
            ("available-ip-address-count", "availableIpAddressCount"),
            ("cidr", "cidrBlock"),
            ("cidr-block", "cidrBlock"),
            ("default-for-az", "defaultForAz"),
            ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
            ("owner-id", "ownerId"),
            ("state", "state"),
            ("subnet-arn", "subnetArn"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.subnets, reply)
}

fn reply(view: &View<'_>, id: &str, subnet: &Subnet) -> Reply {
    // AWS keeps five addresses of each subnet for itself.
    let size = 1_i64 << (32 - subnet.cidr.prefix_len());
    let taken = interfaces::count_in(view.ec2, id) as i64;
    Fields::new()
        .with("subnetId", id)
        .with("subnetArn", view.arn(Kind::Subnet, id))
        .with(
            "state",
            if subnet.available {
                "available"
            } else {
                "pending"
            },
        )
        .with("vpcId", &subnet.vpc_id)
        .with("ownerId", view.account)
        .with("cidrBlock", subnet.cidr.to_string())
        .with(
            "ipv6CidrBlockAssociationSet",
            Reply::List("item", Vec::new()),
        )
        .with("availableIpAddressCount", size - 5 - taken)
        .with("availabilityZone", &subnet.zone)
        .with("availabilityZoneId", zones::id(view.region, &subnet.zone))
        .with("defaultForAz", false)
        .with("mapPublicIpOnLaunch", subnet.map_public_ip)
        .with("assignIpv6AddressOnCreation", false)
        .with("ipv6Native", false)
        .with(
            "privateDnsNameOptionsOnLaunch",
            Fields::new()
                .with("hostnameType", "ip-name")
                .with("enableResourceNameDnsARecord", false)
                .with("enableResourceNameDnsAAAARecord", false),
        )
        .with("tagSet", view.tag_set(id))
        .into()
}

/// ModifySubnetAttribute: one attribute in a call.
pub(super) fn modify_attribute(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("SubnetId")?;
    let others = [
        "AssignIpv6AddressOnCreation",
        "EnableDns64",
        "EnableLniAtDeviceIndex",
        "DisableLniAtDeviceIndex",
        "EnableResourceNameDnsARecordOnLaunch",
        "EnableResourceNameDnsAAAARecordOnLaunch",
        "MapCustomerOwnedIpOnLaunch",
        "PrivateDnsHostnameTypeOnLaunch",
    ];
    let subnet = world.region(&call.region).ec2.subnet_mut(&id)?;
    let map = call.params.nested("MapPublicIpOnLaunch").flag("Value");
    let other = others.iter().find(|other| call.params.has(other));
    match (map, other) {
        (Some(map), None) => subnet.map_public_ip = map,
        (None, Some(other)) => {
            return Err(Fault::new(
                "UnsupportedOperation",
                format!("The sandbox's subnets have no attribute {other}"),
            ));
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "Exactly one attribute may be modified in a call",
            ));
        }
    }
    Ok(done())
}

/// DeleteSubnet: its association with a route table goes with it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("SubnetId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.subnet(&id)?;
    if interfaces::count_in(ec2, &id) > 0 {
        return Err(Kind::Subnet.in_use(&id));
    }
    for table in ec2.route_tables.values_mut() {
        table
            .associations
            .retain(|_, of| !matches!(of, Association::Subnet(subnet) if *subnet == id));
    }
    ec2.subnets.remove(&id);
    ec2.forget(&id);
    Ok(done())
}
