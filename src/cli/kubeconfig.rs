//! `groundwork kubeconfig`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};

use super::Global;
use super::context::{Remembered, own_command, remembered};
use super::exit::{Error, Exit};
use crate::address::Address;
use crate::cloud::ClusterEndpoint;
use crate::environment::Provider;
use crate::ops;
use crate::ui;

/// The port that `sandbox serve` listens on unless told otherwise.
const SANDBOX: &str = "http://127.0.0.1:4510";

/// Print a kubeconfig for an environment's cluster
///
/// On AWS groundwork itself gives kubectl its tokens. A sandbox cluster is reached through `groundwork sandbox serve`.
#[derive(Debug, clap::Args)]
pub struct Kubeconfig {
    /// The environment
    environment: String,
    /// Where `sandbox serve` listens [default: http://127.0.0.1:4510]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

impl Kubeconfig {
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Error> {
        let remembered = remembered(global, &self.environment).await?;
        let existing = remembered.environment.existing_cluster.as_ref();
        let of_others = existing.filter(|_| !is_described(&remembered));
        if let Some(existing) = of_others {
            return Err(Error::OthersCluster(existing.name.clone()));
        }
        let config = kubeconfig(&remembered, self.server.as_deref())
            .ok_or_else(|| ops::Error::NeverApplied(self.environment.clone()))?;
        ui::print(format_args!("{config}\n"))?;
        Ok(Exit::Done)
    }
}

/// The cluster that the state knows.
fn endpoint(remembered: &Remembered) -> Option<ClusterEndpoint> {
    let address = Address::of(&["cluster", "control-plane"]);
    let recorded = remembered.state.resources.get(&address)?;
    ClusterEndpoint::of(&recorded.outputs)
}

/// Whether EKS tells how that is reached: of one that a kubeconfig led to only that knows.
fn is_described(remembered: &Remembered) -> bool {
    endpoint(remembered).is_none_or(|cluster| !cluster.certificate_authority.is_empty())
}

/// The kubeconfig of the cluster that the state knows, as JSON, which is YAML; none of one that a kubeconfig led to.
pub fn kubeconfig(remembered: &Remembered, server: Option<&str>) -> Option<String> {
    let cluster = endpoint(remembered).filter(|_| is_described(remembered))?;
    Some(match remembered.environment.provider {
        Provider::Sandbox => {
            let server = server.unwrap_or(SANDBOX).trim_end_matches('/');
            plain(
                &cluster.name,
                &format!("{server}/k8s/{}/{}", cluster.region, cluster.name),
            )
        }
        Provider::Aws => with_tokens(&cluster),
    })
}

/// A kubeconfig without credentials.
pub fn plain(cluster: &str, url: &str) -> String {
    config(cluster, &json!({ "server": url }), &json!({}))
}

/// A kubeconfig whose tokens groundwork itself makes (FACTS §2).
fn with_tokens(cluster: &ClusterEndpoint) -> String {
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": own_command(),
        "installHint": "groundwork gives the tokens for this cluster: put it on the PATH",
        "args": ["token", "--cluster", cluster.name, "--region", cluster.region],
        "interactiveMode": "Never",
    });
    let server = json!({ "server": cluster.url, "certificate-authority-data": cluster.certificate_authority });
    config(&cluster.name, &server, &json!({ "exec": exec }))
}

fn config(name: &str, cluster: &Value, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{ "name": name, "cluster": cluster }],
        "users": [{ "name": name, "user": user }],
        "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
    });
    format!("{config:#}")
}

/// Writes a file that only its owner can read.
pub fn write(path: &Path, content: &[u8]) -> Result<(), Error> {
    let written = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(content)
    };
    written().map_err(|source| Error::Write {
        path: path.to_owned(),
        source,
    })
}
