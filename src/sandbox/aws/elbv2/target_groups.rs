//! Target groups and listeners.

use super::{Listener, TargetGroup};
use crate::sandbox::aws::Fault;
use crate::sandbox::aws::ec2::Tags;
use crate::sandbox::world::World;

/// Makes a target group; answers its ARN. One of this name and these settings is answered as it is.
///
/// # Errors
/// When the name is taken or the network doesn't exist.
pub fn create(
    world: &mut World,
    region: &str,
    group: TargetGroup,
    tags: Tags,
) -> Result<String, Fault> {
    let services = world.region(region);
    let existing =
        (services.elbv2.target_groups.iter()).find(|(_, other)| other.name == group.name);
    match existing {
        Some((arn, same)) if *same == group => return Ok(arn.clone()),
        Some(_) => {
            return Err(Fault::new(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    group.name
                ),
            ));
        }
        None => {}
    }
    if services.ec2.vpc(&group.vpc_id).is_err() {
        return Err(Fault::new(
            "ValidationError",
            format!("The VPC ID '{}' is not found", group.vpc_id),
        ));
    }
    let arn = format!(
        "arn:aws:elasticloadbalancing:{region}:{}:targetgroup/{}/{}",
        world.account,
        group.name,
        world.ids.hex(16)
    );
    let elbv2 = &mut world.region(region).elbv2;
    elbv2.target_groups.insert(arn.clone(), group);
    elbv2.add_tags(&arn, tags);
    Ok(arn)
}

/// Removes a target group; removing one that is not there succeeds, as in AWS.
///
/// # Errors
/// When a listener forwards to it.
pub fn delete(world: &mut World, region: &str, arn: &str) -> Result<(), Fault> {
    let elbv2 = &mut world.region(region).elbv2;
    if (elbv2.load_balancers.values())
        .flat_map(|balancer| balancer.listeners.values())
        .any(|listener| listener.target_group == arn)
    {
        return Err(Fault::new(
            "ResourceInUse",
            format!("Target group '{arn}' is currently in use by a listener or a rule"),
        ));
    }
    elbv2.target_groups.remove(arn);
    elbv2.tags.remove(arn);
    Ok(())
}

/// Adds a listener to a load balancer; answers its ARN.
///
/// # Errors
/// When load balancer or target group don't exist, or the port is taken.
pub fn listen(
    world: &mut World,
    region: &str,
    balancer_arn: &str,
    listener: Listener,
) -> Result<String, Fault> {
    let unique = world.ids.hex(16);
    let elbv2 = &mut world.region(region).elbv2;
    if !elbv2.target_groups.contains_key(&listener.target_group) {
        return Err(not_found(&listener.target_group));
    }
    let balancer = (elbv2.load_balancers.get_mut(balancer_arn))
        .ok_or_else(|| super::load_balancers::not_found(balancer_arn))?;
    if balancer
        .listeners
        .values()
        .any(|other| other.port == listener.port)
    {
        return Err(Fault::new(
            "DuplicateListener",
            "A listener already exists on this port for this load balancer",
        ));
    }
    let arn = format!(
        "{}/{unique}",
        balancer_arn.replacen(":loadbalancer/", ":listener/", 1)
    );
    balancer.listeners.insert(arn.clone(), listener);
    Ok(arn)
}

/// The refusal for an ARN that names nothing.
pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new(
        "TargetGroupNotFound",
        format!("Target group '{arn}' not found"),
    )
}
