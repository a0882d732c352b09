//! Where the state is kept.

use std::path::PathBuf;
use std::str::FromStr;

use super::super::forms::{BucketName, Form, Prefix};

/// Where the state of an environment is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateBackend {
    /// A folder; relative to the project's root unless it is absolute.
    Local(PathBuf),
    /// A bucket of S3, or of a store that is compatible with it.
    S3 {
        /// Its name.
        bucket: String,
        /// What the names of our objects in it begin with; no slash at either end.
        prefix: String,
    },
}

/// Why a text names no place for a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBackend {
    /// There is no such store.
    #[error("state can't be kept in `{0}://`: only a folder or a bucket of S3 can hold it")]
    Scheme(String),
    /// No bucket can be called so.
    #[error("`{0}` is not the name of a bucket: expected {says}", says = BucketName::SAYS)]
    Bucket(String),
    /// No prefix of ours can be called so.
    #[error("`{0}` can't be a prefix of ours: expected {says}", says = Prefix::SAYS)]
    Prefix(String),
}

impl FromStr for StateBackend {
    type Err = NoBackend;

    fn from_str(text: &str) -> Result<Self, NoBackend> {
        let Some((scheme, place)) = text.split_once("://") else {
            return Ok(Self::Local(text.into()));
        };
        if scheme != "s3" {
            return Err(NoBackend::Scheme(scheme.to_owned()));
        }
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = prefix.trim_end_matches('/');
        if !BucketName::fits(bucket) {
            return Err(NoBackend::Bucket(bucket.to_owned()));
        }
        if !prefix.is_empty() && !Prefix::fits(prefix) {
            return Err(NoBackend::Prefix(prefix.to_owned()));
        }
        Ok(Self::S3 {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_bucket_are_told_apart() {
        let s3 = |bucket: &str, prefix: &str| {
            Ok(StateBackend::S3 {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            })
        };
        for (text, expected) in [
            ("state", Ok(StateBackend::Local("state".into()))),
            ("s3://acme", s3("acme", "")),
            ("s3://acme/a/b/", s3("acme", "a/b")),
            ("s3://A/b", Err(NoBackend::Bucket("A".to_owned()))),
            ("s3://acme/a//b", Err(NoBackend::Prefix("a//b".to_owned()))),
            ("s3://acme/../b", Err(NoBackend::Prefix("../b".to_owned()))),
            ("gs://acme", Err(NoBackend::Scheme("gs".to_owned()))),
        ] {
            assert_eq!(text.parse::<StateBackend>(), expected, "{text}");
        }
    }
}
