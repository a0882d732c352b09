//! A cluster's API server as a kubeconfig that the user named reaches it: through a tunnel, say, or with credentials
//! of its own. It is never looked for: only `--kubeconfig` leads here (promise 6).

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::{ANSWERS_WITHIN, Class, ClusterEndpoint, Connector, Fault, remains};

/// How long connecting may take.
pub(super) const CONNECTS_WITHIN: Duration = Duration::from_secs(15);

/// Why a kubeconfig can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the kubeconfig {path} can't be used", path = path.display())]
pub struct UnusableKubeconfig {
    path: PathBuf,
    source: Box<dyn StdError + Send + Sync>,
}

/// Connects to one context of a kubeconfig instead of the endpoint that EKS tells.
pub struct KubeconfigConnector {
    config: kube::Config,
}

impl KubeconfigConnector {
    /// Reads `context`, or the file's current one, from the kubeconfig at `path`.
    ///
    /// # Errors
    /// When the file can't be read, or there is no such context.
    pub async fn read(path: &Path, context: Option<&str>) -> Result<Self, UnusableKubeconfig> {
        let unusable = |error| UnusableKubeconfig {
            path: path.to_owned(),
            source: remains::of_kubeconfig(error),
        };
        let kubeconfig = Kubeconfig::read_from(path).map_err(unusable)?;
        let options = KubeConfigOptions {
            context: context.map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options);
        let mut config = config.await.map_err(unusable)?;
        config.connect_timeout = Some(CONNECTS_WITHIN);
        config.read_timeout = Some(ANSWERS_WITHIN);
        config.write_timeout = Some(ANSWERS_WITHIN);
        Ok(Self { config })
    }
}

#[async_trait]
impl Connector for KubeconfigConnector {
    async fn connect(&self, _: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        kube::Client::try_from(self.config.clone()).map_err(|error| Fault {
            service: "kubernetes",
            operation: "connect to the cluster",
            code: "UnusableKubeconfig".to_owned(),
            message: "the kubeconfig's context can't be used".to_owned(),
            class: Class::Stop,
            source: Some(remains::of_client(error)),
        })
    }

    fn named(&self) -> Option<String> {
        Some(self.config.cluster_url.to_string())
    }
}
