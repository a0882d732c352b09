//! What the API server refuses about an object: bad names, missing fields, impossible values, forbidden changes.

mod changes;
mod names;
mod types;
mod workloads;

use serde_json::{Value, json};

pub use types::{check as check_types, check_applied};

use super::defaults::template_path;
use super::kinds::{Kind, is_built_in_group};
use super::object::{list, name, text, texts};
use super::refusal::{Cause, Refusal};

/// Refuses an object that can't be created or can't become what `before` was.
///
/// # Errors
/// `Invalid`, with every cause at once.
pub fn check(kind: &Kind, object: &Value, before: Option<&Value>) -> Result<(), Refusal> {
    let mut causes = names::check(kind, object);
    causes.extend(contents(kind, object));
    if let Some(before) = before {
        causes.extend(changes::check(kind, before, object));
    }
    if causes.is_empty() {
        Ok(())
    } else {
        Err(Refusal::invalid(kind, name(object), &causes))
    }
}

fn contents(kind: &Kind, object: &Value) -> Vec<Cause> {
    if kind.custom {
        return Vec::new();
    }
    let mut causes = Vec::new();
    if let Some(template) = template_path(&kind.kind) {
        causes.extend(workloads::check(&kind.kind, object, template));
    }
    match kind.kind.as_str() {
        "Pod" => causes.extend(workloads::check_pod_spec(object, "/spec")),
        "Service" => causes.extend(service(object)),
        "ConfigMap" => causes.extend(keys(object, &["data", "binaryData"])),
        "Secret" => causes.extend(secret(object)),
        "Ingress" => causes.extend(ingress(object)),
        "PersistentVolumeClaim" => causes.extend(claim(object)),
        "CustomResourceDefinition" => causes.extend(definition(object)),
        "RoleBinding" | "ClusterRoleBinding" => {
            for field in ["kind", "name"] {
                if text(object, &format!("/roleRef/{field}")).is_empty() {
                    causes.push(Cause::required(format!("roleRef.{field}"), ""));
                }
            }
        }
        "StorageClass" if text(object, "/provisioner").is_empty() => {
            causes.push(Cause::required("provisioner", ""));
        }
        "CronJob" if text(object, "/spec/schedule").is_empty() => {
            causes.push(Cause::required("spec.schedule", ""));
        }
        _ => {}
    }
    causes
}

/// Refuses a value that is given and none of `allowed`.
fn one_of(object: &Value, field: &str, allowed: &[&str]) -> Option<Cause> {
    let value = object.pointer(&format!("/{}", field.replace('.', "/")))?;
    let known = value.as_str().is_some_and(|text| allowed.contains(&text));
    (!known).then(|| Cause::unsupported(field, value, allowed))
}

fn service(object: &Value) -> Vec<Cause> {
    let mut causes: Vec<Cause> = [
        one_of(
            object,
            "spec.type",
            &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
        ),
        one_of(object, "spec.sessionAffinity", &["ClientIP", "None"]),
    ]
    .into_iter()
    .flatten()
    .collect();
    let ports = list(object, "/spec/ports");
    let needs_none =
        text(object, "/spec/type") == "ExternalName" || text(object, "/spec/clusterIP") == "None";
    if ports.is_empty() && !needs_none {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (at, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{at}]");
        if !port["port"]
            .as_i64()
            .is_some_and(|number| (1..=65_535).contains(&number))
        {
            causes.push(Cause::invalid(
                format!("{field}.port"),
                &port["port"],
                "must be between 1 and 65535, inclusive",
            ));
        }
        if ports.len() > 1 && text(port, "/name").is_empty() {
            causes.push(Cause::required(format!("{field}.name"), ""));
        }
        let twice = ports[..at]
            .iter()
            .any(|other| other["port"] == port["port"] && other["protocol"] == port["protocol"]);
        if twice {
            causes.push(Cause::duplicate(
                field,
                &json!({"port": port["port"], "protocol": port["protocol"]}),
            ));
        }
    }
    causes
}

/// Keys of data are names of files.
fn keys(object: &Value, maps: &[&str]) -> Vec<Cause> {
    const WHY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    maps.iter()
        .flat_map(|map| {
            object[*map]
                .as_object()
                .into_iter()
                .flatten()
                .map(move |(key, _)| (map, key))
        })
        .filter(|(_, key)| {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            key.is_empty() || key.len() > 253 || !key.chars().all(fits)
        })
        .map(|(map, key)| Cause::invalid(format!("{map}[{key}]"), &json!(key), WHY))
        .collect()
}

fn secret(object: &Value) -> Vec<Cause> {
    use base64::Engine as _;
    let mut causes = keys(object, &["data"]);
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let is_base64 = value.as_str().is_some_and(|text| {
            base64::engine::general_purpose::STANDARD
                .decode(text)
                .is_ok()
        });
        if !is_base64 {
            // The value itself stays out of the message: it is a secret, however malformed.
            let hidden = json!("<redacted>");
            causes.push(Cause::invalid(
                format!("data[{key}]"),
                &hidden,
                "illegal base64 data",
            ));
        }
    }
    causes
}

fn ingress(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let rules = list(object, "/spec/rules");
    if rules.is_empty() && object.pointer("/spec/defaultBackend").is_none() {
        causes.push(Cause::invalid(
            "spec",
            &json!(null),
            "either `defaultBackend` or `rules` must be specified",
        ));
    }
    for (rule_at, rule) in rules.iter().enumerate() {
        for (at, path) in list(rule, "/http/paths").iter().enumerate() {
            let field = format!("spec.rules[{rule_at}].http.paths[{at}]");
            if text(path, "/pathType").is_empty() {
                causes.push(Cause::required(
                    format!("{field}.pathType"),
                    "pathType must be specified",
                ));
            }
            if text(path, "/backend/service/name").is_empty()
                && path.pointer("/backend/resource").is_none()
            {
                causes.push(Cause::required(
                    format!("{field}.backend"),
                    "must specify one of service or resource",
                ));
            }
        }
    }
    causes
}

fn claim(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if list(object, "/spec/accessModes").is_empty() {
        causes.push(Cause::required(
            "spec.accessModes",
            "at least 1 access mode is required",
        ));
    }
    if text(object, "/spec/resources/requests/storage").is_empty() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
    causes
}

fn definition(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (plural, group) = (
        text(object, "/spec/names/plural"),
        text(object, "/spec/group"),
    );
    for (field, value) in [
        ("spec.group", group),
        ("spec.names.plural", plural),
        ("spec.names.kind", text(object, "/spec/names/kind")),
        ("spec.scope", text(object, "/spec/scope")),
    ] {
        if value.is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    if name(object) != format!("{plural}.{group}") {
        causes.push(Cause::invalid(
            "metadata.name",
            &object["metadata"]["name"],
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    if is_built_in_group(group) {
        causes.push(Cause::invalid(
            "spec.group",
            &json!(group),
            "the group is served by the API server itself",
        ));
    }
    causes.extend(one_of(object, "spec.scope", &["Cluster", "Namespaced"]));
    let versions = list(object, "/spec/versions");
    let stored = versions
        .iter()
        .filter(|version| version["storage"] == true)
        .count();
    if stored != 1 {
        causes.push(Cause::invalid(
            "spec.versions",
            &json!(versions.len()),
            "must have exactly one version marked as storage version",
        ));
    }
    for (at, version) in versions.iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none() {
            causes.push(Cause::required(
                format!("spec.versions[{at}].schema.openAPIV3Schema"),
                "schemas are required",
            ));
        }
    }
    for gone in texts(object, "/status/storedVersions") {
        if !versions.iter().any(|version| version["name"] == gone) {
            causes.push(Cause::invalid(
                "status.storedVersions",
                &json!(gone),
                "must appear in spec.versions",
            ));
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kubernetes::cluster::Cluster;
    use crate::sandbox::kubernetes::kinds;

    fn refused(resource: &str, object: &Value) -> String {
        let kind = kinds::stored(&Cluster::default(), resource).unwrap();
        check(&kind, object, None)
            .err()
            .map(|refusal| refusal.message)
            .unwrap_or_default()
    }

    #[test]
    fn impossible_objects_are_refused_with_all_causes() {
        let service = json!({
            "metadata": {"name": "9web", "namespace": "a"},
            "spec": {"type": "Loud", "ports": [{"port": 0}, {"port": 80, "name": "x"}]},
        });
        let message = refused("services", &service);
        for part in [
            "Service \"9web\" is invalid: [metadata.name: Invalid value: \"9web\": a DNS-1035 label",
            "spec.type: Unsupported value: \"Loud\"",
            "spec.ports[0].port: Invalid value: 0",
            "spec.ports[0].name: Required value",
        ] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }

    #[test]
    fn a_malformed_secret_is_refused_without_showing_it() {
        let secret = json!({"metadata": {"name": "a"}, "data": {"password": "hunter2!"}});
        let message = refused("secrets", &secret);
        assert!(message.contains("illegal base64"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_definition_needs_its_name_and_one_stored_version() {
        let definition = json!({
            "metadata": {"name": "sites.example.org"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "sites", "kind": "Site"},
                     "versions": [{"name": "v1", "served": true}]},
        });
        let message = refused(kinds::CRDS, &definition);
        assert!(message.contains("metadata.name"), "{message}");
        assert!(message.contains("exactly one version"), "{message}");
        assert!(message.contains("openAPIV3Schema"), "{message}");
    }
}
