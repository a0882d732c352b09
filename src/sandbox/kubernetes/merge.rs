//! Server-side apply's arithmetic on documents: what a document names, what changed, what results, what goes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::FieldSet;
use super::shapes::{Shape, Shapes, key_element, set_element};

/// The document without its nulls: to apply a null is to leave the field out.
pub fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(elements) => elements.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn below<'a>(path: &[&'a str], name: &'a str) -> Vec<&'a str> {
    [path, &[name]].concat()
}

/// A list's elements with the names that `fieldsV1` gives them.
fn named<'v>(shape: &Shape, elements: &'v [Value]) -> Vec<(String, &'v Value)> {
    elements
        .iter()
        .map(|element| match shape {
            Shape::Keyed(keys) => (key_element(keys, element), element),
            Shape::Set | Shape::Whole | Shape::Structure | Shape::Map => {
                (set_element(element), element)
            }
        })
        .collect()
}

/// The fields that a document names. `containers` tells whether maps and lists count themselves, as they do for one
/// who updates, beside what they contain.
pub fn field_set(shapes: Shapes<'_>, path: &[&str], value: &Value, containers: bool) -> FieldSet {
    let mut set = FieldSet::default();
    match (shapes.of(path, value), value) {
        (Shape::Structure | Shape::Map, Value::Object(fields)) => {
            // What every object has is there by itself, and nobody's.
            let is_anybodys = matches!(path, [] | ["metadata" | "spec" | "status"]);
            set.owned = !is_anybodys && (containers || fields.is_empty());
            for (name, value) in fields {
                set.add(
                    format!("f:{name}"),
                    field_set(shapes, &below(path, name), value, containers),
                );
            }
        }
        (shape @ (Shape::Keyed(_) | Shape::Set), Value::Array(elements)) => {
            set.owned = containers || elements.is_empty();
            for (element, value) in named(&shape, elements) {
                let mut child = match shape {
                    Shape::Keyed(_) => field_set(shapes, path, value, containers),
                    Shape::Set | Shape::Whole | Shape::Structure | Shape::Map => FieldSet::leaf(),
                };
                child.owned = true;
                set.add(element, child);
            }
        }
        _ => set = FieldSet::leaf(),
    }
    set
}

/// Where a document names one element of a list twice, which nobody can apply: such as a variable of a container.
pub fn duplicate(shapes: Shapes<'_>, path: &[&str], value: &Value) -> Option<String> {
    match (shapes.of(path, value), value) {
        (Shape::Structure | Shape::Map, Value::Object(fields)) => fields
            .iter()
            .find_map(|(name, value)| duplicate(shapes, &below(path, name), value)),
        (shape @ (Shape::Keyed(_) | Shape::Set), Value::Array(elements)) => {
            let mut once = BTreeSet::new();
            let elements = named(&shape, elements);
            let twice = elements.iter().find(|(element, _)| !once.insert(element));
            let here = twice.map(|(element, _)| {
                let path: String = path.iter().map(|name| format!(".{name}")).collect();
                let key = element.trim_start_matches(['k', 'v', ':']);
                format!("{path}: duplicate entries for key {key}")
            });
            let mut elements = elements.iter();
            here.or_else(|| elements.find_map(|(_, value)| duplicate(shapes, path, value)))
        }
        _ => None,
    }
}

/// What `applied` makes of `live`.
pub fn merged(shapes: Shapes<'_>, path: &[&str], live: &Value, applied: &Value) -> Value {
    match (shapes.of(path, applied), live, applied) {
        (Shape::Structure | Shape::Map, Value::Object(live), Value::Object(applied)) => {
            let mut result = live.clone();
            for (name, value) in applied {
                let before = live.get(name).unwrap_or(&Value::Null);
                result.insert(
                    name.clone(),
                    merged(shapes, &below(path, name), before, value),
                );
            }
            Value::Object(result)
        }
        (shape @ (Shape::Keyed(_) | Shape::Set), Value::Array(live), Value::Array(applied)) => {
            let (live, applied) = (named(&shape, live), named(&shape, applied));
            Value::Array(merged_list(shapes, path, &live, &applied))
        }
        _ => applied.clone(),
    }
}

/// Elements in the applied order; those that only the live list has keep their place before what follows them.
fn merged_list(
    shapes: Shapes<'_>,
    path: &[&str],
    live: &[(String, &Value)],
    applied: &[(String, &Value)],
) -> Vec<Value> {
    let in_applied = |element: &String| applied.iter().any(|(other, _)| other == element);
    let mut result = Vec::new();
    let mut rest = live.iter().peekable();
    for (element, value) in applied {
        while let Some((_, kept)) = rest.next_if(|(other, _)| !in_applied(other)) {
            result.push((*kept).clone());
        }
        let before = live.iter().find(|(other, _)| other == element);
        if before.is_some() {
            rest.next();
        }
        result.push(match before {
            Some((_, before)) => merged(shapes, path, before, value),
            None => (*value).clone(),
        });
    }
    let kept = rest.filter(|(element, _)| !in_applied(element));
    result.extend(kept.map(|(_, value)| (*value).clone()));
    result
}

/// What differs between two documents.
#[derive(Debug, Default, PartialEq)]
pub struct Difference {
    /// Fields that are new or have another value.
    pub changed: FieldSet,
    /// Fields that are gone.
    pub removed: FieldSet,
}

impl Difference {
    fn add(&mut self, element: String, child: Self) {
        self.changed.add(element.clone(), child.changed);
        self.removed.add(element, child.removed);
    }
}

/// What differs between `old` and `new`.
pub fn difference(shapes: Shapes<'_>, path: &[&str], old: &Value, new: &Value) -> Difference {
    let mut found = Difference::default();
    if old == new {
        return found;
    }
    let whole = |value: &Value| field_set(shapes, path, value, true);
    match (shapes.of(path, new), old, new) {
        (Shape::Structure | Shape::Map, Value::Object(before), Value::Object(after)) => {
            let names = before
                .keys()
                .chain(after.keys().filter(|name| !before.contains_key(*name)));
            for name in names {
                let path = below(path, name);
                let side = |side: &Map<String, Value>| match side.get(name) {
                    None | Some(Value::Null) => FieldSet::default(),
                    Some(value) => field_set(shapes, &path, value, true),
                };
                let child = match (before.get(name), after.get(name)) {
                    (Some(old), Some(new)) if !old.is_null() && !new.is_null() => {
                        difference(shapes, &path, old, new)
                    }
                    _ => Difference {
                        changed: side(after),
                        removed: side(before),
                    },
                };
                found.add(format!("f:{name}"), child);
            }
        }
        (shape @ (Shape::Keyed(_) | Shape::Set), Value::Array(before), Value::Array(after)) => {
            let element_set = |value: &Value| {
                let mut set = match shape {
                    Shape::Keyed(_) => whole(value),
                    Shape::Set | Shape::Whole | Shape::Structure | Shape::Map => FieldSet::leaf(),
                };
                set.owned = true;
                set
            };
            let (before, after) = (named(&shape, before), named(&shape, after));
            let find = |side: &[(String, &Value)], element: &String| {
                let at = side.iter().position(|(other, _)| other == element)?;
                Some(side[at].1.clone())
            };
            for (element, old) in &before {
                let child = match find(&after, element) {
                    Some(new) => difference(shapes, path, old, &new),
                    None => Difference {
                        removed: element_set(old),
                        ..Difference::default()
                    },
                };
                found.add(element.clone(), child);
            }
            for (element, new) in &after {
                if find(&before, element).is_none() {
                    let changed = element_set(new);
                    found.changed.add(element.clone(), changed);
                }
            }
        }
        _ => {
            found.changed = whole(new);
            found.removed = whole(old).without(&found.changed);
        }
    }
    found
}

/// Takes out of `value` what `old` names and `keep` does not.
pub fn prune(
    shapes: Shapes<'_>,
    path: &[&str],
    value: &mut Value,
    old: &FieldSet,
    keep: &FieldSet,
) {
    let shape = shapes.of(path, value);
    match (shape, value) {
        (Shape::Structure | Shape::Map, Value::Object(fields)) => {
            let names: Vec<String> = fields.keys().cloned().collect();
            for name in names {
                let element = format!("f:{name}");
                let Some(old) = old.children.get(&element) else {
                    continue;
                };
                let path = below(path, &name);
                let Some(child) = fields.get_mut(&name) else {
                    continue;
                };
                let is_map = shapes.of(&path, child) == Shape::Map;
                match keep.children.get(&element) {
                    Some(keep) => prune(shapes, &path, child, old, keep),
                    None if old.owned || !is_map => {
                        fields.remove(&name);
                    }
                    None => {
                        prune(shapes, &path, child, old, &FieldSet::default());
                        if child.as_object().is_some_and(Map::is_empty) {
                            fields.remove(&name);
                        }
                    }
                }
            }
        }
        (shape @ (Shape::Keyed(_) | Shape::Set), Value::Array(elements)) => {
            let names: Vec<String> = named(&shape, elements)
                .into_iter()
                .map(|(element, _)| element)
                .collect();
            let mut names = names.iter();
            elements.retain_mut(|value| {
                let Some(element) = names.next() else {
                    return true;
                };
                match (old.children.get(element), keep.children.get(element)) {
                    (None, _) => true,
                    (Some(_), None) => false,
                    (Some(old), Some(keep)) => {
                        prune(shapes, path, value, old, keep);
                        true
                    }
                }
            });
        }
        _ => {}
    }
}
