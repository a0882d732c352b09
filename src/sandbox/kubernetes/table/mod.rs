//! Server-side printing: objects as rows of a table, or reduced to their metadata, where a client asks for that.

mod columns;
mod text;

use serde_json::{Value, json};

use super::kinds::Kind;
use super::query::Query;
use crate::sandbox::time::SimTime;

/// In which form a client wants objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Whole,
    /// As rows, each with its object's metadata, the whole object or nothing beside.
    Table(Beside),
    /// Their metadata alone.
    Metadata,
}

/// What comes with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The metadata.
    Metadata,
    /// The object.
    Object,
    /// Nothing.
    Nothing,
}

impl Form {
    /// Reads the form from the request's `Accept`.
    pub fn of(accept: &str, query: &Query) -> Self {
        if accept.contains("as=Table") {
            Self::Table(match query.text("includeObject") {
                "Object" => Beside::Object,
                "None" => Beside::Nothing,
                _ => Beside::Metadata,
            })
        } else if accept.contains("as=PartialObjectMetadata") {
            Self::Metadata
        } else {
            Self::Whole
        }
    }

    /// An object or a list in this form.
    pub fn shown(self, kind: &Kind, document: Value, now: SimTime) -> Value {
        let is_list =
            document["kind"] == format!("{}List", kind.kind) && document["items"].is_array();
        match self {
            Self::Whole => document,
            Self::Metadata if is_list => {
                let items: Vec<Value> = items(&document).iter().map(metadata_of).collect();
                json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                    "metadata": document["metadata"], "items": items,
                })
            }
            Self::Metadata => metadata_of(&document),
            Self::Table(beside) => table(kind, &document, is_list, beside, now),
        }
    }
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

fn metadata_of(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

fn table(kind: &Kind, document: &Value, is_list: bool, beside: Beside, now: SimTime) -> Value {
    let columns = columns::of(kind);
    let objects = if is_list {
        items(document)
    } else {
        std::slice::from_ref(document)
    };
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let cells: Vec<Value> = columns
                .iter()
                .map(|column| column.cell(object, now))
                .collect();
            let beside = match beside {
                Beside::Metadata => metadata_of(object),
                Beside::Object => object.clone(),
                Beside::Nothing => Value::Null,
            };
            json!({"cells": cells, "object": beside})
        })
        .collect();
    let definitions: Vec<Value> = columns
        .iter()
        .map(|column| {
            let format = if column.name == "Name" { "name" } else { "" };
            json!({
                "name": column.name, "type": column.kind, "format": format,
                "description": "", "priority": column.priority,
            })
        })
        .collect();
    let metadata = json!({
        "resourceVersion": document["metadata"]["resourceVersion"],
        "continue": document["metadata"].get("continue").cloned().unwrap_or_default(),
    });
    let mut table = json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions, "rows": rows,
    });
    if table["metadata"]["continue"].is_null() {
        table["metadata"] = json!({"resourceVersion": document["metadata"]["resourceVersion"]});
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kubernetes::cluster::Cluster;
    use crate::sandbox::kubernetes::kinds;

    #[test]
    fn a_service_is_printed_as_kubectl_shows_it() {
        let kind = kinds::stored(&Cluster::default(), "services").unwrap();
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"type": "LoadBalancer", "clusterIP": "172.20.0.11", "ports": [
                {"port": 80, "nodePort": 30000, "protocol": "TCP"}, {"port": 443, "protocol": "TCP"},
            ]},
        });
        let form = Form::of(
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            &Query::default(),
        );
        let table = form.shown(&kind, service, SimTime::EPOCH.after_secs(90));
        assert_eq!(
            table["rows"][0]["cells"],
            json!([
                "web",
                "LoadBalancer",
                "172.20.0.11",
                "<pending>",
                "80:30000/TCP,443/TCP",
                "90s",
                "<none>"
            ])
        );
        assert_eq!(table["columnDefinitions"][0]["format"], "name");
    }
}
