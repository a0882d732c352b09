//! Subnet groups, which RDS and ElastiCache keep alike and spell differently.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Fields;
use super::call::{Call, Fault, Params, Reply};
use super::page;
use super::placement::{self, Subnets};
use super::tags::{self, Tags};
use crate::sandbox::world::World;

/// A named set of subnets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubnetGroup {
    /// Its name, in small letters.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its subnets.
    pub subnets: Subnets,
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: Tags,
}

/// The subnet groups of a service in a region, by name.
pub type SubnetGroups = BTreeMap<String, SubnetGroup>;

/// How a service spells its subnet groups, and what it refuses.
pub struct Dialect {
    /// `rds` or `elasticache`, as in ARNs.
    pub service: &'static str,
    /// The type of the resource in ARNs.
    pub arn_type: &'static str,
    /// `DBSubnetGroup`
    pub one: &'static str,
    /// `DBSubnetGroups`
    pub many: &'static str,
    /// `DBSubnetGroupName`
    pub name: &'static str,
    /// `DBSubnetGroupDescription`
    pub description: &'static str,
    /// `DBSubnetGroupArn`
    pub arn: &'static str,
    /// The status that the service shows for a group, and for each of its subnets.
    pub statuses: Option<(&'static str, &'static str)>,
    /// How the service writes IPv4 as the kind of network of a group and of each of its subnets.
    pub ipv4: (&'static str, Option<&'static str>),
    /// The code for a name that is taken.
    pub taken: &'static str,
    /// The code and HTTP status for a name that doesn't exist.
    pub not_found: (&'static str, u16),
    /// The code for removing a group that is in use.
    pub in_use: &'static str,
    /// The code for removing a subnet that is in use.
    pub subnet_in_use: &'static str,
    /// The code for subnets in fewer than two zones, if the service minds.
    pub too_few_zones: Option<&'static str>,
    /// The groups of a region.
    pub state: for<'w> fn(&'w mut World, &str) -> &'w mut SubnetGroups,
    /// The subnets of a group in which something of the service stands, once for each.
    pub used: fn(&mut World, &str, &str) -> Vec<String>,
}

impl Dialect {
    /// The group of this name.
    ///
    /// # Errors
    /// The service's word for one that doesn't exist.
    pub fn find<'w>(
        &self,
        world: &'w mut World,
        region: &str,
        name: &str,
    ) -> Result<&'w mut SubnetGroup, Fault> {
        let (code, status) = self.not_found;
        (self.state)(world, region)
            .get_mut(&name.to_lowercase())
            .ok_or_else(|| {
                Fault::new(code, format!("{} {name} does not exist.", self.one)).status(status)
            })
    }

    /// What a resource in the group of this name may wear: the security groups that are asked for, or the
    /// network's default one.
    ///
    /// # Errors
    /// When the subnet group doesn't exist, or a security group is not of its network.
    pub fn wearable(
        &self,
        world: &mut World,
        region: &str,
        name: &str,
        asked: Vec<String>,
    ) -> Result<Vec<String>, Fault> {
        let vpc_id = self.find(world, region, name)?.subnets.vpc_id.clone();
        placement::security_groups(world, region, &vpc_id, asked, "InvalidParameterValue")
    }

    /// Creates a group.
    ///
    /// # Errors
    /// When the name is taken, or the subnets don't fit.
    pub fn create(&self, world: &mut World, call: &Call) -> Result<Reply, Fault> {
        let params = &call.params;
        let name = params.required(self.name)?.to_lowercase();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._- ".contains(c);
        if name.len() > 255 || name == "default" || !name.chars().all(allowed) {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!(
                    "The parameter {} is not a valid identifier: {name}",
                    self.name
                ),
            ));
        }
        if (self.state)(world, &call.region).contains_key(&name) {
            return Err(Fault::new(
                self.taken,
                format!("{} {name} already exists.", self.one),
            ));
        }
        let group = SubnetGroup {
            description: params.required(self.description)?,
            subnets: self.subnets(world, call)?,
            arn: format!(
                "arn:aws:{}:{}:{}:{}:{name}",
                self.service, call.region, world.account, self.arn_type
            ),
            tags: tags::read(params, "Tags", "InvalidParameterValue")?,
            name: name.clone(),
        };
        let reply = Fields::only(self.one, self.render(&group));
        (self.state)(world, &call.region).insert(name, group);
        Ok(reply)
    }

    /// Lists groups, or the one that is asked for.
    ///
    /// # Errors
    /// When the one asked for doesn't exist.
    pub fn describe(&self, world: &mut World, call: &Call) -> Result<Reply, Fault> {
        let groups = match call.params.text(self.name) {
            Some(name) => vec![self.find(world, &call.region, &name)?],
            None => (self.state)(world, &call.region).values_mut().collect(),
        };
        let groups = (groups.into_iter()).map(|group| (group.name.clone(), self.render(group)));
        marker_page(&call.params, self.many, self.one, groups)
    }

    /// Gives a group another description or other subnets.
    ///
    /// # Errors
    /// When it doesn't exist, the subnets don't fit, or one that is used would go.
    pub fn modify(&self, world: &mut World, call: &Call) -> Result<Reply, Fault> {
        let name = call.params.required(self.name)?.to_lowercase();
        let before = self.find(world, &call.region, &name)?.subnets.clone();
        let subnets = match call.params.has("SubnetIds") {
            true => self.subnets(world, call)?,
            false => before.clone(),
        };
        if subnets.vpc_id != before.vpc_id {
            return Err(Fault::new(
                "InvalidParameterValue",
                "The new Subnets are not in the same Vpc as the existing subnet group",
            ));
        }
        let used = (self.used)(world, &call.region, &name);
        if let Some(used) = used.iter().find(|used| !subnets.zones.contains_key(*used)) {
            return Err(Fault::new(
                self.subnet_in_use,
                format!("Some of the subnets to be deleted are currently in use: {used}"),
            ));
        }
        let group = self.find(world, &call.region, &name)?;
        group.subnets = subnets;
        if let Some(description) = call.params.text(self.description) {
            group.description = description;
        }
        Ok(Fields::only(self.one, self.render(group)))
    }

    /// Removes a group.
    ///
    /// # Errors
    /// When it doesn't exist or is in use.
    pub fn delete(&self, world: &mut World, call: &Call) -> Result<Reply, Fault> {
        let name = call.params.required(self.name)?.to_lowercase();
        self.find(world, &call.region, &name)?;
        if !(self.used)(world, &call.region, &name).is_empty() {
            return Err(Fault::new(
                self.in_use,
                format!(
                    "Cannot delete the subnet group '{name}' because at least one resource is still using it."
                ),
            ));
        }
        (self.state)(world, &call.region).remove(&name);
        Ok(Reply::empty())
    }

    fn subnets(&self, world: &mut World, call: &Call) -> Result<Subnets, Fault> {
        let ids = call.params.texts("SubnetIds");
        let subnets = Subnets::find(world, &call.region, &ids, "InvalidSubnet")?;
        match self.too_few_zones {
            Some(code) if subnets.by_zone().len() < 2 => Err(Fault::new(
                code,
                format!(
                    "The {} doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: {}. Add subnets to cover at least 2 AZs.",
                    self.one,
                    subnets.by_zone().into_keys().collect::<Vec<_>>().join(", ")
                ),
            )),
            Some(_) | None => Ok(subnets),
        }
    }

    /// A group as the service answers it.
    pub fn render(&self, group: &SubnetGroup) -> Reply {
        let (of_group, of_subnet) = self.ipv4;
        let networks = |kind| Reply::texts("member", [kind]);
        let subnet = |(id, zone): (&String, &String)| {
            Fields::new()
                .with("SubnetIdentifier", id)
                .with("SubnetAvailabilityZone", Fields::only("Name", zone))
                .maybe("SubnetStatus", self.statuses.map(|(_, subnet)| subnet))
                .maybe("SupportedNetworkTypes", of_subnet.map(networks))
                .into()
        };
        let subnets = group.subnets.zones.iter().map(subnet).collect();
        Fields::new()
            .with(self.name, &group.name)
            .with(self.description, &group.description)
            .with("VpcId", &group.subnets.vpc_id)
            .maybe("SubnetGroupStatus", self.statuses.map(|(group, _)| group))
            .with("Subnets", Reply::List("Subnet", subnets))
            .with(self.arn, &group.arn)
            .with("SupportedNetworkTypes", networks(of_group))
            .into()
    }
}

/// One page of what RDS and ElastiCache describe, 100 at a time.
///
/// # Errors
/// When `MaxRecords` is not a number from 20 to 100.
pub fn marker_page(
    params: &Params,
    many: &'static str,
    one: &'static str,
    elements: impl IntoIterator<Item = (String, Reply)>,
) -> Result<Reply, Fault> {
    let size = page::size(params, "MaxRecords", 100, 100, "InvalidParameterValue")?;
    if size < 20 {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Invalid value {size} for MaxRecords. Must be between 20 and 100"),
        ));
    }
    let marker = params.text("Marker").filter(|marker| !marker.is_empty());
    let page = page::cut(elements, marker.as_deref(), size);
    Ok(Fields::new()
        .maybe("Marker", page.next)
        .with(many, Reply::List(one, page.items))
        .into())
}
