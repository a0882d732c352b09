//! The tags by which we find what is ours again: the index of promise 2.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::address::Address;

/// Tags of one resource, sorted by key.
pub type Tags = BTreeMap<String, String>;

/// Names the environment.
pub const TAG_ENVIRONMENT: &str = "groundwork:environment";
/// Names the address within the environment.
pub const TAG_ADDRESS: &str = "groundwork:address";
/// Names the one history of the environment that owns the resource.
pub const TAG_LINEAGE: &str = "groundwork:lineage";
/// When a short-lived environment expires, RFC 3339.
pub const TAG_EXPIRES: &str = "groundwork:expires";
/// Who answers for the environment.
pub const TAG_OWNER: &str = "groundwork:owner";

/// What makes a resource ours, the same for all resources of an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The environment's name.
    pub environment: String,
    /// Its region.
    pub region: String,
    /// The UUID of its history.
    pub lineage: String,
    /// When it expires, if it does.
    pub expires: Option<String>,
    /// Who answers for it, if the file says.
    pub owner: Option<String>,
}

impl Ownership {
    /// The tags of the resource at `address`, without any that are the kind's own.
    pub fn tags(&self, address: &Address) -> Tags {
        let optional = [(TAG_EXPIRES, &self.expires), (TAG_OWNER, &self.owner)];
        let fixed = [
            (TAG_ENVIRONMENT, self.environment.as_str()),
            (TAG_ADDRESS, address.as_str()),
            (TAG_LINEAGE, self.lineage.as_str()),
        ];
        let given = optional
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_deref()?)));
        fixed
            .into_iter()
            .chain(given)
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }

    /// The same with the console's `Name`.
    pub fn named(&self, address: &Address, name: &str) -> Tags {
        let mut tags = self.tags(address);
        tags.insert("Name".to_owned(), name.to_owned());
        tags
    }
}

/// Observed tags as a field to compare: what the wanted tags or a former plan of ours name, and all of our
/// prefix. Foreign tags are not ours to judge.
pub fn comparable(observed: &Tags, wanted: Option<&Value>, recorded: Option<&Value>) -> Value {
    let names = |tags: Option<&Value>, key: &str| tags.is_some_and(|tags| tags.get(key).is_some());
    let ours = observed.iter().filter(|(key, _)| {
        key.starts_with("groundwork:") || names(wanted, key) || names(recorded, key)
    });
    json!(ours.collect::<BTreeMap<_, _>>())
}

/// What makes the observed tags of a resource the desired ones: those to set, and the keys to take away.
pub fn changes(observed: Option<&Value>, desired: &Tags) -> (Tags, Vec<String>) {
    let observed: Tags = observed
        .and_then(|tags| serde_json::from_value(tags.clone()).ok())
        .unwrap_or_default();
    let set = desired
        .iter()
        .filter(|(key, value)| observed.get(*key) != Some(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let unset = observed
        .into_keys()
        .filter(|key| !desired.contains_key(key))
        .collect();
    (set, unset)
}

/// Tags in a service's own type, which `build` makes of a key and a value. That can't fail, because both are given;
/// some of the types say so and some don't.
pub fn written<T>(tags: &Tags, build: impl Fn(&str, &str) -> Option<T>) -> Vec<T> {
    let built = tags.iter().filter_map(|(key, value)| build(key, value));
    built.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_what_differs_is_set_and_only_what_is_too_much_goes() {
        let observed = json!({"Name": "x", "groundwork:owner": "a", "old": "1"});
        let desired = tags(&[("Name", "x"), ("groundwork:owner", "b")]);
        let (set, unset) = changes(Some(&observed), &desired);
        assert_eq!(set, tags(&[("groundwork:owner", "b")]));
        assert_eq!(unset, ["old"]);
        assert_eq!(changes(None, &desired), (desired.clone(), Vec::new()));
    }
}
