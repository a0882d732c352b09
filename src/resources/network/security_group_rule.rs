//! `network.security-group-rule`: a rule that is a resource of its own, because it joins two resources that do not
//! wait for each other: it admits the nodes of the cluster to a database or a cache.
//!
//! It is recognised by its description, which names its address, and its ownership is its group's.

use async_trait::async_trait;
use aws_sdk_ec2::types::SecurityGroup as Found;
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter};
use super::inventory::security_groups;
use super::permissions::{Rule, description, rules};
use super::security_group::{authorize_ingress, revoke_ingress, security_group};
use crate::address::Address;
use crate::cloud::{Cloud, Fault};
use crate::resources::cluster::control_plane;
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::outputs;
use crate::resources::{
    Condition, Context, Desired, Field, Input, Kind, Observed, Order, Unseen, Wanted,
};

/// The kind `network.security-group-rule`.
pub struct SecurityGroupRule;

const KIND: &str = "network.security-group-rule";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    /// The group that the rule is part of.
    group: Input,
    /// The group whose wearers it admits.
    source: Input,
    protocol: String,
    from: Option<i32>,
    to: Option<i32>,
}

impl Spec {
    fn rule(&self, address: &Address) -> Rule {
        Rule {
            protocol: self.protocol.clone(),
            from: self.from,
            to: self.to,
            peer: self.source.text().to_owned(),
            description: Some(description(address)),
        }
    }
}

fn desired(owner: &[&str], port: u16) -> Desired {
    let address = Address::of(&[owner, &["access"]].concat());
    let spec = Spec {
        group: Input::of(&security_group(owner), "id"),
        source: Input::of(&control_plane(), "cluster_security_group"),
        protocol: "tcp".to_owned(),
        from: Some(port.into()),
        to: Some(port.into()),
    };
    let name = description(&address);
    Desired::new(KIND, address, name, &spec)
}

/// DescribeSecurityGroups gives rules no ids, so ours says which rule of which group it is.
fn id(group: &str, address: &Address) -> String {
    format!("{group}/{address}")
}

fn observed(wanted: &Wanted<'_>, group: &Found, address: Address, rule: Rule) -> Observed {
    let id = id(group.id(), &address);
    let spec = Spec {
        group: group.id().into(),
        source: rule.peer.into(),
        protocol: rule.protocol,
        from: rule.from,
        to: rule.to,
    };
    Observed {
        kind: KIND,
        name: description(&address),
        owner: wanted.owner(&Tagged::tags(group)),
        condition: Condition::Ready,
        fields: fields_of(&spec),
        outputs: outputs([("id", Some(id.as_str()))]),
        id,
        address,
    }
}

fn of_group(wanted: &Wanted<'_>, group: &Found) -> Vec<Observed> {
    let rules = rules(group.ip_permissions()).into_iter();
    rules
        .filter_map(|rule| Some(observed(wanted, group, rule.resource()?, rule)))
        .collect()
}

/// The group that the id names, as it is now.
async fn group(cloud: &Cloud, id: &str) -> Result<Option<Found>, Fault> {
    let group = id.split_once('/').map_or(id, |(group, _)| group);
    let found = security_groups(cloud, filter("group-id", [group])).await?;
    Ok(found.into_iter().next())
}

#[async_trait]
impl Kind for SecurityGroupRule {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("group"),
                Field::replaces("source"),
                Field::replaces("protocol"),
                Field::replaces("from"),
                Field::replaces("to"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let environment = context.environment;
        if environment.cluster.is_none() {
            return Vec::new();
        }
        let databases = environment.databases.iter();
        let databases = databases.map(|(key, d)| desired(&["database", key], d.port));
        let caches = environment.caches.iter();
        let caches = caches.map(|(key, c)| desired(&["cache", key], c.port));
        databases.chain(caches).collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let groups = &inventory.network.security_groups;
        let groups = groups.as_ref().map_err(Clone::clone)?.iter();
        Ok(groups.flat_map(|group| of_group(wanted, group)).collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let group = spec.group.text();
        let tags = order.wanted.ownership.tags(order.address);
        let rule = spec.rule(order.address);
        authorize_ingress(cloud, group, &rule, Some(&tags)).await?;
        Ok(id(group, order.address))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some(group) = group(cloud, id).await? else {
            return Ok(None);
        };
        let mut rules = of_group(&order.wanted, &group).into_iter();
        Ok(rules.find(|rule| rule.address == *order.address))
    }

    async fn update(
        &self,
        _cloud: &Cloud,
        _order: &Order<'_>,
        _observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        // Every property forces replacement, which costs nothing here.
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let Some(group) = group(cloud, id).await? else {
            return Ok(());
        };
        for rule in rules(group.ip_permissions()) {
            if rule.resource().as_ref() == Some(order.address) {
                revoke_ingress(cloud, group.id(), &rule).await?;
            }
        }
        Ok(())
    }
}
