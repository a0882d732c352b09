//! Sets of fields, as `managedFields` writes them (`fieldsV1`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A set of fields as a tree. An element is written as in `fieldsV1`: `f:name` is a field, `k:{"name":"a"}` an
/// element of a keyed list, `v:"a"` an element of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Whether this very place belongs to the set, beside what lies under it.
    pub owned: bool,
    /// What lies under it.
    pub children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// A single place.
    pub fn leaf() -> Self {
        Self {
            owned: true,
            children: BTreeMap::new(),
        }
    }

    /// Whether nothing belongs to the set.
    pub fn is_empty(&self) -> bool {
        !self.owned && self.children.is_empty()
    }

    /// Adds what lies under an element; an empty set is not noted.
    pub fn add(&mut self, element: String, child: Self) {
        if !child.is_empty() {
            self.children.entry(element).or_default().merge(child);
        }
    }

    fn merge(&mut self, other: Self) {
        self.owned |= other.owned;
        for (element, child) in other.children {
            self.children.entry(element).or_default().merge(child);
        }
    }

    /// What belongs to either.
    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        all.merge(other.clone());
        all
    }

    /// What belongs to this one and not to `other`.
    pub fn without(&self, other: &Self) -> Self {
        let mut rest = Self {
            owned: self.owned && !other.owned,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let child = match other.children.get(element) {
                Some(same) => child.without(same),
                None => child.clone(),
            };
            rest.add(element.clone(), child);
        }
        rest
    }

    /// What belongs to both.
    pub fn common(&self, other: &Self) -> Self {
        let mut both = Self {
            owned: self.owned && other.owned,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            if let Some(same) = other.children.get(element) {
                both.add(element.clone(), child.common(same));
            }
        }
        both
    }

    /// Takes out the fields at `path` and under it.
    pub fn drop_path(&mut self, path: &[&str]) {
        let [first, rest @ ..] = path else { return };
        let element = format!("f:{first}");
        if rest.is_empty() {
            self.children.remove(&element);
        } else if let Some(child) = self.children.get_mut(&element) {
            child.drop_path(rest);
            if child.is_empty() {
                self.children.remove(&element);
            }
        }
    }

    /// Reads `fieldsV1`.
    pub fn from_v1(value: &Value) -> Self {
        let mut set = Self::default();
        for (element, child) in value.as_object().into_iter().flatten() {
            if element == "." {
                set.owned = true;
            } else {
                let mut child_set = Self::from_v1(child);
                child_set.owned |= child_set.children.is_empty();
                set.children.insert(element.clone(), child_set);
            }
        }
        set
    }

    /// Writes `fieldsV1`.
    pub fn to_v1(&self) -> Value {
        let mut fields = Map::new();
        if self.owned && !self.children.is_empty() {
            fields.insert(".".to_owned(), json!({}));
        }
        for (element, child) in &self.children {
            fields.insert(element.clone(), child.to_v1());
        }
        Value::Object(fields)
    }

    /// The places of the set as messages write them: `.spec.containers[name="web"].image`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect("", &mut paths);
        paths
    }

    fn collect(&self, prefix: &str, paths: &mut Vec<String>) {
        if self.owned {
            paths.push(prefix.to_owned());
        }
        for (element, child) in &self.children {
            child.collect(&format!("{prefix}{}", shown(element)), paths);
        }
    }
}

fn shown(element: &str) -> String {
    match element.split_once(':') {
        Some(("f", name)) => format!(".{name}"),
        Some(("v", value)) => format!("[={value}]"),
        Some(("k", keys)) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let pairs: Vec<String> = keys
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("[{}]", pairs.join(","))
        }
        _ => element.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({
            "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
            "f:spec": {"f:containers": {r#"k:{"name":"web"}"#: {".": {}, "f:image": {}}}},
        })
    }

    #[test]
    fn field_sets_survive_the_wire() {
        assert_eq!(FieldSet::from_v1(&document()).to_v1(), document());
    }

    #[test]
    fn sets_are_combined() {
        let all = FieldSet::from_v1(&document());
        let image = FieldSet::from_v1(
            &json!({"f:spec": {"f:containers": {r#"k:{"name":"web"}"#: {"f:image": {}}}}}),
        );
        assert_eq!(all.common(&image), image);
        assert_eq!(all.without(&image).union(&image), all);
        assert_eq!(
            image.paths(),
            [r#".spec.containers[name="web"].image"#.to_owned()]
        );
        assert!(image.without(&all).is_empty());
    }
}
