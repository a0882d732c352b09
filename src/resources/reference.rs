//! Properties whose value another resource will have: written as a reference until that resource is there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Address;

/// What a resource gives to others, by name: `id`, `arn`, `endpoint`, … Never a secret.
pub type Outputs = BTreeMap<String, String>;

const RESOURCE: &str = "$resource";
const OUTPUT: &str = "$output";

/// A text property that is known, or that is another resource's output.
///
/// In a kind's typed specification it stands where an id goes. After [`resolve`] every `Input` is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// The value itself.
    Known(String),
    /// The output of another resource.
    Output {
        /// Whose.
        #[serde(rename = "$resource")]
        resource: Address,
        /// Which.
        #[serde(rename = "$output")]
        output: String,
    },
}

impl Input {
    /// The `output` of `resource`.
    pub fn of(resource: &Address, output: &str) -> Self {
        Self::Output {
            resource: resource.clone(),
            output: output.to_owned(),
        }
    }

    /// The value; empty while it is not resolved, which an applied order never is.
    pub fn text(&self) -> &str {
        match self {
            Self::Known(text) => text,
            Self::Output { .. } => "",
        }
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Known(text.to_owned())
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Known(text)
    }
}

/// The two names of a reference, if the value is one.
fn as_reference(value: &Value) -> Option<(Address, &str)> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    let resource = fields.get(RESOURCE)?.as_str()?.parse().ok()?;
    Some((resource, fields.get(OUTPUT)?.as_str()?))
}

/// Every resource and output that `value` refers to.
pub fn references(value: &Value) -> BTreeSet<(Address, String)> {
    if let Some((resource, output)) = as_reference(value) {
        return BTreeSet::from([(resource, output.to_owned())]);
    }
    match value {
        Value::Array(elements) => elements.iter().flat_map(references).collect(),
        Value::Object(fields) => fields.values().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => BTreeSet::new(),
    }
}

/// `value` with every reference replaced that `lookup` knows; the others stay as they are.
pub fn resolve(value: &Value, lookup: &impl Fn(&Address, &str) -> Option<String>) -> Value {
    if let Some((resource, output)) = as_reference(value) {
        return match lookup(&resource, output) {
            Some(known) => Value::String(known),
            None => json!({ RESOURCE: resource, OUTPUT: output }),
        };
    }
    match value {
        Value::Array(elements) => elements
            .iter()
            .map(|element| resolve(element, lookup))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (name.clone(), resolve(field, lookup)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_replaced_at_any_depth() {
        let vpc = Address::of(&["network", "vpc"]);
        let value = json!({"vpc": Input::of(&vpc, "id"), "rules": [{"from": Input::of(&vpc, "group")}], "n": 1});
        let found: Vec<String> = references(&value)
            .into_iter()
            .map(|(_, output)| output)
            .collect();
        assert_eq!(found, ["group", "id"]);
        let resolved = resolve(&value, &|address, output| {
            (*address == vpc && output == "id").then(|| "vpc-1".into())
        });
        assert_eq!(resolved["vpc"], "vpc-1");
        assert_eq!(references(&resolved).len(), 1);
    }
}
