//! What our marks on an object are worth: whoever copies an object copies them along.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::id::ObjectId;
use super::object::{ANNOTATION_ADDRESS, owner};
use super::others::type_of;
use crate::address::Address;
use crate::resources::{Owner, Ownership};

/// Where an object stands, whatever the version in which it is read: group, kind, namespace and name.
type Place<'a> = (&'a str, &'a str, &'a str, &'a str);

fn place(id: &ObjectId) -> Place<'_> {
    let (group, kind) = type_of(id);
    (group, kind, &id.namespace, &id.name)
}

/// What is known of our objects, against which marks are held.
pub struct Marks<'a> {
    ownership: &'a Ownership,
    places: BTreeSet<Place<'a>>,
    addresses: BTreeSet<&'a Address>,
}

impl<'a> Marks<'a> {
    /// Of objects that the file asks for, that were begun, or that the state remembers.
    pub fn of(ownership: &'a Ownership, known: &'a BTreeMap<ObjectId, Address>) -> Self {
        Self {
            ownership,
            places: known.keys().map(place).collect(),
            addresses: known.values().collect(),
        }
    }

    /// Whether it is ours: it carries our marks, and is no copy that carries those of another object.
    pub fn are_ours(&self, object: &Value) -> bool {
        owner(self.ownership, object) == Owner::Ours && !self.are_copied(object)
    }

    /// The address of an object of ours.
    pub fn address(&self, object: &Value) -> Option<Address> {
        address(object).filter(|_| self.are_ours(object))
    }

    fn are_copied(&self, object: &Value) -> bool {
        let stands = ObjectId::of(object);
        let known = stands.is_some_and(|id| self.places.contains(&place(&id)));
        !known && address(object).is_some_and(|address| self.addresses.contains(&address))
    }
}

fn address(object: &Value) -> Option<Address> {
    let address = object["metadata"]["annotations"][ANNOTATION_ADDRESS].as_str()?;
    address.parse().ok()
}
