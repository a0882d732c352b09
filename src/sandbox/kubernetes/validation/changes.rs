//! Changes that Kubernetes forbids: what is fixed once an object exists.

use serde_json::Value;

use crate::sandbox::kubernetes::kinds::Kind;
use crate::sandbox::kubernetes::object::text;
use crate::sandbox::kubernetes::refusal::Cause;

const IMMUTABLE: &str = "field is immutable";

/// Fields of a StatefulSet's specification that may change.
const STATEFUL_SET_MAY_CHANGE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn fixed(before: &Value, after: &Value, pointers: &[&str]) -> Vec<Cause> {
    pointers
        .iter()
        .filter(|pointer| before.pointer(pointer) != after.pointer(pointer))
        .map(|pointer| {
            let value = after.pointer(pointer).unwrap_or(&Value::Null);
            let field = pointer.trim_start_matches('/').replace('/', ".");
            Cause::invalid(field, value, IMMUTABLE)
        })
        .collect()
}

/// What is wrong with turning `before` into `after`.
pub fn check(kind: &Kind, before: &Value, after: &Value) -> Vec<Cause> {
    if kind.custom {
        return Vec::new();
    }
    match kind.kind.as_str() {
        "Deployment" | "ReplicaSet" | "DaemonSet" => fixed(before, after, &["/spec/selector"]),
        "StatefulSet" => stateful_set(before, after),
        "Job" => fixed(
            before,
            after,
            &[
                "/spec/selector",
                "/spec/template",
                "/spec/completionMode",
                "/spec/completions",
            ],
        ),
        "Service" => service(before, after),
        "Secret" => data(before, after, &["data"], &["/type"]),
        "ConfigMap" => data(before, after, &["data", "binaryData"], &[]),
        "RoleBinding" | "ClusterRoleBinding" if before["roleRef"] != after["roleRef"] => {
            vec![Cause::invalid(
                "roleRef",
                &after["roleRef"],
                "cannot change roleRef",
            )]
        }
        "PersistentVolumeClaim" => fixed(
            before,
            after,
            &[
                "/spec/accessModes",
                "/spec/storageClassName",
                "/spec/selector",
            ],
        ),
        "StorageClass" => fixed(
            before,
            after,
            &[
                "/provisioner",
                "/parameters",
                "/reclaimPolicy",
                "/volumeBindingMode",
            ],
        ),
        "IngressClass" => fixed(before, after, &["/spec/controller"]),
        "CustomResourceDefinition" => fixed(before, after, &["/spec/group", "/spec/scope"]),
        _ => Vec::new(),
    }
}

fn stateful_set(before: &Value, after: &Value) -> Vec<Cause> {
    let rest = |object: &Value| {
        let mut spec = object["spec"].as_object().cloned().unwrap_or_default();
        spec.retain(|name, _| !STATEFUL_SET_MAY_CHANGE.contains(&name.as_str()));
        spec
    };
    if rest(before) == rest(after) {
        return Vec::new();
    }
    vec![Cause::forbidden(
        "spec",
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
         'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    )]
}

fn service(before: &Value, after: &Value) -> Vec<Cause> {
    let both = |is: fn(&str) -> bool| [before, after].iter().all(|it| is(text(it, "/spec/type")));
    let class = |object: &Value| object["spec"]["loadBalancerClass"].clone();
    let mut causes = Vec::new();
    if both(|kind| kind != "ExternalName") {
        causes.extend(fixed(before, after, &["/spec/clusterIP"]));
    }
    if both(|kind| kind == "LoadBalancer") && class(before) != class(after) {
        let why = "may not change once set";
        causes.push(Cause::invalid("spec.loadBalancerClass", &class(after), why));
    }
    causes
}

fn data(before: &Value, after: &Value, maps: &[&str], always_fixed: &[&str]) -> Vec<Cause> {
    let mut causes = fixed(before, after, always_fixed);
    if before["immutable"] == true {
        let why = "field is immutable when `immutable` is set";
        if after["immutable"] != true {
            causes.push(Cause::forbidden("immutable", why));
        }
        for map in maps {
            if before[map] != after[map] {
                causes.push(Cause::forbidden(*map, why));
            }
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kubernetes::cluster::Cluster;
    use crate::sandbox::kubernetes::kinds;
    use serde_json::json;

    fn fields(resource: &str, before: Value, after: Value) -> Vec<String> {
        let kind = kinds::stored(&Cluster::default(), resource).unwrap();
        let causes = check(&kind, &before, &after);
        causes.into_iter().map(|cause| cause.field).collect()
    }

    #[test]
    fn what_is_fixed_stays() {
        for (resource, before, after, expected) in [
            (
                "deployments.apps",
                json!({"spec": {"selector": {"matchLabels": {"a": "1"}}}}),
                json!({"spec": {"selector": {"matchLabels": {"a": "2"}}}}),
                vec!["spec.selector"],
            ),
            (
                "services",
                json!({"spec": {"clusterIP": "172.20.0.11"}}),
                json!({"spec": {"clusterIP": "172.20.0.12"}}),
                vec!["spec.clusterIP"],
            ),
            (
                "secrets",
                json!({"immutable": true, "type": "Opaque", "data": {"a": "eA=="}}),
                json!({"immutable": true, "type": "Other", "data": {"a": "eQ=="}}),
                vec!["type", "data"],
            ),
            (
                "statefulsets.apps",
                json!({"spec": {"serviceName": "a", "replicas": 1}}),
                json!({"spec": {"serviceName": "b", "replicas": 2}}),
                vec!["spec"],
            ),
            (
                "statefulsets.apps",
                json!({"spec": {"serviceName": "a", "replicas": 1}}),
                json!({"spec": {"serviceName": "a", "replicas": 2}}),
                vec![],
            ),
            (
                "jobs.batch",
                json!({"spec": {"template": {"spec": {"containers": []}}}}),
                json!({"spec": {"template": {"spec": {"containers": [1]}}}}),
                vec!["spec.template"],
            ),
        ] {
            assert_eq!(fields(resource, before, after), expected, "{resource}");
        }
    }
}
