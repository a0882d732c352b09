//! One thing of the world, before its identifiers are written as names.

use serde_json::{Map, Value};

/// How an identifier is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// `@kind/name`
    Reference,
    /// `name`
    Name,
    /// The part of the name behind its last slash: a Kubernetes name goes without its namespace.
    LastName,
    /// This text.
    Text(String),
}

/// One thing of the world. `name` and `body` may still hold identifiers.
pub struct Item {
    /// Its kind, as in `@kind/name`.
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// What the cloud made up for it and would make up differently the next time: identifiers, addresses, names.
    pub identifiers: Vec<(String, Form)>,
    /// Its place among those that look alike.
    pub order: String,
    /// Everything else about it.
    pub body: Map<String, Value>,
}

impl Item {
    /// A thing of this kind and name. `body` must be an object.
    pub fn new(kind: &str, name: impl Into<String>, body: Value) -> Self {
        let body = match body {
            Value::Object(body) => body,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        Self {
            kind: kind.to_owned(),
            name: name.into(),
            identifiers: Vec::new(),
            order: String::new(),
            body,
        }
    }

    /// With an identifier that is written as `@kind/name`.
    pub fn id(self, id: impl Into<String>) -> Self {
        self.written(id, Form::Reference)
    }

    /// With an identifier that is written in this form.
    pub fn written(mut self, identifier: impl Into<String>, form: Form) -> Self {
        self.identifiers.push((identifier.into(), form));
        self
    }

    /// With its place among those that look alike.
    pub fn order(mut self, order: impl Into<String>) -> Self {
        self.order = order.into();
        self
    }

    /// With a member more, where there is a value.
    pub fn maybe(mut self, member: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.body.insert(member.to_owned(), value.into());
        }
        self
    }

    /// With a member more, where its value is not the one that AWS fills in by itself.
    pub fn unless<T: PartialEq + Into<Value>>(self, member: &str, value: T, usual: T) -> Self {
        let told = (value != usual).then_some(value);
        self.maybe(member, told)
    }

    /// With tags, where there are any.
    pub fn tags(self, tags: &crate::sandbox::aws::tags::Tags) -> Self {
        let tags = (!tags.is_empty()).then(|| serde_json::json!(tags));
        self.maybe("tags", tags)
    }
}
