//! The REST protocols' requests: an operation is a method and a path, its members stand in path, query and body.

use bytes::Bytes;
use http::Request;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::Decoded;
use crate::sandbox::aws::call::{Fault, Params, Reply};

/// The operations of a REST service.
pub struct Routes {
    /// A line for each operation: its method, its name, its path.
    pub table: &'static str,
    /// The query parameters that are not named like their members, with those.
    pub renamed: &'static [(&'static str, &'static str)],
    /// The query parameters that carry lists, however often they occur.
    pub lists: &'static [&'static str],
    /// The operations that answer `201 Created`, with the place of what was made.
    pub created: &'static [&'static str],
}

/// An operation that fits a request, and what path and query say.
pub struct Matched {
    operation: &'static str,
    members: Map<String, Value>,
    /// Whether it answers `201 Created`.
    pub creates: bool,
}

impl Matched {
    /// The operation with the members of the body and, over them, those of path and query.
    pub fn call(self, mut body: Map<String, Value>) -> Decoded {
        body.extend(self.members);
        (self.operation.to_owned(), Params(Value::Object(body)))
    }
}

/// Finds the operation that `request` means.
pub fn matched(routes: &Routes, request: &Request<Bytes>) -> Result<Matched, Fault> {
    let (method, path) = (request.method(), request.uri().path());
    let fitting = routes.table.lines().find_map(|line| {
        let mut columns = line.split_whitespace();
        let wanted = columns.next()?;
        let (operation, pattern) = (columns.next()?, columns.next()?);
        let members = labels(pattern, path)?;
        (wanted == method.as_str()).then_some((operation, members))
    });
    let Some((operation, mut members)) = fitting else {
        let message = format!("The sandbox does not know the operation {method} {path}");
        return Err(Fault::new("UnknownOperationException", message).status(404));
    };
    read_query(
        routes,
        request.uri().query().unwrap_or_default(),
        &mut members,
    );
    Ok(Matched {
        operation,
        members,
        creates: routes.created.contains(&operation),
    })
}

/// The labels of `path`, if it has the form of `pattern`; a slash at its end does not count.
fn labels(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    let mut segments = path.trim_matches('/').split('/');
    for wanted in pattern.trim_matches('/').split('/') {
        let segment = segments.next()?;
        match wanted
            .strip_prefix('{')
            .and_then(|label| label.strip_suffix('}'))
        {
            Some(label) => {
                let text = percent_decode_str(segment).decode_utf8().ok()?;
                if text.is_empty() {
                    return None;
                }
                members.insert(label.to_owned(), Value::String(text.into_owned()));
            }
            None if wanted == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(members)
}

fn read_query(routes: &Routes, query: &str, members: &mut Map<String, Value>) {
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let renamed = routes.renamed.iter().find(|(wire, _)| *wire == name);
        let member = renamed.map_or(name.as_ref(), |(_, member)| member);
        let value = Value::String(value.into_owned());
        if !routes.lists.contains(&member) {
            members.insert(member.to_owned(), value);
            continue;
        }
        match members.get_mut(member) {
            Some(Value::Array(elements)) => elements.push(value),
            Some(_) | None => {
                members.insert(member.to_owned(), Value::Array(vec![value]));
            }
        }
    }
}

/// The place of what was just made: Route 53's hosted zones are the only ones that are told so.
pub fn location(namespace: &str, reply: &Reply) -> Option<String> {
    let zone = field(field(reply, "HostedZone")?, "Id")?;
    let Reply::Text(id) = zone else { return None };
    let base = namespace.replace("/doc/", "/");
    let id = id.trim_start_matches("/hostedzone/");
    Some(format!("{base}hostedzone/{id}"))
}

fn field<'r>(reply: &'r Reply, name: &str) -> Option<&'r Reply> {
    let Reply::Fields(members) = reply else {
        return None;
    };
    let (_, member) = members.iter().find(|(known, _)| *known == name)?;
    Some(member)
}

#[cfg(test)]
mod tests {
    use super::super::routes::{EKS, ROUTE53};
    use super::*;
    use http::Method;

    fn decoded(routes: &Routes, method: Method, uri: &str) -> Option<Decoded> {
        let request = Request::builder().method(method).uri(uri);
        let request = request.body(Bytes::new()).expect("a valid request");
        let matched = matched(routes, &request).ok()?;
        Some(matched.call(Map::new()))
    }

    #[test]
    fn labels_are_decoded_after_the_path_is_split() {
        let uri = "/clusters/c/access-entries/arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fpath%2Fr";
        let (operation, params) = decoded(&EKS, Method::GET, uri).expect("a route");
        assert_eq!(operation, "DescribeAccessEntry");
        assert_eq!(params.text("clusterName").as_deref(), Some("c"));
        assert_eq!(
            params.text("principalArn").as_deref(),
            Some("arn:aws:iam::1:role/path/r")
        );
    }

    #[test]
    fn query_parameters_are_renamed_and_listed() {
        let uri = "/2013-04-01/hostedzone/Z1/rrset?name=a.example.&type=CNAME&maxitems=1";
        let (operation, params) = decoded(&ROUTE53, Method::GET, uri).expect("a route");
        assert_eq!(operation, "ListResourceRecordSets");
        assert_eq!(params.text("HostedZoneId").as_deref(), Some("Z1"));
        assert_eq!(
            params.text("StartRecordName").as_deref(),
            Some("a.example.")
        );

        let uri = "/tags/arn%3Aaws%3Aeks?tagKeys=a&tagKeys=b%20c";
        let (operation, params) = decoded(&EKS, Method::DELETE, uri).expect("a route");
        assert_eq!(operation, "UntagResource");
        assert_eq!(params.texts("tagKeys"), ["a", "b c"]);
    }

    #[test]
    fn other_paths_and_methods_are_unknown() {
        assert!(decoded(&EKS, Method::PUT, "/clusters").is_none());
        assert!(decoded(&EKS, Method::GET, "/clusters//node-groups").is_none());
        assert!(decoded(&EKS, Method::GET, "/clusters/a/node-groups/b/c").is_none());
    }
}
