//! Deletion: finalizers, owners, namespaces and definitions.

use serde_json::json;

use super::*;

fn config_map(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}})
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_holds_an_object_back() {
    let host = Host::new();
    let mut object = config_map("default", "a");
    object["metadata"]["finalizers"] = json!(["example.org/wait"]);
    host.post(CONFIG_MAPS, object).await;
    let path = format!("{CONFIG_MAPS}/a");
    let (code, held) = host.delete(&path).await;
    assert_eq!((code, &held["kind"]), (200, &json!("ConfigMap")));
    assert!(held["metadata"]["deletionTimestamp"].is_string());
    let more = json!({"metadata": {"finalizers": ["example.org/wait", "example.org/more"]}});
    assert_eq!(host.merge(&path, more).await.0, 422);
    let none = json!({"metadata": {"finalizers": null}});
    assert_eq!(host.merge(&path, none).await.0, 200);
    assert_eq!(host.get(&path).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn preconditions_are_held() {
    let host = Host::new();
    host.post(CONFIG_MAPS, config_map("default", "a")).await;
    let path = format!("{CONFIG_MAPS}/a");
    let body = json!({"preconditions": {"uid": "another"}}).to_string();
    let (code, _) = host.send("DELETE", &path, "application/json", body).await;
    assert_eq!(code, 409);
    let (code, _) = host.delete(&format!("{path}?dryRun=All")).await;
    assert_eq!((code, host.get(&path).await.0), (200, 200));
}

#[tokio::test(start_paused = true)]
async fn what_an_object_owns_follows_it() {
    let host = Host::with_node();
    let path = format!("{DEPLOYMENTS}/web");
    let count = async |kind: &str| {
        let (_, list) = host.get(&format!("{kind}?labelSelector=app%3Dweb")).await;
        super::super::object::list(&list, "/items").len()
    };
    let pods = "/api/v1/namespaces/default/pods";
    let sets = "/apis/apps/v1/namespaces/default/replicasets";
    host.post(DEPLOYMENTS, deployment("web")).await;
    seconds(1).await;
    assert_eq!((count(sets).await, count(pods).await), (1, 2));
    let (_, status) = host
        .delete(&format!("{path}?propagationPolicy=Orphan"))
        .await;
    assert!(
        status["metadata"]["deletionTimestamp"].is_string(),
        "{status}"
    );
    seconds(1).await;
    assert_eq!(host.get(&path).await.0, 404);
    assert_eq!((count(sets).await, count(pods).await), (1, 2));
    host.delete(&format!("{sets}?propagationPolicy=Foreground"))
        .await;
    seconds(1).await;
    assert_eq!((count(sets).await, count(pods).await), (0, 0));
    host.post(DEPLOYMENTS, deployment("web")).await;
    seconds(1).await;
    assert_eq!(host.delete(&path).await.1["status"], "Success");
    seconds(1).await;
    assert_eq!((count(sets).await, count(pods).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_ends_once_it_is_empty() {
    let host = Host::new();
    host.namespace("a").await;
    let within = "/api/v1/namespaces/a/configmaps";
    let mut held = config_map("a", "held");
    held["metadata"]["finalizers"] = json!(["example.org/wait"]);
    host.post(within, held).await;
    host.post(within, config_map("a", "free")).await;
    let (code, namespace) = host.delete("/api/v1/namespaces/a").await;
    assert_eq!(
        (code, &namespace["status"]["phase"]),
        (200, &json!("Terminating"))
    );
    let (code, status) = host.post(within, config_map("a", "late")).await;
    assert_eq!(code, 403);
    assert_eq!(
        status["details"]["causes"][0]["reason"],
        "NamespaceTerminating"
    );
    seconds(600).await;
    assert_eq!(host.get(&format!("{within}/free")).await.0, 404);
    let (_, namespace) = host.get("/api/v1/namespaces/a").await;
    let message = namespace["status"]["conditions"][1]["message"].as_str();
    assert_eq!(
        message,
        Some(
            "Some content in the namespace has finalizers remaining: example.org/wait in 1 resource instances"
        )
    );
    host.merge(
        &format!("{within}/held"),
        json!({"metadata": {"finalizers": []}}),
    )
    .await;
    seconds(1).await;
    assert_eq!(host.get("/api/v1/namespaces/a").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn a_definition_serves_its_kind_until_it_goes() {
    let host = Host::new();
    let sites = "/apis/example.org/v1/namespaces/default/sites";
    let site = json!({
        "apiVersion": "example.org/v1", "kind": "Site", "metadata": {"name": "a"},
        "spec": {"host": "a.example"}, "status": {"up": true},
    });
    assert_eq!(host.post(DEFINITIONS, definition()).await.0, 201);
    assert_eq!(host.post(sites, site.clone()).await.0, 404);
    seconds(2).await;
    let (code, created) = host.post(sites, site).await;
    assert_eq!((code, created.get("status")), (201, None));
    let (code, updated) = host
        .merge(
            &format!("{sites}/a/status"),
            json!({"status": {"up": true}, "spec": {"host": "b"}}),
        )
        .await;
    assert_eq!((code, &updated["status"]["up"]), (200, &json!(true)));
    assert_eq!(updated["spec"]["host"], "a.example");
    assert_eq!(updated["metadata"]["generation"], 1);
    let (_, groups) = host.get("/apis/example.org/v1").await;
    assert_eq!(groups["resources"][0]["shortNames"], json!(["st"]));
    host.delete(&format!("{DEFINITIONS}/sites.example.org"))
        .await;
    seconds(1).await;
    assert_eq!(
        host.get(&format!("{DEFINITIONS}/sites.example.org"))
            .await
            .0,
        404
    );
    assert_eq!(host.get(&format!("{sites}/a")).await.0, 404);
}
