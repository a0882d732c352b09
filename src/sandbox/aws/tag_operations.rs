//! The three operations on tags that many services offer alike, and tags that come and go as maps.

use super::Fields;
use super::call::{Call, Fault, Params, Reply};
use super::tags::{self, Tags};

/// The tags or labels that the map in the member `name` brings.
pub fn from_map(params: &Params, name: &str) -> Tags {
    let map = params.nested(name);
    let keys = map.0.as_object().into_iter().flat_map(|map| map.keys());
    keys.map(|key| (key.clone(), map.text(key).unwrap_or_default()))
        .collect()
}

/// The map that a JSON service answers.
pub fn to_map(tags: &Tags) -> Reply {
    let pair = |(key, value): (&String, &String)| (key.clone(), value.into());
    Reply::Map(tags.iter().map(pair).collect())
}

/// `AddTagsToResource`, `RemoveTagsFromResource` and `ListTagsForResource` of RDS and ElastiCache, on the tags of
/// the resource that was found; all answer the tags as they are then.
///
/// # Errors
/// When a tag is not one that AWS takes.
pub fn query(call: &Call, tags: &mut Tags) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "AddTagsToResource" => {
            let new = tags::read(&call.params, "Tags", "InvalidParameterValue")?;
            tags::add(tags, new, "TagQuotaPerResourceExceeded")?;
        }
        "RemoveTagsFromResource" => tags::remove(tags, &call.params, "TagKeys"),
        _ => {}
    }
    Ok(Fields::only("TagList", tags::reply("Tag", tags)))
}

/// `TagResource`, `UntagResource` and `ListTagsForResource` of the JSON services, likewise.
///
/// # Errors
/// When there would be more tags than AWS allows.
pub fn json(call: &Call, tags: &mut Tags) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "TagResource" => tags::add(tags, from_map(&call.params, "tags"), "BadRequestException")?,
        "UntagResource" => tags::remove(tags, &call.params, "tagKeys"),
        _ => return Ok(Fields::only("tags", to_map(tags))),
    }
    Ok(Reply::empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn call(operation: &str, params: serde_json::Value) -> Call {
        Call {
            service: "eks".to_owned(),
            region: "eu-central-1".to_owned(),
            operation: operation.to_owned(),
            params: Params(params),
        }
    }

    #[test]
    fn both_spellings_add_remove_and_list() {
        let mut tags = Tags::new();
        let add = call(
            "AddTagsToResource",
            json!({"Tags": [{"Key": "a", "Value": "1"}]}),
        );
        query(&add, &mut tags).unwrap();
        json(&call("TagResource", json!({"tags": {"b": "2"}})), &mut tags).unwrap();
        assert_eq!(tags.len(), 2);
        query(
            &call("RemoveTagsFromResource", json!({"TagKeys": ["a"]})),
            &mut tags,
        )
        .unwrap();
        let listed = json(&call("ListTagsForResource", json!({})), &mut tags).unwrap();
        let b = Reply::Map(vec![("b".to_owned(), "2".into())]);
        assert_eq!(listed, Fields::only("tags", b));
        json(&call("UntagResource", json!({"tagKeys": ["b"]})), &mut tags).unwrap();
        assert!(tags.is_empty());
    }
}
