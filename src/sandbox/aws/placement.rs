//! How a managed service stands in a network: subnets by zone, security groups of one network, interfaces of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::call::Fault;
use super::ec2::Attachment;
use super::ec2::interfaces;
use crate::sandbox::world::World;

/// Subnets of one network, and the zone of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnets {
    /// The network.
    pub vpc_id: String,
    /// Zone by subnet.
    pub zones: BTreeMap<String, String>,
    /// The subnet with the lowest block of each zone, by zone.
    lowest: BTreeMap<String, String>,
}

impl Subnets {
    /// Looks subnets up.
    ///
    /// # Errors
    /// `code`, when none is given, one doesn't exist, or they are not of one network.
    pub fn find(
        world: &mut World,
        region: &str,
        ids: &[String],
        code: &str,
    ) -> Result<Self, Fault> {
        let ec2 = &world.region(region).ec2;
        let (mut vpc_id, mut zones) = (None, BTreeMap::new());
        let mut by_block = Vec::new();
        for id in ids {
            let subnet = ec2
                .subnet(id)
                .map_err(|_| Fault::new(code, format!("The subnet ID '{id}' does not exist")))?;
            if *vpc_id.get_or_insert_with(|| subnet.vpc_id.clone()) != subnet.vpc_id {
                return Err(Fault::new(code, "The subnets are not all in the same VPC"));
            }
            zones.insert(id.clone(), subnet.zone.clone());
            by_block.push((subnet.cidr, subnet.zone.clone(), id.clone()));
        }
        by_block.sort();
        let lowest = by_block.into_iter().rev();
        let lowest = lowest.map(|(_, zone, id)| (zone, id)).collect();
        match vpc_id {
            Some(vpc_id) => Ok(Self {
                vpc_id,
                zones,
                lowest,
            }),
            None => Err(Fault::new(code, "At least one subnet must be given")),
        }
    }

    /// One subnet of each zone, by zone: where a service that spreads itself puts its interfaces. It doesn't depend
    /// on identifiers, so that equal requests make equal worlds.
    pub fn by_zone(&self) -> BTreeMap<&str, &str> {
        (self.lowest.iter())
            .map(|(zone, subnet)| (zone.as_str(), subnet.as_str()))
            .collect()
    }
}

/// The security groups that a new resource wears: those asked for, or the network's default group.
///
/// # Errors
/// `code`, when one doesn't exist or is of another network.
pub fn security_groups(
    world: &mut World,
    region: &str,
    vpc_id: &str,
    asked: Vec<String>,
    code: &str,
) -> Result<Vec<String>, Fault> {
    let ec2 = &world.region(region).ec2;
    let of_network =
        |id: &String| (ec2.security_groups.get(id)).is_some_and(|group| group.vpc_id == vpc_id);
    if let Some(stranger) = asked.iter().find(|id| !of_network(id)) {
        return Err(Fault::new(
            code,
            format!("The security group '{stranger}' does not exist in the VPC '{vpc_id}'"),
        ));
    }
    if !asked.is_empty() {
        return Ok(asked);
    }
    let default = ec2.security_groups.iter();
    Ok(default
        .filter(|(_, group)| group.vpc_id == vpc_id && group.name == "default")
        .map(|(id, _)| id.clone())
        .collect())
}

/// Makes an interface that only `service` (such as `amazon-rds`) may delete; answers its id.
///
/// # Errors
/// When the subnet is gone or full, or a group is gone.
pub fn attach(
    world: &mut World,
    region: &str,
    service: &str,
    description: &str,
    subnet_id: &str,
    group_ids: &[String],
) -> Result<String, Fault> {
    let new = interfaces::New {
        subnet_id: subnet_id.to_owned(),
        group_ids: group_ids.to_vec(),
        description: description.to_owned(),
        requester: Some(service.to_owned()),
        attachment: Some(Attachment::Service(service.to_owned())),
        ..interfaces::New::default()
    };
    interfaces::create(world, region, new)
}

/// Removes a service's interfaces.
pub fn detach(world: &mut World, region: &str, interface_ids: &[String]) {
    for id in interface_ids {
        // Gone already is as good: nothing else may stop a service from leaving.
        let _ = interfaces::delete(world, region, id);
    }
}

/// Has a service's interfaces wear other security groups.
pub fn regroup(world: &mut World, region: &str, interface_ids: &[String], group_ids: &[String]) {
    let ec2 = &mut world.region(region).ec2;
    for id in interface_ids {
        if let Ok(interface) = ec2.interface_mut(id) {
            interface.group_ids = group_ids.to_vec();
        }
    }
}
