//! EC2: networks and what stands in them. What AWS lists for a while after it is gone stays out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Implicit;
use super::item::{Form, Item};
use crate::sandbox::aws::Region;
use crate::sandbox::aws::ec2::{
    Association, Attachment, CLUSTER_NAME_TAG, Ec2, Instance, InstanceState, Interface, NatState,
    Peer, RouteTable, SecurityGroup, Target,
};

/// Everything in EC2.
pub fn items(region: &Region, implicit: &mut Implicit) -> Vec<Item> {
    let view = View {
        ec2: &region.ec2,
        region,
    };
    let mut items = view.networks();
    items.extend(view.gateways());
    for (id, table) in &view.ec2.route_tables {
        if view.is_untouched_main(id, table) {
            *implicit.entry("main route_table").or_default() += 1;
        } else {
            items.push(view.route_table(id, table));
        }
    }
    for (id, group) in &view.ec2.security_groups {
        if view.is_untouched_default(id, group) {
            *implicit.entry("default security_group").or_default() += 1;
        } else {
            items.push(view.security_group(id, group));
        }
    }
    items.extend(view.machines());
    items
}

struct View<'a> {
    ec2: &'a Ec2,
    region: &'a Region,
}

impl View<'_> {
    /// The value of the tag `Name`, or what people would say instead.
    fn name(&self, id: &str, otherwise: impl Into<String>) -> String {
        let tags = self.ec2.tags.get(id);
        (tags.and_then(|tags| tags.get("Name")).cloned()).unwrap_or_else(|| otherwise.into())
    }

    /// Tags; a value that is a cluster's name refers to that cluster.
    fn tags(&self, id: &str) -> Value {
        let clusters = &self.region.eks.clusters;
        (self.ec2.tags_of(id).into_iter())
            .map(|(key, value)| match clusters.contains_key(&value) {
                true => (key, Value::String(format!("@eks_cluster/{value}"))),
                false => (key, Value::String(value)),
            })
            .collect()
    }

    fn networks(&self) -> Vec<Item> {
        let mut items: Vec<Item> = (self.ec2.vpcs.iter())
            .map(|(id, vpc)| {
                let cidr = vpc.cidr.to_string();
                let body = json!({
                    "cidr": cidr, "enableDnsHostnames": vpc.dns_hostnames, "enableDnsSupport": vpc.dns_support,
                    "tags": self.tags(id),
                });
                Item::new("vpc", self.name(id, cidr), body)
                    .id(id)
                    .unless("available", vpc.available, true)
            })
            .collect();
        items.extend((self.ec2.subnets.iter()).map(|(id, subnet)| {
            let cidr = subnet.cidr.to_string();
            let body = json!({
                "az": subnet.zone, "cidr": cidr, "public_ip": subnet.map_public_ip, "tags": self.tags(id),
                "vpc": subnet.vpc_id,
            });
            Item::new("subnet", self.name(id, cidr), body)
                .id(id)
                .unless("available", subnet.available, true)
        }));
        items
    }

    fn gateways(&self) -> Vec<Item> {
        let mut items: Vec<Item> = (self.ec2.internet_gateways.iter())
            .map(|(id, gateway)| {
                let vpcs: Vec<&String> = gateway.vpc_id.iter().collect();
                let body = json!({"tags": self.tags(id), "vpcs": vpcs});
                Item::new("internet_gateway", self.name(id, "unnamed"), body).id(id)
            })
            .collect();
        items.extend((self.ec2.addresses.iter()).map(|(id, address)| {
            let body = json!({"domain": "vpc", "tags": self.tags(id)});
            Item::new("eip", self.name(id, "unnamed"), body)
                .id(id)
                .id(address.public_ip.to_string())
        }));
        let gateways = self.ec2.nat_gateways.iter();
        let living = gateways.filter(|(_, gateway)| gateway.state != NatState::Deleted);
        items.extend(living.map(|(id, gateway)| {
            let eips: Vec<&String> = gateway.allocation_id.iter().collect();
            let body = json!({
                "eips": eips, "state": format!("{:?}", gateway.state).to_lowercase(),
                "subnet": gateway.subnet_id, "tags": self.tags(id),
            });
            Item::new("nat_gateway", self.name(id, "unnamed"), body).id(id)
        }));
        items
    }

    /// Whether it is a main table as it came with its network.
    fn is_untouched_main(&self, id: &str, table: &RouteTable) -> bool {
        let is_main = (table.associations.values()).eq([&Association::Main]);
        is_main && table.routes.is_empty() && !self.ec2.tags.contains_key(id)
    }

    fn route_table(&self, id: &str, table: &RouteTable) -> Item {
        let subnets: Vec<&String> = (table.associations.values())
            .filter_map(|association| match association {
                Association::Subnet(id) => Some(id),
                Association::Main => None,
            })
            .collect();
        let is_main = subnets.len() < table.associations.len();
        let local = (self.ec2.vpcs.get(&table.vpc_id))
            .map(|vpc| json!({"to": vpc.cidr.to_string(), "via": "local"}));
        let routes = (table.routes.iter()).map(|(destination, target)| {
            let (Target::InternetGateway(via) | Target::NatGateway(via) | Target::Interface(via)) =
                target;
            json!({"to": destination, "via": via})
        });
        let routes: Vec<Value> = routes.chain(local).collect();
        let body = json!({
            "routes": routes, "subnets": subnets, "tags": self.tags(id), "vpc": table.vpc_id,
        });
        Item::new("route_table", self.name(id, "unnamed"), body)
            .id(id)
            .unless("main", is_main, false)
    }

    /// Whether it is a default group as it came with its network.
    fn is_untouched_default(&self, id: &str, group: &SecurityGroup) -> bool {
        let usual = |peer: &Peer, egress: bool| match peer {
            Peer::V4(block) => egress && block == "0.0.0.0/0",
            Peer::Group(peer) => !egress && peer == id,
            Peer::V6(_) => false,
        };
        let mut rules = group.rules.values().map(|rule| &rule.traffic);
        group.name == "default"
            && group.rules.len() == 2
            && rules.all(|rule| rule.protocol == "-1" && usual(&rule.peer, rule.egress))
            && !self.ec2.tags.contains_key(id)
    }

    fn security_group(&self, id: &str, group: &SecurityGroup) -> Item {
        let body = json!({
            "description": group.description, "egress": self.permissions(group, true),
            "ingress": self.permissions(group, false), "tags": self.tags(id), "vpc": group.vpc_id,
        });
        let tags = self.ec2.tags.get(id);
        let of_cluster = tags.is_some_and(|tags| tags.contains_key(CLUSTER_NAME_TAG));
        match group.name.rsplit_once('-') {
            // EKS ends the name with a number that it makes up.
            Some((name, _)) if of_cluster => Item::new("security_group", name, body)
                .id(id)
                .written(&group.name, Form::Name),
            Some(_) | None => Item::new("security_group", &group.name, body).id(id),
        }
    }

    /// Rules as AWS groups them: those of one protocol and one range of ports together.
    fn permissions(&self, group: &SecurityGroup, egress: bool) -> Vec<Value> {
        let mut grouped: BTreeMap<_, (Vec<Value>, Vec<Value>, Vec<Value>)> = BTreeMap::new();
        for (id, rule) in &group.rules {
            let traffic = &rule.traffic;
            if traffic.egress != egress {
                continue;
            }
            let key = (&traffic.protocol, traffic.from_port, traffic.to_port);
            let (cidrs, groups, notes) = grouped.entry(key).or_default();
            let (Peer::V4(peer) | Peer::V6(peer) | Peer::Group(peer)) = &traffic.peer;
            match traffic.peer {
                Peer::V4(_) | Peer::V6(_) => cidrs.push(json!(peer)),
                Peer::Group(_) => groups.push(json!(peer)),
            }
            if rule.description.is_some() || self.ec2.tags.contains_key(id) {
                let note =
                    json!({"peer": peer, "description": rule.description, "tags": self.tags(id)});
                notes.push(note);
            }
        }
        (grouped.into_iter())
            .map(|((protocol, from, to), (cidrs, groups, notes))| {
                let mut permission = json!({
                    "cidrs": cidrs, "from": from, "groups": groups, "protocol": protocol, "to": to,
                });
                if !notes.is_empty() {
                    permission["rules"] = notes.into();
                }
                permission
            })
            .collect()
    }

    fn machines(&self) -> Vec<Item> {
        let mut items: Vec<Item> = (self.ec2.interfaces.iter())
            .map(|(id, interface)| self.interface(id, interface))
            .collect();
        items.extend((self.ec2.volumes.iter()).map(|(id, volume)| {
            let tags = self.ec2.tags.get(id);
            let claimed = tags.and_then(|tags| tags.get("CSIVolumeName"));
            let otherwise = claimed.map_or("unnamed", String::as_str);
            let body = json!({
                "az": volume.zone, "size": volume.gib, "type": volume.volume_type, "tags": self.tags(id),
            });
            Item::new("volume", self.name(id, otherwise), body).id(id)
        }));
        let instances = self.ec2.instances.iter();
        let living = instances.filter(|(_, each)| each.state != InstanceState::Terminated);
        items.extend(living.map(|(id, instance)| self.instance(id, instance)));
        items
    }

    fn interface(&self, id: &str, interface: &Interface) -> Item {
        let worn_by = match &interface.attachment {
            Some(Attachment::Instance(id)) => Some(id),
            Some(Attachment::Service(service)) => Some(service),
            None => None,
        };
        let body = json!({
            "attached_to": worn_by, "description": interface.description,
            "requester": interface.requester, "security_groups": interface.group_ids,
            "subnet": interface.subnet_id, "tags": self.tags(id), "type": interface.interface_type,
        });
        let what = match &interface.attachment {
            Some(Attachment::Instance(instance)) => instance,
            Some(Attachment::Service(_)) | None => &interface.description,
        };
        let place = (self.ec2.subnets.get(&interface.subnet_id))
            .map_or_else(String::new, |subnet| format!(" in {}", subnet.cidr));
        let item = Item::new(
            "network_interface",
            self.name(id, format!("{what}{place}")),
            body,
        )
        .id(id)
        .order(sortable(interface.private_ip))
        .id(interface.private_ip.to_string());
        match interface.public_ip {
            Some(address) if !self.is_elastic(address) => item.id(address.to_string()),
            Some(_) | None => item,
        }
    }

    fn is_elastic(&self, address: std::net::Ipv4Addr) -> bool {
        (self.ec2.addresses.values()).any(|each| each.public_ip == address)
    }

    /// An instance, called after the node group whose node it is; the node is called like the instance.
    fn instance(&self, id: &str, instance: &Instance) -> Item {
        let groups = (self.region.eks.clusters.values()).flat_map(|cluster| {
            cluster
                .nodegroups
                .values()
                .map(move |group| (cluster, group))
        });
        let node = groups
            .flat_map(|(cluster, group)| group.nodes.iter().map(move |node| (cluster, group, node)))
            .find(|(_, _, node)| node.instance_id == id);
        let otherwise = node.map_or_else(
            || "unnamed".to_owned(),
            |(cluster, group, _)| format!("{}:{}", cluster.name, group.name),
        );
        let body = json!({
            "security_groups": instance.group_ids, "state": format!("{:?}", instance.state).to_lowercase(),
            "subnet": instance.subnet_id, "tags": self.tags(id), "type": instance.instance_type,
        });
        let item = Item::new("instance", self.name(id, otherwise), body)
            .id(id)
            .order(sortable(instance.private_ip));
        match node {
            Some((_, _, node)) => item.id(&node.name),
            None => item,
        }
    }
}

/// An address such that texts are in the order of addresses.
fn sortable(address: std::net::Ipv4Addr) -> String {
    format!("{:010}", address.to_bits())
}
