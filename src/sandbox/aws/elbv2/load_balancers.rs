//! The life of a load balancer: provisioning with its interfaces, active, and gone before its interfaces are.

use std::collections::BTreeMap;

use super::{Kind, LoadBalancer, Task};
use crate::sandbox::aws::ec2::{Attachment, Tags, interfaces};
use crate::sandbox::aws::{self, Fault};
use crate::sandbox::world::World;
use crate::sandbox::{durations, schedule};

/// What a new load balancer shall be.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// Its name.
    pub name: String,
    /// Its sort.
    pub kind: Kind,
    /// Whether it gets no public addresses.
    pub internal: bool,
    /// Its subnets.
    pub subnet_ids: Vec<String>,
    /// Its security groups.
    pub group_ids: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Makes a load balancer and its interfaces; answers its ARN. One of this name and these settings is answered as it is.
///
/// # Errors
/// When the name is taken, subnets or groups don't exist or don't fit, or a public one has no internet gateway.
pub fn create(world: &mut World, region: &str, new: New) -> Result<String, Fault> {
    let services = world.region(region);
    if let Some(arn) = services.elbv2.by_name(&new.name) {
        let same = (services.elbv2.load_balancers.get(arn)).is_some_and(|balancer| {
            balancer.kind == new.kind
                && balancer.internal == new.internal
                && balancer.subnet_ids == new.subnet_ids
                && balancer.group_ids == new.group_ids
        });
        if same {
            return Ok(arn.to_owned());
        }
        return Err(Fault::new(
            "DuplicateLoadBalancerName",
            format!(
                "A load balancer with the same name '{}' exists, but with different settings",
                new.name
            ),
        ));
    }
    let vpc_id = check_subnets(&services.ec2, &new)?;
    check_groups(&services.ec2, &vpc_id, &new.group_ids)?;
    let unique = world.ids.hex(16);
    let path = match new.kind {
        Kind::Network => format!("net/{}/{unique}", new.name),
        Kind::Application => format!("app/{}/{unique}", new.name),
        Kind::Classic => new.name.clone(),
    };
    let arn = format!(
        "arn:aws:elasticloadbalancing:{region}:{}:loadbalancer/{path}",
        world.account
    );
    let interface_ids = make_interfaces(world, region, &new, &path)?;
    let dns_name = match new.kind {
        Kind::Network => format!("{}-{unique}.elb.{region}.amazonaws.com", new.name),
        Kind::Application | Kind::Classic => format!(
            "{}{}-{}.{region}.elb.amazonaws.com",
            if new.internal { "internal-" } else { "" },
            new.name,
            world.ids.hex(9)
        ),
    };
    let balancer = LoadBalancer {
        name: new.name,
        dns_name,
        kind: new.kind,
        internal: new.internal,
        vpc_id,
        subnet_ids: new.subnet_ids,
        group_ids: new.group_ids,
        interface_ids,
        listeners: BTreeMap::new(),
        active: false,
        created: world.now,
    };
    let elbv2 = &mut world.region(region).elbv2;
    elbv2.load_balancers.insert(arn.clone(), balancer);
    elbv2.add_tags(&arn, new.tags);
    later(
        world,
        region,
        durations::LOAD_BALANCER_CREATE,
        Task::Active(arn.clone()),
    );
    Ok(arn)
}

/// One interface in each subnet. If one can't be made, none stays.
fn make_interfaces(
    world: &mut World,
    region: &str,
    new: &New,
    path: &str,
) -> Result<Vec<String>, Fault> {
    let interface_type = match new.kind {
        Kind::Network => "network_load_balancer",
        Kind::Application | Kind::Classic => "interface",
    };
    let mut made = Vec::new();
    for subnet_id in &new.subnet_ids {
        let interface = interfaces::New {
            subnet_id: subnet_id.clone(),
            group_ids: new.group_ids.clone(),
            description: format!("ELB {path}"),
            interface_type: interface_type.to_owned(),
            requester: Some("amazon-elb".to_owned()),
            public_ip: (!new.internal).then_some(interfaces::PublicIp::Lent),
            attachment: Some(Attachment::Service("amazon-elb".to_owned())),
            ..interfaces::New::default()
        };
        match interfaces::create(world, region, interface) {
            Ok(id) => made.push(id),
            Err(fault) => {
                interfaces_gone(world, region, &made);
                return Err(fault);
            }
        }
    }
    Ok(made)
}

/// Removes a load balancer with its listeners. Its interfaces go later; its target groups and security groups stay.
/// Removing one that is not there succeeds, as in AWS.
pub fn delete(world: &mut World, region: &str, arn: &str) {
    let elbv2 = &mut world.region(region).elbv2;
    let Some(balancer) = elbv2.load_balancers.remove(arn) else {
        return;
    };
    elbv2.tags.remove(arn);
    for listener in balancer.listeners.keys() {
        elbv2.tags.remove(listener);
    }
    let gone = Task::InterfacesGone(balancer.interface_ids);
    later(world, region, durations::LOAD_BALANCER_DELETE, gone);
}

/// provisioning → active.
pub(super) fn active(world: &mut World, region: &str, arn: &str) {
    if let Some(balancer) = world.region(region).elbv2.load_balancers.get_mut(arn) {
        balancer.active = true;
    }
}

/// The interfaces of a deleted load balancer go, and with them what they occupied.
pub(super) fn interfaces_gone(world: &mut World, region: &str, ids: &[String]) {
    for id in ids {
        // Nobody else can remove it; if the world's document lacks it, it is gone as it should be.
        let _ = interfaces::delete(world, region, id);
    }
}

/// Has `task` done after `seconds`.
pub(super) fn later(world: &mut World, region: &str, seconds: u64, task: Task) {
    let task = schedule::Task::Aws {
        region: region.to_owned(),
        task: aws::Task::Elbv2(task),
    };
    world.in_secs(seconds, task);
}

/// The network of the subnets, which must be one and have one subnet in each zone at most.
fn check_subnets(ec2: &aws::ec2::Ec2, new: &New) -> Result<String, Fault> {
    let configuration = |why: &str| Fault::new("InvalidConfigurationRequest", why);
    let mut zones = Vec::new();
    let mut vpc_id = None;
    for id in &new.subnet_ids {
        let subnet = (ec2.subnet(id)).map_err(|_| {
            Fault::new(
                "SubnetNotFound",
                format!("The subnet ID '{id}' does not exist"),
            )
        })?;
        if *vpc_id.get_or_insert(&subnet.vpc_id) != &subnet.vpc_id {
            return Err(configuration("All subnets must belong to the same VPC"));
        }
        if zones.contains(&&subnet.zone) {
            return Err(configuration(
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            ));
        }
        zones.push(&subnet.zone);
    }
    let vpc_id = vpc_id.ok_or_else(|| Fault::new("ValidationError", "You must specify subnets"))?;
    if new.kind == Kind::Application && zones.len() < 2 {
        return Err(Fault::new(
            "ValidationError",
            "At least two subnets in two different Availability Zones must be specified",
        ));
    }
    let has_gateway =
        (ec2.internet_gateways.values()).any(|gateway| gateway.vpc_id.as_ref() == Some(vpc_id));
    if !new.internal && !has_gateway {
        return Err(Fault::new(
            "InvalidSubnet",
            format!("VPC {vpc_id} has no internet gateway"),
        ));
    }
    Ok(vpc_id.clone())
}

fn check_groups(ec2: &aws::ec2::Ec2, vpc_id: &str, group_ids: &[String]) -> Result<(), Fault> {
    for id in group_ids {
        if (ec2.security_group(id)).map_or(true, |group| group.vpc_id != vpc_id) {
            return Err(Fault::new(
                "InvalidSecurityGroup",
                format!("One or more security groups are invalid: {id}"),
            ));
        }
    }
    Ok(())
}

/// The refusal for a name or ARN that names nothing.
pub(super) fn not_found(name: &str) -> Fault {
    Fault::new(
        "LoadBalancerNotFound",
        format!("One or more load balancers not found: {name}"),
    )
}
