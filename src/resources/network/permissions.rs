//! Rules of security groups: EC2 nests them, here each stands by itself.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use serde::{Deserialize, Serialize};

use crate::address::Address;

/// How the description of a rule begins that is a resource of its own.
const MARK: &str = "groundwork: ";

/// One rule for one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rule {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
    pub protocol: String,
    /// The first port; none where the protocol has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i32>,
    /// The last port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i32>,
    /// A block of addresses, or the id of a prefix list or of a security group.
    pub peer: String,
    /// What the rule is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl Rule {
    /// Everything to or from `peer`.
    pub(super) fn all(peer: &str) -> Self {
        Self {
            protocol: "-1".to_owned(),
            from: None,
            to: None,
            peer: peer.to_owned(),
            description: None,
        }
    }

    /// One TCP port.
    pub(super) fn tcp(port: u16, peer: &str) -> Self {
        Self {
            protocol: "tcp".to_owned(),
            from: Some(port.into()),
            to: Some(port.into()),
            peer: peer.to_owned(),
            description: None,
        }
    }

    /// Where the rule stands, if it is a resource of its own.
    pub(super) fn resource(&self) -> Option<Address> {
        let description = self.description.as_deref()?;
        description.strip_prefix(MARK)?.parse().ok()
    }

    /// The rule as EC2's calls take it.
    pub(super) fn permission(&self) -> IpPermission {
        let builder = IpPermission::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.from)
            .set_to_port(self.to);
        let (peer, description) = (self.peer.as_str(), self.description.clone());
        let builder = if peer.starts_with("sg-") {
            let pair = UserIdGroupPair::builder().group_id(peer);
            builder.user_id_group_pairs(pair.set_description(description).build())
        } else if peer.starts_with("pl-") {
            let list = PrefixListId::builder().prefix_list_id(peer);
            builder.prefix_list_ids(list.set_description(description).build())
        } else if peer.contains(':') {
            let range = Ipv6Range::builder().cidr_ipv6(peer);
            builder.ipv6_ranges(range.set_description(description).build())
        } else {
            let range = IpRange::builder().cidr_ip(peer);
            builder.ip_ranges(range.set_description(description).build())
        };
        builder.build()
    }
}

/// The description of the rule that stands at `address`.
pub(super) fn description(address: &Address) -> String {
    format!("{MARK}{address}")
}

/// All rules that EC2 reports, sorted.
pub(super) fn rules(permissions: &[IpPermission]) -> Vec<Rule> {
    let mut rules: Vec<Rule> = permissions.iter().flat_map(of).collect();
    rules.sort();
    rules
}

fn of(permission: &IpPermission) -> Vec<Rule> {
    let protocol = permission.ip_protocol().unwrap_or("-1");
    let ports = protocol != "-1";
    let rule = |peer: Option<&str>, description: Option<&str>| {
        let peer = peer?.to_owned();
        let description = description.filter(|text| !text.is_empty());
        Some(Rule {
            protocol: protocol.to_owned(),
            from: permission.from_port().filter(|_| ports),
            to: permission.to_port().filter(|_| ports),
            peer,
            description: description.map(str::to_owned),
        })
    };
    let blocks = permission.ip_ranges().iter();
    let blocks = blocks.map(|range| rule(range.cidr_ip(), range.description()));
    let blocks6 = permission.ipv6_ranges().iter();
    let blocks6 = blocks6.map(|range| rule(range.cidr_ipv6(), range.description()));
    let lists = permission.prefix_list_ids().iter();
    let lists = lists.map(|list| rule(list.prefix_list_id(), list.description()));
    let groups = permission.user_id_group_pairs().iter();
    let groups = groups.map(|pair| rule(pair.group_id(), pair.description()));
    blocks
        .chain(blocks6)
        .chain(lists)
        .chain(groups)
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_survives_the_way_to_ec2_and_back() {
        let address = Address::of(&["database", "flights", "access"]);
        let mut resource = Rule::tcp(3306, "sg-1");
        resource.description = Some(description(&address));
        let ours = vec![
            Rule::all("0.0.0.0/0"),
            Rule::tcp(5432, "10.0.0.0/16"),
            Rule::tcp(443, "::/0"),
            Rule::tcp(443, "pl-1"),
            resource.clone(),
        ];
        for rule in &ours {
            assert_eq!(rules(&[rule.permission()]), std::slice::from_ref(rule));
        }
        assert_eq!(resource.resource(), Some(address));
        assert_eq!(ours[0].resource(), None);
    }

    #[test]
    fn one_permission_with_many_peers_is_many_rules() {
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(22)
            .to_port(22)
            .ip_ranges(IpRange::builder().cidr_ip("10.1.0.0/16").build())
            .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/16").build())
            .build();
        assert_eq!(
            rules(&[permission]),
            [Rule::tcp(22, "10.0.0.0/16"), Rule::tcp(22, "10.1.0.0/16")]
        );
    }
}
