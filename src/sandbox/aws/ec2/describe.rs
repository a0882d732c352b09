//! What all Describe operations share: ids, filters with wildcards, and pages.
//!
//! A filter reads the answer itself: it names a path in it. So what can be seen can be searched, and only that.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::kind::Kind;
use super::state::{Ec2, Tags};
use crate::sandbox::aws::wildcard::matches;
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply};
use crate::sandbox::world::World;

/// AWS takes no smaller page than this, nor a larger one than [`LARGEST_PAGE`].
const SMALLEST_PAGE: usize = 5;
const LARGEST_PAGE: usize = 1000;

/// What an answer is made from.
pub(super) struct View<'world> {
    pub ec2: &'world Ec2,
    pub account: &'world str,
    pub region: &'world str,
}

impl<'world> View<'world> {
    pub fn of(world: &'world mut World, region: &'world str) -> Self {
        let ec2 = &world.regions.entry(region.to_owned()).or_default().ec2;
        let account = &world.account;
        Self {
            ec2,
            account,
            region,
        }
    }

    /// The ARN of a resource.
    pub fn arn(&self, kind: Kind, id: &str) -> String {
        let (region, account, name) = (self.region, self.account, kind.resource_type());
        format!("arn:aws:ec2:{region}:{account}:{name}/{id}")
    }

    /// The member `tagSet` of a resource.
    pub fn tag_set(&self, id: &str) -> Reply {
        let none = Tags::new();
        let tags = self.ec2.tags.get(id).unwrap_or(&none);
        let tag = |(key, value): (&String, &String)| -> Reply {
            Fields::new().with("key", key).with("value", value).into()
        };
        Reply::List("item", tags.iter().map(tag).collect())
    }
}

/// How a Describe operation is asked and answers.
pub(super) struct Listing {
    /// Name of the list in the answer.
    pub set: &'static str,
    /// Name of the list of ids in the request.
    pub ids: &'static str,
    /// What it lists, where that has ids and tags.
    pub kind: Option<Kind>,
    /// The member of an element that ids are compared with, and refusals where there is no kind.
    pub id_member: &'static str,
    /// Filters, and the path in an element that each reads.
    pub filters: &'static [(&'static str, &'static str)],
}

impl Listing {
    /// The path of the tags, which stand beside the id.
    fn tags_path(&self) -> String {
        match self.id_member.rsplit_once('.') {
            Some((parent, _)) => format!("{parent}.tagSet"),
            None => "tagSet".to_owned(),
        }
    }
}

/// Answers a Describe operation from all resources of a kind.
pub(super) fn all<T>(
    world: &mut World,
    call: &Call,
    listing: &Listing,
    of: fn(&Ec2) -> &BTreeMap<String, T>,
    reply: fn(&View<'_>, &str, &T) -> Reply,
) -> Result<Reply, Fault> {
    let view = View::of(world, &call.region);
    let elements = (of(view.ec2).iter())
        .map(|(id, resource)| (id.clone(), reply(&view, id, resource)))
        .collect();
    answer(call, listing, elements)
}

/// Answers a Describe operation from all elements there are, each with the key by which they are sorted and pages go on.
pub(super) fn answer(
    call: &Call,
    listing: &Listing,
    mut elements: Vec<(String, Reply)>,
) -> Result<Reply, Fault> {
    elements.sort_by(|(one, _), (other, _)| one.cmp(other));
    let params = &call.params;
    let asked = params.texts(listing.ids);
    let filters = filters(params, listing)?;
    let page = page_size(params, !asked.is_empty())?;
    let after = params
        .text("NextToken")
        .map(|token| read_token(&token))
        .transpose()?;
    check_ids(listing, &asked, &elements)?;
    let mut found = elements.into_iter().filter(|(key, element)| {
        after.as_ref().is_none_or(|after| key > after)
            && (asked.is_empty()
                || texts_at(element, listing.id_member)
                    .iter()
                    .any(|id| asked.contains(id)))
            && filters.iter().all(|filter| filter.admits(element))
    });
    let mut last_key = None;
    let mut listed = Vec::new();
    for (key, element) in found.by_ref().take(page) {
        last_key = Some(key);
        listed.push(element);
    }
    let token = (found.next().is_some())
        .then_some(last_key)
        .flatten()
        .map(|key| URL_SAFE_NO_PAD.encode(key));
    Ok(Fields::new()
        .list(listing.set, "item", listed)
        .maybe("nextToken", token)
        .into())
}

fn check_ids(listing: &Listing, asked: &[String], all: &[(String, Reply)]) -> Result<(), Fault> {
    for id in asked {
        if !(all.iter()).any(|(_, element)| texts_at(element, listing.id_member).contains(id)) {
            return Err(match listing.kind {
                Some(kind) => kind.not_found(id),
                None => invalid(format!("Invalid {}: [{id}]", listing.ids)),
            });
        }
    }
    Ok(())
}

fn page_size(params: &Params, by_id: bool) -> Result<usize, Fault> {
    let Some(asked) = params.int("MaxResults")? else {
        return Ok(LARGEST_PAGE);
    };
    if by_id {
        return Err(Fault::new(
            "InvalidParameterCombination",
            "The parameter maxResults cannot be used together with ids",
        ));
    }
    usize::try_from(asked)
        .ok()
        .filter(|size| (SMALLEST_PAGE..=LARGEST_PAGE).contains(size))
        .ok_or_else(|| {
            invalid(format!(
                "Value ( {asked} ) for parameter maxResults is invalid. \
                 Expecting a value between {SMALLEST_PAGE} and {LARGEST_PAGE}."
            ))
        })
}

fn read_token(token: &str) -> Result<String, Fault> {
    (URL_SAFE_NO_PAD.decode(token).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Fault::new("InvalidNextToken", "The specified nextToken is not valid."))
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

/// One filter: any of its values must match any text that it reads.
struct Filter {
    reads: Reads,
    values: Vec<String>,
}

enum Reads {
    Path(&'static str),
    TagKey { tags: String },
    Tag { tags: String, key: String },
}

fn filters(params: &Params, listing: &Listing) -> Result<Vec<Filter>, Fault> {
    let read = |filter: &Params| {
        let name = filter.required("Name")?;
        let path = (listing.filters.iter()).find(|(known, _)| *known == name);
        let reads = match (path, name.strip_prefix("tag:")) {
            (Some((_, path)), _) => Reads::Path(path),
            (None, Some(key)) if listing.kind.is_some() => Reads::Tag {
                tags: listing.tags_path(),
                key: key.to_owned(),
            },
            (None, None) if listing.kind.is_some() && name == "tag-key" => Reads::TagKey {
                tags: listing.tags_path(),
            },
            (None, _) => return Err(invalid(format!("The filter '{name}' is invalid"))),
        };
        let values = filter.texts("Value");
        Ok(Filter { reads, values })
    };
    params.list("Filter").iter().map(read).collect()
}

impl Filter {
    fn admits(&self, element: &Reply) -> bool {
        let texts = match &self.reads {
            Reads::Path(path) => texts_at(element, path),
            Reads::TagKey { tags } => texts_at(element, &format!("{tags}.key")),
            Reads::Tag { tags, key } => {
                let keys = texts_at(element, &format!("{tags}.key"));
                let values = texts_at(element, &format!("{tags}.value"));
                (keys.iter().zip(values))
                    .filter(|(other, _)| *other == key)
                    .map(|(_, value)| value)
                    .collect()
            }
        };
        (texts.iter()).any(|text| self.values.iter().any(|pattern| matches(pattern, text)))
    }
}

/// The texts at a dotted path; a list on the way contributes each of its elements.
pub fn texts_at(reply: &Reply, path: &str) -> Vec<String> {
    match reply {
        Reply::List(_, elements) => (elements.iter())
            .flat_map(|element| texts_at(element, path))
            .collect(),
        Reply::Fields(members) => {
            let (name, rest) = path.split_once('.').unwrap_or((path, ""));
            (members.iter())
                .filter(|(member, _)| *member == name)
                .flat_map(|(_, value)| texts_at(value, rest))
                .collect()
        }
        Reply::Text(text) if path.is_empty() => vec![text.clone()],
        Reply::Number(number) if path.is_empty() => vec![number.to_string()],
        Reply::Flag(flag) if path.is_empty() => vec![flag.to_string()],
        Reply::Time(time) if path.is_empty() => vec![time.to_rfc3339()],
        Reply::Text(_) | Reply::Number(_) | Reply::Flag(_) | Reply::Time(_) | Reply::Map(_) => {
            Vec::new()
        }
    }
}
