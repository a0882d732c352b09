//! Watches.

use http_body_util::BodyExt;
use serde_json::json;

use super::*;

/// The events of a watch that lasts as long as its `timeoutSeconds`.
async fn events(host: &Host, path: &str) -> Vec<(String, String)> {
    let request = Request::builder()
        .uri(path)
        .body(Bytes::new())
        .expect("a valid request");
    let response = respond(&host.store, REGION, CLUSTER, request);
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    text.lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("an event");
            let object = &event["object"];
            let name = object["metadata"]["name"]
                .as_str()
                .or(object["reason"].as_str());
            (
                event["type"].as_str().unwrap_or_default().to_owned(),
                name.unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

fn pair(event: &str, name: &str) -> (String, String) {
    (event.to_owned(), name.to_owned())
}

fn config_map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"app": "x"}}})
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_happens_after_its_version() {
    let host = Host::new();
    seconds(2).await;
    host.post(CONFIG_MAPS, config_map("before")).await;
    let (_, list) = host.get(CONFIG_MAPS).await;
    let version = list["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!(
        "{CONFIG_MAPS}?watch=true&resourceVersion={version}&timeoutSeconds=20&labelSelector=app%3Dx"
    );
    let acting = async {
        seconds(1).await;
        host.post(CONFIG_MAPS, config_map("a")).await;
        seconds(1).await;
        host.merge(&format!("{CONFIG_MAPS}/a"), json!({"data": {"k": "v"}}))
            .await;
        seconds(1).await;
        host.merge(
            &format!("{CONFIG_MAPS}/before"),
            json!({"metadata": {"labels": {"app": "y"}}}),
        )
        .await;
        seconds(1).await;
        host.delete(&format!("{CONFIG_MAPS}/a")).await;
    };
    let (seen, ()) = tokio::join!(events(&host, &path), acting);
    assert_eq!(
        seen,
        [
            pair("ADDED", "a"),
            pair("MODIFIED", "a"),
            pair("DELETED", "before"),
            pair("DELETED", "a")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_version_begins_with_what_is_there() {
    let host = Host::new();
    host.post(CONFIG_MAPS, config_map("a")).await;
    let path =
        format!("{CONFIG_MAPS}?watch=1&timeoutSeconds=1&labelSelector=app&sendInitialEvents=true");
    assert_eq!(
        events(&host, &path).await,
        [pair("ADDED", "a"), pair("BOOKMARK", "")]
    );
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_has_expired() {
    let host = Host::new();
    host.post(CONFIG_MAPS, config_map("a")).await;
    for round in 0..600 {
        let patch = json!({"data": {"round": round.to_string()}});
        host.merge(&format!("{CONFIG_MAPS}/a"), patch).await;
    }
    let path = format!("{CONFIG_MAPS}?watch=true&resourceVersion=1");
    assert_eq!(events(&host, &path).await, [pair("ERROR", "Expired")]);
}
