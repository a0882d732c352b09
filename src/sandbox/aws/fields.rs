//! A structure of an answer, member by member.

use super::Reply;

/// Builds [`Reply::Fields`]; members stand in the order in which they are added.
#[derive(Debug, Default)]
pub struct Fields(Vec<(&'static str, Reply)>);

impl Fields {
    /// A structure without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// A structure with only this member.
    pub fn only(name: &'static str, value: impl Into<Reply>) -> Reply {
        Self::new().with(name, value).into()
    }

    /// Adds a member.
    pub fn with(mut self, name: &'static str, value: impl Into<Reply>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a member that may be absent.
    pub fn maybe(self, name: &'static str, value: Option<impl Into<Reply>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a list; `element` is the XML name of its elements.
    pub fn list(
        self,
        name: &'static str,
        element: &'static str,
        elements: impl IntoIterator<Item = impl Into<Reply>>,
    ) -> Self {
        let elements = elements.into_iter().map(Into::into).collect();
        self.with(name, Reply::List(element, elements))
    }
}

impl From<Fields> for Reply {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields.0)
    }
}
