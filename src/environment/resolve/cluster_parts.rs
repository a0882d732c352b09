//! What a cluster has beside its nodes: who is let in, add-ons, what pods may do in AWS, and logs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::RoleName;
use crate::environment::model::{
    Access, Addon, AutoMode, IdentityBy, LOG_RETENTION_DAYS, NETWORKING, PodIdentity, partition,
};
use crate::environment::raw;
use crate::environment::source::Path;

/// What EKS lets no group of an access entry begin with.
const RESERVED: [&str; 5] = ["amazon:", "aws:", "eks:", "iam:", "system:"];

/// Add-ons without which nodes do not join; every other one needs nodes to run on (FACTS §2).
const BEFORE_NODES: [&str; 3] = ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"];

/// Hands pods their identities.
const AGENT: &str = "eks-pod-identity-agent";

/// An add-on that acts in AWS: the add-on, its service account in `kube-system`, and the policy that it needs.
const ACTING: [(&str, &str, &str); 1] = [(
    "aws-ebs-csi-driver",
    "ebs-csi-controller-sa",
    "service-role/AmazonEBSCSIDriverPolicy",
)];

/// The namespace of EKS's own add-ons.
const KUBE_SYSTEM: &str = "kube-system";

impl Resolver<'_> {
    pub(super) fn cluster_access(
        &mut self,
        raw: &raw::Cluster,
        at: &Path,
    ) -> BTreeMap<String, Access> {
        let mut all = BTreeMap::new();
        for (key, raw) in raw.access.iter() {
            let at = at.to("access").to(&**key);
            self.take("access", &raw.principal, &at.to("principal"), "principal");
            if raw.policies.is_empty() && raw.groups.is_empty() {
                let fault = Fault::key(&at, format!("`{}` is let in to do nothing", &**key));
                self.faults.add(fault.remedy(
                    "give it a policy, such as `policies.AmazonEKSViewPolicy = {}`, or `groups` that RBAC names",
                ));
            }
            for (index, group) in raw.groups.iter().enumerate() {
                if let Some(reserved) = RESERVED.iter().find(|start| group.starts_with(**start)) {
                    let fault = Fault::value(
                        &at.to("groups").to(index),
                        format!("EKS keeps groups that begin with `{reserved}` to itself"),
                    );
                    self.faults
                        .add(fault.remedy("bind a group of your own, or give it a policy"));
                }
            }
            let policies = raw.policies.iter().map(|(policy, scope)| {
                let namespaces = scope.namespaces.iter().flatten();
                (
                    policy.to_string(),
                    namespaces.map(ToString::to_string).collect(),
                )
            });
            let access = Access {
                principal: raw.principal.to_string(),
                policies: policies.collect(),
                groups: raw.groups.iter().map(ToString::to_string).collect(),
            };
            all.insert(key.to_string(), access);
        }
        all
    }

    pub(super) fn log_retention(&mut self, raw: &raw::Cluster, at: &Path) -> Option<u32> {
        let days = raw.log_retention_days?;
        let at = at.to("log_retention_days");
        if !LOG_RETENTION_DAYS.contains(&days) {
            let nearest = LOG_RETENTION_DAYS
                .iter()
                .min_by_key(|known| known.abs_diff(days));
            let fault = Fault::value(&at, format!("CloudWatch can't keep logs for {days} days"));
            self.faults.add(match nearest {
                Some(nearest) => fault.remedy(format!("take {nearest}, which is nearest to it")),
                None => fault,
            });
        }
        if raw.logging.is_empty() {
            let fault = Fault::key(&at, "there are no logs to keep");
            self.faults
                .add(fault.remedy("say which, such as `logging = [\"api\", \"audit\"]`"));
        }
        Some(days)
    }

    pub(super) fn auto_mode(
        &mut self,
        raw: &raw::Cluster,
        at: &Path,
        cluster: &str,
    ) -> Option<AutoMode> {
        let node_groups = !raw.node_groups.is_empty();
        let lacking = NETWORKING
            .iter()
            .filter(|addon| !raw.addons.contains_key(**addon));
        let lacking: Vec<String> = lacking
            .map(|addon| format!("`[cluster.addons.{addon}]`"))
            .collect();
        let raw = raw.auto_mode.as_ref()?;
        let at = at.to("auto_mode");
        if node_groups && !lacking.is_empty() {
            let fault = Fault::key(
                &at,
                "beside EKS Auto Mode node groups have neither network nor DNS of their own",
            );
            let fault = fault.also(
                &Path::of(["cluster", "node_groups"]),
                "pods on these would reach nothing",
            );
            self.faults
                .add(fault.remedy(format!("add {}", lacking.join(" and "))));
        }
        let role = raw.node_role.as_ref();
        let node_role = self.name::<RoleName>(
            "IAM role",
            &at,
            "node_role",
            role,
            format!("{cluster}-auto"),
        );
        Some(AutoMode {
            node_pools: raw.node_pools.iter().copied().collect(),
            node_role,
        })
    }

    /// The add-ons, and the identities: those that the file names, and those that add-ons need.
    pub(super) fn cluster_addons(
        &mut self,
        raw: &raw::Cluster,
        at: &Path,
        cluster: &str,
    ) -> (BTreeMap<String, Addon>, BTreeMap<String, PodIdentity>) {
        let mut identities = self.identities(raw, at, cluster);
        let mut addons = BTreeMap::new();
        for (name, raw_addon) in raw.addons.iter() {
            let at = at.to("addons").to(&**name);
            let configuration = raw_addon.configuration.as_deref();
            let addon = Addon {
                version: raw_addon.version.as_deref().map(str::to_owned),
                configuration: self.json_object(configuration, &at.to("configuration")),
                conflicts: raw_addon.conflicts,
                before_nodes: BEFORE_NODES.contains(&&**name),
                identity: self.addon_identity(raw, name, (&at, cluster), &mut identities),
            };
            addons.insert(name.to_string(), addon);
        }
        (addons, identities)
    }

    fn json_object(&mut self, text: Option<&str>, at: &Path) -> Map<String, Value> {
        let Some(text) = text else {
            return Map::new();
        };
        match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(object)) => return object,
            Ok(_) => {}
            Err(error) => {
                let fault = Fault::value(at, "this is no object in JSON");
                self.faults.add(fault.label(error.to_string()));
            }
        }
        Map::new()
    }

    /// The key of the identity that an add-on acts with; where the file gives it none, it gets the one that it needs.
    fn addon_identity(
        &mut self,
        raw: &raw::Cluster,
        name: &str,
        (at, cluster): (&Path, &str),
        identities: &mut BTreeMap<String, PodIdentity>,
    ) -> Option<String> {
        let (_, account, policy) = ACTING.into_iter().find(|(acting, ..)| *acting == name)?;
        let its_own = |identity: &PodIdentity| {
            identity.namespace == KUBE_SYSTEM && identity.service_account == account
        };
        if let Some((key, _)) = identities.iter().find(|(_, identity)| its_own(identity)) {
            return Some(key.clone());
        }
        self.needs_agent(raw, at, &format!("`{name}`"));
        let role = format!("{cluster}-{name}");
        let role = self.name::<RoleName>("IAM role", at, "role", None, role);
        let partition = partition(&self.file.environment.region);
        let identity = PodIdentity {
            by: IdentityBy::PodIdentity,
            role,
            namespace: KUBE_SYSTEM.to_owned(),
            service_account: account.to_owned(),
            policies: [format!("arn:{partition}:iam::aws:policy/{policy}")].into(),
        };
        if identities.insert(name.to_owned(), identity).is_some() {
            let fault = Fault::key(
                &Path::of(["cluster", "identities"]).to(name),
                format!("the add-on `{name}` acts as {KUBE_SYSTEM}/{account}"),
            );
            self.faults
                .add(fault.remedy("choose another key for this identity"));
        }
        Some(name.to_owned())
    }

    /// Tells that an identity comes to nothing where nobody hands it to the pods.
    fn needs_agent(&mut self, raw: &raw::Cluster, at: &Path, what: &str) {
        // Auto Mode hands its own nodes' pods their identities; those of node groups need the agent in any case.
        let has_agent = raw.addons.contains_key(AGENT);
        if !has_agent && (raw.auto_mode.is_none() || !raw.node_groups.is_empty()) {
            let fault = Fault::key(
                at,
                format!("{what} acts in AWS, and nobody hands it its identity"),
            );
            self.faults
                .add(fault.remedy(format!("add `[cluster.addons.{AGENT}]`")));
        }
    }

    fn identities(
        &mut self,
        raw: &raw::Cluster,
        at: &Path,
        cluster: &str,
    ) -> BTreeMap<String, PodIdentity> {
        let mut identities = BTreeMap::new();
        for (key, raw_identity) in raw.identities.iter() {
            let at = at.to("identities").to(&**key);
            match raw_identity.by {
                IdentityBy::PodIdentity => self.needs_agent(raw, &at, "what has this identity"),
                IdentityBy::Oidc if raw.oidc_provider => {}
                IdentityBy::Oidc => {
                    let what = "IAM does not know whose tokens these are";
                    let fault = Fault::value(&at.to("by"), what);
                    self.faults
                        .add(fault.remedy("add `oidc_provider = true` to `[cluster]`"));
                }
            }
            let account = format!(
                "{}/{}",
                &*raw_identity.namespace, &*raw_identity.service_account
            );
            self.take(
                "identity",
                &account,
                &at.to("service_account"),
                "service_account",
            );
            let partition = partition(&self.file.environment.region);
            let arn = |policy: &str| match policy.starts_with("arn:") {
                true => policy.to_owned(),
                false => format!("arn:{partition}:iam::aws:policy/{policy}"),
            };
            let derived = format!("{cluster}-{}", &**key);
            let identity = PodIdentity {
                by: raw_identity.by,
                role: self.name::<RoleName>(
                    "IAM role",
                    &at,
                    "role",
                    raw_identity.role.as_ref(),
                    derived,
                ),
                namespace: raw_identity.namespace.to_string(),
                service_account: raw_identity.service_account.to_string(),
                policies: raw_identity
                    .policies
                    .iter()
                    .map(|policy| arn(policy))
                    .collect(),
            };
            identities.insert(key.to_string(), identity);
        }
        identities
    }
}
