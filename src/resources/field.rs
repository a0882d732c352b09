//! The settable properties of a kind, and what a change of each means.

use serde::Serialize;
use serde_json::{Map, Value};

/// The settable properties of one resource, by name. A property that is left out is AWS's to decide.
pub type Fields = Map<String, Value>;

/// The fields of a kind's typed specification, which serialises to an object; nothing for what it leaves out.
pub fn fields_of(spec: &impl Serialize) -> Fields {
    match serde_json::to_value(spec) {
        Ok(Value::Object(fields)) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        // A specification is a plain struct with text keys, which always serialises to an object.
        Ok(_) | Err(_) => Fields::new(),
    }
}

/// What a change of a field means for the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// AWS changes it while the resource stays.
    InPlace,
    /// AWS can't change it: the resource is deleted and made again.
    Replace,
}

/// One settable property of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in [`Fields`].
    pub name: &'static str,
    /// What a change of it means.
    pub change: Change,
    /// Whether AWS refuses to delete what this field refers to while the resource stands. When such a target
    /// is replaced, this resource is replaced with it.
    pub holds: bool,
    /// Whether the order of a list of plain texts means something; otherwise it is a set.
    pub ordered: bool,
}

impl Field {
    /// A field that AWS changes in place.
    pub const fn in_place(name: &'static str) -> Self {
        Self {
            name,
            change: Change::InPlace,
            holds: false,
            ordered: false,
        }
    }

    /// A field that forces replacement.
    pub const fn replaces(name: &'static str) -> Self {
        Self {
            name,
            change: Change::Replace,
            holds: true,
            ordered: false,
        }
    }

    /// The same, but a list in another order is another one.
    pub const fn in_order(self) -> Self {
        Self {
            ordered: true,
            ..self
        }
    }

    /// The same, but what the field refers to can't go while this resource stands.
    pub const fn holding(self) -> Self {
        Self {
            holds: true,
            ..self
        }
    }
}
