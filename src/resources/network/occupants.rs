//! Whatever stands in a VPC, whoever made it: what the last look after a teardown names.

use aws_sdk_ec2::types::Filter;

use super::ec2::{Tagged, filter};
use super::inventory::{
    interfaces, internet_gateways, nat_gateways, route_tables, security_groups, subnets,
};
use crate::cloud::{Cloud, Fault, fault};

/// One thing in a VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// What people call it.
    pub kind: &'static str,
    /// Its id or ARN.
    pub id: String,
    /// Its name or description; the id again where there is none.
    pub name: String,
}

/// States of an instance that is not on its way out: a terminated one stays listed for about an hour.
const ALIVE: [&str; 4] = ["pending", "running", "stopping", "stopped"];

/// Everything in the VPC but what comes and goes with it. Nothing where there is no such VPC.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn occupants(cloud: &Cloud, vpc: &str) -> Result<Vec<Occupant>, Fault> {
    let by = |name: &str| filter(name, [vpc]);
    let (subnets, gateways, nats, tables, groups, interfaces, instances, balancers) = futures::try_join!(
        subnets(cloud, by("vpc-id")),
        internet_gateways(cloud, by("attachment.vpc-id")),
        nat_gateways(cloud, by("vpc-id")),
        route_tables(cloud, by("vpc-id")),
        security_groups(cloud, by("vpc-id")),
        interfaces(cloud, vec![by("vpc-id")]),
        instances(
            cloud,
            vec![by("vpc-id"), filter("instance-state-name", ALIVE)]
        ),
        load_balancers(cloud, vpc),
    )?;
    let is_main = |table: &aws_sdk_ec2::types::RouteTable| {
        let mut associations = table.associations().iter();
        associations.any(|association| association.main() == Some(true))
    };
    let mut found: Vec<Occupant> = Vec::new();
    found.extend(subnets.iter().map(|one| named("subnet", one)));
    found.extend(gateways.iter().map(|one| named("internet gateway", one)));
    found.extend(nats.iter().map(|one| named("NAT gateway", one)));
    let tables = tables.iter().filter(|table| !is_main(table));
    found.extend(tables.map(|one| named("route table", one)));
    let groups = groups
        .iter()
        .filter(|group| group.group_name() != Some("default"));
    found.extend(groups.map(|group| Occupant {
        name: group.group_name().unwrap_or_default().to_owned(),
        ..named("security group", group)
    }));
    found.extend(interfaces.iter().map(|interface| {
        Occupant {
            kind: "network interface",
            id: interface
                .network_interface_id()
                .unwrap_or_default()
                .to_owned(),
            name: interface.description().unwrap_or_default().to_owned(),
        }
    }));
    found.extend(instances);
    found.extend(balancers);
    Ok(found)
}

fn named(kind: &'static str, found: &impl Tagged) -> Occupant {
    Occupant {
        kind,
        id: found.id().to_owned(),
        name: found.name(),
    }
}

async fn instances(cloud: &Cloud, by: Vec<Filter>) -> Result<Vec<Occupant>, Fault> {
    let call = cloud.aws.ec2.describe_instances().set_filters(Some(by));
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("ec2", "DescribeInstances"))?;
    let instances = listed
        .iter()
        .flat_map(|reservation| reservation.instances());
    Ok(instances
        .filter_map(|instance| instance.instance_id())
        .map(|id| Occupant {
            kind: "instance",
            id: id.to_owned(),
            name: id.to_owned(),
        })
        .collect())
}

async fn load_balancers(cloud: &Cloud, vpc: &str) -> Result<Vec<Occupant>, Fault> {
    let call = cloud.aws.load_balancers.describe_load_balancers();
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("elasticloadbalancing", "DescribeLoadBalancers"))?;
    let here = listed
        .iter()
        .filter(|balancer| balancer.vpc_id() == Some(vpc));
    Ok(here
        .map(|balancer| Occupant {
            kind: "load balancer",
            id: balancer.load_balancer_arn().unwrap_or_default().to_owned(),
            name: balancer.load_balancer_name().unwrap_or_default().to_owned(),
        })
        .collect())
}
