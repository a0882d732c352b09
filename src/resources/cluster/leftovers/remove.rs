//! Taking leftovers away, as far as each can go now.

use aws_sdk_ec2::types::{IpPermission, SecurityGroup, UserIdGroupPair};

use super::find::{Leftover, Thing};
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};
use crate::resources::dns::delete_record;
use crate::resources::network::filter;
use crate::resources::network::inventory::security_groups_with;

/// One pass over what is not busy, in the order in which it was found. What something else still holds is passed
/// over: the next pass finds it again.
///
/// # Errors
/// The first fault that does not pass by itself; everything else was tried all the same.
pub async fn all(cloud: &Cloud, found: Vec<Leftover>) -> Result<(), Fault> {
    let mut failed = None;
    for left in found.into_iter().filter(|left| !left.busy) {
        match absent_is_done(one(cloud, left).await) {
            Err(fault) if !is_held(&fault) => failed = failed.or(Some(fault)),
            Ok(()) | Err(_) => {}
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Whether the fault only says that something else has to go first.
fn is_held(fault: &Fault) -> bool {
    let in_use = || fault.code.ends_with("InUse") || fault.message.contains("in use");
    match fault.class {
        Class::Retry => true,
        Class::Stop => in_use(),
        Class::Absent | Class::Exists | Class::Uncertain | Class::Forbidden => false,
    }
}

async fn one(cloud: &Cloud, left: Leftover) -> Result<(), Fault> {
    let (aws, id) = (&cloud.aws, left.id);
    match left.thing {
        Thing::LoadBalancer => {
            let call = aws.load_balancers.delete_load_balancer();
            let answer = call.load_balancer_arn(id).send().await;
            answer
                .map(drop)
                .map_err(fault("elasticloadbalancing", "DeleteLoadBalancer"))
        }
        // Found as busy, so that it is never sent here.
        Thing::ClassicLoadBalancer => Ok(()),
        Thing::TargetGroup => {
            let call = aws.load_balancers.delete_target_group();
            let answer = call.target_group_arn(id).send().await;
            answer
                .map(drop)
                .map_err(fault("elasticloadbalancing", "DeleteTargetGroup"))
        }
        Thing::Interface => {
            let call = aws.ec2.delete_network_interface();
            let answer = call.network_interface_id(id).send().await;
            answer
                .map(drop)
                .map_err(fault("ec2", "DeleteNetworkInterface"))
        }
        Thing::SecurityGroup => {
            unname(cloud, &id).await?;
            let call = aws.ec2.delete_security_group();
            let answer = call.group_id(id).send().await;
            answer
                .map(drop)
                .map_err(fault("ec2", "DeleteSecurityGroup"))
        }
        Thing::Volume => {
            let answer = aws.ec2.delete_volume().volume_id(id).send().await;
            answer.map(drop).map_err(fault("ec2", "DeleteVolume"))
        }
        Thing::LogGroup => {
            let answer = aws.logs.delete_log_group().log_group_name(id).send().await;
            answer.map(drop).map_err(fault("logs", "DeleteLogGroup"))
        }
        Thing::Record(zone, record) => delete_record(cloud, &zone, *record).await,
    }
}

/// Takes the group out of every rule that names it, such as those that let a load balancer in to the nodes: a group
/// that a rule names can't go.
async fn unname(cloud: &Cloud, group: &str) -> Result<(), Fault> {
    let naming =
        security_groups_with(cloud, vec![filter("ip-permission.group-id", [group])]).await?;
    for (id, rules) in others(&naming, group, SecurityGroup::ip_permissions) {
        let call = cloud.aws.ec2.revoke_security_group_ingress().group_id(id);
        let answer = call.set_ip_permissions(Some(rules)).send().await;
        absent_is_done(answer.map_err(fault("ec2", "RevokeSecurityGroupIngress")))?;
    }
    let by = vec![filter("egress.ip-permission.group-id", [group])];
    let naming = security_groups_with(cloud, by).await?;
    for (id, rules) in others(&naming, group, SecurityGroup::ip_permissions_egress) {
        let call = cloud.aws.ec2.revoke_security_group_egress().group_id(id);
        let answer = call.set_ip_permissions(Some(rules)).send().await;
        absent_is_done(answer.map_err(fault("ec2", "RevokeSecurityGroupEgress")))?;
    }
    Ok(())
}

/// Of each other group the rules that name `group`, narrowed down to that.
fn others<'a>(
    naming: &'a [SecurityGroup],
    group: &'a str,
    rules: fn(&SecurityGroup) -> &[IpPermission],
) -> impl Iterator<Item = (&'a str, Vec<IpPermission>)> {
    let narrowed = move |rule: &IpPermission| {
        let named = rule
            .user_id_group_pairs()
            .iter()
            .any(|pair| pair.group_id() == Some(group));
        let rule = IpPermission::builder()
            .set_ip_protocol(rule.ip_protocol().map(str::to_owned))
            .set_from_port(rule.from_port())
            .set_to_port(rule.to_port())
            .user_id_group_pairs(UserIdGroupPair::builder().group_id(group).build());
        named.then(|| rule.build())
    };
    naming
        .iter()
        .filter(move |other| other.group_id() != Some(group))
        .filter_map(move |other| {
            let rules = rules(other).iter().filter_map(narrowed).collect();
            Some((other.group_id()?, rules))
        })
}
