//! IAM groups with their policies, and registries.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::forms::{Form, IamName, Key, RepositoryName};
use crate::environment::model::{Group, GroupPolicy, Policy, Registry, partition};
use crate::environment::source::Path;

/// The longest policy document that IAM takes, without white space.
const LONGEST_POLICY: usize = 6144;
/// The only version of the policy language that has all of it.
const POLICY_VERSION: &str = "2012-10-17";

impl Resolver<'_> {
    pub(super) fn groups(&mut self) -> (BTreeMap<String, Group>, BTreeMap<String, Policy>) {
        let mut groups = BTreeMap::new();
        let mut policies = BTreeMap::new();
        for (key, raw) in self.file.iam.groups.iter() {
            let at = Path::of(["iam", "groups"]).to(&**key);
            let mut attached: Vec<GroupPolicy> = Vec::new();
            for (index, reference) in raw.policies.iter().enumerate() {
                let at = at.to("policies").to(index);
                let policy = if reference.starts_with("arn:") {
                    GroupPolicy::Arn(reference.to_string())
                } else if reference.ends_with(".json") {
                    let Some(own) = self.policy(reference, &at, &mut policies) else {
                        continue;
                    };
                    GroupPolicy::Own(own)
                } else {
                    let partition = partition(&self.file.environment.region);
                    GroupPolicy::Arn(format!("arn:{partition}:iam::aws:policy/{}", &**reference))
                };
                if attached.contains(&policy) {
                    self.faults.add(
                        Fault::value(&at, "this policy is given twice")
                            .remedy("leave one of them out"),
                    );
                }
                attached.push(policy);
            }
            let group = Group {
                name: self.name::<IamName>(
                    "IAM group",
                    &at,
                    "name",
                    raw.name.as_ref(),
                    key.to_string(),
                ),
                policies: attached,
                members: raw
                    .members
                    .iter()
                    .map(ToString::to_string)
                    .collect::<BTreeSet<_>>(),
            };
            groups.insert(key.to_string(), group);
        }
        (groups, policies)
    }

    /// Loads a policy document, once, and gives its key.
    fn policy(
        &mut self,
        reference: &str,
        at: &Path,
        policies: &mut BTreeMap<String, Policy>,
    ) -> Option<String> {
        let file = reference.rsplit('/').next().unwrap_or(reference);
        let key = file.strip_suffix(".json").unwrap_or(file).to_owned();
        let fault = Fault::value(at, format!("`{reference}` cannot be a policy document"));
        if reference.starts_with('/') || reference.split('/').any(|part| part == "..") {
            self.faults.add(
                fault.label("expected a path inside the project, such as `policies/db-ops.json`"),
            );
            return None;
        }
        if !Key::fits(&key) {
            self.faults
                .add(fault.label(format!("expected a file called with {}", Key::SAYS)));
            return None;
        }
        match policies.get(&key) {
            Some(known) if known.path == reference => return Some(key),
            Some(known) => {
                let label = format!("its policy would be called like that of `{}`", known.path);
                self.faults
                    .add(fault.label(label).remedy("rename one of the files"));
                return None;
            }
            None => {}
        }
        let problem = match (self.documents)(reference).map(|text| policy_document(&text)) {
            Ok(Ok(document)) => {
                let name = format!("{}-{key}", &*self.file.environment.name);
                self.take("IAM policy", &name, at, "name");
                policies.insert(
                    key.clone(),
                    Policy {
                        name,
                        path: reference.to_owned(),
                        document,
                    },
                );
                return Some(key);
            }
            Ok(Err(problem)) => problem,
            Err(error) => error.to_string(),
        };
        self.faults.add(fault.label(problem));
        None
    }

    pub(super) fn registries(&mut self) -> BTreeMap<String, Registry> {
        let mut registries = BTreeMap::new();
        for (key, raw) in self.file.registries.iter() {
            let at = Path::of(["registries"]).to(&**key);
            let derived = format!("{}/{}", &*self.file.environment.name, &**key);
            let registry = Registry {
                name: self.name::<RepositoryName>(
                    "ECR repository",
                    &at,
                    "name",
                    raw.name.as_ref(),
                    derived,
                ),
                immutable_tags: raw.immutable_tags,
                scan_on_push: raw.scan_on_push,
            };
            registries.insert(key.to_string(), registry);
        }
        registries
    }
}

/// Reads an IAM policy document as far as its form goes, or says what is wrong with it.
fn policy_document(text: &str) -> Result<Value, String> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    if document.get("Version").and_then(Value::as_str) != Some(POLICY_VERSION) {
        return Err(format!("it has no `\"Version\": \"{POLICY_VERSION}\"`"));
    }
    let statements = match document.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
        Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
        _ => return Err("it has no `Statement`".to_owned()),
    };
    for (index, statement) in statements.iter().enumerate() {
        let effect = statement.get("Effect").and_then(Value::as_str);
        if !matches!(effect, Some("Allow" | "Deny")) {
            return Err(format!(
                "statement {}: `Effect` must be `Allow` or `Deny`",
                index + 1
            ));
        }
        for (key, opposite) in [("Action", "NotAction"), ("Resource", "NotResource")] {
            if statement.get(key).is_some() == statement.get(opposite).is_some() {
                return Err(format!(
                    "statement {}: expected either `{key}` or `{opposite}`",
                    index + 1
                ));
            }
        }
        if statement.get("Principal").is_some() {
            return Err(format!(
                "statement {}: a policy of a group has no `Principal`",
                index + 1
            ));
        }
    }
    if document.to_string().len() > LONGEST_POLICY {
        return Err(format!("IAM takes at most {LONGEST_POLICY} characters"));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_document_needs_its_parts() {
        let good = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
        assert!(policy_document(good).is_ok());
        for (cut, problem) in [
            (r#""Effect":"Allow","#, "Effect"),
            (r#""Action":"s3:*","#, "NotAction"),
            (r#"2012-10-17"#, "Version"),
            (r#":"*"}}"#, "not JSON"),
        ] {
            let error = policy_document(&good.replace(cut, "")).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        assert!(policy_document("[]").is_err());
    }
}
