//! What EC2 holds of the environment: one list call for each kind, by the environment's tag.
//!
//! What the state remembers and the tag does not find is asked for by id, so that a tag that somebody took away
//! shows as a difference and not as absence.

use std::collections::BTreeSet;
use std::future::Future;

use aws_sdk_ec2::types::{
    Address as ElasticIp, Filter, InternetGateway, NatGateway, NatGatewayState, NetworkInterface,
    RouteTable, SecurityGroup, Subnet, Vpc, VpcAttributeName,
};

use super::ec2::{Tagged, filter, of_environment};
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::inventory::{Seen, part};
use crate::resources::{Owner, Unseen, Wanted};

/// EC2's part of the inventory.
#[derive(Clone, Debug)]
pub struct Network {
    /// VPCs.
    pub vpcs: Seen<Vec<FoundVpc>>,
    /// Subnets.
    pub subnets: Seen<Vec<Subnet>>,
    /// Internet gateways.
    pub internet_gateways: Seen<Vec<InternetGateway>>,
    /// Elastic IP addresses.
    pub elastic_ips: Seen<Vec<ElasticIp>>,
    /// NAT gateways, but for deleted ones.
    pub nat_gateways: Seen<Vec<NatGateway>>,
    /// Route tables.
    pub route_tables: Seen<Vec<RouteTable>>,
    /// Security groups with their rules.
    pub security_groups: Seen<Vec<SecurityGroup>>,
}

/// A VPC with the attributes that DescribeVpcs leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundVpc {
    /// The VPC.
    pub vpc: Vpc,
    /// Whether Amazon's resolver answers in it.
    pub dns_support: bool,
    /// Whether its instances get host names.
    pub dns_hostnames: bool,
}

impl Network {
    /// What there is without an account.
    pub fn none() -> Self {
        Self {
            vpcs: Ok(Vec::new()),
            subnets: Ok(Vec::new()),
            internet_gateways: Ok(Vec::new()),
            elastic_ips: Ok(Vec::new()),
            nat_gateways: Ok(Vec::new()),
            route_tables: Ok(Vec::new()),
            security_groups: Ok(Vec::new()),
        }
    }

    /// Lists all of it at once.
    pub async fn sweep(cloud: &Cloud, wanted: &Wanted<'_>) -> Self {
        let (vpcs, subnets, internet_gateways, elastic_ips, nat_gateways, route_tables, groups) = futures::join!(
            found(cloud, wanted, "network.vpc", "vpc-id", |by| vpcs(cloud, by)),
            found(cloud, wanted, "network.subnet", "subnet-id", |by| subnets(
                cloud, by
            )),
            found(
                cloud,
                wanted,
                "network.internet-gateway",
                "internet-gateway-id",
                |by| { internet_gateways(cloud, by) }
            ),
            found(cloud, wanted, "network.address", "allocation-id", |by| {
                elastic_ips(cloud, by)
            }),
            found(
                cloud,
                wanted,
                "network.nat-gateway",
                "nat-gateway-id",
                |by| { nat_gateways(cloud, by) }
            ),
            found(
                cloud,
                wanted,
                "network.route-table",
                "route-table-id",
                |by| { route_tables(cloud, by) }
            ),
            found(cloud, wanted, "network.security-group", "group-id", |by| {
                security_groups(cloud, by)
            }),
        );
        Self {
            vpcs,
            subnets,
            internet_gateways,
            elastic_ips,
            nat_gateways,
            route_tables,
            security_groups: groups,
        }
    }
}

impl Network {
    /// The ids of the VPCs that are ours: by their tags, or as the state remembers them.
    ///
    /// # Errors
    /// When VPCs could not be read.
    pub fn own_vpcs(&self, wanted: &Wanted<'_>) -> Result<BTreeSet<String>, Unseen> {
        let vpcs = self.vpcs.as_ref().map_err(Clone::clone)?;
        let known = wanted.ids("network.vpc");
        let ours = vpcs
            .iter()
            .filter(|vpc| wanted.owner(&vpc.tags()) == Owner::Ours || known.contains_key(vpc.id()));
        Ok(ours.map(|vpc| vpc.id().to_owned()).collect())
    }
}

/// What carries the environment's tag, and what the state remembers without it.
async fn found<T, F>(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    kind: &str,
    by_id: &str,
    list: impl Fn(Filter) -> F,
) -> Seen<Vec<T>>
where
    T: Tagged,
    F: Future<Output = Result<Vec<T>, Fault>>,
{
    let mut all = part(cloud, || list(of_environment(wanted))).await?;
    let known = wanted.ids(kind).into_keys();
    let missing: Vec<&str> = known
        .filter(|id| all.iter().all(|item| item.id() != *id))
        .collect();
    if !missing.is_empty() {
        let untagged = part(cloud, || list(filter(by_id, missing.iter().copied()))).await?;
        all.extend(untagged);
    }
    Ok(all)
}

/// VPCs with their attributes.
pub(super) async fn vpcs(cloud: &Cloud, by: Filter) -> Result<Vec<FoundVpc>, Fault> {
    let pages = cloud.aws.ec2.describe_vpcs().filters(by).into_paginator();
    let listed = pages.items().send().try_collect().await;
    let vpcs: Vec<Vpc> = listed.map_err(fault("ec2", "DescribeVpcs"))?;
    futures::future::try_join_all(vpcs.into_iter().map(|vpc| with_attributes(cloud, vpc))).await
}

async fn with_attributes(cloud: &Cloud, vpc: Vpc) -> Result<FoundVpc, Fault> {
    let ask = |attribute| {
        let call = cloud.aws.ec2.describe_vpc_attribute().attribute(attribute);
        call.set_vpc_id(vpc.vpc_id().map(str::to_owned)).send()
    };
    let (support, hostnames) = futures::try_join!(
        ask(VpcAttributeName::EnableDnsSupport),
        ask(VpcAttributeName::EnableDnsHostnames),
    )
    .map_err(fault("ec2", "DescribeVpcAttribute"))?;
    let dns_support = support.enable_dns_support().and_then(|on| on.value());
    let dns_hostnames = hostnames.enable_dns_hostnames().and_then(|on| on.value());
    Ok(FoundVpc {
        vpc,
        dns_support: dns_support.unwrap_or_default(),
        dns_hostnames: dns_hostnames.unwrap_or_default(),
    })
}

/// Subnets.
pub(in crate::resources) async fn subnets(cloud: &Cloud, by: Filter) -> Result<Vec<Subnet>, Fault> {
    let pages = cloud
        .aws
        .ec2
        .describe_subnets()
        .filters(by)
        .into_paginator();
    let listed = pages.items().send().try_collect().await;
    listed.map_err(fault("ec2", "DescribeSubnets"))
}

/// Internet gateways.
pub(super) async fn internet_gateways(
    cloud: &Cloud,
    by: Filter,
) -> Result<Vec<InternetGateway>, Fault> {
    let call = cloud.aws.ec2.describe_internet_gateways().filters(by);
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("ec2", "DescribeInternetGateways"))
}

/// Elastic IP addresses, which come in one page.
pub(super) async fn elastic_ips(cloud: &Cloud, by: Filter) -> Result<Vec<ElasticIp>, Fault> {
    let answer = cloud.aws.ec2.describe_addresses().filters(by).send().await;
    let listed = answer.map_err(fault("ec2", "DescribeAddresses"))?;
    Ok(listed.addresses.unwrap_or_default())
}

/// NAT gateways. A deleted one stays listed for about an hour and is left out.
pub(super) async fn nat_gateways(cloud: &Cloud, by: Filter) -> Result<Vec<NatGateway>, Fault> {
    let call = cloud.aws.ec2.describe_nat_gateways().filter(by);
    let listed = call.into_paginator().items().send().try_collect().await;
    let mut listed: Vec<NatGateway> = listed.map_err(fault("ec2", "DescribeNatGateways"))?;
    listed.retain(|gateway| gateway.state() != Some(&NatGatewayState::Deleted));
    Ok(listed)
}

/// Route tables with their routes and associations.
pub(in crate::resources) async fn route_tables(
    cloud: &Cloud,
    by: Filter,
) -> Result<Vec<RouteTable>, Fault> {
    let call = cloud.aws.ec2.describe_route_tables().filters(by);
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("ec2", "DescribeRouteTables"))
}

/// Security groups with their rules.
pub(super) async fn security_groups(
    cloud: &Cloud,
    by: Filter,
) -> Result<Vec<SecurityGroup>, Fault> {
    security_groups_with(cloud, vec![by]).await
}

/// Security groups that all filters let through.
pub(in crate::resources) async fn security_groups_with(
    cloud: &Cloud,
    by: Vec<Filter>,
) -> Result<Vec<SecurityGroup>, Fault> {
    let call = cloud
        .aws
        .ec2
        .describe_security_groups()
        .set_filters(Some(by));
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("ec2", "DescribeSecurityGroups"))
}

/// Network interfaces that all filters let through.
pub(in crate::resources) async fn interfaces(
    cloud: &Cloud,
    by: Vec<Filter>,
) -> Result<Vec<NetworkInterface>, Fault> {
    let call = cloud
        .aws
        .ec2
        .describe_network_interfaces()
        .set_filters(Some(by));
    let listed = call.into_paginator().items().send().try_collect().await;
    listed.map_err(fault("ec2", "DescribeNetworkInterfaces"))
}
