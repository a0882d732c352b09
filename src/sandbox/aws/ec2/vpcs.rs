//! Networks. Each comes with its main route table and its default security group, and takes them with it.

use std::collections::BTreeMap;

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Association, Ec2, Peer, RouteTable, Vpc};
use super::{Task, cidr, done, later, security_groups, tags};
use crate::sandbox::aws::{Call, Fault, Fields, Reply, quotas};
use crate::sandbox::durations;
use crate::sandbox::world::World;

/// CreateVpc.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cidr = cidr::sized(&call.params, "InvalidVpc.Range")?;
    let tags = tags::specified(&call.params, Kind::Vpc)?;
    match call.params.text("InstanceTenancy").as_deref() {
        None | Some("default") => {}
        Some(other) => {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("The sandbox does not know the instance tenancy {other}"),
            ));
        }
    }
    let region = world.region(&call.region);
    if quotas::VPCS.is_full(&region.quotas, region.ec2.vpcs.len()) {
        return Err(Fault::new(
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        ));
    }
    let id = world.ids.ec2(Kind::Vpc.prefix());
    let main_table = world.ids.ec2(Kind::RouteTable.prefix());
    let main_association = world.ids.ec2("rtbassoc");
    let vpc = Vpc {
        cidr,
        available: false,
        dns_support: true,
        dns_hostnames: false,
        cidr_association: world.ids.ec2("vpc-cidr-assoc"),
    };
    let table = RouteTable {
        vpc_id: id.clone(),
        routes: BTreeMap::new(),
        associations: BTreeMap::from([(main_association, Association::Main)]),
    };
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.vpcs.insert(id.clone(), vpc);
    ec2.add_tags(&id, tags);
    ec2.route_tables.insert(main_table, table);
    create_default_group(world, &call.region, &id)?;
    let task = Task::VpcAvailable(id.clone());
    later(world, &call.region, durations::NETWORK_PENDING, task);
    let view = View::of(world, &call.region);
    let vpc = reply(&view, &id, view.ec2.vpc(&id)?);
    Ok(Fields::new().with("vpc", vpc).into())
}

fn create_default_group(world: &mut World, region: &str, vpc_id: &str) -> Result<(), Fault> {
    let tags = BTreeMap::new();
    let description = "default VPC security group";
    let id = security_groups::create(world, region, vpc_id, "default", description, tags)?;
    let itself = security_groups::all_traffic(false, Peer::Group(id.clone()));
    security_groups::add_rule(world, region, &id, itself, None).map(drop)
}

/// pending → available.
pub(super) fn available(world: &mut World, region: &str, id: &str) {
    if let Ok(vpc) = world.region(region).ec2.vpc_mut(id) {
        vpc.available = true;
    }
}

/// DescribeVpcs.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "vpcSet",
        ids: "VpcId",
        kind: Some(Kind::Vpc),
        id_member: "vpcId",
        filters: &[
            ("cidr", "cidrBlock"),
            (
                "cidr-block-association.cidr-block",
                "cidrBlockAssociationSet.cidrBlock",
            ),
            (
                "cidr-block-association.association-id",
                "cidrBlockAssociationSet.associationId",
            ),
            (
                "cidr-block-association.state",
                "cidrBlockAssociationSet.cidrBlockState.state",
            ),
            ("dhcp-options-id", "dhcpOptionsId"),
            ("is-default", "isDefault"),
            ("isDefault", "isDefault"),
            ("owner-id", "ownerId"),
            ("state", "state"),
            ("vpc-id", "vpcId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.vpcs, reply)
}

fn reply(view: &View<'_>, id: &str, vpc: &Vpc) -> Reply {
    let block = Fields::new()
        .with("associationId", &vpc.cidr_association)
        .with("cidrBlock", vpc.cidr.to_string())
        .with("cidrBlockState", Fields::new().with("state", "associated"));
    Fields::new()
        .with("vpcId", id)
        .with("ownerId", view.account)
        .with(
            "state",
            if vpc.available {
                "available"
            } else {
                "pending"
            },
        )
        .with("cidrBlock", vpc.cidr.to_string())
        .list("cidrBlockAssociationSet", "item", [block])
        .with("dhcpOptionsId", "default")
        .with("instanceTenancy", "default")
        .with("isDefault", false)
        .with("tagSet", view.tag_set(id))
        .into()
}

/// DeleteVpc.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("VpcId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.vpc(&id)?;
    if is_occupied(ec2, &id) {
        return Err(Kind::Vpc.in_use(&id));
    }
    if let Some(group) = security_groups::by_name(ec2, &id, "default").map(str::to_owned) {
        security_groups::remove(ec2, &group);
    }
    let tables: Vec<String> = (ec2.route_tables.iter())
        .filter(|(_, table)| table.vpc_id == id)
        .map(|(table, _)| table.clone())
        .collect();
    for table in tables {
        ec2.route_tables.remove(&table);
        ec2.forget(&table);
    }
    ec2.vpcs.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

/// Whether the network holds anything but its main route table and its default security group.
fn is_occupied(ec2: &Ec2, id: &str) -> bool {
    ec2.subnets.values().any(|subnet| subnet.vpc_id == id)
        || (ec2.internet_gateways.values()).any(|gateway| gateway.vpc_id.as_deref() == Some(id))
        || (ec2.security_groups.values()).any(|group| group.vpc_id == id && group.name != "default")
        || (ec2.route_tables.values()).any(|table| {
            table.vpc_id == id && !(table.associations.values()).any(|of| *of == Association::Main)
        })
}

/// ModifyVpcAttribute: one attribute in a call.
pub(super) fn modify_attribute(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("VpcId")?;
    let support = call.params.nested("EnableDnsSupport").flag("Value");
    let hostnames = call.params.nested("EnableDnsHostnames").flag("Value");
    let vpc = world.region(&call.region).ec2.vpc_mut(&id)?;
    match (support, hostnames) {
        (Some(support), None) => vpc.dns_support = support,
        (None, Some(hostnames)) => vpc.dns_hostnames = hostnames,
        (Some(_), Some(_)) | (None, None) => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "Exactly one attribute may be modified in a call",
            ));
        }
    }
    Ok(done())
}

/// DescribeVpcAttribute.
pub(super) fn describe_attribute(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("VpcId")?;
    let attribute = call.params.required("Attribute")?;
    let vpc = world.region(&call.region).ec2.vpc(&id)?;
    let (member, value) = match attribute.as_str() {
        "enableDnsSupport" => ("enableDnsSupport", vpc.dns_support),
        "enableDnsHostnames" => ("enableDnsHostnames", vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics" => ("enableNetworkAddressUsageMetrics", false),
        other => {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("Value ({other}) for parameter attribute is invalid."),
            ));
        }
    };
    let value = Fields::new().with("value", value);
    Ok(Fields::new().with("vpcId", id).with(member, value).into())
}
