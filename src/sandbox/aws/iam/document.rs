//! What makes a policy document one that AWS takes: form, elements, principals.

use serde_json::{Map, Value, json};

use super::{Fault, limit_exceeded};
use crate::sandbox::world::World;

const LONGEST_TRUST: usize = 2048;

/// What a document is for, which decides the elements that it may have.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    /// Says what its bearer may do.
    Identity,
    /// Says who may assume a role.
    Trust,
}

fn malformed(message: impl Into<String>) -> Fault {
    Fault::new("MalformedPolicyDocument", message)
}

/// The length that AWS's quotas count: without white space.
pub(super) fn length(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Refuses what is no policy for a role, group, user or managed policy.
pub(super) fn check_identity(text: &str) -> Result<(), Fault> {
    statements(text)?
        .iter()
        .try_for_each(|statement| check_statement(statement, Purpose::Identity))
}

/// Refuses what is no trust policy. A principal of this account must exist, as AWS turns it into an id.
pub(super) fn check_trust(world: &World, text: &str) -> Result<(), Fault> {
    if length(text) > LONGEST_TRUST {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for ACLSizePerRole: {LONGEST_TRUST}"
        )));
    }
    for statement in statements(text)? {
        check_statement(&statement, Purpose::Trust)?;
        let principal = statement.get("Principal").or(statement.get("NotPrincipal"));
        check_principal(world, principal)?;
    }
    Ok(())
}

/// The statements of a document, if it has the form of a policy.
pub(super) fn statements(text: &str) -> Result<Vec<Map<String, Value>>, Fault> {
    let document: Value =
        serde_json::from_str(text).map_err(|_| malformed("This policy contains invalid Json"))?;
    let syntax = || malformed("Syntax errors in policy.");
    let document = document.as_object().ok_or_else(syntax)?;
    if document
        .keys()
        .any(|key| !matches!(key.as_str(), "Version" | "Id" | "Statement"))
    {
        return Err(syntax());
    }
    match document.get("Version").map(Value::as_str) {
        None | Some(Some("2012-10-17" | "2008-10-17")) => {}
        Some(_) => {
            return Err(malformed(
                "Policy document must be version 2012-10-17 or greater.",
            ));
        }
    }
    let statements: Vec<_> = match document.get("Statement") {
        Some(Value::Object(statement)) => vec![statement.clone()],
        Some(Value::Array(statements)) => statements
            .iter()
            .map(|statement| statement.as_object().cloned().ok_or_else(syntax))
            .collect::<Result<_, _>>()?,
        _ => return Err(syntax()),
    };
    let sids: Vec<_> = statements.iter().filter_map(|it| it.get("Sid")).collect();
    match statements.is_empty() {
        true => Err(syntax()),
        false if (1..sids.len()).any(|n| sids[n..].contains(&sids[n - 1])) => Err(malformed(
            "Statement IDs (SID) in a single policy must be unique.",
        )),
        false => Ok(statements),
    }
}

fn check_statement(statement: &Map<String, Value>, purpose: Purpose) -> Result<(), Fault> {
    for key in statement.keys() {
        let refused = match (key.as_str(), purpose) {
            ("Sid" | "Effect" | "Action" | "NotAction" | "Condition", _) => None,
            ("Resource" | "NotResource", Purpose::Identity) => None,
            ("Principal" | "NotPrincipal", Purpose::Trust) => None,
            ("Principal" | "NotPrincipal", Purpose::Identity) => {
                Some("Policy document should not specify a principal.")
            }
            ("Resource" | "NotResource", Purpose::Trust) => Some("Has prohibited field Resource"),
            _ => Some("Syntax errors in policy."),
        };
        if let Some(refused) = refused {
            return Err(malformed(refused));
        }
    }
    if !matches!(
        statement.get("Effect").and_then(Value::as_str),
        Some("Allow" | "Deny")
    ) {
        return Err(malformed("Syntax errors in policy."));
    }
    let actions = one_of(
        statement,
        "Action",
        "NotAction",
        "Policy statement must contain actions.",
    )?;
    for action in texts(actions)? {
        let vendor = action.split_once(':').map(|(vendor, _)| vendor);
        if action != "*" && vendor.is_none_or(str::is_empty) {
            return Err(malformed(
                "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            ));
        }
    }
    if purpose == Purpose::Identity {
        let resources = one_of(
            statement,
            "Resource",
            "NotResource",
            "Policy statement must contain resources.",
        )?;
        for resource in texts(resources)? {
            if resource != "*" && !resource.starts_with("arn:") {
                return Err(malformed(format!(
                    "Resource {resource} must be in ARN format or \"*\"."
                )));
            }
        }
    } else {
        one_of(
            statement,
            "Principal",
            "NotPrincipal",
            "Missing required field Principal",
        )?;
    }
    match statement.get("Condition") {
        None => Ok(()),
        Some(Value::Object(operators)) if operators.values().all(Value::is_object) => Ok(()),
        Some(_) => Err(malformed("Syntax errors in policy.")),
    }
}

/// The one of two elements that exclude each other; `missing` says what to answer without both.
fn one_of<'a>(
    statement: &'a Map<String, Value>,
    plain: &str,
    inverse: &str,
    missing: &str,
) -> Result<&'a Value, Fault> {
    match (statement.get(plain), statement.get(inverse)) {
        (Some(value), None) | (None, Some(value)) => Ok(value),
        (None, None) => Err(malformed(missing)),
        (Some(_), Some(_)) => Err(malformed("Syntax errors in policy.")),
    }
}

/// A text, or a list of texts that is not empty.
pub(super) fn texts(value: &Value) -> Result<Vec<&str>, Fault> {
    match value {
        Value::String(text) => Some(vec![text.as_str()]),
        Value::Array(values) if !values.is_empty() => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
    .ok_or_else(|| malformed("Syntax errors in policy."))
}

fn check_principal(world: &World, principal: Option<&Value>) -> Result<(), Fault> {
    let kinds = match principal {
        Some(Value::Object(kinds)) if !kinds.is_empty() => kinds,
        Some(Value::String(text)) if text == "*" => return Ok(()),
        _ => return Err(malformed("Invalid principal in policy")),
    };
    for (kind, names) in kinds {
        for name in texts(names)? {
            let valid = match kind.as_str() {
                "Service" => name.ends_with(".amazonaws.com") || name.ends_with(".amazon.com"),
                "AWS" => is_account_principal(world, name),
                "Federated" => true,
                _ => false,
            };
            if !valid {
                return Err(malformed(format!(
                    "Invalid principal in policy: \"{}\":\"{name}\"",
                    kind.to_uppercase()
                )));
            }
        }
    }
    Ok(())
}

fn is_account_principal(world: &World, name: &str) -> bool {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if name == "*" || is_account(name) {
        return true;
    }
    let Some((account, resource)) = name
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(':'))
    else {
        return name.starts_with("arn:aws:sts::");
    };
    let iam = &world.global.iam;
    is_account(account)
        && (resource == "root"
            || account != world.account
            || iam.role_by_arn(name).is_some()
            || iam.users.values().any(|user| user.entity.arn == name))
}

/// Whether a trust policy that was accepted lets the AWS service `principal` assume the role.
pub(super) fn trusts_service(text: &str, principal: &str) -> bool {
    statements(text).into_iter().flatten().any(|statement| {
        let services = statement
            .get("Principal")
            .and_then(|principal| principal.get("Service"));
        let actions = statement.get("Action");
        let names = |value: Option<&Value>, wanted: &[&str]| {
            value
                .and_then(|value| texts(value).ok())
                .is_some_and(|texts| texts.iter().any(|text| wanted.contains(text)))
        };
        statement.get("Effect") == Some(&json!("Allow"))
            && names(services, &[principal])
            && names(actions, &["sts:AssumeRole", "sts:*", "*"])
    })
}

/// The trust policy of a role that AWS's `service` made for itself.
pub(super) fn trust_of_service(service: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": service },
            "Action": "sts:AssumeRole",
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::time::SimTime;

    fn refusal(document: Value) -> Option<String> {
        check_identity(&document.to_string())
            .err()
            .map(|fault| format!("{} {}", fault.code, fault.message))
    }

    fn trust_refusal(principal: Value) -> Option<String> {
        let world = World::new("123456789012", SimTime::EPOCH);
        let document = json!({ "Statement": { "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" } });
        check_trust(&world, &document.to_string())
            .err()
            .map(|fault| fault.message)
    }

    #[test]
    fn a_proper_policy_passes() {
        let statement =
            json!({"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"});
        assert_eq!(
            refusal(json!({"Version": "2012-10-17", "Statement": [statement]})),
            None
        );
        assert_eq!(refusal(json!({"Statement": statement})), None);
    }

    #[test]
    fn each_fault_of_a_policy_is_named() {
        let policy = |statement: Value| refusal(json!({ "Statement": [statement] }));
        let cases = [
            (refusal(json!("text")), "Syntax"),
            (refusal(json!({"Statement": []})), "Syntax"),
            (refusal(json!({"Statements": {}})), "Syntax"),
            (
                refusal(json!({"Version": "2020-01-01", "Statement": []})),
                "version 2012-10-17",
            ),
            (
                policy(json!({"Effect": "Maybe", "Action": "*", "Resource": "*"})),
                "Syntax",
            ),
            (
                policy(json!({"Effect": "Allow", "Resource": "*"})),
                "must contain actions",
            ),
            (
                policy(json!({"Effect": "Allow", "Action": "*"})),
                "must contain resources",
            ),
            (
                policy(json!({"Effect": "Allow", "Action": "describe", "Resource": "*"})),
                "vendor",
            ),
            (
                policy(json!({"Effect": "Allow", "Action": "*", "Resource": "mine"})),
                "ARN format",
            ),
            (
                policy(
                    json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}),
                ),
                "should not specify a principal",
            ),
        ];
        for (answer, expected) in cases {
            let answer = answer.unwrap_or_default();
            assert!(
                answer.starts_with("MalformedPolicyDocument") && answer.contains(expected),
                "{answer} should say {expected}"
            );
        }
        assert!(check_identity("{").is_err());
    }

    #[test]
    fn principals_must_be_services_accounts_or_entities_that_exist() {
        assert_eq!(trust_refusal(json!({"Service": "eks.amazonaws.com"})), None);
        assert_eq!(trust_refusal(json!({"AWS": "123456789012"})), None);
        assert_eq!(
            trust_refusal(json!({"AWS": "arn:aws:iam::123456789012:user/ops-account"})),
            None
        );
        assert_eq!(
            trust_refusal(json!({"AWS": "arn:aws:iam::123456789012:role/none"})).as_deref(),
            Some("Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/none\"")
        );
        assert!(trust_refusal(json!({"Service": "eks"})).is_some());
        assert!(trust_refusal(json!({})).is_some());
    }

    #[test]
    fn a_role_tells_whom_it_trusts() {
        let trust = trust_of_service("eks.amazonaws.com");
        assert!(trusts_service(&trust, "eks.amazonaws.com"));
        assert!(!trusts_service(&trust, "ec2.amazonaws.com"));
    }
}
