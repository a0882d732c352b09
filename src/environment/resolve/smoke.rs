//! Smoke tests.

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::model::{Smoke, Ttl};
use crate::environment::raw;
use crate::environment::source::Path;

impl Resolver<'_> {
    pub(super) fn smoke(&mut self) -> Vec<Smoke> {
        let mut checks = Vec::new();
        for (index, raw) in self.file.smoke.iter().enumerate() {
            let at = Path::of(["smoke"]).to(index);
            self.check_ingress(&at, "there is no ingress controller that could answer");
            self.check_application(raw, &at);
            if let Some(within) = self.within(raw, &at) {
                checks.push(Smoke {
                    scheme: raw.scheme,
                    host: raw.host.to_string(),
                    path: raw.path.to_string(),
                    expect: raw.expect,
                    body: raw.body.as_deref().map(str::to_owned),
                    within: within.duration(),
                    application: raw.application.as_deref().map(str::to_owned),
                });
            }
        }
        checks
    }

    /// What is at `at` needs the ingress load balancer.
    pub(super) fn check_ingress(&mut self, at: &Path, wanting: &str) {
        let bootstrap = Path::of(["bootstrap"]);
        let ingress = self
            .file
            .bootstrap
            .as_ref()
            .and_then(|b| b.ingress.as_ref());
        if ingress.is_none() && !self.faults.is_unusable_within(&bootstrap) {
            let fault = Fault::key(at, wanting);
            self.faults.add(fault.remedy(
                "add `[bootstrap.ingress]` with `controller = \"traefik\"`, or take this out",
            ));
        }
    }

    fn check_application(&mut self, raw: &raw::Smoke, at: &Path) {
        let Some(key) = raw.application.as_deref() else {
            return;
        };
        let bootstrap = self.file.bootstrap.as_ref();
        let agent = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref());
        let known = || {
            agent
                .into_iter()
                .flat_map(|agent| agent.applications.keys())
        };
        if known().all(|known| &**known != key) {
            let section = format!("`[bootstrap.agent.applications.{key}]`");
            let known = known().map(|known| &**known);
            self.dangling(&at.to("application"), "application", key, &section, known);
        }
    }

    fn within(&mut self, raw: &raw::Smoke, at: &Path) -> Option<Ttl> {
        let parsed = raw.within.parse::<Ttl>();
        if let Err(error) = &parsed {
            let fault = Fault::value(&at.to("within"), "not a length of time");
            self.faults.add(fault.label(error.to_string()));
        }
        parsed.ok()
    }
}
