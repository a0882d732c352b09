//! Which VPCs see which private zones.

use super::zones::{cut, page_size};
use super::{Zone, ZoneVpc, invalid_input, submit, zone, zone_mut};
use crate::sandbox::aws::{Fault, Fields, Params, Reply};
use crate::sandbox::world::World;

pub(super) fn render(vpc: &ZoneVpc) -> Fields {
    Fields::new()
        .with("VPCRegion", &vpc.region)
        .with("VPCId", &vpc.id)
}

/// The VPC that the member `VPC` names.
fn named(params: &Params) -> Result<ZoneVpc, Fault> {
    let vpc = params.nested("VPC");
    Ok(ZoneVpc {
        region: vpc.required("VPCRegion")?,
        id: vpc.required("VPCId")?,
    })
}

/// The same, which must exist in EC2.
pub(super) fn vpc(world: &World, params: &Params) -> Result<ZoneVpc, Fault> {
    let vpc = named(params)?;
    let region = world.regions.get(&vpc.region);
    match region.is_some_and(|region| region.ec2.vpcs.contains_key(&vpc.id)) {
        true => Ok(vpc),
        false => Err(Fault::new(
            "InvalidVPCId",
            format!("The VPC ID is invalid: {} in {}", vpc.id, vpc.region),
        )),
    }
}

/// A VPC sees at most one zone of each name.
pub(super) fn refuse_conflict(world: &World, vpc: &ZoneVpc, name: &str) -> Result<(), Fault> {
    let mut zones = world.global.route53.zones.values();
    match zones.find(|zone| zone.name == name && zone.vpcs.contains(vpc)) {
        None => Ok(()),
        Some(zone) => Err(Fault::new(
            "ConflictingDomainExists",
            format!(
                "The VPC {} in region {} has already been associated with the hosted zone {} with the same domain name.",
                vpc.id, vpc.region, zone.id
            ),
        )),
    }
}

fn refuse_public(zone: &Zone) -> Result<(), Fault> {
    match zone.private {
        true => Ok(()),
        false => Err(Fault::new(
            "PublicZoneVPCAssociation",
            "You're trying to associate a VPC with a public hosted zone.",
        )),
    }
}

pub(super) fn associate(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let zone = zone(world, params, "HostedZoneId")?;
    refuse_public(zone)?;
    let vpc = vpc(world, params)?;
    refuse_conflict(world, &vpc, &zone.name)?;
    zone_mut(world, params, "HostedZoneId")?.vpcs.insert(vpc);
    Ok(submit(world, params.text("Comment")).into())
}

pub(super) fn disassociate(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let vpc = named(params)?;
    let zone = zone_mut(world, params, "HostedZoneId")?;
    if !zone.vpcs.contains(&vpc) {
        return Err(Fault::new(
            "VPCAssociationNotFound",
            format!(
                "The VPC: {} and hosted zone: {} that you specified are not associated.",
                vpc.id, zone.id
            ),
        )
        .status(404));
    }
    if zone.vpcs.len() == 1 {
        return Err(Fault::new(
            "LastVPCAssociation",
            "The VPC that you're trying to disassociate from the private hosted zone is the last VPC that is associated with the hosted zone.",
        ));
    }
    zone.vpcs.remove(&vpc);
    Ok(submit(world, params.text("Comment")).into())
}

pub(super) fn list_by_vpc(world: &World, params: &Params) -> Result<Reply, Fault> {
    let vpc = ZoneVpc {
        region: params.required("VPCRegion")?,
        id: params.required("VPCId")?,
    };
    if !vpc.id.starts_with("vpc-") {
        return Err(invalid_input(format!("{} is no id of a VPC", vpc.id)));
    }
    let size = page_size(params, 100)?;
    let start = params.text("NextToken").unwrap_or_default();
    let zones = world
        .global
        .route53
        .zones
        .values()
        .filter(|zone| zone.id >= start && zone.vpcs.contains(&vpc));
    let (zones, next) = cut(zones, size);
    let summaries = zones.into_iter().map(|zone| {
        Fields::new()
            .with("HostedZoneId", &zone.id)
            .with("Name", &zone.name)
            .with("Owner", Fields::new().with("OwningAccount", &world.account))
    });
    Ok(Fields::new()
        .list("HostedZoneSummaries", "HostedZoneSummary", summaries)
        .with("MaxItems", size.to_string())
        .maybe("NextToken", next.map(|zone| &zone.id))
        .into())
}
