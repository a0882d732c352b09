//! The certificate of the ingress controller.

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::model::IngressTls;
use crate::environment::raw;
use crate::environment::source::Path;

impl Resolver<'_> {
    pub(super) fn ingress_tls(&mut self, raw: &raw::IngressTls) -> Option<IngressTls> {
        let at = Path::of(["bootstrap", "ingress", "tls"]);
        for (name, key) in [("chain", &raw.chain), ("key", &raw.key)] {
            if let Some(key) = key
                .as_ref()
                .filter(|key| !self.file.secrets.contains_key(*key))
            {
                self.no_secret(&at.to(name), key);
            }
        }
        match (&raw.certificate, &raw.chain, &raw.key) {
            (Some(certificate), None, None) => {
                self.check_certificate(certificate, &at.to("certificate"));
                let certificate = certificate.to_string();
                Some(IngressTls::LoadBalancer { certificate })
            }
            (None, Some(chain), Some(key)) => Some(IngressTls::Controller {
                chain: chain.to_string(),
                key: key.to_string(),
            }),
            _ => {
                // A key with a wrong value was left out and told already.
                if !self.faults.is_unusable_within(&at) {
                    let fault = Fault::key(&at, "it is not said which certificate is shown");
                    self.faults.add(fault.remedy(
                        "write `tls = { certificate = \"arn:…\" }` for one in ACM, or `tls = { chain = \"…\", key = \"…\" }` with two keys under `secrets`",
                    ));
                }
                None
            }
        }
    }

    /// A load balancer shows only certificates of its own region and account.
    fn check_certificate(&mut self, arn: &str, at: &Path) {
        let mut parts = arn.split(':').skip(3);
        let (region, account) = (parts.next(), parts.next());
        let environment = &self.file.environment;
        if region != Some(&*environment.region) {
            let fault = Fault::value(
                at,
                "the certificate is in another region than the load balancer",
            );
            let place = Path::of(["environment", "region"]);
            let fault = fault.also(&place, "the load balancer's");
            self.faults
                .add(fault.remedy("ask ACM for one in this region: certificates can't be moved"));
        }
        let ours = environment.account.as_deref();
        if ours.is_some() && account != ours {
            let fault = Fault::value(
                at,
                "the certificate is in another account than the load balancer",
            );
            let place = Path::of(["environment", "account"]);
            self.faults.add(fault.also(&place, "the load balancer's"));
        }
    }
}
