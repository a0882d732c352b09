//! The policy simulator: what the policies of a user, group or role say of actions on resources.
//!
//! Of conditions it knows those that compare texts; a key that the request gives no value for is named as missing, and
//! its statement does not hold. Policies of resources, boundaries and organisations are none of its world.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::document::{statements, texts};
use super::{Entity, Iam, Kind, no_such_entity, policies, render, validation};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::aws::wildcard::matches;
use crate::sandbox::world::World;

/// The values that a request has for the keys of conditions.
type Context = BTreeMap<String, Vec<String>>;

/// SimulatePrincipalPolicy.
pub(super) fn principal(world: &World, params: &Params) -> Result<Reply, Fault> {
    let arn = params.required("PolicySourceArn")?;
    let policies = policies_of(world, &arn)?;
    let actions = params.texts("ActionNames");
    if actions.is_empty() {
        return Err(validation("ActionNames must have at least one member"));
    }
    let resources = params.texts("ResourceArns");
    let context = context(params);
    let actions = actions.iter().map(|action| (action.clone(), action));
    let page = render::page(params, actions.collect::<BTreeMap<_, _>>())?;
    Ok(Reply::Fields(render::listing(
        "EvaluationResults",
        page,
        |action| result(&policies, action, &resources, &context),
    )))
}

/// One result for an action: the strictest of those on each resource, which stand in it.
fn result(
    policies: &[(String, String)],
    action: &str,
    resources: &[String],
    context: &Context,
) -> Reply {
    let on = |resource: &str| evaluate(policies, action, resource, context);
    let each: Vec<(&String, Ruling)> = resources.iter().map(|arn| (arn, on(arn))).collect();
    let rulings = each.iter().map(|(_, ruling)| ruling);
    let strictest = rulings.max_by_key(|ruling| ruling.decision).cloned();
    let mut whole = vec![
        ("EvalActionName", action.into()),
        ("EvalResourceName", "*".into()),
    ];
    whole.extend(strictest.unwrap_or_else(|| on("*")).members("EvalDecision"));
    let each = each.into_iter().map(|(arn, ruling)| {
        let mut members = vec![("EvalResourceName", arn.into())];
        members.extend(ruling.members("EvalResourceDecision"));
        Reply::Fields(members)
    });
    whole.push((
        "ResourceSpecificResults",
        Reply::List("member", each.collect()),
    ));
    Reply::Fields(whole)
}

fn entities(iam: &Iam) -> impl Iterator<Item = (Kind, &Entity)> {
    let roles = iam.roles.values().map(|role| (Kind::Role, &role.entity));
    let groups = iam.groups.values();
    let groups = groups.map(|group| (Kind::Group, &group.entity));
    let users = iam.users.values().map(|user| (Kind::User, &user.entity));
    roles.chain(groups).chain(users)
}

/// The policies of the entity with this ARN, and for a user those of its groups, each by its name.
fn policies_of(world: &World, arn: &str) -> Result<Vec<(String, String)>, Fault> {
    let iam = &world.global.iam;
    let (kind, entity) = (entities(iam).find(|(_, entity)| entity.arn == arn))
        .ok_or_else(|| no_such_entity(format!("The entity {arn} cannot be found.")))?;
    let groups = iam.groups.values();
    let groups = groups.filter(|group| kind == Kind::User && group.members.contains(&entity.name));
    let bearers = groups.map(|group| &group.entity).chain([entity]);
    let found = bearers.flat_map(|bearer| {
        let attached = bearer.attached.iter();
        let attached = attached.filter_map(|arn| policies::find(world, arn));
        let attached = attached.filter_map(|mut policy| {
            let version = policy.versions.remove(&policy.default_version)?;
            Some((policy.name, version.document))
        });
        let inline = bearer.inline.clone();
        attached.chain(inline)
    });
    Ok(found.collect())
}

fn context(params: &Params) -> Context {
    let entries = params.list("ContextEntries").into_iter();
    let entries = entries.filter_map(|entry| {
        let key = entry.text("ContextKeyName")?.to_lowercase();
        Some((key, entry.texts("ContextKeyValues")))
    });
    entries.collect()
}

/// What all policies together say of an action, the strictest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Decision {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

/// The same, with what led to it.
#[derive(Clone)]
struct Ruling {
    decision: Decision,
    /// The policies that decided.
    matched: BTreeSet<String>,
    /// Keys of conditions without a value.
    missing: BTreeSet<String>,
}

impl Ruling {
    fn members(self, decision: &'static str) -> Vec<(&'static str, Reply)> {
        let word = match self.decision {
            Decision::Allowed => "allowed",
            Decision::ImplicitDeny => "implicitDeny",
            Decision::ExplicitDeny => "explicitDeny",
        };
        let matched = self.matched.into_iter();
        let matched = matched.map(|name| Reply::Fields(vec![("SourcePolicyId", name.into())]));
        vec![
            (decision, word.into()),
            (
                "MatchedStatements",
                Reply::List("member", matched.collect()),
            ),
            ("MissingContextValues", Reply::texts("member", self.missing)),
        ]
    }
}

fn evaluate(
    policies: &[(String, String)],
    action: &str,
    resource: &str,
    context: &Context,
) -> Ruling {
    let mut missing = BTreeSet::new();
    let mut allowing = BTreeSet::new();
    let mut denying = BTreeSet::new();
    for (name, text) in policies {
        for statement in statements(text).unwrap_or_default() {
            let covers = covers(
                &statement,
                ["Action", "NotAction"],
                &action.to_lowercase(),
                true,
            ) && covers(&statement, ["Resource", "NotResource"], resource, false);
            if !covers || !holds(&statement, context, &mut missing) {
                continue;
            }
            let deny = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
            let side = if deny { &mut denying } else { &mut allowing };
            side.insert(name.clone());
        }
    }
    let (decision, matched) = match (denying.is_empty(), allowing.is_empty()) {
        (false, _) => (Decision::ExplicitDeny, denying),
        (true, false) => (Decision::Allowed, allowing),
        (true, true) => (Decision::ImplicitDeny, BTreeSet::new()),
    };
    Ruling {
        decision,
        matched,
        missing,
    }
}

/// Whether the element, or the one that means the opposite, speaks of `name`.
fn covers(
    statement: &Map<String, Value>,
    [plain, inverse]: [&str; 2],
    name: &str,
    fold_case: bool,
) -> bool {
    let any = |value: &Value| {
        let patterns = texts(value).unwrap_or_default().into_iter();
        let mut patterns = patterns.map(|pattern| match fold_case {
            true => pattern.to_lowercase(),
            false => pattern.to_owned(),
        });
        patterns.any(|pattern| matches(&pattern, name))
    };
    match (statement.get(plain), statement.get(inverse)) {
        (Some(patterns), _) => any(patterns),
        (None, Some(patterns)) => !any(patterns),
        (None, None) => false,
    }
}

/// Whether the statement's conditions hold; keys without a value are added to `missing`.
fn holds(
    statement: &Map<String, Value>,
    context: &Context,
    missing: &mut BTreeSet<String>,
) -> bool {
    let operators = statement.get("Condition").and_then(Value::as_object);
    let mut all = true;
    for (operator, keys) in operators.into_iter().flatten() {
        for (key, wanted) in keys.as_object().into_iter().flatten() {
            let Some(values) = context.get(&key.to_lowercase()) else {
                missing.insert(key.clone());
                all = false;
                continue;
            };
            let wanted = texts(wanted).unwrap_or_default();
            all &= compares(operator, &wanted, values);
        }
    }
    all
}

fn compares(operator: &str, wanted: &[&str], values: &[String]) -> bool {
    let is_wanted = |value: &String| wanted.iter().any(|pattern| matches(pattern, value));
    match operator {
        "StringEquals" | "ArnEquals" => values.iter().any(|value| wanted.contains(&value.as_str())),
        "StringLike" | "ArnLike" | "ForAnyValue:StringLike" => values.iter().any(is_wanted),
        "ForAllValues:StringEquals" => values.iter().all(|value| wanted.contains(&value.as_str())),
        "StringNotEquals" => !values.iter().any(|value| wanted.contains(&value.as_str())),
        "StringNotLike" => !values.iter().any(is_wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sandbox::aws::testing::Desk;

    const CALLER: &str = "arn:aws:iam::123456789012:user/sandbox";

    fn put(desk: &mut Desk, kind: &str, name: &str, statement: serde_json::Value) {
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        let input = json!({
            format!("{kind}Name"): name, "PolicyName": "inline", "PolicyDocument": document.to_string(),
        });
        desk.ok("iam", &format!("Put{kind}Policy"), input);
    }

    fn decisions(desk: &mut Desk, user: &str, more: serde_json::Value) -> Vec<String> {
        let mut input = json!({ "PolicySourceArn": user });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let told = desk.ok("iam", "SimulatePrincipalPolicy", input);
        let results = told["EvaluationResults"].as_array().unwrap().iter();
        let told = results.flat_map(|result| {
            let action = result["EvalActionName"].as_str().unwrap();
            let each = result["ResourceSpecificResults"].as_array().unwrap();
            let whole = told_of(action, result, "EvalDecision");
            let each = each
                .iter()
                .map(|one| told_of(action, one, "EvalResourceDecision"));
            [whole].into_iter().chain(each).collect::<Vec<_>>()
        });
        told.collect()
    }

    fn told_of(action: &str, result: &serde_json::Value, decision: &str) -> String {
        let text = |name: &str| result[name].as_str().unwrap().to_owned();
        let missing = result["MissingContextValues"].as_array().unwrap();
        let missing = missing
            .iter()
            .map(|key| format!(" ?{}", key.as_str().unwrap()));
        let (on, decision) = (text("EvalResourceName"), text(decision));
        format!("{action} {on}: {decision}{}", missing.collect::<String>())
    }

    #[test]
    fn the_caller_may_do_everything_and_a_new_user_nothing() {
        let mut desk = Desk::new();
        let asked = json!({ "ActionNames": ["ec2:CreateVpc"] });
        let other = CALLER.replace("sandbox", "ops-account");
        let allowed = decisions(&mut desk, CALLER, asked.clone());
        assert_eq!(allowed, ["ec2:CreateVpc *: allowed"]);
        let denied = decisions(&mut desk, &other, asked.clone());
        assert_eq!(denied, ["ec2:CreateVpc *: implicitDeny"]);
        let nobody = json!({ "PolicySourceArn": CALLER.replace("sandbox", "nobody"), "ActionNames": ["a:b"] });
        assert_eq!(
            desk.refused("iam", "SimulatePrincipalPolicy", nobody),
            "NoSuchEntity"
        );
    }

    #[test]
    fn each_action_is_held_to_each_resource() {
        let mut desk = Desk::new();
        put(
            &mut desk,
            "User",
            "ops-account",
            json!([
                { "Effect": "Allow", "Action": "s3:get*", "Resource": "arn:aws:s3:::mine/*" },
                { "Effect": "Deny", "NotAction": "s3:*", "Resource": "*" },
            ]),
        );
        let asked = json!({
            "ActionNames": ["s3:GetObject", "s3:PutObject", "ec2:CreateVpc"],
            "ResourceArns": ["arn:aws:s3:::mine/a", "arn:aws:s3:::yours/a"],
        });
        let user = CALLER.replace("sandbox", "ops-account");
        assert_eq!(
            decisions(&mut desk, &user, asked),
            [
                "ec2:CreateVpc *: explicitDeny",
                "ec2:CreateVpc arn:aws:s3:::mine/a: explicitDeny",
                "ec2:CreateVpc arn:aws:s3:::yours/a: explicitDeny",
                "s3:GetObject *: implicitDeny",
                "s3:GetObject arn:aws:s3:::mine/a: allowed",
                "s3:GetObject arn:aws:s3:::yours/a: implicitDeny",
                "s3:PutObject *: implicitDeny",
                "s3:PutObject arn:aws:s3:::mine/a: implicitDeny",
                "s3:PutObject arn:aws:s3:::yours/a: implicitDeny",
            ]
        );
    }

    #[test]
    fn a_users_groups_count_and_conditions_want_values() {
        let mut desk = Desk::new();
        desk.ok("iam", "CreateGroup", json!({ "GroupName": "judges" }));
        let member = json!({ "GroupName": "judges", "UserName": "ops-account" });
        desk.ok("iam", "AddUserToGroup", member);
        put(
            &mut desk,
            "Group",
            "judges",
            json!({
                "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
                "Condition": { "StringEquals": { "iam:PassedToService": ["eks.amazonaws.com"] } },
            }),
        );
        let user = CALLER.replace("sandbox", "ops-account");
        let mut asked = json!({ "ActionNames": ["iam:PassRole"] });
        let mut told = |asked| decisions(&mut desk, &user, asked).remove(0);
        assert_eq!(
            told(asked.clone()),
            "iam:PassRole *: implicitDeny ?iam:PassedToService"
        );
        for (service, decision) in [("eks", "allowed"), ("rds", "implicitDeny")] {
            asked["ContextEntries"] = json!([{
                "ContextKeyName": "iam:passedtoservice", "ContextKeyType": "string",
                "ContextKeyValues": [format!("{service}.amazonaws.com")],
            }]);
            assert_eq!(told(asked.clone()), format!("iam:PassRole *: {decision}"));
        }
    }
}
