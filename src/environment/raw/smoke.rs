//! `[[smoke]]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::environment::forms::*;
use crate::environment::model::Scheme;

/// A request that the environment must answer once it is up.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::environment) struct Smoke {
    /// The host that is asked for. The request goes to the ingress load balancer, whether or not that name leads there.
    pub host: Domain,
    /// The path, with a query if it needs one.
    #[serde(default = "path")]
    pub path: RequestPath,
    /// The status that must be answered. Redirects are answers and not followed.
    #[serde(default = "expect")]
    #[schemars(range(min = 200, max = 599))]
    pub expect: u16,
    /// A text that the answer must contain.
    pub body: Option<Description>,
    /// How the request is made.
    #[serde(default)]
    pub scheme: Scheme,
    /// Until when the right answer must have come, counted from the first request.
    #[serde(default = "within")]
    pub within: TtlText,
    /// The application that answers, a key under `bootstrap.agent.applications`. While nobody has synced it there is
    /// nothing to test. Without it that holds once no application of the file is synced.
    pub application: Option<Key>,
}

fn path() -> RequestPath {
    "/".to_owned().into()
}

fn expect() -> u16 {
    200
}

fn within() -> TtlText {
    "5m".to_owned().into()
}
