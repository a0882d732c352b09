//! Tags as most services spell them: lists of `Key` and `Value`.

use std::collections::BTreeMap;

use super::call::{Fault, Params, Reply};

/// The tags of a resource, by key.
pub type Tags = BTreeMap<String, String>;

const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 256;
const MOST_TAGS: usize = 50;

/// Reads the list of tags in the member `name`.
///
/// # Errors
/// `code`, when a key is missing, too long, reserved for AWS or given twice, or a value is too long.
pub fn read(params: &Params, name: &str, code: &str) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in params.list(name) {
        let key = tag.text("Key").unwrap_or_default();
        let value = tag.text("Value").unwrap_or_default();
        let fault = if key.is_empty() || key.chars().count() > LONGEST_KEY {
            Some("a tag key must have 1 to 128 characters")
        } else if key.to_ascii_lowercase().starts_with("aws:") {
            Some("tag keys that begin with aws: are reserved for AWS")
        } else if value.chars().count() > LONGEST_VALUE {
            Some("a tag value may have at most 256 characters")
        } else if tags.contains_key(&key) {
            Some("a tag key may be given only once")
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(Fault::new(code, format!("{fault}: {key}")));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

/// Adds `new` tags to those that a resource has.
///
/// # Errors
/// `limit`, when there would be more than AWS's 50.
pub fn add(tags: &mut Tags, new: Tags, limit: &str) -> Result<(), Fault> {
    let added = new.keys().filter(|key| !tags.contains_key(*key)).count();
    if tags.len() + added > MOST_TAGS {
        return Err(Fault::new(
            limit,
            format!("A resource can have at most {MOST_TAGS} tags"),
        ));
    }
    tags.extend(new);
    Ok(())
}

/// Takes the tags away whose keys the member `name` lists; absent ones are passed over.
pub fn remove(tags: &mut Tags, params: &Params, name: &str) {
    for key in params.texts(name) {
        tags.remove(&key);
    }
}

/// The list that a service answers; `element` is the XML name of one tag.
pub fn reply(element: &'static str, tags: &Tags) -> Reply {
    Reply::List(
        element,
        tags.iter()
            .map(|(key, value)| Reply::Fields(vec![("Key", key.into()), ("Value", value.into())]))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reserved_repeated_and_too_many_tags_are_refused() {
        let read = |tags| read(&Params(json!({ "Tags": tags })), "Tags", "InvalidInput");
        assert_eq!(
            read(json!([{"Key": "a", "Value": "1"}, {"Key": "b"}])),
            Ok(Tags::from([
                ("a".into(), "1".into()),
                ("b".into(), String::new())
            ]))
        );
        assert!(read(json!([{"Key": "aws:x", "Value": "1"}])).is_err());
        assert!(read(json!([{"Key": "a"}, {"Key": "a"}])).is_err());
        assert!(read(json!([{"Key": "", "Value": "1"}])).is_err());
        assert!(read(json!([{"Key": "a", "Value": "v".repeat(257)}])).is_err());

        let mut tags: Tags = (0..50).map(|n| (n.to_string(), String::new())).collect();
        assert!(add(&mut tags, Tags::from([("7".into(), "x".into())]), "L").is_ok());
        assert!(add(&mut tags, Tags::from([("new".into(), "x".into())]), "L").is_err());
    }
}
