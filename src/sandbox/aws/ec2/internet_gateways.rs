//! Internet gateways, which public addresses hold in place.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::InternetGateway;
use super::{done, tags};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// CreateInternetGateway.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags::specified(&call.params, Kind::InternetGateway)?;
    let id = world.ids.ec2(Kind::InternetGateway.prefix());
    let gateway = InternetGateway::default();
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.internet_gateways.insert(id.clone(), gateway.clone());
    ec2.add_tags(&id, tags);
    let gateway = reply(&View::of(world, &call.region), &id, &gateway);
    Ok(Fields::new().with("internetGateway", gateway).into())
}

/// AttachInternetGateway.
pub(super) fn attach(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("InternetGatewayId")?;
    let vpc_id = call.params.required("VpcId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    let gateway = ec2.internet_gateway(&id)?;
    ec2.vpc(&vpc_id)?;
    let taken = |message| Err(Fault::new("Resource.AlreadyAssociated", message));
    if let Some(other) = &gateway.vpc_id {
        return taken(format!(
            "resource {id} is already attached to network {other}"
        ));
    }
    if (ec2.internet_gateways.values()).any(|other| other.vpc_id.as_ref() == Some(&vpc_id)) {
        return taken(format!(
            "Network {vpc_id} already has an internet gateway attached"
        ));
    }
    ec2.internet_gateway_mut(&id)?.vpc_id = Some(vpc_id);
    Ok(done())
}

/// DetachInternetGateway.
pub(super) fn detach(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("InternetGatewayId")?;
    let vpc_id = call.params.required("VpcId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.vpc(&vpc_id)?;
    if ec2.internet_gateway(&id)?.vpc_id.as_ref() != Some(&vpc_id) {
        return Err(Fault::new(
            "Gateway.NotAttached",
            format!("resource {id} is not attached to network {vpc_id}"),
        ));
    }
    if (ec2.interfaces.values())
        .any(|interface| interface.vpc_id == vpc_id && interface.public_ip.is_some())
    {
        return Err(Fault::new(
            "DependencyViolation",
            format!(
                "Network {vpc_id} has some mapped public address(es). Please unmap those public \
                 address(es) before detaching the gateway."
            ),
        ));
    }
    ec2.internet_gateway_mut(&id)?.vpc_id = None;
    Ok(done())
}

/// DeleteInternetGateway.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("InternetGatewayId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    if ec2.internet_gateway(&id)?.vpc_id.is_some() {
        return Err(Kind::InternetGateway.in_use(&id));
    }
    ec2.internet_gateways.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

/// DescribeInternetGateways.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "internetGatewaySet",
        ids: "InternetGatewayId",
        kind: Some(Kind::InternetGateway),
        id_member: "internetGatewayId",
        filters: &[
            ("attachment.state", "attachmentSet.state"),
            ("attachment.vpc-id", "attachmentSet.vpcId"),
            ("internet-gateway-id", "internetGatewayId"),
            ("owner-id", "ownerId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.internet_gateways, reply)
}

fn reply(view: &View<'_>, id: &str, gateway: &InternetGateway) -> Reply {
    // AWS calls an attached gateway "available".
    let attachment = |vpc_id: &String| {
        Fields::new()
            .with("vpcId", vpc_id)
            .with("state", "available")
    };
    Fields::new()
        .with("internetGatewayId", id)
        .with("ownerId", view.account)
        .list(
            "attachmentSet",
            "item",
            gateway.vpc_id.iter().map(attachment),
        )
        .with("tagSet", view.tag_set(id))
        .into()
}
