//! The API of classic load balancers, as far as it takes to see them and to be rid of them. Kubernetes makes one for
//! each Service of type LoadBalancer that does not ask for another sort.

use super::{Kind, LoadBalancer, load_balancers};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};
use crate::sandbox::world::World;

/// DescribeLoadBalancers: those named, or all.
pub(super) fn describe_load_balancers(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let names = call.params.texts("LoadBalancerNames");
    let elbv2 = &world.region(&call.region).elbv2;
    let classic: Vec<&LoadBalancer> = (elbv2.load_balancers.values())
        .filter(|balancer| balancer.kind == Kind::Classic)
        .collect();
    let is_there = |name: &&String| classic.iter().any(|balancer| balancer.name == **name);
    if let Some(name) = names.iter().find(|name| !is_there(name)) {
        let message = format!("There is no ACTIVE Load Balancer named '{name}'");
        return Err(Fault::new("LoadBalancerNotFound", message));
    }
    let asked = (classic.into_iter())
        .filter(|balancer| names.is_empty() || names.contains(&balancer.name))
        .map(reply);
    Ok(Fields::new()
        .list("LoadBalancerDescriptions", "member", asked)
        .into())
}

/// DeleteLoadBalancer; deleting one that is not there succeeds, as in AWS.
pub(super) fn delete_load_balancer(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.params.required("LoadBalancerName")?;
    let elbv2 = &world.region(&call.region).elbv2;
    let named = (elbv2.load_balancers.iter())
        .find(|(_, balancer)| balancer.kind == Kind::Classic && balancer.name == name);
    if let Some(arn) = named.map(|(arn, _)| arn.clone()) {
        load_balancers::delete(world, &call.region, &arn);
    }
    Ok(Reply::empty())
}

fn reply(balancer: &LoadBalancer) -> Fields {
    let scheme = if balancer.internal {
        "internal"
    } else {
        "internet-facing"
    };
    Fields::new()
        .with("LoadBalancerName", &balancer.name)
        .with("DNSName", &balancer.dns_name)
        .with("CreatedTime", balancer.created)
        .with("Scheme", scheme)
        .with("VPCId", &balancer.vpc_id)
        .with("Subnets", Reply::texts("member", &balancer.subnet_ids))
        .with(
            "SecurityGroups",
            Reply::texts("member", &balancer.group_ids),
        )
}
