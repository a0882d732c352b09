//! Refusals: the `Status` documents that a Kubernetes API server answers instead of what was asked for.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::object::text;

/// One field that makes an object invalid.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, …
    pub reason: &'static str,
    /// What is wrong.
    pub message: String,
    /// The field's path.
    pub field: String,
}

impl Cause {
    /// A value that can't be.
    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {value}: {why}"),
            field: field.into(),
        }
    }

    /// A value that must be given.
    pub fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {why}")
        };
        Self {
            reason: "FieldValueRequired",
            message,
            field: field.into(),
        }
    }

    /// A value outside the few that there are.
    pub fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|one| format!("{one:?}")).collect();
        Self {
            reason: "FieldValueNotSupported",
            message: format!(
                "Unsupported value: {value}: supported values: {}",
                supported.join(", ")
            ),
            field: field.into(),
        }
    }

    /// A change that is not allowed.
    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self {
            reason: "FieldValueForbidden",
            message: format!("Forbidden: {why}"),
            field: field.into(),
        }
    }

    /// A value that stands there twice.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            message: format!("Duplicate value: {value}"),
            field: field.into(),
        }
    }

    fn document(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// The machine-readable reason, if there is one.
    pub reason: &'static str,
    /// What people read.
    pub message: String,
    /// The object and the causes.
    pub details: Option<Value>,
}

fn details(kind: &Kind, name: &str) -> Value {
    json!({"name": name, "group": kind.group, "kind": kind.plural})
}

impl Refusal {
    /// A refusal that concerns no object.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    /// A request that makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// A path that is not served.
    pub fn no_such_path() -> Self {
        let mut refusal = Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        );
        refusal.details = Some(json!({}));
        refusal
    }

    /// A method that the path does not take.
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
    }

    /// A body in a form that is not read here.
    pub fn unsupported_media_type(accepted: &[&str]) -> Self {
        Self::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: {}",
                accepted.join(", ")
            ),
        )
    }

    /// A watch or a page from a moment that is no longer remembered.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    fn of(
        kind: &Kind,
        name: &str,
        code: u16,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Some(details(kind, name)),
        }
    }

    /// No such object.
    pub fn not_found(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} not found", kind.storage());
        Self::of(kind, name, 404, "NotFound", message)
    }

    /// The name is taken.
    pub fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", kind.storage());
        Self::of(kind, name, 409, "AlreadyExists", message)
    }

    /// Somebody else was faster, or the object is not in the state that the request presumes.
    pub fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {why}",
            kind.storage()
        );
        Self::of(kind, name, 409, "Conflict", message)
    }

    /// Not allowed, whoever asks.
    pub fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", kind.storage());
        Self::of(kind, name, 403, "Forbidden", message)
    }

    /// New content in a namespace that is going away.
    pub fn namespace_terminating(kind: &Kind, name: &str, namespace: &str) -> Self {
        let why = format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        );
        let mut refusal = Self::forbidden(kind, name, &why);
        refusal.details = Some(json!({
            "name": name, "group": kind.group, "kind": kind.plural,
            "causes": [{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }],
        }));
        refusal
    }

    /// An object whose fields can't be so.
    pub fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Self {
        let mut texts: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let text = match texts.len() {
            1 => texts.remove(0),
            _ => format!("[{}]", texts.join(", ")),
        };
        let title = if kind.group.is_empty() {
            kind.kind.clone()
        } else {
            format!("{}.{}", kind.kind, kind.group)
        };
        let mut details = details(kind, name);
        details["kind"] = kind.kind.clone().into();
        details["causes"] = causes.iter().map(Cause::document).collect();
        Self {
            code: 422,
            reason: "Invalid",
            message: format!("{title} {name:?} is invalid: {text}"),
            details: Some(details),
        }
    }

    /// An applied document that can't be read as what it says it is. The API server takes that for a failure of its own,
    /// and gives it no reason (k8s.io/apimachinery: `pkg/util/managedfields/internal/structuredmerge.go`).
    pub fn unfit(kind: &Kind, object: &Value, why: &str) -> Self {
        let (namespace, name) = (
            text(object, "/metadata/namespace"),
            text(object, "/metadata/name"),
        );
        let (version, kind) = (kind.api_version(), &kind.kind);
        let of = format!("{namespace}/{name}; {version}, Kind={kind}");
        Self::new(
            500,
            "",
            format!("failed to create typed patch object ({of}): {why}"),
        )
    }

    /// Fields that other managers own: (manager as it is shown, field).
    pub fn apply_conflicts(conflicts: &[(String, String)]) -> Self {
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with {manager}"),
                    "field": field,
                })
            })
            .collect();
        let message = match conflicts {
            [(manager, field)] => {
                format!("Apply failed with 1 conflict: conflict with {manager}: {field}")
            }
            _ => {
                let mut text = format!("Apply failed with {} conflicts:", conflicts.len());
                let mut last = "";
                for (manager, field) in conflicts {
                    if manager != last {
                        text.push_str(&format!(" conflicts with {manager}:"));
                        last = manager;
                    }
                    text.push_str(&format!("\n- {field}"));
                }
                text
            }
        };
        Self {
            code: 409,
            reason: "Conflict",
            message,
            details: Some(json!({"causes": causes})),
        }
    }

    /// The document that is answered.
    pub fn document(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}
