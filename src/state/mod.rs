//! What groundwork remembers of an environment: the document, its journal, where it is kept, and who may write.
//!
//! The state is a journal and a cache; the cloud is the truth. Nothing here knows AWS: a bucket is whatever the crate
//! object_store reaches.

mod bucket;
mod claim;
mod document;
mod fence;
mod folder;
mod history;
mod journal;
mod lease;
mod lock;
#[cfg(test)]
mod model;
mod place;
mod store;

pub use claim::Claim;
pub use document::{Action, Damage, Entry, FORMAT, Outcome, Recorded, State, Transition};
pub use fence::{Fence, Overtaken};
pub use history::version_name;
pub use journal::{Journal, Stopped};
pub use lease::Terms;
pub use lock::{Holder, LockError};
pub use place::PlaceError;
pub use store::{Store, StoreError};
