//! One request to a service, and its answer, in terms that no wire protocol shows through.

use std::fmt;

use serde_json::Value;

use crate::sandbox::time::SimTime;

/// One decoded request.
#[derive(Clone, Debug)]
pub struct Call {
    /// The signing name of the service: `ec2`, `eks`, `rds`, `elasticache`, `iam`, `route53`, …
    pub service: String,
    /// The region of the request's signature.
    pub region: String,
    /// AWS's name of the operation, such as `CreateVpc`.
    pub operation: String,
    /// Its input.
    pub params: Params,
}

/// The input of an operation. Query protocols bring every scalar as text, JSON protocols bring types;
/// the accessors read both.
#[derive(Clone, Default)]
pub struct Params(pub Value);

/// Only the names of what was given: values may be secret.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .0
            .as_object()
            .into_iter()
            .flat_map(|given| given.keys());
        f.debug_set().entries(names).finish()
    }
}

impl Params {
    fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Text of a member, if it was given. Numbers and booleans read as their text.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.member(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Text of a member that the operation requires.
    pub fn required(&self, name: &str) -> Result<String, Fault> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                Fault::new(
                    "MissingParameter",
                    format!("The request must contain the parameter {name}"),
                )
            })
    }

    /// A whole number, if it was given.
    pub fn int(&self, name: &str) -> Result<Option<i64>, Fault> {
        self.text(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    Fault::new(
                        "InvalidParameterValue",
                        format!("{name} is not a whole number: {text}"),
                    )
                })
            })
            .transpose()
    }

    /// A flag, if it was given.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text(name)
            .map(|text| text.eq_ignore_ascii_case("true"))
    }

    /// A nested structure; an absent one reads as empty.
    pub fn nested(&self, name: &str) -> Params {
        Params(self.member(name).cloned().unwrap_or_default())
    }

    /// Whether the member was given at all.
    pub fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// The elements of a list; an absent one reads as empty. A query protocol's wrapper (`member`, `Tag`,
    /// `SubnetIdentifier`, …) is looked through.
    pub fn list(&self, name: &str) -> Vec<Params> {
        let Some(mut value) = self.member(name) else {
            return Vec::new();
        };
        if let Value::Object(fields) = value
            && fields.len() == 1
            && let Some(inner @ Value::Array(_)) = fields.values().next()
        {
            value = inner;
        }
        value
            .as_array()
            .into_iter()
            .flatten()
            .cloned()
            .map(Params)
            .collect()
    }

    /// A list of scalars as text.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.list(name)
            .into_iter()
            .filter_map(|element| match element.0 {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
            })
            .collect()
    }
}

/// An answer as a tree. XML protocols need the name of a list's elements; JSON protocols pass it over.
#[derive(Clone, PartialEq)]
pub enum Reply {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// A flag.
    Flag(bool),
    /// A moment; ISO 8601 in XML, epoch seconds in JSON.
    Time(SimTime),
    /// A structure, members in order.
    Fields(Vec<(&'static str, Reply)>),
    /// A map with free keys (JSON protocols, `tags` above all).
    Map(Vec<(String, Reply)>),
    /// A list and the XML name of its elements.
    List(&'static str, Vec<Reply>),
}

/// Only the form and the names of the members: values may be secret.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text"),
            Self::Number(_) => f.write_str("Number"),
            Self::Flag(_) => f.write_str("Flag"),
            Self::Time(_) => f.write_str("Time"),
            Self::Fields(members) => {
                let members = members.iter().map(|(name, value)| (name, value));
                f.debug_map().entries(members).finish()
            }
            Self::Map(entries) => f
                .debug_set()
                .entries(entries.iter().map(|(key, _)| key))
                .finish(),
            Self::List(_, elements) => f.debug_list().entries(elements).finish(),
        }
    }
}

impl Reply {
    /// An answer without members.
    pub fn empty() -> Self {
        Self::Fields(Vec::new())
    }

    /// A list of texts.
    pub fn texts(
        element: &'static str,
        texts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::List(
            element,
            texts
                .into_iter()
                .map(|text| Self::Text(text.into()))
                .collect(),
        )
    }
}

impl From<&str> for Reply {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Reply {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<&String> for Reply {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}
impl From<bool> for Reply {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}
impl From<i64> for Reply {
    fn from(number: i64) -> Self {
        Self::Number(number as f64)
    }
}
impl From<SimTime> for Reply {
    fn from(time: SimTime) -> Self {
        Self::Time(time)
    }
}

/// A refusal: the error that AWS would answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Fault {
    /// HTTP status.
    pub status: u16,
    /// AWS's exact error code.
    pub code: String,
    /// AWS's message.
    pub message: String,
}

impl Fault {
    /// A client error with status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// The answer to an operation that the sandbox does not offer, in the words of the service's protocol.
    pub fn unknown_operation(call: &Call) -> Self {
        let code = match call.service.as_str() {
            "ec2" | "rds" | "elasticache" | "iam" | "sts" | "elasticloadbalancing" | "route53" => {
                "InvalidAction"
            }
            _ => "UnknownOperationException",
        };
        Self::new(
            code,
            format!(
                "The sandbox does not know the operation {} of {}",
                call.operation, call.service
            ),
        )
    }

    /// The same with another HTTP status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_names_members_and_shows_no_value() {
        let call = Call {
            service: "secretsmanager".to_owned(),
            region: "us-east-1".to_owned(),
            operation: "CreateSecret".to_owned(),
            params: Params(json!({"SecretString": "canary", "Tags": [{"Key": "canary"}]})),
        };
        let value = Reply::Fields(vec![
            ("SecretString", "canary".into()),
            ("Tags", Reply::texts("member", ["canary"])),
        ]);
        let shown = format!("{call:?} {value:?}");
        assert!(!shown.contains("canary"), "{shown}");
        for name in ["CreateSecret", "SecretString", "Tags"] {
            assert!(shown.contains(name), "{shown}");
        }
    }
}
