//! `[iam]` and `[registries]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::forms::*;

/// People's rights.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Iam {
    /// IAM groups.
    #[serde(default)]
    pub groups: Named<Key, Group>,
}

/// An IAM group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Group {
    /// Its name in IAM; the key by default.
    pub name: Option<IamName>,
    /// What its members may do: AWS-managed policies by name, any policy by ARN, or JSON documents beside this file.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 10))]
    pub policies: Vec<PolicyReference>,
    /// IAM users that exist already.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true, "maxItems" = 500))]
    pub members: Vec<UserName>,
}

/// An ECR repository.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Registry {
    /// Its name in ECR; `<environment>/<key>` by default.
    pub name: Option<RepositoryName>,
    /// Whether a tag, once pushed, always means the same image.
    #[serde(default = "super::yes")]
    pub immutable_tags: bool,
    /// Whether images are scanned when they arrive.
    #[serde(default = "super::yes")]
    pub scan_on_push: bool,
}
