//! Who may assume a role: policies that name services, and those that trust the tokens of a cluster's service accounts.
//!
//! The latter have their issuer in the names of their conditions, and nobody knows it before there is a cluster. So a
//! field holds [`ISSUER`] in its place, and only what goes to IAM has the name.

use serde_json::{Map, Value, json};

use crate::environment::model::PodIdentity;
use crate::resources::Input;
use crate::resources::cluster::{AUDIENCE, oidc_provider};

/// Stands for the issuer that the statement trusts.
const ISSUER: &str = "$issuer";

/// Lets an AWS service assume the role.
pub fn of_service(service: &str, actions: &Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": actions,
        }],
    })
}

/// Lets pods of one service account assume the role by the tokens that the cluster gives them
/// (<https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>).
pub fn of_pods(identity: &PodIdentity) -> Value {
    let PodIdentity {
        namespace,
        service_account,
        ..
    } = identity;
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": Input::of(&oidc_provider(), "arn")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {
                (format!("{ISSUER}:aud")): AUDIENCE,
                (format!("{ISSUER}:sub")): format!("system:serviceaccount:{namespace}:{service_account}"),
            }},
        }],
    })
}

/// The policy as IAM takes it.
pub fn written(trust: &Value) -> Value {
    renamed(trust, |issuer, key| {
        let condition = key.strip_prefix(ISSUER)?.strip_prefix(':')?;
        Some(format!("{issuer}:{condition}"))
    })
}

/// The policy as a field holds it.
pub fn read(trust: &Value) -> Value {
    renamed(trust, |issuer, key| {
        let condition = key.strip_prefix(issuer)?.strip_prefix(':')?;
        Some(format!("{ISSUER}:{condition}"))
    })
}

/// The policy with other names for the conditions of statements that trust an issuer.
fn renamed(trust: &Value, name: impl Fn(&str, &str) -> Option<String>) -> Value {
    let mut trust = trust.clone();
    let statements = trust.get_mut("Statement").and_then(Value::as_array_mut);
    for statement in statements.into_iter().flatten() {
        let federated = statement.pointer("/Principal/Federated");
        let issuer = federated.and_then(Value::as_str).and_then(issuer_of);
        let Some(issuer) = issuer.map(str::to_owned) else {
            continue;
        };
        let operators = statement
            .get_mut("Condition")
            .and_then(Value::as_object_mut);
        for conditions in operators.into_iter().flat_map(Map::values_mut) {
            if let Some(conditions) = conditions.as_object_mut() {
                let renamed = std::mem::take(conditions).into_iter();
                let renamed =
                    renamed.map(|(key, value)| (name(&issuer, &key).unwrap_or(key), value));
                *conditions = renamed.collect();
            }
        }
    }
    trust
}

fn issuer_of(arn: &str) -> Option<&str> {
    Some(arn.split_once(":oidc-provider/")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_name_the_issuer_only_where_iam_reads_them() {
        let arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/A1";
        let trust = |names: [&str; 2]| {
            json!({"Version": "2012-10-17", "Statement": [
                {"Principal": {"Service": "ec2.amazonaws.com"}, "Condition": {"StringEquals": {"$issuer:aud": "x"}}},
                {"Principal": {"Federated": arn}, "Condition": {"StringEquals": {
                    (names[0]): "sts.amazonaws.com", (names[1]): "system:serviceaccount:a:b",
                }}},
            ]})
        };
        let field = trust(["$issuer:aud", "$issuer:sub"]);
        let of_iam = trust([
            "oidc.eks.us-east-1.amazonaws.com/id/A1:aud",
            "oidc.eks.us-east-1.amazonaws.com/id/A1:sub",
        ]);
        assert_eq!(written(&field), of_iam);
        assert_eq!(read(&of_iam), field);
        // Another issuer's stay as they are.
        let others = trust(["example.com:aud", "sub"]);
        assert_eq!(read(&others), others);
    }
}
