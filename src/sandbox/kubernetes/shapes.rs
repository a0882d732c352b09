//! How lists and maps are merged: as a whole, field by field, by key, or as a set.
//!
//! For built-in kinds a table says so, for the kinds that we apply; for custom ones the schema of their definition.

use serde_json::Value;

use super::object::{list, texts};

/// How a value is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a whole: scalars, and lists and maps with one owner.
    Whole,
    /// Field by field, by fields that the kind names.
    Structure,
    /// Field by field, by free keys.
    Map,
    /// A list whose elements are told apart by these fields.
    Keyed(Vec<String>),
    /// A list of scalars, each on its own.
    Set,
}

/// The shapes of one kind's fields.
#[derive(Clone, Copy, Debug)]
pub struct Shapes<'a> {
    kind: &'a str,
    custom: bool,
    schema: Option<&'a Value>,
}

/// Maps that have one owner.
const WHOLE_MAPS: &[&str] = &[
    "selector",
    "labelSelector",
    "podSelector",
    "namespaceSelector",
    "nodeSelector",
    "secretKeyRef",
    "configMapKeyRef",
    "fieldRef",
    "resourceFieldRef",
    "roleRef",
    "targetRef",
    "involvedObject",
    "claimRef",
    "secretRef",
    "nodeAffinity",
];

/// Maps with free keys.
const FREE_MAPS: &[&str] = &[
    "metadata",
    "labels",
    "annotations",
    "data",
    "stringData",
    "binaryData",
    "limits",
    "requests",
    "capacity",
    "allocatable",
    "hard",
    "parameters",
    "volumeAttributes",
];

/// Lists of built-in kinds by name and keys; a list that isn't here is merged as a whole.
const KEYED_LISTS: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    (
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("conditions", &["type"]),
    ("webhooks", &["name"]),
    ("addresses", &["type"]),
];

impl<'a> Shapes<'a> {
    /// The shapes of a built-in kind.
    pub const fn built_in(kind: &'a str) -> Self {
        Self {
            kind,
            custom: false,
            schema: None,
        }
    }

    /// The shapes of a custom kind, by its version's `openAPIV3Schema`.
    pub fn custom(kind: &'a str, schema: Option<&'a Value>) -> Self {
        Self {
            kind,
            custom: true,
            schema,
        }
    }

    /// How `value` at `path` is merged. The path names fields only: elements of lists are looked through.
    pub fn of(&self, path: &[&str], value: &Value) -> Shape {
        match value {
            Value::Object(_) => self.of_map(path),
            Value::Array(elements) => self.of_list(path, elements),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Shape::Whole,
        }
    }

    fn of_map(&self, path: &[&str]) -> Shape {
        let Some(name) = path.last() else {
            return Shape::Map;
        };
        if self.custom && path[0] != "metadata" {
            return match self.schema_at(path).map(element_schema) {
                Some(schema) if schema["x-kubernetes-map-type"] == "atomic" => Shape::Whole,
                Some(schema) if schema["properties"].is_object() => Shape::Structure,
                _ => Shape::Map,
            };
        }
        if WHOLE_MAPS.contains(name) {
            Shape::Whole
        } else if FREE_MAPS.contains(name) {
            Shape::Map
        } else {
            Shape::Structure
        }
    }

    fn of_list(&self, path: &[&str], elements: &[Value]) -> Shape {
        let keyed = |keys: &[&str]| Shape::Keyed(keys.iter().map(ToString::to_string).collect());
        match path {
            ["metadata", "finalizers"] => return Shape::Set,
            ["metadata", "ownerReferences"] => return keyed(&["uid"]),
            _ => {}
        }
        let shape = if self.custom {
            self.of_custom_list(path)
        } else {
            match (self.kind, path) {
                ("Service", ["spec", "ports"]) => keyed(&["port", "protocol"]),
                ("ServiceAccount", ["secrets"]) => keyed(&["name"]),
                (_, [.., "containers" | "initContainers", "ports"]) => {
                    keyed(&["containerPort", "protocol"])
                }
                ("Pod", ["spec", "imagePullSecrets"])
                | (_, [.., "template", "spec", "imagePullSecrets"]) => keyed(&["name"]),
                (_, [.., name]) => KEYED_LISTS
                    .iter()
                    .find(|(list, _)| list == name)
                    .map_or(Shape::Whole, |(_, keys)| keyed(keys)),
                (_, []) => Shape::Whole,
            }
        };
        let keys_there = |keys: &[String]| {
            elements
                .iter()
                .all(|element| element.get(&keys[0]).is_some())
        };
        match shape {
            Shape::Keyed(keys) if keys.is_empty() || !keys_there(&keys) => Shape::Whole,
            shape => shape,
        }
    }

    fn of_custom_list(&self, path: &[&str]) -> Shape {
        let Some(schema) = self.schema_at(path) else {
            return Shape::Whole;
        };
        match schema["x-kubernetes-list-type"].as_str() {
            Some("map") => Shape::Keyed(
                texts(schema, "/x-kubernetes-list-map-keys")
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            ),
            Some("set") => Shape::Set,
            _ => Shape::Whole,
        }
    }

    /// The schema of what stands at `path`.
    fn schema_at(&self, path: &[&str]) -> Option<&'a Value> {
        let mut schema = self.schema?;
        for name in path {
            schema = element_schema(schema);
            schema = match schema["properties"].get(name) {
                Some(field) => field,
                None => schema
                    .get("additionalProperties")
                    .filter(|free| free.is_object())?,
            };
        }
        Some(schema)
    }
}

/// The schema of a list's elements, or of what is no list.
fn element_schema(mut schema: &Value) -> &Value {
    while schema["items"].is_object() {
        schema = &schema["items"];
    }
    schema
}

/// The element of `fieldsV1` for an element of a keyed list. An absent protocol is TCP, as its schema says.
pub fn key_element(keys: &[String], value: &Value) -> String {
    let mut found = serde_json::Map::new();
    for key in keys {
        let value = match value.get(key) {
            Some(value) => value.clone(),
            None if key == "protocol" => "TCP".into(),
            None => continue,
        };
        found.insert(key.clone(), value);
    }
    format!("k:{}", Value::Object(found))
}

/// The element of `fieldsV1` for an element of a set.
pub fn set_element(value: &Value) -> String {
    format!("v:{value}")
}

/// The field by which a strategic merge patch tells a list's elements apart, `None` if it replaces the list.
pub fn patch_merge_key(path: &[&str]) -> Option<&'static str> {
    match path {
        ["metadata", "ownerReferences"] => Some("uid"),
        [.., "containers" | "initContainers", "ports"] => Some("containerPort"),
        ["spec", "ports"] => Some("port"),
        [.., "imagePullSecrets"] | ["secrets"] => Some("name"),
        [.., "topologySpreadConstraints"] => Some("topologyKey"),
        [.., name] => KEYED_LISTS
            .iter()
            .find(|(list, _)| list == name)
            .map(|(_, keys)| keys[0]),
        [] => None,
    }
}

/// The schema of one version of a custom resource definition.
pub fn schema_of<'a>(definition: &'a Value, version: &str) -> Option<&'a Value> {
    list(definition, "/spec/versions")
        .iter()
        .find(|found| found["name"] == version)?
        .pointer("/schema/openAPIV3Schema")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_custom_kind_is_merged_by_its_schema() {
        let schema = json!({"properties": {"spec": {"properties": {
            "routes": {
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["host"],
                "items": {"properties": {"tags": {"x-kubernetes-list-type": "set"}}},
            },
            "free": {"additionalProperties": {}},
        }}}});
        let shapes = Shapes::custom("Site", Some(&schema));
        let routes = json!([{"host": "a"}]);
        assert_eq!(
            shapes.of(&["spec", "routes"], &routes),
            Shape::Keyed(vec!["host".to_owned()])
        );
        assert_eq!(
            shapes.of(&["spec", "routes", "tags"], &json!([])),
            Shape::Set
        );
        assert_eq!(shapes.of(&["spec", "free"], &json!({})), Shape::Map);
        assert_eq!(shapes.of(&["spec", "other"], &json!([])), Shape::Whole);
    }

    #[test]
    fn ports_are_told_apart_by_number_and_protocol() {
        let ports = json!([{"port": 80}]);
        let Shape::Keyed(keys) = Shapes::built_in("Service").of(&["spec", "ports"], &ports) else {
            panic!("not keyed");
        };
        assert_eq!(
            key_element(&keys, &ports[0]),
            r#"k:{"port":80,"protocol":"TCP"}"#
        );
    }
}
