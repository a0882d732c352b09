//! Finds and reads environment files.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::diagnostics::Diagnostics;
use super::model::{Environment, Provider};
use super::parse::{FOLDER, parse};
use super::walk::nearest;

/// No environment's file is longer than this.
const LONGEST: u64 = 1 << 20;

/// Why an environment cannot be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such file.
    #[error("there is no environment file {}", path.display())]
    Missing {
        /// The file that was looked for.
        path: PathBuf,
        /// The environments that there are beside it.
        known: Vec<String>,
    },
    /// It is a folder.
    #[error("{} is a folder, not an environment file", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The environments in it.
        known: Vec<String>,
    },
    /// It cannot be read.
    #[error("failed to read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is longer than any environment.
    #[error("{} is longer than 1 MiB: that is no environment file", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It is not text.
    #[error("{} is not UTF-8: line {line} has a byte that is no text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line of the first byte that is no text, from 1.
        line: usize,
    },
    /// Something is wrong with what it says.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

/// What there is to choose from.
pub fn listed(known: &[String]) -> String {
    let verb = if known.len() == 1 { "is" } else { "are" };
    format!("there {verb} {}", known.join(", "))
}

impl Error {
    /// What to do about it, unless the error says it already.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { path, known } | Self::Folder { path, known } => {
                let asked = path
                    .file_stem()
                    .and_then(|stem| stem.to_str())
                    .unwrap_or_default();
                if let Some(meant) = nearest(asked, known.iter().map(String::as_str)) {
                    Some(format!("did you mean `{meant}`?"))
                } else if known.is_empty() {
                    Some(format!("environments are files such as {FOLDER}/demo.toml"))
                } else {
                    Some(listed(known))
                }
            }
            Self::NotText { .. } => Some("save it as UTF-8".to_owned()),
            Self::Unreadable { .. } | Self::TooLong { .. } | Self::Invalid(_) => None,
        }
    }
}

/// The file of the environment that a user named: `staging` is `environments/staging.toml` under `root`; what ends in `.toml` or has
/// a slash is a path already.
///
/// # Errors
/// When there is no such file.
pub fn locate(root: &Path, name: &str) -> Result<PathBuf, Error> {
    let is_path = name.contains(['/', '\\']) || name.ends_with(".toml");
    // Not `set_extension`: a name may have a dot in it, and then it is missing under that very name.
    let path = if is_path {
        root.join(name)
    } else {
        root.join(FOLDER).join(format!("{name}.toml"))
    };
    if path.exists() {
        Ok(path)
    } else {
        Err(missing(path))
    }
}

/// Reads an environment's file. `provider` overrides what it says.
///
/// # Errors
/// When it cannot be read, or when something is wrong with what it says.
pub fn load(path: &Path, provider: Option<Provider>) -> Result<Environment, Error> {
    let text = read(path)?;
    let project = project(path);
    let documents = |name: &str| fs::read_to_string(project.join(name));
    Ok(parse(
        &path.display().to_string(),
        &text,
        provider,
        &documents,
    )?)
}

/// The folder that paths in a file are relative to: where the folder `environments` is, or else the file's own.
fn project(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.file_name().is_some_and(|name| name == FOLDER) {
        folder.parent().unwrap_or(Path::new("")).to_owned()
    } else {
        folder.to_owned()
    }
}

fn read(path: &Path) -> Result<String, Error> {
    if path.is_dir() {
        return Err(Error::Folder {
            path: path.to_owned(),
            known: known_in(path),
        });
    }
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(missing(path.to_owned()));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Error::TooLong {
            path: path.to_owned(),
        });
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Error::NotText {
            path: path.to_owned(),
            line,
        }
    })
}

fn missing(path: PathBuf) -> Error {
    let known = path.parent().map(known_in).unwrap_or_default();
    Error::Missing { path, known }
}

/// The environments that have a file in a folder, in order.
fn known_in(folder: &Path) -> Vec<String> {
    // A bare file name has the empty folder, which means this one.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let stem = path.file_stem()?.to_str()?.to_owned();
            (path.extension()? == "toml" && !path.is_dir() && stem != "Cargo").then_some(stem)
        })
        .collect();
    names.sort();
    names
}
