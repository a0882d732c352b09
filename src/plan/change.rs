//! Which fields differ, and whether the difference is known yet.

use serde::Serialize;
use serde_json::Value;

use crate::address::Address;
use crate::resources::{Change, Field, Fields, references, resolve};

/// What a field will be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// This value.
    Value(Value),
    /// What another resource will give once it is made or changed.
    KnownAfterApply,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it is now; null where it is not set.
    pub before: Value,
    /// What it will be.
    pub after: After,
    /// Whether AWS can't change it, so that the resource is replaced.
    pub forces_replacement: bool,
    /// Whether it differs although the file did not change: someone changed it behind our back.
    pub drift: bool,
}

/// The fields of `kind_fields` in which `observed` is not as `desired`. `lookup` knows the outputs of others; `void`
/// tells what is about to be deleted or replaced, so that whatever holds it must go with it.
pub fn changes(
    kind_fields: &[Field],
    desired: &Fields,
    observed: &Fields,
    recorded: Option<&Fields>,
    lookup: &impl Fn(&Address, &str) -> Option<String>,
    void: &impl Fn(&Address) -> bool,
) -> Vec<FieldChange> {
    let mut found = Vec::new();
    for field in kind_fields {
        let Some(wanted) = desired.get(field.name) else {
            continue;
        };
        let alike = |value: Value| if field.ordered { value } else { sorted(value) };
        let wanted = alike(resolve(wanted, lookup));
        let before = observed.get(field.name).cloned().unwrap_or(Value::Null);
        if wanted == alike(before.clone()) {
            continue;
        }
        let open = references(&wanted);
        // An ARN is made of names, so what is made anew under its name has the same one again: a role that was
        // deleted behind our back does not take the cluster with it.
        let comes_back = !open.is_empty() && open.iter().all(|(_, output)| output == "arn");
        let loses_hold = field.holds && open.iter().any(|(resource, _)| void(resource));
        let drift = recorded.is_some_and(|recorded| {
            recorded
                .get(field.name)
                .is_some_and(|recorded| alike(recorded.clone()) == wanted)
        });
        found.push(FieldChange {
            field: field.name.to_owned(),
            before,
            after: if open.is_empty() {
                After::Value(wanted)
            } else {
                After::KnownAfterApply
            },
            forces_replacement: loses_hold || (field.change == Change::Replace && !comes_back),
            drift,
        });
    }
    found
}

/// A list of plain texts that means a set, whose order is no difference.
fn sorted(mut value: Value) -> Value {
    if let Value::Array(elements) = &mut value
        && elements.iter().all(Value::is_string)
    {
        elements.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    }
    value
}
