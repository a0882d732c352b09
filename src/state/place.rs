//! Documents by name, each written only over what its writer has seen.

use std::fmt::Debug;

use async_trait::async_trait;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What stood under a name when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Nothing, and nothing was ever there.
    Absent,
    /// What the place calls it; another writing has another tag.
    Tag(String),
}

/// A document as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its content; none where there is no such document.
    pub bytes: Option<Vec<u8>>,
    /// What a write has to name to go through.
    pub version: Version,
}

/// Why a document was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The place refused, or did not answer.
    #[error("can't {verb} the state {what}")]
    Failed {
        /// What was tried.
        verb: &'static str,
        /// Where the document is.
        what: String,
        /// Whether it may have been done all the same, and is worth another try.
        uncertain: bool,
        /// What the place said.
        source: BoxError,
    },
    /// Something else stands there than what the writer has seen.
    #[error("the state {what} was changed by another run")]
    Moved {
        /// Where the document is.
        what: String,
    },
}

impl PlaceError {
    /// Whether it may have been done all the same, and is worth another try.
    pub(super) fn is_uncertain(&self) -> bool {
        matches!(self, Self::Failed { uncertain, .. } if *uncertain)
    }
}

/// A folder or a bucket. Each call is made once: whoever calls knows what it is worth to call again.
#[async_trait]
pub trait Place: Debug + Send + Sync {
    /// Where the document `name` is, as people say it.
    fn whereabouts(&self, name: &str) -> String;

    /// Reads a document.
    ///
    /// # Errors
    /// When that can't be seen; that there is none is no error.
    async fn read(&self, name: &str) -> Result<Found, PlaceError>;

    /// Writes a document over that of version `over`, durably.
    ///
    /// # Errors
    /// When another version stands there, or it can't be written. The old document is whole then.
    async fn write(&self, name: &str, bytes: &[u8], over: &Version) -> Result<Version, PlaceError>;

    /// Takes the document of version `over` away, so that no write over that version goes through any more.
    ///
    /// # Errors
    /// As [`Place::write`].
    async fn remove(&self, name: &str, over: &Version) -> Result<(), PlaceError>;

    /// The names of the documents in the folder `folder` of this place, in order.
    ///
    /// # Errors
    /// When they can't be seen.
    async fn list(&self, folder: &str) -> Result<Vec<String>, PlaceError>;

    /// Deletes a document that nobody writes any more.
    ///
    /// # Errors
    /// When that is refused.
    async fn discard(&self, name: &str) -> Result<(), PlaceError>;
}
