//! A cluster as stored: its objects.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One cluster: its objects and what its controllers remember.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// The name of the EKS cluster.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The Kubernetes version, such as `1.35`.
    pub version: String,
    /// The number of the last change.
    pub resource_version: u64,
    /// Objects by `resource.group` (`deployments.apps`, `pods`), then by `namespace/name` (`/name` without a namespace).
    pub objects: BTreeMap<String, BTreeMap<String, Value>>,
}

impl fmt::Debug for Cluster {
    /// Counts only: the objects hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.objects.values().map(BTreeMap::len).sum();
        formatter
            .debug_struct("Cluster")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("resource_version", &self.resource_version)
            .field("objects", &count)
            .finish_non_exhaustive()
    }
}
