//! What EKS puts into a new cluster.

use serde_json::{Value, json};

use super::cluster::Editor;

/// Fills a new cluster, but for the add-ons that most have from the start.
pub fn furnish(editor: &mut Editor<'_>) {
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        create(
            editor,
            "namespaces",
            "v1",
            "Namespace",
            json!({"metadata": {"name": name}}),
        );
    }
    roles(editor);
    create(
        editor,
        "services",
        "v1",
        "Service",
        json!({
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"clusterIP": "172.20.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 443}]},
        }),
    );
    create(
        editor,
        "services",
        "v1",
        "Service",
        json!({
            "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
            "spec": {"clusterIP": "172.20.0.10", "selector": {"k8s-app": "kube-dns"}, "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53},
            ]},
        }),
    );
    // A class that nothing takes by default, as since Kubernetes 1.30.
    create(
        editor,
        "storageclasses.storage.k8s.io",
        "storage.k8s.io/v1",
        "StorageClass",
        json!({
            "metadata": {"name": "gp2"}, "provisioner": "kubernetes.io/aws-ebs",
            "parameters": {"type": "gp2", "fsType": "ext4"}, "volumeBindingMode": "WaitForFirstConsumer",
        }),
    );
}

/// Has what an add-on runs run in the cluster; what runs already stays as it is. Of other add-ons nothing is shown.
pub fn install(editor: &mut Editor<'_>, addon: &str) {
    let name = match addon {
        "vpc-cni" => "aws-node",
        "coredns" | "kube-proxy" => addon,
        _ => return,
    };
    create(
        editor,
        "serviceaccounts",
        "v1",
        "ServiceAccount",
        json!({"metadata": {"name": name, "namespace": "kube-system"}}),
    );
    if name != "coredns" {
        let pod = json!({"hostNetwork": true, "tolerations": [{"operator": "Exists"}]});
        create(
            editor,
            "daemonsets.apps",
            "apps/v1",
            "DaemonSet",
            workload(name, name, json!({}), pod),
        );
        return;
    }
    create(
        editor,
        "configmaps",
        "v1",
        "ConfigMap",
        json!({
            "metadata": {"name": name, "namespace": "kube-system"},
            "data": {"Corefile": ".:53 {\n    kubernetes cluster.local\n    forward . /etc/resolv.conf\n}\n"},
        }),
    );
    create(
        editor,
        "deployments.apps",
        "apps/v1",
        "Deployment",
        workload(name, "kube-dns", json!({"replicas": 2}), json!({})),
    );
}

fn create(editor: &mut Editor<'_>, resource: &str, version: &str, kind: &str, mut object: Value) {
    object["apiVersion"] = version.into();
    object["kind"] = kind.into();
    editor.create(resource, object);
}

fn roles(editor: &mut Editor<'_>) {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let everything = json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]);
    let reading =
        json!([{"apiGroups": [""], "resources": ["*"], "verbs": ["get", "list", "watch"]}]);
    for (name, rules) in [
        ("admin", &everything),
        ("cluster-admin", &everything),
        ("edit", &everything),
        ("view", &reading),
    ] {
        create(
            editor,
            &format!("clusterroles.{RBAC}"),
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            json!({"metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}, "rules": rules}),
        );
    }
    create(
        editor,
        &format!("clusterrolebindings.{RBAC}"),
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        json!({
            "metadata": {"name": "cluster-admin", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "Group", "name": "system:masters"}],
        }),
    );
}

/// A workload of `kube-system` with one container of its own name.
fn workload(name: &str, app: &str, mut spec: Value, mut pod: Value) -> Value {
    let labels = json!({"k8s-app": app});
    pod["serviceAccountName"] = name.into();
    pod["containers"] = json!([{"name": name, "image": format!("602401143452.dkr.ecr.amazonaws.com/eks/{name}:sandbox")}]);
    spec["selector"] = json!({"matchLabels": labels});
    spec["template"] = json!({"metadata": {"labels": labels}, "spec": pod});
    json!({"metadata": {"name": name, "namespace": "kube-system", "labels": labels}, "spec": spec})
}
