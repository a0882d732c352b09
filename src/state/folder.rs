//! A local folder: documents are replaced atomically and synced to disk. Whoever writes holds the lock.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::place::{Found, Place, PlaceError, Version};

/// Documents as files below a folder.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn failed(&self, verb: &'static str, name: &str) -> impl Fn(io::Error) -> PlaceError {
        let what = self.whereabouts(name);
        move |source| PlaceError::Failed {
            verb,
            what: what.clone(),
            uncertain: false,
            source: source.into(),
        }
    }

    /// Refuses what is not to be written over.
    fn expect(&self, verb: &'static str, name: &str, over: &Version) -> Result<(), PlaceError> {
        let found = match fs::metadata(self.path(name)) {
            Ok(found) => version(&found),
            Err(error) if error.kind() == ErrorKind::NotFound => Version::Absent,
            Err(error) => return Err(self.failed(verb, name)(error)),
        };
        if found == *over {
            return Ok(());
        }
        let what = self.whereabouts(name);
        Err(PlaceError::Moved { what })
    }
}

#[async_trait]
impl Place for Folder {
    fn whereabouts(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    async fn read(&self, name: &str) -> Result<Found, PlaceError> {
        let failed = self.failed("read", name);
        let mut file = match File::open(self.path(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Found {
                    bytes: None,
                    version: Version::Absent,
                });
            }
            Err(error) => return Err(failed(error)),
        };
        let version = version(&file.metadata().map_err(&failed)?);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(&failed)?;
        Ok(Found {
            bytes: Some(bytes),
            version,
        })
    }

    async fn write(&self, name: &str, bytes: &[u8], over: &Version) -> Result<Version, PlaceError> {
        self.expect("write", name, over)?;
        write_durably(&self.path(name), bytes).map_err(self.failed("write", name))
    }

    async fn remove(&self, name: &str, over: &Version) -> Result<(), PlaceError> {
        self.expect("remove", name, over)?;
        self.discard(name).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, PlaceError> {
        let failed = self.failed("list", folder);
        let entries = match fs::read_dir(self.path(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(&failed)?.file_name();
            // What we write has names of plain letters, and ends so.
            let name = name.to_string_lossy();
            if name.ends_with(".json") {
                names.push(format!("{folder}/{name}"));
            }
        }
        names.sort();
        Ok(names)
    }

    async fn discard(&self, name: &str) -> Result<(), PlaceError> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(self.failed("remove", name)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Every write makes another file, so that the file's own number and time tell one writing from the next.
fn version(file: &Metadata) -> Version {
    let (seconds, nanoseconds) = (file.mtime(), file.mtime_nsec());
    Version::Tag(format!(
        "{}-{seconds}.{nanoseconds}-{}",
        file.ino(),
        file.len()
    ))
}

/// A new file beside the old one, synced, renamed over it, and the folder synced: after a crash there is the
/// old document or the new one.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<Version> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let next = path.with_extension("json.next");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    File::open(folder)?.sync_all()?;
    Ok(version(&file.metadata()?))
}
