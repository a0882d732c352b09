//! How IAM's answers spell entities, policies and pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Entity, Kind, Role};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::aws::page::{self, Page};
use crate::sandbox::aws::tags::{self, Tags};

/// The members of a structure.
pub(super) type Members = Vec<(&'static str, Reply)>;

/// Policy documents travel URL-encoded as RFC 3986 says.
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) fn document(text: &str) -> Reply {
    utf8_percent_encode(text, DOCUMENT).to_string().into()
}

/// The page that a request asks for: 100 elements where it does not say.
pub(super) fn page<T>(
    params: &Params,
    elements: impl IntoIterator<Item = (String, T)>,
) -> Result<Page<T>, Fault> {
    let size = page::size(params, "MaxItems", 100, 1000, "ValidationError")?;
    Ok(page::cut(elements, params.text("Marker").as_deref(), size))
}

/// A page's list with IAM's mark of whether there is more.
pub(super) fn listing<T>(list: &'static str, page: Page<T>, each: impl Fn(T) -> Reply) -> Members {
    let items = page.items.into_iter().map(each).collect();
    let mut members = vec![(list, Reply::List("member", items))];
    members.extend(truncation(page.next));
    members
}

pub(super) fn truncation(next: Option<String>) -> Members {
    let mut members = vec![("IsTruncated", next.is_some().into())];
    members.extend(next.map(|marker| ("Marker", marker.into())));
    members
}

pub(super) fn all_tags(all: &Tags) -> Reply {
    let mut members = vec![("Tags", tags::reply("member", all))];
    members.extend(truncation(None));
    Reply::Fields(members)
}

pub(super) fn entity(kind: Kind, entity: &Entity, with_tags: bool) -> Members {
    let id = match kind {
        Kind::Role => "RoleId",
        Kind::Group => "GroupId",
        Kind::User => "UserId",
    };
    let mut members = vec![
        ("Path", (&entity.path).into()),
        (kind.name_member(), (&entity.name).into()),
        (id, (&entity.id).into()),
        ("Arn", (&entity.arn).into()),
        ("CreateDate", entity.created.into()),
    ];
    if with_tags && !entity.tags.is_empty() {
        members.push(("Tags", tags::reply("member", &entity.tags)));
    }
    members
}

pub(super) fn role(role: &Role, with_tags: bool) -> Members {
    let mut members = entity(Kind::Role, &role.entity, with_tags);
    members.push(("AssumeRolePolicyDocument", document(&role.trust)));
    members.push(("MaxSessionDuration", role.max_session.into()));
    if let Some(description) = &role.description {
        members.push(("Description", description.into()));
    }
    members
}

/// An attached managed policy; its name is the last part of its ARN.
pub(super) fn attached(arn: &str) -> Reply {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    Reply::Fields(vec![("PolicyName", name.into()), ("PolicyArn", arn.into())])
}
