//! `dns.alias`: a name of the ingress load balancer, in our private zone or in a public one that is not ours.
//!
//! Records take no tags. One is ours that leads to a load balancer in our VPC, or that the state remembers; any other
//! of a name that we want is somebody's, and refused. A public zone is found by its name. Nothing of it is touched but
//! our record: it is made by a call that fails where one stands, so that none is ever taken over by accident.

use async_trait::async_trait;
use aws_sdk_route53::types::{AliasTarget, ChangeAction, ResourceRecordSet, RrType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inventory::{Balancers, Record, bare_id, zones_named};
use super::record::{change, delete_record, find, id, parts, unbuildable};
use super::zone;
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault};
use crate::resources::bootstrap::{entrance, ingress_service};
use crate::resources::calls::fresh;
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Outputs,
    Owner, Problem, Unseen, Wanted,
};

/// The kind `dns.alias`.
pub struct DnsAlias;

/// The kind's name.
pub(super) const KIND: &str = "dns.alias";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    /// The id of our own zone, or the name of a public one.
    zone: Input,
    domain: String,
    r#type: String,
    /// The host name of the load balancer.
    target: Input,
}

/// The name of the public zone that a record with these fields stands in; none for our own zone. Ids have no dots.
pub(super) fn public_zone(fields: &Fields) -> Option<&str> {
    let zone = fields.get("zone")?.as_str()?;
    zone.contains('.').then_some(zone)
}

/// Whether a record can be one of ours, or keeps one of ours from being made.
pub(super) fn is_in_place(record: &Record) -> bool {
    [RrType::A, RrType::Cname]
        .iter()
        .any(|kind| record.rr_type == kind.as_str())
}

fn observed(
    address: Address,
    owner: Owner,
    zone: &str,
    zone_id: &str,
    record: &Record,
) -> Observed {
    let values = || record.values.iter().cloned().collect::<Vec<_>>().join(", ");
    let fields = json!({
        "zone": zone,
        "domain": record.name,
        "type": record.rr_type,
        "target": record.alias.clone().unwrap_or_else(values),
    });
    Observed {
        address,
        kind: KIND,
        id: id(zone_id, &record.name, &record.rr_type),
        name: record.name.clone(),
        owner,
        condition: Condition::Ready,
        fields: fields_of(&fields),
        outputs: Outputs::from([("name".to_owned(), record.name.clone())]),
    }
}

/// Whose a record is: ours if it leads to us, or was made by a create of ours that is not finished. Where ours was made
/// and another stands now, somebody put that in its place.
fn owner(wanted: &Wanted<'_>, address: &Address, to_us: bool, id: &str) -> Owner {
    let mut open = wanted.open.values();
    let mut begun = || open.any(|entry| entry.kind == KIND && entry.id.as_deref() == Some(id));
    if to_us || stood_there(wanted, address, id) || begun() {
        Owner::Ours
    } else {
        Owner::Other { lineage: None }
    }
}

/// Whether the state remembers a record of this zone and name.
fn stood_there(wanted: &Wanted<'_>, address: &Address, id: &str) -> bool {
    let recorded = wanted.recorded.get(address);
    let recorded = recorded.and_then(|recorded| parts(&recorded.id));
    recorded
        .zip(parts(id))
        .is_some_and(|(was, is)| (was.0, was.1) == (is.0, is.1))
}

#[async_trait]
impl Kind for DnsAlias {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("zone"),
                Field::replaces("domain"),
                Field::replaces("type"),
                Field::in_place("target"),
            ]
        }
    }

    /// One name may stand in a public zone and in our own.
    fn claims(&self, fields: &Fields, name: &str) -> Vec<Claim> {
        let zone = fields.get("zone").map(Value::to_string);
        let zone = zone.unwrap_or_default();
        vec![Claim::Name(format!("{KIND} {name} {zone}"))]
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let names = context.environment.load_balancer_names.iter();
        // Who has what is published at hand has made sure of it. A state may remember too little, and what it then leads
        // to is not known; that a record is asked for stays.
        let entrance = entrance(context).unwrap_or_else(|_| ingress_service());
        names
            .map(|wanted| {
                let (part, zone) = match &wanted.public_zone {
                    Some(name) => ("public", Input::from(name.as_str())),
                    None => ("private", Input::of(&zone::address(), "id")),
                };
                let spec = Spec {
                    zone,
                    domain: wanted.name.clone(),
                    r#type: RrType::A.as_str().to_owned(),
                    target: Input::of(&entrance, "hostname"),
                };
                // A star is nothing that an address takes, and no name begins with what stands for it.
                let path = wanted.name.replace('*', "_any");
                let address = Address::of(&["dns", part, &path]);
                Desired::new(KIND, address, &wanted.name, &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let dns = inventory.dns.as_ref().map_err(Clone::clone)?;
        let mut known = wanted
            .known()
            .filter(|(_, kind, ..)| *kind == KIND)
            .peekable();
        if known.peek().is_none() {
            // Whose the networks are is no question then.
            return Ok(Vec::new());
        }
        let own = inventory.network.own_vpcs(wanted)?;
        let to_us = |record: &Record| {
            let vpc = record
                .alias
                .as_ref()
                .and_then(|host| dns.balancers.vpc(host));
            vpc.is_some_and(|vpc| own.contains(vpc))
        };
        let mut found = Vec::new();
        for (address, _, name, fields) in known {
            let public = public_zone(fields);
            let zones: Vec<(&str, &str, &[Record])> = match public {
                Some(zone) => dns
                    .public
                    .iter()
                    .filter(|((named, _), _)| named == zone)
                    .map(|((_, id), records)| (zone, id.as_str(), records.as_slice()))
                    .collect(),
                None => dns
                    .zones
                    .iter()
                    .map(|(id, zone)| (id.as_str(), id.as_str(), zone.records.as_slice()))
                    .collect(),
            };
            for (zone, zone_id, records) in zones {
                let named = records.iter().filter(|record| record.name == name);
                for record in named.filter(|record| is_in_place(record)) {
                    let id = id(zone_id, &record.name, &record.rr_type);
                    let owner = owner(wanted, address, to_us(record), &id);
                    let seen = observed(address.clone(), owner, zone, zone_id, record);
                    if !found.contains(&seen) {
                        found.push(seen);
                    }
                }
            }
        }
        Ok(found)
    }

    async fn check(
        &self,
        _cloud: &Cloud,
        inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let (Some(zone), Ok(dns)) = (public_zone(&desired.fields), &inventory.dns) else {
            return Ok(Vec::new());
        };
        let there = dns.public.keys().filter(|(name, _)| name == zone).count();
        let message = match there {
            0 => format!(
                "there is no public zone {zone} in the account: groundwork makes records in one, and none itself"
            ),
            1 => return Ok(Vec::new()),
            several => format!(
                "there are {several} public zones {zone} in the account, and nobody can tell which is meant"
            ),
        };
        let address = desired.address.clone();
        Ok(vec![Problem { address, message }])
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let zone = zone_id(cloud, &spec).await?;
        let id = id(&zone, &spec.domain, &spec.r#type);
        let record = record_set(cloud, &spec).await?;
        match change(cloud, &zone, ChangeAction::Create, record).await {
            // By a call of ours whose answer never came, or by somebody since the plan.
            Err(fault) if fault.message.contains("already exists") => {
                let there = find(cloud, &id).await?;
                let target = there.and_then(|there| Record::of(&there).alias);
                if target.as_deref() == Some(spec.target.text()) {
                    return Ok(id);
                }
                let message = format!("{} is there already and is not ours", spec.domain);
                Err(Fault {
                    class: Class::Exists,
                    message,
                    ..fault
                })
            }
            made => made.map(|()| id),
        }
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some((zone_id, ..)) = parts(id) else {
            return Ok(None);
        };
        let zone = public_zone(order.fields).unwrap_or(zone_id);
        let found = find(cloud, id).await?;
        Ok(found.map(|found| {
            let address = order.address.clone();
            observed(address, Owner::Ours, zone, zone_id, &Record::of(&found))
        }))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        let Some((zone, ..)) = parts(&observed.id) else {
            return Ok(());
        };
        let record = record_set(cloud, &order.spec()?).await?;
        change(cloud, zone, ChangeAction::Upsert, record).await
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let Some((zone, ..)) = parts(id) else {
            return Ok(());
        };
        match find(cloud, id).await? {
            Some(found) => delete_record(cloud, zone, found).await,
            None => Ok(()),
        }
    }
}

/// The id of the zone that the record is to stand in.
async fn zone_id(cloud: &Cloud, spec: &Spec) -> Result<String, Fault> {
    let zone = spec.zone.text();
    if !zone.contains('.') {
        return Ok(zone.to_owned());
    }
    let found = zones_named(cloud, zone, false).await?;
    match found.as_slice() {
        [one] => Ok(bare_id(one.id()).to_owned()),
        others => Err(Fault {
            service: "route53",
            operation: "ListHostedZonesByName",
            code: "NoPublicZone".to_owned(),
            message: format!(
                "there are {} public zones {zone} in the account, not one",
                others.len()
            ),
            class: Class::Stop,
            source: None,
        }),
    }
}

/// The alias. Route 53 wants to know the zone in which the load balancer's own name stands.
async fn record_set(cloud: &Cloud, spec: &Spec) -> Result<ResourceRecordSet, Fault> {
    let host = spec.target.text();
    let zone = fresh(cloud, || async {
        let balancers = Balancers::list(cloud).await?;
        balancers
            .zone(host)
            .map(str::to_owned)
            .ok_or_else(|| Fault {
                service: "elasticloadbalancing",
                operation: "DescribeLoadBalancers",
                code: "LoadBalancerNotFound".to_owned(),
                message: format!("no load balancer is called {host}"),
                class: Class::Absent,
                source: None,
            })
    });
    let target = AliasTarget::builder()
        .hosted_zone_id(zone.await?)
        .dns_name(host)
        .evaluate_target_health(false)
        .build()
        .map_err(unbuildable)?;
    ResourceRecordSet::builder()
        .name(&spec.domain)
        .r#type(spec.r#type.as_str().into())
        .alias_target(target)
        .build()
        .map_err(unbuildable)
}
