//! The operations on the rules of security groups.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Peer, Rule, SecurityGroup};
use super::{done, permissions, security_groups, tags};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// A group takes no more rules than these in each direction.
const MOST_RULES: usize = 60;

/// AuthorizeSecurityGroupIngress and -Egress: all rules or none.
pub(super) fn authorize(world: &mut World, call: &Call, egress: bool) -> Result<Reply, Fault> {
    let group_id = call.params.required("GroupId")?;
    let tags = tags::specified(&call.params, Kind::SecurityGroupRule)?;
    let ec2 = &world.region(&call.region).ec2;
    let group = ec2.security_group(&group_id)?;
    let wanted = permissions::read(ec2, &group.vpc_id, &call.params, egress)?;
    let mut present: Vec<_> = group.rules.values().map(|rule| &rule.traffic).collect();
    for (traffic, _) in &wanted {
        if present.contains(&traffic) {
            return Err(security_groups::duplicate(traffic));
        }
        present.push(traffic);
    }
    if present
        .iter()
        .filter(|traffic| traffic.egress == egress)
        .count()
        > MOST_RULES
    {
        return Err(Fault::new(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    let mut ids = Vec::new();
    for (traffic, description) in wanted {
        let id = security_groups::add_rule(world, &call.region, &group_id, traffic, description)?;
        world.region(&call.region).ec2.add_tags(&id, tags.clone());
        ids.push(id);
    }
    let view = View::of(world, &call.region);
    let group = view.ec2.security_group(&group_id)?;
    let rules =
        (ids.iter()).filter_map(|id| Some(reply(&view, &group_id, id, group.rules.get(id)?)));
    Ok(Fields::new()
        .with("return", true)
        .list("securityGroupRuleSet", "item", rules)
        .into())
}

/// RevokeSecurityGroupIngress and -Egress, by rule ids or by what the rules let pass.
pub(super) fn revoke(world: &mut World, call: &Call, egress: bool) -> Result<Reply, Fault> {
    let group_id = call.params.required("GroupId")?;
    let ec2 = &world.region(&call.region).ec2;
    let group = ec2.security_group(&group_id)?;
    let mut goes = Vec::new();
    let asked = call.params.texts("SecurityGroupRuleId");
    for id in &asked {
        match group.rules.get(id) {
            Some(rule) if rule.traffic.egress == egress => goes.push(id.clone()),
            Some(_) | None => return Err(Kind::SecurityGroupRule.not_found(id)),
        }
    }
    if asked.is_empty() {
        for (traffic, _) in permissions::read(ec2, &group.vpc_id, &call.params, egress)? {
            let found = group.rules.iter().find(|(_, rule)| rule.traffic == traffic);
            let (id, _) = found.ok_or_else(|| {
                Fault::new(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            })?;
            goes.push(id.clone());
        }
    }
    let ec2 = &mut world.region(&call.region).ec2;
    let mut revoked = Vec::new();
    for id in goes {
        let group = ec2.security_group_mut(&group_id)?;
        if let Some(rule) = group.rules.remove(&id) {
            let members = members(&group_id, &id, &rule);
            revoked.push(members.maybe("referencedGroupId", referenced(&rule)));
        }
        ec2.forget(&id);
    }
    Ok(Fields::new()
        .with("return", true)
        .list("revokedSecurityGroupRuleSet", "item", revoked)
        .into())
}

/// ModifySecurityGroupRules: what a rule lets pass, not its direction.
pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let group_id = call.params.required("GroupId")?;
    let ec2 = &mut world.region(&call.region).ec2;
    let mut group = ec2.security_group(&group_id)?.clone();
    for update in call.params.list("SecurityGroupRule") {
        let id = update.required("SecurityGroupRuleId")?;
        let egress = (group.rules.get(&id))
            .ok_or_else(|| Kind::SecurityGroupRule.not_found(&id))?
            .traffic
            .egress;
        let wanted = update.nested("SecurityGroupRule");
        let (traffic, description) = permissions::read_one(ec2, &group.vpc_id, &wanted, egress)?;
        if (group.rules.iter()).any(|(other, rule)| *other != id && rule.traffic == traffic) {
            return Err(security_groups::duplicate(&traffic));
        }
        let rule = Rule {
            traffic,
            description,
        };
        group.rules.insert(id, rule);
    }
    ec2.security_groups.insert(group_id, group);
    Ok(done())
}

/// DescribeSecurityGroupRules.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "securityGroupRuleSet",
        ids: "SecurityGroupRuleId",
        kind: Some(Kind::SecurityGroupRule),
        id_member: "securityGroupRuleId",
        filters: &[
            ("group-id", "groupId"),
            ("security-group-rule-id", "securityGroupRuleId"),
        ],
    };
    let view = View::of(world, &call.region);
    let all = (view.ec2.security_groups.iter())
        .flat_map(|(group, of)| of.rules.iter().map(move |(id, rule)| (group, id, rule)))
        .map(|(group, id, rule)| (id.clone(), reply(&view, group, id, rule)))
        .collect();
    describe::answer(call, &listing, all)
}

/// The members that a rule has in every answer.
fn members(group_id: &str, id: &str, rule: &Rule) -> Fields {
    let traffic = &rule.traffic;
    let fields = Fields::new()
        .with("securityGroupRuleId", id)
        .with("groupId", group_id)
        .with("isEgress", traffic.egress)
        .with("ipProtocol", &traffic.protocol)
        .with("fromPort", traffic.from_port.unwrap_or(-1))
        .with("toPort", traffic.to_port.unwrap_or(-1))
        .maybe("description", rule.description.as_ref());
    match &traffic.peer {
        Peer::V4(block) => fields.with("cidrIpv4", block),
        Peer::V6(block) => fields.with("cidrIpv6", block),
        Peer::Group(_) => fields,
    }
}

/// The group that a rule admits. A revoked rule names it otherwise than one that holds.
fn referenced(rule: &Rule) -> Option<&String> {
    match &rule.traffic.peer {
        Peer::Group(id) => Some(id),
        Peer::V4(_) | Peer::V6(_) => None,
    }
}

fn reply(view: &View<'_>, group_id: &str, id: &str, rule: &Rule) -> Reply {
    let told = |id| {
        Fields::new()
            .with("groupId", id)
            .with("userId", view.account)
    };
    members(group_id, id, rule)
        .with("groupOwnerId", view.account)
        .with(
            "securityGroupRuleArn",
            view.arn(Kind::SecurityGroupRule, id),
        )
        .maybe("referencedGroupInfo", referenced(rule).map(told))
        .with("tagSet", view.tag_set(id))
        .into()
}

/// A group's rules of one direction as `IpPermissions`: one entry for each protocol and port range.
pub(super) fn permissions(view: &View<'_>, group: &SecurityGroup, egress: bool) -> Vec<Fields> {
    let mut ranges: Vec<(&str, Option<i64>, Option<i64>)> = Vec::new();
    let rules: Vec<&Rule> = (group.rules.values())
        .filter(|rule| rule.traffic.egress == egress)
        .collect();
    let range = |rule: &'_ Rule| (rule.traffic.from_port, rule.traffic.to_port);
    for rule in &rules {
        let (from, to) = range(rule);
        ranges.push((rule.traffic.protocol.as_str(), from, to));
    }
    ranges.sort_unstable();
    ranges.dedup();
    let permission = |(protocol, from, to)| {
        let (mut groups, mut v4, mut v6) = (Vec::new(), Vec::new(), Vec::new());
        for rule in &rules {
            if rule.traffic.protocol != protocol || range(rule) != (from, to) {
                continue;
            }
            let fields = Fields::new().maybe("description", rule.description.as_ref());
            match &rule.traffic.peer {
                Peer::V4(block) => v4.push(fields.with("cidrIp", block)),
                Peer::V6(block) => v6.push(fields.with("cidrIpv6", block)),
                Peer::Group(id) => {
                    groups.push(fields.with("groupId", id).with("userId", view.account));
                }
            }
        }
        Fields::new()
            .with("ipProtocol", protocol)
            .maybe("fromPort", from)
            .maybe("toPort", to)
            .list("groups", "item", groups)
            .list("ipRanges", "item", v4)
            .list("ipv6Ranges", "item", v6)
            .with("prefixListIds", Reply::List("item", Vec::new()))
    };
    ranges.into_iter().map(permission).collect()
}
