//! What the API server refuses, with its status codes.

use serde_json::json;

use super::*;

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}})
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_not_there_is_unavailable() {
    let host = Host::new();
    host.world(|world| super::super::delete_cluster(world, REGION, CLUSTER));
    let (code, status) = host.get("/version").await;
    assert_eq!((code, &status["kind"]), (503, &json!("Status")));
}

#[tokio::test(start_paused = true)]
async fn names_are_found_taken_and_held_against_the_url() {
    let host = Host::new();
    let (code, status) = host.get(&format!("{DEPLOYMENTS}/web")).await;
    assert_eq!(code, 404);
    assert_eq!(status["message"], "deployments.apps \"web\" not found");
    assert_eq!(
        status["details"],
        json!({"name": "web", "group": "apps", "kind": "deployments"})
    );
    assert_eq!(host.get("/apis/nowhere.org/v1/things").await.0, 404);
    assert_eq!(host.post(CONFIG_MAPS, config_map("a")).await.0, 201);
    let (code, status) = host.post(CONFIG_MAPS, config_map("a")).await;
    assert_eq!((code, &status["reason"]), (409, &json!("AlreadyExists")));
    let (code, _) = host.put(&format!("{CONFIG_MAPS}/b"), config_map("a")).await;
    assert_eq!(code, 400);
    let elsewhere = "/api/v1/namespaces/nowhere/configmaps";
    let (code, status) = host.post(elsewhere, config_map("a")).await;
    assert_eq!(code, 404);
    assert_eq!(status["message"], "namespaces \"nowhere\" not found");
    let (code, status) = host.post(CONFIG_MAPS, config_map("Not-A-Name")).await;
    assert_eq!((code, &status["reason"]), (422, &json!("Invalid")));
}

#[tokio::test(start_paused = true)]
async fn an_update_of_an_older_version_is_a_conflict() {
    let host = Host::new();
    let path = format!("{CONFIG_MAPS}/a");
    let (_, mut first) = host.post(CONFIG_MAPS, config_map("a")).await;
    let (code, second) = host.merge(&path, json!({"data": {"a": "2"}})).await;
    assert_eq!(code, 200);
    assert_ne!(
        first["metadata"]["resourceVersion"],
        second["metadata"]["resourceVersion"]
    );
    first["data"]["a"] = "3".into();
    let (code, status) = host.put(&path, first).await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
    let (code, same) = host.put(&path, second.clone()).await;
    assert_eq!((code, same), (200, second));
}

#[tokio::test(start_paused = true)]
async fn bodies_of_other_forms_are_refused() {
    let host = Host::new();
    host.post(CONFIG_MAPS, config_map("a")).await;
    let path = format!("{CONFIG_MAPS}/a");
    for (media_type, body, expected) in [
        ("application/x-other", "{}", 415),
        ("application/merge-patch+json", "{", 400),
        (
            "application/json-patch+json",
            r#"[{"op":"test","path":"/data/a","value":"9"}]"#,
            422,
        ),
        (
            "application/json-patch+json",
            r#"[{"op":"replace","path":"/data/a","value":"9"}]"#,
            200,
        ),
        (
            "application/strategic-merge-patch+json",
            r#"{"data":{"a":null}}"#,
            200,
        ),
    ] {
        let (code, answer) = host.send("PATCH", &path, media_type, body.to_owned()).await;
        assert_eq!(code, expected, "{media_type}: {answer}");
    }
    let (code, _) = host
        .send("POST", CONFIG_MAPS, "application/cbor", "k8s".to_owned())
        .await;
    assert_eq!(code, 415);
    assert_eq!(host.put(CONFIG_MAPS, config_map("a")).await.0, 404);
    assert_eq!(host.post("/version", json!({})).await.0, 405);
}

#[tokio::test(start_paused = true)]
async fn unknown_fields_are_refused_where_that_is_asked_for() {
    let host = Host::new();
    let mut document = deployment("web");
    document["spec"]["replica"] = 3.into();
    let (code, status) = host
        .post(
            &format!("{DEPLOYMENTS}?fieldValidation=Strict"),
            document.clone(),
        )
        .await;
    assert_eq!(code, 400);
    let message = status["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("unknown field \"spec.replica\""),
        "{message}"
    );
    assert_eq!(host.post(DEPLOYMENTS, document).await.0, 201);
}

#[tokio::test(start_paused = true)]
async fn what_is_fixed_can_not_be_changed() {
    let host = Host::new();
    host.post(SERVICES, service("web", "ClusterIP")).await;
    host.post(DEPLOYMENTS, deployment("web")).await;
    for (path, patch, field) in [
        (
            format!("{SERVICES}/web"),
            json!({"spec": {"clusterIP": "172.20.9.9"}}),
            "spec.clusterIP",
        ),
        (
            format!("{DEPLOYMENTS}/web"),
            json!({"spec": {
                "selector": {"matchLabels": {"app": "b"}}, "template": {"metadata": {"labels": {"app": "b"}}},
            }}),
            "spec.selector",
        ),
    ] {
        let (code, status) = host.merge(&path, patch).await;
        assert_eq!(code, 422, "{status}");
        assert_eq!(status["details"]["causes"][0]["field"], field);
    }
}

#[tokio::test(start_paused = true)]
async fn lists_are_selected_and_paged() {
    let host = Host::new();
    for (name, tier) in [("a", "x"), ("b", "y"), ("c", "x")] {
        let mut object = config_map(name);
        object["metadata"]["labels"] = json!({"tier": tier});
        host.post(CONFIG_MAPS, object).await;
    }
    let names = |list: &Value| -> Vec<String> {
        super::super::object::list(list, "/items")
            .iter()
            .map(|item| super::super::object::name(item).to_owned())
            .collect()
    };
    let (_, chosen) = host
        .get(&format!("{CONFIG_MAPS}?labelSelector=tier%3Dx"))
        .await;
    assert_eq!(names(&chosen), ["a", "c"]);
    let (_, chosen) = host
        .get("/api/v1/configmaps?fieldSelector=metadata.name%3Db,metadata.namespace%3Ddefault")
        .await;
    assert_eq!(names(&chosen), ["b"]);
    let (_, page) = host
        .get(&format!("{CONFIG_MAPS}?labelSelector=tier&limit=2"))
        .await;
    assert_eq!(names(&page), ["a", "b"]);
    assert_eq!(page["metadata"]["remainingItemCount"], 1);
    let token = page["metadata"]["continue"].as_str().unwrap_or_default();
    let rest = format!("{CONFIG_MAPS}?labelSelector=tier&limit=2&continue={token}");
    assert_eq!(names(&host.get(&rest).await.1), ["c"]);
}
