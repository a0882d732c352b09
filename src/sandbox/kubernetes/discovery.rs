//! Discovery: which groups, versions and kinds there are; one by one, or all in one answer.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::kinds::{self, Kind};
use super::refusal::Refusal;
use super::scale;
use super::server::Answer;

const AGGREGATED_V2: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const AGGREGATED_V2BETA1: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// The version of the server.
pub fn version(cluster: &Cluster) -> Value {
    let (major, minor) = cluster.version.split_once('.').unwrap_or(("1", "0"));
    json!({
        "major": major, "minor": minor, "gitVersion": format!("v{}.0-eks-sandbox", cluster.version),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "", "compiler": "", "platform": "linux/amd64",
    })
}

/// Groups with their versions, each with its kinds: the core first.
fn groups(cluster: &Cluster) -> BTreeMap<String, BTreeMap<String, Vec<Kind>>> {
    let mut groups: BTreeMap<String, BTreeMap<String, Vec<Kind>>> = BTreeMap::new();
    for kind in kinds::all(cluster) {
        groups
            .entry(kind.group.clone())
            .or_default()
            .entry(kind.version.clone())
            .or_default()
            .push(kind);
    }
    groups
}

/// Answers a discovery path: empty, `api`, `apis` or under them.
///
/// # Errors
/// When there is no such group or version.
pub fn answer(cluster: &Cluster, path: &str, accept: &str) -> Result<Answer, Refusal> {
    let groups = groups(cluster);
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let ["api" | "apis"] = segments.as_slice()
        && accept.contains("APIGroupDiscoveryList")
    {
        return Ok(aggregated(&groups, segments[0] == "api", accept));
    }
    let document = match segments.as_slice() {
        [] => {
            json!({"paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]})
        }
        ["api"] => {
            json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        }
        ["apis"] => {
            let groups: Vec<Value> = groups
                .iter()
                .filter(|(group, _)| !group.is_empty())
                .map(|(group, versions)| group_document(group, versions))
                .collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["apis", group] => {
            let versions = groups.get(*group).ok_or_else(Refusal::no_such_path)?;
            let mut document = group_document(group, versions);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        ["api", version] => resources(
            "",
            version,
            groups.get("").and_then(|all| all.get(*version)),
        )?,
        ["apis", group, version] => {
            let kinds = groups.get(*group).and_then(|all| all.get(*version));
            resources(group, version, kinds)?
        }
        _ => return Err(Refusal::no_such_path()),
    };
    Ok(Answer::Document(StatusCode::OK, document))
}

fn group_document(group: &str, versions: &BTreeMap<String, Vec<Kind>>) -> Value {
    let entry = |version: &String| json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let mut entries: Vec<Value> = versions.keys().map(entry).collect();
    // `v1` before `v1beta1` and `v1alpha1`.
    entries.sort_by_key(|entry| {
        let version = entry["version"].as_str().unwrap_or_default();
        (version.contains("alpha"), version.contains("beta"))
    });
    json!({"name": group, "versions": entries, "preferredVersion": entries[0]})
}

fn resources(group: &str, version: &str, kinds: Option<&Vec<Kind>>) -> Result<Value, Refusal> {
    let kinds = kinds.ok_or_else(Refusal::no_such_path)?;
    let mut entries = Vec::new();
    for kind in kinds {
        let mut entry = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": kind.verbs(),
        });
        if !kind.short_names.is_empty() {
            entry["shortNames"] = json!(kind.short_names);
        }
        if !kind.categories.is_empty() {
            entry["categories"] = json!(kind.categories);
        }
        entries.push(entry);
        for (part, group, version, name) in subresources(kind) {
            let mut entry = json!({
                "name": format!("{}/{part}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": name, "verbs": ["get", "patch", "update"],
            });
            if part == "scale" {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            entries.push(entry);
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries,
    }))
}

/// The subresources of a kind, each with group, version and kind of its document.
fn subresources(kind: &Kind) -> Vec<(&'static str, String, String, String)> {
    let mut parts = Vec::new();
    if kind.status {
        let (group, version) = (kind.group.clone(), kind.version.clone());
        parts.push(("status", group, version, kind.kind.clone()));
    }
    if scale::has(kind) {
        let owned = str::to_owned;
        parts.push(("scale", owned("autoscaling"), owned("v1"), owned("Scale")));
    }
    parts
}

fn aggregated(
    groups: &BTreeMap<String, BTreeMap<String, Vec<Kind>>>,
    core: bool,
    accept: &str,
) -> Answer {
    let (content_type, version) = if accept.contains("v=v2;") || accept.ends_with("v=v2") {
        (AGGREGATED_V2, "v2")
    } else {
        (AGGREGATED_V2BETA1, "v2beta1")
    };
    let items: Vec<Value> = groups
        .iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let mut entries: Vec<Value> = versions
                .iter()
                .map(|(version, kinds)| {
                    let resources: Vec<Value> = kinds.iter().map(aggregated_resource).collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            entries.sort_by_key(|entry| {
                let version = entry["version"].as_str().unwrap_or_default();
                (version.contains("alpha"), version.contains("beta"))
            });
            let metadata = if core {
                json!({})
            } else {
                json!({"name": group})
            };
            json!({"metadata": metadata, "versions": entries})
        })
        .collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {}, "items": items,
    });
    Answer::Bytes(content_type, document.to_string().into_bytes())
}

fn aggregated_resource(kind: &Kind) -> Value {
    let parts: Vec<Value> = subresources(kind)
        .into_iter()
        .map(|(part, group, version, name)| {
            json!({
                "subresource": part, "verbs": ["get", "patch", "update"],
                "responseKind": {"group": group, "version": version, "kind": name},
            })
        })
        .collect();
    let mut entry = json!({
        "resource": kind.plural, "singularResource": kind.singular, "verbs": kind.verbs(),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "shortNames": kind.short_names, "categories": kind.categories,
    });
    if !parts.is_empty() {
        entry["subresources"] = parts.into();
    }
    entry
}
