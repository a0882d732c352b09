//! From the file to the model: names are resolved, defaults filled in, subnets carved, and all that a schema cannot see is checked.
//!
//! Each section has its function, which returns what it could make of it. What it could not is a fault, and a file with faults
//! has no model.

mod access;
mod agent;
mod bootstrap;
mod cluster;
mod cluster_parts;
mod data;
mod dns;
mod existing;
mod network;
mod placement;
mod published;
mod secrets;
mod smoke;
mod tls;

use std::collections::BTreeMap;
use std::io;

use ipnet::Ipv4Net;

use super::faults::{Fault, Faults};
use super::forms::{Cidr, Form};
use super::model::{Environment, NoBackend, Provider, StateBackend, Ttl};
use super::raw;
use super::source::Path;

/// Reads a document that the file names, such as `policies/db-ops.json`.
pub type Documents<'a> = &'a dyn Fn(&str) -> io::Result<String>;

/// What the file means. Only with no faults is the answer whole.
pub(super) fn resolve(
    file: &raw::File,
    provider: Option<Provider>,
    documents: Documents<'_>,
    faults: &mut Faults,
) -> Environment {
    let provider = provider.unwrap_or(file.cloud.provider);
    let mut resolver = Resolver {
        file,
        provider,
        documents,
        faults,
        taken: BTreeMap::new(),
    };
    let network = resolver.network();
    // Of a network that is known in part only, no consequences are told.
    let sound = network
        .as_ref()
        .filter(|_| !resolver.faults.is_unusable_within(&Path::of(["network"])));
    let (groups, policies) = resolver.groups();
    Environment {
        name: file.environment.name.to_string(),
        region: file.environment.region.to_string(),
        account: resolver.account(),
        owner: file.environment.owner.as_deref().map(str::to_owned),
        ttl: resolver.ttl(),
        protect: file.environment.protect,
        provider,
        state: resolver.state(),
        cluster: resolver.cluster(sound),
        existing_cluster: resolver.existing_cluster(),
        databases: resolver.databases(sound),
        caches: resolver.caches(sound),
        secrets: resolver.secrets(),
        registries: resolver.registries(),
        bootstrap: resolver.bootstrap(),
        load_balancer_names: resolver.load_balancer_names(sound),
        smoke: resolver.smoke(),
        network,
        groups,
        policies,
    }
}

struct Resolver<'a> {
    file: &'a raw::File,
    provider: Provider,
    documents: Documents<'a>,
    faults: &'a mut Faults,
    /// Names in AWS and Kubernetes by what kind of thing has them, and who has them.
    taken: BTreeMap<(String, String), Path>,
}

impl Resolver<'_> {
    fn account(&mut self) -> Option<String> {
        let account = self.file.environment.account.as_deref();
        if account.is_none() && self.provider == Provider::Aws && self.asks_aws() {
            let at = Path::of(["environment", "account"]);
            let fault = Fault::key(&at, "`account` is missing, and the provider is aws");
            self.faults.add(fault.remedy(
                "add `account = \"…\"` with the twelve digits that `aws sts get-caller-identity` prints; groundwork then refuses any other account",
            ));
        }
        account.map(str::to_owned)
    }

    fn ttl(&mut self) -> Option<Ttl> {
        let text = self.file.environment.ttl.as_deref()?;
        let parsed = text.parse::<Ttl>();
        if let Err(error) = &parsed {
            let at = Path::of(["environment", "ttl"]);
            self.faults
                .add(Fault::value(&at, "not a time to live").label(error.to_string()));
        }
        parsed.ok()
    }

    fn state(&mut self) -> StateBackend {
        let backend = &self.file.state.backend;
        backend.parse().unwrap_or_else(|error: NoBackend| {
            let told = error.to_string();
            let (what, expected) = told.split_once(": ").unwrap_or((&told, ""));
            let fault = Fault::value(&Path::of(["state", "backend"]), what).label(expected);
            self.faults.add(fault.remedy(
                "such as `backend = \"s3://bucket/prefix\"`, or `backend = \".groundwork/state\"`, the default",
            ));
            StateBackend::Local(backend.to_string().into())
        })
    }

    /// The name of a thing: what the file says under `key`, or else what is derived for it, which has to fit, too.
    fn name<F: Form>(
        &mut self,
        kind: &str,
        section: &Path,
        key: &str,
        given: Option<&F>,
        derived: String,
    ) -> String {
        let (name, at) = match given {
            Some(given) => (given.to_string(), section.to(key)),
            None => (derived, section.clone()),
        };
        if given.is_none() && !F::fits(&name) {
            let fault = Fault::key(&at, format!("`{name}` cannot be the name of {}", an(kind)));
            self.faults.add(
                fault
                    .label(format!("expected {}", F::SAYS))
                    .remedy(format!("choose one with `{key} = \"…\"`")),
            );
        }
        self.take(kind, &name, &at, key);
        name
    }

    /// Refuses a name that another thing of its kind has already.
    fn take(&mut self, kind: &str, name: &str, at: &Path, key: &str) {
        // IAM tells names apart only by their letters, not by their case.
        let comparable = if kind.starts_with("IAM") {
            name.to_lowercase()
        } else {
            name.to_owned()
        };
        if let Some(first) = self.taken.get(&(kind.to_owned(), comparable.clone())) {
            let fault = Fault::value(at, format!("the name `{name}` is taken"))
                .label(format!("another {kind} has it"));
            self.faults.add(
                fault
                    .also(first, "this one")
                    .remedy(format!("choose another with `{key} = \"…\"`")),
            );
        } else {
            self.taken.insert((kind.to_owned(), comparable), at.clone());
        }
    }

    /// An address block, which must begin where its prefix says.
    fn block(&mut self, text: &Cidr, at: &Path) -> Option<Ipv4Net> {
        let Ok(block) = text.parse::<Ipv4Net>() else {
            let fault = Fault::value(at, format!("`{}` is not an address block", &**text));
            self.faults
                .add(fault.label("four numbers up to 255, `/`, and a prefix up to 32"));
            return None;
        };
        if block.trunc() != block {
            let fault = Fault::value(
                at,
                format!(
                    "`{block}` does not begin where a /{} begins",
                    block.prefix_len()
                ),
            );
            self.faults
                .add(fault.remedy(format!("write `{}`", block.trunc())));
        }
        Some(block.trunc())
    }

    /// Tells that a reference leads nowhere, and where it might have been meant to lead.
    fn dangling<'k>(
        &mut self,
        at: &Path,
        what: &str,
        name: &str,
        section: &str,
        known: impl Iterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.collect();
        let fault = Fault::value(at, format!("there is no {what} `{name}`"));
        self.faults
            .add(match super::walk::nearest(name, known.iter().copied()) {
                Some(meant) => fault.label(format!("did you mean `{meant}`?")),
                None if known.is_empty() => fault.remedy(format!("add it: {section}")),
                None => fault.label(format!("expected {}", super::walk::list(&known))),
            });
    }
}

fn an(kind: &str) -> String {
    let vowel = kind.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']);
    format!(
        "{} {kind}",
        if vowel || kind.starts_with("RDS") {
            "an"
        } else {
            "a"
        }
    )
}
