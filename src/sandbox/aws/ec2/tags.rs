//! Tags, which all kinds carry alike.

use super::describe::{self, Listing, View};
use super::kind::Kind;
use super::state::{Ec2, Tags};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply};
use crate::sandbox::world::World;

/// More than these a resource can't carry.
const MOST_TAGS: usize = 50;

/// The tags that a create operation's `TagSpecification` gives to what it makes.
pub(super) fn specified(params: &Params, kind: Kind) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for specification in params.list("TagSpecification") {
        let resource_type = specification.required("ResourceType")?;
        if resource_type != kind.resource_type() {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!(
                    "'{resource_type}' is not a valid taggable resource type for this operation."
                ),
            ));
        }
        for (key, value) in read(&specification)? {
            if tags.insert(key.clone(), value).is_some() {
                return Err(Fault::new(
                    "InvalidParameterValue",
                    format!("Duplicate tag key '{key}' specified."),
                ));
            }
        }
    }
    within_limit(&tags)?;
    Ok(tags)
}

/// The members `Tag` of a request, which may not touch AWS's own.
fn read(params: &Params) -> Result<Vec<(String, String)>, Fault> {
    let tag = |tag: &Params| {
        let key = tag.required("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Fault::new(
                "InvalidParameterValue",
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("Tag '{key:.40}' exceeds the maximum length of 128 and 256 characters"),
            ));
        }
        Ok((key, value))
    };
    params.list("Tag").iter().map(tag).collect()
}

fn within_limit(tags: &Tags) -> Result<(), Fault> {
    let own = tags.keys().filter(|key| !key.starts_with("aws:")).count();
    if own > MOST_TAGS {
        return Err(Fault::new(
            "TagLimitExceeded",
            "You have reached the maximum number of tags that a resource can have.",
        ));
    }
    Ok(())
}

/// The ids that a request names, each of which must exist.
fn resources(ec2: &Ec2, params: &Params) -> Result<Vec<String>, Fault> {
    let ids = params.texts("ResourceId");
    if ids.is_empty() {
        return Err(Fault::new(
            "MissingParameter",
            "The request must contain the parameter resourceIdSet",
        ));
    }
    for id in &ids {
        let kind = Kind::of(id)
            .ok_or_else(|| Fault::new("InvalidID", format!("The ID '{id}' is not valid")))?;
        if !ec2.has(kind, id) {
            return Err(kind.not_found(id));
        }
    }
    Ok(ids)
}

/// CreateTags.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ec2 = &mut world.region(&call.region).ec2;
    let ids = resources(ec2, &call.params)?;
    let tags: Tags = read(&call.params)?.into_iter().collect();
    for id in &ids {
        let mut all = ec2.tags_of(id);
        all.extend(tags.clone());
        within_limit(&all)?;
    }
    for id in &ids {
        ec2.add_tags(id, tags.clone());
    }
    Ok(Fields::new().with("return", true).into())
}

/// DeleteTags: with a value only where the value is that; without tags all but AWS's own.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ec2 = &mut world.region(&call.region).ec2;
    let ids = resources(ec2, &call.params)?;
    read(&call.params)?;
    let named = call.params.list("Tag");
    let goes = |key: &String, value: &String| match named.as_slice() {
        [] => !key.starts_with("aws:"),
        named => named.iter().any(|tag| {
            tag.text("Key").as_ref() == Some(key)
                && tag.text("Value").is_none_or(|only| only == *value)
        }),
    };
    for id in &ids {
        if let Some(tags) = ec2.tags.get_mut(id) {
            tags.retain(|key, value| !goes(key, value));
        }
    }
    ec2.tags.retain(|_, tags| !tags.is_empty());
    Ok(Fields::new().with("return", true).into())
}

/// DescribeTags.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "tagSet",
        ids: "",
        kind: None,
        id_member: "resourceId",
        filters: &[
            ("key", "key"),
            ("resource-id", "resourceId"),
            ("resource-type", "resourceType"),
            ("value", "value"),
        ],
    };
    let view = View::of(world, &call.region);
    let elements = (view.ec2.tags.iter())
        .flat_map(|(id, tags)| tags.iter().map(move |(key, value)| (id, key, value)))
        .map(|(id, key, value)| {
            let element = Fields::new()
                .with("resourceId", id)
                .with("resourceType", Kind::of(id).map_or("", Kind::resource_type))
                .with("key", key)
                .with("value", value);
            (format!("{id} {key}"), element.into())
        })
        .collect();
    describe::answer(call, &listing, elements)
}
