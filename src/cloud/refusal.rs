//! What the words of a Kubernetes API server ask their reader to do. Who refused, and what is missing, it tells in its
//! messages alone (k8s.io/apiserver: `pkg/endpoints/handlers/responsewriters/errors.go`,
//! `pkg/admission/plugin/resourcequota/controller.go` and `webhook/errors/statuserror.go` below that).

use super::{Class, Fault};

/// Whether the API server refuses because the namespace is on its way out: that passes.
pub(super) fn is_of_a_namespace_that_goes(message: &str) -> bool {
    message.contains("because it is being terminated")
}

/// How API servers begin to say that an applied document is none of its type. They answer it with the status of a server
/// that failed (k8s.io/apimachinery: `pkg/util/managedfields/internal/structuredmerge.go`, `versionconverter.go`).
const UNFIT: [&str; 2] = [
    "failed to create typed patch object",
    "failed to convert new object",
];

/// Whether the API server can't read what was applied: a field that the type does not have, or a text for a number.
pub(super) fn is_of_an_unfit_document(message: &str) -> bool {
    UNFIT.iter().any(|words| message.starts_with(words))
}

impl Fault {
    /// Whether a webhook of the cluster does not want the object to be like that.
    pub fn is_denied(&self) -> bool {
        let asked = between(&self.message, "admission webhook \"", "\"").is_some();
        self.service == "kubernetes" && asked && self.message.contains(" denied the request")
    }

    /// What to do about a refusal of the API server, where its words tell more than its code.
    pub fn remedy(&self) -> Option<String> {
        if self.service != "kubernetes" {
            return None;
        }
        let message = &self.message;
        let told = webhook(message)
            .or_else(|| quota(message))
            .or_else(|| right(message));
        told.or_else(|| (self.class == Class::Stop).then(|| MEND.to_owned()))
    }
}

const MEND: &str =
    "mend what the API server says, in the file or in the cluster, then run the same command again";

/// `admission webhook "W" denied the request: …`, `failed calling webhook "W": …`
fn webhook(message: &str) -> Option<String> {
    let called = |before| between(message, before, "\"");
    let denied = called("admission webhook \"").map(|name| {
        format!(
            "the cluster's own rules refuse it: meet what {name} asks for, or ask who runs that webhook, then run the same command again"
        )
    });
    denied.or_else(|| {
        let name = called("failed calling webhook \"")?;
        Some(format!(
            "the webhook {name} does not answer: bring back the service behind it, or delete its configuration if it is gone for good, then run the same command again"
        ))
    })
}

/// `… is forbidden: exceeded quota: Q, requested: …, used: …, limited: …`
fn quota(message: &str) -> Option<String> {
    let name = between(message, "exceeded quota: ", ",")?;
    Some(format!(
        "raise the ResourceQuota {name} of that namespace, or ask for less, then run the same command again"
    ))
}

/// `User "U" cannot VERB resource "R" in API group "G" in the namespace "N"`, or `… at the cluster scope`
fn right(message: &str) -> Option<String> {
    let user = between(message, "User \"", "\"")?;
    let verb = between(message, " cannot ", " ")?;
    let resource = between(message, " resource \"", "\"")?;
    let group = between(message, "in API group \"", "\"").unwrap_or_default();
    let resource = match group {
        "" => resource.to_owned(),
        group => format!("{resource}.{group}"),
    };
    let (place, role) = match between(message, "in the namespace \"", "\"") {
        Some(namespace) => (
            format!("in namespace {namespace}"),
            "Role and a RoleBinding",
        ),
        None => (
            "in the whole cluster".to_owned(),
            "ClusterRole and a ClusterRoleBinding",
        ),
    };
    Some(format!(
        "let {user} {verb} {resource} {place}, by a {role} or on EKS by an access entry, then run the same command again"
    ))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> String {
        let fault = Fault {
            message: message.to_owned(),
            ..Fault::incomplete("kubernetes", "apply", "")
        };
        fault.remedy().unwrap()
    }

    #[test]
    fn who_refuses_is_named_with_the_way_out() {
        let rows = [
            (
                "deployments.apps \"web\" is forbidden: User \"ci\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
                "let ci patch deployments.apps in namespace shop, by a Role and a RoleBinding or on EKS by an access entry",
            ),
            (
                "namespaces is forbidden: User \"ci\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope",
                "let ci list namespaces in the whole cluster, by a ClusterRole and a ClusterRoleBinding or on EKS by an access entry",
            ),
            (
                "services \"web\" is forbidden: exceeded quota: small, requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0",
                "raise the ResourceQuota small of that namespace, or ask for less",
            ),
            (
                "admission webhook \"policy.example.com\" denied the request: no latest tags",
                "the cluster's own rules refuse it: meet what policy.example.com asks for, or ask who runs that webhook",
            ),
            (
                "Internal error occurred: failed calling webhook \"policy.example.com\": failed to call webhook: no endpoints available",
                "the webhook policy.example.com does not answer: bring back the service behind it, or delete its configuration if it is gone for good",
            ),
            (
                "anything else",
                "mend what the API server says, in the file or in the cluster",
            ),
        ];
        for (message, remedy) in rows {
            assert_eq!(
                told(message),
                format!("{remedy}, then run the same command again")
            );
        }
    }

    #[test]
    fn other_services_have_their_own() {
        let fault = Fault::incomplete("ec2", "CreateVpc", "id");
        assert_eq!(fault.remedy(), None);
    }
}
