//! Strategic merge patches, as kubectl's client-side apply and edit send them for built-in kinds.

use serde_json::{Map, Value};

use super::shapes::patch_merge_key;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DROP_SCALARS: &str = "$deleteFromPrimitiveList/";

/// Merges `patch` into `target`; lists of structures are merged by key.
pub fn strategic_patch(target: &mut Value, patch: &Value) {
    merge_map(&[], target, patch);
}

fn merge_map(path: &[&str], target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    match fields.get(DIRECTIVE).and_then(Value::as_str) {
        Some("delete") => {
            *target = Value::Null;
            return;
        }
        Some("replace") => *target = Value::Object(Map::new()),
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(result) = target else {
        return;
    };
    if let Some(Value::Array(kept)) = fields.get(RETAIN) {
        result.retain(|name, _| kept.iter().any(|kept| kept == name));
    }
    for (name, value) in fields.iter().filter(|(name, _)| !name.starts_with('$')) {
        let path = [path, &[name]].concat();
        match value {
            Value::Null => {
                result.remove(name);
            }
            Value::Array(elements) => {
                let place = result.entry(name.clone()).or_insert(Value::Null);
                merge_list(&path, place, elements);
            }
            _ => {
                let place = result.entry(name.clone()).or_insert(Value::Null);
                merge_map(&path, place, value);
                if place.is_null() {
                    result.remove(name);
                }
            }
        }
    }
    for (directive, value) in fields {
        let elements = value.as_array().map_or(&[][..], Vec::as_slice);
        if let Some(name) = directive.strip_prefix(DROP_SCALARS)
            && let Some(Value::Array(target)) = result.get_mut(name)
        {
            target.retain(|value| !elements.contains(value));
        }
    }
    for (directive, value) in fields {
        let order = value.as_array().map_or(&[][..], Vec::as_slice);
        if let Some(name) = directive.strip_prefix(ORDER)
            && let Some(Value::Array(target)) = result.get_mut(name)
        {
            let key = patch_merge_key(&[path, &[name]].concat());
            let identity = |value: &Value| key.map_or(value.clone(), |key| value[key].clone());
            // A stable sort: what the order does not name goes last and keeps its own order.
            target.sort_by_key(|element| {
                order
                    .iter()
                    .position(|other| identity(other) == identity(element))
                    .unwrap_or(order.len())
            });
        }
    }
}

fn merge_list(path: &[&str], target: &mut Value, patch: &[Value]) {
    let replaces = patch.iter().any(|element| element[DIRECTIVE] == "replace");
    let merges_scalars = path == ["metadata", "finalizers"];
    let (Some(result), false) = (target.as_array_mut(), replaces) else {
        *target = patch
            .iter()
            .filter(|element| element.get(DIRECTIVE).is_none())
            .cloned()
            .collect();
        return;
    };
    let Some(key) = patch_merge_key(path) else {
        if merges_scalars {
            for value in patch {
                if !result.contains(value) {
                    result.push(value.clone());
                }
            }
        } else {
            *result = patch.to_vec();
        }
        return;
    };
    for element in patch {
        let position = result.iter().position(|other| other[key] == element[key]);
        match (element[DIRECTIVE] == "delete", position) {
            (true, Some(at)) => {
                result.remove(at);
            }
            (true, None) => {}
            (false, Some(at)) => merge_map(path, &mut result[at], element),
            (false, None) => {
                let mut added = Value::Null;
                merge_map(path, &mut added, element);
                result.push(added);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_merged_by_key_and_put_in_order() {
        let mut target = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "a:1", "args": ["x"]},
            {"name": "b", "image": "b:1"},
        ]}}}});
        strategic_patch(
            &mut target,
            &json!({"spec": {"template": {"spec": {
                "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                "containers": [
                    {"name": "a", "args": ["y"]},
                    {"name": "b", "$patch": "delete"},
                    {"name": "c", "image": "c:1"},
                ],
            }}}}),
        );
        assert_eq!(
            target["spec"]["template"]["spec"]["containers"],
            json!([{"name": "c", "image": "c:1"}, {"name": "a", "image": "a:1", "args": ["y"]}])
        );
    }

    #[test]
    fn directives_keep_replace_and_remove() {
        let mut target = json!({
            "metadata": {"finalizers": ["a", "b"], "labels": {"x": "1"}},
            "spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}, "other": {"a": 1}},
        });
        strategic_patch(
            &mut target,
            &json!({
                "metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "labels": {"x": null, "y": "2"}},
                "spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}, "other": {"$patch": "replace", "b": 2}},
            }),
        );
        assert_eq!(
            target,
            json!({
                "metadata": {"finalizers": ["b"], "labels": {"y": "2"}},
                "spec": {"strategy": {"type": "Recreate"}, "other": {"b": 2}},
            })
        );
    }
}
