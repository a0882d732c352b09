//! Small helpers for objects as JSON documents: an absent field reads as empty, and a path is made as it is written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The text at `pointer`, empty where there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The whole number at `pointer`, if there is one.
pub fn int(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// The elements of the list at `pointer`, none where there is none.
pub fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The elements of the list at `pointer`, to be changed.
pub fn list_mut<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .pointer_mut(pointer)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// The texts of the list at `pointer`.
pub fn texts<'a>(object: &'a Value, pointer: &str) -> Vec<&'a str> {
    list(object, pointer)
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

/// The map of texts at `pointer`: labels, annotations, selectors.
pub fn text_map(object: &Value, pointer: &str) -> BTreeMap<String, String> {
    let Some(Value::Object(fields)) = object.pointer(pointer) else {
        return BTreeMap::new();
    };
    fields
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// The field `name` of a structure that is made where it is missing.
pub fn field<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    &mut value[name]
}

/// Writes `value` at `pointer`, making the structures on the way. Lists are not entered.
pub fn set(object: &mut Value, pointer: &str, value: impl Into<Value>) {
    *place(object, pointer) = value.into();
}

/// Writes `value` at `pointer` unless something stands there.
pub fn default(object: &mut Value, pointer: &str, value: impl Into<Value>) {
    let place = place(object, pointer);
    if place.is_null() {
        *place = value.into();
    }
}

fn place<'a>(object: &'a mut Value, pointer: &str) -> &'a mut Value {
    let mut place = object;
    for segment in pointer.split('/').skip(1) {
        place = field(place, &segment.replace("~1", "/").replace("~0", "~"));
    }
    place
}

/// Removes what stands at `pointer`.
pub fn remove(object: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, name) = pointer.rsplit_once('/')?;
    object
        .pointer_mut(parent)?
        .as_object_mut()?
        .remove(&name.replace("~1", "/").replace("~0", "~"))
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`, empty for a cluster-wide object.
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`.
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// `metadata.labels`.
pub fn labels(object: &Value) -> BTreeMap<String, String> {
    text_map(object, "/metadata/labels")
}

/// Whether deletion was asked for.
pub fn is_going(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// `metadata.finalizers`.
pub fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    texts(object, "/metadata/finalizers").contains(&finalizer)
}

/// Adds a finalizer.
pub fn add_finalizer(object: &mut Value, finalizer: &str) {
    if !has_finalizer(object, finalizer) {
        let mut finalizers = list(object, "/metadata/finalizers").to_vec();
        finalizers.push(finalizer.into());
        set(object, "/metadata/finalizers", finalizers);
    }
}

/// Takes a finalizer away; an empty list goes altogether.
pub fn drop_finalizer(object: &mut Value, finalizer: &str) {
    let mut finalizers = list(object, "/metadata/finalizers").to_vec();
    finalizers.retain(|other| other != finalizer);
    if finalizers.is_empty() {
        remove(object, "/metadata/finalizers");
    } else {
        set(object, "/metadata/finalizers", finalizers);
    }
}

/// The status (`True`, `False`, `Unknown`) of a condition, empty where there is none.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    list(object, "/status/conditions")
        .iter()
        .find(|condition| condition["type"] == kind)
        .map_or("", |condition| text(condition, "/status"))
}

/// Sets a condition; its transition time moves only when its status does.
pub fn set_condition(
    object: &mut Value,
    kind: &str,
    status: bool,
    reason: &str,
    message: &str,
    now: &str,
) {
    let status = if status { "True" } else { "False" };
    let unchanged = condition(object, kind) == status;
    let mut conditions = list(object, "/status/conditions").to_vec();
    let position = conditions
        .iter()
        .position(|condition| condition["type"] == kind);
    let since = position
        .filter(|_| unchanged)
        .map_or(now, |at| text(&conditions[at], "/lastTransitionTime"))
        .to_owned();
    let mut entry = serde_json::json!({
        "type": kind, "status": status, "lastTransitionTime": since,
    });
    if !reason.is_empty() {
        entry["reason"] = reason.into();
    }
    if !message.is_empty() {
        entry["message"] = message.into();
    }
    match position {
        Some(at) => conditions[at] = entry,
        None => conditions.push(entry),
    }
    set(object, "/status/conditions", conditions);
}

/// A reference that makes `owner` the controlling owner of another object.
pub fn controller_reference(owner: &Value) -> Value {
    serde_json::json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// Whether `owner_uid` controls `object`.
pub fn is_controlled_by(object: &Value, owner_uid: &str) -> bool {
    list(object, "/metadata/ownerReferences")
        .iter()
        .any(|reference| reference["uid"] == owner_uid && reference["controller"] == true)
}

/// Whether `labels` has every pair of `selector`; an empty selector selects nothing.
pub fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_is_made_as_it_is_written() {
        let mut object = json!({});
        set(&mut object, "/metadata/labels/app~1name", "x");
        default(&mut object, "/metadata/labels/app~1name", "y");
        assert_eq!(object, json!({"metadata": {"labels": {"app/name": "x"}}}));
        assert_eq!(
            remove(&mut object, "/metadata/labels/app~1name"),
            Some(json!("x"))
        );
        assert_eq!(object, json!({"metadata": {"labels": {}}}));
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let mut object = json!({});
        set_condition(&mut object, "Ready", false, "Waiting", "", "t1");
        set_condition(&mut object, "Ready", false, "StillWaiting", "", "t2");
        assert_eq!(
            object["status"]["conditions"][0]["lastTransitionTime"],
            "t1"
        );
        set_condition(&mut object, "Ready", true, "", "", "t3");
        assert_eq!(
            object["status"]["conditions"][0]["lastTransitionTime"],
            "t3"
        );
        assert_eq!(condition(&object, "Ready"), "True");
    }
}
