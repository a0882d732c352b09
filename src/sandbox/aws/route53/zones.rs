//! Hosted zones: create, read, list, delete.

use std::collections::{BTreeMap, BTreeSet};

use super::{RecordSet, Zone, ZoneVpc, associations, invalid_input, names, submit, zone, zone_mut};
use crate::sandbox::aws::{Fault, Fields, Params, Reply, page};
use crate::sandbox::world::World;

const MOST_ZONES: usize = 500;

/// The name servers that AWS writes into every private zone, and that the sandbox gives public ones too.
const NAME_SERVERS: [&str; 4] = [
    "ns-1536.awsdns-00.co.uk",
    "ns-0.awsdns-00.com",
    "ns-1024.awsdns-00.org",
    "ns-512.awsdns-00.net",
];

pub(super) fn render(zone: &Zone) -> Fields {
    let config = Fields::new()
        .maybe("Comment", zone.comment.as_ref())
        .with("PrivateZone", zone.private);
    Fields::new()
        .with("Id", format!("/hostedzone/{}", zone.id))
        .with("Name", &zone.name)
        .with("CallerReference", &zone.caller_reference)
        .with("Config", config)
        .with("ResourceRecordSetCount", zone.records.len() as i64)
}

fn delegation_set() -> Fields {
    Fields::new().list("NameServers", "NameServer", NAME_SERVERS)
}

pub(super) fn create(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let caller_reference = params.required("CallerReference")?;
    let name = names::normalise(&params.required("Name")?);
    if !names::is_valid(&name) {
        return Err(Fault::new(
            "InvalidDomainName",
            format!("{name} is not a valid domain name"),
        ));
    }
    let zones = &world.global.route53.zones;
    let mut references = zones.values().map(|zone| &zone.caller_reference);
    if references.any(|other| *other == caller_reference) {
        return Err(Fault::new(
            "HostedZoneAlreadyExists",
            format!(
                "A hosted zone has already been created with the specified caller reference: {caller_reference}"
            ),
        )
        .status(409));
    }
    if zones.len() >= MOST_ZONES {
        return Err(Fault::new(
            "TooManyHostedZones",
            format!("Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER - {MOST_ZONES}"),
        ));
    }
    let config = params.nested("HostedZoneConfig");
    let vpc = match params.has("VPC") {
        true => Some(associations::vpc(world, params)?),
        false if config.flag("PrivateZone") == Some(true) => {
            return Err(invalid_input(
                "When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify values for VPCId and VPCRegion.",
            ));
        }
        false => None,
    };
    if let Some(vpc) = &vpc {
        associations::refuse_conflict(world, vpc, &name)?;
    }
    let zone = Zone {
        id: world.ids.upper("Z", 20),
        records: own_records(&name),
        name,
        caller_reference,
        comment: config.text("Comment").filter(|text| !text.is_empty()),
        private: vpc.is_some(),
        vpcs: vpc.clone().into_iter().collect::<BTreeSet<ZoneVpc>>(),
        tags: BTreeMap::new(),
    };
    let reply = submit(world, None)
        .with("HostedZone", render(&zone))
        .maybe("DelegationSet", vpc.is_none().then(delegation_set))
        .maybe("VPC", vpc.as_ref().map(associations::render));
    world.global.route53.zones.insert(zone.id.clone(), zone);
    Ok(reply.into())
}

/// The records that every zone has and keeps.
fn own_records(zone: &str) -> Vec<RecordSet> {
    let record = |kind: &str, ttl, values: Vec<String>| RecordSet {
        name: zone.to_owned(),
        kind: kind.to_owned(),
        set_identifier: None,
        routing: BTreeMap::new(),
        ttl: Some(ttl),
        values,
        alias: None,
    };
    let servers = NAME_SERVERS.map(|server| format!("{server}."));
    let authority = format!(
        "{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400",
        servers[0]
    );
    vec![
        record("NS", 172_800, servers.to_vec()),
        record("SOA", 900, vec![authority]),
    ]
}

pub(super) fn get(world: &World, params: &Params) -> Result<Reply, Fault> {
    let zone = zone(world, params, "Id")?;
    let vpcs = zone.vpcs.iter().map(associations::render);
    let reply = Fields::new().with("HostedZone", render(zone));
    Ok(match zone.private {
        true => reply.list("VPCs", "VPC", vpcs),
        false => reply.with("DelegationSet", delegation_set()),
    }
    .into())
}

pub(super) fn count(world: &World) -> Reply {
    let count = world.global.route53.zones.len() as i64;
    Fields::new().with("HostedZoneCount", count).into()
}

pub(super) fn page_size(params: &Params, most: usize) -> Result<usize, Fault> {
    // AWS answers a page of the largest size where more is asked.
    page::size(params, "MaxItems", most, usize::MAX, "InvalidInput").map(|size| size.min(most))
}

/// The elements of one page and the first of the next: Route 53's markers name what comes, not what went.
pub(super) fn cut<T>(all: impl IntoIterator<Item = T>, size: usize) -> (Vec<T>, Option<T>) {
    let mut all = all.into_iter();
    let page = all.by_ref().take(size).collect();
    (page, all.next())
}

pub(super) fn list(world: &World, params: &Params) -> Result<Reply, Fault> {
    let size = page_size(params, 100)?;
    let marker = params.text("Marker").unwrap_or_default();
    let only_private = params.text("HostedZoneType").as_deref() == Some("PrivateHostedZone");
    let zones = world
        .global
        .route53
        .zones
        .values()
        .filter(|zone| zone.id >= marker && (zone.private || !only_private));
    let (zones, next) = cut(zones, size);
    Ok(Fields::new()
        .list("HostedZones", "HostedZone", zones.into_iter().map(render))
        .with("Marker", marker)
        .with("IsTruncated", next.is_some())
        .maybe("NextMarker", next.map(|zone| &zone.id))
        .with("MaxItems", size.to_string())
        .into())
}

pub(super) fn list_by_name(world: &World, params: &Params) -> Result<Reply, Fault> {
    let size = page_size(params, 100)?;
    let name = params.text("DNSName");
    let id = params.text("HostedZoneId");
    let place = |zone: &Zone| (names::sort_key(&zone.name), zone.id.clone());
    let start = name.as_ref().map(|name| {
        let id = id.as_deref().unwrap_or_default();
        let id = id.trim_start_matches("/hostedzone/").to_owned();
        (names::sort_key(&names::normalise(name)), id)
    });
    let mut zones: Vec<&Zone> = world.global.route53.zones.values().collect();
    zones.retain(|zone| start.as_ref().is_none_or(|start| place(zone) >= *start));
    zones.sort_by_key(|zone| place(zone));
    let (zones, next) = cut(zones, size);
    Ok(Fields::new()
        .list("HostedZones", "HostedZone", zones.into_iter().map(render))
        .maybe("DNSName", name)
        .maybe("HostedZoneId", id)
        .with("IsTruncated", next.is_some())
        .maybe("NextDNSName", next.map(|zone| &zone.name))
        .maybe("NextHostedZoneId", next.map(|zone| &zone.id))
        .with("MaxItems", size.to_string())
        .into())
}

pub(super) fn update_comment(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let zone = zone_mut(world, params, "Id")?;
    zone.comment = params.text("Comment").filter(|text| !text.is_empty());
    Ok(Fields::new().with("HostedZone", render(zone)).into())
}

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let zone = zone(world, params, "Id")?;
    if zone
        .records
        .iter()
        .any(|record| !record.is_own_of(&zone.name))
    {
        return Err(Fault::new(
            "HostedZoneNotEmpty",
            "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
        ));
    }
    let id = zone.id.clone();
    world.global.route53.zones.remove(&id);
    Ok(submit(world, None).into())
}
