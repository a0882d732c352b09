//! Who am I, and what may I do: everything.

use http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::server::Answer;

/// Whether a path leads to a review, which is posted and changes nothing.
pub fn is_one(path: &str) -> bool {
    path.starts_with("/apis/authorization.k8s.io/")
        || path.starts_with("/apis/authentication.k8s.io/")
}

/// Answers a review.
///
/// # Errors
/// When there is no such review.
pub fn answer(path: &str, body: &[u8]) -> Result<Answer, Refusal> {
    // Whatever is asked, the answer is yes: a question in another form is repeated as an empty one.
    let mut review: Value = serde_json::from_slice(body).unwrap_or_default();
    if !review.is_object() {
        review = json!({});
    }
    let plural = path.rsplit('/').next().unwrap_or_default();
    let (group, kind) = match plural {
        "selfsubjectreviews" => ("authentication", "SelfSubjectReview"),
        "selfsubjectrulesreviews" => ("authorization", "SelfSubjectRulesReview"),
        "subjectaccessreviews" => ("authorization", "SubjectAccessReview"),
        _ => ("authorization", "SelfSubjectAccessReview"),
    };
    review["apiVersion"] = format!("{group}.k8s.io/v1").into();
    review["kind"] = kind.into();
    review["status"] = match plural {
        "selfsubjectaccessreviews" | "subjectaccessreviews" => json!({"allowed": true}),
        "selfsubjectrulesreviews" => json!({
            "incomplete": false,
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }),
        "selfsubjectreviews" => {
            json!({"userInfo": {"username": "sandbox", "groups": ["system:masters"]}})
        }
        _ => return Err(Refusal::no_such_path()),
    };
    Ok(Answer::Document(StatusCode::CREATED, review))
}
