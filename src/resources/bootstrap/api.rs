//! The few calls of the Kubernetes API that we make, on plain JSON documents.

use http::{Method, Request};
use kube::Client;
use kube::core::Status;
use kube::core::response::StatusDetails;
use serde_json::{Value, json};

use super::id::{ObjectId, Place};
use crate::cloud::{Class, Fault, absent_is_done};
use crate::resources::calls::{not_there_yet, present};

/// The name under which we own fields.
pub const MANAGER: &str = "groundwork";

/// Managers whose fields we take over without asking: what people typed with kubectl is drift like any other, and the
/// plan has shown it. Controllers and other tools are named instead, since they would write the field again.
const OVERRULED: [&str; 7] = [
    // Nobody: what was there before the API server kept account of anything (k8s.io/apimachinery:
    // `pkg/util/managedfields/internal/skipnonapplied.go`).
    "before-first-apply",
    "kubectl",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-patch",
    "kubectl-replace",
];

const JSON: &str = "application/json";

/// How often a list is begun anew whose rest was forgotten (410, `Expired`: the API server keeps versions for minutes).
const LISTS_ANEW: u32 = 3;

/// How an apply is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only to see what it would make of the object, whoever owns it.
    DryRun,
    /// In earnest.
    Apply,
}

/// The object, or none.
///
/// # Errors
/// The fault of the call; absence is not one.
pub async fn get(client: &Client, id: &ObjectId) -> Result<Option<Value>, Fault> {
    let answer = at(client, JSON, Method::GET, id, "", None).await;
    present(answer.map_err(|error| fault("get", error)))
}

/// All objects of the type of `like` that carry the labels `selector`; none when the cluster doesn't know the type.
///
/// # Errors
/// The fault of the call.
pub async fn list(client: &Client, like: &ObjectId, selector: &str) -> Result<Vec<Value>, Fault> {
    let ObjectId {
        api_version, kind, ..
    } = like;
    let of = [&**api_version, &**kind];
    if let Some(listed) = list_at(client, &like.type_path(), of, selector).await? {
        return Ok(listed);
    }
    let Some(plural) = plural(client, like).await? else {
        return Ok(Vec::new());
    };
    let listed = list_at(client, &like.called(&plural).type_path(), of, selector).await?;
    Ok(listed.unwrap_or_default())
}

/// The events about the object in `namespace` with this UID: one that had its name before has others.
///
/// # Errors
/// The fault of the call.
pub async fn events(client: &Client, namespace: &str, uid: &str) -> Result<Vec<Value>, Fault> {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("fieldSelector", &format!("involvedObject.uid={uid}"))
        .finish();
    let path = format!("/api/v1/namespaces/{namespace}/events?{query}");
    let mut listed = call(client, "list", Method::GET, &path, None).await?;
    match listed.get_mut("items").map(Value::take) {
        Some(Value::Array(events)) => Ok(events),
        Some(_) | None => Ok(Vec::new()),
    }
}

/// The same at `path`, of objects of this API version and kind; nothing, not even an empty list, where there is no such
/// path.
///
/// # Errors
/// The fault of the call.
pub async fn list_at(
    client: &Client,
    path: &str,
    [api_version, kind]: [&str; 2],
    selector: &str,
) -> Result<Option<Vec<Value>>, Fault> {
    let mut objects = Vec::new();
    let mut next = String::new();
    let mut begun_anew = 0;
    loop {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("labelSelector", selector)
            .append_pair("limit", "500")
            .append_pair("continue", &next)
            .finish();
        let path = format!("{path}?{query}");
        let answer = call(client, "list", Method::GET, &path, None).await;
        // What the rest belongs to is forgotten after a while: the whole is read anew.
        let forgotten = |fault: &Fault| ["Expired", "Gone"].contains(&fault.code.as_str());
        if answer.as_ref().is_err_and(forgotten) && begun_anew < LISTS_ANEW {
            begun_anew += 1;
            objects.clear();
            next.clear();
            continue;
        }
        let Some(mut page) = present(answer)? else {
            return Ok(None);
        };
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            // The items of a list do not repeat what they are.
            objects.extend(items.into_iter().map(|mut item| {
                item["apiVersion"] = json!(api_version);
                item["kind"] = json!(kind);
                item
            }));
        }
        match page.pointer("/metadata/continue").and_then(Value::as_str) {
            Some(token) if !token.is_empty() => token.clone_into(&mut next),
            Some(_) | None => return Ok(Some(objects)),
        }
    }
}

/// What the API server answers to a question about itself.
///
/// # Errors
/// The fault of the call.
pub async fn told(client: &Client, path: &str) -> Result<Value, Fault> {
    call(client, "discover", Method::GET, path, None).await
}

/// Applies `manifest` on the server's side and returns the object as it then is or would be.
///
/// # Errors
/// The fault of the call. A field that others own is named with its owner.
pub async fn apply(
    client: &Client,
    id: &ObjectId,
    manifest: &Value,
    mode: Mode,
) -> Result<Value, Fault> {
    let send = |force: bool| {
        let dry = if mode == Mode::DryRun {
            "&dryRun=All"
        } else {
            ""
        };
        let query = format!("?fieldManager={MANAGER}&force={force}{dry}");
        // JSON is YAML.
        let yaml = "application/apply-patch+yaml";
        async move { at(client, yaml, Method::PATCH, id, &query, Some(manifest)).await }
    };
    let error = match send(mode == Mode::DryRun).await {
        Ok(object) => return Ok(object),
        Err(error) => error,
    };
    let Some(owners) = conflicts(&error) else {
        // A namespace or a type that was made a moment ago may not be known everywhere yet.
        return Err(not_there_yet(fault("apply", error)));
    };
    if owners
        .iter()
        .all(|(manager, _)| OVERRULED.contains(&manager.as_str()))
    {
        return send(true).await.map_err(|error| fault("apply", error));
    }
    let fields: Vec<String> = owners
        .iter()
        .map(|(manager, field)| format!("{field} is managed by \"{manager}\""))
        .collect();
    let (kind, name) = (id.kind.to_lowercase(), &id.name);
    let place = match id.namespace.as_str() {
        "" => String::new(),
        namespace => format!(" --namespace {namespace}"),
    };
    Err(Fault {
        service: "kubernetes",
        operation: "apply",
        code: "Conflict".to_owned(),
        message: format!(
            "{}: leave the field out of what groundwork applies, or take it by giving it another value with \
             `kubectl edit {kind} {name}{place}`: what was written so, groundwork takes over",
            fields.join(", ")
        ),
        class: Class::Stop,
        source: None,
    })
}

/// Puts `patch` into the object, member by member, for `manager`.
///
/// # Errors
/// The fault of the call.
pub async fn merge(
    client: &Client,
    id: &ObjectId,
    patch: &Value,
    manager: &str,
) -> Result<Value, Fault> {
    let query = format!("?fieldManager={manager}");
    let json = "application/merge-patch+json";
    let answer = at(client, json, Method::PATCH, id, &query, Some(patch));
    answer.await.map_err(|error| fault("patch", error))
}

/// Has the object deleted, and what it owns after it. Absence is success.
///
/// # Errors
/// The fault of the call.
pub async fn delete(client: &Client, id: &ObjectId) -> Result<(), Fault> {
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
    });
    let answer = at(client, JSON, Method::DELETE, id, "", Some(&options)).await;
    absent_is_done(answer.map_err(|error| fault("delete", error)))
}

/// Calls at the path of `id`, with `query` behind it. Where nothing is served there, the type may have another plural
/// than its kind lets expect, which only the API server knows.
async fn at(
    client: &Client,
    content: &str,
    method: Method,
    id: &ObjectId,
    query: &str,
    body: Option<&Value>,
) -> Result<Value, kube::Error> {
    let path = |place: Place<'_>| format!("{}{query}", place.path());
    let usual = path(id.usually());
    let answer = sent(client, content, method.clone(), &usual, body).await;
    let Err(error) = &answer else { return answer };
    if !is_unserved(error) {
        return answer;
    }
    match plural(client, id).await {
        Ok(Some(plural)) => sent(client, content, method, &path(id.called(&plural)), body).await,
        Ok(None) | Err(_) => answer,
    }
}

/// Whether an API server has nothing at all at a path: it then names no object (of a type of others not even itself).
fn is_unserved(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let named = |details: &StatusDetails| !details.kind.is_empty();
    status.code == 404 && !status.details.as_ref().is_some_and(named)
}

/// The plural of the type of `id`, if the cluster has it and calls it otherwise than kinds are usually called.
async fn plural(client: &Client, id: &ObjectId) -> Result<Option<String>, Fault> {
    let told = present(told(client, &id.version_path()).await)?.unwrap_or_default();
    let types = told["resources"].as_array().into_iter().flatten();
    let names = types
        .filter(|one| one["kind"] == *id.kind)
        .filter_map(|one| one["name"].as_str());
    let mut whole = names.filter(|name| !name.contains('/'));
    let found = whole.next().filter(|name| id.called(name) != id.usually());
    Ok(found.map(str::to_owned))
}

async fn call(
    client: &Client,
    operation: &'static str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, Fault> {
    let answer = sent(client, JSON, method, path, body).await;
    answer.map_err(|error| fault(operation, error))
}

async fn sent(
    client: &Client,
    content: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, kube::Error> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::CONTENT_TYPE, content)
        .body(
            body.map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        )
        .map_err(kube::Error::HttpError)?;
    client.request(request).await
}

/// That an object's kind never allows these fields to be changed: what stands behind such a refusal.
#[derive(Debug, thiserror::Error)]
#[error("{0} can't be changed")]
pub struct Immutable(pub String);

/// How API servers say so, behind the value that they quote (k8s.io/kubernetes: `pkg/apis/*/validation`).
const IMMUTABLE_ENDS: [&str; 4] = [
    "field is immutable",
    "field is immutable when `immutable` is set",
    "may not change once set",
    "cannot change roleRef",
];

/// The fields that can't be changed, if that is all that is wrong.
fn immutable(error: &kube::Error) -> Option<Immutable> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    let causes = &status.details.as_ref()?.causes;
    let says_so = |message: &str| {
        let ends = IMMUTABLE_ENDS.iter().any(|words| message.ends_with(words));
        ends || message.starts_with("Forbidden: updates to ")
    };
    // What a policy of the cluster refuses names no field.
    let all = status.code == 422
        && causes.iter().all(|cause| {
            let of_a_value = ["FieldValueInvalid", "FieldValueForbidden"].contains(&&*cause.reason);
            of_a_value && !cause.field.is_empty() && says_so(&cause.message)
        });
    let fields: Vec<&str> = causes.iter().map(|cause| cause.field.as_str()).collect();
    (all && !fields.is_empty()).then(|| Immutable(fields.join(", ")))
}

/// A write that lost against another is tried again; everything else is as the table says.
fn fault(operation: &'static str, error: kube::Error) -> Fault {
    let immutable = immutable(&error);
    let fault = Fault::kubernetes(operation, error);
    if let Some(fields) = immutable {
        return Fault {
            source: Some(Box::new(fields)),
            ..fault
        };
    }
    match fault.code.as_str() {
        "Conflict" => Fault {
            class: Class::Retry,
            ..fault
        },
        _ => fault,
    }
}

/// The managers and fields that an apply ran into, if that is why it was refused.
fn conflicts(error: &kube::Error) -> Option<Vec<(String, String)>> {
    let kube::Error::Api(status) = error else {
        return None;
    };
    let found = owners(status);
    (!found.is_empty()).then_some(found)
}

fn owners(status: &Status) -> Vec<(String, String)> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| {
            // conflict with "kubectl-edit" using apps/v1
            let manager = cause.message.split('"').nth(1).unwrap_or(&cause.message);
            (manager.to_owned(), cause.field.clone())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::object::{Spec, compared};
    use super::super::secret::Values;
    use super::*;

    #[test]
    fn conflicts_name_manager_and_field() {
        let status: Status = serde_json::from_value(json!({
            "status": "Failure", "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict",
            "metadata": {},
            "details": {"causes": [{
                "reason": "FieldManagerConflict",
                "message": "conflict with \"kube-controller-manager\" using apps/v1",
                "field": ".spec.replicas",
            }]},
        }))
        .unwrap();
        let owned = (
            "kube-controller-manager".to_owned(),
            ".spec.replicas".to_owned(),
        );
        assert_eq!(owners(&status), [owned]);
    }

    /// An API server that answers requests one after the other as told, and takes down what it was asked.
    fn answering(
        answers: Vec<(u16, Value)>,
    ) -> (Client, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
        let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let (answers, seen) = (std::sync::Mutex::new(answers), asked.clone());
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            seen.lock().unwrap().push(request.uri().to_string());
            let (code, body) = answers.lock().unwrap().remove(0);
            let body = kube::client::Body::from(body.to_string().into_bytes());
            let answer = http::Response::builder().status(code).body(body);
            std::future::ready(answer)
        });
        (Client::new(service, "default"), asked)
    }

    #[tokio::test]
    async fn a_list_whose_rest_is_forgotten_is_read_anew() {
        let page = |names: &[&str], next: &str| {
            let items: Vec<_> =
                (names.iter().map(|name| json!({"metadata": {"name": name}}))).collect();
            (200, json!({"metadata": {"continue": next}, "items": items}))
        };
        let expired = || {
            let told = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "reason": "Expired", "code": 410, "message": "The provided continue parameter is too old",
            });
            (410, told)
        };
        let type_of = "v1/ConfigMap//any".parse::<ObjectId>().unwrap();
        let answers = vec![
            page(&["a"], "x"),
            expired(),
            page(&["a", "b"], "y"),
            page(&["c"], ""),
        ];
        let (client, asked) = answering(answers);
        let listed = list(&client, &type_of, "app=x").await.unwrap();
        let names: Vec<_> = listed
            .iter()
            .map(|one| one["metadata"]["name"].clone())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        let continued = |uri: &String| uri.rsplit('=').next().unwrap_or_default().to_owned();
        let asked: Vec<_> = asked.lock().unwrap().iter().map(continued).collect();
        assert_eq!(asked, ["", "x", "", "y"]);
        // One that never comes to its end is no absence.
        let (client, _) = answering((0..4).map(|_| expired()).collect());
        assert_eq!(
            list(&client, &type_of, "").await.unwrap_err().code,
            "Expired"
        );
    }

    #[tokio::test]
    async fn a_type_is_listed_by_the_plural_that_the_server_tells() {
        // As it is answered by what serves types of others.
        let unserved = || (404, json!("404 page not found"));
        let types = json!({"resources": [
            {"name": "cacti/status", "kind": "Cactus"}, {"name": "cacti", "kind": "Cactus"},
        ]});
        let page = json!({"metadata": {}, "items": [{"metadata": {"name": "a"}}]});
        let type_of = "example.com/v1/Cactus//any".parse::<ObjectId>().unwrap();
        let answers = vec![unserved(), (200, types), (200, page)];
        let (client, asked) = answering(answers);
        assert_eq!(list(&client, &type_of, "").await.unwrap().len(), 1);
        let asked = asked.lock().unwrap().clone();
        let paths: Vec<_> = asked
            .iter()
            .filter_map(|uri| uri.split('?').next())
            .collect();
        let usual = "/apis/example.com/v1/cactuses";
        let told = ["/apis/example.com/v1", "/apis/example.com/v1/cacti"];
        assert_eq!(paths, [usual, told[0], told[1]]);
        // A type that is not there has no objects.
        let (client, _) = answering(vec![unserved(), unserved()]);
        assert!(list(&client, &type_of, "").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_a_webhook_denies_is_told_of_its_object_alone() {
        let answer = |message: &str| {
            let told = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "code": 403,
            });
            answering(vec![(403, told)]).0
        };
        let manifest =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}});
        let spec = json!({"object": "v1/ConfigMap/shop/web", "manifest": manifest});
        let spec = serde_json::from_value::<Spec>(spec).unwrap();
        let id = spec.object.parse::<ObjectId>().unwrap();
        let values = Values::default();
        let denied = "admission webhook \"policy.example.com\" denied the request: no latest tags";
        let client = answer(denied);
        let fields = compared(&client, &id, &spec, &values, &manifest).await;
        assert_eq!(fields.unwrap()["manifest"]["differs"], denied);
        let client =
            answer("configmaps is forbidden: User \"ci\" cannot patch resource \"configmaps\"");
        let fault = compared(&client, &id, &spec, &values, &manifest).await;
        let fault = fault.unwrap_err();
        assert_eq!((fault.class, &*fault.code), (Class::Forbidden, "403"));
    }

    #[test]
    fn only_a_field_that_never_changes_is_immutable() {
        let fields = |causes: Value| {
            let status = serde_json::from_value::<Status>(json!({
                "status": "Failure", "code": 422, "reason": "Invalid", "message": "is invalid",
                "metadata": {}, "details": {"causes": causes},
            }));
            let error = kube::Error::Api(Box::new(status.unwrap()));
            immutable(&error).map(|immutable| immutable.0)
        };
        let cause = |reason: &str, field: &str, message: &str| json!({"reason": reason, "field": field, "message": message});
        let selector = cause(
            "FieldValueInvalid",
            "spec.selector",
            "Invalid value: {\"matchLabels\":{}}: field is immutable",
        );
        let set = cause(
            "FieldValueForbidden",
            "spec",
            "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
        );
        let both = json!([selector, set]);
        assert_eq!(fields(both).as_deref(), Some("spec.selector, spec"));
        let name = cause(
            "FieldValueInvalid",
            "metadata.name",
            "Invalid value: \"field is immutable\": a lowercase name is needed",
        );
        assert_eq!(fields(json!([selector, name])), None);
        // A policy of the cluster speaks for itself.
        assert_eq!(
            fields(json!([cause("", "", "the team's field is immutable")])),
            None
        );
        assert_eq!(fields(json!([])), None);
    }
}
