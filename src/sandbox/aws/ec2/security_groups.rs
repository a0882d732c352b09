//! Security groups: names unique in the network, and groups that are worn or referenced don't go.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Ec2, Peer, Rule, SecurityGroup, Tags, Traffic};
use super::{rules, tags};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// Makes a security group with AWS's default rule, which lets everything out; answers its id.
///
/// # Errors
/// When the network doesn't exist, the name is taken in it, or name or description is not one.
pub fn create(
    world: &mut World,
    region: &str,
    vpc_id: &str,
    name: &str,
    description: &str,
    tags: Tags,
) -> Result<String, Fault> {
    check_text("groupName", name)?;
    check_text("GroupDescription", description)?;
    let ec2 = &world.region(region).ec2;
    ec2.vpc(vpc_id)?;
    if by_name(ec2, vpc_id, name).is_some() {
        return Err(Fault::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc_id}'"),
        ));
    }
    let id = world.ids.ec2(Kind::SecurityGroup.prefix());
    let group = SecurityGroup {
        vpc_id: vpc_id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        rules: std::collections::BTreeMap::new(),
    };
    let ec2 = &mut world.region(region).ec2;
    ec2.security_groups.insert(id.clone(), group);
    ec2.add_tags(&id, tags);
    add_rule(
        world,
        region,
        &id,
        all_traffic(true, Peer::V4("0.0.0.0/0".to_owned())),
        None,
    )?;
    Ok(id)
}

/// Whether a name or description keeps to the characters that AWS takes: letters, digits, some punctuation, 255 at most.
pub(super) fn is_plain_text(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    text.len() <= 255 && text.chars().all(is_allowed)
}

fn check_text(parameter: &str, text: &str) -> Result<(), Fault> {
    if text.is_empty() || !is_plain_text(text) {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Value ({text:.40}) for parameter {parameter} is invalid."),
        ));
    }
    Ok(())
}

/// CreateSecurityGroup.
pub(super) fn create_call(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.params.required("GroupName")?;
    let description = call.params.required("GroupDescription")?;
    let tags = tags::specified(&call.params, Kind::SecurityGroup)?;
    let Some(vpc_id) = call.params.text("VpcId") else {
        return Err(Fault::new(
            "VPCIdNotSpecified",
            "No default VPC for this user",
        ));
    };
    if name == "default" || name.starts_with("sg-") {
        return Err(Fault::new(
            "InvalidParameterValue",
            format!("Cannot use reserved security group name: {name}"),
        ));
    }
    let id = create(world, &call.region, &vpc_id, &name, &description, tags)?;
    let view = View::of(world, &call.region);
    Ok(Fields::new()
        .with("groupId", &id)
        .with("tagSet", view.tag_set(&id))
        .with("securityGroupArn", view.arn(Kind::SecurityGroup, &id))
        .into())
}

/// DeleteSecurityGroup.
pub(super) fn delete_call(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.required("GroupId")?;
    delete(world, &call.region, &id)?;
    Ok(Fields::new()
        .with("return", true)
        .with("groupId", id)
        .into())
}

/// DescribeSecurityGroups.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "securityGroupInfo",
        ids: "GroupId",
        kind: Some(Kind::SecurityGroup),
        id_member: "groupId",
        filters: &[
            ("description", "groupDescription"),
            (
                "egress.ip-permission.cidr",
                "ipPermissionsEgress.ipRanges.cidrIp",
            ),
            (
                "egress.ip-permission.group-id",
                "ipPermissionsEgress.groups.groupId",
            ),
            ("group-id", "groupId"),
            ("group-name", "groupName"),
            ("ip-permission.cidr", "ipPermissions.ipRanges.cidrIp"),
            ("ip-permission.from-port", "ipPermissions.fromPort"),
            ("ip-permission.group-id", "ipPermissions.groups.groupId"),
            ("ip-permission.protocol", "ipPermissions.ipProtocol"),
            ("ip-permission.to-port", "ipPermissions.toPort"),
            ("owner-id", "ownerId"),
            ("vpc-id", "vpcId"),
        ],
    };
    describe::all(world, call, &listing, |ec2| &ec2.security_groups, reply)
}

fn reply(view: &View<'_>, id: &str, group: &SecurityGroup) -> Reply {
    Fields::new()
        .with("groupId", id)
        .with("groupName", &group.name)
        .with("groupDescription", &group.description)
        .with("vpcId", &group.vpc_id)
        .with("ownerId", view.account)
        .with("securityGroupArn", view.arn(Kind::SecurityGroup, id))
        .list(
            "ipPermissions",
            "item",
            rules::permissions(view, group, false),
        )
        .list(
            "ipPermissionsEgress",
            "item",
            rules::permissions(view, group, true),
        )
        .with("tagSet", view.tag_set(id))
        .into()
}

/// Removes a security group.
///
/// # Errors
/// When there is none of this id, it is a network's default group, or something wears or references it.
pub fn delete(world: &mut World, region: &str, id: &str) -> Result<(), Fault> {
    let ec2 = &mut world.region(region).ec2;
    if ec2.security_group(id)?.name == "default" {
        return Err(Fault::new(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    if is_worn(ec2, id) || is_referenced(ec2, id) {
        return Err(Fault::new(
            "DependencyViolation",
            format!("resource {id} has a dependent object"),
        ));
    }
    remove(ec2, id);
    Ok(())
}

/// Adds a rule; answers its id (`sgr-…`).
///
/// # Errors
/// When the group doesn't exist, or has the rule already.
pub fn add_rule(
    world: &mut World,
    region: &str,
    group_id: &str,
    traffic: Traffic,
    description: Option<String>,
) -> Result<String, Fault> {
    let id = world.ids.ec2(Kind::SecurityGroupRule.prefix());
    let group = world.region(region).ec2.security_group_mut(group_id)?;
    if group.rules.values().any(|rule| rule.traffic == traffic) {
        return Err(duplicate(&traffic));
    }
    let rule = Rule {
        traffic,
        description,
    };
    group.rules.insert(id.clone(), rule);
    Ok(id)
}

/// The refusal of a rule that the group has already.
pub(super) fn duplicate(traffic: &Traffic) -> Fault {
    Fault::new(
        "InvalidPermission.Duplicate",
        format!("the specified rule \"{traffic}\" already exists"),
    )
}

/// Everything from or to `peer`.
pub fn all_traffic(egress: bool, peer: Peer) -> Traffic {
    Traffic {
        egress,
        protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        peer,
    }
}

/// The id of the group with this name in the network.
pub fn by_name<'ec2>(ec2: &'ec2 Ec2, vpc_id: &str, name: &str) -> Option<&'ec2 str> {
    (ec2.security_groups.iter())
        .find(|(_, group)| group.vpc_id == vpc_id && group.name == name)
        .map(|(id, _)| id.as_str())
}

/// The given groups, or the network's default group where none was given.
pub(super) fn given_or_default(ec2: &Ec2, vpc_id: &str, given: Vec<String>) -> Vec<String> {
    match by_name(ec2, vpc_id, "default") {
        Some(default) if given.is_empty() => vec![default.to_owned()],
        Some(_) | None => given,
    }
}

/// Removes a group and what is remembered beside it, without a question.
pub(super) fn remove(ec2: &mut Ec2, id: &str) {
    if let Some(group) = ec2.security_groups.remove(id) {
        group.rules.keys().for_each(|rule| ec2.forget(rule));
    }
    ec2.forget(id);
}

fn is_worn(ec2: &Ec2, id: &str) -> bool {
    let wears = |groups: &Vec<String>| groups.iter().any(|worn| worn == id);
    (ec2.interfaces.values()).any(|interface| wears(&interface.group_ids))
}

fn is_referenced(ec2: &Ec2, id: &str) -> bool {
    (ec2.security_groups.iter()).any(|(other, group)| {
        other != id
            && (group.rules.values())
                .any(|rule| matches!(&rule.traffic.peer, Peer::Group(peer) if peer == id))
    })
}

impl std::fmt::Display for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Peer::V4(peer) | Peer::V6(peer) | Peer::Group(peer)) = &self.peer;
        write!(f, "peer: {peer}, {}", self.protocol.to_uppercase())?;
        if let (Some(from), Some(to)) = (self.from_port, self.to_port) {
            write!(f, ", from port: {from}, to port: {to}")?;
        }
        f.write_str(", ALLOW")
    }
}
