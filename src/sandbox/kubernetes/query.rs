//! What a request asks for beside its path: options, label selectors and field selectors.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object::{labels, text};
use super::refusal::Refusal;

/// The options of a request.
#[derive(Clone, Debug, Default)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads a URL's query.
    pub fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// An option, empty where it was not given.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Whether a switch is on.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "1" | "True")
    }

    /// A number, if one was given.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.text(name) {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| Refusal::bad_request(format!("invalid {name}: {text:?}"))),
        }
    }

    /// Whether nothing shall be changed. Only `All` may be asked for.
    pub fn dry_run(&self) -> Result<bool, Refusal> {
        match self.text("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(Refusal::bad_request(format!(
                "invalid dryRun value: {other:?}, only \"All\" is supported"
            ))),
        }
    }

    /// Which objects are asked for.
    pub fn selection(&self) -> Result<Selection, Refusal> {
        Ok(Selection {
            labels: label_terms(self.text("labelSelector"))?,
            fields: field_terms(self.text("fieldSelector"))?,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum LabelTerm {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// Which objects a list or a watch is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    labels: Vec<LabelTerm>,
    /// Path, wanted value, and whether it must be equal (or different).
    fields: Vec<(String, String, bool)>,
}

impl Selection {
    /// Whether an object is meant.
    pub fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&labels(object)) && self.matches_fields(object)
    }

    /// Whether an object with these labels is meant, as far as labels tell.
    pub fn matches_labels(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|term| match term {
            LabelTerm::In(key, values) => {
                labels.get(key).is_some_and(|value| values.contains(value))
            }
            LabelTerm::NotIn(key, values) => {
                labels.get(key).is_none_or(|value| !values.contains(value))
            }
            LabelTerm::Exists(key) => labels.contains_key(key),
            LabelTerm::Missing(key) => !labels.contains_key(key),
        })
    }

    fn matches_fields(&self, object: &Value) -> bool {
        self.fields.iter().all(|(path, value, equal)| {
            let pointer = format!("/{}", path.replace('.', "/"));
            let found = match object.pointer(&pointer) {
                Some(Value::Bool(flag)) => flag.to_string(),
                Some(Value::Number(number)) => number.to_string(),
                _ => text(object, &pointer).to_owned(),
            };
            (found == *value) == *equal
        })
    }
}

/// Splits at commas outside parentheses.
fn split_terms(selector: &str) -> Vec<&str> {
    let (mut terms, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(selector[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(selector[start..].trim());
    terms.retain(|term| !term.is_empty());
    terms
}

fn label_terms(selector: &str) -> Result<Vec<LabelTerm>, Refusal> {
    split_terms(selector)
        .into_iter()
        .map(|term| {
            label_term(term).ok_or_else(|| {
                Refusal::bad_request(format!("unable to parse requirement: {term:?}"))
            })
        })
        .collect()
}

fn label_term(term: &str) -> Option<LabelTerm> {
    let owned = |text: &str| text.trim().to_owned();
    if let Some((head, values)) = term.split_once('(') {
        let values = values
            .strip_suffix(')')?
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let mut words = head.split_whitespace();
        let (key, operator) = (owned(words.next()?), words.next()?);
        return match operator {
            "in" => Some(LabelTerm::In(key, values)),
            "notin" => Some(LabelTerm::NotIn(key, values)),
            _ => None,
        };
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Some(LabelTerm::NotIn(owned(key), vec![owned(value)]));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(LabelTerm::In(owned(key), vec![owned(value)]));
    }
    if term.contains(char::is_whitespace) {
        return None;
    }
    Some(match term.strip_prefix('!') {
        Some(key) => LabelTerm::Missing(owned(key)),
        None => LabelTerm::Exists(owned(term)),
    })
}

fn field_terms(selector: &str) -> Result<Vec<(String, String, bool)>, Refusal> {
    split_terms(selector)
        .into_iter()
        .map(|term| {
            let (pair, equal) = match term.split_once("!=") {
                Some(pair) => (Some(pair), false),
                None => (term.split_once("==").or_else(|| term.split_once('=')), true),
            };
            let (path, value) = pair.ok_or_else(|| {
                Refusal::bad_request(format!("invalid selector: {term:?}; can't understand it"))
            })?;
            Ok((path.to_owned(), value.to_owned(), equal))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selected(query: &str, object: &Value) -> bool {
        Query::parse(query).selection().unwrap().matches(object)
    }

    #[test]
    fn labels_are_selected_as_kubectl_writes_them() {
        let object = json!({"metadata": {"name": "x", "labels": {"app": "web", "tier": "front"}}});
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier=back", false),
            ("app!=web", false),
            ("app", true),
            ("!app", false),
            ("other!=1,!other", true),
            ("app in (web, api),tier notin (back)", true),
            ("app in (api)", false),
        ] {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("labelSelector", selector)
                .finish();
            assert_eq!(selected(&query, &object), expected, "{selector}");
        }
        assert!(
            Query::parse("labelSelector=app+near+web")
                .selection()
                .is_err()
        );
    }

    #[test]
    fn fields_are_selected() {
        let object = json!({"metadata": {"name": "x"}, "status": {"phase": "Running"}});
        assert!(selected("fieldSelector=metadata.name%3Dx", &object));
        assert!(!selected(
            "fieldSelector=status.phase%21%3DRunning",
            &object
        ));
        assert!(selected("fieldSelector=metadata.namespace%3D", &object));
    }
}
