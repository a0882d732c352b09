//! Where a secret's value comes from, and how it is compared without being shown.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::{Class, Fault};
use crate::environment::model::SecretSource;
use crate::resources::Variables;
use crate::sensitive::Sensitive;

/// Where the value comes from, as the field `value` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// An environment variable.
    Variable {
        /// Its name.
        env: String,
    },
    /// Made up by us.
    Generated {
        /// How.
        generate: Generate,
    },
}

/// How a value is made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generate {
    /// How many letters and digits.
    pub length: u32,
}

impl From<&SecretSource> for Source {
    fn from(source: &SecretSource) -> Self {
        match source {
            SecretSource::Environment(name) => Self::Variable { env: name.clone() },
            SecretSource::Generate { length } => Self::Generated {
                generate: Generate { length: *length },
            },
        }
    }
}

impl Source {
    /// The source that a field `value` tells of.
    pub fn of(field: Option<&Value>) -> Option<Self> {
        serde_json::from_value(field?.clone()).ok()
    }

    /// The variable that the value has to be compared with: none when it is made up, or when nobody gave it.
    pub fn variable<'a>(&self, variables: &'a Variables) -> Option<&'a Sensitive> {
        match self {
            Self::Variable { env } => variables.get(env),
            Self::Generated { .. } => None,
        }
    }

    /// A value for a new version.
    pub fn make(&self, variables: &Variables) -> Result<Sensitive, Fault> {
        match self {
            Self::Variable { env } => variables.get(env).cloned().ok_or_else(|| {
                let message = format!("the environment variable {env} is not set");
                failed("VariableNotSet", message)
            }),
            Self::Generated { generate } => generated(generate.length),
        }
    }

    /// What the field `value` says of a secret whose current value is `current`, if it has one and it was read: the
    /// source itself when the value is what it should be. A value that was made up once is right for good.
    pub fn compared(
        &self,
        has_value: bool,
        current: Option<&Sensitive>,
        variables: &Variables,
    ) -> Value {
        let differs = match self.variable(variables) {
            Some(variable) => current != Some(variable),
            None => false,
        };
        if !has_value {
            json!("missing")
        } else if differs {
            json!("differs")
        } else {
            json!(self)
        }
    }
}

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Letters and digits, each as likely as the next.
fn generated(length: u32) -> Result<Sensitive, Fault> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut text = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    while text.len() < length {
        getrandom::fill(&mut bytes).map_err(|error| {
            let message = format!("the system gave no random numbers: {error}");
            failed("NoRandomness", message)
        })?;
        // Bytes past the last whole multiple of the alphabet would favour its beginning.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let letters = fair.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(letters.take(length - text.len()));
    }
    Ok(Sensitive::new(text))
}

fn failed(code: &str, message: String) -> Fault {
    Fault {
        service: "groundwork",
        operation: "make a secret's value",
        code: code.to_owned(),
        message,
        class: Class::Stop,
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable() -> Source {
        Source::Variable { env: "PW".into() }
    }

    fn variables(value: &str) -> Variables {
        Variables::from([("PW".to_owned(), Sensitive::new(value))])
    }

    #[test]
    fn made_up_values_have_the_length_and_differ() {
        let source = Source::from(&SecretSource::Generate { length: 40 });
        let make = || source.make(&Variables::new()).unwrap();
        let value = make();
        assert_eq!(value.expose().len(), 40);
        assert!(value.expose().chars().all(|c| c.is_ascii_alphanumeric()));
        assert_ne!(value, make());
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let fault = variable().make(&Variables::new()).unwrap_err();
        assert!(fault.to_string().contains("PW"), "{fault}");
    }

    #[test]
    fn comparing_says_only_whether_it_differs() {
        let source = variable();
        let (same, other) = (Sensitive::new("canary"), Sensitive::new("else"));
        let given = variables("canary");
        assert_eq!(
            source.compared(true, Some(&same), &given),
            json!({"env": "PW"})
        );
        assert_eq!(
            source.compared(true, Some(&other), &given),
            json!("differs")
        );
        assert_eq!(source.compared(false, None, &given), json!("missing"));
        // Nobody gave the variable: nothing to compare with.
        assert_eq!(
            source.compared(true, None, &Variables::new()),
            json!({"env": "PW"})
        );
    }

    #[test]
    fn what_was_made_up_once_stays() {
        let source = Source::from(&SecretSource::Generate { length: 8 });
        let field = source.compared(true, None, &Variables::new());
        assert_eq!(field, json!({"generate": {"length": 8}}));
        assert_eq!(Source::of(Some(&field)), Some(source));
    }
}
