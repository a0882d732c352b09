//! Workloads: selectors, templates and containers.

use serde_json::{Value, json};

use crate::sandbox::kubernetes::object::{list, selects, text, text_map};
use crate::sandbox::kubernetes::refusal::Cause;

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// What is wrong with a workload whose pod template stands at `template`.
pub fn check(kind: &str, object: &Value, template: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !matches!(kind, "Job" | "CronJob") {
        let selector = text_map(object, "/spec/selector/matchLabels");
        let labels = text_map(object, &format!("{template}/metadata/labels"));
        if object.pointer("/spec/selector").is_none() {
            causes.push(Cause::required("spec.selector", ""));
        } else if selector.is_empty() && list(object, "/spec/selector/matchExpressions").is_empty()
        {
            causes.push(Cause::invalid(
                "spec.selector",
                &json!({}),
                "empty selector is invalid for deployment",
            ));
        } else if !selector.is_empty() && !selects(&selector, &labels) {
            causes.push(Cause::invalid(
                "spec.template.metadata.labels",
                &json!(labels),
                "`selector` does not match template `labels`",
            ));
        }
    }
    if let Some(replicas) = object.pointer("/spec/replicas")
        && replicas.as_i64().is_none_or(|count| count < 0)
    {
        causes.push(Cause::invalid(
            "spec.replicas",
            replicas,
            "must be greater than or equal to 0",
        ));
    }
    let spec = format!("{template}/spec");
    let restart = text(object, &format!("{spec}/restartPolicy"));
    let field = format!("{}.restartPolicy", dotted(&spec));
    let (allowed, why): (&[&str], _) = match kind {
        "Job" | "CronJob" => (
            &["OnFailure", "Never"],
            "valid values: \"OnFailure\", \"Never\"",
        ),
        _ => (&["Always"], ""),
    };
    if !allowed.contains(&restart) {
        causes.push(if matches!(kind, "Job" | "CronJob") {
            Cause::required(field, why)
        } else {
            Cause::unsupported(field, &json!(restart), allowed)
        });
    }
    causes.extend(check_pod_spec(object, &spec));
    causes
}

/// What is wrong with the pod specification at `spec`.
pub fn check_pod_spec(object: &Value, spec: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    if list(object, &format!("{spec}/containers")).is_empty() {
        causes.push(Cause::required(format!("{}.containers", dotted(spec)), ""));
    }
    let volumes: Vec<&str> = list(object, &format!("{spec}/volumes"))
        .iter()
        .map(|volume| text(volume, "/name"))
        .collect();
    let mut names = Vec::new();
    for group in ["containers", "initContainers"] {
        for (at, container) in list(object, &format!("{spec}/{group}")).iter().enumerate() {
            let field = format!("{}.{group}[{at}]", dotted(spec));
            for required in ["name", "image"] {
                if text(container, &format!("/{required}")).is_empty() {
                    causes.push(Cause::required(format!("{field}.{required}"), ""));
                }
            }
            let name = text(container, "/name");
            if !name.is_empty() && names.contains(&name) {
                causes.push(Cause::duplicate(format!("{field}.name"), &json!(name)));
            }
            names.push(name);
            for (mount_at, mount) in list(container, "/volumeMounts").iter().enumerate() {
                if !volumes.contains(&text(mount, "/name"))
                    && !claims(object).contains(&text(mount, "/name"))
                {
                    causes.push(Cause {
                        reason: "FieldValueNotFound",
                        message: format!("Not found: {}", mount["name"]),
                        field: format!("{field}.volumeMounts[{mount_at}].name"),
                    });
                }
            }
        }
    }
    causes
}

/// A StatefulSet's claims are volumes of its pods.
fn claims(object: &Value) -> Vec<&str> {
    list(object, "/spec/volumeClaimTemplates")
        .iter()
        .map(|claim| text(claim, "/metadata/name"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_needs_selector_template_and_containers() {
        let object = json!({"spec": {
            "selector": {"matchLabels": {"app": "a"}}, "replicas": -1,
            "template": {"metadata": {"labels": {"app": "b"}}, "spec": {"restartPolicy": "Never", "containers": [
                {"name": "a", "volumeMounts": [{"name": "nowhere", "mountPath": "/"}]}, {"name": "a", "image": "x"},
            ]}},
        }});
        let fields: Vec<String> = check("Deployment", &object, "/spec/template")
            .into_iter()
            .map(|cause| cause.field)
            .collect();
        assert_eq!(
            fields,
            [
                "spec.template.metadata.labels",
                "spec.replicas",
                "spec.template.spec.restartPolicy",
                "spec.template.spec.containers[0].image",
                "spec.template.spec.containers[0].volumeMounts[0].name",
                "spec.template.spec.containers[1].name",
            ]
        );
    }
}
