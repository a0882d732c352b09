//! The API server and its controllers as a client sees them, on virtual time.

mod applying;
mod client;
mod ending;
mod refusals;
mod watching;
mod working;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{NewNode, add_node, create_cluster, install, respond};
use crate::sandbox::store::{Effect, Store};
use crate::sandbox::time::ClockSource;
use crate::sandbox::world::World;

const REGION: &str = "eu-central-1";
const CLUSTER: &str = "c";

/// A world with one cluster in it.
struct Host {
    store: Store,
    _folder: TempDir,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::new(folder.path(), ClockSource::Virtual);
        let host = Self {
            store,
            _folder: folder,
        };
        host.world(|world| {
            create_cluster(world, REGION, CLUSTER, "1.35");
            for addon in ["coredns", "kube-proxy", "vpc-cni"] {
                install(world, REGION, CLUSTER, addon);
            }
        });
        host
    }

    /// The same with a node.
    fn with_node() -> Self {
        let host = Self::new();
        host.join("ip-10-0-1-2.eu-central-1.compute.internal");
        host
    }

    fn world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let done = self.store.transact(Effect::Changes, act);
        done.expect("a world on disk")
    }

    fn join(&self, name: &str) {
        let node = NewNode {
            name: name.to_owned(),
            instance_id: "i-0123456789abcdef0".to_owned(),
            instance_type: "t3.medium".to_owned(),
            zone: "eu-central-1a".to_owned(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
        };
        self.world(|world| add_node(world, REGION, CLUSTER, node));
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: String,
    ) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", content_type)
            .header("user-agent", "tester/1.0")
            .body(Bytes::from(body))
            .expect("a valid request");
        let response = respond(&self.store, REGION, CLUSTER, request);
        let code = response.status().as_u16();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes());
        let bytes = bytes.unwrap_or_default();
        (code, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, "", String::new()).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", path, "application/json", body.to_string())
            .await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("PUT", path, "application/json", body.to_string())
            .await
    }

    async fn merge(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(
            "PATCH",
            path,
            "application/merge-patch+json",
            body.to_string(),
        )
        .await
    }

    async fn apply(&self, path: &str, options: &str, body: &Value) -> (u16, Value) {
        let path = format!("{path}?fieldManager=groundwork{options}");
        self.send(
            "PATCH",
            &path,
            "application/apply-patch+yaml",
            body.to_string(),
        )
        .await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.send("DELETE", path, "", String::new()).await
    }

    async fn namespace(&self, name: &str) {
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let (code, answer) = self.post("/api/v1/namespaces", body).await;
        assert_eq!(code, 201, "{answer}");
    }
}

async fn seconds(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{
                "name": "web", "image": "web:1", "ports": [{"containerPort": 80}],
                "env": [{"name": "A", "value": "1"}], "resources": {"limits": {"cpu": 1}},
            }]},
        }},
    })
}

fn service(name: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": kind, "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 80}]},
    })
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "sites.example.org"},
        "spec": {
            "group": "example.org", "scope": "Namespaced",
            "names": {"plural": "sites", "kind": "Site", "shortNames": ["st"]},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "additionalPrinterColumns": [{"name": "Host", "type": "string", "jsonPath": ".spec.host"}],
            }],
        },
    })
}

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const SERVICES: &str = "/api/v1/namespaces/default/services";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
