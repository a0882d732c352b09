//! `bootstrap.agent`: the objects of the deploy agent's published manifest or chart, placed in its namespace. What the agent
//! makes for itself at run time (its secrets, their contents, its default project) is not among them and stays its own.

use serde_json::{Value, json};

use super::object::ObjectKind;
use super::release::{Part, kind_of, parts};
use super::seconds;
use crate::address::Address;
use crate::resources::{Context, Desired};

/// The kind `bootstrap.agent`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.agent",
    desired,
    usual: seconds(60, 30),
};

/// What has to be there before an Application, and to live until after it: the types, and what acts on them.
pub fn controllers(context: &Context<'_>) -> Vec<Address> {
    parts(context)
        .iter()
        .filter(|part| part.kind.name == KIND.name)
        .flat_map(Part::controllers)
        .collect()
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    parts(context)
        .iter()
        .filter(|part| part.kind.name == KIND.name)
        .flat_map(|part| part.desired(context))
        .collect()
}

/// A binding names the namespace of its service accounts, which the published manifest can't know.
pub fn bound_to(mut manifest: Value, namespace: &str) -> Value {
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
        let bound = bound_to(binding, "deploy");
        assert_eq!(bound["subjects"][0]["namespace"], "deploy");
        assert_eq!(bound["subjects"][1].get("namespace"), None);
        assert_eq!(bound["metadata"].get("namespace"), None);
    }
}
