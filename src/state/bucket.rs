//! A bucket of S3, or of any store that has its conditional writes: If-Match and If-None-Match.

use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult, UpdateVersion,
};
use uuid::Uuid;

use super::place::{Found, Place, PlaceError, Version};

/// How the object begins that stands where a document was removed. It stays, so that a run which was overtaken by the
/// removal can't write its document anew.
const REMOVED: &[u8] = b"removed ";

/// Documents as objects below a prefix.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    objects: Arc<dyn ObjectStore>,
    /// The bucket as people write it, such as `s3://acme`.
    name: String,
    prefix: Path,
}

impl Bucket {
    /// The documents below `prefix` in the bucket that people call `name`.
    pub(super) fn new(objects: Arc<dyn ObjectStore>, name: &str, prefix: &str) -> Self {
        Self {
            objects,
            name: name.to_owned(),
            prefix: Path::from(prefix),
        }
    }

    fn path(&self, name: &str) -> Path {
        let parts = name.split('/');
        parts.fold(self.prefix.clone(), Path::join)
    }

    fn failed(&self, verb: &'static str, name: &str) -> impl Fn(Error) -> PlaceError {
        let what = self.whereabouts(name);
        move |source| match source {
            Error::Precondition { .. } | Error::AlreadyExists { .. } => {
                PlaceError::Moved { what: what.clone() }
            }
            source => PlaceError::Failed {
                verb,
                what: what.clone(),
                uncertain: matches!(source, Error::Generic { .. }),
                source: source.into(),
            },
        }
    }

    async fn put(
        &self,
        verb: &'static str,
        name: &str,
        bytes: Vec<u8>,
        over: &Version,
    ) -> Result<Version, PlaceError> {
        let mode = match over {
            Version::Absent => PutMode::Create,
            Version::Tag(tag) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.clone()),
                version: None,
            }),
        };
        let options = PutOptions {
            mode,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes);
        let path = self.path(name);
        let put = self.objects.put_opts(&path, payload, options).await;
        let PutResult { e_tag, .. } = put.map_err(self.failed(verb, name))?;
        self.tagged(verb, name, e_tag)
    }

    fn tagged(
        &self,
        verb: &'static str,
        name: &str,
        tag: Option<String>,
    ) -> Result<Version, PlaceError> {
        tag.map(Version::Tag).ok_or_else(|| PlaceError::Failed {
            verb,
            what: self.whereabouts(name),
            uncertain: false,
            source: "the store gives no ETag, so that nobody could tell one version from the next"
                .into(),
        })
    }
}

#[async_trait]
impl Place for Bucket {
    fn whereabouts(&self, name: &str) -> String {
        format!("{}/{}", self.name, self.path(name))
    }

    async fn read(&self, name: &str) -> Result<Found, PlaceError> {
        let failed = self.failed("read", name);
        let object = match self.objects.get(&self.path(name)).await {
            Ok(object) => object,
            Err(Error::NotFound { .. }) => {
                return Ok(Found {
                    bytes: None,
                    version: Version::Absent,
                });
            }
            Err(error) => return Err(failed(error)),
        };
        let version = self.tagged("read", name, object.meta.e_tag.clone())?;
        let bytes = object.bytes().await.map_err(failed)?;
        let bytes = (!bytes.starts_with(REMOVED)).then(|| bytes.to_vec());
        Ok(Found { bytes, version })
    }

    async fn write(&self, name: &str, bytes: &[u8], over: &Version) -> Result<Version, PlaceError> {
        self.put("write", name, bytes.to_vec(), over).await
    }

    async fn remove(&self, name: &str, over: &Version) -> Result<(), PlaceError> {
        // Each has another tag than the last.
        let marker = [REMOVED, Uuid::new_v4().to_string().as_bytes()].concat();
        self.put("remove", name, marker, over).await.map(drop)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>, PlaceError> {
        let path = self.path(folder);
        let listed = self.objects.list(Some(&path)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(self.failed("list", folder))?;
        let names = listed.iter().filter_map(|object| {
            let name = object.location.filename()?;
            Some(format!("{folder}/{name}"))
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    async fn discard(&self, name: &str) -> Result<(), PlaceError> {
        match self.objects.delete(&self.path(name)).await {
            Err(Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.failed("remove", name)(error)),
        }
    }
}
