//! `groundwork permissions`.

use super::Global;
use super::context::environment;
use super::exit::{Error, Exit};
use crate::{permissions, ui};

/// Print the least IAM policy that the environment's runs need
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Give it to the role that runs groundwork, as an inline policy, which may be longer than a managed one:
    aws iam put-role-policy --role-name ROLE --policy-name groundwork-ENV --policy-document file://FILE

It covers what the file asks for: what was taken out of it is removed with the policy of the file as it was."
)]
pub struct Permissions {
    /// The environment
    environment: String,
}

impl Permissions {
    pub(super) fn run(self, global: &Global) -> Result<Exit, Error> {
        let environment = environment(global, &self.environment)?;
        ui::print_json(&permissions::policy(&environment))?;
        Ok(Exit::Done)
    }
}
