//! What was seen of one tagged resource, on its way to [`Observed`].

use serde::Serialize;
use serde_json::Value;

use super::field::fields_of;
use super::{Condition, Observed, Outputs, TAG_ADDRESS, TAG_ENVIRONMENT, Tags, Wanted};
use crate::address::Address;

/// One resource as a service reported it, before it is known at which address it stands.
pub(super) struct Sighting {
    /// The kind's name.
    pub kind: &'static str,
    /// The id that AWS gave.
    pub id: String,
    /// Its name.
    pub name: String,
    /// All of its tags.
    pub tags: Tags,
    /// How it is.
    pub condition: Condition,
    /// What it gives to others.
    pub outputs: Outputs,
}

impl Sighting {
    /// The observation at `address` of a resource whose properties, apart from `tags`, are `spec`.
    pub fn observed(
        self,
        wanted: &Wanted<'_>,
        address: Address,
        spec: &impl Serialize,
    ) -> Observed {
        let mut fields = fields_of(spec);
        fields.insert("tags".to_owned(), wanted.tags(&address, &self.tags));
        Observed {
            address,
            kind: self.kind,
            owner: wanted.owner_of(self.kind, &self.id, &self.tags),
            id: self.id,
            name: self.name,
            condition: self.condition,
            fields,
            outputs: self.outputs,
        }
    }
}

/// Where a resource that has no unique name stands: as the state remembers its id, or as its tags say.
pub(super) fn address_by_tag(
    kind: &str,
    wanted: &Wanted<'_>,
    id: &str,
    tags: &Tags,
) -> Option<Address> {
    if let Some(address) = wanted.ids(kind).remove(id) {
        return Some(address.clone());
    }
    if tags.get(TAG_ENVIRONMENT) != Some(&wanted.ownership.environment) {
        return None;
    }
    tags.get(TAG_ADDRESS)?.parse().ok()
}

/// Where a resource with a unique name stands: at the address that wants the name, or as its tags say.
pub(super) fn address_by_name(
    kind: &str,
    wanted: &Wanted<'_>,
    name: &str,
    tags: &Tags,
) -> Option<Address> {
    let named = wanted.names(kind).remove(name);
    named.or_else(|| address_by_tag(kind, wanted, name, tags))
}

/// The outputs that are known so far.
pub(super) fn outputs<const N: usize>(known: [(&str, Option<&str>); N]) -> Outputs {
    known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
}

/// Tags out of a service's own tag type, whose key and value `pair` gives.
pub(super) fn tags_from<T>(tags: &[T], pair: impl Fn(&T) -> (Option<&str>, Option<&str>)) -> Tags {
    tags.iter()
        .filter_map(|tag| {
            let (key, value) = pair(tag);
            Some((key?.to_owned(), value.unwrap_or_default().to_owned()))
        })
        .collect()
}

/// The field as the file asks for it at `address`, or asked for it last.
pub(super) fn asked<'a>(wanted: &Wanted<'a>, address: &Address, field: &str) -> Option<&'a Value> {
    let desired = wanted.desired.get(address).map(|desired| &desired.fields);
    let recorded = wanted
        .recorded
        .get(address)
        .map(|recorded| &recorded.fields);
    desired.or(recorded)?.get(field)
}

/// The port, which is told only once the endpoint is there: until then as it was asked for.
pub(super) fn port_or_asked(wanted: &Wanted<'_>, address: &Address, port: Option<i32>) -> i32 {
    let asked = || asked(wanted, address, "port")?.as_i64()?.try_into().ok();
    port.filter(|port| *port != 0)
        .or_else(asked)
        .unwrap_or_default()
}

/// The version as it was asked for, where AWS runs a patch of it; AWS's own otherwise.
pub(super) fn version_as_asked(wanted: &Wanted<'_>, address: &Address, actual: &str) -> String {
    let asked = asked(wanted, address, "version").and_then(|version| version.as_str());
    match asked {
        Some(asked) if is_patch_of(actual, asked) => asked.to_owned(),
        Some(_) | None => actual.to_owned(),
    }
}

/// Whether `actual` is `asked` or a later digit of it: `8.0.43` is a patch of `8.0`, `8.01` is not.
pub(super) fn is_patch_of(actual: &str, asked: &str) -> bool {
    actual
        .strip_prefix(asked)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether `asked` is an older version than `actual`, as far as it says.
pub(super) fn is_older(asked: &str, actual: &str) -> bool {
    let numbers = |version: &str| -> Vec<u32> {
        let digits = version.split('.').map_while(|digits| digits.parse().ok());
        digits.collect()
    };
    let (asked, mut actual) = (numbers(asked), numbers(actual));
    actual.truncate(asked.len());
    asked < actual
}

/// Whether the field is among the changed ones.
pub(super) fn has(changed: &[String], field: &str) -> bool {
    changed.iter().any(|name| name == field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_digit_by_digit() {
        assert!(is_patch_of("8.0.43", "8.0"));
        assert!(is_patch_of("16.4", "16"));
        assert!(is_patch_of("7.1", "7.1"));
        assert!(!is_patch_of("8.01", "8.0"));
        assert!(!is_patch_of("8.0", "8.0.43"));
        assert!(is_older("8.0", "8.4.3"));
        assert!(is_older("9.6", "10.1"));
        assert!(!is_older("8.4", "8.4.3"));
        assert!(!is_older("16", "8.0.43"));
    }

    #[test]
    fn outputs_that_are_not_there_yet_are_left_out() {
        let known = outputs([("id", Some("vpc-1")), ("endpoint", None)]);
        assert_eq!(known, Outputs::from([("id".into(), "vpc-1".into())]));
    }
}
