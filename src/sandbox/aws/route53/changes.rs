//! `ChangeResourceRecordSets`: a batch of changes that happens wholly or not at all.

use std::collections::BTreeSet;

use super::{Alias, RecordSet, Zone, invalid_input, names, submit, zone, zone_mut};
use crate::sandbox::aws::elbv2::hosted_zones;
use crate::sandbox::aws::{Fault, Params, Reply};
use crate::sandbox::world::World;

const MOST_CHANGES: usize = 1000;

pub(super) fn change(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let batch = params.nested("ChangeBatch");
    let zone = zone(world, params, "HostedZoneId")?;
    let changes: Vec<(String, RecordSet)> = batch
        .list("Changes")
        .iter()
        .map(|change| {
            let record = RecordSet::read(&change.nested("ResourceRecordSet"))?;
            Ok((change.required("Action")?, record))
        })
        .collect::<Result<_, Fault>>()?;
    if changes.is_empty() {
        return Err(invalid_input("A change batch must have changes"));
    }
    if changes.len() > MOST_CHANGES {
        return Err(invalid_batch(&[format!(
            "Number of records limit of {MOST_CHANGES} exceeded."
        )]));
    }
    let records = applied(zone, &changes)?;
    zone_mut(world, params, "HostedZoneId")?.records = records;
    Ok(submit(world, batch.text("Comment")).into())
}

fn invalid_batch(faults: &[String]) -> Fault {
    Fault::new("InvalidChangeBatch", format!("[{}]", faults.join(", ")))
}

/// The records of the zone after `changes`.
fn applied(zone: &Zone, changes: &[(String, RecordSet)]) -> Result<Vec<RecordSet>, Fault> {
    let mut records = zone.records.clone();
    let mut faults = Vec::new();
    let mut put = BTreeSet::new();
    for (action, record) in changes {
        let told = format!("[name='{}', type='{}']", record.name, record.kind);
        let place = records.iter().position(|known| known.key() == record.key());
        if !names::is_within(&record.name, &zone.name) || !names::is_valid(&record.name) {
            faults.push(format!(
                "RRSet with DNS name {} is not permitted in zone {}",
                record.name, zone.name
            ));
            continue;
        }
        if action != "DELETE" {
            faults.extend(record.fault());
            if !put.insert(record.key()) {
                faults.push(format!(
                    "The request contains an invalid set of changes for a resource record set '{} {}'",
                    record.kind, record.name
                ));
            }
        }
        match (action.as_str(), place) {
            ("CREATE", Some(_)) => faults.push(format!(
                "Tried to create resource record set {told} but it already exists"
            )),
            ("CREATE" | "UPSERT", None) => records.push(record.clone()),
            ("UPSERT", Some(place)) => records[place] = record.clone(),
            ("DELETE", None) => faults.push(format!(
                "Tried to delete resource record set {told} but it was not found"
            )),
            ("DELETE", Some(place)) if !same(&records[place], record) => faults.push(format!(
                "Tried to delete resource record set {told} but the values provided do not match the current values"
            )),
            ("DELETE", Some(_)) if record.is_own_of(&zone.name) => faults.push(match record.kind.as_str() {
                "SOA" => "A HostedZone must contain exactly one SOA record.".to_owned(),
                _ => "A HostedZone must contain at least one NS record for the zone itself.".to_owned(),
            }),
            ("DELETE", Some(place)) => {
                records.remove(place);
            }
            _ => return Err(invalid_input(format!("Unknown action {action}"))),
        }
    }
    for record in &records {
        faults.extend(conflict(zone, &records, record));
    }
    match faults.is_empty() {
        true => Ok(records),
        false => Err(invalid_batch(&faults)),
    }
}

/// A deletion names exactly what is there; the order of the values does not count.
fn same(known: &RecordSet, given: &RecordSet) -> bool {
    let sorted = |record: &RecordSet| {
        let mut record = record.clone();
        record.values.sort();
        record
    };
    sorted(known) == sorted(given)
}

/// Why an alias of what is in another zone is refused, if so: that has to be a zone of ELB's, and the name one in it.
fn elsewhere(alias: &Alias) -> Option<String> {
    let Some(domain) = hosted_zones::domain(&alias.zone) else {
        return Some(format!(
            "Tried to create an alias that targets {}, type A in zone {}, but the alias target hosted zone is not known",
            alias.name, alias.zone
        ));
    };
    let within = alias.name.ends_with(&format!(".{domain}."));
    (!within).then(|| {
        format!(
            "Tried to create an alias that targets {}, type A in zone {}, but the alias target name does not lie within the target zone",
            alias.name, alias.zone
        )
    })
}

/// Why `record` may not stand beside the others, if so.
fn conflict(zone: &Zone, records: &[RecordSet], record: &RecordSet) -> Option<String> {
    let others = || records.iter().filter(|other| other.key() != record.key());
    if record.kind == "CNAME" && record.name == zone.name {
        return Some(format!(
            "RRSet of type CNAME with DNS name {} is not permitted at apex in zone {}",
            record.name, zone.name
        ));
    }
    if record.kind == "CNAME"
        && let Some(other) =
            others().find(|other| other.name == record.name && other.kind != record.kind)
    {
        return Some(format!(
            "RRSet of type CNAME with DNS name {} is not permitted because a conflicting RRSet of type {} with the same DNS name already exists in zone {}",
            record.name, other.kind, zone.name
        ));
    }
    if others().any(|other| {
        other.name == record.name
            && other.kind == record.kind
            && (other.set_identifier.is_none() || record.set_identifier.is_none())
    }) {
        return Some(format!(
            "RRSet with DNS name {}, type {} can't be both simple and chosen by routing",
            record.name, record.kind
        ));
    }
    let alias = record.alias.as_ref()?;
    if alias.zone != zone.id {
        return elsewhere(alias);
    }
    let target = others().any(|other| other.name == alias.name && other.kind == record.kind);
    (!target).then(|| {
        format!(
            "Tried to create an alias that targets {}, type {} in zone {}, but the alias target name does not exist in it",
            alias.name, record.kind, zone.id
        )
    })
}
