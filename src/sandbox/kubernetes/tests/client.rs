//! The typed client that answers inside the process.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::json;

use super::*;
use crate::sandbox::kubernetes::client;

#[tokio::test(start_paused = true)]
async fn kube_works_in_process() {
    let host = Host::with_node();
    let client = client(&host.store, REGION, CLUSTER);
    let version = client.apiserver_version().await.expect("a version");
    assert_eq!(
        (version.major.as_str(), version.minor.as_str()),
        ("1", "35")
    );
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let apply = PatchParams::apply("groundwork");
    let document: Deployment = serde_json::from_value(deployment("web")).expect("a deployment");
    let made = deployments
        .patch("web", &apply, &Patch::Apply(&document))
        .await
        .expect("applied");
    assert_eq!(made.spec.revision_history_limit, Some(10));
    seconds(25).await;
    let live = deployments.get_status("web").await.expect("a status");
    assert_eq!(
        live.status.and_then(|status| status.ready_replicas),
        Some(2)
    );
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let list = namespaces
        .list(&ListParams::default())
        .await
        .expect("a list");
    assert_eq!(list.items.len(), 4);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let error = maps.get("nowhere").await.expect_err("not found");
    assert!(
        matches!(&error, kube::Error::Api(status) if status.code == 404),
        "{error:?}"
    );
    let deleted = deployments
        .delete("web", &DeleteParams::foreground())
        .await
        .expect("deleted");
    assert!(deleted.is_left());
    assert!(
        deployments
            .get_opt("web")
            .await
            .expect("an answer")
            .is_some()
    );
    seconds(2).await;
    assert!(
        deployments
            .get_opt("web")
            .await
            .expect("an answer")
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn kube_discovers_custom_kinds() {
    let host = Host::new();
    let client = client(&host.store, REGION, CLUSTER);
    host.post(DEFINITIONS, definition()).await;
    seconds(2).await;
    let kind = GroupVersionKind::gvk("example.org", "v1", "Site");
    let (resource, _) = kube::discovery::pinned_kind(&client, &kind)
        .await
        .expect("discovered");
    assert_eq!(resource, ApiResource::from_gvk_with_plural(&kind, "sites"));
    let sites: Api<DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let site = json!({"apiVersion": "example.org/v1", "kind": "Site", "metadata": {"name": "a"}, "spec": {"host": "x"}});
    let apply = PatchParams::apply("groundwork");
    let made = sites
        .patch("a", &apply, &Patch::Apply(&site))
        .await
        .expect("applied");
    assert_eq!(made.data["spec"]["host"], "x");
}
