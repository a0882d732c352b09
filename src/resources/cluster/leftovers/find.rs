//! Finding what a cluster's controllers left in AWS, each sort by the tags and names of FACTS §3.
//!
//! A cluster's name is no proof: another of the same name may have stood elsewhere in the region before. So what has
//! a VPC counts only in ours: if it carries the cluster's tag, or looks like Kubernetes' and names no other cluster.
//! A disk has no VPC, and what the driver says on it of itself, `ebs.csi.aws.com/cluster` and `CSIVolumeName`, names
//! no cluster either. It counts only if it carries the cluster's tag, which the quieting of the cluster puts on each
//! disk that the cluster itself speaks of (`cluster.workloads`). Without that it may be a stranger's, and it stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_sdk_ec2::types::{Filter, NetworkInterfaceStatus, Tag, VolumeState};
use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_sdk_route53::types::ResourceRecordSet;
use serde::{Deserialize, Serialize};

use super::marks::{Mark, keys, mark, owned};
use crate::cloud::{Class, Cloud, Fault, fault};
use crate::resources::Tags;
use crate::resources::cluster::log_group;
use crate::resources::dns::inventory::{records, undotted};
use crate::resources::network::filter;
use crate::resources::network::inventory::{interfaces, security_groups_with};
use crate::resources::sighting::tags_from;

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The cluster's name.
    pub cluster: String,
    /// Our VPCs.
    pub vpcs: BTreeSet<String>,
    /// Our zones.
    pub zones: BTreeSet<String>,
    /// Names of records that are resources of their own.
    pub own_names: BTreeSet<String>,
    /// Names of log groups that are resources of their own.
    #[serde(default)]
    pub own_logs: BTreeSet<String>,
}

impl Search {
    /// Whether what stands in this VPC can be ours. What has none, such as a target group for functions, can't be
    /// Kubernetes'.
    fn is_ours(&self, vpc: Option<&str>) -> bool {
        vpc.is_some_and(|vpc| self.vpcs.contains(vpc))
    }
}

/// What a leftover is, in the order in which leftovers go.
#[derive(Clone, Debug, PartialEq)]
pub enum Thing {
    /// A load balancer, by ARN.
    LoadBalancer,
    /// A classic load balancer, by ARN. Its API is one that we don't speak: it is named, with the command that
    /// deletes it, and waited for.
    ClassicLoadBalancer,
    /// A target group, by ARN.
    TargetGroup,
    /// A network interface.
    Interface,
    /// A security group.
    SecurityGroup,
    /// A disk.
    Volume,
    /// A log group, by name.
    LogGroup,
    /// A name that external-dns made in this zone.
    Record(String, Box<ResourceRecordSet>),
}

impl Thing {
    /// What people call it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::LoadBalancer => "load balancer",
            Self::ClassicLoadBalancer => "classic load balancer",
            Self::TargetGroup => "target group",
            Self::Interface => "network interface",
            Self::SecurityGroup => "security group",
            Self::Volume => "volume",
            Self::LogGroup => "log group",
            Self::Record(..) => "record",
        }
    }
}

/// One thing that is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Leftover {
    /// What it is.
    pub thing: Thing,
    /// Its id, ARN or name.
    pub id: String,
    /// Its name or description; empty where it has none beside its id.
    pub name: String,
    /// Whether something uses it, so that it can't go yet.
    pub busy: bool,
}

impl Leftover {
    /// Whether it is the group that EKS made for the cluster and takes away with it.
    pub fn is_the_clusters_own_group(&self) -> bool {
        self.thing == Thing::SecurityGroup && self.name.starts_with(CLUSTER_GROUP)
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name is what a person knows; of what has only an id, that is shown.
        let name = if self.name.is_empty() {
            &self.id
        } else {
            &self.name
        };
        match self.thing {
            Thing::SecurityGroup | Thing::Interface => {
                write!(f, "{} {} ({name})", self.thing.word(), self.id)
            }
            Thing::ClassicLoadBalancer => write!(
                f,
                "{} {name} (aws elb delete-load-balancer --load-balancer-name {name})",
                self.thing.word()
            ),
            Thing::LoadBalancer
            | Thing::TargetGroup
            | Thing::Volume
            | Thing::LogGroup
            | Thing::Record(..) => write!(f, "{} {name}", self.thing.word()),
        }
    }
}

/// How EKS names the security group of a cluster, before the cluster's name.
const CLUSTER_GROUP: &str = "eks-cluster-sg-";

/// The most resources whose tags one call tells.
const TAGGED_AT_ONCE: usize = 20;

/// Everything that is left, in the order in which it goes.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn find(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let (balancers, classic, targets, interfaces, groups, volumes, logs, records) = futures::try_join!(
        load_balancers(cloud, search),
        classic_load_balancers(cloud, search),
        target_groups(cloud, search),
        network_interfaces(cloud, search),
        groups(cloud, search),
        volumes(cloud, search),
        log_groups(cloud, search),
        dns_records(cloud, search),
    )?;
    let all = [
        balancers, classic, targets, interfaces, groups, volumes, logs, records,
    ];
    Ok(all.into_iter().flatten().collect())
}

fn left(thing: Thing, id: &str, name: &str) -> Leftover {
    Leftover {
        thing,
        id: id.to_owned(),
        name: name.to_owned(),
        busy: false,
    }
}

async fn load_balancers(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let call = cloud.aws.load_balancers.describe_load_balancers();
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("elasticloadbalancing", "DescribeLoadBalancers"))?;
    let ours = listed
        .iter()
        .filter(|balancer| search.is_ours(balancer.vpc_id()));
    let named = ours.filter_map(|balancer| {
        let name = balancer.load_balancer_name().unwrap_or_default();
        Some((balancer.load_balancer_arn()?.to_owned(), name.to_owned()))
    });
    of_cluster(cloud, search, &Thing::LoadBalancer, named.collect()).await
}

/// Begins the description of a load balancer's network interface; what follows is a classic one's name, or type, name
/// and id.
const BALANCER_INTERFACE: &str = "ELB ";

/// Those that the lists above don't name. The tag index does, but late, and without their VPC: it counts where an
/// interface of the load balancer stands in ours.
async fn classic_load_balancers(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let looks = filter("description", [format!("{BALANCER_INTERFACE}*").as_str()]);
    let mut names = BTreeSet::new();
    for filters in in_our_vpcs(search, vec![looks]) {
        let found = interfaces(cloud, filters).await?;
        let described = found.iter().filter_map(|interface| interface.description());
        let named = described.filter_map(|text| text.strip_prefix(BALANCER_INTERFACE));
        names.extend(named.filter(|name| !name.contains('/')).map(str::to_owned));
    }
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (key, value) = owned(&search.cluster);
    let tag = TagFilter::builder().key(key).values(value).build();
    let call = cloud.aws.tagging.get_resources().tag_filters(tag);
    let call = call.resource_type_filters("elasticloadbalancing:loadbalancer");
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("tagging", "GetResources"))?;
    let arns = listed.iter().filter_map(|found| found.resource_arn());
    let found = arns.filter_map(|arn| {
        let (_, name) = arn.split_once(":loadbalancer/")?;
        let left = left(Thing::ClassicLoadBalancer, arn, name);
        names
            .contains(name)
            .then_some(Leftover { busy: true, ..left })
    });
    Ok(found.collect())
}

async fn target_groups(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let call = cloud.aws.load_balancers.describe_target_groups();
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("elasticloadbalancing", "DescribeTargetGroups"))?;
    let ours = listed.iter().filter(|group| search.is_ours(group.vpc_id()));
    let named = ours.filter_map(|group| {
        let name = group.target_group_name().unwrap_or_default();
        Some((group.target_group_arn()?.to_owned(), name.to_owned()))
    });
    of_cluster(cloud, search, &Thing::TargetGroup, named.collect()).await
}

/// Those of the ARNs that carry the cluster's tag: the lists themselves have no tags.
async fn of_cluster(
    cloud: &Cloud,
    search: &Search,
    thing: &Thing,
    named: BTreeMap<String, String>,
) -> Result<Vec<Leftover>, Fault> {
    let arns: Vec<String> = named.keys().cloned().collect();
    let mut found = Vec::new();
    for arns in arns.chunks(TAGGED_AT_ONCE) {
        let call = cloud.aws.load_balancers.describe_tags();
        let answer = call.set_resource_arns(Some(arns.to_vec())).send().await;
        let answer = answer
            .map_err(fault("elasticloadbalancing", "DescribeTags"))
            .map_err(gone_meanwhile)?;
        found.extend(answer.tag_descriptions().iter().filter_map(|described| {
            let tags = tags_from(described.tags(), |tag| (tag.key(), tag.value()));
            let arn = described.resource_arn()?;
            (mark(&tags, &search.cluster) == Mark::Cluster).then(|| {
                left(
                    thing.clone(),
                    arn,
                    named.get(arn).map_or("", String::as_str),
                )
            })
        }));
    }
    Ok(found)
}

/// One of many went between two calls: the next look does not find it any more.
fn gone_meanwhile(fault: Fault) -> Fault {
    match fault.class {
        Class::Absent => Fault {
            class: Class::Retry,
            ..fault
        },
        Class::Retry | Class::Exists | Class::Uncertain | Class::Forbidden | Class::Stop => fault,
    }
}

/// Lets through what has any tag that can name the cluster.
fn marked(search: &Search) -> Filter {
    let keys = keys(&search.cluster);
    filter("tag-key", keys.iter().map(String::as_str))
}

/// Each of the filters by itself, for what is in our VPCs; none where we have no VPC.
fn in_our_vpcs(search: &Search, filters: Vec<Filter>) -> Vec<Vec<Filter>> {
    if search.vpcs.is_empty() {
        return Vec::new();
    }
    let within = || filter("vpc-id", search.vpcs.iter().map(String::as_str));
    filters.into_iter().map(|by| vec![within(), by]).collect()
}

fn tags_of(tags: &[Tag]) -> Tags {
    tags_from(tags, |tag| (tag.key(), tag.value()))
}

async fn network_interfaces(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let eks = format!("Amazon EKS {}", search.cluster);
    let looks = filter("description", ["aws-K8S-*", eks.as_str()]);
    let mut found = BTreeMap::new();
    for filters in in_our_vpcs(search, vec![marked(search), looks]) {
        for interface in interfaces(cloud, filters).await? {
            let tags = tags_of(interface.tag_set());
            let description = interface.description().unwrap_or_default();
            let is_left = match mark(&tags, &search.cluster) {
                Mark::Cluster => true,
                Mark::Other => false,
                Mark::None => description.starts_with("aws-K8S-") || description == eks,
            };
            let Some(id) = interface.network_interface_id().filter(|_| is_left) else {
                continue;
            };
            let busy = interface.status() != Some(&NetworkInterfaceStatus::Available);
            let left = left(Thing::Interface, id, description);
            found.insert(id.to_owned(), Leftover { busy, ..left });
        }
    }
    Ok(found.into_values().collect())
}

async fn groups(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let of_eks = format!("{CLUSTER_GROUP}{}-", search.cluster);
    let looks = filter("group-name", ["k8s-elb-*", format!("{of_eks}*").as_str()]);
    let mut found = BTreeMap::new();
    for filters in in_our_vpcs(search, vec![marked(search), looks]) {
        for group in security_groups_with(cloud, filters).await? {
            let name = group.group_name().unwrap_or_default();
            let is_left = match mark(&tags_of(group.tags()), &search.cluster) {
                Mark::Cluster => true,
                Mark::Other => false,
                Mark::None => name.starts_with("k8s-elb-") || name.starts_with(&of_eks),
            };
            if let Some(id) = group.group_id().filter(|_| is_left) {
                found.insert(id.to_owned(), left(Thing::SecurityGroup, id, name));
            }
        }
    }
    Ok(found.into_values().collect())
}

async fn volumes(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let call = cloud.aws.ec2.describe_volumes();
    let call = call.filters(marked(search));
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("ec2", "DescribeVolumes"))?;
    let found = listed.iter().filter_map(|volume| {
        let tags = tags_of(volume.tags());
        let id = volume
            .volume_id()
            .filter(|_| mark(&tags, &search.cluster) == Mark::Cluster)?;
        let busy = volume.state() != Some(&VolumeState::Available);
        Some(Leftover {
            busy,
            ..left(Thing::Volume, id, "")
        })
    });
    Ok(found.collect())
}

async fn log_groups(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let name = log_group::name_for(&search.cluster);
    if search.own_logs.contains(&name) {
        return Ok(Vec::new());
    }
    let call = cloud.aws.logs.describe_log_groups();
    let call = call.log_group_name_prefix(&name).into_paginator();
    let listed = call.items().send().try_collect().await;
    let listed = listed.map_err(fault("logs", "DescribeLogGroups"))?;
    let exact = listed
        .iter()
        .filter(|group| group.log_group_name() == Some(&name));
    Ok(exact.map(|_| left(Thing::LogGroup, &name, "")).collect())
}

/// What external-dns wrote into our zones: the texts by which it remembers, and the names that they speak of.
async fn dns_records(cloud: &Cloud, search: &Search) -> Result<Vec<Leftover>, Fault> {
    let mut found = Vec::new();
    for zone in &search.zones {
        let records = match records(cloud, zone).await {
            Ok(records) => records,
            Err(fault) if fault.is_absent() => continue,
            Err(fault) => return Err(fault),
        };
        let texts: BTreeSet<String> = records
            .iter()
            .filter(|record| is_heritage(record))
            .map(|record| undotted(record.name()))
            .collect();
        let theirs = records.into_iter().filter(|record| {
            let name = undotted(record.name());
            is_heritage(record)
                || (!search.own_names.contains(&name)
                    && spoken_of(&texts, &name, record.r#type().as_str()))
        });
        found.extend(theirs.map(|record| {
            let name = format!("{} {}", undotted(record.name()), record.r#type().as_str());
            let thing = Thing::Record(zone.clone(), Box::new(record));
            left(thing, &format!("{zone}/{name}"), &name)
        }));
    }
    Ok(found)
}

fn is_heritage(record: &ResourceRecordSet) -> bool {
    record.r#type().as_str() == "TXT"
        && record
            .resource_records()
            .iter()
            .any(|text| text.value().contains("heritage=external-dns"))
}

/// Whether a text of external-dns stands for the record: under its name, or under its name behind its type.
fn spoken_of(texts: &BTreeSet<String>, name: &str, rr_type: &str) -> bool {
    let typed = format!("{}-{name}", rr_type.to_ascii_lowercase());
    matches!(rr_type, "A" | "AAAA" | "CNAME") && (texts.contains(name) || texts.contains(&typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_external_dns_speak_of_names_and_types() {
        let texts = BTreeSet::from(["web.example.com".to_owned(), "a-api.example.com".to_owned()]);
        assert!(spoken_of(&texts, "web.example.com", "CNAME"));
        assert!(spoken_of(&texts, "api.example.com", "A"));
        assert!(!spoken_of(&texts, "api.example.com", "CNAME"));
        assert!(!spoken_of(&texts, "web.example.com", "NS"));
        assert!(!spoken_of(&texts, "rds.example.com", "CNAME"));
    }
}
