//! `[dns]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::forms::*;

/// Names that lead to the environment.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Dns {
    /// Names of the ingress load balancer.
    #[serde(default)]
    #[schemars(extend("maxItems" = 100))]
    pub records: Vec<DnsRecord>,
}

/// A name of the ingress load balancer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct DnsRecord {
    /// The whole name; `*.` before it stands for every name below that has no record of its own.
    pub name: RecordName,
    /// The public zone that it stands in, which exists already and stays; without it the environment's private zone.
    pub zone: Option<Domain>,
}
