//! Values that must be found nowhere, and the search for them in whatever form they may have taken.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Values to look for, each in every form that it may take.
#[derive(Default)]
pub struct Canaries(Vec<(String, Vec<String>)>);

impl Canaries {
    /// Also looks for `value`, which is told of by `name`.
    pub fn plant(&mut self, name: &str, value: &str) {
        assert!(
            value.len() >= 12,
            "{name} is too short to be told from other text"
        );
        self.0.push((name.to_owned(), forms(value)));
    }

    /// Also looks for every password, key and token that rests in the sandbox's world.
    pub fn plant_all_of(&mut self, world: &Value) {
        self.plant_below("", world);
    }

    fn plant_below(&mut self, at: &str, value: &Value) {
        let secret = |name: &str| {
            let name = name.to_ascii_lowercase();
            let password = ["password", "secretkey"]
                .iter()
                .any(|word| name.ends_with(word));
            password && !at.ends_with("/tags") || at.contains("/versions/") && name == "text"
        };
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let below = format!("{at}/{name}");
                    match field.as_str() {
                        Some(text) if secret(name) && text.len() >= 12 => {
                            self.plant(&below, text);
                            // In the data of a Kubernetes Secret it rests encoded.
                            let decoded = BASE64_STANDARD.decode(text).ok();
                            let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                            if let Some(text) = decoded.filter(|text| text.len() >= 12) {
                                self.plant(&below, &text);
                            }
                        }
                        Some(_) | None => self.plant_below(&below, field),
                    }
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    self.plant_below(at, element);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// How many values are looked for.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The names of those that are in `text`.
    pub fn found_in(&self, text: impl AsRef<[u8]>) -> Vec<&str> {
        let text = String::from_utf8_lossy(text.as_ref());
        let there = |form: &String| text.contains(form.as_str());
        let found = self.0.iter().filter(|(_, forms)| forms.iter().any(there));
        found.map(|(name, _)| name.as_str()).collect()
    }

    /// Insists that none is in `text`, which is told of as `what`.
    #[track_caller]
    pub fn are_not_in(&self, what: &str, text: impl AsRef<[u8]>) {
        let found = self.found_in(text);
        assert!(found.is_empty(), "{found:?} in {what}");
    }

    /// Insists that none is in any file below `folder`, but for those of the sandbox's own world. Gives how many files
    /// there are.
    #[track_caller]
    pub fn are_in_no_file(&self, folder: &Path, world: &Path) -> usize {
        let mut files = 0;
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path == world {
                continue;
            }
            if path.is_dir() {
                files += self.are_in_no_file(&path, world);
            } else {
                self.are_not_in(
                    &path.display().to_string(),
                    fs::read(&path).expect("a file"),
                );
                files += 1;
            }
        }
        files
    }
}

/// A value as it is, and as it may have been written.
fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let quoted = Value::String(value.to_owned()).to_string();
    let percent = |text: String| [text.to_ascii_lowercase(), text];
    let escaped = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
    let form = form_urlencoded::byte_serialize(bytes).collect::<String>();
    let digest = Sha256::digest(bytes);
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let mut forms = vec![
        value.to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        form,
        hex(bytes),
        hex(&digest),
        BASE64_STANDARD_NO_PAD.encode(digest),
    ];
    forms.extend(percent(escaped.to_string()));
    // Within a longer text, base64 of the same bytes looks in three ways, of which the edges depend on what is around.
    for before in 0..3 {
        let shifted = [&vec![0; before], bytes].concat();
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted);
            let first = [0, 2, 3][before];
            let last = shifted.len() / 3 * 4;
            forms.push(text[first..last].to_owned());
        }
    }
    forms
}

#[test]
fn the_search_finds_what_leaked_in_any_form() {
    let value = "s3cr\"et/+?canary=1 ü";
    let mut canaries = Canaries::default();
    canaries.plant("it", value);
    for before in ["", "a", "ab", "abc"] {
        let around = format!("{before}{value}-and-more");
        for leak in [
            around.clone(),
            Value::String(around.clone()).to_string(),
            BASE64_STANDARD.encode(&around),
            BASE64_URL_SAFE_NO_PAD.encode(&around),
            form_urlencoded::byte_serialize(around.as_bytes()).collect(),
            format!("{:x}", Sha256::digest(value)),
        ] {
            assert_eq!(canaries.found_in(&leak), ["it"], "{leak}");
        }
    }
    assert!(canaries.found_in("nothing of it").is_empty());
}
