//! What applying a manifest would change: the object as the API server would have it against the object as it is.

use serde_json::{Map, Value};

/// Where in a document, outermost first. Positions in lists are numbers written as text.
pub type Path = Vec<String>;

/// What the API server keeps for itself, and what describes the object instead of being asked for.
const NOT_ASKED_FOR: [&[&str]; 6] = [
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
    &["metadata", "generation"],
    &["metadata", "creationTimestamp"],
    &["metadata", "uid"],
    &["status"],
];

/// Where `live` is not as applying would make it, with what is there now.
pub fn differences(live: &Value, applied: &Value) -> Vec<(Path, Option<Value>)> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), Some(live), Some(applied), &mut found);
    found
}

fn compare(
    path: &mut Path,
    live: Option<&Value>,
    applied: Option<&Value>,
    found: &mut Vec<(Path, Option<Value>)>,
) {
    if live == applied || NOT_ASKED_FOR.iter().any(|kept| path.iter().eq(kept.iter())) {
        return;
    }
    match (live, applied) {
        (Some(Value::Object(live)), Some(Value::Object(applied))) => {
            let added = applied.keys().filter(|key| !live.contains_key(*key));
            for key in live.keys().chain(added) {
                step(path, key.clone(), live.get(key), applied.get(key), found);
            }
        }
        (Some(Value::Array(live)), Some(Value::Array(applied))) if live.len() == applied.len() => {
            for (at, (live, applied)) in live.iter().zip(applied).enumerate() {
                step(path, at.to_string(), Some(live), Some(applied), found);
            }
        }
        _ => found.push((path.clone(), live.cloned())),
    }
}

fn step(
    path: &mut Path,
    name: String,
    live: Option<&Value>,
    applied: Option<&Value>,
    found: &mut Vec<(Path, Option<Value>)>,
) {
    path.push(name);
    compare(path, live, applied, found);
    path.pop();
}

/// `manifest` with what is there now at the places that differ: comparing the two shows the differences. Where the
/// place is not in the manifest, the innermost list around it is shown as a whole.
pub fn overlay(manifest: &Value, differences: &[(Path, Option<Value>)]) -> Value {
    let mut shown = manifest.clone();
    for (path, live) in differences {
        put(&mut shown, path, live.clone());
    }
    if shown == *manifest
        && let Some(fields) = shown.as_object_mut()
    {
        // The difference lies where the manifest has no place for it.
        let places: Vec<Value> = differences
            .iter()
            .map(|(path, _)| Value::String(path.join(".")))
            .collect();
        fields.insert("differs".to_owned(), Value::Array(places));
    }
    shown
}

fn put(at: &mut Value, path: &[String], live: Option<Value>) {
    let Some((name, rest)) = path.split_first() else {
        *at = live.unwrap_or(Value::Null);
        return;
    };
    if let Value::Array(elements) = at {
        let element = name
            .parse::<usize>()
            .ok()
            .and_then(|at| elements.get_mut(at));
        if let Some(element) = element {
            put(element, rest, live);
        }
        return;
    }
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    if let Value::Object(fields) = at {
        match (rest.is_empty(), live) {
            (true, None) => drop(fields.remove(name)),
            (_, live) => put(fields.entry(name).or_insert(Value::Null), rest, live),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_keeps_is_no_difference() {
        let live = json!({
            "metadata": {"name": "a", "generation": 1, "managedFields": [1], "resourceVersion": "7"},
            "status": {"phase": "Active"},
        });
        let applied = json!({
            "metadata": {"name": "a", "generation": 2, "managedFields": [], "resourceVersion": "8"},
        });
        assert_eq!(differences(&live, &applied), []);
    }

    #[test]
    fn the_overlay_shows_changed_added_and_removed() {
        let manifest = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"replicas": 2, "list": [{"x": 1}]}});
        let live = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"replicas": 5, "extra": true, "list": [{"x": 9}]}});
        let shown = overlay(&manifest, &differences(&live, &manifest));
        assert_eq!(
            shown,
            json!({"metadata": {"labels": {"a": "1"}}, "spec": {"replicas": 5, "extra": true, "list": [{"x": 9}]}})
        );
    }

    #[test]
    fn a_difference_outside_the_manifest_still_shows() {
        let manifest = json!({"spec": {"list": []}});
        let differing = [(
            vec!["spec".to_owned(), "list".to_owned(), "3".to_owned()],
            Some(json!(1)),
        )];
        assert_eq!(
            overlay(&manifest, &differing)["differs"],
            json!(["spec.list.3"])
        );
    }
}
