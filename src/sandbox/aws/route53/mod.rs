//! Route 53: hosted zones, above all private ones, and their records.

mod associations;
mod changes;
mod names;
mod records;
mod resource_tags;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::tags::Tags;
use super::{Call, Fault, Fields, Params, Reply};
use crate::sandbox::durations::DNS_CHANGE;
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// The hosted zones of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Route53 {
    /// Zones by id.
    pub zones: BTreeMap<String, Zone>,
    /// What was changed lately, by id: until a day after it is in sync.
    pub changes: BTreeMap<String, Change>,
}

/// A hosted zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Zone {
    /// Its id, without `/hostedzone/`.
    pub id: String,
    /// Its domain name, with the trailing dot.
    pub name: String,
    /// What its creator called the request.
    pub caller_reference: String,
    /// What it is for.
    pub comment: Option<String>,
    /// Whether only its VPCs see it.
    pub private: bool,
    /// The VPCs that see it.
    pub vpcs: BTreeSet<ZoneVpc>,
    /// Its records, SOA and NS among them.
    pub records: Vec<RecordSet>,
    /// Its tags.
    pub tags: Tags,
}

/// A VPC that sees a private zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ZoneVpc {
    /// Its region.
    pub region: String,
    /// Its id.
    pub id: String,
}

/// The records of one name and type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordSet {
    /// The name, with the trailing dot.
    pub name: String,
    /// `A`, `CNAME`, ….
    pub kind: String,
    /// What tells record sets of one name and type apart.
    pub set_identifier: Option<String>,
    /// How routing chooses among them: `Weight`, `Region`, `Failover`, ….
    pub routing: BTreeMap<String, String>,
    /// How long resolvers may keep it, in seconds; an alias has none.
    pub ttl: Option<i64>,
    /// The values; an alias has none.
    pub values: Vec<String>,
    /// What it is another name for, where it is an alias.
    pub alias: Option<Alias>,
}

/// What an alias points to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// The zone of the target.
    pub zone: String,
    /// Its name.
    pub name: String,
    /// Whether its health counts.
    pub evaluate_health: bool,
}

/// A change on its way to every name server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    /// When it was asked for.
    pub submitted: SimTime,
    /// What its sender remarked.
    pub comment: Option<String>,
}

/// How long AWS's answers about a finished change are kept here.
const KEPT_SECONDS: u64 = 24 * 60 * 60;

/// The tagged zones; the tagging API lists them in the region where Route 53 lives.
pub fn tagged_arns(world: &World, region: &str) -> Vec<(String, Tags)> {
    let zones = world.global.route53.zones.values();
    zones
        .filter(|_| region == "us-east-1")
        .map(|zone| {
            let arn = format!("arn:aws:route53:::hostedzone/{}", zone.id);
            (arn, zone.tags.clone())
        })
        .collect()
}

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    match call.operation.as_str() {
        "CreateHostedZone" => zones::create(world, params),
        "GetHostedZone" => zones::get(world, params),
        "GetHostedZoneCount" => Ok(zones::count(world)),
        "ListHostedZones" => zones::list(world, params),
        "ListHostedZonesByName" => zones::list_by_name(world, params),
        "ListHostedZonesByVPC" => associations::list_by_vpc(world, params),
        "UpdateHostedZoneComment" => zones::update_comment(world, params),
        "DeleteHostedZone" => zones::delete(world, params),
        "AssociateVPCWithHostedZone" => associations::associate(world, params),
        "DisassociateVPCFromHostedZone" => associations::disassociate(world, params),
        "ChangeResourceRecordSets" => changes::change(world, params),
        "ListResourceRecordSets" => records::list(world, params),
        "GetChange" => get_change(world, params),
        "ChangeTagsForResource" => resource_tags::change(world, params),
        "ListTagsForResource" => resource_tags::list(world, params),
        "ListTagsForResources" => resource_tags::list_many(world, params),
        _ => Err(Fault::unknown_operation(call)),
    }
}

fn invalid_input(message: impl Into<String>) -> Fault {
    Fault::new("InvalidInput", message)
}

fn no_such_zone(id: &str) -> Fault {
    Fault::new(
        "NoSuchHostedZone",
        format!("No hosted zone found with ID: {id}"),
    )
    .status(404)
}

/// The zone that the member `member` names, with or without `/hostedzone/`.
fn zone<'a>(world: &'a World, params: &Params, member: &str) -> Result<&'a Zone, Fault> {
    let id = zone_id(params, member)?;
    let found = world.global.route53.zones.get(&id);
    found.ok_or_else(|| no_such_zone(&id))
}

fn zone_mut<'a>(
    world: &'a mut World,
    params: &Params,
    member: &str,
) -> Result<&'a mut Zone, Fault> {
    let id = zone_id(params, member)?;
    let found = world.global.route53.zones.get_mut(&id);
    found.ok_or_else(|| no_such_zone(&id))
}

fn zone_id(params: &Params, member: &str) -> Result<String, Fault> {
    let id = params.required(member)?;
    Ok(id.trim_start_matches("/hostedzone/").to_owned())
}

/// Puts a change on its way, and tells about it.
fn submit(world: &mut World, comment: Option<String>) -> Fields {
    let id = world.ids.upper("C", 20);
    let now = world.now;
    let change = Change {
        submitted: now,
        comment: comment.filter(|text| !text.is_empty()),
    };
    let changes = &mut world.global.route53.changes;
    changes.retain(|_, old| old.submitted.after_secs(DNS_CHANGE + KEPT_SECONDS) > now);
    let told = change_info(now, &id, &change);
    changes.insert(id, change);
    Fields::new().with("ChangeInfo", told)
}

fn change_info(now: SimTime, id: &str, change: &Change) -> Fields {
    let in_sync = change.submitted.after_secs(DNS_CHANGE) <= now;
    Fields::new()
        .with("Id", format!("/change/{id}"))
        .with("Status", if in_sync { "INSYNC" } else { "PENDING" })
        .with("SubmittedAt", change.submitted)
        .maybe("Comment", change.comment.as_ref())
}

fn get_change(world: &World, params: &Params) -> Result<Reply, Fault> {
    let id = params.required("Id")?;
    let id = id.trim_start_matches("/change/");
    let change = world.global.route53.changes.get(id).ok_or_else(|| {
        Fault::new(
            "NoSuchChange",
            format!("A change with the specified change ID does not exist: {id}"),
        )
        .status(404)
    })?;
    Ok(Fields::new()
        .with("ChangeInfo", change_info(world.now, id, change))
        .into())
}
