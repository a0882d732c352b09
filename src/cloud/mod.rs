//! The clouds as groundwork uses them: SDK clients, the Kubernetes connection, error classes, bounded waiting.

mod clients;
pub mod download;
mod eks;
mod fault;
mod kubeconfig;
mod kubernetes;
mod remains;
mod retry;
pub mod token;

use std::sync::Arc;

use crate::clock::Clock;

pub use clients::Clients;
pub use eks::EksConnector;
pub use fault::{Class, Fault, NO_CREDENTIALS, absent_is_done, fault};
pub use kubeconfig::{KubeconfigConnector, UnusableKubeconfig};
pub use kubernetes::{ClusterEndpoint, Connector};
pub use retry::{Retry, retry, retry_change};

/// Everything that reaches outside the process; cheap to clone.
#[derive(Clone)]
pub struct Cloud {
    /// The AWS services.
    pub aws: Clients,
    /// How to reach the described cluster's API server, and only that.
    pub connector: Arc<dyn Connector>,
    /// Time as the cloud lives it: simulated in the sandbox.
    pub clock: Arc<dyn Clock>,
}
