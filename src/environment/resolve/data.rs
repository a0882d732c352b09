//! Databases and caches.

use std::collections::BTreeMap;

use super::Resolver;
use super::placement::{Asked, Kind};
use crate::environment::faults::Fault;
use crate::environment::forms::{CacheName, DatabaseName};
use crate::environment::model::{Cache, CacheEngine, Database, DatabaseEngine, Network};
use crate::environment::raw;
use crate::environment::source::Path;

const DATABASE: Kind = Kind {
    zones: 2,
    service: "database",
    subnet_group: "DB subnet group",
    suffix: "-db",
    description: "Database access from EKS workloads",
};
const CACHE: Kind = Kind {
    zones: 1,
    service: "cache",
    subnet_group: "cache subnet group",
    suffix: "-cache",
    description: "Cache access from EKS workloads",
};
/// The first major version of Valkey.
const FIRST_VALKEY: u32 = 7;
/// Where Redis and Valkey listen.
const CACHE_PORT: u16 = 6379;

impl Resolver<'_> {
    pub(super) fn databases(&mut self, network: Option<&Network>) -> BTreeMap<String, Database> {
        let mut databases = BTreeMap::new();
        for (key, raw) in self.file.databases.iter() {
            let at = Path::of(["databases"]).to(&**key);
            self.check_engine(raw, &at);
            let asked = Asked {
                at: &at,
                subnet_group: raw.subnet_group.as_ref(),
                security_group: raw.security_group.as_ref(),
                allow: &raw.allow,
            };
            let placement = self.placement(&DATABASE, &asked, network);
            let derived = format!("{}-{}", &*self.file.environment.name, &**key);
            let given = raw.name.as_ref();
            let database = Database {
                name: self.name::<DatabaseName>("RDS instance", &at, "name", given, derived),
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
                subnet_group: placement.subnet_group,
                subnets: placement.subnets,
                security_group: placement.security_group,
                allow: placement.allow,
            };
            databases.insert(key.to_string(), database);
        }
        databases
    }

    pub(super) fn caches(&mut self, network: Option<&Network>) -> BTreeMap<String, Cache> {
        let mut caches = BTreeMap::new();
        for (key, raw) in self.file.caches.iter() {
            let at = Path::of(["caches"]).to(&**key);
            let major = raw
                .version
                .split('.')
                .next()
                .and_then(|major| major.parse::<u32>().ok());
            if raw.engine == CacheEngine::Valkey && major.is_some_and(|major| major < FIRST_VALKEY)
            {
                let message = format!("there is no Valkey {}", &*raw.version);
                let fault = Fault::value(&at.to("version"), message);
                self.faults.add(fault.label("Valkey began with 7.2"));
            }
            let asked = Asked {
                at: &at,
                subnet_group: raw.subnet_group.as_ref(),
                security_group: raw.security_group.as_ref(),
                allow: &raw.allow,
            };
            let placement = self.placement(&CACHE, &asked, network);
            let derived = format!("{}-{}", &*self.file.environment.name, &**key);
            let cache = Cache {
                name: self.name::<CacheName>("cache", &at, "name", raw.name.as_ref(), derived),
                engine: raw.engine,
                version: raw.version.to_string(),
                node_type: raw.node_type.to_string(),
                nodes: raw.nodes,
                encryption: raw.encryption,
                port: CACHE_PORT,
                subnet_group: placement.subnet_group,
                subnets: placement.subnets,
                security_group: placement.security_group,
                allow: placement.allow,
            };
            caches.insert(key.to_string(), cache);
        }
        caches
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

    /// What an engine does not take.
    fn check_engine(&mut self, raw: &raw::Database, at: &Path) {
        // Nothing follows from an engine that the file doesn't name.
        if self.faults.is_unusable(&at.to("engine")) {
            return;
        }
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
}
