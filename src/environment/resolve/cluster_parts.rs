//! What a cluster has beside its nodes: who is let in.

use std::collections::BTreeMap;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::model::Access;
use crate::environment::raw;
use crate::environment::source::Path;

/// What EKS lets no group of an access entry begin with.
const RESERVED: [&str; 5] = ["amazon:", "aws:", "eks:", "iam:", "system:"];

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
                let fault = Fault::key(
                    &at,
                    format!("`{}` is let in to do nothing", &*raw.principal),
                );
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
}
