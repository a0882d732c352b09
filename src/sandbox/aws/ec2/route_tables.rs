//! Route tables and what they are associated with; each network has its main one.

use std::collections::BTreeMap;

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Association, Ec2, RouteTable};
use super::{done, routes, tags, tokens};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// CreateRouteTable; the same again with the same client token answers the same table.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = tokens::once(world, call, make)?;
    let view = View::of(world, &call.region);
    let table = reply(&view, &id, view.ec2.route_table(&id)?);
    Ok(Fields::new()
        .with("routeTable", table)
        .maybe("clientToken", call.params.text("ClientToken"))
        .into())
}

fn make(world: &mut World, call: &Call) -> Result<String, Fault> {
    let vpc_id = call.params.required("VpcId")?;
    let tags = tags::specified(&call.params, Kind::RouteTable)?;
    world.region(&call.region).ec2.vpc(&vpc_id)?;
    let id = world.ids.ec2(Kind::RouteTable.prefix());
    let table = RouteTable {
        vpc_id,
        routes: BTreeMap::new(),
        associations: BTreeMap::new(),
    };
    let ec2 = &mut world.region(&call.region).ec2;
    ec2.route_tables.insert(id.clone(), table);
    ec2.add_tags(&id, tags);
    Ok(id)
}

/// DeleteRouteTable.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("RouteTableId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    if !ec2.route_table(&id)?.associations.is_empty() {
        return Err(Kind::RouteTable.in_use(&id));
    }
    ec2.route_tables.remove(&id);
    ec2.forget(&id);
    Ok(done())
}

/// AssociateRouteTable; with the table that the subnet has already it answers that association.
pub(super) fn associate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("RouteTableId")?;
    let subnet_id = call.params.required("SubnetId")?;
    let ec2 = &world.region(&call.region).ec2;
    let table = ec2.route_table(&id)?;
    if ec2.subnet(&subnet_id)?.vpc_id != table.vpc_id {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Route table {id} and subnet {subnet_id} belong to different networks"),
        ));
    }
    let wanted = Association::Subnet(subnet_id);
    let existing = (ec2.route_tables.iter())
        .flat_map(|(table, of)| of.associations.iter().map(move |entry| (table, entry)))
        .find(|(_, (_, of))| **of == wanted);
    let association = match existing {
        Some((table, (association, _))) if *table == id => association.clone(),
        Some(_) => {
            return Err(Fault::new(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {id} conflicts with an existing association"
                ),
            ));
        }
        None => {
            let association = world.ids.ec2("rtbassoc");
            let table = world.region(&call.region).ec2.route_table_mut(&id)?;
            table.associations.insert(association.clone(), wanted);
            association
        }
    };
    Ok(Fields::new()
        .with("associationId", association)
        .with("associationState", associated())
        .into())
}

fn associated() -> Fields {
    Fields::new().with("state", "associated")
}

/// The table that holds an association, and what it is with.
fn association(ec2: &Ec2, id: &str) -> Result<(String, Association), Fault> {
    (ec2.route_tables.iter())
        .find_map(|(table, of)| Some((table.clone(), of.associations.get(id)?.clone())))
        .ok_or_else(|| {
            Fault::new(
                "InvalidAssociationID.NotFound",
                format!("The association ID '{id}' does not exist"),
            )
        })
}

/// DisassociateRouteTable.
pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("AssociationId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    let (table, of) = association(ec2, &id)?;
    if of == Association::Main {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("cannot disassociate the main route table association {id}"),
        ));
    }
    ec2.route_table_mut(&table)?.associations.remove(&id);
    Ok(done())
}

/// ReplaceRouteTableAssociation, which also makes another table the main one.
pub(super) fn replace_association(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("AssociationId")?;
    let table_id = call.params.required("RouteTableId")?;
    let new_id = world.ids.ec2("rtbassoc");
    let ec2 = &mut world.region(&call.region).ec2;
    let (old_table, of) = association(ec2, &id)?;
    if ec2.route_table(&table_id)?.vpc_id != ec2.route_table(&old_table)?.vpc_id {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Route tables {old_table} and {table_id} belong to different networks"),
        ));
    }
    ec2.route_table_mut(&old_table)?.associations.remove(&id);
    let table = ec2.route_table_mut(&table_id)?;
    table.associations.insert(new_id.clone(), of);
    Ok(Fields::new()
        .with("newAssociationId", new_id)
        .with("associationState", associated())
        .into())
}

/// DescribeRouteTables.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "routeTableSet",
        ids: "RouteTableId",
        kind: Some(Kind::RouteTable),
        id_member: "routeTableId",
        filters: &[
            ("association.main", "associationSet.main"),
            (
                "association.route-table-association-id",
                "associationSet.routeTableAssociationId",
            ),
            ("association.route-table-id", "associationSet.routeTableId"),
            ("association.subnet-id", "associationSet.subnetId"),
            ("owner-id", "ownerId"),
            ("route-table-id", "routeTableId"),
            (
                "route.destination-cidr-block",
                "routeSet.destinationCidrBlock",
            ),
            ("route.gateway-id", "routeSet.gatewayId"),
            ("route.nat-gateway-id", "routeSet.natGatewayId"),
            ("route.origin", "routeSet.origin"),
            ("route.state", "routeSet.state"),
            ("vpc-id", "vpcId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.route_tables, reply)
}

fn reply(view: &View<'_>, id: &str, table: &RouteTable) -> Reply {
    let association = |(association, of): (&String, &Association)| {
        let fields = Fields::new()
            .with("routeTableAssociationId", association)
            .with("routeTableId", id)
            .with("main", *of == Association::Main)
            .with("associationState", associated());
        match of {
            Association::Main => fields,
            Association::Subnet(subnet) => fields.with("subnetId", subnet),
        }
    };
    Fields::new()
        .with("routeTableId", id)
        .with("vpcId", &table.vpc_id)
        .with("ownerId", view.account)
        .list("routeSet", "item", routes::replies(view.ec2, table))
        .list(
            "associationSet",
            "item",
            table.associations.iter().map(association),
        )
        .with("propagatingVgwSet", Reply::List("item", Vec::new()))
        .with("tagSet", view.tag_set(id))
        .into()
}
