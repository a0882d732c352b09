//! Who am I, and what may I do: everything.

use http::StatusCode;
use serde_json::{Value, json};

use super::call::parse;
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
/// When the body can't be read or there is no such review.
pub fn answer(path: &str, body: &[u8]) -> Result<Answer, Refusal> {
    let mut review: Value = parse("application/json", body)?;
    if !review.is_object() {
        return Err(Refusal::bad_request("the body is not an object"));
    }
    review["status"] = match path.rsplit('/').next().unwrap_or_default() {
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
