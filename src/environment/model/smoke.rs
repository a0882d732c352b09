//! Smoke tests.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A request that the environment must answer once it is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smoke {
    /// How the request is made.
    pub scheme: Scheme,
    /// The host that is asked for.
    pub host: String,
    /// The path, with a query if it has one.
    pub path: String,
    /// The status that must be answered.
    pub expect: u16,
    /// A text that the answer must contain.
    pub body: Option<String>,
    /// For how long the right answer is waited for.
    pub within: Duration,
    /// The key of the application that answers.
    pub application: Option<String>,
}

impl Smoke {
    /// What is asked for, as a browser would show it.
    pub fn url(&self) -> String {
        let Self {
            scheme, host, path, ..
        } = self;
        format!("{scheme}://{host}{path}")
    }
}

/// How a request is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// In the clear, to port 80.
    #[default]
    Http,
    /// By TLS, to port 443, where the certificate must be one that this machine trusts for the host.
    Https,
}

impl Scheme {
    /// The port of a load balancer that takes it.
    pub fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}
