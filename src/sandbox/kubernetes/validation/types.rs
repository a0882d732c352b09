//! Types and names of fields: what does not fit the published API types is refused, as strict decoding does.

use k8s_openapi::api::{apps, autoscaling, batch, core, networking, policy, rbac, storage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::sandbox::kubernetes::defaults::quantities_as_text;
use crate::sandbox::kubernetes::kinds::Kind;
use crate::sandbox::kubernetes::refusal::Refusal;

/// Refuses fields of a wrong type and, where `strict`, fields that the kind does not have.
///
/// # Errors
/// `BadRequest`, naming type or fields.
pub fn check(kind: &Kind, object: &Value, strict: bool) -> Result<(), Refusal> {
    let (name, version) = (&kind.kind, &kind.version);
    let unread = |why: String| {
        let what = format!("{name} in version {version:?} cannot be handled as a {name}");
        Err(Refusal::bad_request(format!("{what}: {why}")))
    };
    match unknown(kind, object) {
        Some(Err(error)) => unread(error.to_string()),
        Some(Ok(fields)) if strict && !fields.is_empty() => {
            let fields = fields
                .iter()
                .map(|field| format!("unknown field {field:?}"));
            let list: Vec<String> = fields.collect();
            unread(format!("strict decoding error: {}", list.join(", ")))
        }
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Refuses an applied document with fields of a wrong type, or with fields that the kind does not have: server-side
/// apply can't do without a type, and says so with the status of a server that failed.
///
/// # Errors
/// Such a failure, naming the first field.
pub fn check_applied(kind: &Kind, object: &Value) -> Result<(), Refusal> {
    match unknown(kind, object) {
        Some(Err(error)) => Err(Refusal::unfit(kind, object, &error.to_string())),
        Some(Ok(fields)) => match fields.first() {
            Some(field) => {
                let why = format!(".{field}: field not declared in schema");
                Err(Refusal::unfit(kind, object, &why))
            }
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// The fields that the kind does not have, or why the document can't be read as one; none for kinds that are not read.
fn unknown(kind: &Kind, object: &Value) -> Option<Result<Vec<String>, serde_json::Error>> {
    if kind.custom {
        return None;
    }
    Some(match kind.kind.as_str() {
        "ConfigMap" => unknown_fields::<core::v1::ConfigMap>(object),
        "Namespace" => unknown_fields::<core::v1::Namespace>(object),
        "PersistentVolumeClaim" => unknown_fields::<core::v1::PersistentVolumeClaim>(object),
        "Pod" => unknown_fields::<core::v1::Pod>(object),
        "Secret" => unknown_fields::<core::v1::Secret>(object),
        "Service" => unknown_fields::<core::v1::Service>(object),
        "ServiceAccount" => unknown_fields::<core::v1::ServiceAccount>(object),
        "Deployment" => unknown_fields::<apps::v1::Deployment>(object),
        "StatefulSet" => unknown_fields::<apps::v1::StatefulSet>(object),
        "DaemonSet" => unknown_fields::<apps::v1::DaemonSet>(object),
        "Job" => unknown_fields::<batch::v1::Job>(object),
        "CronJob" => unknown_fields::<batch::v1::CronJob>(object),
        "HorizontalPodAutoscaler" => {
            unknown_fields::<autoscaling::v2::HorizontalPodAutoscaler>(object)
        }
        "Ingress" => unknown_fields::<networking::v1::Ingress>(object),
        "IngressClass" => unknown_fields::<networking::v1::IngressClass>(object),
        "NetworkPolicy" => unknown_fields::<networking::v1::NetworkPolicy>(object),
        "PodDisruptionBudget" => unknown_fields::<policy::v1::PodDisruptionBudget>(object),
        "Role" => unknown_fields::<rbac::v1::Role>(object),
        "RoleBinding" => unknown_fields::<rbac::v1::RoleBinding>(object),
        "ClusterRole" => unknown_fields::<rbac::v1::ClusterRole>(object),
        "ClusterRoleBinding" => unknown_fields::<rbac::v1::ClusterRoleBinding>(object),
        "StorageClass" => unknown_fields::<storage::v1::StorageClass>(object),
        _ => return None,
    })
}

/// Reads the document as the type and finds what the type had no room for.
fn unknown_fields<T: DeserializeOwned + Serialize>(
    object: &Value,
) -> Result<Vec<String>, serde_json::Error> {
    let mut document = object.clone();
    quantities_as_text(&mut document);
    let known = serde_json::to_value(T::deserialize(&document)?)?;
    let mut missing = Vec::new();
    collect_missing("", &document, &known, &mut missing);
    Ok(missing)
}

fn collect_missing(path: &str, given: &Value, known: &Value, missing: &mut Vec<String>) {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            for (name, value) in given {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match known.get(name) {
                    Some(known) => collect_missing(&path, value, known, missing),
                    None if says_nothing(value) => {}
                    None => missing.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (at, (given, known)) in given.iter().zip(known).enumerate() {
                collect_missing(&format!("{path}[{at}]"), given, known, missing);
            }
        }
        _ => {}
    }
}

/// Nulls and empty values may be left out when a typed object is written.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kubernetes::cluster::Cluster;
    use crate::sandbox::kubernetes::kinds;
    use serde_json::json;

    fn message(object: &Value) -> String {
        let kind = kinds::stored(&Cluster::default(), "deployments.apps").unwrap();
        check(&kind, object, true)
            .err()
            .map(|refusal| refusal.message)
            .unwrap_or_default()
    }

    #[test]
    fn wrong_types_and_unknown_fields_are_refused() {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 1, "selector": {}, "template": {"spec": {"containers": [
                {"name": "a", "resources": {"limits": {"cpu": 1}}},
            ]}}},
        });
        assert_eq!(message(&object), "");
        object["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x".into();
        assert!(
            message(&object).ends_with(
                "strict decoding error: unknown field \"spec.template.spec.containers[0].imagee\""
            ),
            "{}",
            message(&object)
        );
        object["spec"]["replicas"] = "two".into();
        assert!(message(&object).contains("cannot be handled as a Deployment"));
    }
}
