//! Who holds on to what, as it is now: what is held can't go before it is let go.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Basis;
use crate::address::Address;
use crate::resources::Observed;

/// By address, the fields that keep something from going, and what they keep.
pub(super) struct Holds<'a>(BTreeMap<&'a Address, Vec<(&'static str, &'a Address)>>);

impl<'a> Holds<'a> {
    /// Read from the ids in the fields of what was seen. Only ids that the cloud made up count: names repeat, and say
    /// nothing.
    pub(super) fn seen(basis: &Basis<'a>) -> Self {
        let mut found: Vec<(&Address, &Observed)> = Vec::new();
        for (address, at_address) in basis.observed {
            found.extend(at_address.iter().map(|one| (address, one)));
        }
        let mut ids: BTreeMap<&str, &Address> = BTreeMap::new();
        for (address, one) in &found {
            let outputs = ["id", "arn"].map(|name| one.outputs.get(name));
            let all = outputs.into_iter().flatten().chain([&one.id]);
            let made_up = all.filter(|id| **id != one.name);
            ids.extend(made_up.map(|id| (id.as_str(), *address)));
        }
        let mut holds: BTreeMap<&Address, Vec<(&'static str, &Address)>> = BTreeMap::new();
        for (address, one) in found {
            let fields = (basis.kind)(one.kind).map_or(&[][..], |kind| kind.fields());
            for field in fields.iter().filter(|field| field.holds) {
                let texts = one.fields.get(field.name).map(texts).unwrap_or_default();
                let held = texts.into_iter().filter_map(|text| ids.get(text).copied());
                let held = held.filter(|held| *held != address);
                let held = held.map(|held| (field.name, held));
                holds.entry(address).or_default().extend(held);
            }
        }
        Self(holds)
    }

    /// What the resource at `address` holds, each with the field that does.
    pub(super) fn of(
        &self,
        address: &Address,
    ) -> impl Iterator<Item = (&'static str, &'a Address)> {
        self.0.get(address).into_iter().flatten().copied()
    }
}

/// Every text in a field that is one or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(elements) => elements.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
