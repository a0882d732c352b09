//! From text to an environment, or to all that is wrong with the text.

use std::ops::Range;
use std::path::Path as FilePath;

use toml::de::DeTable;

use super::diagnostics::{Diagnostics, Spot};
use super::faults::{Fault, Faults};
use super::model::{Environment, Provider};
use super::raw;
use super::resolve::{Documents, resolve};
use super::schema::schema;
use super::source::{Path, Source, masked};
use super::walk::walk;

/// The folder in which files are called after their environments.
pub(super) const FOLDER: &str = "environments";

/// The least that a useful file says.
const LEAST: &str = "the least that an environment with a cluster says is:

[environment]
name = \"demo\"
region = \"us-east-1\"

[cloud]
provider = \"sandbox\"

[network]
cidr = \"10.0.0.0/16\"

[cluster.node_groups.default]";

/// Understands an environment's text. `file` is how to call it in diagnostics; `provider` overrides what it says; `documents`
/// reads the policy documents that it names.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn parse(
    file: &str,
    text: &str,
    provider: Option<Provider>,
    documents: Documents<'_>,
) -> Result<Environment, Diagnostics> {
    // Editors on Windows begin files with a mark that is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let shown = masked(text, root.get_ref());
    if !errors.is_empty() {
        let spots = errors.iter().map(|error| {
            let span = error.span().unwrap_or(0..0);
            Spot {
                message: format!("this is not TOML: {}", error.message()),
                remedy: bare_word(text, &span)
                    .map(|word| format!("if `{word}` is a text, put it in quotes: `\"{word}\"`")),
                marks: vec![(span, String::new())],
            }
        });
        return Err(Diagnostics::new(file, shown, spots.collect()));
    }
    if root.get_ref().is_empty() {
        let spot = Spot {
            message: "the file is empty".to_owned(),
            marks: vec![(0..0, String::new())],
            remedy: Some(LEAST.to_owned()),
        };
        return Err(Diagnostics::new(file, shown, vec![spot]));
    }
    let mut source = Source::new(root);
    let mut faults = Faults::default();
    let json = walk(&schema(), &mut source, &mut faults);
    let environment = match serde_json::from_value::<raw::File>(json) {
        Ok(raw) => {
            check_file_name(file, &raw, &mut faults);
            Some(resolve(&raw, provider, documents, &mut faults))
        }
        Err(error) => {
            // The schema is made of the same types, so that this cannot be; if it is, it is told and not hidden.
            faults.add(Fault::key(&Path::default(), error.to_string()));
            None
        }
    };
    match environment {
        Some(environment) if faults.is_empty() => Ok(environment),
        _ => Err(Diagnostics::new(file, shown, faults.into_spots(&source))),
    }
}

/// The word at this place, if it stands where a value should.
fn bare_word<'t>(text: &'t str, span: &Range<usize>) -> Option<&'t str> {
    let word = text.get(span.clone())?;
    let begins_value = text
        .get(..span.start)?
        .trim_end_matches(' ')
        .ends_with(['=', '[', ',']);
    let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._/".contains(c));
    (begins_value && is_word).then_some(word)
}

/// A copied file whose name inside was forgotten would change the environment that it was copied from.
fn check_file_name(file: &str, raw: &raw::File, faults: &mut Faults) {
    let path = FilePath::new(file);
    let in_folder = path
        .parent()
        .and_then(FilePath::file_name)
        .is_some_and(|folder| folder == FOLDER);
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let name = &*raw.environment.name;
    if in_folder && stem != name {
        let at = Path::of(["environment", "name"]);
        let fault = Fault::value(
            &at,
            format!("the file is called `{stem}` and its environment `{name}`"),
        );
        faults.add(
            fault
                .label("would act on the other environment")
                .remedy(format!("write `name = \"{stem}\"`, or rename the file")),
        );
    }
}
