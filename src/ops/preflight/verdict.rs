//! What the policy simulator's answers mean for a plan.
//!
//! Only what is certain counts as denied: on every resource of whichever sort the action is for, without a value missing
//! that a condition asks for, and not by a policy of the organisation, whose conditions the simulator keeps to itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use aws_sdk_iam::types::{
    EvaluationResult, PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType as Decision,
};

use crate::permissions::Statement;

/// Rights that the credentials don't have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// Such as `ec2:CreateVpc`.
    pub actions: Vec<String>,
    /// On what, as ARNs with wildcards where AWS makes up names.
    pub resources: Vec<String>,
    /// Why.
    pub denied_by: DeniedBy,
}

/// Why an action is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeniedBy {
    /// No policy allows it.
    Nobody,
    /// The permissions boundary does not allow it.
    Boundary,
    /// A policy says so.
    Policy,
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.actions.join(", "))?;
        f.write_str(match self.denied_by {
            DeniedBy::Nobody => "",
            DeniedBy::Boundary => " (denied by the permissions boundary)",
            DeniedBy::Policy => " (denied by a policy that says Deny)",
        })?;
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
    /// What hangs on something that the simulator doesn't know or say, by action.
    hanging: BTreeMap<String, BTreeSet<String>>,
}

impl Verdict {
    /// Nothing yet, of the rights of `principal`.
    pub fn of(principal: String) -> Self {
        Self {
            principal,
            ..Self::default()
        }
    }

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
            "whether {first}{others} will be allowed was not found out: it depends on {keys}"
        ))
    }

    /// Takes in what the simulator says of the actions of `statement` on its resources.
    pub fn judge(&mut self, statement: &Statement, results: &[EvaluationResult]) {
        let mut denied: BTreeMap<DeniedBy, Vec<String>> = BTreeMap::new();
        for action in &statement.action {
            let of_action: Vec<_> = (results.iter())
                .filter(|result| result.eval_action_name() == action)
                .collect();
            // An action that the simulator says nothing about is one that it does not know.
            if of_action.is_empty() || is_allowed(&statement.resource, &of_action) {
                continue;
            }
            let keys: BTreeSet<String> = of_action.iter().copied().flat_map(missing).collect();
            if keys.is_empty() {
                let by = of_action.iter().copied().map(denied_by).max();
                let by = by.unwrap_or(DeniedBy::Nobody);
                denied.entry(by).or_default().push(action.clone());
            } else {
                self.hanging.insert(action.clone(), keys);
            }
        }
        let denied = denied.into_iter().map(|(denied_by, actions)| Rights {
            actions,
            resources: statement.resource.clone(),
            denied_by,
        });
        self.missing.extend(denied);
    }
}

/// Whether the action is allowed on all resources of one sort: on which sort it acts, the statement does not say.
fn is_allowed(resources: &[String], results: &[&EvaluationResult]) -> bool {
    let each = || {
        let results = results.iter();
        results.flat_map(|result| result.resource_specific_results())
    };
    if each().next().is_none() {
        return results
            .iter()
            .all(|result| *result.eval_decision() == Decision::Allowed);
    }
    let allowed: BTreeSet<&str> = each()
        .filter(|one| *one.eval_resource_decision() == Decision::Allowed)
        .map(|one| one.eval_resource_name())
        .collect();
    let mut sorts: BTreeMap<&str, bool> = BTreeMap::new();
    for resource in resources {
        *sorts.entry(sort(resource)).or_insert(true) &= allowed.contains(resource.as_str());
    }
    sorts.into_values().any(|all| all)
}

/// What an ARN is of: what stands behind the account, up to the name.
fn sort(arn: &str) -> &str {
    let named = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    named.split([':', '/']).next().unwrap_or(named)
}

/// What the decision hangs on.
fn missing(result: &EvaluationResult) -> BTreeSet<String> {
    let each = result.resource_specific_results().iter();
    let each = each.flat_map(|one| one.missing_context_values());
    let keys = result.missing_context_values().iter().chain(each);
    let mut keys: BTreeSet<String> = keys.map(|key| format!("{key} of the request")).collect();
    let organisation = result.organizations_decision_detail();
    if organisation.is_some_and(|detail| !detail.allowed_by_organizations()) {
        keys.insert("a policy of the organisation".to_owned());
    }
    keys
}

fn denied_by(result: &EvaluationResult) -> DeniedBy {
    let each = result.resource_specific_results().iter();
    let decisions = each.clone().map(|one| one.eval_resource_decision());
    let mut decisions = decisions.chain([result.eval_decision()]);
    let boundaries = each.filter_map(|one| one.permissions_boundary_decision_detail());
    let mut boundaries = boundaries.chain(result.permissions_boundary_decision_detail());
    let forbids =
        |detail: &PermissionsBoundaryDecisionDetail| !detail.allowed_by_permissions_boundary();
    if decisions.any(|decision| *decision == Decision::ExplicitDeny) {
        DeniedBy::Policy
    } else if boundaries.any(forbids) {
        DeniedBy::Boundary
    } else {
        DeniedBy::Nobody
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::types::{OrganizationsDecisionDetail, ResourceSpecificResult};

    use super::*;

    const ROLES: [&str; 2] = ["arn:aws:iam::1:role/one", "arn:aws:iam::1:role/other"];

    fn statement(resources: &[&str]) -> Statement {
        Statement {
            sid: "Some",
            effect: "Allow",
            action: vec!["iam:CreateRole".to_owned()],
            resource: resources.iter().map(|&arn| arn.to_owned()).collect(),
            condition: None,
        }
    }

    /// As IAM answers: one result for an action, and in it one for each resource.
    fn result(decisions: &[(&str, Decision)]) -> EvaluationResult {
        let each = decisions.iter().map(|(resource, decision)| {
            let one = ResourceSpecificResult::builder().eval_resource_name(*resource);
            let one = one.eval_resource_decision(decision.clone()).build();
            one.expect("complete")
        });
        let all = EvaluationResult::builder().eval_action_name("iam:CreateRole");
        let all = all
            .eval_decision(Decision::ImplicitDeny)
            .eval_resource_name("*");
        let all = all.set_resource_specific_results(Some(each.collect()));
        all.build().expect("complete")
    }

    fn verdict(resources: &[&str], result: EvaluationResult) -> Verdict {
        let mut verdict = Verdict::default();
        verdict.judge(&statement(resources), &[result]);
        verdict
    }

    #[test]
    fn resources_of_one_sort_all_count() {
        let [one, other] = ROLES.map(|role| (role, Decision::Allowed));
        let both = verdict(&ROLES, result(&[one.clone(), other]));
        assert_eq!(both.missing, []);
        let yesterdays = verdict(&ROLES, result(&[one, (ROLES[1], Decision::ImplicitDeny)]));
        assert_eq!(yesterdays.missing.len(), 1);
        assert_eq!(yesterdays.missing[0].denied_by, DeniedBy::Nobody);
    }

    #[test]
    fn of_several_sorts_one_is_enough() {
        let vpc = "arn:aws:ec2:us-east-1:1:vpc/*";
        let subnet = "arn:aws:ec2:us-east-1:1:subnet/*";
        let decisions = [(vpc, Decision::Allowed), (subnet, Decision::ImplicitDeny)];
        assert_eq!(verdict(&[vpc, subnet], result(&decisions)).missing, []);
    }

    #[test]
    fn where_nothing_is_said_of_resources_the_whole_counts() {
        let mut whole = result(&[]);
        assert_eq!(verdict(&["*"], whole.clone()).missing.len(), 1);
        whole.eval_decision = Decision::Allowed;
        assert_eq!(verdict(&["*"], whole).missing, []);
    }

    #[test]
    fn an_organisations_policy_is_no_certain_denial() {
        let mut denied = result(&[(ROLES[0], Decision::ImplicitDeny)]);
        let organisation = OrganizationsDecisionDetail::builder();
        let organisation = organisation.allowed_by_organizations(false).build();
        denied.organizations_decision_detail = Some(organisation);
        let verdict = verdict(&ROLES[..1], denied);
        assert_eq!(verdict.missing, []);
        let told = verdict.undecided().expect("a sentence");
        assert!(told.ends_with("a policy of the organisation"), "{told}");
    }

    #[test]
    fn who_denies_is_told() {
        let mut boundary = result(&[(ROLES[0], Decision::ImplicitDeny)]);
        let detail = PermissionsBoundaryDecisionDetail::builder();
        let detail = detail.allowed_by_permissions_boundary(false).build();
        boundary.permissions_boundary_decision_detail = Some(detail);
        let missing = verdict(&ROLES[..1], boundary).missing;
        assert_eq!(missing[0].denied_by, DeniedBy::Boundary);
        let explicit = result(&[(ROLES[0], Decision::ExplicitDeny)]);
        let missing = verdict(&ROLES[..1], explicit).missing;
        assert_eq!(missing[0].denied_by, DeniedBy::Policy);
    }
}
