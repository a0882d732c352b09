//! An embedded AWS and Kubernetes behind the real clients: deterministic, strict, and on a clock of its own.
//!
//! What AWS does is told in FACTS.md; where the sandbox and AWS differ, AWS is right. The sandbox hands over
//! an HTTP client for the AWS SDK and a Kubernetes client, and nothing but `cli` and the tests imports it.

pub mod aws;
mod connect;
pub mod durations;
pub mod faults;
pub mod ids;
pub mod kubernetes;
pub mod schedule;
pub mod serve;
mod show;
pub mod stand_ins;
pub mod store;
pub mod time;
mod web;
pub mod world;

use std::path::PathBuf;

use aws_smithy_runtime_api::client::http::SharedHttpClient;

pub use show::show;

use faults::Faults;
use store::Store;
use time::ClockSource;

/// A world and the clients that see it; clones share it.
#[derive(Clone)]
pub struct Sandbox {
    store: Store,
    faults: Faults,
    clock_source: ClockSource,
}

impl Sandbox {
    /// The world that lives in `folder`; a new one where there is none yet.
    pub fn open(folder: impl Into<PathBuf>, clock: ClockSource) -> Self {
        Self {
            store: Store::new(folder, clock),
            faults: Faults::default(),
            clock_source: clock,
        }
    }

    /// The world itself.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What goes wrong on the way to the world, and the count of requests.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// An HTTP client for the AWS SDK; it answers inside this process.
    pub fn aws_http_client(&self) -> SharedHttpClient {
        aws::http_client(self.store.clone(), self.faults.clone())
    }

    /// A client of the Kubernetes API of `cluster` in `region`; it answers inside this process, too.
    pub fn kubernetes_client(&self, region: &str, cluster: &str) -> kube::Client {
        kubernetes::client_with(&self.store, &self.faults, region, cluster)
    }
}
