//! The deploy agent's install manifest, at hand before the first change.
//!
//! On AWS it is the published one, fetched once and kept by its digest. A sandbox without internet gets the
//! labelled stand-in, and no path leads from there to a real cluster.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::exit::Error;
use crate::cloud::download;
use crate::environment::model::Manifest;
use crate::environment::{Environment, Provider};
use crate::sandbox::stand_ins;

/// The objects of the manifest; none for an environment without an agent.
pub async fn objects(project: &Path, environment: &Environment) -> Result<Vec<Value>, Error> {
    let agent = environment
        .bootstrap
        .as_ref()
        .and_then(|bootstrap| bootstrap.agent.as_ref());
    match (agent, environment.provider) {
        (None, _) => Ok(Vec::new()),
        (Some(_), Provider::Sandbox) => Ok(stand_ins::argocd()?),
        (Some(agent), Provider::Aws) => published(project, &agent.manifest).await,
    }
}

async fn published(project: &Path, manifest: &Manifest) -> Result<Vec<Value>, Error> {
    // The environment's file has a digest wherever the provider is AWS; without one nothing would match.
    let digest = manifest.sha256.as_deref().unwrap_or_default();
    let kept = project
        .join(".groundwork/cache")
        .join(format!("{digest}.yaml"));
    let bytes = match fs::read(&kept) {
        Ok(bytes) if download::matches(&bytes, digest) => bytes,
        Ok(_) | Err(_) => {
            let bytes = download::fetch(&manifest.url, digest).await?;
            super::kubeconfig::write(&kept, &bytes)?;
            bytes.to_vec()
        }
    };
    let not_yaml = |reason: String| Error::NotYaml {
        url: manifest.url.clone(),
        reason,
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| not_yaml(error.to_string()))?;
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| not_yaml(error.to_string()))?;
    Ok(objects
        .into_iter()
        .filter(|object| !object.is_null())
        .collect())
}
