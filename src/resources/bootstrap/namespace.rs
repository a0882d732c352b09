//! `bootstrap.namespace`: the namespaces of the file, and those of what is published.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::object::ObjectKind;
use super::release::{kind_of, parts};
use super::seconds;
use crate::address::Address;
use crate::environment::model::is_in_every_cluster;
use crate::resources::{Context, Desired};

/// The kind `bootstrap.namespace`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.namespace",
    desired,
    usual: seconds(2, 1),
};

/// What tells a namespace that somebody publishes, with labels say, from those that the file only names.
pub const ANNOTATION_PUBLISHED: &str = "groundwork.dev/published";

/// The address of a namespace.
pub fn address(name: &str) -> Address {
    Address::of(&["bootstrap", "namespace", name])
}

/// Every namespace that we make, with what is to be applied: those of the file, those that what is published stands
/// in, and those that it brings itself.
pub fn names(context: &Context<'_>) -> BTreeMap<String, Value> {
    let parts = parts(context);
    let bootstrap = context.environment.bootstrap.iter();
    let mut names: BTreeMap<String, Value> = bootstrap
        .flat_map(|bootstrap| {
            let ingress = bootstrap.ingress.iter().map(|ingress| &ingress.namespace);
            let agent = bootstrap.agent.iter().map(|agent| &agent.namespace);
            let releases = bootstrap
                .releases
                .values()
                .map(|release| &release.namespace);
            let own = bootstrap.namespaces.iter();
            own.chain(ingress).chain(agent).chain(releases)
        })
        .filter(|name| !is_there(context, name))
        .map(|name| (name.clone(), manifest(name)))
        .collect();
    let published = parts.iter().flat_map(|part| part.objects);
    let published = published.chain(&context.published.namespaces);
    for object in published.filter(|object| kind_of(&object.manifest) == "Namespace") {
        if let Some(name) = object.manifest["metadata"]["name"].as_str()
            && !is_there(context, name)
        {
            let mut manifest = object.manifest.clone();
            manifest["metadata"]["annotations"][ANNOTATION_PUBLISHED] = json!("true");
            names.insert(name.to_owned(), manifest);
        }
    }
    names
}

/// Whether a namespace of this name is there without us: in every cluster, or as the file says.
fn is_there(context: &Context<'_>, name: &str) -> bool {
    let mut bootstrap = context.environment.bootstrap.iter();
    let told = bootstrap.any(|it| it.existing_namespaces.contains(name));
    told || is_in_every_cluster(name)
}

fn manifest(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let names = names(context).into_iter();
    names
        .map(|(name, manifest)| KIND.object(context.ownership, address(&name), manifest))
        .collect()
}
