//! `bootstrap.agent`: the objects of the deploy agent's published manifest, placed in its namespace. What the agent
//! makes for itself at run time (its secrets, their contents, its default project) is not among them and stays its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::object::{ObjectKind, placed};
use super::{in_namespace, nodes, seconds};
use crate::address::Address;
use crate::resources::{Context, Desired};
use crate::state::Recorded;

/// The kind `bootstrap.agent`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.agent",
    desired,
    usual: seconds(60, 30),
};

/// Kinds whose objects run pods.
pub fn runs_pods(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job")
}

fn kind_of(manifest: &Value) -> &str {
    manifest["kind"].as_str().unwrap_or_default()
}

fn address(manifest: &Value) -> Address {
    let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
    let kind = kind_of(manifest).to_ascii_lowercase();
    Address::of(&["bootstrap", "agent", &kind, name])
}

/// What has to be there before an Application, and to live until after it: the types, and what acts on them.
pub fn controllers(context: &Context<'_>) -> Vec<Address> {
    let acts = |manifest: &&Value| {
        kind_of(manifest) == "CustomResourceDefinition" || runs_pods(kind_of(manifest))
    };
    context
        .agent_manifest
        .iter()
        .filter(acts)
        .map(address)
        .collect()
}

/// The objects of the manifest as they were applied, for those who have no use for the published one.
pub fn remembered_manifest(recorded: &BTreeMap<Address, Recorded>) -> Vec<Value> {
    let objects = recorded.values().filter(|object| object.kind == KIND.name);
    objects
        .filter_map(|object| object.fields.get("manifest").cloned())
        .collect()
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let bootstrap = context.environment.bootstrap.as_ref();
    let Some(agent) = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) else {
        return Vec::new();
    };
    let objects = context.agent_manifest.iter();
    // Pods that find everything in place start once instead of crashing until they do.
    let settings: BTreeSet<Address> = objects
        .clone()
        .filter(|manifest| !runs_pods(kind_of(manifest)))
        .map(address)
        .collect();
    objects
        .map(|manifest| {
            let placed = bound_to(placed(manifest.clone(), &agent.namespace), &agent.namespace);
            let in_a_namespace = placed["metadata"].get("namespace").is_some();
            let mut desired = KIND.object(context.ownership, address(manifest), placed);
            if in_a_namespace {
                desired = in_namespace(desired, &agent.namespace);
            }
            if runs_pods(kind_of(manifest)) {
                desired.depends_on.extend(settings.iter().cloned());
                desired.depends_on.extend(nodes(context));
            }
            desired
        })
        .collect()
}

/// A binding names the namespace of its service accounts, which the published manifest can't know.
fn bound_to(mut manifest: Value, namespace: &str) -> Value {
    if kind_of(&manifest).ends_with("RoleBinding")
        && let Some(subjects) = manifest["subjects"].as_array_mut()
    {
        for subject in subjects {
            if subject["kind"] == "ServiceAccount" {
                subject["namespace"] = json!(namespace);
            }
        }
    }
    manifest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bindings_name_the_agents_own_service_accounts() {
        let binding = json!({
            "kind": "ClusterRoleBinding", "metadata": {"name": "argocd-server"},
            "subjects": [{"kind": "ServiceAccount", "name": "argocd-server", "namespace": "argocd"},
                         {"kind": "Group", "name": "admins"}],
        });
        let bound = bound_to(placed(binding, "deploy"), "deploy");
        assert_eq!(bound["subjects"][0]["namespace"], "deploy");
        assert_eq!(bound["subjects"][1].get("namespace"), None);
        assert_eq!(bound["metadata"].get("namespace"), None);
        let account = placed(
            json!({"kind": "ServiceAccount", "metadata": {"name": "a"}}),
            "deploy",
        );
        assert_eq!(account["metadata"]["namespace"], "deploy");
    }
}
