//! The way to a cluster's API server: only to the cluster that the environment describes (promise 6).

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Class, Fault};

/// What EKS tells of a cluster's API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterEndpoint {
    /// The cluster's name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// `https://…`
    pub url: String,
    /// The certificate authority in base64, as EKS gives it.
    pub certificate_authority: String,
}

impl ClusterEndpoint {
    /// The endpoint among the outputs of a control plane; none for any other resource.
    pub fn of(outputs: &BTreeMap<String, String>) -> Option<Self> {
        let output = |name: &str| outputs.get(name).cloned();
        Some(Self {
            name: output("cluster_name")?,
            region: output("region")?,
            url: output("endpoint")?,
            certificate_authority: output("certificate_authority")?,
        })
    }
}

/// Leads to no cluster: nobody said how one is reached.
pub struct Nowhere;

#[async_trait]
impl Connector for Nowhere {
    async fn connect(&self, cluster: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        Err(Fault {
            service: "groundwork",
            operation: "connect to the cluster",
            code: "NoWay".to_owned(),
            message: format!(
                "nobody said how the cluster `{}` is reached: add --kubeconfig FILE",
                cluster.name
            ),
            class: Class::Stop,
            source: None,
        })
    }
}

/// Makes Kubernetes clients. On AWS a client carries the cluster's authority and a fresh token; in the
/// sandbox it answers inside the process.
#[async_trait]
pub trait Connector: Send + Sync {
    /// A client of exactly this cluster.
    async fn connect(&self, cluster: &ClusterEndpoint) -> Result<kube::Client, Fault>;

    /// The API server that the user named, where there is no other that this connects to.
    fn named(&self) -> Option<String> {
        None
    }
}
