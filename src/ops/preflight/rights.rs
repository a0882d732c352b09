//! Whether the credentials may do what a plan needs, by AWS's own policy simulator.
//!
//! The simulator knows the policies of a user or a role, its boundary and the organisation's policies, and no others
//! (docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html). So only what it denies on every
//! resource, and without having missed a value that a condition asks for, counts as denied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType as Decision,
};
use futures::future::try_join_all;
use serde_json::Value;

use crate::cloud::{Cloud, Fault, Retry, fault, retry};
use crate::environment::Environment;
use crate::ops::Session;
use crate::permissions::{self, Statement};
use crate::plan::{Plan, Verb};

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

/// Rights that the credentials don't have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Such as `ec2:CreateVpc`.
    pub actions: Vec<String>,
    /// On what, as ARNs with wildcards where AWS makes up names.
    pub resources: Vec<String>,
    /// Who denies them, if it is more than that nobody allows them.
    pub denied_by: Option<&'static str>,
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.actions.join(", "))?;
        if let Some(who) = self.denied_by {
            write!(f, " (denied by {who})")?;
        }
        write!(f, "\n  on {}", self.resources.join(", "))
    }
}

/// What the simulator says of a whole plan.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Whose rights were simulated.
    pub principal: String,
    /// What is denied.
    pub missing: Vec<Rights>,
    /// What hangs on values that only a real request has, by action.
    hanging: BTreeMap<String, BTreeSet<String>>,
}

impl Verdict {
    /// What could not be found out, as a sentence.
    pub fn undecided(&self) -> Option<String> {
        let (first, keys) = self.hanging.first_key_value()?;
        let others = match self.hanging.len() {
            1 => String::new(),
            more => format!(" and {} others", more - 1),
        };
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let keys = keys.join(", ");
        Some(format!(
            "whether {first}{others} will be allowed was not found out: it depends on {keys}, which only a real request has"
        ))
    }
}

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
    let mut verdict = Verdict {
        principal: principal.clone(),
        ..Verdict::default()
    };
    for (statement, results) in needed.iter().zip(&answers) {
        judge(statement, results, &mut verdict);
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
            .filter(|action| statement.is_needed_for(&action.kind))
            .collect();
        if touched.is_empty() {
            return None;
        }
        let only_makes = touched.iter().all(|action| action.verb == Verb::Create);
        let mut action = statement.action.clone();
        action.retain(|name| !(only_makes && is_removing(name)));
        Some(Statement {
            action,
            ..statement
        })
    });
    needed.collect()
}

fn is_removing(action: &str) -> bool {
    let operation = action.split_once(':').map_or(action, |(_, name)| name);
    REMOVING.iter().any(|verb| operation.starts_with(verb))
}

/// The user or role whose policies count. None for the root user, whom no policy withholds anything.
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
    let region = match service {
        // These are asked in one place, wherever the environment is.
        Some(("iam" | "route53", _)) => "us-east-1",
        _ => &session.environment.region,
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

fn judge(statement: &Statement, results: &[EvaluationResult], verdict: &mut Verdict) {
    let mut denied: BTreeMap<Option<&'static str>, Vec<String>> = BTreeMap::new();
    for action in &statement.action {
        let mut of_action = results
            .iter()
            .filter(|result| result.eval_action_name() == action)
            .peekable();
        // An action that the simulator says nothing about is one that it does not know.
        if of_action.peek().is_none() || of_action.clone().any(is_allowed) {
            continue;
        }
        let keys = of_action.clone().flat_map(missing_keys);
        let keys: BTreeSet<String> = keys.cloned().collect();
        if !keys.is_empty() {
            verdict.hanging.insert(action.clone(), keys);
            continue;
        }
        let by = of_action.find_map(denied_by);
        denied.entry(by).or_default().push(action.clone());
    }
    let denied = denied.into_iter().map(|(denied_by, actions)| Rights {
        actions,
        resources: statement.resource.clone(),
        denied_by,
    });
    verdict.missing.extend(denied);
}

/// Whether it is allowed on any of the resources: not every action of a statement is one on all of them.
fn is_allowed(result: &EvaluationResult) -> bool {
    let mut each = result.resource_specific_results().iter();
    *result.eval_decision() == Decision::Allowed
        || each.any(|one| *one.eval_resource_decision() == Decision::Allowed)
}

fn missing_keys(result: &EvaluationResult) -> impl Iterator<Item = &String> {
    let each = result.resource_specific_results().iter();
    let each = each.flat_map(|one| one.missing_context_values());
    result.missing_context_values().iter().chain(each)
}

fn denied_by(result: &EvaluationResult) -> Option<&'static str> {
    let organisation = result.organizations_decision_detail();
    let boundary = result.permissions_boundary_decision_detail();
    if organisation.is_some_and(|detail| !detail.allowed_by_organizations()) {
        Some("a policy of the organisation")
    } else if boundary.is_some_and(|detail| !detail.allowed_by_permissions_boundary()) {
        Some("the permissions boundary")
    } else if *result.eval_decision() == Decision::ExplicitDeny {
        Some("a policy that says Deny")
    } else {
        None
    }
}
