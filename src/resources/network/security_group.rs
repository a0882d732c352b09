//! `network.security-group`: who may talk to whom. Rules are exactly those of the file, but for rules that are
//! resources of their own.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_ec2::types::{IpPermission, ResourceType, SecurityGroup as Found};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, sightings, specification};
use super::inventory::security_groups;
use super::permissions::{Rule, rules};
use super::vpc;
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};
use crate::environment::model::SecurityGroup as Asked;
use crate::resources::calls::{exists_is_done, fresh};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Condition, Context, Desired, Field, Input, Kind, Observed, Order, Owner, Tags, Unseen, Wanted,
};

/// The kind `network.security-group`.
pub struct SecurityGroup;

const KIND: &str = "network.security-group";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    description: String,
    vpc: Input,
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
    tags: Tags,
}

/// Where the security group of one concern stands, such as `cluster` or `database.flights`.
pub fn security_group(owner: &[&str]) -> Address {
    Address::of(&[owner, &["security-group"]].concat())
}

fn desired(
    context: &Context<'_>,
    owner: &[&str],
    asked: &Asked,
    ingress: Vec<Rule>,
    egress: Vec<Rule>,
) -> Desired {
    let address = security_group(owner);
    let spec = Spec {
        name: asked.name.clone(),
        description: asked.description.clone(),
        vpc: Input::of(&vpc(), "id"),
        ingress,
        egress,
        tags: context.ownership.named(&address, &asked.name),
    };
    Desired::new(KIND, address, &asked.name, &spec)
}

/// One port for each of these blocks.
fn admits(port: u16, blocks: &BTreeSet<Ipv4Net>) -> Vec<Rule> {
    let blocks = blocks.iter().map(|block| block.trunc().to_string());
    let mut rules: Vec<Rule> = blocks.map(|block| Rule::tcp(port, &block)).collect();
    rules.sort();
    rules
}

/// The rules that are the group's own.
fn own(permissions: &[IpPermission]) -> Vec<Rule> {
    let mut rules = rules(permissions);
    rules.retain(|rule| rule.resource().is_none());
    rules
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let name = found.group_name().unwrap_or_default();
    let spec = Spec {
        name: name.to_owned(),
        description: found.description().unwrap_or_default().to_owned(),
        vpc: found.vpc_id().unwrap_or_default().into(),
        ingress: own(found.ip_permissions()),
        egress: own(found.ip_permissions_egress()),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: name.to_owned(),
        tags: Tagged::tags(found),
        condition: Condition::Ready,
        outputs: outputs([("id", found.group_id())]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for SecurityGroup {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                // AWS never changes these two. The old group goes before the new one is made, and what wears it is
                // replaced with it, though AWS could dress a database otherwise while it runs. To make the new
                // group first there would have to be two resources at one address for a while, and state, journal
                // and recovery all rest on there being one. So data goes, with consent; who keeps the name keeps it.
                Field::replaces("name"),
                Field::replaces("description"),
                Field::replaces("vpc"),
                Field::in_place("ingress"),
                Field::in_place("egress"),
                Field::in_place("tags"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let environment = context.environment;
        let cluster = environment.cluster.iter().map(|cluster| {
            let everything = vec![Rule::all("0.0.0.0/0")];
            desired(
                context,
                &["cluster"],
                &cluster.security_group,
                Vec::new(),
                everything,
            )
        });
        // What answers only needs no way out: security groups let answers pass.
        let databases = environment.databases.iter().map(|(key, database)| {
            let ingress = admits(database.port, &database.allow);
            let group = &database.security_group;
            desired(context, &["database", key], group, ingress, Vec::new())
        });
        let caches = environment.caches.iter().map(|(key, cache)| {
            let ingress = admits(cache.port, &cache.allow);
            let group = &cache.security_group;
            desired(context, &["cache", key], group, ingress, Vec::new())
        });
        cluster.chain(databases).chain(caches).collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        sightings(KIND, wanted, &inventory.network.security_groups, observed)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.ec2.create_security_group();
            let call = call.group_name(&spec.name).description(&spec.description);
            let tags = specification(ResourceType::SecurityGroup, &spec.tags);
            let call = call.vpc_id(spec.vpc.text()).tag_specifications(tags);
            let answer = call.send().await;
            answer.map_err(fault("ec2", "CreateSecurityGroup"))
        })
        .await;
        match answer {
            Ok(made) => made
                .group_id
                .ok_or_else(|| Fault::incomplete("ec2", "CreateSecurityGroup", "GroupId")),
            Err(fault) if fault.class == Class::Exists => {
                ours_of_that_name(cloud, order, &spec, fault).await
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
        let found = security_groups(cloud, filter("group-id", [id])).await?;
        let observed = |group| observed(&order.wanted, order.address.clone(), group);
        Ok(found.first().map(observed))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let id = observed.id.as_str();
        let now = |field: &str| -> Vec<Rule> {
            let rules = observed.fields.get(field).cloned().unwrap_or_default();
            serde_json::from_value(rules).unwrap_or_default()
        };
        // What is too much goes first: a rule that differs only in its description counts as the same.
        if has(changed, "ingress") {
            let now = now("ingress");
            for rule in now.iter().filter(|rule| !spec.ingress.contains(rule)) {
                revoke_ingress(cloud, id, rule).await?;
            }
            for rule in spec.ingress.iter().filter(|rule| !now.contains(rule)) {
                authorize_ingress(cloud, id, rule, None).await?;
            }
        }
        if has(changed, "egress") {
            let now = now("egress");
            for rule in now.iter().filter(|rule| !spec.egress.contains(rule)) {
                revoke_egress(cloud, id, rule).await?;
            }
            for rule in spec.egress.iter().filter(|rule| !now.contains(rule)) {
                authorize_egress(cloud, id, rule).await?;
            }
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.ec2.delete_security_group().group_id(id);
        absent_is_done(
            call.send()
                .await
                .map_err(fault("ec2", "DeleteSecurityGroup")),
        )
    }
}

/// The id of the group that has the name already, when it is ours: an earlier create had its effect though its
/// reply was lost.
async fn ours_of_that_name(
    cloud: &Cloud,
    order: &Order<'_>,
    spec: &Spec,
    fault: Fault,
) -> Result<String, Fault> {
    let named = security_groups(cloud, filter("group-name", [spec.name.as_str()])).await?;
    let ours = named.iter().find(|group| {
        let here = group.vpc_id() == Some(spec.vpc.text());
        here && order.wanted.owner(&Tagged::tags(*group)) == Owner::Ours
    });
    ours.and_then(|group| group.group_id().map(str::to_owned))
        .ok_or(fault)
}

/// Lets `rule` in; one that is a resource of its own carries tags.
pub(super) async fn authorize_ingress(
    cloud: &Cloud,
    group: &str,
    rule: &Rule,
    tags: Option<&Tags>,
) -> Result<(), Fault> {
    let tags = tags.map(|tags| vec![specification(ResourceType::SecurityGroupRule, tags)]);
    let answer = fresh(cloud, || async {
        let call = cloud.aws.ec2.authorize_security_group_ingress();
        let call = call.group_id(group).ip_permissions(rule.permission());
        let answer = call.set_tag_specifications(tags.clone()).send().await;
        answer.map_err(fault("ec2", "AuthorizeSecurityGroupIngress"))
    })
    .await;
    exists_is_done(answer)
}

/// Lets `rule` in no longer.
pub(super) async fn revoke_ingress(cloud: &Cloud, group: &str, rule: &Rule) -> Result<(), Fault> {
    let call = cloud.aws.ec2.revoke_security_group_ingress();
    let call = call.group_id(group).ip_permissions(rule.permission());
    let answer = call.send().await;
    absent_is_done(answer.map_err(fault("ec2", "RevokeSecurityGroupIngress")))
}

async fn authorize_egress(cloud: &Cloud, group: &str, rule: &Rule) -> Result<(), Fault> {
    let answer = fresh(cloud, || async {
        let call = cloud.aws.ec2.authorize_security_group_egress();
        let call = call.group_id(group).ip_permissions(rule.permission());
        let answer = call.send().await;
        answer.map_err(fault("ec2", "AuthorizeSecurityGroupEgress"))
    })
    .await;
    exists_is_done(answer)
}

async fn revoke_egress(cloud: &Cloud, group: &str, rule: &Rule) -> Result<(), Fault> {
    let call = cloud.aws.ec2.revoke_security_group_egress();
    let call = call.group_id(group).ip_permissions(rule.permission());
    let answer = call.send().await;
    absent_is_done(answer.map_err(fault("ec2", "RevokeSecurityGroupEgress")))
}
