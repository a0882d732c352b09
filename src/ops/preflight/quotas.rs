//! Whether the account has room for what a plan makes, of those quotas that are small enough to be met.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_sdk_ec2::types::{Filter, NatGateway, NatGatewayState, Vpc};

use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, Retry, fault, retry};
use crate::ops::Planned;
use crate::plan::{Action, Verb};
use crate::resources::CONTROL_PLANE;

/// How long one question may be tried.
const BOUND: Duration = Duration::from_secs(10);

/// A quota by the codes that AWS has given it (`aws service-quotas list-service-quotas`).
struct Quota {
    /// The kind that it limits.
    kind: &'static str,
    service: &'static str,
    code: &'static str,
    /// What it limits, for people.
    of: &'static str,
}

const VPCS: Quota = Quota {
    kind: "network.vpc",
    service: "vpc",
    code: "L-F678F1CE",
    of: "VPCs in the region",
};
const ADDRESSES: Quota = Quota {
    kind: "network.address",
    service: "ec2",
    code: "L-0263D0A3",
    of: "Elastic IP addresses in the region",
};
const NAT_GATEWAYS: Quota = Quota {
    kind: "network.nat-gateway",
    service: "vpc",
    code: "L-FE5A380F",
    of: "NAT gateways",
};
const CLUSTERS: Quota = Quota {
    kind: CONTROL_PLANE,
    service: "eks",
    code: "L-1194D53C",
    of: "EKS clusters in the region",
};

/// What there is too little room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// What of.
    pub of: String,
    /// How many the account may have.
    pub quota: usize,
    /// How many it has.
    pub used: usize,
    /// How many the plan makes.
    pub needed: usize,
    /// The service that the quota is listed under.
    pub service: &'static str,
    /// Its code.
    pub code: &'static str,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            of,
            quota,
            used,
            needed,
            service,
            code,
        } = self;
        write!(
            f,
            "{of}: {used} of {quota} are taken, and it makes {needed} (quota {code} of {service})"
        )
    }
}

/// The quotas that the work of `planned` exceeds.
///
/// # Errors
/// When a quota or what counts against it can't be seen.
pub async fn exceeded(
    cloud: &Cloud,
    account: &str,
    planned: &Planned,
) -> Result<Vec<Shortage>, Fault> {
    let (vpcs, addresses, gateways, clusters) = futures::try_join!(
        counted(cloud, planned, &VPCS, vpcs(cloud, account)),
        counted(cloud, planned, &ADDRESSES, addresses(cloud)),
        counted_by_zone(cloud, planned),
        counted(cloud, planned, &CLUSTERS, clusters(cloud)),
    )?;
    let all = [vpcs, addresses, clusters].into_iter().flatten();
    Ok(all.chain(gateways).collect())
}

/// The resources of the quota's kind that the plan makes anew. A replacement goes before its successor comes.
fn made<'a>(planned: &'a Planned, quota: &Quota) -> impl Iterator<Item = &'a Action> {
    let kind = quota.kind;
    let actions = planned.plan.work();
    actions.filter(move |action| action.kind == kind && action.verb == Verb::Create)
}

async fn counted(
    cloud: &Cloud,
    planned: &Planned,
    quota: &Quota,
    used: impl Future<Output = Result<usize, Fault>>,
) -> Result<Option<Shortage>, Fault> {
    let needed = made(planned, quota).count();
    if needed == 0 {
        return Ok(None);
    }
    let (most, used) = futures::try_join!(value(cloud, quota), used)?;
    Ok(shortage(quota, quota.of.to_owned(), most, used, needed))
}

/// NAT gateways are counted by availability zone.
async fn counted_by_zone(cloud: &Cloud, planned: &Planned) -> Result<Vec<Shortage>, Fault> {
    let quota = &NAT_GATEWAYS;
    let mut needed: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in made(planned, quota).filter_map(|action| zone_of(planned, &action.address)) {
        *needed.entry(zone).or_default() += 1;
    }
    if needed.is_empty() {
        return Ok(Vec::new());
    }
    let (most, gateways) = futures::try_join!(value(cloud, quota), gateways(cloud))?;
    let zones = zones(cloud, &gateways).await?;
    let short = needed.into_iter().filter_map(|(zone, needed)| {
        let stands = |gateway: &&NatGateway| {
            let subnet = gateway.subnet_id().unwrap_or_default();
            zones.get(subnet).is_some_and(|of| of == zone)
        };
        let used = gateways.iter().filter(stands).count();
        shortage(quota, format!("{} in {zone}", quota.of), most, used, needed)
    });
    Ok(short.collect())
}

/// The availability zone that the NAT gateway at `address` will stand in: that of its subnet.
fn zone_of<'a>(planned: &'a Planned, address: &Address) -> Option<&'a str> {
    let gateway = planned.desired.get(address)?;
    let mut dependencies = gateway.depends_on.iter();
    dependencies.find_map(|on| planned.desired.get(on)?.fields.get("zone")?.as_str())
}

fn shortage(
    quota: &Quota,
    of: String,
    most: usize,
    used: usize,
    needed: usize,
) -> Option<Shortage> {
    (used + needed > most).then_some(Shortage {
        of,
        quota: most,
        used,
        needed,
        service: quota.service,
        code: quota.code,
    })
}

/// How many the account may have: what was agreed on, or else what every account may have.
async fn value(cloud: &Cloud, quota: &Quota) -> Result<usize, Fault> {
    let agreed = || async {
        let call = cloud.aws.quotas.get_service_quota();
        let call = call.service_code(quota.service).quota_code(quota.code);
        let answer = call.send().await;
        answer.map_err(fault("servicequotas", "GetServiceQuota"))
    };
    let usual = || async {
        let call = cloud.aws.quotas.get_aws_default_service_quota();
        let call = call.service_code(quota.service).quota_code(quota.code);
        let answer = call.send().await;
        answer.map_err(fault("servicequotas", "GetAWSDefaultServiceQuota"))
    };
    let clock = cloud.clock.as_ref();
    let found = match retry(clock, Retry::Idempotent, BOUND, agreed).await {
        Ok(answer) => answer.quota,
        // Nobody has asked for more than the default.
        Err(fault) if fault.class == Class::Absent => {
            let usual = retry(clock, Retry::Idempotent, BOUND, usual).await?;
            usual.quota
        }
        Err(fault) => return Err(fault),
    };
    let value = found.and_then(|quota| quota.value);
    let value =
        value.ok_or_else(|| Fault::incomplete("servicequotas", "GetServiceQuota", "Value"))?;
    // Quotas of things that are counted are whole numbers, though they travel as others.
    Ok(value as usize)
}

async fn vpcs(cloud: &Cloud, account: &str) -> Result<usize, Fault> {
    let pages = cloud.aws.ec2.describe_vpcs().into_paginator();
    let listed: Result<Vec<Vpc>, _> = pages.items().send().try_collect().await;
    let listed = listed.map_err(fault("ec2", "DescribeVpcs"))?;
    // Those that other accounts share are listed, and count with their owners.
    let own = |vpc: &&Vpc| vpc.owner_id().is_none_or(|owner| owner == account);
    Ok(listed.iter().filter(own).count())
}

async fn addresses(cloud: &Cloud) -> Result<usize, Fault> {
    let answer = cloud.aws.ec2.describe_addresses().send().await;
    Ok(answer
        .map_err(fault("ec2", "DescribeAddresses"))?
        .addresses()
        .len())
}

async fn gateways(cloud: &Cloud) -> Result<Vec<NatGateway>, Fault> {
    let pages = cloud.aws.ec2.describe_nat_gateways().into_paginator();
    let listed: Result<Vec<NatGateway>, _> = pages.items().send().try_collect().await;
    let mut listed = listed.map_err(fault("ec2", "DescribeNatGateways"))?;
    // These stay listed for an hour, and count no more.
    let gone = [NatGatewayState::Deleted, NatGatewayState::Failed];
    listed.retain(|gateway| gateway.state().is_none_or(|state| !gone.contains(state)));
    Ok(listed)
}

/// The availability zones of the subnets of `gateways`.
async fn zones(cloud: &Cloud, gateways: &[NatGateway]) -> Result<BTreeMap<String, String>, Fault> {
    if gateways.is_empty() {
        return Ok(BTreeMap::new());
    }
    // A subnet that went a moment ago is passed over by a filter, and an error if it is named.
    let ids = gateways.iter().filter_map(NatGateway::subnet_id);
    let theirs = Filter::builder().name("subnet-id");
    let theirs = theirs.set_values(Some(ids.map(str::to_owned).collect()));
    let call = cloud.aws.ec2.describe_subnets().filters(theirs.build());
    let listed: Result<Vec<_>, _> = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("ec2", "DescribeSubnets"))?;
    let zones = listed
        .into_iter()
        .filter_map(|subnet| Some((subnet.subnet_id?, subnet.availability_zone?)));
    Ok(zones.collect())
}

async fn clusters(cloud: &Cloud) -> Result<usize, Fault> {
    let pages = cloud.aws.eks.list_clusters().into_paginator();
    let listed: Result<Vec<_>, _> = pages.items().send().try_collect().await;
    Ok(listed.map_err(fault("eks", "ListClusters"))?.len())
}
