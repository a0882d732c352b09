//! Endpoints and endpoint slices: which ready pods stand behind a Service.

use serde_json::{Value, json};

use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete};
use crate::sandbox::kubernetes::object::{
    condition, controller_reference, is_going, labels, list, name, namespace, selects, set, text,
    text_map, uid,
};

const SLICES: &str = "endpointslices.discovery.k8s.io";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for service in editor.cluster.snapshot("services") {
        let selector = text_map(&service, "/spec/selector");
        if !is_going(&service) && !selector.is_empty() {
            publish(editor, &service);
        }
    }
    for endpoints in editor.cluster.snapshot("endpoints") {
        let is_ours = labels(&endpoints).contains_key(MANAGED_BY);
        let service = editor
            .cluster
            .get("services", namespace(&endpoints), name(&endpoints));
        if is_ours && service.is_none() {
            delete(
                editor,
                "endpoints",
                &key_of(&endpoints),
                Propagation::Background,
            );
        }
    }
}

fn publish(editor: &mut Editor<'_>, service: &Value) {
    let selector = text_map(service, "/spec/selector");
    let pods: Vec<Value> = editor
        .cluster
        .within("pods", namespace(service))
        .filter(|pod| {
            selects(&selector, &labels(pod)) && !is_going(pod) && condition(pod, "Ready") == "True"
        })
        .cloned()
        .collect();
    let ports: Vec<Value> = list(service, "/spec/ports")
        .iter()
        .map(|port| {
            let number = target_port(port, pods.first());
            // An unnamed port has the empty name, which kubectl counts on.
            let name = port.get("name").cloned().unwrap_or_else(|| "".into());
            json!({"port": number, "protocol": port["protocol"], "name": name})
        })
        .collect();
    let reference = |pod: &Value| json!({"kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": uid(pod)});
    let addresses: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod)})
        })
        .collect();
    let subsets = if addresses.is_empty() {
        json!([])
    } else {
        json!([{"addresses": addresses, "ports": ports}])
    };
    let mut metadata = json!({
        "name": name(service), "namespace": namespace(service), "labels": {MANAGED_BY: "endpoint-controller"},
    });
    let endpoints = editor.create(
        "endpoints",
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}),
    );
    editor.edit("endpoints", &key_of(&endpoints), |endpoints| {
        set(endpoints, "/subsets", subsets);
    });
    let short: String = uid(service).chars().take(5).collect();
    set(&mut metadata, "/name", format!("{}-{short}", name(service)));
    set(
        &mut metadata,
        "/labels",
        json!({"kubernetes.io/service-name": name(service), "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}),
    );
    set(
        &mut metadata,
        "/ownerReferences",
        json!([controller_reference(service)]),
    );
    let slice = editor.create(
        SLICES,
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata,
            "addressType": "IPv4",
        }),
    );
    let backends: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({
                "addresses": [pod["status"]["podIP"]], "nodeName": pod["spec"]["nodeName"],
                "conditions": {"ready": true, "serving": true, "terminating": false}, "targetRef": reference(pod),
            })
        })
        .collect();
    editor.edit(SLICES, &key_of(&slice), |slice| {
        set(slice, "/endpoints", backends);
        set(slice, "/ports", ports);
    });
}

/// The number behind a target port: its own, or that of the container port of this name.
fn target_port(port: &Value, pod: Option<&Value>) -> Value {
    let Some(wanted) = port["targetPort"].as_str() else {
        return port["targetPort"].clone();
    };
    list(pod.unwrap_or(&Value::Null), "/spec/containers")
        .iter()
        .flat_map(|container| list(container, "/ports"))
        .find(|port| text(port, "/name") == wanted)
        .map_or(Value::Null, |port| port["containerPort"].clone())
}
