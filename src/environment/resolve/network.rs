//! The network: subnets, NAT gateways and route tables.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::Resolver;
use crate::environment::carve::{SMALLEST_SUBNET, carve};
use crate::environment::faults::Fault;
use crate::environment::forms::TagValue;
use crate::environment::model::{
    DefaultRoute, NatGateway, Network, PrivateZone, RouteTable, Subnet,
};
use crate::environment::raw;
use crate::environment::source::Path;

/// The largest VPC, and the largest subnet.
const LARGEST_BLOCK: u8 = 16;
/// In how many zones subnets are carved if nobody says.
const ZONES: u32 = 2;

impl Resolver<'_> {
    pub(super) fn network(&mut self) -> Option<Network> {
        let raw = self.file.network.as_ref()?;
        let at = Path::of(["network"]);
        let name = raw
            .name
            .as_deref()
            .unwrap_or(&self.file.environment.name)
            .to_owned();
        let cidr = self.block(&raw.cidr, &at.to("cidr"))?;
        if !(LARGEST_BLOCK..=SMALLEST_SUBNET).contains(&cidr.prefix_len()) {
            let fault = Fault::value(
                &at.to("cidr"),
                format!("AWS makes no VPC of the size /{}", cidr.prefix_len()),
            );
            self.faults
                .add(fault.label("expected /16 (65,536 addresses) to /28 (16)"));
            return None;
        }
        let subnets = if raw.subnets.is_empty() {
            self.carved(raw, &name, cidr)?
        } else {
            self.explicit(raw, &name, cidr)
        };
        let nat_gateways = self.nat_gateways(raw.nat, &name, &subnets);
        let public = subnets.values().any(|subnet| subnet.public);
        Some(Network {
            tags: self.cluster_tag(),
            internet_gateway: public.then(|| format!("{name}-igw")),
            route_tables: route_tables(&name, &subnets, &nat_gateways),
            private_zone: raw.private_zone.as_deref().map(|domain| PrivateZone {
                name: domain.to_owned(),
                comment: "names inside the VPC".to_owned(),
            }),
            name,
            cidr,
            subnets,
            nat_gateways,
        })
    }

    fn carved(
        &mut self,
        raw: &raw::Network,
        name: &str,
        cidr: Ipv4Net,
    ) -> Option<BTreeMap<String, Subnet>> {
        let zones = raw.zones.unwrap_or(ZONES);
        let Some(pairs) = carve(cidr, zones) else {
            let fault = Fault::value(
                &Path::of(["network", "cidr"]),
                format!("/{} is too small for {zones} zones", cidr.prefix_len()),
            )
            .label("its subnets would be smaller than /28, the smallest that AWS makes");
            self.faults
                .add(fault.remedy("take a larger block, such as a /16, or fewer `zones`"));
            return None;
        };
        let region = &*self.file.environment.region;
        let mut subnets = BTreeMap::new();
        for ((public, private), letter) in pairs.into_iter().zip('a'..='z') {
            for (kind, cidr) in [("public", public), ("private", private)] {
                let subnet = Subnet {
                    name: format!("{name}-{kind}-subnet-{letter}"),
                    zone: format!("{region}{letter}"),
                    letter: letter.to_string(),
                    cidr,
                    public: kind == "public",
                    tags: self.subnet_tags(kind == "public"),
                };
                subnets.insert(format!("{kind}-{letter}"), subnet);
            }
        }
        Some(subnets)
    }

    fn explicit(
        &mut self,
        raw: &raw::Network,
        name: &str,
        vpc: Ipv4Net,
    ) -> BTreeMap<String, Subnet> {
        let at = Path::of(["network", "subnets"]);
        if raw.zones.is_some() {
            let fault = Fault::key(
                &Path::of(["network", "zones"]),
                "`zones` and `subnets` exclude each other",
            )
            .label("carves subnets from the block")
            .also(&at, "but these are given one by one");
            self.faults.add(fault.remedy("take one of them out"));
        }
        let mut subnets = BTreeMap::new();
        for (key, raw) in raw.subnets.iter() {
            let at = at.to(&**key);
            let Some(cidr) = self.subnet_block(raw, &at, vpc) else {
                continue;
            };
            let region = &*self.file.environment.region;
            let letter = raw.zone.strip_prefix(region).unwrap_or_default().to_owned();
            if letter.len() != 1 {
                let fault = Fault::value(
                    &at.to("zone"),
                    format!("`{}` is not a zone of {region}", &*raw.zone),
                );
                let fault = fault.also(&Path::of(["environment", "region"]), "the region");
                self.faults
                    .add(fault.remedy(format!("such as `{region}a`")));
            }
            let kind = if raw.public { "public" } else { "private" };
            // Keyed as carving would have keyed it, it is also called as carving would have called it.
            let derived = if **key == format!("{kind}-{letter}") {
                format!("{name}-{kind}-subnet-{letter}")
            } else {
                format!("{name}-{}", &**key)
            };
            let subnet = Subnet {
                name: self.name::<TagValue>("subnet", &at, "name", raw.name.as_ref(), derived),
                zone: raw.zone.to_string(),
                letter,
                cidr,
                public: raw.public,
                tags: self.subnet_tags(raw.public),
            };
            subnets.insert(key.to_string(), subnet);
        }
        self.refuse_overlaps(&subnets);
        subnets
    }

    fn subnet_block(&mut self, raw: &raw::Subnet, at: &Path, vpc: Ipv4Net) -> Option<Ipv4Net> {
        let at = at.to("cidr");
        let cidr = self.block(&raw.cidr, &at)?;
        if !vpc.contains(&cidr) {
            let fault = Fault::value(&at, format!("`{cidr}` is outside the VPC"))
                .label(format!("not inside {vpc}"));
            self.faults
                .add(fault.also(&Path::of(["network", "cidr"]), "the VPC's block"));
        } else if cidr.prefix_len() > SMALLEST_SUBNET {
            let fault = Fault::value(
                &at,
                format!("AWS makes no subnet of the size /{}", cidr.prefix_len()),
            );
            self.faults.add(fault.label("expected /28 or larger"));
        }
        Some(cidr)
    }

    /// Address blocks are apart or inside one another, so that in their order only the last one that is open can be met.
    fn refuse_overlaps(&mut self, subnets: &BTreeMap<String, Subnet>) {
        let at = |key: &String| Path::of(["network", "subnets"]).to(key).to("cidr");
        let mut sorted: Vec<(&String, Ipv4Net)> = subnets
            .iter()
            .map(|(key, subnet)| (key, subnet.cidr))
            .collect();
        sorted.retain(|(key, _)| !self.faults.is_unusable(&at(key)));
        sorted.sort_by_key(|(_, cidr)| (cidr.network(), cidr.prefix_len()));
        let mut open: Option<(&String, Ipv4Net)> = None;
        for (key, cidr) in sorted {
            match open {
                Some((other, block)) if block.contains(&cidr) => {
                    let fault = Fault::value(
                        &at(key),
                        format!("the subnets `{other}` and `{key}` overlap"),
                    );
                    self.faults.add(
                        fault
                            .label(format!("{cidr} lies in {block}"))
                            .also(&at(other), format!("`{other}` is here")),
                    );
                }
                _ => open = Some((key, cidr)),
            }
        }
    }

    fn nat_gateways(
        &mut self,
        nat: raw::Nat,
        name: &str,
        subnets: &BTreeMap<String, Subnet>,
    ) -> BTreeMap<String, NatGateway> {
        let private: BTreeSet<&str> = letters(subnets, false).collect();
        let mut homes: BTreeMap<&str, &String> = BTreeMap::new();
        for (key, subnet) in subnets.iter().filter(|(_, subnet)| subnet.public) {
            homes.entry(subnet.letter.as_str()).or_insert(key);
        }
        let wanted: Vec<&str> = match nat {
            raw::Nat::None => Vec::new(),
            raw::Nat::PerZone => private.into_iter().collect(),
            raw::Nat::Single if private.is_empty() => Vec::new(),
            // In any zone: better in one that it serves.
            raw::Nat::Single => {
                let served = homes
                    .keys()
                    .find(|letter| private.contains(*letter))
                    .or(homes.keys().next());
                vec![
                    served
                        .copied()
                        .or(private.first().copied())
                        .unwrap_or_default(),
                ]
            }
        };
        let mut gateways = BTreeMap::new();
        for letter in wanted {
            if let Some(subnet) = homes.get(letter) {
                let gateway = NatGateway {
                    name: format!("{name}-nat-gw-{letter}"),
                    address_name: format!("{name}-nat-{letter}"),
                    subnet: (*subnet).clone(),
                };
                gateways.insert(letter.to_owned(), gateway);
            } else if !self.faults.is_unusable_within(&Path::of(["network"])) {
                let message = format!(
                    "no public subnet in zone {letter} for the NAT gateway of the private ones"
                );
                let fault = Fault::key(&Path::of(["network", "nat"]), message);
                self.faults.add(fault.remedy(
                    "add a public subnet there, or choose `nat = \"single\"` or `\"none\"`",
                ));
            }
        }
        gateways
    }

    /// The tag by which Kubernetes finds its network.
    fn cluster_tag(&self) -> BTreeMap<String, String> {
        let tag = |name: &str| (format!("kubernetes.io/cluster/{name}"), "shared".to_owned());
        // One that exists has a network of its own.
        let own = self.file.cluster.as_ref().filter(|raw| !raw.existing);
        let name = own.and_then(|_| self.cluster_name());
        name.map(tag).into_iter().collect()
    }

    fn subnet_tags(&self, public: bool) -> BTreeMap<String, String> {
        let mut tags = self.cluster_tag();
        if !tags.is_empty() {
            let role = if public {
                "kubernetes.io/role/elb"
            } else {
                "kubernetes.io/role/internal-elb"
            };
            tags.insert(role.to_owned(), "1".to_owned());
        }
        tags
    }
}

/// The letters of the zones with such subnets.
fn letters(subnets: &BTreeMap<String, Subnet>, public: bool) -> impl Iterator<Item = &str> {
    subnets
        .values()
        .filter(move |subnet| subnet.public == public)
        .map(|subnet| subnet.letter.as_str())
}

/// One table for all public subnets, and one for the private subnets of each zone, so that a change of `nat` changes routes only.
fn route_tables(
    name: &str,
    subnets: &BTreeMap<String, Subnet>,
    nat_gateways: &BTreeMap<String, NatGateway>,
) -> BTreeMap<String, RouteTable> {
    let mut tables = BTreeMap::new();
    for (key, subnet) in subnets {
        let letter = &subnet.letter;
        let (table, name, default_route) = if subnet.public {
            (
                "public".to_owned(),
                format!("{name}-public-route"),
                DefaultRoute::InternetGateway,
            )
        } else {
            let nat = if nat_gateways.contains_key(letter) {
                Some(letter)
            } else {
                nat_gateways.keys().next()
            };
            let route = nat.map_or(DefaultRoute::None, |nat| DefaultRoute::Nat(nat.clone()));
            (
                format!("private-{letter}"),
                format!("{name}-private-route-{letter}"),
                route,
            )
        };
        let table = tables.entry(table).or_insert(RouteTable {
            name,
            default_route,
            subnets: Vec::new(),
        });
        table.subnets.push(key.clone());
    }
    tables
}
