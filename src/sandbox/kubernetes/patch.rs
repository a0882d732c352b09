//! Merge patches and JSON patches.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// RFC 7386: fields replace fields, a null removes one.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in fields {
        if value.is_null() {
            if let Some(target) = target.as_object_mut() {
                target.remove(name);
            }
        } else {
            merge_patch(&mut target[name], value);
        }
    }
}

fn refused(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        422,
        "Invalid",
        format!("the server rejected our request due to an error in our request: {why}"),
    )
}

/// RFC 6902: operations in order, all or none.
///
/// # Errors
/// When an operation is malformed, its path is missing or a test fails.
pub fn json_patch(target: &mut Value, operations: &Value) -> Result<(), Refusal> {
    let operations = operations
        .as_array()
        .ok_or_else(|| Refusal::bad_request("a JSON patch is a list of operations"))?;
    let mut result = target.clone();
    for operation in operations {
        let member = |name: &str| {
            operation[name]
                .as_str()
                .ok_or_else(|| refused(format!("an operation lacks {name:?}")))
        };
        let value = || {
            operation
                .get("value")
                .cloned()
                .ok_or_else(|| refused("an operation lacks \"value\""))
        };
        let path = member("path")?;
        match member("op")? {
            "add" => add(&mut result, path, value()?)?,
            "remove" => drop(take(&mut result, path)?),
            "replace" => {
                let place = result.pointer_mut(path).ok_or_else(|| missing(path))?;
                *place = value()?;
            }
            "move" => {
                let moved = take(&mut result, member("from")?)?;
                add(&mut result, path, moved)?;
            }
            "copy" => {
                let from = member("from")?;
                let copied = result.pointer(from).ok_or_else(|| missing(from))?.clone();
                add(&mut result, path, copied)?;
            }
            "test" => {
                if result.pointer(path).unwrap_or(&Value::Null) != &value()? {
                    return Err(refused(format!("testing value {path} failed")));
                }
            }
            other => return Err(refused(format!("unknown operation {other:?}"))),
        }
    }
    *target = result;
    Ok(())
}

fn missing(path: &str) -> Refusal {
    refused(format!("missing path {path:?}"))
}

fn parent_of<'a>(target: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), Refusal> {
    let (parent, name) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    let place = target.pointer_mut(parent).ok_or_else(|| missing(path))?;
    Ok((place, name.replace("~1", "/").replace("~0", "~")))
}

fn add(target: &mut Value, path: &str, value: Value) -> Result<(), Refusal> {
    if path.is_empty() {
        *target = value;
        return Ok(());
    }
    let (parent, name) = parent_of(target, path)?;
    match parent {
        Value::Object(fields) => {
            fields.insert(name, value);
        }
        Value::Array(elements) if name == "-" => elements.push(value),
        Value::Array(elements) => {
            let at: usize = name.parse().map_err(|_| missing(path))?;
            if at > elements.len() {
                return Err(missing(path));
            }
            elements.insert(at, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

fn take(target: &mut Value, path: &str) -> Result<Value, Refusal> {
    let (parent, name) = parent_of(target, path)?;
    let taken = match parent {
        Value::Object(fields) => fields.remove(&name),
        Value::Array(elements) => name
            .parse()
            .ok()
            .filter(|at: &usize| *at < elements.len())
            .map(|at| elements.remove(at)),
        _ => None,
    };
    taken.ok_or_else(|| missing(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_replaces_and_removes() {
        let mut target = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge_patch(
            &mut target,
            &json!({"a": {"b": null, "c": [3], "e": {"f": 1, "g": null}}}),
        );
        assert_eq!(target, json!({"a": {"c": [3], "e": {"f": 1}}, "d": 1}));
    }

    #[test]
    fn a_json_patch_is_all_or_nothing() {
        let mut target = json!({"a/b": [1, 2, 3], "c": {}});
        json_patch(
            &mut target,
            &json!([
                {"op": "test", "path": "/a~1b/0", "value": 1},
                {"op": "add", "path": "/a~1b/1", "value": 9},
                {"op": "add", "path": "/a~1b/-", "value": 4},
                {"op": "move", "from": "/a~1b/0", "path": "/c/first"},
                {"op": "copy", "from": "/c/first", "path": "/d"},
                {"op": "replace", "path": "/d", "value": 7},
            ]),
        )
        .unwrap();
        let expected = json!({"a/b": [9, 2, 3, 4], "c": {"first": 1}, "d": 7});
        assert_eq!(target, expected);
        for bad in [
            json!([{"op": "add", "path": "/e", "value": 1}, {"op": "test", "path": "/d", "value": 0}]),
            json!([{"op": "remove", "path": "/nowhere"}]),
            json!([{"op": "remove", "path": "/a~1b/9"}]),
            json!([{"op": "replace", "path": "/x/y", "value": 1}]),
            json!([{"op": "dance", "path": "/d"}]),
        ] {
            assert_eq!(json_patch(&mut target, &bad).unwrap_err().code, 422);
            assert_eq!(target, expected);
        }
    }
}
