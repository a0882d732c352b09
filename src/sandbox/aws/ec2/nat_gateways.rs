//! NAT gateways: minutes to come, a minute to go, and listed for an hour after that.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Attachment, NatGateway, NatState};
use super::{Task, interfaces, later, tags, tokens};
use crate::sandbox::aws::{Call, Fault, Fields, Region, Reply, quotas};
use crate::sandbox::durations;
use crate::sandbox::world::World;

/// How long AWS lists a gateway that is deleted or failed.
const LISTED_SECS: u64 = 3600;

/// CreateNatGateway; the same again with the same client token answers the same gateway.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = tokens::once(world, call, make)?;
    let view = View::of(world, &call.region);
    let gateway = reply(&view, &id, view.ec2.nat_gateway(&id)?);
    Ok(Fields::new()
        .maybe("clientToken", call.params.text("ClientToken"))
        .with("natGateway", gateway)
        .into())
}

fn make(world: &mut World, call: &Call) -> Result<String, Fault> {
    let params = &call.params;
    let tags = tags::specified(params, Kind::NatGateway)?;
    let subnet_id = params.required("SubnetId")?;
    let allocation_id = match params.text("ConnectivityType").as_deref() {
        None | Some("public") => Some(params.required("AllocationId")?),
        Some("private") => None,
        Some(other) => {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("Value ({other}) for parameter connectivityType is invalid."),
            ));
        }
    };
    check_quota(world.region(&call.region), &subnet_id)?;
    let id = world.ids.ec2(Kind::NatGateway.prefix());
    let interface = interfaces::New {
        subnet_id: subnet_id.clone(),
        description: format!("Interface for NAT Gateway {id}"),
        interface_type: "nat_gateway".to_owned(),
        requester: Some("amazon-nat-gateway".to_owned()),
        public_ip: allocation_id.clone().map(interfaces::PublicIp::Allocation),
        attachment: Some(Attachment::Service("amazon-aws".to_owned())),
        ..interfaces::New::default()
    };
    let interface_id = interfaces::create(world, &call.region, interface)?;
    let created = world.now;
    let ec2 = &mut world.region(&call.region).ec2;
    let interface = ec2.interface(&interface_id)?;
    let gateway = NatGateway {
        vpc_id: interface.vpc_id.clone(),
        subnet_id,
        private_ip: interface.private_ip,
        public_ip: interface.public_ip,
        interface_id: Some(interface_id),
        state: NatState::Pending,
        created,
        deleted: None,
        allocation_id,
    };
    let reaches_internet = (ec2.internet_gateways.values())
        .any(|internet| internet.vpc_id.as_ref() == Some(&gateway.vpc_id));
    let (seconds, task) = if reaches_internet || gateway.public_ip.is_none() {
        let task = Task::NatGatewayAvailable(id.clone());
        (durations::NAT_GATEWAY_CREATE, task)
    } else {
        (
            durations::NAT_GATEWAY_FAIL,
            Task::NatGatewayFails(id.clone()),
        )
    };
    ec2.nat_gateways.insert(id.clone(), gateway);
    ec2.add_tags(&id, tags);
    later(world, &call.region, seconds, task);
    Ok(id)
}

/// Refuses one gateway too many in the availability zone of the subnet.
fn check_quota(region: &Region, subnet: &str) -> Result<(), Fault> {
    let ec2 = &region.ec2;
    let zone = &ec2.subnet(subnet)?.zone;
    let stands = |gateway: &&NatGateway| {
        !matches!(gateway.state, NatState::Deleted | NatState::Failed)
            && (ec2.subnets.get(&gateway.subnet_id)).is_some_and(|subnet| subnet.zone == *zone)
    };
    let number = ec2.nat_gateways.values().filter(stands).count();
    if quotas::NAT_GATEWAYS.is_full(&region.quotas, number) {
        return Err(Fault::new(
            "NatGatewayLimitExceeded",
            format!("The maximum number of NAT Gateways has been reached in {zone}."),
        ));
    }
    Ok(())
}

/// The gateway that `call` has just begun will come to nothing.
pub fn fail_later(world: &mut World, call: &Call) {
    let now = world.now;
    let subnet = call.params.text("SubnetId").unwrap_or_default();
    let gateways = &world.region(&call.region).ec2.nat_gateways;
    let newest = gateways
        .iter()
        .find(|(_, gateway)| gateway.created == now && gateway.subnet_id == subnet);
    if let Some(id) = newest.map(|(id, _)| id.clone()) {
        let task = Task::NatGatewayFails(id);
        later(world, &call.region, durations::FAILS_AFTER, task);
    }
}

/// pending → available, unless it was deleted meanwhile.
pub(super) fn available(world: &mut World, region: &str, id: &str) {
    if let Ok(gateway) = world.region(region).ec2.nat_gateway_mut(id)
        && gateway.state == NatState::Pending
    {
        gateway.state = NatState::Available;
    }
}

/// pending → failed, unless it was deleted meanwhile.
pub(super) fn failed(world: &mut World, region: &str, id: &str) {
    let is_pending = |gateway: &NatGateway| gateway.state == NatState::Pending;
    if world
        .region(region)
        .ec2
        .nat_gateway(id)
        .is_ok_and(is_pending)
    {
        end(world, region, id, NatState::Failed);
    }
}

/// deleting → deleted.
pub(super) fn deleted(world: &mut World, region: &str, id: &str) {
    end(world, region, id, NatState::Deleted);
}

/// Gives back the interface and the elastic address. What remains is a line in the list.
fn end(world: &mut World, region: &str, id: &str, state: NatState) {
    let now = world.now;
    let Ok(gateway) = world.region(region).ec2.nat_gateway_mut(id) else {
        return;
    };
    gateway.state = state;
    gateway.deleted = (state == NatState::Deleted).then_some(now);
    if let Some(interface) = gateway.interface_id.take() {
        // It is the gateway's own; nobody else can have removed it.
        let _ = interfaces::delete(world, region, &interface);
    }
    later(
        world,
        region,
        LISTED_SECS,
        Task::NatGatewayForgotten(id.to_owned()),
    );
}

/// AWS lists it no more.
pub(super) fn forgotten(world: &mut World, region: &str, id: &str) {
    let ec2 = &mut world.region(region).ec2;
    // A failed one that is being deleted is forgotten once it is deleted.
    let stays = |gateway: &NatGateway| gateway.state == NatState::Deleting;
    if !ec2.nat_gateway(id).is_ok_and(stays) {
        ec2.nat_gateways.remove(id);
        ec2.forget(id);
    }
}

/// DeleteNatGateway.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("NatGatewayId")?;
    let gateway = world.region(&call.region).ec2.nat_gateway_mut(&id)?;
    match gateway.state {
        NatState::Deleted => return Err(Kind::NatGateway.not_found(&id)),
        NatState::Deleting => {}
        NatState::Pending | NatState::Available | NatState::Failed => {
            gateway.state = NatState::Deleting;
            let task = Task::NatGatewayDeleted(id.clone());
            later(world, &call.region, durations::NAT_GATEWAY_DELETE, task);
        }
    }
    Ok(Fields::new().with("natGatewayId", id).into())
}

/// DescribeNatGateways.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "natGatewaySet",
        ids: "NatGatewayId",
        kind: Some(Kind::NatGateway),
        id_member: "natGatewayId",
        filters: &[
            ("nat-gateway-id", "natGatewayId"),
            ("state", "state"),
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.nat_gateways, reply)
}

fn reply(view: &View<'_>, id: &str, gateway: &NatGateway) -> Reply {
    let failure = (gateway.state == NatState::Failed).then(|| {
        format!(
            "Network {} has no Internet gateway attached",
            gateway.vpc_id
        )
    });
    let association = (gateway.allocation_id.as_ref())
        .and_then(|id| view.ec2.addresses.get(id)?.association.as_ref())
        .filter(|worn| gateway.interface_id.as_ref() == Some(&worn.interface_id));
    let address = Fields::new()
        .maybe("allocationId", gateway.allocation_id.as_ref())
        .maybe("associationId", association.map(|worn| &worn.id))
        .maybe("networkInterfaceId", gateway.interface_id.as_ref())
        .with("privateIp", gateway.private_ip.to_string())
        .maybe("publicIp", gateway.public_ip.map(|ip| ip.to_string()))
        .with("isPrimary", true)
        .with("status", address_status(gateway.state));
    Fields::new()
        .with("natGatewayId", id)
        .with("vpcId", &gateway.vpc_id)
        .with("subnetId", &gateway.subnet_id)
        .with("state", state_text(gateway.state))
        .with("connectivityType", connectivity(gateway))
        .with("createTime", gateway.created)
        .maybe("deleteTime", gateway.deleted)
        .maybe(
            "failureCode",
            failure.as_ref().map(|_| "Gateway.NotAttached"),
        )
        .maybe("failureMessage", failure)
        .list("natGatewayAddressSet", "item", [address])
        .with("tagSet", view.tag_set(id))
        .into()
}

fn connectivity(gateway: &NatGateway) -> &'static str {
    match gateway.allocation_id {
        Some(_) => "public",
        None => "private",
    }
}

fn state_text(state: NatState) -> &'static str {
    match state {
        NatState::Pending => "pending",
        NatState::Available => "available",
        NatState::Failed => "failed",
        NatState::Deleting => "deleting",
        NatState::Deleted => "deleted",
    }
}

fn address_status(state: NatState) -> &'static str {
    match state {
        NatState::Pending => "associating",
        NatState::Available => "succeeded",
        NatState::Failed => "failed",
        NatState::Deleting | NatState::Deleted => "disassociating",
    }
}
