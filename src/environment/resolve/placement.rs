//! Where a database or a cache stands in the network, and who may connect to it.

use std::collections::BTreeSet;

use ipnet::Ipv4Net;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::{Cidr, GroupName, SubnetGroupName};
use crate::environment::model::{Network, SecurityGroup};
use crate::environment::source::Path;

/// What databases and caches differ in.
pub(super) struct Kind {
    /// In how many zones AWS wants private subnets for it.
    pub zones: usize,
    /// Who wants them.
    pub service: &'static str,
    /// What its subnet group is called in diagnostics.
    pub subnet_group: &'static str,
    /// What the name of its security group ends with.
    pub suffix: &'static str,
    /// The description of its security group.
    pub description: &'static str,
}

/// What the file says.
pub(super) struct Asked<'a> {
    /// Where it says so; the last step is the key of the database or cache.
    pub at: &'a Path,
    pub subnet_group: Option<&'a SubnetGroupName>,
    pub security_group: Option<&'a GroupName>,
    pub allow: &'a [Cidr],
}

/// Where something stands.
pub(super) struct Placement {
    pub subnet_group: String,
    pub subnets: Vec<String>,
    pub security_group: SecurityGroup,
    pub allow: BTreeSet<Ipv4Net>,
}

impl Resolver<'_> {
    pub(super) fn placement(
        &mut self,
        kind: &Kind,
        asked: &Asked<'_>,
        network: Option<&Network>,
    ) -> Placement {
        let at = asked.at;
        self.needs_network(at, &format!("a {}", kind.service));
        if let Some(network) = network {
            self.check_zones(kind, at, network);
        }
        let derived = format!("{}-{}", &*self.file.environment.name, at.last());
        let subnet_group = self.name::<SubnetGroupName>(
            kind.subnet_group,
            at,
            "subnet_group",
            asked.subnet_group,
            format!("{derived}-subnet-group"),
        );
        let security_group = SecurityGroup {
            name: self.security_group_name(
                at,
                asked.security_group,
                format!("{derived}{}", kind.suffix),
            ),
            description: kind.description.to_owned(),
        };
        let allow_at = at.to("allow");
        let allow = asked.allow.iter().enumerate();
        Placement {
            subnet_group,
            subnets: network
                .into_iter()
                .flat_map(Network::private_subnets)
                .map(str::to_owned)
                .collect(),
            security_group,
            allow: allow
                .filter_map(|(index, block)| self.block(block, &allow_at.to(index)))
                .collect(),
        }
    }

    fn check_zones(&mut self, kind: &Kind, at: &Path, network: &Network) {
        let private = network.subnets.values().filter(|subnet| !subnet.public);
        let zones: BTreeSet<&str> = private.map(|subnet| subnet.zone.as_str()).collect();
        if zones.len() < kind.zones {
            let message = format!(
                "a {} needs private subnets in {} or more zones",
                kind.service, kind.zones
            );
            let fault = Fault::key(at, message);
            let fault = fault.also(
                &Path::of(["network", "zones"]),
                format!("there is {}", zones.len()),
            );
            self.faults.add(
                fault.remedy(
                    "set `zones = 2` in `[network]`, or add subnets without `public = true`",
                ),
            );
        }
    }

    /// The name of a security group, which AWS takes only from a part of its namespace.
    pub(super) fn security_group_name(
        &mut self,
        at: &Path,
        given: Option<&GroupName>,
        derived: String,
    ) -> String {
        let name = self.name::<GroupName>("security group", at, "security_group", given, derived);
        if name.starts_with("sg-") || name == "default" {
            let fault = Fault::value(
                &at.to("security_group"),
                format!("`{name}` is a name that AWS keeps for itself"),
            );
            let fault = fault.label("neither `default` nor anything that begins with `sg-`");
            self.faults
                .add(fault.remedy("choose another with `security_group = \"…\"`"));
        }
        name
    }
}
