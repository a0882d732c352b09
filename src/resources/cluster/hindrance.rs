//! Why the nodes of a group don't join. EKS itself says so after twenty minutes and more, and then only that they did
//! not; what they lack can be seen much earlier: rights, a way out, to be let in, or addresses.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{RouteState, RouteTable, Subnet};
use aws_sdk_eks::types::AuthenticationMode;

use super::inventory::describe_cluster;
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::iam::role::WORKER;
use crate::resources::network::filter;
use crate::resources::network::inventory::{route_tables, subnets};

/// What keeps the nodes of a group in `cluster` from joining, each with what to do about it; nothing where none of the
/// known causes is there.
///
/// # Errors
/// The fault of a call without which nothing can be told.
pub(super) async fn find(
    cloud: &Cloud,
    cluster: &str,
    role: &str,
    subnet_ids: &[String],
) -> Result<Vec<String>, Fault> {
    let (rights, entry, network) = futures::try_join!(
        rights(cloud, role),
        entry(cloud, cluster, role),
        network(cloud, subnet_ids),
    )?;
    Ok([rights, entry, network].concat())
}

/// What the nodes' role lacks.
async fn rights(cloud: &Cloud, role: &str) -> Result<Vec<String>, Fault> {
    let name = role.rsplit('/').next().unwrap_or(role);
    let call = cloud.aws.iam.list_attached_role_policies().role_name(name);
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = present(listed.map_err(fault("iam", "ListAttachedRolePolicies")))?;
    let Some(attached) = listed else {
        return Ok(vec![format!(
            "the nodes' role {name} is gone: run the same command again, which makes it anew"
        )]);
    };
    let attached: BTreeSet<&str> = attached
        .iter()
        .filter_map(|one| one.policy_name())
        .collect();
    let missing = WORKER.iter().filter(|policy| !attached.contains(**policy));
    let missing: Vec<&str> = missing.copied().collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "the nodes' role {name} has no {}: run the same command again, which attaches it",
        missing.join(", ")
    )])
}

/// Whether the cluster lets the nodes in.
async fn entry(cloud: &Cloud, cluster: &str, role: &str) -> Result<Vec<String>, Fault> {
    let found = describe_cluster(cloud, cluster).await?;
    let access = found.as_ref().and_then(|found| found.access_config());
    let mode = access.and_then(|access| access.authentication_mode());
    if mode != Some(&AuthenticationMode::Api) {
        // The config map may let them in, too.
        return Ok(Vec::new());
    }
    let call = cloud.aws.eks.describe_access_entry().cluster_name(cluster);
    let answer = call.principal_arn(role).send().await;
    let entry = present(answer.map_err(fault("eks", "DescribeAccessEntry")))?;
    Ok(match entry {
        Some(_) => Vec::new(),
        None => vec![format!(
            "no access entry lets the nodes' role in: `aws eks create-access-entry --cluster-name {cluster} --principal-arn {role} --type EC2_LINUX` makes one"
        )],
    })
}

/// Whether the subnets have a way out, and room.
async fn network(cloud: &Cloud, subnet_ids: &[String]) -> Result<Vec<String>, Fault> {
    let ids = || subnet_ids.iter().map(String::as_str);
    let found = subnets(cloud, filter("subnet-id", ids())).await?;
    let vpcs: BTreeSet<&str> = found.iter().filter_map(|subnet| subnet.vpc_id()).collect();
    let tables = route_tables(cloud, filter("vpc-id", vpcs)).await?;
    let full = found
        .iter()
        .filter(|subnet| subnet.available_ip_address_count() == Some(0));
    let full: Vec<&str> = full.filter_map(Subnet::subnet_id).collect();
    let mut told = Vec::new();
    if !full.is_empty() {
        told.push(format!(
            "no address is free in {}: remove what takes them, or give the cluster larger subnets",
            full.join(", ")
        ));
    }
    told.extend(
        found
            .iter()
            .filter_map(|subnet| no_way_out(subnet, &tables)),
    );
    Ok(told)
}

/// Why nodes in this subnet can't reach the API server and the registry, if they can't.
fn no_way_out(subnet: &Subnet, tables: &[RouteTable]) -> Option<String> {
    let id = subnet.subnet_id()?;
    let of_subnet = |table: &&RouteTable| {
        let mut associations = table.associations().iter();
        associations.any(|association| association.subnet_id() == Some(id))
    };
    let is_main = |table: &&RouteTable| {
        let here = table.vpc_id() == subnet.vpc_id();
        let mut associations = table.associations().iter();
        here && associations.any(|association| association.main() == Some(true))
    };
    let table = tables.iter().find(of_subnet);
    let table = table.or_else(|| tables.iter().find(is_main))?;
    let name = table.route_table_id().unwrap_or_default();
    let mut routes = table.routes().iter();
    let out = routes.find(|route| route.destination_cidr_block() == Some("0.0.0.0/0"));
    let again = "run the same command again, which mends it";
    match out {
        Some(route) if route.state() != Some(&RouteState::Blackhole) => None,
        Some(_) => Some(format!(
            "the way out of {id} leads nowhere: what the route 0.0.0.0/0 of {name} leads to is gone; {again}"
        )),
        None => Some(format!(
            "{id} has no way out: its route table {name} has no route 0.0.0.0/0; {again}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{Route, RouteTableAssociation};

    use super::*;

    #[test]
    fn a_subnet_goes_by_its_own_table_and_else_by_the_main_one() {
        let subnet = Subnet::builder()
            .subnet_id("subnet-1")
            .vpc_id("vpc-1")
            .build();
        let out = |state| {
            Route::builder()
                .destination_cidr_block("0.0.0.0/0")
                .state(state)
                .build()
        };
        let main = RouteTableAssociation::builder().main(true).build();
        let own = RouteTableAssociation::builder()
            .subnet_id("subnet-1")
            .build();
        let table = |id: &str, association: &RouteTableAssociation, route: Option<Route>| {
            let table = RouteTable::builder().route_table_id(id).vpc_id("vpc-1");
            table
                .associations(association.clone())
                .set_routes(route.map(|route| vec![route]))
                .build()
        };
        let open = table("rtb-main", &main, Some(out(RouteState::Active)));
        assert_eq!(no_way_out(&subnet, std::slice::from_ref(&open)), None);
        let closed = table("rtb-own", &own, None);
        let told = no_way_out(&subnet, &[open.clone(), closed]);
        assert!(told.is_some_and(|told| told.contains("rtb-own")));
        let hole = table("rtb-own", &own, Some(out(RouteState::Blackhole)));
        let told = no_way_out(&subnet, &[open, hole]);
        assert!(told.is_some_and(|told| told.contains("leads nowhere")));
    }
}
