//! Services of type LoadBalancer: who makes the load balancer, and what it is to be like.

use serde_json::{Map, Value, json};

use crate::environment::model::{Ingress, IngressTls};

/// What the names of the annotations begin with that the makers of load balancers read.
const ANNOTATION: &str = "service.beta.kubernetes.io/aws-load-balancer-";

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

/// The annotations by which the Service of the ingress controller gets its network load balancer.
pub fn annotations(ingress: &Ingress) -> Value {
    let mut annotations = Map::new();
    let mut say = |name: &str, value: &str| {
        annotations.insert(format!("{ANNOTATION}{name}"), json!(value));
    };
    say("type", "nlb");
    if let Some(IngressTls::LoadBalancer { certificate }) = &ingress.tls {
        say("ssl-cert", certificate);
        say("ssl-ports", "443");
        // Encrypted anew on the way to the nodes, so that the ingress controller knows how it was asked.
        say("backend-protocol", "ssl");
    }
    annotations.into()
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
}
