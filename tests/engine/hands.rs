//! The hands of somebody who changes things behind our back: the AWS SDK, the Kubernetes API, and, for what AWS
//! changes in no call, the world's own document.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use groundwork::cloud::{Clients, Fault, fault};
use groundwork::ops::Session;
use groundwork::state::{Recorded, State};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::common::{World, remembered};

/// A hand on one world.
pub struct Hands {
    pub aws: Clients,
    kubernetes: kube::Client,
    document: PathBuf,
    state: State,
}

impl Hands {
    /// A hand on `world`, which knows what `session` has made in it.
    pub fn on(world: &World, session: &Session) -> Self {
        let state = remembered(session);
        let region = &session.environment.region;
        let cluster = session.environment.cluster.as_ref().expect("a cluster");
        Self {
            aws: session.cloud.aws.clone(),
            kubernetes: world.sandbox.kubernetes_client(region, &cluster.name),
            document: world.folder.path().join("sandbox/world.json"),
            state: state.expect("a state"),
        }
    }

    fn recorded(&self, address: &str) -> &Recorded {
        let address = address.parse().expect("an address");
        let recorded = self.state.resources.get(&address);
        recorded.unwrap_or_else(|| panic!("{address} is not recorded"))
    }

    /// The id of the resource at `address`.
    pub fn id(&self, address: &str) -> &str {
        &self.recorded(address).id
    }

    /// An output of the resource at `address`.
    pub fn output(&self, address: &str, output: &str) -> &str {
        &self.recorded(address).outputs[output]
    }

    /// The resource at `address`, as the world's document calls it.
    pub fn ec2(&self, kind: &str, address: &str) -> String {
        region(&format!("ec2/{kind}/{}", self.id(address)))
    }

    /// Lets simulated time pass.
    pub async fn wait(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    fn world(&self) -> Value {
        let text = fs::read(&self.document).expect("the world's document");
        serde_json::from_slice(&text).expect("a document")
    }

    /// A member of the world's document.
    pub fn read(&self, pointer: &str) -> Value {
        let world = self.world();
        let member = world.pointer(pointer);
        member
            .unwrap_or_else(|| panic!("the world has no {pointer}"))
            .clone()
    }

    /// Changes members of the world's document: pairs of a pointer and what stands there from now on.
    pub fn edit(&self, members: &[(String, Value)]) {
        let mut world = self.world();
        for (pointer, value) in members {
            let member = world.pointer_mut(pointer);
            *member.unwrap_or_else(|| panic!("the world has no {pointer}")) = value.clone();
        }
        // Another file, so that the sandbox sees that it was replaced.
        let next = self.document.with_extension("edited");
        fs::write(&next, world.to_string()).expect("the world is written");
        fs::rename(&next, &self.document).expect("the world is replaced");
    }

    /// Changes an object in the cluster as `kubectl edit` does; `path` is that of the API server.
    pub async fn patch(&self, path: &str, change: Value) {
        let path = format!("{path}?fieldManager=kubectl-edit");
        let kind = "application/merge-patch+json";
        self.call(Method::PATCH, &path, kind, &change).await;
    }

    /// An object in the cluster.
    pub async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, "application/json", &Value::Null)
            .await
    }

    /// Makes an object in the cluster; `path` is that of its type.
    pub async fn create(&self, path: &str, object: Value) {
        self.call(Method::POST, path, "application/json", &object)
            .await;
    }

    /// Deletes an object in the cluster.
    pub async fn delete(&self, path: &str) {
        self.call(Method::DELETE, path, "application/json", &json!({}))
            .await;
    }

    async fn call(&self, method: Method, path: &str, kind: &str, body: &Value) -> Value {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(http::header::CONTENT_TYPE, kind);
        let request = request.body(body.to_string().into_bytes());
        let answer = self
            .kubernetes
            .request::<Value>(request.expect("a request"));
        answer
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

/// The pointer to something in the document's one region; its name is given with `/` between the parts.
pub fn region(path: &str) -> String {
    format!("/regions/us-east-1/{path}")
}

/// The code with which AWS refused, for what it does not allow.
pub fn refusal<T, E>(
    answer: Result<T, aws_smithy_runtime_api::client::result::SdkError<E, HttpResponse>>,
) -> String
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata
        + std::error::Error
        + Send
        + Sync
        + 'static,
{
    let refused: Result<T, Fault> = answer.map_err(fault("aws", "Delete"));
    match refused {
        Ok(_) => panic!("AWS deleted it"),
        Err(fault) => fault.code,
    }
}
