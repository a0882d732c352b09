//! `bootstrap.secret`: Kubernetes Secrets. Their fields say where each value comes from; the values themselves are
//! fetched when the Secret is compared or applied, and stay nowhere.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::object::{ObjectKind, Spec};
use super::{in_namespace, seconds};
use crate::address::Address;
use crate::cloud::{Cloud, Fault};
use crate::environment::Environment;
use crate::environment::model::{Database, DatabaseField, KubernetesSecret, ValueSource};
use crate::resources::secrets::read_value;
use crate::resources::{Context, Desired, Input, Variables};
use crate::sensitive::Sensitive;

/// The kind `bootstrap.secret`.
pub const KIND: ObjectKind = ObjectKind {
    name: "bootstrap.secret",
    desired,
    usual: seconds(2, 1),
};

/// Where one value of a Secret comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Source {
    /// The value of a Secrets Manager secret.
    Secret {
        /// Its ARN.
        secret: Input,
        /// The version: a new one changes the Secret.
        version: Input,
    },
    /// A value in a Secret that a chart or a manifest holds.
    Rendered {
        /// The name under which the run knows it.
        rendered: String,
    },
    /// A text that is no secret, such as another resource's output.
    Text {
        /// The text.
        text: Input,
    },
    /// What is there differs, which is all that may be said of it.
    Differs(String),
}

impl Source {
    /// The value as the API server takes it, if it is known.
    pub fn encoded(&self, values: &Values) -> Option<String> {
        let plain = |text: &str| BASE64_STANDARD.encode(text);
        match self {
            Self::Secret { secret, .. } => {
                let value = values.0.get(secret.text());
                value.map(|value| plain(value.expose()))
            }
            Self::Rendered { rendered } => {
                let value = values.0.get(rendered);
                value.map(|value| value.expose().to_owned())
            }
            Self::Text {
                text: Input::Known(text),
            } => Some(plain(text)),
            Self::Text { .. } | Self::Differs(_) => None,
        }
    }
}

/// Where the values of a Secret come from, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Data(pub(super) BTreeMap<String, Source>);

impl Data {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says of the value under `key` that it differs, or of all.
    pub fn hide(&mut self, key: Option<&str>) {
        match key {
            Some(key) => drop(
                self.0
                    .insert(key.to_owned(), Source::Differs("differs".to_owned())),
            ),
            None => self.hide_all(),
        }
    }

    /// Says of every value that it differs.
    pub fn hide_all(&mut self) {
        for source in self.0.values_mut() {
            *source = Source::Differs("differs".to_owned());
        }
    }
}

impl<'a> IntoIterator for &'a Data {
    type Item = (&'a String, &'a Source);
    type IntoIter = std::collections::btree_map::Iter<'a, String, Source>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Values of Secrets Manager secrets by ARN, and those in published Secrets by the names that the run gave them.
#[derive(Clone, Debug, Default)]
pub struct Values(pub BTreeMap<String, Sensitive>);

impl Values {
    /// Reads the values that `data` is made of; `given` has those that the run began with.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn read(cloud: &Cloud, data: &Data, given: &Variables) -> Result<Self, Fault> {
        let mut values = BTreeMap::new();
        for (_, source) in data {
            if let Source::Rendered { rendered } = source
                && let Some(value) = given.get(rendered)
            {
                values.insert(rendered.clone(), value.clone());
            }
            if let Source::Secret { secret, .. } = source
                && !values.contains_key(secret.text())
            {
                let value = read_value(cloud, secret.text()).await?;
                values.insert(secret.text().to_owned(), value);
            }
        }
        Ok(Self(values))
    }
}

fn desired(context: &Context<'_>) -> Vec<Desired> {
    let bootstrap = context.environment.bootstrap.iter();
    let secrets = bootstrap.flat_map(|bootstrap| &bootstrap.secrets);
    secrets
        .map(|(key, secret)| {
            let address = Address::of(&["bootstrap", "secret", key]);
            let manifest = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "Opaque",
                "metadata": {"name": secret.name, "namespace": secret.namespace},
            });
            let mut spec = Spec::new(context.ownership, &address, manifest);
            spec.data = data(context.environment, secret);
            in_namespace(KIND.described(&spec, address), &secret.namespace)
        })
        .collect()
}

fn data(environment: &Environment, secret: &KubernetesSecret) -> Data {
    let values = secret.data.iter();
    let sources =
        values.filter_map(|(key, value)| Some((key.clone(), source(environment, value)?)));
    Data(sources.collect())
}

fn source(environment: &Environment, value: &ValueSource) -> Option<Source> {
    Some(match value {
        ValueSource::Secret(key) => of_secret(key),
        ValueSource::Plain(text) => of_text(text),
        ValueSource::Database { database, field } => {
            of_database(database, environment.databases.get(database)?, *field)
        }
    })
}

fn of_database(key: &str, database: &Database, field: DatabaseField) -> Source {
    match field {
        DatabaseField::Host => Source::Text {
            text: Input::of(&Address::of(&["database", key, "instance"]), "endpoint"),
        },
        DatabaseField::Port => of_text(&database.port.to_string()),
        DatabaseField::Username => of_text(&database.username),
        DatabaseField::Password => of_secret(&database.password),
        DatabaseField::Database => of_text(&database.database),
        DatabaseField::Ssl => of_text("true"),
    }
}

pub(super) fn of_text(text: &str) -> Source {
    Source::Text { text: text.into() }
}

/// The value of the secret with this key.
pub(super) fn of_secret(key: &str) -> Source {
    let address = Address::of(&["secret", key]);
    Source::Secret {
        secret: Input::of(&address, "arn"),
        version: Input::of(&address, "version"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        serde_json::from_value(json!({
            "object": "v1/Secret/shop/mysql",
            "manifest": {"apiVersion": "v1", "kind": "Secret"},
            "data": {
                "password": {"secret": "arn:1", "version": "v-1"},
                "user": {"text": "shop"},
            },
        }))
        .unwrap()
    }

    #[test]
    fn values_are_filled_in_only_on_the_way_to_the_server() {
        let values = Values(BTreeMap::from([(
            "arn:1".to_owned(),
            Sensitive::new("canary"),
        )]));
        let complete = spec().complete(&values).unwrap();
        assert_eq!(
            complete["data"],
            json!({"password": "Y2FuYXJ5", "user": "c2hvcA=="})
        );
        assert!(!format!("{:?} {}", spec(), json!(spec())).contains("Y2FuYXJ5"));
        assert!(!format!("{values:?}").contains("canary"));
    }

    #[test]
    fn a_missing_value_makes_no_half_secret() {
        assert_eq!(spec().complete(&Values::default()), None);
    }

    #[test]
    fn what_differs_is_named_but_not_shown() {
        let mut data = spec().data;
        data.hide(Some("password"));
        assert_eq!(
            json!(data),
            json!({"password": "differs", "user": {"text": "shop"}})
        );
        data.hide(None);
        assert_eq!(
            json!(data),
            json!({"password": "differs", "user": "differs"})
        );
    }
}
