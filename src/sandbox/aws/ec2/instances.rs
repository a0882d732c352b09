//! Instances. Groundwork launches none itself: managed node groups do, through the functions here.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Attachment, Instance, InstanceState, Tags};
use super::{Task, interfaces, later, security_groups};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// pending → running.
const START_SECS: u64 = 15;
/// shutting-down → terminated.
const TERMINATE_SECS: u64 = 30;
/// How long AWS lists a terminated instance.
const LISTED_SECS: u64 = 3600;

/// What a new instance shall be.
#[derive(Clone, Debug, Default)]
pub struct New {
    /// Its subnet.
    pub subnet_id: String,
    /// Its security groups; none means the network's default group.
    pub group_ids: Vec<String>,
    /// For example `t3.medium`.
    pub instance_type: String,
    /// The image, `ami-…`.
    pub image_id: String,
    /// Its tags.
    pub tags: Tags,
}

/// Launches an instance with one interface; answers its id.
///
/// # Errors
/// When subnet or groups don't exist, or the subnet is full.
pub fn launch(world: &mut World, region: &str, new: New) -> Result<String, Fault> {
    let id = world.ids.ec2(Kind::Instance.prefix());
    let ec2 = &world.region(region).ec2;
    let subnet = ec2.subnet(&new.subnet_id)?.clone();
    let group_ids = security_groups::given_or_default(ec2, &subnet.vpc_id, new.group_ids);
    let interface = interfaces::New {
        subnet_id: new.subnet_id.clone(),
        group_ids,
        public_ip: subnet.map_public_ip.then_some(interfaces::PublicIp::Lent),
        attachment: Some(Attachment::Instance(id.clone())),
        ..interfaces::New::default()
    };
    let interface_id = interfaces::create(world, region, interface)?;
    let launched = world.now;
    let ec2 = &mut world.region(region).ec2;
    let interface = ec2.interface(&interface_id)?;
    let instance = Instance {
        vpc_id: subnet.vpc_id,
        subnet_id: new.subnet_id,
        group_ids: interface.group_ids.clone(),
        instance_type: new.instance_type,
        image_id: new.image_id,
        private_ip: interface.private_ip,
        interface_id: Some(interface_id),
        state: InstanceState::Pending,
        launched,
    };
    ec2.instances.insert(id.clone(), instance);
    ec2.add_tags(&id, new.tags);
    later(world, region, START_SECS, Task::InstanceRuns(id.clone()));
    Ok(id)
}

/// Terminates an instance; one that is on its way already stays on it.
///
/// # Errors
/// When there is none of this id.
pub fn terminate(world: &mut World, region: &str, id: &str) -> Result<(), Fault> {
    let instance = world.region(region).ec2.instance_mut(id)?;
    match instance.state {
        InstanceState::ShuttingDown | InstanceState::Terminated => {}
        InstanceState::Pending | InstanceState::Running => {
            instance.state = InstanceState::ShuttingDown;
            let task = Task::InstanceTerminated(id.to_owned());
            later(world, region, TERMINATE_SECS, task);
        }
    }
    Ok(())
}

/// pending → running, unless it was terminated meanwhile.
pub(super) fn started(world: &mut World, region: &str, id: &str) {
    if let Ok(instance) = world.region(region).ec2.instance_mut(id)
        && instance.state == InstanceState::Pending
    {
        instance.state = InstanceState::Running;
    }
}

/// shutting-down → terminated: its interface goes.
pub(super) fn terminated(world: &mut World, region: &str, id: &str) {
    let Ok(instance) = world.region(region).ec2.instance_mut(id) else {
        return;
    };
    instance.state = InstanceState::Terminated;
    if let Some(interface) = instance.interface_id.take() {
        // Somebody may have removed the interface first; then it is gone as it should be.
        let _ = interfaces::delete(world, region, &interface);
    }
    later(
        world,
        region,
        LISTED_SECS,
        Task::InstanceForgotten(id.to_owned()),
    );
}

/// AWS lists it no more.
pub(super) fn forgotten(world: &mut World, region: &str, id: &str) {
    let ec2 = &mut world.region(region).ec2;
    ec2.instances.remove(id);
    ec2.forget(id);
}

/// DescribeInstances; each instance is a reservation of its own.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "reservationSet",
        ids: "InstanceId",
        kind: Some(Kind::Instance),
        id_member: "instancesSet.instanceId",
        filters: &[
            (
                "availability-zone",
                "instancesSet.placement.availabilityZone",
            ),
            ("image-id", "instancesSet.imageId"),
            ("instance-id", "instancesSet.instanceId"),
            ("instance-state-code", "instancesSet.instanceState.code"),
            ("instance-state-name", "instancesSet.instanceState.name"),
            ("instance-type", "instancesSet.instanceType"),
            ("instance.group-id", "instancesSet.groupSet.groupId"),
            ("instance.group-name", "instancesSet.groupSet.groupName"),
            ("owner-id", "ownerId"),
            ("private-ip-address", "instancesSet.privateIpAddress"),
            ("reservation-id", "reservationId"),
            ("subnet-id", "instancesSet.subnetId"),
            ("vpc-id", "instancesSet.vpcId"),
        ],
    };
    let view = View::of(world, &call.region);
    let all = (view.ec2.instances.iter())
        .map(|(id, instance)| {
            let reservation = Fields::new()
                .with("reservationId", id.replacen("i-", "r-", 1))
                .with("ownerId", view.account)
                .with("groupSet", Reply::List("item", Vec::new()))
                .list("instancesSet", "item", [reply(&view, id, instance)]);
            (id.clone(), reservation.into())
        })
        .collect();
    describe::answer(call, &listing, all)
}

fn reply(view: &View<'_>, id: &str, instance: &Instance) -> Fields {
    let (code, name) = match instance.state {
        InstanceState::Pending => (0, "pending"),
        InstanceState::Running => (16, "running"),
        InstanceState::ShuttingDown => (32, "shutting-down"),
        InstanceState::Terminated => (48, "terminated"),
    };
    let zone = (view.ec2.subnets.get(&instance.subnet_id)).map(|subnet| &subnet.zone);
    let groups = interfaces::group_replies(view.ec2, &instance.group_ids);
    let public_ip = (instance.interface_id.as_ref())
        .and_then(|id| view.ec2.interfaces.get(id)?.public_ip)
        .map(|ip| ip.to_string());
    let fields = Fields::new()
        .with("instanceId", id)
        .with("imageId", &instance.image_id)
        .with(
            "instanceState",
            Fields::new().with("code", code).with("name", name),
        )
        .with("instanceType", &instance.instance_type)
        .with("launchTime", instance.launched)
        .with(
            "placement",
            Fields::new()
                .maybe("availabilityZone", zone)
                .with("tenancy", "default"),
        )
        .with("architecture", "x86_64")
        .with("tagSet", view.tag_set(id));
    if instance.state == InstanceState::Terminated {
        return fields;
    }
    fields
        .with("vpcId", &instance.vpc_id)
        .with("subnetId", &instance.subnet_id)
        .with("privateIpAddress", instance.private_ip.to_string())
        .maybe("ipAddress", public_ip)
        .list("groupSet", "item", groups)
}
