//! The clouds as groundwork uses them: SDK clients, the Kubernetes connection, error classes, bounded waiting.

mod bucket;
mod clients;
pub mod download;
mod eks;
mod fault;
mod fenced;
mod https;
mod kubeconfig;
mod kubernetes;
mod refusal;
mod remains;
mod retry;
pub mod token;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::state::Fence;

pub use bucket::bucket;
pub use clients::Clients;
pub use eks::EksConnector;
pub use fault::{Class, Fault, NO_CREDENTIALS, OVERTAKEN, UNFIT, absent_is_done, fault};
pub use fenced::cluster as fenced_cluster;
pub use kubeconfig::{KubeconfigConnector, UnusableKubeconfig};
pub use kubernetes::{ClusterEndpoint, Connector, Nowhere};
pub use retry::{Retry, retry, retry_change};
pub use visit::{Internet, NoAnswer, Page, Visit, Visitor};

/// Everything that reaches outside the process; cheap to clone.
#[derive(Clone)]
pub struct Cloud {
    /// The AWS services.
    pub aws: Clients,
    /// How to reach the described cluster's API server, and only that.
    pub connector: Arc<dyn Connector>,
    /// How to reach load balancers as their users do.
    pub visitor: Arc<dyn Visitor>,
    /// Time as the cloud lives it: simulated in the sandbox.
    pub clock: Arc<dyn Clock>,
    /// Within which changes are allowed: every client here is.
    pub fence: Fence,
}

/// How long any cloud may take to answer one call. Who takes an environment over waits as long for what its last
/// holder had asked for.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
