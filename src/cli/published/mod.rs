//! What others publish, at hand before the first change: the deploy agent, the ingress controller, charts, manifests.
//!
//! Manifests are fetched once and kept by their digest, charts by repository, name and version. A sandbox has a
//! labelled stand-in for the agent always, and for the others where they can't be had; no path leads from there to a
//! real cluster.

mod helm;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::exit::Error;
use crate::cloud::download::{self, DownloadError};
use crate::digest;
use crate::environment::model::{Agent, ChartPlace, Hook, Ingress, Manifest, Source};
use crate::environment::{Environment, Provider};
use crate::resources::bootstrap::{
    NoEntrance, Published, Rendered, Unusable, documents, entrance, rendered,
};
use crate::resources::{Context, Ownership, Variables};
use crate::sandbox::stand_ins;

pub use helm::Failure;

/// Why something published can't be had or used.
#[derive(Debug, thiserror::Error)]
pub enum Unpublished {
    /// It can't be fetched.
    #[error("can't get {0}")]
    Download(String, #[source] DownloadError),
    /// helm fails.
    #[error("can't render {0}")]
    Helm(String, #[source] Failure),
    /// It is nothing that could be put into a cluster.
    #[error("{0} can't be put into a cluster")]
    Unusable(String, #[source] Unusable),
    /// Names or tests lead to the load balancer, and nobody knows which one that is.
    #[error("can't tell which load balancer of the ingress controller is meant")]
    Entrance(#[source] NoEntrance),
    /// It would be another one at every look.
    #[error(
        "{what} is never the same twice, so that every plan would change it: {place} differs between two renderings"
    )]
    Unstable {
        /// What.
        what: String,
        /// The object and where in it.
        place: String,
    },
}

impl Unpublished {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Helm(_, failure) => failure.hint(),
            Self::Unusable(_, Unusable::Hook { hook, .. }) => Some(format!(
                "if nothing of it is missed, leave it out with `skip_hooks = [\"{}\"]` in its `chart`",
                hook.replace(", ", "\", \"")
            )),
            Self::Unstable { .. } => Some(
                "a chart that draws a password or asks the cluster does that; its `values` usually take one from you"
                    .to_owned(),
            ),
            Self::Entrance(NoEntrance::None) => Some(
                "have the chart make one, which its `values` usually say; or take `[[dns.records]]` and `[[smoke]]` out"
                    .to_owned(),
            ),
            Self::Entrance(NoEntrance::Several(_)) => Some(
                "let one of them keep that type, and give the others another in the chart's `values`, or put them into \
                 `[bootstrap.releases.NAME]`"
                    .to_owned(),
            ),
            Self::Download(..) | Self::Unusable(..) => None,
        }
    }
}

/// Everything that `environment` takes from others; charts are made for this version of Kubernetes, or else for helm's own.
pub async fn load(
    project: &Path,
    environment: &Environment,
    version: Option<&str>,
) -> Result<Published, Error> {
    let mut published = Published::default();
    let Some(bootstrap) = &environment.bootstrap else {
        return Ok(published);
    };
    let from = Shelf {
        project,
        environment,
        version,
    };
    if let Some(agent) = &bootstrap.agent {
        published.agent = from.agent(agent).await?;
    }
    if let Some(ingress) = &bootstrap.ingress {
        published.ingress = from.ingress(ingress).await?;
        let leads_there =
            !(environment.load_balancer_names.is_empty() && environment.smoke.is_empty());
        if leads_there {
            entrance_of(environment, &published)?;
        }
    }
    for (key, release) in &bootstrap.releases {
        let part = Part {
            what: format!("the release `{key}`"),
            name: key,
            namespace: &release.namespace,
        };
        let objects = match from.objects(&part, &release.source).await {
            Err(error) if from.stands_in(&release.source, &error) => stand_ins::release(key),
            objects => objects?,
        };
        published.releases.insert(key.clone(), objects);
    }
    Ok(published)
}

/// Makes sure that there is one load balancer that names and tests can lead to.
fn entrance_of(environment: &Environment, published: &Published) -> Result<(), Unpublished> {
    let ownership = Ownership {
        environment: environment.name.clone(),
        region: environment.region.clone(),
        lineage: String::new(),
        expires: None,
        owner: None,
    };
    let context = Context {
        environment,
        ownership: &ownership,
        account: environment.account.as_deref().unwrap_or_default(),
        variables: &Variables::new(),
        published,
    };
    let found = entrance(&context).map_err(Unpublished::Entrance);
    found.map(drop)
}

/// What is published as a whole.
struct Part<'a> {
    /// In words.
    what: String,
    /// What helm calls the release.
    name: &'a str,
    namespace: &'a str,
}

/// Where things are taken from.
struct Shelf<'a> {
    project: &'a Path,
    environment: &'a Environment,
    /// Of Kubernetes.
    version: Option<&'a str>,
}

impl Shelf<'_> {
    async fn agent(&self, agent: &Agent) -> Result<Vec<Rendered>, Error> {
        if self.environment.provider == Provider::Sandbox {
            return Ok(stand_ins::argocd(agent.flavour)?);
        }
        let part = Part {
            what: "the install manifest of the deploy agent".to_owned(),
            name: "argocd",
            namespace: &agent.namespace,
        };
        Ok(self.objects(&part, &agent.source).await?)
    }

    async fn ingress(&self, ingress: &Ingress) -> Result<Vec<Rendered>, Error> {
        let Some(source) = &ingress.source else {
            return Ok(Vec::new());
        };
        let part = Part {
            what: "the ingress controller".to_owned(),
            name: "traefik",
            namespace: &ingress.namespace,
        };
        match self.objects(&part, source).await {
            Err(error) if self.stands_in(source, &error) => Ok(stand_ins::ingress(part.name)),
            objects => Ok(objects?),
        }
    }

    /// Whether a sandbox goes on with a stand-in: the thing is published, and can't be had from here.
    fn stands_in(&self, source: &Source, error: &Unpublished) -> bool {
        let is_own = match source {
            Source::Manifest(manifest) => matches!(manifest, Manifest::File { .. }),
            Source::Chart(chart) => matches!(chart.place, ChartPlace::Folder(_)),
        };
        let unreachable = match error {
            Unpublished::Download(_, cause) => matches!(cause, DownloadError::NoAnswer { .. }),
            Unpublished::Helm(_, cause) => cause.is_far(),
            Unpublished::Entrance(_) | Unpublished::Unusable(..) | Unpublished::Unstable { .. } => {
                false
            }
        };
        unreachable && !is_own && self.environment.provider == Provider::Sandbox
    }

    async fn objects(
        &self,
        part: &Part<'_>,
        source: &Source,
    ) -> Result<Vec<Rendered>, Unpublished> {
        let unusable = |error| Unpublished::Unusable(part.what.clone(), error);
        let (objects, skipped) = match source {
            Source::Manifest(manifest) => {
                let text = self.manifest(part, manifest).await?;
                (documents(&text).map_err(unusable)?, BTreeSet::new())
            }
            Source::Chart(chart) => {
                let failed = |failure| Unpublished::Helm(part.what.clone(), failure);
                let helm = helm::Helm {
                    project: self.project,
                    kubernetes: self.version,
                };
                let archive = helm.chart(&chart.place).await.map_err(failed)?;
                let render = || helm.render(part.name, part.namespace, &archive, chart);
                let (first, second) = futures::join!(render(), render());
                let read = |text: String| documents(&text).map_err(unusable);
                let first = read(first.map_err(failed)?)?;
                let second = read(second.map_err(failed)?)?;
                self.stable(part, &first, &second, &chart.skip_hooks)?;
                (first, chart.skip_hooks.clone())
            }
        };
        rendered(part.name, objects, &skipped).map_err(unusable)
    }

    /// Refuses what is another one every time: a password that the chart draws, say.
    fn stable(
        &self,
        part: &Part<'_>,
        first: &[Value],
        second: &[Value],
        skipped: &BTreeSet<Hook>,
    ) -> Result<(), Unpublished> {
        // Hooks that are left out may be what they like.
        let kept = |objects: &[Value]| {
            let all = rendered(part.name, objects.to_vec(), skipped);
            all.map_err(|error| Unpublished::Unusable(part.what.clone(), error))
        };
        let (first, second) = (kept(first)?, kept(second)?);
        if first == second {
            return Ok(());
        }
        let mut pairs = first.iter().zip(&second);
        let place = pairs.find_map(|(one, other)| one.differs_from(other));
        Err(Unpublished::Unstable {
            what: part.what.clone(),
            place: place.unwrap_or_else(|| "how many objects there are".to_owned()),
        })
    }

    async fn manifest(&self, part: &Part<'_>, manifest: &Manifest) -> Result<String, Unpublished> {
        let (url, digest) = match manifest {
            Manifest::File { text, .. } => return Ok(text.expose().to_owned()),
            // The environment's file has a digest wherever this is fetched; without one nothing would match.
            Manifest::Published { url, sha256 } => (url, sha256.as_deref().unwrap_or_default()),
        };
        let kept = self
            .project
            .join(".groundwork/cache")
            .join(format!("{digest}.yaml"));
        let bytes = match fs::read(&kept) {
            Ok(bytes) if digest::matches(&bytes, digest) => bytes,
            Ok(_) | Err(_) => {
                let fetched = download::fetch(url, digest).await;
                let bytes = fetched.map_err(|e| Unpublished::Download(part.what.clone(), e))?;
                // Kept or not, it is at hand now; the next run fetches it again.
                let _kept = super::kubeconfig::write(&kept, &bytes);
                bytes.to_vec()
            }
        };
        let not_text = |error: std::string::FromUtf8Error| Unusable::NotYaml(error.to_string());
        String::from_utf8(bytes)
            .map_err(|error| Unpublished::Unusable(part.what.clone(), not_text(error)))
    }
}

/// What of `published` is not the real thing, in words.
pub fn stand_ins(environment: &Environment, published: &Published) -> Vec<String> {
    if environment.provider != Provider::Sandbox {
        return Vec::new();
    }
    let stands_in = |objects: &[Rendered]| objects.iter().any(stand_ins::is_one);
    let mut named = Vec::new();
    if stands_in(&published.agent) {
        named.push("Argo CD".to_owned());
    }
    if stands_in(&published.ingress) {
        named.push("the ingress controller".to_owned());
    }
    let releases = published.releases.iter();
    let releases = releases.filter(|(_, objects)| stands_in(objects));
    named.extend(releases.map(|(key, _)| format!("the release {key}")));
    named
}
