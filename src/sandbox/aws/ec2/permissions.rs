//! Reading the rules that requests ask for, in the two shapes in which they come.

use ipnet::Ipv6Net;

use super::kind::Kind;
use super::state::{Ec2, Peer, Traffic};
use super::{cidr, security_groups};
use crate::sandbox::aws::{Fault, Params};

/// A rule that is asked for, with its description.
pub(super) type Wanted = (Traffic, Option<String>);

/// What all `IpPermissions` of a request ask for, or its own members in the short form of one rule.
pub(super) fn read(
    ec2: &Ec2,
    vpc_id: &str,
    params: &Params,
    egress: bool,
) -> Result<Vec<Wanted>, Fault> {
    let mut permissions = params.list("IpPermissions");
    if permissions.is_empty() && params.has("IpProtocol") {
        permissions.push(short_form(params));
    }
    if permissions.is_empty() {
        return Err(Fault::new(
            "MissingParameter",
            "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
        ));
    }
    let mut wanted = Vec::new();
    for permission in &permissions {
        let peers = peers(ec2, vpc_id, permission)?;
        for (peer, description) in peers {
            wanted.push((traffic(permission, egress, peer)?, description));
        }
    }
    Ok(wanted)
}

/// `CidrIp` at the top reads as the one range of the one permission.
fn short_form(params: &Params) -> Params {
    let mut permission = params.0.clone();
    if let (Some(block), Some(fields)) = (params.text("CidrIp"), permission.as_object_mut()) {
        fields.insert(
            "IpRanges".to_owned(),
            serde_json::json!([{ "CidrIp": block }]),
        );
    }
    Params(permission)
}

/// The rule inside one `SecurityGroupRule` of ModifySecurityGroupRules.
pub(super) fn read_one(
    ec2: &Ec2,
    vpc_id: &str,
    rule: &Params,
    egress: bool,
) -> Result<Wanted, Fault> {
    let peer = match (
        rule.text("CidrIpv4"),
        rule.text("CidrIpv6"),
        rule.text("ReferencedGroupId"),
    ) {
        (Some(block), None, None) => v4(&block)?,
        (None, Some(block), None) => v6(&block)?,
        (None, None, Some(id)) => group(ec2, vpc_id, &id)?,
        (_, _, _) => {
            return Err(Fault::new(
                "InvalidParameterCombination",
                "A rule must have exactly one of CidrIpv4, CidrIpv6, ReferencedGroupId",
            ));
        }
    };
    Ok((traffic(rule, egress, peer)?, described(rule)?))
}

fn peers(
    ec2: &Ec2,
    vpc_id: &str,
    permission: &Params,
) -> Result<Vec<(Peer, Option<String>)>, Fault> {
    let mut peers = Vec::new();
    for range in permission.list("IpRanges") {
        peers.push((v4(&range.required("CidrIp")?)?, described(&range)?));
    }
    for range in permission.list("Ipv6Ranges") {
        peers.push((v6(&range.required("CidrIpv6")?)?, described(&range)?));
    }
    for pair in permission.list("Groups") {
        let id = pair.required("GroupId")?;
        peers.push((group(ec2, vpc_id, &id)?, described(&pair)?));
    }
    if let Some(list) = permission.list("PrefixListIds").first() {
        let id = list.required("PrefixListId")?;
        return Err(Fault::new(
            "InvalidPrefixListID.NotFound",
            format!("The prefix list ID '{id}' does not exist"),
        ));
    }
    if peers.is_empty() {
        return Err(Fault::new(
            "MissingParameter",
            "The request must contain a source or destination for each permission",
        ));
    }
    Ok(peers)
}

fn v4(block: &str) -> Result<Peer, Fault> {
    cidr::read(block, "cidrIp")
        .map(|block| Peer::V4(block.to_string()))
        .map_err(|_| invalid(format!("CIDR block {block} is malformed")))
}

fn v6(block: &str) -> Result<Peer, Fault> {
    (block.parse::<Ipv6Net>())
        .map(|block| Peer::V6(block.trunc().to_string()))
        .map_err(|_| invalid(format!("CIDR block {block} is malformed")))
}

fn group(ec2: &Ec2, vpc_id: &str, id: &str) -> Result<Peer, Fault> {
    if ec2.security_group(id)?.vpc_id != vpc_id {
        return Err(Kind::SecurityGroup.not_found(id));
    }
    Ok(Peer::Group(id.to_owned()))
}

fn described(params: &Params) -> Result<Option<String>, Fault> {
    let Some(text) = params.text("Description").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if !security_groups::is_plain_text(&text) {
        return Err(invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters \
             from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
                .to_owned(),
        ));
    }
    Ok(Some(text))
}

fn traffic(params: &Params, egress: bool, peer: Peer) -> Result<Traffic, Fault> {
    let protocol = protocol(&params.required("IpProtocol")?)?;
    let (from, to) = (params.int("FromPort")?, params.int("ToPort")?);
    let (from_port, to_port) = match protocol.as_str() {
        "tcp" | "udp" => match (from, to) {
            (Some(from), Some(to)) if 0 <= from && from <= to && to <= 65535 => {
                (Some(from), Some(to))
            }
            (Some(from), Some(to)) => {
                return Err(invalid(format!("Invalid TCP/UDP port range ({from}:{to})")));
            }
            (None, _) | (_, None) => {
                return Err(invalid(
                    "Must specify both from and to ports with TCP/UDP.".to_owned(),
                ));
            }
        },
        "icmp" | "icmpv6" => (Some(from.unwrap_or(-1)), Some(to.unwrap_or(-1))),
        _ => (None, None),
    };
    Ok(Traffic {
        egress,
        protocol,
        from_port,
        to_port,
        peer,
    })
}

/// AWS knows four protocols by name, the others by number.
fn protocol(text: &str) -> Result<String, Fault> {
    let name = match text.to_ascii_lowercase().as_str() {
        "-1" | "all" => "-1",
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        _ if text.parse::<u8>().is_ok() => text,
        _ => {
            return Err(invalid(format!(
                "Invalid value '{text}' for IP protocol. Unknown protocol."
            )));
        }
    };
    Ok(name.to_owned())
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterValue", message)
}
