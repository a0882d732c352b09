//! Secrets: those of the file, and one for each database that names none.

use std::collections::BTreeMap;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::SecretName;
use crate::environment::model::{DatabaseEngine, Secret, SecretSource};
use crate::environment::raw;
use crate::environment::source::Path;

/// The longest password that RDS takes for MySQL.
const LONGEST_MYSQL_PASSWORD: u32 = 41;

impl Resolver<'_> {
    /// The secrets of the file, and one for each database that names none.
    pub(super) fn secrets(&mut self) -> BTreeMap<String, Secret> {
        let environment = &*self.file.environment.name;
        let mut secrets = BTreeMap::new();
        for (key, raw) in self.file.secrets.iter() {
            let at = Path::of(["secrets"]).to(&**key);
            let source = match (&raw.value.env, &raw.value.generate) {
                (Some(variable), _) => SecretSource::Environment(variable.to_string()),
                (None, Some(generate)) => SecretSource::Generate {
                    length: generate.length,
                },
                (None, None) => continue,
            };
            let derived = format!("{environment}/{}", &**key);
            let secret = Secret {
                name: self.name::<SecretName>("secret", &at, "name", raw.name.as_ref(), derived),
                description: raw.description.as_deref().map(str::to_owned),
                source,
            };
            secrets.insert(key.to_string(), secret);
        }
        for (key, raw) in self.file.databases.iter() {
            let generated = generated_key(key);
            if raw.password.is_some() || secrets.contains_key(&generated) {
                continue;
            }
            let at = Path::of(["databases"]).to(&**key);
            let name = format!("{environment}/{}-password", &**key);
            let secret = Secret {
                name: self.name::<SecretName>("secret", &at, "password", None, name),
                description: Some(format!(
                    "Password of the {} {} account",
                    &*raw.username,
                    raw.engine.title()
                )),
                source: SecretSource::Generate {
                    length: raw::generated_length(),
                },
            };
            secrets.insert(generated, secret);
        }
        secrets
    }

    /// The key of the secret with a database's password.
    pub(super) fn password(&mut self, key: &str, raw: &raw::Database, at: &Path) -> String {
        let Some(reference) = &raw.password else {
            let generated = generated_key(key);
            if self.file.secrets.contains_key(generated.as_str()) {
                let fault = Fault::key(
                    at,
                    format!(
                        "`{at}` says no `password`, and there is a secret `{generated}` already"
                    ),
                )
                .label("would have one generated under this key")
                .also(&Path::of(["secrets"]).to(&generated), "this one");
                self.faults.add(fault.remedy(format!("if it is meant, add `password = {{ secret = \"{generated}\" }}`; else rename it")));
            }
            return generated;
        };
        let at = at.to("password").to("secret");
        match self.file.secrets.get(&*reference.secret) {
            None => self.no_secret(&at, &reference.secret),
            Some(secret) => {
                if let Some(generate) = &secret.value.generate
                    && raw.engine == DatabaseEngine::Mysql
                    && generate.length > LONGEST_MYSQL_PASSWORD
                {
                    let length = Path::of(["secrets"])
                        .to(&*reference.secret)
                        .to("value")
                        .to("generate")
                        .to("length");
                    let fault = Fault::value(&length, "too long for a password of MySQL")
                        .label(format!("expected at most {LONGEST_MYSQL_PASSWORD}"));
                    self.faults.add(fault.also(&at, "used here"));
                }
            }
        }
        reference.secret.to_string()
    }

    /// Tells that a secret is named that the file does not have.
    pub(super) fn no_secret(&mut self, at: &Path, key: &str) {
        let known = self.file.secrets.keys().map(|known| &**known);
        self.dangling(
            at,
            "secret",
            key,
            &format!("`[secrets.{key}]` with a `value`"),
            known,
        );
    }
}

/// The key of the secret that is generated for a database.
fn generated_key(database: &str) -> String {
    format!("{database}-password")
}
