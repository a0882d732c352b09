//! Every namespace has its default service account and the certificate of the cluster.

use serde_json::json;

use crate::sandbox::kubernetes::cluster::Editor;
use crate::sandbox::kubernetes::object::{is_going, name};

/// Does what is due.
pub fn step(editor: &mut Editor<'_>) {
    for namespace in editor.cluster.snapshot("namespaces") {
        if is_going(&namespace) {
            continue;
        }
        let metadata = |own: &str| json!({"name": own, "namespace": name(&namespace)});
        editor.create(
            "serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata("default")}),
        );
        editor.create(
            "configmaps",
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("kube-root-ca.crt"),
                "data": {"ca.crt": "the sandbox's API server has no certificate\n"},
            }),
        );
    }
}
