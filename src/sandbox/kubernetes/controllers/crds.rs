//! Custom resource definitions: names are accepted, the kind is served, and its objects go before it does.

use serde_json::json;

use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::kinds::CRDS;
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete, release};
use crate::sandbox::kubernetes::object::{
    add_finalizer, condition, drop_finalizer, has_finalizer, is_going, list, name, set,
    set_condition, uid,
};

const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// How long it takes until a new kind is served (inferred).
const ESTABLISH_SECONDS: u64 = 1;

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for definition in editor.cluster.snapshot(CRDS) {
        let key = key_of(&definition);
        if is_going(&definition) {
            if has_finalizer(&definition, CLEANUP) {
                end(editor, name(&definition), &key);
            }
            continue;
        }
        let is_due = condition(&definition, "Established") == "True" || {
            let timer = format!("definition/{}", uid(&definition));
            editor
                .cluster
                .has_passed(timer, ESTABLISH_SECONDS, editor.now)
        };
        if !is_due {
            continue;
        }
        let now = editor.time();
        editor.edit(CRDS, &key, |definition| {
            add_finalizer(definition, CLEANUP);
            let mut names = definition["spec"]["names"].clone();
            if names.get("categories").is_some_and(|all| all == &json!([])) {
                names["categories"].take();
            }
            set(definition, "/status/acceptedNames", names);
            let stored: Vec<_> = list(definition, "/spec/versions")
                .iter()
                .filter(|version| version["storage"] == true)
                .map(|version| version["name"].clone())
                .collect();
            set(definition, "/status/storedVersions", stored);
            set_condition(
                definition,
                "NamesAccepted",
                true,
                "NoConflicts",
                "no conflicts found",
                &now,
            );
            set_condition(
                definition,
                "Established",
                true,
                "InitialNamesAccepted",
                "the initial names have been accepted",
                &now,
            );
        });
    }
}

/// Deletes the objects of a kind; the definition goes once none is left.
fn end(editor: &mut Editor<'_>, resource: &str, key: &str) {
    for object in editor.cluster.snapshot(resource) {
        delete(editor, resource, &key_of(&object), Propagation::Background);
    }
    if editor.cluster.all(resource).next().is_none() {
        release(editor, CRDS, key, |definition| {
            drop_finalizer(definition, CLEANUP);
        });
    }
}
