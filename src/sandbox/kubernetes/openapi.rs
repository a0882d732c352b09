//! OpenAPI, as much as kubectl asks of it: which kinds take a dry run and validate fields, and what `explain` shows.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::cluster::Cluster;
use super::kinds::{self, Kind};
use super::refusal::Refusal;
use super::server::Answer;
use super::shapes::schema_of;

const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Answers `openapi/v2`, `openapi/v3` and `openapi/v3/…`.
///
/// # Errors
/// When there is no such document.
pub fn answer(cluster: &Cluster, path: &str, accept: &str) -> Result<Answer, Refusal> {
    let kinds = kinds::all(cluster);
    let document = match path {
        "openapi/v2" if accept.contains("protobuf") => {
            return Ok(Answer::Bytes(PROTOBUF, v2_protobuf(&kinds)));
        }
        "openapi/v2" => v2_json(&kinds),
        "openapi/v3" => v3_index(&kinds),
        _ => {
            let wanted = path
                .strip_prefix("openapi/v3/")
                .ok_or_else(Refusal::no_such_path)?;
            v3(cluster, &kinds, wanted)?
        }
    };
    Ok(Answer::Document(StatusCode::OK, document))
}

/// `api/v1` or `apis/apps/v1`.
fn root(kind: &Kind) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}", kind.api_version())
    }
}

fn collection_path(kind: &Kind) -> String {
    let within = if kind.namespaced {
        "namespaces/{namespace}/"
    } else {
        ""
    };
    format!("/{}/{within}{}", root(kind), kind.plural)
}

fn group_version_kind(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

const QUERY_PARAMETERS: [&str; 4] = ["dryRun", "fieldManager", "fieldValidation", "force"];

fn v2_json(kinds: &[Kind]) -> Value {
    let parameters: Vec<Value> = QUERY_PARAMETERS
        .iter()
        .map(|name| json!({"name": name, "in": "query", "type": "string", "uniqueItems": true}))
        .collect();
    let paths: Map<String, Value> = kinds
        .iter()
        .map(|kind| {
            let patch = json!({
                "parameters": parameters, "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": group_version_kind(kind),
            });
            (format!("{}/{{name}}", collection_path(kind)), json!({"patch": patch}))
        })
        .collect();
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": "sandbox"}, "paths": paths, "definitions": {},
    })
}

fn v3_index(kinds: &[Kind]) -> Value {
    let paths: Map<String, Value> = kinds
        .iter()
        .map(|kind| {
            let root = root(kind);
            let url = format!("/openapi/v3/{root}");
            (root, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": paths})
}

fn v3(cluster: &Cluster, kinds: &[Kind], wanted: &str) -> Result<Value, Refusal> {
    let parameters: Vec<Value> = QUERY_PARAMETERS
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}))
        .collect();
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for kind in kinds.iter().filter(|kind| root(kind) == wanted) {
        let schema_name = schema_name(kind);
        let content = json!({"application/json": {
            "schema": {"$ref": format!("#/components/schemas/{schema_name}")},
        }});
        let operation = |action: &str, parameters: &[Value]| {
            json!({
                "parameters": parameters, "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": group_version_kind(kind),
                "responses": {"200": {"description": "OK", "content": content}},
            })
        };
        let collection = collection_path(kind);
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({"get": operation("get", &[]), "patch": operation("patch", &parameters)}),
        );
        paths.insert(collection, json!({"get": operation("list", &[])}));
        schemas.insert(schema_name, schema(cluster, kind));
    }
    if paths.is_empty() {
        return Err(Refusal::no_such_path());
    }
    Ok(json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "sandbox"},
        "paths": paths, "components": {"schemas": schemas},
    }))
}

fn schema_name(kind: &Kind) -> String {
    let mut parts: Vec<&str> = kind.group.split('.').rev().collect();
    parts.retain(|part| !part.is_empty());
    parts.extend([kind.version.as_str(), kind.kind.as_str()]);
    parts.join(".")
}

fn schema(cluster: &Cluster, kind: &Kind) -> Value {
    let own = cluster
        .get(kinds::CRDS, "", &kind.storage())
        .and_then(|definition| schema_of(definition, &kind.version))
        .cloned();
    let mut schema = own.unwrap_or_else(|| {
        let open = |description: String| {
            json!({"type": "object", "description": description, "x-kubernetes-preserve-unknown-fields": true})
        };
        json!({
            "type": "object", "description": format!("{} as the sandbox keeps it.", kind.kind),
            "properties": {
                "spec": open(format!("What the {} shall be.", kind.kind)),
                "status": open(format!("What the {} is.", kind.kind)),
            },
        })
    });
    for (field, described) in [
        ("apiVersion", "The version of this document's form."),
        ("kind", "The kind of this document."),
    ] {
        schema["properties"][field] = json!({"type": "string", "description": described});
    }
    schema["properties"]["metadata"] =
        json!({"type": "object", "description": "What every object has."});
    schema["x-kubernetes-group-version-kind"] = json!([group_version_kind(kind)]);
    schema
}

/// A length-delimited field of a protobuf message.
fn field(number: u64, content: &[u8]) -> Vec<u8> {
    let mut bytes = varint(number << 3 | 2);
    bytes.extend(varint(content.len() as u64));
    bytes.extend_from_slice(content);
    bytes
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// The document of version 2 in the only form in which older kubectl reads it. The numbers are those of the
/// fields of gnostic's `openapi.v2.Document`.
fn v2_protobuf(kinds: &[Kind]) -> Vec<u8> {
    let parameters: Vec<u8> = QUERY_PARAMETERS
        .iter()
        .flat_map(|name| {
            // Operation.parameters → ParametersItem.parameter → Parameter.non_body_parameter → query: in, name, type.
            let query = [
                field(2, b"query"),
                field(4, name.as_bytes()),
                field(6, b"string"),
            ]
            .concat();
            field(8, &field(1, &field(2, &field(3, &query))))
        })
        .collect();
    let mut paths = Vec::new();
    for kind in kinds {
        let meaning = group_version_kind(kind).to_string();
        let extension = [
            field(1, b"x-kubernetes-group-version-kind"),
            field(2, &field(2, meaning.as_bytes())),
        ]
        .concat();
        let operation = [parameters.clone(), field(13, &extension)].concat();
        let path = format!("{}/{{name}}", collection_path(kind));
        // NamedPathItem: name, and PathItem.patch as its value.
        let item = [field(1, path.as_bytes()), field(2, &field(8, &operation))].concat();
        paths.extend(field(2, &item));
    }
    let info = [field(1, b"Kubernetes"), field(2, b"sandbox")].concat();
    [field(1, b"2.0"), field(2, &info), field(8, &paths)].concat()
}
