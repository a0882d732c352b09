//! `network.route-table`: where packets go, and for which subnets. Routes and subnets are exactly those of the file.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_ec2::types::{
    ResourceType, Route as FoundRoute, RouteOrigin, RouteTable as Found, RouteTableAssociation,
    RouteTableAssociationStateCode,
};
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, sightings, specification};
use super::inventory::route_tables;
use super::{internet_gateway, nat_gateway, route_table, subnet_ids, vpc};
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};
use crate::environment::model::DefaultRoute;
use crate::resources::calls::fresh;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Tags, Unseen,
    Wanted,
};

/// The kind `network.route-table`.
pub struct RouteTable;

const KIND: &str = "network.route-table";
const EVERYWHERE: &str = "0.0.0.0/0";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    vpc: Input,
    /// Sorted by destination.
    routes: Vec<Route>,
    /// The ids of the subnets that use it, sorted.
    subnets: Vec<Input>,
    tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Route {
    /// A block of addresses, or the id of a prefix list.
    to: String,
    /// The id of the gateway or interface.
    via: Input,
}

/// The route, unless it is AWS's own: to the VPC itself, to a gateway endpoint, or propagated by a VPN gateway.
fn route(found: &FoundRoute) -> Option<Route> {
    let gateway = found.gateway_id();
    let foreign = found.origin() == Some(&RouteOrigin::EnableVgwRoutePropagation)
        || gateway.is_some_and(|id| id == "local" || id.starts_with("vpce-"));
    if foreign {
        return None;
    }
    let to = found
        .destination_cidr_block()
        .or(found.destination_ipv6_cidr_block())
        .or(found.destination_prefix_list_id())?;
    let via = gateway
        .or(found.nat_gateway_id())
        .or(found.transit_gateway_id())
        .or(found.vpc_peering_connection_id())
        .or(found.egress_only_internet_gateway_id())
        .or(found.network_interface_id())
        .unwrap_or_default();
    Some(Route {
        to: to.to_owned(),
        via: via.into(),
    })
}

/// The associations with subnets; being the VPC's main table is none.
fn associations(found: &Found) -> impl Iterator<Item = &RouteTableAssociation> {
    found.associations().iter().filter(|association| {
        let state = association
            .association_state()
            .and_then(|state| state.state());
        let gone = matches!(
            state,
            Some(
                RouteTableAssociationStateCode::Disassociating
                    | RouteTableAssociationStateCode::Disassociated
                    | RouteTableAssociationStateCode::Failed
            )
        );
        association.subnet_id().is_some() && !gone
    })
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let mut routes: Vec<Route> = found.routes().iter().filter_map(route).collect();
    routes.sort();
    let mut subnets: Vec<Input> = associations(found)
        .filter_map(|association| association.subnet_id().map(Input::from))
        .collect();
    subnets.sort();
    let spec = Spec {
        vpc: found.vpc_id().unwrap_or_default().into(),
        routes,
        subnets,
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: found.name(),
        tags: Tagged::tags(found),
        condition: Condition::Ready,
        outputs: outputs([("id", found.route_table_id())]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for RouteTable {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("vpc"),
                Field::in_place("routes"),
                Field::in_place("subnets"),
                Field::in_place("tags"),
            ]
        }
    }

    fn claims(&self, _fields: &Fields, _name: &str) -> Vec<Claim> {
        Vec::new()
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let network = context.environment.network.iter();
        let tables = network.flat_map(|network| &network.route_tables);
        tables
            .map(|(key, asked)| {
                let address = route_table(key);
                let via = match &asked.default_route {
                    DefaultRoute::None => None,
                    DefaultRoute::InternetGateway => Some(internet_gateway()),
                    DefaultRoute::Nat(key) => Some(nat_gateway(key)),
                };
                let default = via.map(|gateway| Route {
                    to: EVERYWHERE.to_owned(),
                    via: Input::of(&gateway, "id"),
                });
                let spec = Spec {
                    vpc: Input::of(&vpc(), "id"),
                    routes: default.into_iter().collect(),
                    subnets: subnet_ids(&asked.subnets),
                    tags: context.ownership.named(&address, &asked.name),
                };
                Desired::new(KIND, address, &asked.name, &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        sightings(KIND, wanted, &inventory.network.route_tables, observed)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.ec2.create_route_table().vpc_id(spec.vpc.text());
            let tags = specification(ResourceType::RouteTable, &spec.tags);
            let call = call.tag_specifications(tags).client_token(order.token);
            let answer = call.send().await;
            answer.map_err(fault("ec2", "CreateRouteTable"))
        })
        .await?;
        let id = answer
            .route_table()
            .and_then(|table| table.route_table_id());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::incomplete("ec2", "CreateRouteTable", "RouteTableId"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = route_tables(cloud, filter("route-table-id", [id])).await?;
        let observed = |table| observed(&order.wanted, order.address.clone(), table);
        Ok(found.first().map(observed))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let id = observed.id.as_str();
        if has(changed, "routes") {
            let now = observed.fields.get("routes").cloned().unwrap_or_default();
            let now: Vec<Route> = serde_json::from_value(now).unwrap_or_default();
            bring_routes_in_line(cloud, id, &now, &spec.routes).await?;
        }
        if has(changed, "subnets") {
            bring_subnets_in_line(cloud, id, &spec).await?;
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let found = route_tables(cloud, filter("route-table-id", [id])).await?;
        for association in found.iter().flat_map(associations) {
            disassociate(cloud, association).await?;
        }
        let call = cloud.aws.ec2.delete_route_table().route_table_id(id);
        absent_is_done(call.send().await.map_err(fault("ec2", "DeleteRouteTable")))
    }
}

async fn bring_routes_in_line(
    cloud: &Cloud,
    table: &str,
    now: &[Route],
    wanted: &[Route],
) -> Result<(), Fault> {
    let now: BTreeMap<&str, &Input> = now.iter().map(|r| (r.to.as_str(), &r.via)).collect();
    for route in wanted {
        match now.get(route.to.as_str()) {
            Some(via) if **via == route.via => {}
            Some(_) => replace(cloud, table, route).await?,
            None => add(cloud, table, route).await?,
        }
    }
    for to in now.into_keys() {
        if wanted.iter().all(|route| route.to != to) {
            remove(cloud, table, to).await?;
        }
    }
    Ok(())
}

/// Whether the id is that of a NAT gateway, which has a member of its own in the calls.
fn is_nat(id: &str) -> bool {
    id.starts_with("nat-")
}

/// Adds the route; one that is there already gets its new target.
async fn add(cloud: &Cloud, table: &str, route: &Route) -> Result<(), Fault> {
    let via = route.via.text();
    let answer = fresh(cloud, || async {
        let call = cloud.aws.ec2.create_route().route_table_id(table);
        let call = call.destination_cidr_block(&route.to);
        let call = match is_nat(via) {
            true => call.nat_gateway_id(via),
            false => call.gateway_id(via),
        };
        call.send().await.map_err(fault("ec2", "CreateRoute"))
    })
    .await;
    match answer {
        Err(fault) if fault.class == Class::Exists => replace(cloud, table, route).await,
        answer => answer.map(drop),
    }
}

async fn replace(cloud: &Cloud, table: &str, route: &Route) -> Result<(), Fault> {
    let via = route.via.text();
    fresh(cloud, || async {
        let call = cloud.aws.ec2.replace_route().route_table_id(table);
        let call = call.destination_cidr_block(&route.to);
        let call = match is_nat(via) {
            true => call.nat_gateway_id(via),
            false => call.gateway_id(via),
        };
        call.send().await.map_err(fault("ec2", "ReplaceRoute"))
    })
    .await
    .map(drop)
}

async fn remove(cloud: &Cloud, table: &str, to: &str) -> Result<(), Fault> {
    let call = cloud.aws.ec2.delete_route().route_table_id(table);
    let call = if to.starts_with("pl-") {
        call.destination_prefix_list_id(to)
    } else if to.contains(':') {
        call.destination_ipv6_cidr_block(to)
    } else {
        call.destination_cidr_block(to)
    };
    absent_is_done(call.send().await.map_err(fault("ec2", "DeleteRoute")))
}

/// Gives the table exactly its subnets. A subnet has one table: it is taken over from another one.
async fn bring_subnets_in_line(cloud: &Cloud, table: &str, spec: &Spec) -> Result<(), Fault> {
    let tables = route_tables(cloud, filter("vpc-id", [spec.vpc.text()])).await?;
    let all: Vec<&RouteTableAssociation> = tables.iter().flat_map(associations).collect();
    for subnet in spec.subnets.iter().map(Input::text) {
        match all.iter().find(|a| a.subnet_id() == Some(subnet)) {
            Some(there) if there.route_table_id() == Some(table) => {}
            Some(elsewhere) => take_over(cloud, table, subnet, elsewhere).await?,
            None => associate(cloud, table, subnet).await?,
        }
    }
    for association in all {
        let listed = spec.subnets.iter().map(Input::text);
        let wanted = listed
            .into_iter()
            .any(|s| association.subnet_id() == Some(s));
        if association.route_table_id() == Some(table) && !wanted {
            disassociate(cloud, association).await?;
        }
    }
    Ok(())
}

async fn associate(cloud: &Cloud, table: &str, subnet: &str) -> Result<(), Fault> {
    fresh(cloud, || async {
        let call = cloud.aws.ec2.associate_route_table();
        let answer = call.route_table_id(table).subnet_id(subnet).send().await;
        answer.map_err(fault("ec2", "AssociateRouteTable"))
    })
    .await
    .map(drop)
}

/// Moves the association to this table; when it went away meanwhile, makes a new one.
async fn take_over(
    cloud: &Cloud,
    table: &str,
    subnet: &str,
    association: &RouteTableAssociation,
) -> Result<(), Fault> {
    let call = cloud.aws.ec2.replace_route_table_association();
    let call = call.route_table_id(table);
    let call = call.set_association_id(association.route_table_association_id.clone());
    let answer = call.send().await;
    match answer.map_err(fault("ec2", "ReplaceRouteTableAssociation")) {
        Err(fault) if fault.is_absent() => associate(cloud, table, subnet).await,
        answer => answer.map(drop),
    }
}

async fn disassociate(cloud: &Cloud, association: &RouteTableAssociation) -> Result<(), Fault> {
    let call = cloud.aws.ec2.disassociate_route_table();
    let call = call.set_association_id(association.route_table_association_id.clone());
    absent_is_done(
        call.send()
            .await
            .map_err(fault("ec2", "DisassociateRouteTable")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_routes_by_itself_is_no_difference() {
        let to = |cidr: &str| FoundRoute::builder().destination_cidr_block(cidr);
        assert_eq!(route(&to("10.0.0.0/16").gateway_id("local").build()), None);
        assert_eq!(
            route(
                &FoundRoute::builder()
                    .destination_prefix_list_id("pl-1")
                    .gateway_id("vpce-1")
                    .build()
            ),
            None
        );
        let added = route(
            &to("10.99.0.0/16")
                .vpc_peering_connection_id("pcx-1")
                .build(),
        );
        assert_eq!(
            added,
            Some(Route {
                to: "10.99.0.0/16".into(),
                via: "pcx-1".into()
            })
        );
    }
}
