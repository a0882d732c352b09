//! The text of a file with the place of everything in it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The way from the root of the file to a value: keys, and the positions in arrays.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// The way from the root along these steps.
    pub(super) fn of<const N: usize>(steps: [&str; N]) -> Self {
        Self(steps.map(str::to_owned).to_vec())
    }

    /// One step further.
    pub(super) fn to(&self, step: impl ToString) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.to_string());
        Self(steps)
    }

    /// The last step.
    pub(super) fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// The tables that it leads through, from the root, and itself.
    pub(super) fn way(&self) -> impl Iterator<Item = Self> {
        (0..=self.0.len()).map(|steps| Self(self.0[..steps].to_vec()))
    }

    /// Whether this is `other` or leads to it.
    pub(super) fn leads_to(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// A place to point at.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// A key, or the nearest one around it that the file has.
    Key(Path),
    /// A value; of a table its key, because tables are long.
    Value(Path),
}

impl At {
    /// The way to it.
    pub(super) fn path(&self) -> &Path {
        let (Self::Key(path) | Self::Value(path)) = self;
        path
    }
}

/// A file, taken apart as far as it is TOML.
pub(super) struct Source<'a> {
    /// The parsed root.
    pub root: Spanned<DeTable<'a>>,
    /// Misspelt keys: where they should be, and how the file spells them.
    spelt: BTreeMap<Path, String>,
}

impl<'a> Source<'a> {
    /// Keeps a parsed file.
    pub(super) fn new(root: Spanned<DeTable<'a>>) -> Self {
        Self {
            root,
            spelt: BTreeMap::new(),
        }
    }

    /// From now on `path` means what the file has under the key `spelt`.
    pub(super) fn accept_spelling(&mut self, path: Path, spelt: String) {
        self.spelt.insert(path, spelt);
    }

    /// Where something is in the text. What the file does not have is where the innermost table around it begins.
    pub(super) fn span(&self, at: &At) -> Range<usize> {
        let mut table = Some(self.root.get_ref());
        let mut array = None;
        let mut found = 0..0;
        let mut walked = Path::default();
        for step in &at.path().0 {
            walked = walked.to(step);
            let key = self.spelt.get(&walked).unwrap_or(step);
            let value = if let Some(entries) = table {
                let Some((name, value)) = entries.get_key_value(key.as_str()) else {
                    return found;
                };
                found = name.span();
                value
            } else if let Some(items) = array {
                let item: Option<&Spanned<DeValue<'_>>> = step
                    .parse()
                    .ok()
                    .and_then(|index: usize| <[_]>::get(items, index));
                let Some(value) = item else { return found };
                found = value.span();
                value
            } else {
                return found;
            };
            let inner = value.get_ref();
            table = inner.as_table();
            array = inner.as_array().map(|items| &items[..]);
            if walked == *at.path() && matches!(at, At::Value(_)) && table.is_none() {
                found = value.span();
            }
        }
        found
    }
}

/// The text with passwords overwritten, so that diagnostics can quote it. Positions stay what they were.
pub(super) fn masked(text: &str, root: &DeTable<'_>) -> String {
    let mut spans = Vec::new();
    find_secrets(root, Inside::Anything, &mut spans);
    let mut bytes = text.as_bytes().to_vec();
    for byte in spans
        .into_iter()
        .flat_map(|span: Range<usize>| span.start + 1..span.end.saturating_sub(1))
    {
        if let Some(byte) = bytes
            .get_mut(byte)
            .filter(|byte| !byte.is_ascii_whitespace())
        {
            *byte = b'*';
        }
    }
    // Every byte of a string is overwritten or none, so that this is still UTF-8.
    String::from_utf8(bytes).unwrap_or_else(|_| "*".repeat(text.len()))
}

/// Whether a text is a URL with a user in it, and maybe a password.
fn has_credentials(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'))
}

/// Whether a text can be the name of an environment variable, which may be shown.
fn names_variable(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(allowed) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// What a table holds, as far as passwords go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Anything.
    Anything,
    /// Secrets, among what is told of them.
    Secrets,
    /// Where the value of a secret comes from.
    Value,
}

/// Finds texts where the file's author may have put a password, although none belongs into it.
fn find_secrets(table: &DeTable<'_>, inside: Inside, spans: &mut Vec<Range<usize>>) {
    for (key, value) in table {
        let key = key.get_ref().to_ascii_lowercase();
        let telling = ["password", "passwd", "token", "private_key"]
            .iter()
            .any(|word| key.contains(word));
        let is_value = inside != Inside::Anything && ["value", "data"].contains(&key.as_str());
        match value.get_ref() {
            DeValue::String(text)
                if inside == Inside::Value && key == "env" && names_variable(text) => {}
            // Names of what is in this file.
            DeValue::String(text)
                if inside == Inside::Value
                    && ["secret", "database", "field"].contains(&key.as_str())
                    && !has_credentials(text) => {}
            DeValue::String(text)
                if telling || is_value || inside == Inside::Value || has_credentials(text) =>
            {
                spans.push(value.span())
            }
            DeValue::Table(inner) => {
                let inside = match inside {
                    Inside::Value => Inside::Value,
                    Inside::Secrets if is_value => Inside::Value,
                    Inside::Secrets => Inside::Secrets,
                    Inside::Anything if key == "secrets" => Inside::Secrets,
                    Inside::Anything => Inside::Anything,
                };
                find_secrets(inner, inside, spans);
            }
            _ => {}
        }
    }
}
