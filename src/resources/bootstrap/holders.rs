//! What keeps an object that is on its way out: its finalizers, and the controllers that should clear them.

use serde_json::Value;

/// Who clears which finalizer. A name that ends in a slash begins several.
const CLEARED_BY: [(&str, &str); 14] = [
    (
        "foregroundDeletion",
        "the garbage collector clears once what the object owns is gone",
    ),
    ("orphan", "the garbage collector clears"),
    (
        "kubernetes.io/pv-protection",
        "Kubernetes clears once no claim is bound to it",
    ),
    (
        "kubernetes.io/pvc-protection",
        "Kubernetes clears once no pod uses it",
    ),
    (
        "service.kubernetes.io/load-balancer-cleanup",
        "the cloud provider's service controller clears",
    ),
    (
        "customresourcecleanup.apiextensions.k8s.io",
        "Kubernetes clears once no object of the type is left",
    ),
    (
        "group.ingress.k8s.aws/",
        "the AWS Load Balancer Controller clears",
    ),
    (
        "service.k8s.aws/",
        "the AWS Load Balancer Controller clears",
    ),
    (
        "ingress.k8s.aws/",
        "the AWS Load Balancer Controller clears",
    ),
    ("elbv2.k8s.aws/", "the AWS Load Balancer Controller clears"),
    ("service.eks.amazonaws.com/", AUTO_MODE_CLEARS),
    ("ingress.eks.amazonaws.com/", AUTO_MODE_CLEARS),
    ("external-attacher/", "the CSI driver clears"),
    (
        "resources-finalizer.argocd.argoproj.io",
        "Argo CD's application controller clears",
    ),
];

const AUTO_MODE_CLEARS: &str = "EKS Auto Mode clears, while it is on";

/// What an object that is being deleted waits for; nothing for any other.
pub fn holders(object: &Value) -> Vec<String> {
    let metadata = &object["metadata"];
    if metadata["deletionTimestamp"].is_null() {
        return Vec::new();
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    // A namespace says itself what in it still has to go, and why.
    let conditions = list(&object["status"]["conditions"]);
    let conditions = conditions.iter().filter(|condition| {
        let kind = condition["type"].as_str().unwrap_or_default();
        object["kind"] == "Namespace"
            && kind.starts_with("Namespace")
            && condition["status"] == "True"
    });
    let conditions = conditions.filter_map(|condition| condition["message"].as_str());
    let finalizers = list(&metadata["finalizers"]);
    let finalizers = finalizers.iter().filter_map(Value::as_str).map(held_by);
    conditions.map(str::to_owned).chain(finalizers).collect()
}

fn held_by(finalizer: &str) -> String {
    let known = CLEARED_BY
        .iter()
        .find(|(name, _)| match name.strip_suffix('/') {
            Some(_) => finalizer.starts_with(name),
            None => finalizer == *name,
        });
    let who = known.map_or_else(
        || {
            let domain = finalizer.split('/').next().unwrap_or(finalizer);
            format!("the controller of {domain} clears")
        },
        |(_, who)| (*who).to_owned(),
    );
    format!("the finalizer {finalizer}, which {who}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_to_go_is_held() {
        let finalizers = json!([
            "kubernetes.io/pvc-protection",
            "widgets.example.com/cleanup"
        ]);
        let mut object =
            json!({"kind": "PersistentVolumeClaim", "metadata": {"finalizers": finalizers}});
        assert!(holders(&object).is_empty());
        object["metadata"]["deletionTimestamp"] = json!("2026-11-20T12:00:00Z");
        assert_eq!(
            holders(&object),
            [
                "the finalizer kubernetes.io/pvc-protection, which Kubernetes clears once no pod uses it",
                "the finalizer widgets.example.com/cleanup, which the controller of widgets.example.com clears",
            ]
        );
    }

    #[test]
    fn a_namespace_says_what_is_left_in_it() {
        let object = json!({
            "kind": "Namespace",
            "metadata": {"deletionTimestamp": "2026-11-20T12:00:00Z"},
            "status": {"phase": "Terminating", "conditions": [
                {"type": "NamespaceDeletionContentFailure", "status": "False", "message": "all deleted"},
                {"type": "NamespaceFinalizersRemaining", "status": "True",
                 "message": "Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances"},
            ]},
        });
        assert_eq!(
            holders(&object),
            [
                "Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances"
            ]
        );
    }
}
