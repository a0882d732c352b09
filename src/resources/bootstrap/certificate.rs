//! The certificate that the ingress controller shows where nothing else brings one: a Secret out of two of Secrets
//! Manager's, and a file that names it. Traefik reads the file once, so a new certificate makes new pods.

use serde_json::{Value, json};

use super::secret::{Data, of_secret};
use crate::address::Address;
use crate::environment::model::{Ingress, IngressTls};
use crate::resources::Input;

/// The name of the Secret and of the ConfigMap with the file.
const NAME: &str = "traefik-certificate";

/// Where the pods see the two.
const CERTIFICATE: &str = "/certificate";
const CONFIGURATION: &str = "/configuration";

/// The keys of both secrets, if the controller is to show a certificate of ours.
fn secrets(ingress: &Ingress) -> Option<(&str, &str)> {
    match ingress.tls.as_ref()? {
        IngressTls::Controller { chain, key } => Some((chain, key)),
        IngressTls::LoadBalancer { .. } => None,
    }
}

/// The objects that it takes.
pub fn objects(ingress: &Ingress) -> Vec<Value> {
    if secrets(ingress).is_none() {
        return Vec::new();
    }
    let metadata = json!({"name": NAME, "namespace": ingress.namespace});
    let file = format!(
        "tls:\n  stores:\n    default:\n      defaultCertificate:\n        certFile: {CERTIFICATE}/tls.crt\n        keyFile: {CERTIFICATE}/tls.key\n"
    );
    vec![
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": metadata,
        }),
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": {"certificate.yaml": file},
        }),
    ]
}

/// Where the values of the Secret come from.
pub fn data(ingress: &Ingress) -> Data {
    let secrets = secrets(ingress).into_iter();
    secrets
        .flat_map(|(chain, key)| [("tls.crt", chain), ("tls.key", key)])
        .map(|(name, key)| (name.to_owned(), of_secret(key)))
        .collect()
}

/// Has the pods of a Deployment show the certificate.
pub fn mount(ingress: &Ingress, deployment: &mut Value) {
    let Some((chain, key)) = secrets(ingress) else {
        return;
    };
    let version = |key: &str| json!(Input::of(&Address::of(&["secret", key]), "version"));
    let pod = &mut deployment["spec"]["template"];
    pod["metadata"]["annotations"] = json!({
        "groundwork.dev/chain": version(chain),
        "groundwork.dev/key": version(key),
    });
    pod["spec"]["volumes"] = json!([
        {"name": "certificate", "secret": {"secretName": NAME}},
        {"name": "configuration", "configMap": {"name": NAME}},
    ]);
    let container = &mut pod["spec"]["containers"][0];
    container["volumeMounts"] = json!([
        {"name": "certificate", "mountPath": CERTIFICATE, "readOnly": true},
        {"name": "configuration", "mountPath": CONFIGURATION, "readOnly": true},
    ]);
    if let Some(arguments) = container["args"].as_array_mut() {
        arguments.push(json!(format!("--providers.file.directory={CONFIGURATION}")));
    }
}
