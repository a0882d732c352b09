//! Databases, caches and secrets.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::{
    CacheName, Cidr, DatabaseName, GroupName, SecretName, SubnetGroupName,
};
use crate::environment::model::{
    Cache, CacheEngine, Database, DatabaseEngine, Network, Secret, SecretSource, SecurityGroup,
};
use crate::environment::raw;
use crate::environment::source::Path;

/// Where Redis and Valkey listen.
const CACHE_PORT: u16 = 6379;
/// The longest password that RDS takes for MySQL.
const LONGEST_MYSQL_PASSWORD: u32 = 41;

impl Resolver<'_> {
    pub(super) fn databases(&mut self, network: Option<&Network>) -> BTreeMap<String, Database> {
        let mut databases = BTreeMap::new();
        for (key, raw) in self.file.databases.iter() {
            let at = Path::of(["databases"]).to(&**key);
            self.needs_network(&at, "a database");
            let subnets = private_subnets(network);
            if let Some(network) = network {
                self.check_database_zones(network, &at);
            }
            self.check_engine(raw, &at);
            let environment = &*self.file.environment.name;
            let group = format!("{environment}-{}-subnet-group", &**key);
            let (name, security_group) = (
                format!("{environment}-{}", &**key),
                format!("{environment}-{}-db", &**key),
            );
            let database = Database {
                name: self.name::<DatabaseName>(
                    "RDS instance",
                    &at,
                    "name",
                    raw.name.as_ref(),
                    name,
                ),
                engine: raw.engine,
                version: raw.version.to_string(),
                class: raw.class.to_string(),
                storage_gib: raw.storage_gib,
                database: raw.database.to_string(),
                username: raw.username.to_string(),
                password: self.password(key, raw, &at),
                dns: self.dns(raw, &at, network),
                multi_az: raw.multi_az,
                encryption: raw.encryption,
                deletion_protection: raw.deletion_protection,
                final_snapshot: raw.final_snapshot,
                backup_retention_days: raw.backup_retention_days,
                port: raw.engine.port(),
                subnet_group: self.name::<SubnetGroupName>(
                    "DB subnet group",
                    &at,
                    "subnet_group",
                    raw.subnet_group.as_ref(),
                    group,
                ),
                subnets,
                security_group: self.security_group(
                    &at,
                    raw.security_group.as_ref(),
                    security_group,
                    "Database access from EKS workloads",
                ),
                allow: self.allow(&raw.allow, &at),
            };
            databases.insert(key.to_string(), database);
        }
        databases
    }

    pub(super) fn caches(&mut self, network: Option<&Network>) -> BTreeMap<String, Cache> {
        let mut caches = BTreeMap::new();
        for (key, raw) in self.file.caches.iter() {
            let at = Path::of(["caches"]).to(&**key);
            self.needs_network(&at, "a cache");
            let subnets = private_subnets(network);
            if network.is_some() && subnets.is_empty() {
                self.faults.add(
                    Fault::key(&at, "a cache needs a private subnet")
                        .remedy("add a subnet without `public = true`"),
                );
            }
            if raw.engine == CacheEngine::Valkey
                && raw
                    .version
                    .split('.')
                    .next()
                    .is_some_and(|major| major.parse::<u32>().is_ok_and(|major| major < 7))
            {
                let fault = Fault::value(
                    &at.to("version"),
                    format!("there is no Valkey {}", &*raw.version),
                );
                self.faults.add(fault.label("Valkey began with 7.2"));
            }
            let environment = &*self.file.environment.name;
            let group = format!("{environment}-{}-subnet-group", &**key);
            let (name, security_group) = (
                format!("{environment}-{}", &**key),
                format!("{environment}-{}-cache", &**key),
            );
            let cache = Cache {
                name: self.name::<CacheName>("cache", &at, "name", raw.name.as_ref(), name),
                engine: raw.engine,
                version: raw.version.to_string(),
                node_type: raw.node_type.to_string(),
                nodes: raw.nodes,
                encryption: raw.encryption,
                port: CACHE_PORT,
                subnet_group: self.name::<SubnetGroupName>(
                    "cache subnet group",
                    &at,
                    "subnet_group",
                    raw.subnet_group.as_ref(),
                    group,
                ),
                subnets,
                security_group: self.security_group(
                    &at,
                    raw.security_group.as_ref(),
                    security_group,
                    "Cache access from EKS workloads",
                ),
                allow: self.allow(&raw.allow, &at),
            };
            caches.insert(key.to_string(), cache);
        }
        caches
    }

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
    fn password(&mut self, key: &str, raw: &raw::Database, at: &Path) -> String {
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

    fn dns(&mut self, raw: &raw::Database, at: &Path, network: Option<&Network>) -> Option<String> {
        let label = raw.dns.as_deref()?;
        let at = at.to("dns");
        let network = network?;
        let Some(zone) = &network.private_zone else {
            let fault = Fault::value(&at, "a name in the private zone needs a private zone");
            let fault = fault.also(&Path::of(["network", "private_zone"]), "there is none");
            self.faults
                .add(fault.remedy("add `private_zone = \"staging.example.com\"` to `[network]`"));
            return None;
        };
        let name = format!("{label}.{}", zone.name);
        self.take("DNS record", &name, &at, "dns");
        Some(name)
    }

    fn check_database_zones(&mut self, network: &Network, at: &Path) {
        let private = network.subnets.values().filter(|subnet| !subnet.public);
        if private
            .map(|subnet| subnet.zone.as_str())
            .collect::<BTreeSet<_>>()
            .len()
            < 2
        {
            let fault = Fault::key(at, "RDS needs private subnets in at least two zones")
                .also(&Path::of(["network", "zones"]), "the network's");
            self.faults.add(
                fault.remedy(
                    "set `zones = 2` in `[network]`, or add private subnets in another zone",
                ),
            );
        }
    }

    /// What an engine does not take.
    fn check_engine(&mut self, raw: &raw::Database, at: &Path) {
        let title = raw.engine.title();
        let (longest, users, databases): (usize, &[&str], &[&str]) = match raw.engine {
            DatabaseEngine::Mysql => (
                16,
                &["rdsadmin", "rdsrepladmin"],
                &["mysql", "sys", "information_schema", "performance_schema"],
            ),
            DatabaseEngine::Postgres => (
                63,
                &["rdsadmin", "admin"],
                &["rdsadmin", "template0", "template1"],
            ),
        };
        if raw.username.len() > longest {
            let fault = Fault::value(
                &at.to("username"),
                format!("too long for a user of {title}"),
            );
            self.faults
                .add(fault.label(format!("expected at most {longest} characters")));
        }
        for (key, name, reserved) in [
            ("username", &*raw.username, users),
            ("database", &*raw.database, databases),
        ] {
            if reserved.contains(&name.to_lowercase().as_str()) {
                self.faults.add(
                    Fault::value(&at.to(key), format!("`{name}` belongs to {title} itself"))
                        .remedy("choose another"),
                );
            }
        }
        if raw.engine == DatabaseEngine::Mysql && !raw.version.contains('.') {
            let fault = Fault::value(
                &at.to("version"),
                format!("`{}` names no release of MySQL", &*raw.version),
            );
            self.faults
                .add(fault.label("its releases have two numbers, such as `8.4`"));
        }
    }

    fn security_group(
        &mut self,
        at: &Path,
        given: Option<&GroupName>,
        derived: String,
        description: &str,
    ) -> SecurityGroup {
        if let Some(given) =
            given.filter(|given| given.starts_with("sg-") || given.eq_ignore_ascii_case("default"))
        {
            let fault = Fault::value(
                &at.to("security_group"),
                format!("`{}` is a name that AWS keeps for itself", &**given),
            );
            self.faults
                .add(fault.label("neither `default` nor anything that begins with `sg-`"));
        }
        SecurityGroup {
            name: self.name::<GroupName>("security group", at, "security_group", given, derived),
            description: description.to_owned(),
        }
    }

    fn allow(&mut self, blocks: &[Cidr], at: &Path) -> BTreeSet<Ipv4Net> {
        let at = at.to("allow");
        blocks
            .iter()
            .enumerate()
            .filter_map(|(index, block)| self.block(block, &at.to(index)))
            .collect()
    }
}

/// The key of the secret that is generated for a database.
fn generated_key(database: &str) -> String {
    format!("{database}-password")
}

fn private_subnets(network: Option<&Network>) -> Vec<String> {
    network
        .into_iter()
        .flat_map(Network::private_subnets)
        .map(str::to_owned)
        .collect()
}
