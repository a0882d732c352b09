//! `bootstrap.namespace`: the namespaces of the file, and those of the ingress controller and the agent.

use std::collections::BTreeSet;

use serde_json::json;

use super::object::ObjectKind;
use super::seconds;
use crate::address::Address;
use crate::environment::model::Bootstrap;
use crate::resources::{Context, Desired};

/// The kind `bootstrap.namespace`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.namespace",
    desired,
    usual: seconds(2, 1),
};

/// The address of a namespace.
pub fn address(name: &str) -> Address {
    Address::of(&["bootstrap", "namespace", name])
}

fn names(bootstrap: &Bootstrap) -> BTreeSet<&str> {
    let ingress = bootstrap.ingress.iter().map(|ingress| &ingress.namespace);
    let agent = bootstrap.agent.iter().map(|agent| &agent.namespace);
    let names = bootstrap.namespaces.iter().chain(ingress).chain(agent);
    names.map(String::as_str).collect()
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let names = context.environment.bootstrap.as_ref().map(names);
    let names = names.into_iter().flatten();
    names
        .map(|name| {
            let manifest =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            KIND.object(context.ownership, address(name), manifest)
        })
        .collect()
}
