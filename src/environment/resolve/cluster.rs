//! The cluster and its node groups.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::{ClusterName, NodeGroupName, RoleName, matches};
use crate::environment::model::{Cluster, Network, NodeGroup, SecurityGroup, Subnet, Taint};
use crate::environment::raw::{self, Endpoint, Nat};
use crate::environment::source::Path;

/// The smallest subnet that a cluster works in: of a /28 AWS leaves 11 addresses, EKS wants 6, and every pod takes one.
const SMALLEST_CLUSTER_SUBNET: u8 = 27;

impl Resolver<'_> {
    /// What EKS calls the cluster, if there is one.
    pub(super) fn cluster_name(&self) -> Option<&str> {
        let raw = self.file.cluster.as_ref()?;
        Some(raw.name.as_deref().unwrap_or(&self.file.environment.name))
    }

    pub(super) fn cluster(&mut self, network: Option<&Network>) -> Option<Cluster> {
        let raw = self.file.cluster.as_ref().filter(|raw| !raw.existing)?;
        let at = Path::of(["cluster"]);
        self.needs_network(&at, "a cluster");
        if let Some(network) = network {
            self.check_cluster_network(network);
        }
        let name = self.cluster_name()?.to_owned();
        let name = self.name::<ClusterName>("EKS cluster", &at, "name", raw.name.as_ref(), name);
        let control = format!("{name}-control");
        let worker = format!("{name}-worker");
        let private: Vec<String> = network
            .into_iter()
            .flat_map(Network::private_subnets)
            .map(str::to_owned)
            .collect();
        let group = self.security_group_name(&at, raw.security_group.as_ref(), name.clone());
        let (addons, identities) = self.cluster_addons(raw, &at, &name);
        Some(Cluster {
            version: raw.version.as_deref().map(str::to_owned),
            public_endpoint: raw.endpoint != Endpoint::Private,
            private_endpoint: raw.endpoint != Endpoint::Public,
            public_access_cidrs: self.public_access(raw, &at),
            logging: raw.logging.iter().copied().collect(),
            control_role: self.name::<RoleName>(
                "IAM role",
                &at,
                "control_role",
                raw.control_role.as_ref(),
                control,
            ),
            control_policies: raw.control_policies.iter().copied().collect(),
            worker_role: self.name::<RoleName>(
                "IAM role",
                &at,
                "worker_role",
                raw.worker_role.as_ref(),
                worker,
            ),
            security_group: SecurityGroup {
                name: group,
                description: "Control plane to workers".to_owned(),
            },
            subnets: network
                .into_iter()
                .flat_map(|network| network.subnets.keys().cloned())
                .collect(),
            node_groups: self.node_groups(raw, &private),
            access: self.cluster_access(raw, &at),
            log_retention_days: self.log_retention(raw, &at),
            auto_mode: self.auto_mode(raw, &at, &name),
            oidc_provider: raw.oidc_provider,
            identities,
            addons,
            name,
        })
    }

    /// Tells that something stands in the network and there is none.
    pub(super) fn needs_network(&mut self, at: &Path, what: &str) {
        if self.file.network.is_none() && !self.faults.is_unusable(&Path::of(["network"])) {
            let fault = Fault::key(at, format!("{what} needs a network"));
            self.faults.add(
                fault.remedy("add a `[network]` with a `cidr`, such as `cidr = \"10.0.0.0/16\"`"),
            );
        }
    }

    fn check_cluster_network(&mut self, network: &Network) {
        let at = Path::of(["cluster"]);
        let subnets_at = Path::of(["network", "subnets"]);
        let zones: BTreeSet<&str> = network
            .subnets
            .values()
            .map(|subnet| subnet.zone.as_str())
            .collect();
        if zones.len() < 2 {
            let fault = Fault::key(&at, "EKS needs subnets in at least two zones");
            let related = Path::of([
                "network",
                if self
                    .file
                    .network
                    .as_ref()
                    .is_some_and(|raw| raw.zones.is_some())
                {
                    "zones"
                } else {
                    "subnets"
                },
            ]);
            self.faults.add(
                fault
                    .also(&related, "there is one")
                    .remedy("set `zones = 2` in `[network]`, or add subnets in another zone"),
            );
        }
        if network.private_subnets().next().is_none() {
            let fault = Fault::key(&at, "the cluster's nodes need private subnets")
                .also(&subnets_at, "all of these are public");
            self.faults
                .add(fault.remedy("add a subnet without `public = true`"));
        } else if self
            .file
            .network
            .as_ref()
            .is_some_and(|raw| raw.nat == Nat::None)
        {
            let fault = Fault::key(
                &at,
                "the cluster's nodes need a way to the internet, or they never join",
            )
            .also(&Path::of(["network", "nat"]), "there is none");
            self.faults.add(
                fault.remedy("choose `nat = \"single\"` or `nat = \"per-zone\"` in `[network]`"),
            );
        }
        let small = |subnet: &&Subnet| subnet.cidr.prefix_len() > SMALLEST_CLUSTER_SUBNET;
        if self
            .file
            .network
            .as_ref()
            .is_some_and(|raw| raw.subnets.is_empty())
        {
            if let Some(subnet) = network.subnets.values().find(small) {
                let message = format!(
                    "the subnets carved from {}, such as {}, are too small for EKS",
                    network.cidr, subnet.cidr
                );
                let fault = Fault::value(&Path::of(["network", "cidr"]), message);
                self.faults.add(
                    fault
                        .label("EKS wants addresses for itself, for nodes and for every pod")
                        .remedy("take a larger block, such as a /16"),
                );
            }
            return;
        }
        for (key, subnet) in network.subnets.iter().filter(|(_, subnet)| small(subnet)) {
            let fault = Fault::value(
                &subnets_at.to(key).to("cidr"),
                format!("{} is too small for EKS", subnet.cidr),
            );
            self.faults.add(
                fault
                    .label("EKS wants addresses for itself, for nodes and for every pod")
                    .remedy("take at least a /27; a /20 and larger is comfortable"),
            );
        }
    }

    fn public_access(&mut self, raw: &raw::Cluster, at: &Path) -> Vec<Ipv4Net> {
        let at = at.to("public_access");
        match &raw.public_access {
            Some(_) if raw.endpoint == Endpoint::Private => {
                let fault = Fault::key(&at, "nobody on the internet can reach a private endpoint");
                let fault = fault.also(&Path::of(["cluster", "endpoint"]), "private");
                self.faults
                    .add(fault.remedy("take `public_access` out, or choose another `endpoint`"));
                Vec::new()
            }
            Some(blocks) => {
                let block = |(index, block)| self.block(block, &at.to(index));
                blocks.iter().enumerate().filter_map(block).collect()
            }
            None if raw.endpoint == Endpoint::Private => Vec::new(),
            None => vec![Ipv4Net::default()],
        }
    }

    fn node_groups(
        &mut self,
        raw: &raw::Cluster,
        subnets: &[String],
    ) -> BTreeMap<String, NodeGroup> {
        let mut groups = BTreeMap::new();
        for (key, raw) in raw.node_groups.iter() {
            let at = Path::of(["cluster", "node_groups"]).to(&**key);
            let (min, desired, max) = self.sizes(raw, &at);
            self.check_architecture(raw, &at);
            let group = NodeGroup {
                name: self.name::<NodeGroupName>(
                    "node group",
                    &at,
                    "name",
                    raw.name.as_ref(),
                    key.to_string(),
                ),
                instance_types: raw.instance_types.iter().map(ToString::to_string).collect(),
                min,
                desired,
                max,
                disk_gib: raw.disk_gib,
                capacity: raw.capacity,
                ami_type: raw.ami_type.clone(),
                labels: raw
                    .labels
                    .iter()
                    .map(|(key, value)| (key.to_string(), value.to_string()))
                    .collect(),
                taints: raw.taints.iter().map(taint).collect(),
                subnets: subnets.to_vec(),
            };
            groups.insert(key.to_string(), group);
        }
        groups
    }

    fn sizes(&mut self, raw: &raw::NodeGroup, at: &Path) -> (u32, u32, u32) {
        let min = raw.min.unwrap_or(1);
        let desired = raw.desired.unwrap_or(min);
        let max = raw.max.unwrap_or(desired.max(1));
        for ((low, low_key), (high, high_key)) in [
            ((min, "min"), (desired, "desired")),
            ((desired, "desired"), (max, "max")),
        ] {
            if low > high {
                let fault = Fault::value(
                    &at.to(high_key),
                    format!("`{high_key}` is less than `{low_key}`"),
                );
                let fault = fault
                    .label(format!("{high}"))
                    .also(&at.to(low_key), format!("{low}"));
                self.faults
                    .add(fault.remedy("it has to be min ≤ desired ≤ max"));
            }
        }
        (min, desired, max)
    }

    /// An image for one architecture does not start on a machine of the other.
    fn check_architecture(&mut self, raw: &raw::NodeGroup, at: &Path) {
        let arm_image = raw.ami_type.contains("ARM_64");
        for (index, kind) in raw.instance_types.iter().enumerate() {
            let arm_machine = matches(r"^([a-z]+[0-9]+g[a-z]*|a1)\.", kind);
            if arm_machine != arm_image {
                let (machine, image) = if arm_machine {
                    ("ARM", "x86")
                } else {
                    ("x86", "ARM")
                };
                let fault = Fault::value(
                    &at.to("instance_types").to(index),
                    format!("`{}` cannot start `{}`", &**kind, raw.ami_type),
                )
                .label(format!("an {machine} machine"))
                .also(&at.to("ami_type"), format!("an {image} image"));
                self.faults.add(fault.remedy("choose an `ami_type` of the same architecture, such as `AL2023_ARM_64_STANDARD` for ARM"));
            }
        }
    }
}

fn taint(raw: &raw::Taint) -> Taint {
    Taint {
        key: raw.key.to_string(),
        value: raw.value.as_deref().map(str::to_owned),
        effect: raw.effect,
    }
}
