//! Names that lead to the environment.

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::model::{LoadBalancerName, Network};
use crate::environment::raw;
use crate::environment::source::Path;

impl Resolver<'_> {
    pub(super) fn load_balancer_names(
        &mut self,
        network: Option<&Network>,
    ) -> Vec<LoadBalancerName> {
        let mut names = Vec::new();
        for (index, raw) in self.file.dns.records.iter().enumerate() {
            let at = Path::of(["dns", "records"]).to(index);
            self.check_ingress(
                &at,
                "there is no ingress controller that this name could lead to",
            );
            if self.file.cluster.as_ref().is_some_and(|raw| raw.existing) {
                let fault = Fault::key(
                    &at,
                    "a record leads only to the load balancer of a cluster of ours",
                );
                let fault = fault.also(&Path::of(["cluster", "existing"]), "this one is not ours");
                self.faults.add(fault.remedy(
                    "take the record out, and make it where the cluster's load balancers are known",
                ));
            }
            let Some(zone) = self.zone(raw, &at, network) else {
                continue;
            };
            let name = raw.name.to_string();
            if name != zone && !name.ends_with(&format!(".{zone}")) {
                let place = if raw.zone.is_some() {
                    at.to("zone")
                } else {
                    Path::of(["network", "private_zone"])
                };
                let fault = Fault::value(&at.to("name"), format!("`{name}` is not in the zone"));
                let fault = fault.also(&place, "the zone");
                self.faults
                    .add(fault.remedy(format!("such as `*.{zone}`, or name another `zone`")));
            }
            let kind = match &raw.zone {
                Some(zone) => format!("DNS record in public zone `{}`", &**zone),
                None => "DNS record".to_owned(),
            };
            self.take(&kind, &name, &at.to("name"), "name");
            names.push(LoadBalancerName {
                name,
                public_zone: raw.zone.as_deref().map(str::to_owned),
            });
        }
        names
    }

    /// The zone that a name stands in.
    fn zone(
        &mut self,
        raw: &raw::DnsRecord,
        at: &Path,
        network: Option<&Network>,
    ) -> Option<String> {
        if let Some(zone) = &raw.zone {
            return Some(zone.to_string());
        }
        let private = network?.private_zone.as_ref();
        if private.is_none() {
            let fault = Fault::key(at, "it is not said which zone this name stands in");
            self.faults.add(fault.remedy(
                "add `zone = \"example.com\"` with a public zone of the account, or `private_zone = \"staging.example.com\"` to `[network]`",
            ));
        }
        private.map(|zone| zone.name.clone())
    }
}
