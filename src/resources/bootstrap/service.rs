//! Services of type LoadBalancer: who makes the load balancer, and what it is to be like.

use kube::Client;
use serde_json::{Map, Value, json};

use super::api;
use super::id::ObjectId;
use crate::cloud::Fault;
use crate::environment::model::{Ingress, IngressTls};
use crate::resources::Context;

/// What the names of the annotations begin with that the makers of load balancers read.
const ANNOTATION: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// The class of EKS Auto Mode's network load balancers.
const AUTO_MODE: &str = "eks.amazonaws.com/nlb";

/// The sort of load balancer that a Service has, by what its makers go by: a class, or else the type for the controller
/// that is in every cluster, which makes classic ones without it. None for a Service that has no load balancer.
pub fn balancer(object: &Value) -> Option<String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    if text("/kind") != Some("Service") || text("/spec/type") != Some("LoadBalancer") {
        return None;
    }
    let annotations = &object["metadata"]["annotations"];
    let asked = annotations[format!("{ANNOTATION}type")].as_str();
    let sort = text("/spec/loadBalancerClass").or(asked);
    Some(sort.unwrap_or("classic").to_owned())
}

/// The class of new Services that name none, if the cluster has one: Auto Mode gives them its own
/// (<https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html>).
fn class(context: &Context<'_>) -> Option<&'static str> {
    let cluster = context.environment.cluster.as_ref();
    cluster?.auto_mode.as_ref().map(|_| AUTO_MODE)
}

/// The sort of load balancer that the Service will have, once the cluster has added what it adds. What another's cluster
/// adds nobody told us, so that there none is asked for.
pub fn balancer_in(context: &Context<'_>, object: &Value) -> Option<String> {
    context.environment.cluster.as_ref()?;
    let asked = balancer(object)?;
    let named = object.pointer("/spec/loadBalancerClass").is_some();
    let given = class(context).filter(|_| !named);
    Some(given.map_or(asked, str::to_owned))
}

/// Has the Service of the ingress controller get its network load balancer from Auto Mode where the cluster has it, and
/// else from the controller that is in every cluster.
///
/// What Auto Mode reads, and that it wants the class and not the type:
/// <https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-nlb.html>. That the other makes a TLS target group for
/// `ssl`: `EnsureLoadBalancer` in `pkg/providers/v1/aws.go` of <https://github.com/kubernetes/cloud-provider-aws>. That Auto
/// Mode takes `ssl` as the AWS Load Balancer Controller does, whose annotations it shares, is inferred.
pub fn balanced(context: &Context<'_>, ingress: &Ingress, mut service: Value) -> Value {
    let class = class(context);
    if let Some(class) = class {
        service["spec"]["loadBalancerClass"] = json!(class);
    }
    let ours = context.environment.cluster.is_some();
    service["metadata"]["annotations"] = annotations(ingress, ours.then_some(class.is_some()));
    service
}

/// `by_auto_mode` is none where only the cluster knows, which is another's. Where Auto Mode or the AWS Load Balancer Controller is at
/// work there, it gives the class to every new Service that names none, whatever its annotations, and goes by that:
/// `webhooks/core/service_mutator.go` of <https://github.com/kubernetes-sigs/aws-load-balancer-controller>.
fn annotations(ingress: &Ingress, by_auto_mode: Option<bool>) -> Value {
    let mut annotations = Map::new();
    let mut say = |name: &str, value: &str| {
        annotations.insert(format!("{ANNOTATION}{name}"), json!(value));
    };
    // Who makes the load balancer passes over what only the other one reads: Auto Mode goes by the class, and the other
    // faces the internet unless it is asked not to.
    if by_auto_mode != Some(false) {
        say("scheme", "internet-facing");
    }
    if by_auto_mode != Some(true) {
        say("type", "nlb");
    }
    if let Some(IngressTls::LoadBalancer { certificate }) = &ingress.tls {
        say("ssl-cert", certificate);
        say("ssl-ports", "443");
        // Encrypted anew on the way to the nodes, so that the ingress controller knows how it was asked.
        say("backend-protocol", "ssl");
    }
    annotations.into()
}

/// How those who make load balancers say that they can't: the controllers of cloud providers, the AWS Load Balancer Controller and
/// MetalLB.
const REFUSED: [&str; 4] = [
    "SyncLoadBalancerFailed",
    "FailedBuildModel",
    "FailedDeployModel",
    "AllocationFailed",
];

/// How the first of them say that they try.
const TRYING: &str = "EnsuringLoadBalancer";

/// Why a Service that has been waiting for its load balancer gets none: what whoever should make it said last, or that
/// nobody in the cluster does. Who makes them says that it does by a finalizer, or by an event.
///
/// # Errors
/// The fault of a call.
pub async fn no_balancer(client: &Client, id: &ObjectId) -> Result<Option<String>, Fault> {
    let Some(service) = api::get(client, id).await? else {
        return Ok(None);
    };
    let uid = service["metadata"]["uid"].as_str().unwrap_or_default();
    let events = api::events(client, &id.namespace, uid).await?;
    let nobody = service["metadata"]["finalizers"].is_null() && events.is_empty();
    Ok(match refusal(&events) {
        Some(refused) => Some(format!("no load balancer is made: {refused}")),
        None if nobody => Some(
            "nothing in the cluster makes load balancers: install what does (for kind cloud-provider-kind, elsewhere \
             MetalLB, say), or bring the ingress controller as a chart whose Service is of another type"
                .to_owned(),
        ),
        None => None,
    })
}

/// What whoever makes load balancers said last, if that is why there is none.
fn refusal(events: &[Value]) -> Option<&str> {
    let reason = |event: &Value| event["reason"].as_str().unwrap_or_default().to_owned();
    let is_refused = |event: &Value| REFUSED.contains(&&*reason(event));
    let told = events
        .iter()
        .filter(|event| is_refused(event) || reason(event) == TRYING);
    let last = told.max_by_key(|event| {
        let at = ["lastTimestamp", "eventTime"].map(|at| event[at].as_str());
        // Of one second, so that the refusal counts, and not that it was tried.
        (at[0].or(at[1]), is_refused(event))
    })?;
    last["message"].as_str().filter(|_| is_refused(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_the_load_balancer_is_told_by_class_and_type() {
        let mut service = json!({"kind": "Service", "spec": {"type": "LoadBalancer"}});
        assert_eq!(balancer(&service).as_deref(), Some("classic"));
        service["metadata"]["annotations"][format!("{ANNOTATION}type")] = json!("nlb");
        assert_eq!(balancer(&service).as_deref(), Some("nlb"));
        service["spec"]["loadBalancerClass"] = json!("eks.amazonaws.com/nlb");
        let by_class = balancer(&service);
        assert_eq!(by_class.as_deref(), Some("eks.amazonaws.com/nlb"));
        service["spec"]["type"] = json!("ClusterIP");
        assert_eq!(balancer(&service), None);
        assert_eq!(balancer(&json!({"kind": "Deployment"})), None);
    }

    #[test]
    fn what_the_maker_of_load_balancers_said_last_counts() {
        let event = |at: &str, reason: &str| json!({"lastTimestamp": at, "reason": reason, "message": format!("{reason}!")});
        let (first, second) = ("2026-11-21T10:00:00Z", "2026-11-21T10:00:05Z");
        let failed = || event(first, "SyncLoadBalancerFailed");
        assert_eq!(refusal(&[failed()]), Some("SyncLoadBalancerFailed!"));
        assert_eq!(
            refusal(&[failed(), event(first, TRYING)]),
            Some("SyncLoadBalancerFailed!")
        );
        assert_eq!(refusal(&[event(second, TRYING), failed()]), None);
        let other = event(second, "FailedToUpdateEndpointSlices");
        assert_eq!(refusal(std::slice::from_ref(&other)), None);
        assert_eq!(refusal(&[failed(), other]), Some("SyncLoadBalancerFailed!"));
    }
}
