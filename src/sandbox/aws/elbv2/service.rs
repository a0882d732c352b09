//! What the cloud provider inside Kubernetes makes in AWS for a Service of type LoadBalancer, and takes away again.
//!
//! It is the legacy controller's network load balancer, or without its annotation a classic one: nothing has to be
//! installed in the cluster for them. Or it is EKS Auto Mode's, which sends to pods instead of nodes.

use super::load_balancers::{self, later};
use super::{Kind, Listener, TargetGroup, Task, target_groups};
use crate::sandbox::aws::Fault;
use crate::sandbox::aws::ec2::{self, Ec2, Peer, Tags, Traffic, security_groups};
use crate::sandbox::durations;
use crate::sandbox::world::World;

/// Who makes the load balancer of a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maker {
    /// The cloud provider that is in every cluster.
    #[default]
    Legacy,
    /// EKS Auto Mode.
    AutoMode,
}

impl Maker {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::AutoMode];

    /// What it calls the load balancer of the Service `namespace/service` with this uid.
    pub fn name_for(self, (namespace, service): (&str, &str), uid: &str) -> String {
        let hex = uid.replace('-', "");
        match self {
            Self::Legacy => format!("a{hex}").chars().take(32).collect(),
            Self::AutoMode => {
                let hex: String = hex.chars().take(10).collect();
                format!("k8s-{}-{}-{hex}", short(namespace), short(service))
            }
        }
    }

    /// The tags of all that it makes: `part` is what the thing is.
    fn tags(self, new: &NewServiceLoadBalancer, part: &str) -> Tags {
        let NewServiceLoadBalancer {
            cluster,
            namespace,
            service,
            ..
        } = new;
        let named = format!("{namespace}/{service}");
        match self {
            Self::Legacy => Tags::from([
                (
                    format!("kubernetes.io/cluster/{cluster}"),
                    "owned".to_owned(),
                ),
                ("kubernetes.io/service-name".to_owned(), named),
            ]),
            // EKS user guide, "Disable EKS Auto Mode": by these tags it finds what is left of a security group.
            Self::AutoMode => Tags::from([
                (AUTO_MODE_TAG.to_owned(), cluster.clone()),
                ("service.eks.amazonaws.com/stack".to_owned(), named),
                (
                    "service.eks.amazonaws.com/resource".to_owned(),
                    part.to_owned(),
                ),
            ]),
        }
    }
}

/// The tag in which EKS Auto Mode names the cluster.
const AUTO_MODE_TAG: &str = "eks:eks-cluster-name";

/// A Service that asks for a load balancer.
#[derive(Clone, Debug, Default)]
pub struct NewServiceLoadBalancer {
    /// Name of the EKS cluster.
    pub cluster: String,
    /// Network of the cluster.
    pub vpc_id: String,
    /// Namespace of the Service.
    pub namespace: String,
    /// Name of the Service.
    pub service: String,
    /// Uid of the Service, from which the load balancer's name comes.
    pub uid: String,
    /// Who makes the load balancer.
    pub maker: Maker,
    /// Which sort of load balancer it asks for: a network or a classic one.
    pub kind: Kind,
    /// Whether the load balancer shall have no public addresses.
    pub internal: bool,
    /// The Service's ports.
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug)]
pub struct ServicePort {
    /// What clients call.
    pub port: i64,
    /// Where every node takes it.
    pub node_port: i64,
    /// `TCP` or `UDP`.
    pub protocol: String,
    /// ARN of the certificate that the load balancer shows on it, if it speaks TLS.
    pub certificate: Option<String>,
    /// Whether what comes by TLS goes on by TLS.
    pub encrypted_backend: bool,
}

impl ServicePort {
    /// The protocols of the listener and of the target group.
    fn protocols(&self) -> (&str, &str) {
        match (&self.certificate, self.encrypted_backend) {
            (None, _) => (&self.protocol, &self.protocol),
            (Some(_), true) => ("TLS", "TLS"),
            (Some(_), false) => ("TLS", &self.protocol),
        }
    }
}

/// What was made for a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLoadBalancer {
    /// ARN of the load balancer.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The hostname for the Service's status.
    pub hostname: String,
}

impl NewServiceLoadBalancer {
    /// What the load balancer is called.
    pub fn name(&self) -> String {
        let service = (self.namespace.as_str(), self.service.as_str());
        self.maker.name_for(service, &self.uid)
    }
}

/// A name as it stands in other names: eight letters and digits of it.
fn short(name: &str) -> String {
    let plain = name.chars().filter(char::is_ascii_alphanumeric);
    plain.take(8).collect()
}

/// Makes load balancer, target groups, listeners, security group and rules for a Service.
///
/// # Errors
/// When no subnet of the network carries the role's tag, or AWS refuses one of the parts; then nothing stays.
pub fn create_for_service(
    world: &mut World,
    region: &str,
    new: &NewServiceLoadBalancer,
) -> Result<ServiceLoadBalancer, Fault> {
    let name = new.name();
    check_certificates(world, region, new)?;
    let subnet_ids = suitable_subnets(&world.region(region).ec2, new)?;
    let tags = new.maker.tags(new, "LoadBalancer");
    let (group_name, description) = match new.maker {
        Maker::Legacy => (
            format!("k8s-elb-{name}"),
            format!(
                "Security group for Kubernetes ELB {name} ({}/{})",
                new.namespace, new.service
            ),
        ),
        Maker::AutoMode => (
            name.clone(),
            "[k8s] Managed SecurityGroup for LoadBalancer".to_owned(),
        ),
    };
    let mut group_tags = new.maker.tags(new, "ManagedLBSecurityGroup");
    group_tags.remove("kubernetes.io/service-name");
    let group_id = security_groups::create(
        world,
        region,
        &new.vpc_id,
        &group_name,
        &description,
        group_tags,
    )?;
    let balancer = load_balancers::New {
        name: name.clone(),
        kind: new.kind,
        internal: new.internal,
        subnet_ids,
        group_ids: vec![group_id.clone()],
        tags: tags.clone(),
    };
    let arn = match load_balancers::create(world, region, balancer) {
        Ok(arn) => arn,
        Err(fault) => {
            security_groups::delete(world, region, &group_id)?;
            return Err(fault);
        }
    };
    let hostname = (world.region(region).elbv2.load_balancers.get(&arn))
        .map(|balancer| balancer.dns_name.clone())
        .unwrap_or_default();
    let made = ServiceLoadBalancer {
        arn,
        name,
        hostname,
    };
    if let Err(fault) = furnish(world, region, new, &made, &group_id, &tags) {
        delete_for_service(world, region, &made.name);
        return Err(fault);
    }
    Ok(made)
}

/// Gives a new load balancer its listeners and target groups, and lets its traffic in. A classic one has no target
/// groups; its own security group, and that of Auto Mode's, is let in to the nodes.
fn furnish(
    world: &mut World,
    region: &str,
    new: &NewServiceLoadBalancer,
    made: &ServiceLoadBalancer,
    group_id: &str,
    tags: &Tags,
) -> Result<(), Fault> {
    for port in &new.ports {
        open_port(world, region, group_id, port)?;
        if new.kind == Kind::Classic {
            continue;
        }
        let listener = listener(world, region, new, port, tags)?;
        target_groups::listen(world, region, &made.arn, listener)?;
    }
    if new.kind == Kind::Classic || new.maker == Maker::AutoMode {
        return admit_group_to_nodes(world, region, &new.cluster, group_id);
    }
    admit_to_nodes(world, region, new, &made.name)
}

/// A listener for a port of the Service, with a target group of its own.
fn listener(
    world: &mut World,
    region: &str,
    new: &NewServiceLoadBalancer,
    port: &ServicePort,
    tags: &Tags,
) -> Result<Listener, Fault> {
    let (protocol, behind) = port.protocols();
    // Auto Mode sends to pods (EKS user guide, "Considerations for load balancing with EKS Auto Mode").
    let (target_type, target_port) = match new.maker {
        Maker::Legacy => ("instance", port.node_port),
        Maker::AutoMode => ("ip", port.port),
    };
    let group = TargetGroup {
        name: target_group_name(world, new),
        protocol: behind.to_owned(),
        port: target_port,
        vpc_id: new.vpc_id.clone(),
        target_type: target_type.to_owned(),
    };
    Ok(Listener {
        port: port.port,
        protocol: protocol.to_owned(),
        target_group: target_groups::create(world, region, group, tags.clone())?,
        certificate: port.certificate.clone(),
    })
}

/// A load balancer shows only certificates of its own region and account. The sandbox has no ACM, and takes every such
/// ARN for one that is there.
fn check_certificates(
    world: &World,
    region: &str,
    new: &NewServiceLoadBalancer,
) -> Result<(), Fault> {
    let ours = format!(":acm:{region}:{}:certificate/", world.account);
    let mut shown = new
        .ports
        .iter()
        .filter_map(|port| port.certificate.as_ref());
    match shown.find(|arn| !arn.contains(&ours)) {
        None => Ok(()),
        Some(arn) => Err(Fault::new(
            "CertificateNotFound",
            format!("Certificate ARN '{arn}' is not valid"),
        )),
    }
}

/// Brings the listeners of a Service's network load balancer in line with the Service: other protocols and certificates
/// are taken while it stands.
///
/// # Errors
/// What AWS refuses.
pub fn update_for_service(
    world: &mut World,
    region: &str,
    arn: &str,
    new: &NewServiceLoadBalancer,
) -> Result<(), Fault> {
    if new.kind == Kind::Classic {
        return Ok(());
    }
    for port in &new.ports {
        let elbv2 = &world.region(region).elbv2;
        let balancer = elbv2.load_balancers.get(arn);
        let listeners = balancer
            .into_iter()
            .flat_map(|balancer| &balancer.listeners);
        let outdated = listeners
            .filter(|(_, listener)| listener.port == port.port)
            .find(|(_, listener)| {
                listener.protocol != port.protocols().0 || listener.certificate != port.certificate
            });
        let Some((listener_arn, _)) = outdated else {
            continue;
        };
        let listener_arn = listener_arn.clone();
        check_certificates(world, region, new)?;
        let tags = elbv2_tags(world, region, arn);
        let wanted = listener(world, region, new, port, &tags)?;
        let elbv2 = &mut world.region(region).elbv2;
        let balancer = elbv2.load_balancers.get_mut(arn);
        let before = balancer.and_then(|found| found.listeners.insert(listener_arn, wanted));
        if let Some(before) = before {
            target_groups::delete(world, region, &before.target_group)?;
        }
    }
    Ok(())
}

fn elbv2_tags(world: &mut World, region: &str, arn: &str) -> Tags {
    let tags = world.region(region).elbv2.tags.get(arn);
    tags.cloned().unwrap_or_default()
}

/// Takes away every load balancer that EKS Auto Mode made in the cluster.
pub fn delete_for_auto_mode(world: &mut World, region: &str, cluster: &str) {
    let elbv2 = &world.region(region).elbv2;
    let made = elbv2.load_balancers.iter().filter(|(arn, _)| {
        let named = elbv2
            .tags
            .get(*arn)
            .and_then(|tags| tags.get(AUTO_MODE_TAG));
        named.is_some_and(|name| name == cluster)
    });
    let made: Vec<String> = made.map(|(_, balancer)| balancer.name.clone()).collect();
    for name in made {
        delete_for_service(world, region, &name);
    }
}

/// Takes away what [`create_for_service`] made under this name; the security group goes once the interfaces are gone.
/// What is gone already is passed over.
pub fn delete_for_service(world: &mut World, region: &str, name: &str) {
    let elbv2 = &world.region(region).elbv2;
    let Some(arn) = elbv2.by_name(name).map(str::to_owned) else {
        return;
    };
    let Some(balancer) = elbv2.load_balancers.get(&arn).cloned() else {
        return;
    };
    load_balancers::delete(world, region, &arn);
    let services = world.region(region);
    for listener in balancer.listeners.values() {
        services.elbv2.target_groups.remove(&listener.target_group);
        services.elbv2.tags.remove(&listener.target_group);
    }
    for group in services.ec2.security_groups.values_mut() {
        group.rules.retain(|_, rule| {
            let described = rule.description.as_deref();
            let lets_in =
                matches!(&rule.traffic.peer, Peer::Group(id) if balancer.group_ids.contains(id));
            !lets_in && !described.is_some_and(|text| is_node_rule(text, name))
        });
    }
    for group_id in balancer.group_ids {
        later(
            world,
            region,
            durations::LOAD_BALANCER_DELETE,
            Task::ServiceGroupGone(group_id),
        );
    }
}

/// The cloud provider's last step. If something else wears the group, it stays, as it does in AWS.
pub(super) fn group_gone(world: &mut World, region: &str, id: &str) {
    let _ = security_groups::delete(world, region, id);
}

fn target_group_name(world: &mut World, new: &NewServiceLoadBalancer) -> String {
    format!(
        "k8s-{}-{}-{}",
        short(&new.namespace),
        short(&new.service),
        world.ids.hex(10)
    )
}

/// One subnet in each zone, the first by id, of those that carry the role's tag.
fn suitable_subnets(ec2: &Ec2, new: &NewServiceLoadBalancer) -> Result<Vec<String>, Fault> {
    let role = if new.internal {
        "kubernetes.io/role/internal-elb"
    } else {
        "kubernetes.io/role/elb"
    };
    let mut by_zone = std::collections::BTreeMap::new();
    for (id, subnet) in &ec2.subnets {
        let tagged = (ec2.tags.get(id).and_then(|tags| tags.get(role)))
            .is_some_and(|value| value.is_empty() || value == "1");
        if tagged && subnet.vpc_id == new.vpc_id {
            by_zone.entry(&subnet.zone).or_insert_with(|| id.clone());
        }
    }
    if by_zone.is_empty() {
        return Err(Fault::new(
            "InvalidSubnet",
            "could not find any suitable subnets for creating the ELB",
        ));
    }
    Ok(by_zone.into_values().collect())
}

fn open_port(
    world: &mut World,
    region: &str,
    group_id: &str,
    port: &ServicePort,
) -> Result<(), Fault> {
    let traffic = Traffic {
        egress: false,
        protocol: port.protocol.to_lowercase(),
        from_port: Some(port.port),
        to_port: Some(port.port),
        peer: Peer::V4("0.0.0.0/0".to_owned()),
    };
    security_groups::add_rule(world, region, group_id, traffic, None).map(drop)
}

/// What describes a rule in the nodes' group that lets in this load balancer's traffic of one sort.
fn node_rule(sort: &str, balancer: &str) -> String {
    format!("kubernetes.io/rule/nlb/{sort}={balancer}")
}

fn is_node_rule(description: &str, balancer: &str) -> bool {
    ["client", "health", "mtu"]
        .into_iter()
        .any(|sort| description == node_rule(sort, balancer))
}

/// Lets clients, health checks and path-MTU messages in to the nodes, which wear EKS's own cluster security group.
fn admit_to_nodes(
    world: &mut World,
    region: &str,
    new: &NewServiceLoadBalancer,
    name: &str,
) -> Result<(), Fault> {
    let ec2 = &world.region(region).ec2;
    let Some(nodes) = cluster_group(ec2, &new.cluster) else {
        return Ok(());
    };
    let vpc_block = ec2.vpc(&new.vpc_id)?.cidr.to_string();
    let mut rules = vec![("mtu", "icmp".to_owned(), 3, 4, "0.0.0.0/0".to_owned())];
    for port in &new.ports {
        let protocol = port.protocol.to_lowercase();
        let node_port = port.node_port;
        rules.push((
            "client",
            protocol,
            node_port,
            node_port,
            "0.0.0.0/0".to_owned(),
        ));
        rules.push((
            "health",
            "tcp".to_owned(),
            node_port,
            node_port,
            vpc_block.clone(),
        ));
    }
    for (sort, protocol, from, to, block) in rules {
        let traffic = Traffic {
            egress: false,
            protocol,
            from_port: Some(from),
            to_port: Some(to),
            peer: Peer::V4(block),
        };
        match security_groups::add_rule(world, region, &nodes, traffic, Some(node_rule(sort, name)))
        {
            // Another Service's load balancer may have opened the same.
            Err(fault) if fault.code != "InvalidPermission.Duplicate" => return Err(fault),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Lets in to the nodes whoever wears the security group of a classic load balancer.
fn admit_group_to_nodes(
    world: &mut World,
    region: &str,
    cluster: &str,
    group_id: &str,
) -> Result<(), Fault> {
    let Some(nodes) = cluster_group(&world.region(region).ec2, cluster) else {
        return Ok(());
    };
    let traffic = Traffic {
        egress: false,
        protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        peer: Peer::Group(group_id.to_owned()),
    };
    security_groups::add_rule(world, region, &nodes, traffic, None).map(drop)
}

fn cluster_group(ec2: &Ec2, cluster: &str) -> Option<String> {
    (ec2.security_groups.keys())
        .find(|id| {
            (ec2.tags.get(*id))
                .and_then(|tags| tags.get(ec2::CLUSTER_NAME_TAG))
                .is_some_and(|name| name == cluster)
        })
        .cloned()
}
