//! Routes. A route outlives its target, as a black hole.

use ipnet::Ipv4Net;

use super::state::{Association, Ec2, NatState, RouteTable, Target};
use super::{cidr, done};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply};
use crate::sandbox::world::World;

/// CreateRoute.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (id, destination) = route(&call.params)?;
    let ec2 = &mut world.region(&call.region).ec2;
    let table = ec2.route_table(&id)?;
    let local = ec2.vpc(&table.vpc_id)?.cidr;
    if local == destination || table.routes.contains_key(&destination.to_string()) {
        return Err(Fault::new(
            "RouteAlreadyExists",
            format!("The route identified by {destination} already exists."),
        ));
    }
    if local.contains(&destination) {
        return Err(invalid(format!(
            "The destination CIDR block {destination} is more specific than this VPC's CIDR block {local}."
        )));
    }
    let target = target(ec2, &table.vpc_id, &call.params)?;
    let table = ec2.route_table_mut(&id)?;
    table.routes.insert(destination.to_string(), target);
    Ok(done())
}

/// ReplaceRoute.
pub(super) fn replace(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (id, destination) = route(&call.params)?;
    let ec2 = &mut world.region(&call.region).ec2;
    let table = ec2.route_table(&id)?;
    if !table.routes.contains_key(&destination.to_string()) {
        return Err(invalid(format!(
            "There is no route defined for '{destination}' in the route table. Use CreateRoute instead."
        )));
    }
    let target = target(ec2, &table.vpc_id, &call.params)?;
    let table = ec2.route_table_mut(&id)?;
    table.routes.insert(destination.to_string(), target);
    Ok(done())
}

/// DeleteRoute.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (id, destination) = route(&call.params)?;
    let ec2 = &mut world.region(&call.region).ec2;
    let table = ec2.route_table(&id)?;
    if ec2.vpc(&table.vpc_id)?.cidr == destination {
        return Err(invalid(format!(
            "cannot remove local route {destination} in route table {id}"
        )));
    }
    match ec2
        .route_table_mut(&id)?
        .routes
        .remove(&destination.to_string())
    {
        Some(_) => Ok(done()),
        None => Err(Fault::new(
            "InvalidRoute.NotFound",
            format!("no route with destination-cidr-block {destination} in route table {id}"),
        )),
    }
}

/// The table and the destination that a request names.
fn route(params: &Params) -> Result<(String, Ipv4Net), Fault> {
    let id = params.required("RouteTableId")?;
    let destination = params.required("DestinationCidrBlock")?;
    Ok((id, cidr::read(&destination, "destinationCidrBlock")?))
}

/// The one target that a request names, which must exist in the table's network.
fn target(ec2: &Ec2, vpc_id: &str, params: &Params) -> Result<Target, Fault> {
    let gateway = params.text("GatewayId");
    let nat_gateway = params.text("NatGatewayId");
    let interface = params.text("NetworkInterfaceId");
    let (target, network) = match (gateway, nat_gateway, interface) {
        (Some(id), None, None) => {
            let gateway = (ec2.internet_gateways.get(&id)).ok_or_else(|| {
                Fault::new(
                    "InvalidGatewayID.NotFound",
                    format!("The gateway ID '{id}' does not exist"),
                )
            })?;
            (Target::InternetGateway(id), gateway.vpc_id.clone())
        }
        (None, Some(id), None) => {
            let gateway = ec2.nat_gateway(&id)?;
            if matches!(gateway.state, NatState::Deleted | NatState::Failed) {
                return Err(super::Kind::NatGateway.not_found(&id));
            }
            let network = gateway.vpc_id.clone();
            (Target::NatGateway(id), Some(network))
        }
        (None, None, Some(id)) => {
            let network = ec2.interface(&id)?.vpc_id.clone();
            (Target::Interface(id), Some(network))
        }
        (None, None, None) => {
            return Err(Fault::new(
                "MissingParameter",
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId",
            ));
        }
        (_, _, _) => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId",
            ));
        }
    };
    if network.as_deref() != Some(vpc_id) {
        return Err(invalid(format!(
            "the route table and its target belong to different networks ({vpc_id})"
        )));
    }
    Ok(target)
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

/// Whether a subnet has a way to the internet. One in a network without a main table, which AWS knows not, has.
pub fn leads_out(ec2: &Ec2, subnet_id: &str) -> bool {
    let has = |table: &&RouteTable, wanted: &Association| {
        let mut associations = table.associations.values();
        associations.any(|association| association == wanted)
    };
    let Ok(subnet) = ec2.subnet(subnet_id) else {
        return false;
    };
    let own = Association::Subnet(subnet_id.to_owned());
    let mut tables = ec2.route_tables.values();
    let table = tables.find(|table| has(table, &own)).or_else(|| {
        let mut tables = ec2.route_tables.values();
        tables.find(|table| table.vpc_id == subnet.vpc_id && has(table, &Association::Main))
    });
    table.is_none_or(|table| {
        let out = table.routes.get("0.0.0.0/0");
        out.is_some_and(|target| works(ec2, &table.vpc_id, target))
    })
}

/// The routes of a table, the local one first.
pub(super) fn replies(ec2: &Ec2, table: &RouteTable) -> Vec<Fields> {
    let route = |(destination, target): (&String, &Target)| {
        let fields = Fields::new().with("destinationCidrBlock", destination);
        let fields = match target {
            Target::InternetGateway(id) => fields.with("gatewayId", id),
            Target::NatGateway(id) => fields.with("natGatewayId", id),
            Target::Interface(id) => fields.with("networkInterfaceId", id),
        };
        let works = works(ec2, &table.vpc_id, target);
        fields
            .with("origin", "CreateRoute")
            .with("state", if works { "active" } else { "blackhole" })
    };
    let local = (ec2.vpcs.get(&table.vpc_id)).map(|vpc| {
        Fields::new()
            .with("destinationCidrBlock", vpc.cidr.to_string())
            .with("gatewayId", "local")
            .with("origin", "CreateRouteTable")
            .with("state", "active")
    });
    local
        .into_iter()
        .chain(table.routes.iter().map(route))
        .collect()
}

fn works(ec2: &Ec2, vpc_id: &str, target: &Target) -> bool {
    match target {
        Target::InternetGateway(id) => (ec2.internet_gateways.get(id))
            .is_some_and(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id)),
        Target::NatGateway(id) => (ec2.nat_gateways.get(id)).is_some_and(|gateway| {
            matches!(gateway.state, NatState::Pending | NatState::Available)
        }),
        Target::Interface(id) => {
            (ec2.interfaces.get(id)).is_some_and(|interface| interface.attachment.is_some())
        }
    }
}
