//! Whether the credentials may do what a plan needs, by AWS's own policy simulator.
//!
//! The simulator knows the policies of a user or a role, its boundary and the organisation's policies, and no others
//! (docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html).

use std::time::Duration;

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult};
use futures::future::try_join_all;
use serde_json::Value;

use super::verdict::Verdict;
use crate::cloud::{Cloud, Fault, Retry, fault, retry};
use crate::environment::Environment;
use crate::ops::Session;
use crate::permissions::{self, Statement};
use crate::plan::{Action, Plan, Verb};
use crate::resources::{CONTROL_PLANE, OIDC_PROVIDER};

/// How long one simulation may be tried.
const BOUND: Duration = Duration::from_secs(10);

/// What operations that take away are called; a plan that only makes does without them.
const REMOVING: [&str; 9] = [
    "Decrease",
    "Delete",
    "Detach",
    "Disassociate",
    "Release",
    "Remove",
    "Restore",
    "Revoke",
    "Untag",
];

/// Those of them that take away a part of what stays.
const PARTS: [&str; 6] = [
    "DeleteGroupPolicy",
    "DeletePolicyVersion",
    "DeleteRetentionPolicy",
    "DeleteRolePolicy",
    "DeleteRoute",
    "DeleteTags",
];

/// Has AWS simulate what `plan` needs.
///
/// # Errors
/// When it doesn't: the right to ask is missing, or the credentials are of no user and no role.
pub async fn missing(session: &Session, plan: &Plan) -> Result<Verdict, Fault> {
    let cloud = &session.cloud;
    let needed = needed(&session.environment, &session.account, plan);
    if needed.is_empty() {
        return Ok(Verdict::default());
    }
    let Some(principal) = principal(cloud).await? else {
        return Ok(Verdict::default());
    };
    let asked = needed.iter().map(|statement| {
        let ask = || simulate(session, &principal, statement);
        retry(cloud.clock.as_ref(), Retry::Idempotent, BOUND, ask)
    });
    let answers = try_join_all(asked).await?;
    let mut verdict = Verdict::of(principal);
    for (statement, results) in needed.iter().zip(&answers) {
        verdict.judge(statement, results);
    }
    Ok(verdict)
}

/// The statements that the work of `plan` needs, with the actions that it needs of them.
fn needed(environment: &Environment, account: &str, plan: &Plan) -> Vec<Statement> {
    let work: Vec<_> = plan.work().filter(|action| action.is_counted()).collect();
    let of_account = Environment {
        account: Some(account.to_owned()),
        ..environment.clone()
    };
    let statements = permissions::policy(&of_account).statement.into_iter();
    let needed = statements.filter_map(|statement| {
        let touched: Vec<_> = (work.iter())
            .copied()
            .filter(|action| statement.is_needed_for(&action.kind))
            .collect();
        if touched.is_empty() {
            return None;
        }
        let mut action = statement.action.clone();
        action.retain(|name| is_needed(name, &touched));
        Some(Statement {
            action,
            ..statement
        })
    });
    needed.collect()
}

/// Whether the operation is one that work like this may take.
fn is_needed(name: &str, touched: &[&Action]) -> bool {
    let operation = name
        .split_once(':')
        .map_or(name, |(_, operation)| operation);
    if !REMOVING.iter().any(|verb| operation.starts_with(verb)) {
        return true;
    }
    let takes_all = operation.starts_with("Delete") || operation.starts_with("Release");
    if !takes_all || PARTS.contains(&operation) {
        return touched.iter().any(|action| action.verb != Verb::Create);
    }
    let operation = operation.to_lowercase();
    touched.iter().any(|action| {
        let goes =
            matches!(action.verb, Verb::Delete | Verb::Replace) || !action.surplus.is_empty();
        goes && operation.contains(&noun(&action.kind))
    })
}

/// What operations call a resource of this kind.
fn noun(kind: &str) -> String {
    match kind {
        CONTROL_PLANE => "cluster".to_owned(),
        OIDC_PROVIDER => "openidconnectprovider".to_owned(),
        _ => {
            let last = kind.split('.').next_back().unwrap_or(kind);
            last.replace('-', "")
        }
    }
}

/// The user or role whose policies count. None for the root user, of whom nothing can be simulated.
async fn principal(cloud: &Cloud) -> Result<Option<String>, Fault> {
    let answer = cloud.aws.sts.get_caller_identity().send().await;
    let caller = answer.map_err(fault("sts", "GetCallerIdentity"))?.arn;
    let caller = caller.ok_or_else(|| Fault::incomplete("sts", "GetCallerIdentity", "Arn"))?;
    if caller.ends_with(":root") {
        return Ok(None);
    }
    let Some((_, session)) = caller.split_once(":assumed-role/") else {
        return Ok(Some(caller));
    };
    // The ARN of a session leaves out the path of its role, which the simulator wants.
    let role = session.split('/').next().unwrap_or(session);
    let answer = cloud.aws.iam.get_role().role_name(role).send().await;
    let role = answer.map_err(fault("iam", "GetRole"))?.role;
    Ok(role.map(|role| role.arn))
}

async fn simulate(
    session: &Session,
    principal: &str,
    statement: &Statement,
) -> Result<Vec<EvaluationResult>, Fault> {
    let service = statement
        .action
        .first()
        .and_then(|name| name.split_once(':'));
    let environment = &session.environment;
    // Some services are asked in one place, wherever the environment is.
    let region = match (environment.partition(), service) {
        ("aws", Some(("iam" | "route53", _))) => "us-east-1",
        ("aws-us-gov", Some(("iam" | "route53", _))) => "us-gov-west-1",
        ("aws-cn", Some(("iam", _))) => "cn-north-1",
        ("aws-cn", Some(("route53", _))) => "cn-northwest-1",
        _ => &environment.region,
    };
    let mut context = vec![value_of(
        "aws:RequestedRegion",
        &[region],
        ContextKeyTypeEnum::String,
    )];
    context.extend(statement.condition.iter().flat_map(values_of));
    let call = session.cloud.aws.iam.simulate_principal_policy();
    let call = call
        .policy_source_arn(principal)
        .set_action_names(Some(statement.action.clone()))
        .set_resource_arns(Some(statement.resource.clone()))
        .set_context_entries(Some(context))
        .max_items(1000);
    let results = call.into_paginator().items().send().try_collect().await;
    results.map_err(fault("iam", "SimulatePrincipalPolicy"))
}

/// The values that our own requests have for the keys of a condition of ours.
fn values_of(condition: &Value) -> Vec<ContextEntry> {
    let operators = condition.as_object().into_iter().flatten();
    let entries = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.map(move |(key, values)| {
            let values: Vec<&str> = match values {
                Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            if operator.starts_with("For") {
                value_of(key, &values, ContextKeyTypeEnum::StringList)
            } else {
                // Such a key has one value in a request; whichever of those that are allowed.
                let one = values.get(..1).unwrap_or_default();
                value_of(key, one, ContextKeyTypeEnum::String)
            }
        })
    });
    entries.collect()
}

fn value_of(key: &str, values: &[&str], form: ContextKeyTypeEnum) -> ContextEntry {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    ContextEntry::builder()
        .context_key_name(key)
        .set_context_key_values(Some(values))
        .context_key_type(form)
        .build()
}
