//! What Route 53 holds: our private zone with its tags and records, and records of names that we want in public zones.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use aws_sdk_route53::types::{HostedZone, ResourceRecordSet, RrType, TagResourceType, Vpc};
use futures::future::try_join;

use super::alias;
use super::zone::{self, is_ours};
use crate::cloud::{Cloud, Fault, fault};
use crate::resources::calls::present;
use crate::resources::inventory::{Seen, part};
use crate::resources::tagged::Index;
use crate::resources::{Owner, Tags, Wanted};

/// More record sets than one name has in any sensible zone.
const MOST_OF_A_NAME: i32 = 100;

/// Our zones by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// The zones that are ours; names are not unique in Route 53, so other zones say nothing about ours.
    pub zones: BTreeMap<String, Zone>,
    /// Public zones in which we want names, by name and id, each with the records of those names.
    pub public: BTreeMap<(String, String), Vec<Record>>,
    /// The load balancers that names of ours may lead to; none are looked for where there are no such names.
    pub balancers: Balancers,
}

/// Network and application load balancers by host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balancers(BTreeMap<String, Balancer>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Balancer {
    vpc: String,
    zone: String,
}

impl Balancers {
    /// Reads all of the region.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn list(cloud: &Cloud) -> Result<Self, Fault> {
        let call = cloud.aws.load_balancers.describe_load_balancers();
        let listed: Result<Vec<_>, _> = call.into_paginator().items().send().try_collect().await;
        let listed = listed.map_err(fault("elasticloadbalancing", "DescribeLoadBalancers"))?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let known = listed.iter().map(|balancer| {
            let about = Balancer {
                vpc: text(balancer.vpc_id()),
                zone: text(balancer.canonical_hosted_zone_id()),
            };
            (undotted(balancer.dns_name().unwrap_or_default()), about)
        });
        Ok(Self(known.collect()))
    }

    /// The VPC of the load balancer with this host name.
    pub fn vpc(&self, host: &str) -> Option<&str> {
        self.0.get(host).map(|balancer| balancer.vpc.as_str())
    }

    /// The hosted zone of ELB's in which this host name stands, as aliases want to know it.
    pub fn zone(&self, host: &str) -> Option<&str> {
        let balancer = self.0.get(&undotted(host))?;
        Some(balancer.zone.as_str()).filter(|zone| !zone.is_empty())
    }
}

/// A private zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    /// Its domain name without the final dot.
    pub name: String,
    /// Its comment.
    pub comment: String,
    /// The text that its creator sent, which says whose it is before its tags do.
    pub caller_reference: String,
    /// The VPCs that see it, as [`vpc_text`] writes them.
    pub vpcs: BTreeSet<String>,
    /// Its tags.
    pub tags: Tags,
    /// Its records.
    pub records: Vec<Record>,
}

/// The records of one name and type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its full name without the final dot.
    pub name: String,
    /// Its type, such as `CNAME`.
    pub rr_type: String,
    /// How many seconds it may be cached; none for aliases.
    pub ttl: Option<i64>,
    /// Its values without final dots; none for aliases.
    pub values: BTreeSet<String>,
    /// The name that it is an alias of, without the final dot.
    pub alias: Option<String>,
}

impl Record {
    /// The record as Route 53 lists it.
    pub fn of(found: &ResourceRecordSet) -> Self {
        Self {
            name: undotted(found.name()),
            rr_type: found.r#type().as_str().to_owned(),
            ttl: found.ttl(),
            values: found
                .resource_records()
                .iter()
                .map(|record| undotted(record.value()))
                .collect(),
            alias: found
                .alias_target()
                .map(|target| undotted(target.dns_name())),
        }
    }

    /// Whether Route 53 made it with its zone, and takes it away with it.
    pub fn comes_with(&self, zone: &str) -> bool {
        self.name == zone && matches!(self.rr_type.as_str(), "NS" | "SOA")
    }
}

impl Dns {
    /// Reads the zones that the state remembers, those of ours that the file asks for by name, and any other of ours.
    pub async fn sweep(
        cloud: &Cloud,
        wanted: &Wanted<'_>,
        index: impl Future<Output = Seen<Arc<Index>>>,
    ) -> Seen<Self> {
        let (named, index) = futures::join!(part(cloud, || Self::list(cloud, wanted)), index);
        let (mut dns, index) = (named?, index?);
        part(cloud, || Self::list_names(cloud, wanted))
            .await?
            .join(&mut dns);
        // Ours that neither the file nor the state know: the index tells of them, and may be late.
        for (arn, tags) in index.iter() {
            let Some((_, id)) = arn.split_once(":hostedzone/") else {
                continue;
            };
            if wanted.owner(tags) == Owner::Ours && !dns.zones.contains_key(id) {
                let zone = part(cloud, || read_whole(cloud, id)).await?;
                dns.zones.extend(zone.map(|zone| (id.to_owned(), zone)));
            }
        }
        Ok(dns)
    }

    /// What stands at the names that we want for load balancers, and which load balancers there are.
    async fn list_names(cloud: &Cloud, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let mut dns = Self::default();
        let known = wanted.known().filter(|(_, kind, ..)| *kind == alias::KIND);
        let known: BTreeSet<(Option<&str>, &str)> = known
            .map(|(_, _, name, fields)| (alias::public_zone(fields), name))
            .collect();
        if known.is_empty() {
            return Ok(dns);
        }
        dns.balancers = Balancers::list(cloud).await?;
        let public = known.iter().filter_map(|(zone, _)| *zone);
        for zone in public.collect::<BTreeSet<_>>() {
            for found in zones_named(cloud, zone, false).await? {
                let id = bare_id(found.id()).to_owned();
                let mut records = Vec::new();
                for (_, name) in known.iter().filter(|(of, _)| *of == Some(zone)) {
                    records.extend(records_named(cloud, &id, name).await?);
                }
                dns.public.insert((zone.to_owned(), id), records);
            }
        }
        Ok(dns)
    }

    /// Adds names and load balancers to what was seen of the zones.
    fn join(self, dns: &mut Self) {
        dns.public = self.public;
        dns.balancers = self.balancers;
    }

    async fn list(cloud: &Cloud, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let mut dns = Self::default();
        let mut standing = BTreeSet::new();
        for (id, address) in wanted.ids(zone::KIND) {
            if let Some(zone) = read_whole(cloud, id).await? {
                dns.zones.insert(id.to_owned(), zone);
                standing.insert(address);
            }
        }
        for (name, address) in wanted.names(zone::KIND) {
            if !standing.contains(&address)
                && let Some((id, mut zone)) = find_zone(cloud, wanted, &name).await?
            {
                zone.records = plain(&records(cloud, &id).await?);
                dns.zones.insert(id, zone);
            }
        }
        Ok(dns)
    }
}

/// The zone with this id, its tags and its records; none when there is no such zone.
async fn read_whole(cloud: &Cloud, id: &str) -> Result<Option<Zone>, Fault> {
    let both = try_join(read_zone(cloud, id), async {
        present(records(cloud, id).await)
    });
    let (zone, records) = both.await?;
    let whole = zone.zip(records);
    Ok(whole.map(|(zone, records)| Zone {
        records: plain(&records),
        ..zone
    }))
}

fn plain(records: &[ResourceRecordSet]) -> Vec<Record> {
    records.iter().map(Record::of).collect()
}

impl Dns {
    /// The ids of the zones that are ours.
    pub fn own_zones(&self, wanted: &Wanted<'_>) -> BTreeSet<String> {
        let ours = self.zones.iter().filter(|(_, zone)| is_ours(wanted, zone));
        ours.map(|(id, _)| id.clone()).collect()
    }
}

/// The zone with this id and its tags, without its records; none when there is no such zone.
///
/// # Errors
/// The fault of the call.
pub async fn read_zone(cloud: &Cloud, id: &str) -> Result<Option<Zone>, Fault> {
    let route53 = &cloud.aws.route53;
    let zone = async {
        let result = route53.get_hosted_zone().id(id).send().await;
        result.map_err(fault("route53", "GetHostedZone"))
    };
    let tags = async {
        let call = route53.list_tags_for_resource().resource_id(id);
        let call = call.resource_type(TagResourceType::Hostedzone);
        call.send()
            .await
            .map_err(fault("route53", "ListTagsForResource"))
    };
    let Some((answer, tagged)) = present(try_join(zone, tags).await)? else {
        return Ok(None);
    };
    let Some(zone) = answer.hosted_zone() else {
        return Err(Fault::incomplete("route53", "GetHostedZone", "HostedZone"));
    };
    let comment = zone.config().and_then(|config| config.comment());
    let tags = tagged.resource_tag_set().map_or(&[][..], |set| set.tags());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let vpcs = answer.vpcs().iter();
    Ok(Some(Zone {
        name: undotted(zone.name()),
        comment: text(comment),
        caller_reference: zone.caller_reference().to_owned(),
        vpcs: vpcs.map(|vpc| vpc_text(vpc, &cloud.aws.region)).collect(),
        tags: tags
            .iter()
            .map(|tag| (text(tag.key()), text(tag.value())))
            .collect(),
        records: Vec::new(),
    }))
}

/// Our zone of this name, whatever its id.
async fn find_zone(
    cloud: &Cloud,
    wanted: &Wanted<'_>,
    name: &str,
) -> Result<Option<(String, Zone)>, Fault> {
    for found in zones_named(cloud, name, true).await? {
        let id = bare_id(found.id());
        if let Some(zone) = read_zone(cloud, id).await?
            && is_ours(wanted, &zone)
        {
            return Ok(Some((id.to_owned(), zone)));
        }
    }
    Ok(None)
}

/// The private or else the public zones of this name, anyone's.
///
/// # Errors
/// The fault of the call.
pub async fn zones_named(
    cloud: &Cloud,
    name: &str,
    private: bool,
) -> Result<Vec<HostedZone>, Fault> {
    let mut zones = Vec::new();
    let (mut next_name, mut next_id) = (Some(name.to_owned()), None);
    loop {
        let call = cloud.aws.route53.list_hosted_zones_by_name();
        let page = call
            .set_dns_name(next_name)
            .set_hosted_zone_id(next_id)
            .send()
            .await
            .map_err(fault("route53", "ListHostedZonesByName"))?;
        let is_private = |zone: &HostedZone| zone.config().is_some_and(|c| c.private_zone());
        let matching = page
            .hosted_zones()
            .iter()
            .filter(|zone| undotted(zone.name()) == name && is_private(zone) == private);
        zones.extend(matching.cloned());
        // The list is sorted by name and begins at ours, so that it may end after the first other name.
        let more =
            page.is_truncated() && page.next_dns_name().map(undotted).as_deref() == Some(name);
        if !more {
            return Ok(zones);
        }
        next_name = page.next_dns_name().map(str::to_owned);
        next_id = page.next_hosted_zone_id().map(str::to_owned);
    }
}

/// All records of a zone.
///
/// # Errors
/// The fault of the call.
pub async fn records(cloud: &Cloud, zone: &str) -> Result<Vec<ResourceRecordSet>, Fault> {
    let mut records = Vec::new();
    let mut next: (Option<String>, Option<RrType>, Option<String>) = (None, None, None);
    loop {
        let call = cloud.aws.route53.list_resource_record_sets();
        let page = call
            .hosted_zone_id(zone)
            .set_start_record_name(next.0)
            .set_start_record_type(next.1)
            .set_start_record_identifier(next.2)
            .send()
            .await
            .map_err(fault("route53", "ListResourceRecordSets"))?;
        records.extend_from_slice(page.resource_record_sets());
        if !page.is_truncated() {
            return Ok(records);
        }
        next = (
            page.next_record_name().map(str::to_owned),
            page.next_record_type().cloned(),
            page.next_record_identifier().map(str::to_owned),
        );
    }
}

/// The records of one name in a zone that may have very many: a page of them, which has room for every type.
async fn records_named(cloud: &Cloud, zone: &str, name: &str) -> Result<Vec<Record>, Fault> {
    let call = cloud.aws.route53.list_resource_record_sets();
    let page = call
        .hosted_zone_id(zone)
        .start_record_name(name)
        .max_items(MOST_OF_A_NAME)
        .send()
        .await
        .map_err(fault("route53", "ListResourceRecordSets"))?;
    let records = plain(page.resource_record_sets()).into_iter();
    Ok(records.filter(|record| record.name == name).collect())
}

/// A VPC's id, after its region where that is not `here`.
pub fn vpc_text(vpc: &Vpc, here: &str) -> String {
    let id = vpc.vpc_id().unwrap_or_default();
    match vpc.vpc_region().map(|region| region.as_str()) {
        Some(region) if region != here => format!("{region}/{id}"),
        Some(_) | None => id.to_owned(),
    }
}

/// The reverse of [`vpc_text`].
pub fn vpc(text: &str, here: &str) -> Vpc {
    let (region, id) = text.split_once('/').unwrap_or((here, text));
    Vpc::builder().vpc_region(region.into()).vpc_id(id).build()
}

/// The id without the path that Route 53 puts before it.
pub fn bare_id(id: &str) -> &str {
    id.strip_prefix("/hostedzone/").unwrap_or(id)
}

/// A domain name as we write it: lowercase, without the final dot, its star not as Route 53 escapes it.
pub fn undotted(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    match name.strip_prefix("\\052.") {
        Some(rest) => format!("*.{rest}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_lose_what_route_53_adds() {
        assert_eq!(
            undotted("Rds.Staging.Example.com."),
            "rds.staging.example.com"
        );
        assert_eq!(undotted("\\052.example.com."), "*.example.com");
        assert_eq!(bare_id("/hostedzone/Z1"), "Z1");
        assert_eq!(bare_id("Z1"), "Z1");
    }

    #[test]
    fn a_vpc_elsewhere_keeps_its_region() {
        for text in ["vpc-1", "eu-west-1/vpc-1"] {
            assert_eq!(vpc_text(&vpc(text, "us-east-1"), "us-east-1"), text);
        }
        assert_eq!(
            vpc_text(&vpc("us-east-1/vpc-1", "us-east-1"), "us-east-1"),
            "vpc-1"
        );
    }
}
