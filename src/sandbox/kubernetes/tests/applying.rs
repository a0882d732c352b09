//! Server-side apply over the wire: dry runs, no-ops, conflicts.

use serde_json::json;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_what_is_there_answers_the_live_object() {
    let host = Host::with_node();
    for (path, document) in [
        (format!("{DEPLOYMENTS}/web"), deployment("web")),
        (format!("{SERVICES}/web"), service("web", "LoadBalancer")),
        (format!("{DEFINITIONS}/sites.example.org"), definition()),
        (
            "/api/v1/namespaces/default/secrets/db".to_owned(),
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "default"},
                "data": {"password": "aHVudGVyMg=="},
            }),
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses/web".to_owned(),
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
                "spec": {"rules": [{"host": "a.example", "http": {"paths": [{
                    "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}},
                }]}}]},
            }),
        ),
    ] {
        let (code, _) = host.apply(&path, "&dryRun=All", &document).await;
        assert_eq!(code, 201, "{path}");
        assert_eq!(host.get(&path).await.0, 404, "a dry run made {path}");
        let (code, answer) = host.apply(&path, "", &document).await;
        assert_eq!(code, 201, "{path}: {answer}");
        seconds(60).await;
        let (_, live) = host.get(&path).await;
        let (code, dry) = host.apply(&path, "&dryRun=All", &document).await;
        assert_eq!(code, 200, "{path}");
        assert_eq!(dry, live, "{path}");
        let (_, again) = host.apply(&path, "", &document).await;
        assert_eq!(again, live, "{path}: applying again changed something");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_would_change() {
    let host = Host::with_node();
    let path = format!("{DEPLOYMENTS}/web");
    host.apply(&path, "", &deployment("web")).await;
    seconds(30).await;
    let (_, live) = host.get(&path).await;
    let mut wanted = deployment("web");
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    let (_, dry) = host.apply(&path, "&dryRun=All", &wanted).await;
    assert_eq!(
        dry["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:2"
    );
    assert_eq!(dry["metadata"]["generation"], 2);
    assert_eq!(host.get(&path).await.1, live);
}

#[tokio::test(start_paused = true)]
async fn another_managers_field_is_a_conflict_until_forced() {
    let host = Host::new();
    let path = format!("{CONFIG_MAPS}/settings");
    let document = |value: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "default"},
            "data": {"a": value},
        })
    };
    host.apply(&path, "", &document("1")).await;
    let (code, _) = host
        .merge(&path, json!({"data": {"a": "2", "b": "3"}}))
        .await;
    assert_eq!(code, 200);
    let (code, status) = host.apply(&path, "", &document("1")).await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")));
    assert_eq!(
        status["details"]["causes"],
        json!([{"reason": "FieldManagerConflict", "message": "conflict with \"tester\" using v1", "field": ".data.a"}])
    );
    let (code, forced) = host.apply(&path, "&force=true", &document("1")).await;
    assert_eq!((code, &forced["data"]), (200, &json!({"a": "1", "b": "3"})));
}

#[tokio::test(start_paused = true)]
async fn apply_needs_a_manager_and_force_needs_apply() {
    let host = Host::new();
    let path = format!("{CONFIG_MAPS}/settings");
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}});
    let media_type = "application/apply-patch+yaml";
    let (code, status) = host
        .send("PATCH", &path, media_type, body.to_string())
        .await;
    assert_eq!(code, 422, "{status}");
    host.apply(&path, "", &body).await;
    let (code, _) = host.merge(&format!("{path}?force=true"), json!({})).await;
    assert_eq!(code, 422);
}

#[tokio::test(start_paused = true)]
async fn yaml_is_applied_too() {
    let host = Host::new();
    let path = format!("{CONFIG_MAPS}/settings?fieldManager=kubectl");
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: '1'\n";
    let (code, answer) = host
        .send(
            "PATCH",
            &path,
            "application/apply-patch+yaml",
            yaml.to_owned(),
        )
        .await;
    assert_eq!((code, &answer["data"]["a"]), (201, &json!("1")));
}

#[tokio::test(start_paused = true)]
async fn what_is_none_of_its_type_is_called_a_failure_of_the_server() {
    let host = Host::new();
    let path = format!("{DEPLOYMENTS}/web");
    let with = |pointer: &str, name: &str, value: Value| {
        let mut document = deployment("web");
        document.pointer_mut(pointer).unwrap()[name] = value;
        document
    };
    let container = "/spec/template/spec/containers/0";
    let twice = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    for (document, why) in [
        (
            with("/spec", "replicaz", json!(2)),
            ".spec.replicaz: field not declared in schema",
        ),
        (with("/spec", "replicas", json!("2")), "expected i32"),
        (
            with(container, "env", twice),
            ".spec.template.spec.containers.env: duplicate entries for key {\"name\":\"A\"}",
        ),
    ] {
        let (code, status) = host.apply(&path, "&dryRun=All", &document).await;
        assert_eq!((code, status.get("reason")), (500, None), "{status}");
        let message = status["message"].as_str().unwrap();
        let begins =
            "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): ";
        assert!(message.starts_with(begins), "{message}");
        assert!(message.ends_with(why), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_what_no_account_is_kept_is_nobodys() {
    let host = Host::new();
    let path = format!("{CONFIG_MAPS}/settings");
    let document = |value: &str| {
        let metadata = json!({"name": "settings", "namespace": "default"});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}})
    };
    host.apply(&path, "", &document("1")).await;
    let forgotten = json!({"metadata": {"managedFields": [{}]}});
    let (_, live) = host.merge(&path, forgotten).await;
    assert_eq!(live["metadata"].get("managedFields"), None);
    let (_, live) = host.merge(&path, json!({"data": {"a": "2"}})).await;
    assert_eq!(live["metadata"].get("managedFields"), None);
    let (code, status) = host.apply(&path, "", &document("1")).await;
    assert_eq!(code, 409);
    let cause = &status["details"]["causes"][0];
    let conflict = "conflict with \"before-first-apply\" using v1";
    assert_eq!(
        (&cause["message"], &cause["field"]),
        (&json!(conflict), &json!(".data.a"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_custom_object_is_held_to_its_schema() {
    let host = Host::new();
    let mut sites = definition();
    sites["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = json!({
        "type": "object", "properties": {"spec": {"type": "object", "required": ["host"], "properties": {
            "host": {"type": "string"}, "port": {"type": "integer", "default": 80},
        }}},
    });
    let definitions = format!("{DEFINITIONS}/sites.example.org");
    assert_eq!(host.apply(&definitions, "", &sites).await.0, 201);
    seconds(10).await;
    let path = "/apis/example.org/v1/namespaces/default/sites/a";
    let site = |spec: Value| {
        let metadata = json!({"name": "a", "namespace": "default"});
        json!({"apiVersion": "example.org/v1", "kind": "Site", "metadata": metadata, "spec": spec})
    };
    for (spec, code, why) in [
        (
            json!({"host": "a", "colour": "red"}),
            500,
            ".spec.colour: field not declared in schema",
        ),
        (
            json!({"host": 1}),
            500,
            ".spec.host: expected string, got number",
        ),
        (json!({"port": 1}), 422, "spec.host: Required value"),
    ] {
        let (status, told) = host.apply(path, "", &site(spec)).await;
        let message = told["message"].as_str().unwrap();
        assert!(status == code && message.ends_with(why), "{told}");
    }
    let (code, made) = host.apply(path, "", &site(json!({"host": "a"}))).await;
    assert_eq!(
        (code, &made["spec"]),
        (201, &json!({"host": "a", "port": 80}))
    );
    let (code, again) = host
        .apply(path, "&dryRun=All", &site(json!({"host": "a"})))
        .await;
    assert_eq!((code, again), (200, made));
}
