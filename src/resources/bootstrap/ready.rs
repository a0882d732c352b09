//! When a Kubernetes object is ready, and what it gives to others.

use serde_json::Value;

use crate::resources::{Condition, Outputs};

/// How `object` is, as its controller reports it.
pub fn condition(object: &Value) -> Condition {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Condition::Deleting;
    }
    if let Some(why) = stuck(object).or_else(|| job_failed(object)) {
        return Condition::Failed(why);
    }
    let unready = match object["kind"].as_str().unwrap_or_default() {
        "Namespace" => phase(object),
        "CustomResourceDefinition" => established(object),
        "Deployment" => workload(object, "updatedReplicas"),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        "Job" => job(object),
        "Service" => service(object),
        "Application" => application(object),
        _ => None,
    };
    unready.map_or(Condition::Ready, Condition::Settling)
}

/// The outputs of `object`: the load balancer's host name of a Service that has one.
pub fn outputs(object: &Value) -> Outputs {
    let host = balancer_host(object).filter(|_| object["kind"] == "Service");
    host.map(|host| ("hostname".to_owned(), host.to_owned()))
        .into_iter()
        .collect()
}

fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}

fn count(object: &Value, pointer: &str) -> i64 {
    object
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

fn phase(object: &Value) -> Option<String> {
    match text(object, "/status/phase") {
        Some("Active") => None,
        Some(phase) => Some(phase.to_owned()),
        None => Some("Pending".to_owned()),
    }
}

fn established(object: &Value) -> Option<String> {
    let conditions = object
        .pointer("/status/conditions")
        .and_then(Value::as_array);
    let conditions = conditions.into_iter().flatten();
    let mut established = conditions.filter(|condition| condition["type"] == "Established");
    match established.next() {
        Some(condition) if condition["status"] == "True" => None,
        Some(_) | None => Some("not established".to_owned()),
    }
}

/// Whether the controller has not yet seen the last change.
fn outdated(object: &Value) -> Option<String> {
    let seen = count(object, "/status/observedGeneration");
    (seen < count(object, "/metadata/generation")).then(|| "not seen by its controller".to_owned())
}

fn workload(object: &Value, updated: &str) -> Option<String> {
    let desired = object.pointer("/spec/replicas").and_then(Value::as_i64);
    let desired = desired.unwrap_or(1);
    let updated = count(object, &format!("/status/{updated}"));
    let ready = count(object, "/status/readyReplicas");
    let all = count(object, "/status/replicas");
    let settled = updated == desired && ready == desired && all == desired;
    outdated(object).or_else(|| (!settled).then(|| format!("{ready} of {desired} pods ready")))
}

/// Why a Deployment gets no further, as its controller says: an image that isn't there, say, or no room.
fn stuck(object: &Value) -> Option<String> {
    if object["kind"] != "Deployment" || outdated(object).is_some() {
        return None;
    }
    workload(object, "updatedReplicas")?;
    let conditions = object.pointer("/status/conditions")?.as_array()?.iter();
    let mut progress = conditions.filter(|condition| condition["type"] == "Progressing");
    let stuck = progress.find(|condition| {
        condition["status"] == "False" && condition["reason"] == "ProgressDeadlineExceeded"
    })?;
    let message = stuck["message"].as_str().unwrap_or_default();
    Some(match message {
        "" => "it has made no progress before its deadline".to_owned(),
        message => message.to_owned(),
    })
}

fn stateful_set(object: &Value) -> Option<String> {
    // Once every pod is of the new revision the controller stops counting them apart.
    let (current, update) = ("/status/currentRevision", "/status/updateRevision");
    let all_new = text(object, current) == text(object, update);
    let counted = if all_new {
        "replicas"
    } else {
        "updatedReplicas"
    };
    workload(object, counted)
}

fn daemon_set(object: &Value) -> Option<String> {
    let status = |name: &str| count(object, &format!("/status/{name}"));
    let desired = status("desiredNumberScheduled");
    let ready = status("numberReady");
    let settled = status("updatedNumberScheduled") == desired && ready == desired;
    outdated(object).or_else(|| (!settled).then(|| format!("{ready} of {desired} pods ready")))
}

/// Whether a Job has the condition `kind`, with what is said of it.
fn job_condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object.pointer("/status/conditions")?.as_array()?.iter();
    let mut fitting = conditions.filter(|one| one["type"] == kind && one["status"] == "True");
    Some(fitting.next()?["message"].as_str().unwrap_or_default())
}

/// A Job is done with when it is complete; one that somebody suspended waits for them, and nobody for it.
fn job(object: &Value) -> Option<String> {
    let waits = object.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let running = !waits && job_condition(object, "Complete").is_none();
    running.then(|| "running".to_owned())
}

fn job_failed(object: &Value) -> Option<String> {
    let why = job_condition(object, "Failed").filter(|_| object["kind"] == "Job")?;
    Some(match why {
        "" => "it failed".to_owned(),
        why => why.to_owned(),
    })
}

fn balancer_host(object: &Value) -> Option<&str> {
    text(object, "/status/loadBalancer/ingress/0/hostname")
        .or_else(|| text(object, "/status/loadBalancer/ingress/0/ip"))
}

fn service(object: &Value) -> Option<String> {
    let balanced = text(object, "/spec/type") == Some("LoadBalancer");
    (balanced && balancer_host(object).is_none()).then(|| "no load balancer yet".to_owned())
}

/// An application that a person deploys is ready once it is there; one that the agent deploys, once it runs.
fn application(object: &Value) -> Option<String> {
    object.pointer("/spec/syncPolicy/automated")?;
    let sync = text(object, "/status/sync/status").unwrap_or("Unknown");
    let health = text(object, "/status/health/status").unwrap_or("Unknown");
    (sync != "Synced" || health != "Healthy").then(|| format!("{sync}, {health}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settling(object: &Value) -> String {
        match condition(object) {
            Condition::Settling(state) => state,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_deployment_is_ready_when_the_last_change_has_reached_every_pod() {
        let mut object = json!({
            "kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2},
            "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2},
        });
        assert_eq!(settling(&object), "not seen by its controller");
        object["status"]["observedGeneration"] = json!(2);
        assert_eq!(condition(&object), Condition::Ready);
        // One old pod is still there.
        object["status"]["replicas"] = json!(3);
        assert_eq!(settling(&object), "2 of 2 pods ready");
        object["status"] = json!({"observedGeneration": 2});
        assert_eq!(settling(&object), "0 of 2 pods ready");
    }

    #[test]
    fn a_deployment_that_gets_no_further_has_failed_until_it_is_changed() {
        let message = "ReplicaSet \"web-1\" has timed out progressing.";
        let mut object = json!({
            "kind": "Deployment", "metadata": {"generation": 1}, "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "conditions": [
                {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
                {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
            ]},
        });
        assert_eq!(settling(&object), "0 of 1 pods ready");
        object["status"]["conditions"][1] = json!({
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": message,
        });
        assert_eq!(condition(&object), Condition::Failed(message.to_owned()));
        object["metadata"]["generation"] = json!(2);
        assert_eq!(settling(&object), "not seen by its controller");
        object["status"]["observedGeneration"] = json!(2);
        object["status"]["readyReplicas"] = json!(1);
        assert_eq!(condition(&object), Condition::Ready);
    }

    #[test]
    fn a_stateful_set_counts_updated_pods_only_while_it_updates() {
        let mut object = json!({
            "kind": "StatefulSet", "metadata": {"generation": 1}, "spec": {"replicas": 1},
            "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1,
                       "currentRevision": "a", "updateRevision": "a"},
        });
        assert_eq!(condition(&object), Condition::Ready);
        object["status"]["updateRevision"] = json!("b");
        assert_eq!(settling(&object), "1 of 1 pods ready");
    }

    #[test]
    fn a_job_is_ready_when_it_is_done() {
        let mut object = json!({"kind": "Job", "spec": {}});
        assert_eq!(settling(&object), "running");
        object["spec"]["suspend"] = json!(true);
        assert_eq!(condition(&object), Condition::Ready);
        object["spec"] = json!({});
        object["status"]["conditions"] = json!([{"type": "Complete", "status": "True"}]);
        assert_eq!(condition(&object), Condition::Ready);
        let message = "Job has reached the specified backoff limit";
        object["status"]["conditions"] =
            json!([{"type": "Failed", "status": "True", "message": message}]);
        assert_eq!(condition(&object), Condition::Failed(message.to_owned()));
    }

    #[test]
    fn a_balanced_service_gives_its_host_name() {
        let mut object = json!({"kind": "Service", "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}});
        assert_eq!(settling(&object), "no load balancer yet");
        object["status"]["loadBalancer"] = json!({"ingress": [{"hostname": "a.elb.example.com"}]});
        assert_eq!(condition(&object), Condition::Ready);
        assert_eq!(outputs(&object)["hostname"], "a.elb.example.com");
        assert_eq!(
            condition(&json!({"kind": "Service", "spec": {"type": "ClusterIP"}})),
            Condition::Ready
        );
    }

    #[test]
    fn only_the_agents_own_deployments_are_waited_for() {
        let mut object = json!({"kind": "Application", "spec": {}});
        assert_eq!(condition(&object), Condition::Ready);
        object["spec"] = json!({"syncPolicy": {"automated": {}}});
        assert_eq!(settling(&object), "Unknown, Unknown");
        object["status"] = json!({"sync": {"status": "Synced"}, "health": {"status": "Healthy"}});
        assert_eq!(condition(&object), Condition::Ready);
    }

    #[test]
    fn what_is_on_its_way_out_is_not_ready() {
        let object =
            json!({"kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-11-20T12:00:00Z"}});
        assert_eq!(condition(&object), Condition::Deleting);
        assert_eq!(
            settling(&json!({"kind": "Namespace", "status": {"phase": "Terminating"}})),
            "Terminating"
        );
        assert_eq!(
            settling(&json!({"kind": "CustomResourceDefinition"})),
            "not established"
        );
    }
}
