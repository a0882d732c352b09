//! Record sets: read from requests, checked, listed.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::zones::{cut, page_size};
use super::{Alias, RecordSet, invalid_input, names, zone};
use crate::sandbox::aws::{Fault, Fields, Params, Reply};
use crate::sandbox::world::World;

const TYPES: [&str; 13] = [
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "TXT",
];

/// What routing may say; the structures (places, networks) are not known here.
const ROUTING: [&str; 5] = [
    "Weight",
    "Region",
    "Failover",
    "MultiValueAnswer",
    "HealthCheckId",
];

/// What makes a record set the one it is: name, type and set identifier, in the order of lists.
pub(super) type Key = (String, String, String);

impl RecordSet {
    pub(super) fn key(&self) -> Key {
        (
            names::sort_key(&self.name),
            self.kind.clone(),
            self.set_identifier.clone().unwrap_or_default(),
        )
    }

    /// Whether it is the SOA or NS that the zone itself needs.
    pub(super) fn is_own_of(&self, zone: &str) -> bool {
        self.name == zone && matches!(self.kind.as_str(), "SOA" | "NS")
    }

    /// Reads one from a request.
    ///
    /// # Errors
    /// `InvalidInput`, when it has no form that a record set can have.
    pub(super) fn read(params: &Params) -> Result<Self, Fault> {
        let kind = params.required("Type")?;
        if !TYPES.contains(&kind.as_str()) {
            return Err(invalid_input(format!(
                "The sandbox does not know records of type {kind}"
            )));
        }
        for unknown in [
            "GeoLocation",
            "GeoProximityLocation",
            "CidrRoutingConfig",
            "TrafficPolicyInstanceId",
        ] {
            if params.has(unknown) {
                return Err(invalid_input(format!(
                    "The sandbox does not know the routing {unknown}"
                )));
            }
        }
        let routing: BTreeMap<String, String> = ROUTING
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), params.text(name)?)))
            .collect();
        let set_identifier = params.text("SetIdentifier");
        let chooses = routing.keys().any(|name| name != "HealthCheckId");
        if chooses != set_identifier.is_some() {
            return Err(invalid_input(
                "Invalid request: a SetIdentifier and a routing policy (Weight, Region, Failover, MultiValueAnswer) need each other",
            ));
        }
        let alias = params
            .has("AliasTarget")
            .then(|| params.nested("AliasTarget"));
        let alias = match alias {
            Some(target) => Some(Alias {
                zone: target.required("HostedZoneId")?,
                name: names::normalise(&target.required("DNSName")?),
                evaluate_health: target.flag("EvaluateTargetHealth").unwrap_or(false),
            }),
            None => None,
        };
        let ttl = params.int("TTL")?;
        let values: Vec<String> = params
            .list("ResourceRecords")
            .iter()
            .map(|record| record.required("Value"))
            .collect::<Result<_, _>>()?;
        let name = params.required("Name")?;
        let plain = ttl.is_some() && !values.is_empty();
        if (alias.is_some() && (ttl.is_some() || !values.is_empty())) || alias.is_none() && !plain {
            return Err(invalid_input(format!(
                "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId] in Change with [Name={name}, Type={kind}]"
            )));
        }
        Ok(Self {
            name: names::normalise(&name),
            kind,
            set_identifier,
            routing,
            ttl,
            values,
            alias,
        })
    }

    /// What is wrong with its values, in AWS's words.
    pub(super) fn fault(&self) -> Option<String> {
        if self.kind == "CNAME" && self.values.len() > 1 {
            return Some(format!(
                "RRSet of type CNAME with DNS name {} has more than one value",
                self.name
            ));
        }
        let wrong = |value: &&String| match self.kind.as_str() {
            "A" => value.parse::<Ipv4Addr>().is_err(),
            "AAAA" => value.parse::<Ipv6Addr>().is_err(),
            "TXT" => value.len() < 2 || !value.starts_with('"') || !value.ends_with('"'),
            "CNAME" | "NS" | "PTR" => !names::is_valid(&names::normalise(value)),
            _ => false,
        };
        let value = self.values.iter().find(wrong)?;
        let problem = match self.kind.as_str() {
            "A" => "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
            "AAAA" => "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
            "TXT" => "InvalidCharacterString (Value should be enclosed in quotation marks)",
            _ => "DomainLabelEmpty (Domain label is empty)",
        };
        Some(format!(
            "Invalid Resource Record: 'FATAL problem: {problem} encountered with '{value}''"
        ))
    }
}

fn render(record: &RecordSet) -> Fields {
    let mut fields = Fields::new()
        .with("Name", &record.name)
        .with("Type", &record.kind)
        .maybe("SetIdentifier", record.set_identifier.as_ref());
    for name in ROUTING {
        fields = fields.maybe(name, record.routing.get(name));
    }
    fields = fields.maybe("TTL", record.ttl);
    match &record.alias {
        None => fields.list(
            "ResourceRecords",
            "ResourceRecord",
            record
                .values
                .iter()
                .map(|value| Fields::new().with("Value", value)),
        ),
        Some(alias) => fields.with(
            "AliasTarget",
            Fields::new()
                .with("HostedZoneId", &alias.zone)
                .with("DNSName", &alias.name)
                .with("EvaluateTargetHealth", alias.evaluate_health),
        ),
    }
}

/// Lists the records of a zone in their order, from the name and type that the request gives.
pub(super) fn list(world: &World, params: &Params) -> Result<Reply, Fault> {
    let zone = zone(world, params, "HostedZoneId")?;
    let size = page_size(params, 300)?;
    let (name, kind) = (
        params.text("StartRecordName"),
        params.text("StartRecordType"),
    );
    if kind.is_some() && name.is_none() {
        return Err(invalid_input(
            "The input is not valid: you must specify StartRecordName with StartRecordType",
        ));
    }
    let start: Key = (
        name.map(|name| names::sort_key(&names::normalise(&name)))
            .unwrap_or_default(),
        kind.unwrap_or_default(),
        params.text("StartRecordIdentifier").unwrap_or_default(),
    );
    let mut records: Vec<&RecordSet> = zone.records.iter().collect();
    records.retain(|record| record.key() >= start);
    records.sort_by_key(|record| record.key());
    let (records, next) = cut(records, size);
    Ok(Fields::new()
        .list(
            "ResourceRecordSets",
            "ResourceRecordSet",
            records.into_iter().map(render),
        )
        .with("IsTruncated", next.is_some())
        .maybe("NextRecordName", next.map(|record| &record.name))
        .maybe("NextRecordType", next.map(|record| &record.kind))
        .maybe(
            "NextRecordIdentifier",
            next.and_then(|record| record.set_identifier.as_ref()),
        )
        .with("MaxItems", size.to_string())
        .into())
}
