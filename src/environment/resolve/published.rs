//! What is put into the cluster as others publish it: charts and manifests.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::model::{Chart, ChartPlace, Flavour, Manifest, Provider, Release, Source};
use crate::environment::raw;
use crate::environment::source::Path;
use crate::sensitive::Sensitive;

/// The SHA-256 of Argo CD's published manifests, for the releases that we looked at.
const ARGOCD_MANIFESTS: [(&str, Flavour, &str); 6] = [
    (
        "v3.5.0",
        Flavour::Full,
        "a32bf36a437071a1f563ebf9e81c8a39fba9057c17db7d5d041afb7b6e3f4afe",
    ),
    (
        "v3.5.0",
        Flavour::Core,
        "166bffca5000482f8ae36d73b255610c9bb4c7d8da38fcf62003c2fdd8ab0747",
    ),
    (
        "v3.5.0",
        Flavour::Ha,
        "65d9d4ff520ddb40bad2c39b1f44188ceecfe96b5dd29c8ead569b52d6c6b8c6",
    ),
    (
        "v3.5.1",
        Flavour::Full,
        "795a3a972224da6a7f9d32c3e946445f062b60fb46028476715affeb688236e3",
    ),
    (
        "v3.5.1",
        Flavour::Core,
        "cb6bbcc84e1ab601f43364afd401fb0a7831536d07da74393c9edb1196f80500",
    ),
    (
        "v3.5.1",
        Flavour::Ha,
        "1d7b6baa0769ff8a5757c61e2c677ae0939a15e86e149f64df6b12435db5c4b2",
    ),
];

impl Resolver<'_> {
    pub(super) fn releases(&mut self, raw: &raw::Bootstrap) -> BTreeMap<String, Release> {
        let mut releases = BTreeMap::new();
        for (key, release) in raw.releases.iter() {
            let at = Path::of(["bootstrap", "releases"]).to(&**key);
            let chart = release.chart.as_ref();
            let Some(source) = self.source(chart, release.manifest.as_ref(), &at) else {
                let nothing = chart.is_none() && release.manifest.is_none();
                if nothing && !self.is_told(&at, &["chart", "manifest"]) {
                    let fault = Fault::key(&at, format!("`{}` comes from nowhere", &**key));
                    self.faults.add(fault.remedy(
                        "add `chart = { repository = \"…\", name = \"…\", version = \"…\" }` or `manifest = { url = \"…\", sha256 = \"…\" }`",
                    ));
                }
                continue;
            };
            let namespace = release.namespace.to_string();
            releases.insert(key.to_string(), Release { namespace, source });
        }
        releases
    }

    /// Where the objects of what stands at `at` come from; none where it does not say, or says it wrongly.
    pub(super) fn source(
        &mut self,
        chart: Option<&raw::Chart>,
        manifest: Option<&raw::Manifest>,
        at: &Path,
    ) -> Option<Source> {
        match (chart, manifest) {
            (Some(_), Some(_)) => {
                let fault = Fault::key(&at.to("chart"), "both a chart and a manifest");
                let fault = fault.also(&at.to("manifest"), "and this");
                self.faults.add(fault.remedy("leave one of them out"));
                None
            }
            (Some(chart), None) => self.chart(chart, &at.to("chart")).map(Source::Chart),
            (None, Some(manifest)) => self
                .manifest(manifest, None, &at.to("manifest"))
                .map(Source::Manifest),
            (None, None) => None,
        }
    }

    /// What installs the agent, whose published manifests we know.
    pub(super) fn agent_source(&mut self, raw: &raw::Agent, at: &Path) -> Source {
        let version = &*raw.version;
        let file = match raw.flavour {
            Flavour::Full => "install.yaml",
            Flavour::Core => "core-install.yaml",
            Flavour::Ha => "ha/install.yaml",
        };
        let url = format!(
            "https://raw.githubusercontent.com/argoproj/argo-cd/{version}/manifests/{file}"
        );
        if raw.chart.is_some() {
            if raw.flavour != Flavour::Full {
                let fault = Fault::value(&at.to("flavour"), "a chart has its own flavours");
                self.faults
                    .add(fault.remedy("take `flavour` out, and say it in the chart's `values`"));
            }
            let chart = self.source(raw.chart.as_ref(), raw.manifest.as_ref(), at);
            if let Some(chart) = chart {
                return chart;
            }
        } else if let Some(manifest) = &raw.manifest {
            let manifest = self.manifest(manifest, Some(&url), &at.to("manifest"));
            if let Some(manifest) = manifest {
                return Source::Manifest(manifest);
            }
        }
        // Only of the published place do we know the content.
        let mut pins = ARGOCD_MANIFESTS.iter();
        let pin = pins.find(|(known, flavour, _)| *known == version && *flavour == raw.flavour);
        let sha256 = pin.map(|(_, _, sha256)| (*sha256).to_owned());
        let is_given = raw.chart.is_some() || raw.manifest.is_some();
        if sha256.is_none() && !is_given && self.provider == Provider::Aws {
            let mut known: Vec<&str> = ARGOCD_MANIFESTS.iter().map(|(known, ..)| *known).collect();
            known.dedup();
            let fault = Fault::value(
                &at.to("version"),
                format!("the manifest of Argo CD {version} is not pinned"),
            );
            let known = super::super::walk::list(&known);
            let fault = fault.label(format!("groundwork knows the manifests of {known}"));
            self.faults.add(fault.remedy(format!(
                "add `manifest = {{ sha256 = \"…\" }}` with what `curl -sL {url} | sha256sum` prints"
            )));
        }
        Source::Manifest(Manifest::Published { url, sha256 })
    }

    fn manifest(
        &mut self,
        raw: &raw::Manifest,
        default: Option<&str>,
        at: &Path,
    ) -> Option<Manifest> {
        let sha256 = raw.sha256.as_deref();
        if let Some(path) = raw.file.as_deref() {
            if raw.url.is_some() {
                let fault = Fault::key(at, "a manifest is either at a URL or in a file");
                self.faults.add(fault.remedy("leave one of them out"));
            }
            let text = self.document(path, &at.to("file"))?;
            if let Some(sha256) = sha256
                && !crate::digest::matches(text.expose().as_bytes(), sha256)
            {
                let found = crate::digest::of(text.expose().as_bytes());
                let fault = Fault::value(&at.to("sha256"), format!("`{path}` was changed"));
                self.faults
                    .add(fault.label(format!("its SHA-256 is {found}")));
            }
            let path = path.to_owned();
            return Some(Manifest::File { path, text });
        }
        let url = raw.url.as_deref().or(default);
        match (url, sha256) {
            (Some(url), Some(sha256)) => Some(Manifest::Published {
                url: url.to_owned(),
                sha256: Some(sha256.to_owned()),
            }),
            (Some(url), None) => {
                if !self.is_told(at, &["sha256"]) {
                    let fault = Fault::key(at, "a manifest from elsewhere that nobody pinned");
                    self.faults.add(fault.remedy(format!(
                        "add `sha256 = \"…\"` with what `curl -sL {url} | sha256sum` prints"
                    )));
                }
                None
            }
            (None, _) => {
                if !self.is_told(at, &["url", "file"]) {
                    let fault = Fault::key(at, "a manifest from nowhere");
                    self.faults.add(fault.remedy(
                        "write `{ url = \"https://…\", sha256 = \"…\" }` or `{ file = \"manifests/web.yaml\" }`",
                    ));
                }
                None
            }
        }
    }

    fn chart(&mut self, raw: &raw::Chart, at: &Path) -> Option<Chart> {
        let values_file = match raw.values_file.as_deref() {
            Some(path) => Some(self.document(path, &at.to("values_file"))?),
            None => None,
        };
        Some(Chart {
            place: self.chart_place(raw, at)?,
            values: Value::Object(raw.values.0.clone()),
            values_file,
            skip_hooks: raw.skip_hooks.iter().copied().collect(),
        })
    }

    fn chart_place(&mut self, raw: &raw::Chart, at: &Path) -> Option<ChartPlace> {
        let published = (&raw.repository, &raw.name, &raw.version, &raw.path);
        match published {
            (Some(repository), Some(name), Some(version), None) => Some(ChartPlace::Repository {
                repository: repository.trim_end_matches('/').to_owned(),
                name: name.to_string(),
                version: version.to_string(),
                sha256: raw.sha256.as_deref().map(str::to_owned),
            }),
            (None, None, None, Some(path)) => {
                self.document(&format!("{}/Chart.yaml", &**path), &at.to("path"))?;
                Some(ChartPlace::Folder(path.to_string()))
            }
            _ => {
                if !self.is_told(at, &["repository", "name", "version", "path"]) {
                    let fault = Fault::key(at, "this names not exactly one chart");
                    self.faults.add(fault.remedy(
                        "write `repository`, `name` and `version` of a published one, or only the `path` of one in the project",
                    ));
                }
                None
            }
        }
    }

    /// The text of a file of the project.
    fn document(&mut self, path: &str, at: &Path) -> Option<Sensitive> {
        let fault = Fault::value(at, format!("`{path}` can't be read"));
        if path.split('/').any(|part| part == "..") {
            self.faults
                .add(fault.label("expected a path inside the project"));
            return None;
        }
        match (self.documents)(path) {
            Ok(text) => Some(Sensitive::new(text)),
            Err(error) => {
                self.faults.add(fault.label(error.to_string()));
                None
            }
        }
    }

    /// Whether something is wrong with one of these keys, which was told already.
    pub(super) fn is_told(&self, at: &Path, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.faults.is_unusable(&at.to(key)))
    }
}
