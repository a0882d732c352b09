//! The operations of the service, over what the other files of this folder do.

use super::hosted_zones::canonical_zone;
use super::load_balancers::{self, New};
use super::{Elbv2, Kind, Listener, LoadBalancer, TargetGroup, target_groups};
use crate::sandbox::aws::ec2::{Ec2, Tags};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply};
use crate::sandbox::world::World;

/// AWS's largest page.
const LARGEST_PAGE: usize = 400;
/// The most resources that DescribeTags takes.
const MOST_TAGGED: usize = 20;

/// CreateLoadBalancer; the same again answers the one there is.
pub(super) fn create_load_balancer(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let mut subnet_ids = params.texts("Subnets");
    for mapping in params.list("SubnetMappings") {
        subnet_ids.push(mapping.required("SubnetId")?);
    }
    let kind = match one_of(params, "Type", ["application", "network"])? {
        "application" => Kind::Application,
        _ => Kind::Network,
    };
    let new = New {
        name: name(params)?,
        kind,
        internal: one_of(params, "Scheme", ["internet-facing", "internal"])? == "internal",
        subnet_ids,
        group_ids: params.texts("SecurityGroups"),
        tags: tags(params)?,
    };
    let arn = load_balancers::create(world, &call.region, new)?;
    let services = world.region(&call.region);
    let balancer = balancer(&services.elbv2, &arn)?;
    let reply = balancer_reply(&call.region, &services.ec2, &arn, balancer);
    Ok(members("LoadBalancers", [reply]))
}

/// DescribeLoadBalancers.
pub(super) fn describe_load_balancers(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let services = world.region(&call.region);
    let all = (services.elbv2.of_version_2())
        .map(|(arn, balancer)| {
            let reply = balancer_reply(&call.region, &services.ec2, arn, balancer);
            (arn.as_str(), balancer.name.as_str(), reply)
        })
        .collect();
    listed(
        call,
        "LoadBalancers",
        "LoadBalancerArns",
        "LoadBalancerNotFound",
        all,
    )
}

/// DeleteLoadBalancer.
pub(super) fn delete_load_balancer(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = call.params.required("LoadBalancerArn")?;
    let elbv2 = &world.region(&call.region).elbv2;
    let there = elbv2.load_balancers.get(&arn);
    if there.is_some_and(|balancer| balancer.kind == Kind::Classic) {
        let message = format!("'{arn}' is not a valid load balancer ARN");
        return Err(Fault::new("ValidationError", message));
    }
    load_balancers::delete(world, &call.region, &arn);
    Ok(Reply::empty())
}

/// CreateTargetGroup; the same again answers the one there is.
pub(super) fn create_target_group(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let group = TargetGroup {
        name: name(params)?,
        protocol: params.required("Protocol")?,
        port: port(params)?,
        vpc_id: params.required("VpcId")?,
        target_type: one_of(params, "TargetType", ["instance", "ip"])?.to_owned(),
    };
    let arn = target_groups::create(world, &call.region, group, tags(params)?)?;
    let elbv2 = &world.region(&call.region).elbv2;
    let group = (elbv2.target_groups.get(&arn)).ok_or_else(|| target_groups::not_found(&arn))?;
    Ok(members("TargetGroups", [group_reply(elbv2, &arn, group)]))
}

/// DescribeTargetGroups.
pub(super) fn describe_target_groups(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let elbv2 = &world.region(&call.region).elbv2;
    let of_balancer = call.params.text("LoadBalancerArn");
    if let Some(arn) = &of_balancer {
        balancer(elbv2, arn)?;
    }
    let all = (elbv2.target_groups.iter())
        .filter(|(arn, _)| {
            let wanted = |balancer| users(elbv2, arn).contains(&balancer);
            of_balancer.as_ref().is_none_or(wanted)
        })
        .map(|(arn, group)| {
            (
                arn.as_str(),
                group.name.as_str(),
                group_reply(elbv2, arn, group),
            )
        })
        .collect();
    listed(
        call,
        "TargetGroups",
        "TargetGroupArns",
        "TargetGroupNotFound",
        all,
    )
}

/// DeleteTargetGroup.
pub(super) fn delete_target_group(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = call.params.required("TargetGroupArn")?;
    target_groups::delete(world, &call.region, &arn)?;
    Ok(Reply::empty())
}

/// CreateListener.
pub(super) fn create_listener(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let balancer_arn = call.params.required("LoadBalancerArn")?;
    let actions = call.params.list("DefaultActions");
    let action = actions.first().cloned().unwrap_or_default();
    let listener = Listener {
        port: port(&call.params)?,
        protocol: call.params.required("Protocol")?,
        target_group: action.required("TargetGroupArn")?,
        certificate: (call.params.list("Certificates").first())
            .map(|certificate| certificate.required("CertificateArn"))
            .transpose()?,
    };
    let arn = target_groups::listen(world, &call.region, &balancer_arn, listener.clone())?;
    let reply = listener_reply(&balancer_arn, &arn, &listener);
    Ok(members("Listeners", [reply]))
}

/// DescribeListeners of one load balancer.
pub(super) fn describe_listeners(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = call.params.required("LoadBalancerArn")?;
    let elbv2 = &world.region(&call.region).elbv2;
    let listeners = (balancer(elbv2, &arn)?.listeners.iter())
        .map(|(listener_arn, listener)| listener_reply(&arn, listener_arn, listener));
    Ok(members("Listeners", listeners))
}

/// DescribeTags.
pub(super) fn describe_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let elbv2 = &world.region(&call.region).elbv2;
    let descriptions = (tagged(elbv2, &call.params)?.into_iter())
        .map(|arn| {
            let tags = elbv2.tags.get(&arn).cloned().unwrap_or_default();
            let tag = |(key, value)| Fields::new().with("Key", key).with("Value", value);
            let tags = Reply::List("member", tags.iter().map(tag).map(Reply::from).collect());
            Fields::new().with("ResourceArn", arn).with("Tags", tags)
        })
        .collect::<Vec<_>>();
    Ok(members("TagDescriptions", descriptions))
}

/// AddTags.
pub(super) fn add_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags(&call.params)?;
    let elbv2 = &mut world.region(&call.region).elbv2;
    for arn in tagged(elbv2, &call.params)? {
        elbv2.add_tags(&arn, tags.clone());
    }
    Ok(Reply::empty())
}

/// RemoveTags.
pub(super) fn remove_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let keys = call.params.texts("TagKeys");
    let elbv2 = &mut world.region(&call.region).elbv2;
    for arn in tagged(elbv2, &call.params)? {
        if let Some(tags) = elbv2.tags.get_mut(&arn) {
            tags.retain(|key, _| !keys.contains(key));
        }
    }
    elbv2.tags.retain(|_, tags| !tags.is_empty());
    Ok(Reply::empty())
}

/// The ARNs that a request names, each of which must exist.
fn tagged(elbv2: &Elbv2, params: &Params) -> Result<Vec<String>, Fault> {
    let arns = params.texts("ResourceArns");
    if arns.is_empty() || arns.len() > MOST_TAGGED {
        return Err(Fault::new(
            "ValidationError",
            format!(
                "Between 1 and {MOST_TAGGED} resources can be named, not {}",
                arns.len()
            ),
        ));
    }
    for arn in &arns {
        if arn.contains(":targetgroup/") {
            if !elbv2.target_groups.contains_key(arn) {
                return Err(target_groups::not_found(arn));
            }
        } else if arn.contains(":listener/") {
            let mut listeners =
                (elbv2.load_balancers.values()).flat_map(|balancer| balancer.listeners.keys());
            if !listeners.any(|listener| listener == arn) {
                return Err(Fault::new(
                    "ListenerNotFound",
                    format!("Listener '{arn}' not found"),
                ));
            }
        } else {
            balancer(elbv2, arn)?;
        }
    }
    Ok(arns)
}

fn balancer<'a>(elbv2: &'a Elbv2, arn: &str) -> Result<&'a LoadBalancer, Fault> {
    (elbv2.of_version_2())
        .find(|(known, _)| *known == arn)
        .map(|(_, balancer)| balancer)
        .ok_or_else(|| load_balancers::not_found(arn))
}

fn tags(params: &Params) -> Result<Tags, Fault> {
    let tag = |tag: &Params| {
        let value = tag.text("Value").unwrap_or_default();
        Ok((tag.required("Key")?, value))
    };
    params.list("Tags").iter().map(tag).collect()
}

/// A name of at most 32 letters, digits and hyphens.
fn name(params: &Params) -> Result<String, Fault> {
    let name = params.required("Name")?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.len() > 32
        || !name.chars().all(is_allowed)
        || name.starts_with('-')
        || name.ends_with('-')
    {
        return Err(Fault::new(
            "ValidationError",
            format!("The name '{name:.60}' must have at most 32 letters, digits and inner hyphens"),
        ));
    }
    Ok(name)
}

fn port(params: &Params) -> Result<i64, Fault> {
    params.required("Port")?;
    (params.int("Port")?)
        .filter(|port| (1..=65535).contains(port))
        .ok_or_else(|| Fault::new("ValidationError", "The port must be between 1 and 65535"))
}

/// One of the texts that a member may have; the first where it was left out.
fn one_of<'a, const N: usize>(
    params: &Params,
    member: &str,
    known: [&'a str; N],
) -> Result<&'a str, Fault> {
    let asked = params.text(member).unwrap_or_else(|| known[0].to_owned());
    (known.into_iter())
        .find(|known| *known == asked)
        .ok_or_else(|| {
            Fault::new(
                "ValidationError",
                format!("'{asked}' is not a value of {member} that the sandbox knows"),
            )
        })
}

fn members(name: &'static str, elements: impl IntoIterator<Item = impl Into<Reply>>) -> Reply {
    Fields::new().list(name, "member", elements).into()
}

/// One page of those elements that the request names by ARN or name, or of all; each with its ARN and name.
fn listed(
    call: &Call,
    set: &'static str,
    arns: &str,
    not_found: &str,
    all: Vec<(&str, &str, Fields)>,
) -> Result<Reply, Fault> {
    let (arns, names) = (call.params.texts(arns), call.params.texts("Names"));
    let missing = |asked: &String| {
        !(all.iter()).any(|(arn, name, _)| asked.as_str() == *arn || asked.as_str() == *name)
    };
    if let Some(absent) = arns.iter().chain(&names).find(|asked| missing(asked)) {
        return Err(Fault::new(
            not_found,
            format!("One or more of {set} not found: {absent}"),
        ));
    }
    let page = match call.params.int("PageSize")? {
        None => LARGEST_PAGE,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=LARGEST_PAGE).contains(size))
            .ok_or_else(|| Fault::new("ValidationError", format!("Invalid page size {size}")))?,
    };
    let after = call.params.text("Marker").unwrap_or_default();
    let is_asked = |text: &str| arns.iter().chain(&names).any(|asked| asked == text);
    let mut found = (all.into_iter())
        .filter(|(arn, name, _)| {
            (arns.is_empty() && names.is_empty()) || is_asked(arn) || is_asked(name)
        })
        .skip_while(|(arn, _, _)| *arn <= after.as_str());
    let mut last = None;
    let mut elements = Vec::new();
    for (arn, _, fields) in found.by_ref().take(page) {
        last = Some(arn);
        elements.push(fields);
    }
    let marker = found.next().and(last);
    Ok(Fields::new()
        .list(set, "member", elements)
        .maybe("NextMarker", marker)
        .into())
}

fn balancer_reply(region: &str, ec2: &Ec2, arn: &str, balancer: &LoadBalancer) -> Fields {
    let zone = |id: &String| {
        let zone = ec2.subnets.get(id).map(|subnet| &subnet.zone);
        Fields::new().maybe("ZoneName", zone).with("SubnetId", id)
    };
    let state = if balancer.active {
        "active"
    } else {
        "provisioning"
    };
    Fields::new()
        .with("LoadBalancerArn", arn)
        .with("LoadBalancerName", &balancer.name)
        .with("DNSName", &balancer.dns_name)
        .maybe(
            "CanonicalHostedZoneId",
            canonical_zone(balancer.kind, region),
        )
        .with("CreatedTime", balancer.created)
        .with(
            "Scheme",
            if balancer.internal {
                "internal"
            } else {
                "internet-facing"
            },
        )
        .with("VpcId", &balancer.vpc_id)
        .with("State", Fields::new().with("Code", state))
        .with("Type", balancer.kind.as_str())
        .list(
            "AvailabilityZones",
            "member",
            balancer.subnet_ids.iter().map(zone),
        )
        .with(
            "SecurityGroups",
            Reply::texts("member", &balancer.group_ids),
        )
        .with("IpAddressType", "ipv4")
}

/// ARNs of the load balancers that forward to a target group.
fn users<'a>(elbv2: &'a Elbv2, arn: &str) -> Vec<&'a String> {
    (elbv2.load_balancers.iter())
        .filter(|(_, balancer)| {
            (balancer.listeners.values()).any(|listener| listener.target_group == arn)
        })
        .map(|(arn, _)| arn)
        .collect()
}

fn group_reply(elbv2: &Elbv2, arn: &str, group: &TargetGroup) -> Fields {
    Fields::new()
        .with("TargetGroupArn", arn)
        .with("TargetGroupName", &group.name)
        .with("Protocol", &group.protocol)
        .with("Port", group.port)
        .with("VpcId", &group.vpc_id)
        .with(
            "LoadBalancerArns",
            Reply::texts("member", users(elbv2, arn)),
        )
        .with("TargetType", &group.target_type)
        .with("IpAddressType", "ipv4")
}

fn listener_reply(balancer_arn: &str, arn: &str, listener: &Listener) -> Fields {
    let action = Fields::new()
        .with("Type", "forward")
        .with("TargetGroupArn", &listener.target_group);
    Fields::new()
        .with("ListenerArn", arn)
        .with("LoadBalancerArn", balancer_arn)
        .with("Port", listener.port)
        .with("Protocol", &listener.protocol)
        .list("DefaultActions", "member", [action])
        .list(
            "Certificates",
            "member",
            (listener.certificate.iter()).map(|arn| Fields::new().with("CertificateArn", arn)),
        )
}
