//! The query protocols' requests: a form whose dotted names spell a tree (`Tag.1.Key=…`).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::Decoded;
use crate::sandbox::aws::call::{Fault, Params};

/// Deeper names are refused: no operation has them, and the tree is walked recursively.
const DEEPEST: usize = 32;

/// The version of the API that a form names.
pub fn version(request: &Request<Bytes>) -> Option<String> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    form_urlencoded::parse(query)
        .chain(form_urlencoded::parse(request.body()))
        .find(|(name, _)| name == "Version")
        .map(|(_, version)| version.into_owned())
}

/// Reads the form in the body, and in the query string of a GET, for the service with this XML namespace.
pub fn decode(request: &Request<Bytes>, namespace: &str) -> Result<Decoded, Fault> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let mut root = Node::default();
    let (mut action, mut version) = (None, None);
    for (name, value) in form_urlencoded::parse(query).chain(form_urlencoded::parse(request.body()))
    {
        match name.as_ref() {
            "Action" => action = Some(value.into_owned()),
            "Version" => version = Some(value.into_owned()),
            name if name.split('.').count() > DEEPEST => {
                let message = format!("The parameter name is nested too deeply: {name:.60}");
                return Err(Fault::new("MalformedInput", message));
            }
            name => root.insert(name, value.into_owned()),
        }
    }
    let action = action.ok_or_else(|| {
        Fault::new(
            "MissingAction",
            "The request must contain the parameter Action",
        )
    })?;
    if let Some(version) = version
        && !namespace.contains(&format!("/{version}/"))
    {
        let message = format!("Could not find operation {action} for version {version}");
        return Err(Fault::new("InvalidAction", message));
    }
    Ok((action, Params(root.into_value())))
}

#[derive(Default)]
struct Node {
    text: Option<String>,
    members: BTreeMap<String, Node>,
}

impl Node {
    fn insert(&mut self, path: &str, text: String) {
        let mut node = self;
        for part in path.split('.') {
            node = node.members.entry(part.to_owned()).or_default();
        }
        node.text = Some(text);
    }

    /// A node whose members are all numbered is a list, in the order of the numbers.
    fn into_value(self) -> Value {
        if self.members.is_empty() {
            // Only the root of an empty form has neither text nor members.
            return self
                .text
                .map_or_else(|| Value::Object(Default::default()), Value::String);
        }
        let numbers: Option<Vec<u32>> = self.members.keys().map(|key| key.parse().ok()).collect();
        match numbers {
            Some(numbers) => {
                let mut elements: Vec<(u32, Node)> = numbers
                    .into_iter()
                    .zip(self.members.into_values())
                    .collect();
                elements.sort_by_key(|(number, _)| *number);
                elements
                    .into_iter()
                    .map(|(_, node)| node.into_value())
                    .collect()
            }
            None => self
                .members
                .into_iter()
                .map(|(key, node)| (key, node.into_value()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(body: &'static str) -> Result<Decoded, Fault> {
        let request = Request::new(Bytes::from_static(body.as_bytes()));
        decode(&request, "http://elb.example/doc/2015-12-01/")
    }

    #[test]
    fn dotted_names_become_trees_with_and_without_wrappers() {
        let body = "Action=CreateVpc&Version=2015-12-01&Filter.1.Name=a&Filter.1.Value.1=x&Filter.1.Value.2=y%20z\
            &SubnetIds.SubnetIdentifier.1=s1&Tags.member.10.Key=k10&Tags.member.2.Key=k2&Empty=";
        let (action, params) = decoded(body).expect("a call");
        assert_eq!(action, "CreateVpc");
        let filters = params.list("Filter");
        assert_eq!(filters.len(), 1);
        assert_eq!(filters[0].text("Name").as_deref(), Some("a"));
        assert_eq!(filters[0].texts("Value"), ["x", "y z"]);
        assert_eq!(params.texts("SubnetIds"), ["s1"]);
        let keys: Vec<_> = params
            .list("Tags")
            .iter()
            .map(|tag| tag.text("Key"))
            .collect();
        assert_eq!(keys, [Some("k2".to_owned()), Some("k10".to_owned())]);
        assert!(params.list("Empty").is_empty());
        assert!(!params.has("Version"));
    }

    #[test]
    fn another_version_of_the_api_is_another_service() {
        let fault = decoded("Action=DescribeLoadBalancers&Version=2012-06-01").err();
        assert_eq!(
            fault.map(|fault| fault.code).as_deref(),
            Some("InvalidAction")
        );
    }

    #[test]
    fn a_form_without_an_action_and_one_nested_without_end_are_refused() {
        let code = |body| decoded(body).err().map(|fault| fault.code);
        assert_eq!(code("Foo=1").as_deref(), Some("MissingAction"));
        let deep: &'static str = format!("Action=A&{}a=1", "a.".repeat(40)).leak();
        assert_eq!(code(deep).as_deref(), Some("MalformedInput"));
    }
}
