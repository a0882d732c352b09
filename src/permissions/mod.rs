//! What an environment's runs need to be allowed on AWS: an IAM policy out of the file alone.
//!
//! A file's policy covers what the file asks for. A section that was taken out of it is removed by the next apply, which
//! needs the policy of the file as it was.

mod grants;

use serde::Serialize;

use crate::environment::Environment;

/// How many characters, white space not counted, IAM takes of a role's inline policies. Of a managed one it takes 6,144, which
/// a file with a cluster and a database exceeds.
pub const LONGEST: usize = 10_240;

/// An IAM policy document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// Of the policy language.
    pub version: &'static str,
    /// What is allowed.
    pub statement: Vec<Statement>,
}

/// One part of a policy: some actions on some resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// What it is for, as one word.
    pub sid: &'static str,
    /// Always `Allow`.
    pub effect: &'static str,
    /// Such as `ec2:CreateVpc`.
    pub action: Vec<String>,
    /// ARNs with wildcards where AWS makes up the names.
    pub resource: Vec<String>,
    /// When it holds, if not always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<serde_json::Value>,
}

impl Statement {
    /// Whether work on a resource of `kind` needs it.
    pub fn is_needed_for(&self, kind: &str) -> bool {
        grants::is_needed_for(self.sid, kind)
    }
}

/// The least that plan, apply, status and destroy of `environment` need: nothing where nothing of it is in AWS.
pub fn policy(environment: &Environment) -> Policy {
    let asked = (!environment.is_without_aws()).then(|| grants::statements(environment));
    Policy {
        version: "2012-10-17",
        statement: asked.unwrap_or_default(),
    }
}
