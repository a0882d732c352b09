//! `dns.record`: a database's name in the private zone.
//!
//! Records take no tags: one is ours because its zone is, and because it has a name that we want or made. Other
//! records in our zone are not ours to judge.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::inventory::{Record, undotted};
use super::zone;
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::{
    Condition, Context, Desired, Field, Input, Kind, Observed, Order, Outputs, Owner, Unseen,
    Wanted,
};

/// The kind `dns.record`.
pub struct DnsRecord;

const KIND: &str = "dns.record";

/// How long resolvers keep the name, in seconds.
const TTL: i64 = 300;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    zone: Input,
    domain: String,
    r#type: String,
    ttl: i64,
    /// Without final dots.
    values: Vec<Input>,
}

/// The id that we give a record: Route 53 has none.
pub(super) fn id(zone: &str, name: &str, rr_type: &str) -> String {
    format!("{zone}/{name}/{rr_type}")
}

/// The zone, name and type of an id.
pub(super) fn parts(id: &str) -> Option<(&str, &str, &str)> {
    let (zone, rest) = id.split_once('/')?;
    let (name, rr_type) = rest.rsplit_once('/')?;
    Some((zone, name, rr_type))
}

fn observed(address: Address, owner: Owner, zone: &str, record: &Record) -> Observed {
    let fields = json!({
        "zone": zone,
        "domain": record.name,
        "type": record.rr_type,
        "ttl": record.ttl,
        "values": record.values,
    });
    Observed {
        address,
        kind: KIND,
        id: id(zone, &record.name, &record.rr_type),
        name: record.name.clone(),
        owner,
        condition: Condition::Ready,
        fields: fields_of(&fields),
        outputs: Outputs::from([("name".to_owned(), record.name.clone())]),
    }
}

/// Whose a record of a name that we want is. A CNAME suffers no other type beside it: where ours was made and another
/// stands now, somebody put that in its place; where ours was never made, the name is taken.
fn owner(wanted: &Wanted<'_>, address: &Address, record: &Record) -> Owner {
    let as_wanted = Some(record.rr_type.as_str()) == wanted_type(wanted, address);
    if as_wanted || wanted.recorded.contains_key(address) {
        Owner::Ours
    } else {
        Owner::Other { lineage: None }
    }
}

/// The type that the record of this address has or should have.
fn wanted_type<'a>(wanted: &Wanted<'a>, address: &Address) -> Option<&'a str> {
    let mut known = wanted.known().filter(|(known, ..)| *known == address);
    known.find_map(|(.., fields)| fields.get("type")?.as_str())
}

#[async_trait]
impl Kind for DnsRecord {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("zone"),
                Field::replaces("domain"),
                Field::replaces("type"),
                Field::in_place("ttl"),
                Field::in_place("values"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let databases = context.environment.databases.iter();
        databases
            .filter_map(|(key, database)| {
                let domain = undotted(database.dns.as_deref()?);
                let instance = Address::of(&["database", key, "instance"]);
                let spec = Spec {
                    zone: Input::of(&zone::address(), "id"),
                    domain: domain.clone(),
                    r#type: RrType::Cname.as_str().to_owned(),
                    ttl: TTL,
                    values: vec![Input::of(&instance, "endpoint")],
                };
                let address = Address::of(&["database", key, "record"]);
                Some(Desired::new(KIND, address, domain, &spec))
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let dns = inventory.dns.as_ref().map_err(Clone::clone)?;
        let mut found = Vec::new();
        for (name, address) in wanted.names(KIND) {
            for (zone, contents) in &dns.zones {
                let records = contents.records.iter();
                let named = records.filter(|record| record.name == name);
                found.extend(named.map(|record| {
                    let owner = owner(wanted, &address, record);
                    observed(address.clone(), owner, zone, record)
                }));
            }
        }
        Ok(found)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let zone = spec.zone.text();
        change(cloud, zone, ChangeAction::Upsert, record_set(&spec)?).await?;
        Ok(id(zone, &spec.domain, &spec.r#type))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some((zone, ..)) = parts(id) else {
            return Ok(None);
        };
        let found = find(cloud, id).await?;
        Ok(found.map(|found| {
            let address = order.address.clone();
            observed(address, Owner::Ours, zone, &Record::of(&found))
        }))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        _observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        // One call sets time to live and values alike.
        self.create(cloud, order).await.map(drop)
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        // Route 53 deletes only what is named exactly as it is.
        let Some((zone, ..)) = parts(id) else {
            return Ok(());
        };
        let Some(found) = find(cloud, id).await? else {
            return Ok(());
        };
        delete_record(cloud, zone, found).await
    }
}

/// Deletes a record that is exactly like that; absence is success.
pub(in crate::resources) async fn delete_record(
    cloud: &Cloud,
    zone: &str,
    record: ResourceRecordSet,
) -> Result<(), Fault> {
    match change(cloud, zone, ChangeAction::Delete, record).await {
        // Someone else was quicker.
        Err(fault) if fault.is_absent() || fault.message.contains("not found") => Ok(()),
        other => other,
    }
}

/// The record with this id as Route 53 lists it.
pub(super) async fn find(cloud: &Cloud, id: &str) -> Result<Option<ResourceRecordSet>, Fault> {
    let Some((zone, name, rr_type)) = parts(id) else {
        return Ok(None);
    };
    let call = cloud.aws.route53.list_resource_record_sets();
    let result = call
        .hosted_zone_id(zone)
        .start_record_name(name)
        .start_record_type(rr_type.into())
        .max_items(1)
        .send()
        .await
        .map_err(fault("route53", "ListResourceRecordSets"));
    let Some(page) = present(result)? else {
        return Ok(None);
    };
    let matching = page
        .resource_record_sets()
        .iter()
        .find(|found| undotted(found.name()) == name && found.r#type().as_str() == rr_type);
    Ok(matching.cloned())
}

fn record_set(spec: &Spec) -> Result<ResourceRecordSet, Fault> {
    let values: BTreeSet<&str> = spec.values.iter().map(Input::text).collect();
    let records: Result<Vec<_>, _> = values
        .into_iter()
        .map(|value| ResourceRecord::builder().value(value).build())
        .collect();
    let records = records.map_err(unbuildable)?;
    ResourceRecordSet::builder()
        .name(&spec.domain)
        .r#type(spec.r#type.as_str().into())
        .ttl(spec.ttl)
        .set_resource_records(Some(records))
        .build()
        .map_err(unbuildable)
}

pub(super) async fn change(
    cloud: &Cloud,
    zone: &str,
    action: ChangeAction,
    record: ResourceRecordSet,
) -> Result<(), Fault> {
    let change = Change::builder()
        .action(action)
        .resource_record_set(record)
        .build()
        .map_err(unbuildable)?;
    let batch = ChangeBatch::builder()
        .changes(change)
        .build()
        .map_err(unbuildable)?;
    let call = cloud.aws.route53.change_resource_record_sets();
    let result = call.hosted_zone_id(zone).change_batch(batch).send().await;
    result
        .map(drop)
        .map_err(fault("route53", "ChangeResourceRecordSets"))
}

pub(super) fn unbuildable(error: aws_smithy_types::error::operation::BuildError) -> Fault {
    Fault {
        service: "route53",
        operation: "ChangeResourceRecordSets",
        code: "Incomplete".to_owned(),
        message: "the change lacks a member that Route 53 needs".to_owned(),
        class: Class::Stop,
        source: Some(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_zone_name_and_type() {
        let id = id("Z1", "rds.staging.example.com", "CNAME");
        assert_eq!(parts(&id), Some(("Z1", "rds.staging.example.com", "CNAME")));
        assert_eq!(parts("Z1"), None);
    }
}
