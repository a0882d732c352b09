//! How objects end: deletion with finalizers, garbage collection by owner, and namespaces that terminate.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cluster::{Editor, key_of};
use super::object::{
    add_finalizer, drop_finalizer, has_finalizer, is_going, list, name, remove, set, set_condition,
    text, texts, uid,
};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// How long a namespace takes to notice that it shall go (inferred).
const NAMESPACE_SWEEP_SECONDS: u64 = 5;

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They follow later.
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

/// Deletes an object as far as finalizers allow: `None` once it is gone, else what remains of it.
pub fn delete(
    editor: &mut Editor<'_>,
    resource: &str,
    key: &str,
    propagation: Propagation,
) -> Option<Value> {
    let mut object = editor.cluster.objects.get(resource)?.get(key)?.clone();
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => add_finalizer(&mut object, FOREGROUND),
        Propagation::Orphan => add_finalizer(&mut object, ORPHAN),
    }
    if !is_going(&object) {
        set(&mut object, "/metadata/deletionTimestamp", editor.time());
        set(&mut object, "/metadata/deletionGracePeriodSeconds", 0);
        if let Some(generation) = object["metadata"]["generation"].as_i64() {
            set(&mut object, "/metadata/generation", generation + 1);
        }
        if resource == "namespaces" {
            set(&mut object, "/status/phase", "Terminating");
        }
    }
    if is_finished(&object) {
        editor.cluster.take(resource, key);
        return None;
    }
    Some(editor.cluster.put(resource, object))
}

/// Whether nothing holds an object back that shall go.
pub fn is_finished(object: &Value) -> bool {
    is_going(object)
        && texts(object, "/metadata/finalizers").is_empty()
        && (object["kind"] != "Namespace" || texts(object, "/spec/finalizers").is_empty())
}

/// Changes an object that may end by it.
pub fn release(
    editor: &mut Editor<'_>,
    resource: &str,
    key: &str,
    change: impl FnOnce(&mut Value),
) {
    editor.edit(resource, key, change);
    let found = editor
        .cluster
        .objects
        .get(resource)
        .and_then(|all| all.get(key));
    if found.is_some_and(is_finished) {
        editor.cluster.take(resource, key);
    }
}

/// Every object with the resource it belongs to.
fn everything(editor: &Editor<'_>) -> Vec<(String, String, Value)> {
    let objects = &editor.cluster.objects;
    objects
        .iter()
        .flat_map(|(resource, all)| {
            all.iter()
                .map(move |(key, object)| (resource.clone(), key.clone(), object.clone()))
        })
        .collect()
}

/// Deletes what lost its owners, and lets owners go whose dependents are gone.
pub fn collect_garbage(editor: &mut Editor<'_>) {
    let owned: Vec<(String, String, Value)> = everything(editor)
        .into_iter()
        .filter(|(_, _, object)| !list(object, "/metadata/ownerReferences").is_empty())
        .collect();
    let alive: BTreeSet<String> = editor
        .cluster
        .objects
        .values()
        .flat_map(|all| all.values())
        .map(|object| uid(object).to_owned())
        .collect();
    for (resource, key, object) in &owned {
        let references = list(object, "/metadata/ownerReferences");
        let has_owner = references
            .iter()
            .any(|reference| alive.contains(text(reference, "/uid")));
        if !has_owner && !is_going(object) {
            delete(editor, resource, key, Propagation::Background);
        }
    }
    let held: Vec<(String, String, Value)> = everything(editor)
        .into_iter()
        .filter(|(_, _, object)| {
            is_going(object) && (has_finalizer(object, FOREGROUND) || has_finalizer(object, ORPHAN))
        })
        .collect();
    for (resource, key, owner) in held {
        let dependents = owned.iter().filter(|(_, _, object)| {
            list(object, "/metadata/ownerReferences")
                .iter()
                .any(|reference| reference["uid"] == uid(&owner))
        });
        if has_finalizer(&owner, ORPHAN) {
            for (resource, key, _) in dependents {
                editor.edit(resource, key, |object| disown(object, uid(&owner)));
            }
            release(editor, &resource, &key, |object| {
                drop_finalizer(object, ORPHAN);
            });
        } else {
            let mut remain = false;
            for (resource, key, _) in dependents {
                remain |= delete(editor, resource, key, Propagation::Foreground).is_some();
            }
            if !remain {
                release(editor, &resource, &key, |object| {
                    drop_finalizer(object, FOREGROUND);
                });
            }
        }
    }
}

fn disown(object: &mut Value, owner: &str) {
    let mut references = list(object, "/metadata/ownerReferences").to_vec();
    references.retain(|reference| reference["uid"] != owner);
    if references.is_empty() {
        remove(object, "/metadata/ownerReferences");
    } else {
        set(object, "/metadata/ownerReferences", references);
    }
}

/// Empties the namespaces that shall go, and ends those that are empty.
pub fn end_namespaces(editor: &mut Editor<'_>) {
    for namespace in editor.cluster.snapshot("namespaces") {
        if !is_going(&namespace) {
            continue;
        }
        let timer = format!("namespace/{}", uid(&namespace));
        if !editor
            .cluster
            .has_passed(timer, NAMESPACE_SWEEP_SECONDS, editor.now)
        {
            continue;
        }
        let within = format!("{}/", name(&namespace));
        for (resource, key, _) in everything(editor) {
            if key.starts_with(&within) {
                delete(editor, &resource, &key, Propagation::Background);
            }
        }
        let remaining: Vec<(String, String, Value)> = everything(editor)
            .into_iter()
            .filter(|(_, key, _)| key.starts_with(&within))
            .collect();
        let key = key_of(&namespace);
        if remaining.is_empty() {
            release(editor, "namespaces", &key, |namespace| {
                remove(namespace, "/spec/finalizers");
            });
        } else {
            let now = editor.time();
            editor.edit("namespaces", &key, |namespace| {
                report_remaining(namespace, &remaining, &now);
            });
        }
    }
}

fn report_remaining(namespace: &mut Value, remaining: &[(String, String, Value)], now: &str) {
    let mut resources: Vec<String> = Vec::new();
    let mut finalizers: Vec<String> = Vec::new();
    let kinds: BTreeSet<&String> = remaining.iter().map(|(resource, _, _)| resource).collect();
    for kind in kinds {
        let count = remaining
            .iter()
            .filter(|(resource, _, _)| resource == kind)
            .count();
        resources.push(format!("{kind} has {count} resource instances"));
    }
    let held: BTreeSet<&str> = remaining
        .iter()
        .flat_map(|(_, _, object)| texts(object, "/metadata/finalizers"))
        .collect();
    for finalizer in held {
        let count = remaining
            .iter()
            .filter(|(_, _, object)| has_finalizer(object, finalizer))
            .count();
        finalizers.push(format!("{finalizer} in {count} resource instances"));
    }
    let rest = format!("Some resources are remaining: {}", resources.join(", "));
    set_condition(
        namespace,
        "NamespaceContentRemaining",
        true,
        "SomeResourcesRemain",
        &rest,
        now,
    );
    let held = format!(
        "Some content in the namespace has finalizers remaining: {}",
        finalizers.join(", ")
    );
    set_condition(
        namespace,
        "NamespaceFinalizersRemaining",
        true,
        "SomeFinalizersRemain",
        &held,
        now,
    );
}
