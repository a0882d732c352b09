//! `dns.zone`: the private zone for names inside the VPC.

use async_trait::async_trait;
use aws_sdk_route53::types::{HostedZoneConfig, Tag, TagResourceType};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::inventory::{Record, Zone, bare_id, read_zone, records, vpc, zones_named};
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::present;
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::tags::changes;
use crate::resources::{
    Condition, Context, Desired, Field, Input, Kind, Observed, Order, Outputs, Owner, Ownership,
    Tags, Unseen, Wanted,
};

/// The kind `dns.zone`.
pub struct DnsZone;

/// The kind's name.
pub(super) const KIND: &str = "dns.zone";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    domain: String,
    comment: String,
    /// The VPCs that see it, those of other regions as `region/id`.
    vpcs: Vec<Input>,
    tags: Tags,
}

/// Where the zone of the file stands.
pub(super) fn address() -> Address {
    Address::of(&["network", "private-zone"])
}

/// What every reference that we send begins with: it makes a zone ours that was made but not tagged yet.
fn references_of(ownership: &Ownership) -> String {
    format!("groundwork/{}/", ownership.lineage)
}

/// Whether the zone carries our lineage, in its tags or in what it was made with.
pub(super) fn is_ours(wanted: &Wanted<'_>, zone: &Zone) -> bool {
    let made_by_us = zone
        .caller_reference
        .starts_with(&references_of(wanted.ownership));
    match wanted.owner(&zone.tags) {
        Owner::Ours => true,
        Owner::Other { lineage: None } => made_by_us,
        Owner::Other { lineage: Some(_) } => false,
    }
}

fn observed(wanted: &Wanted<'_>, address: Address, id: &str, zone: &Zone) -> Observed {
    let fields = json!({
        "domain": zone.name,
        "comment": zone.comment,
        "vpcs": zone.vpcs,
        "tags": wanted.tags(&address, &zone.tags),
    });
    Observed {
        address,
        kind: KIND,
        id: id.to_owned(),
        name: zone.name.clone(),
        owner: if is_ours(wanted, zone) {
            Owner::Ours
        } else {
            wanted.owner(&zone.tags)
        },
        condition: Condition::Ready,
        fields: fields_of(&fields),
        outputs: Outputs::from([
            ("id".to_owned(), id.to_owned()),
            ("name".to_owned(), zone.name.clone()),
        ]),
    }
}

#[async_trait]
impl Kind for DnsZone {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("domain"),
                Field::in_place("comment"),
                Field::in_place("vpcs"),
                Field::in_place("tags"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let network = context.environment.network.as_ref();
        let Some(zone) = network.and_then(|network| network.private_zone.as_ref()) else {
            return Vec::new();
        };
        let address = address();
        let spec = Spec {
            domain: zone.name.clone(),
            comment: zone.comment.clone(),
            vpcs: vec![Input::of(&Address::of(&["network", "vpc"]), "id")],
            tags: context.ownership.named(&address, &zone.name),
        };
        vec![Desired::new(KIND, address, zone.name.clone(), &spec)]
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let dns = inventory.dns.as_ref().map_err(Clone::clone)?;
        let zones = dns.zones.iter();
        Ok(zones
            .map(|(id, zone)| observed(wanted, address(), id, zone))
            .collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let reference = references_of(order.wanted.ownership) + order.token;
        let Some(first) = spec.vpcs.first() else {
            return Err(stopped(
                "CreateHostedZone",
                "NoVpc",
                "a private zone needs a VPC",
            ));
        };
        let config = HostedZoneConfig::builder()
            .comment(&spec.comment)
            .private_zone(true)
            .build();
        let call = cloud.aws.route53.create_hosted_zone();
        let result = call
            .name(&spec.domain)
            .caller_reference(&reference)
            .hosted_zone_config(config)
            .vpc(vpc(first.text(), &cloud.aws.region))
            .send()
            .await
            .map_err(fault("route53", "CreateHostedZone"));
        match result {
            Ok(answer) => {
                let id = answer.hosted_zone().map(|zone| bare_id(zone.id()));
                id.map(str::to_owned)
                    .ok_or_else(|| Fault::incomplete("route53", "CreateHostedZone", "HostedZone"))
            }
            // Made by a call whose answer never came back.
            Err(fault) if fault.class == Class::Exists => {
                let zones = zones_named(cloud, &spec.domain, true).await?;
                let made = zones
                    .iter()
                    .find(|zone| zone.caller_reference() == reference);
                made.map(|zone| bare_id(zone.id()).to_owned()).ok_or(fault)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let zone = read_zone(cloud, id).await?;
        Ok(zone.map(|zone| observed(&order.wanted, order.address.clone(), id, &zone)))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let route53 = &cloud.aws.route53;
        let id = observed.id.as_str();
        let differs = |field: &str| changed.iter().any(|name| name == field);
        if differs("comment") {
            let call = route53.update_hosted_zone_comment().id(id);
            let result = call.comment(&spec.comment).send().await;
            result.map_err(fault("route53", "UpdateHostedZoneComment"))?;
        }
        if differs("vpcs") {
            associate(cloud, id, &spec, observed).await?;
        }
        if differs("tags") {
            let (set, unset) = changes(observed.fields.get("tags"), &spec.tags);
            let set = set
                .into_iter()
                .map(|(key, value)| Tag::builder().key(key).value(value).build());
            // An empty list is refused, a missing one is not.
            let set = Some(set.collect::<Vec<_>>()).filter(|set| !set.is_empty());
            let unset = Some(unset).filter(|unset| !unset.is_empty());
            let call = route53.change_tags_for_resource().resource_id(id);
            call.resource_type(TagResourceType::Hostedzone)
                .set_add_tags(set)
                .set_remove_tag_keys(unset)
                .send()
                .await
                .map_err(fault("route53", "ChangeTagsForResource"))?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let Some(records) = present(records(cloud, id).await)? else {
            return Ok(());
        };
        let records: Vec<Record> = records.iter().map(Record::of).collect();
        // The zone's own name: the file may call for another one by now.
        let apex = records.iter().find(|record| record.rr_type == "SOA");
        let apex = apex.map_or("", |record| record.name.as_str());
        let left: Vec<String> = records
            .iter()
            .filter(|record| !record.comes_with(apex))
            .map(|record| format!("{} {}", record.name, record.rr_type))
            .collect();
        if !left.is_empty() {
            let message = format!(
                "the zone holds records that are not ours: {}; delete them, then run this again",
                left.join(", ")
            );
            return Err(stopped("DeleteHostedZone", "HostedZoneNotEmpty", &message));
        }
        let result = cloud.aws.route53.delete_hosted_zone().id(id).send().await;
        absent_is_done(result.map_err(fault("route53", "DeleteHostedZone")))
    }
}

/// Makes the VPCs that see the zone those of the file: first the new ones, because the last one can't go.
async fn associate(cloud: &Cloud, id: &str, spec: &Spec, observed: &Observed) -> Result<(), Fault> {
    let (route53, here) = (&cloud.aws.route53, &cloud.aws.region);
    let has = observed
        .fields
        .get("vpcs")
        .and_then(|value| value.as_array());
    let has: Vec<&str> = has
        .into_iter()
        .flatten()
        .filter_map(|v| v.as_str())
        .collect();
    let wants: Vec<&str> = spec.vpcs.iter().map(Input::text).collect();
    for text in wants.iter().filter(|text| !has.contains(text)) {
        let call = route53.associate_vpc_with_hosted_zone().hosted_zone_id(id);
        let result = call.vpc(vpc(text, here)).send().await;
        result.map_err(fault("route53", "AssociateVPCWithHostedZone"))?;
    }
    for text in has.iter().filter(|text| !wants.contains(text)) {
        let call = route53
            .disassociate_vpc_from_hosted_zone()
            .hosted_zone_id(id);
        let result = call.vpc(vpc(text, here)).send().await;
        result.map_err(fault("route53", "DisassociateVPCFromHostedZone"))?;
    }
    Ok(())
}

fn stopped(operation: &'static str, code: &str, message: &str) -> Fault {
    Fault {
        service: "route53",
        operation,
        code: code.to_owned(),
        message: message.to_owned(),
        class: Class::Stop,
        source: None,
    }
}
