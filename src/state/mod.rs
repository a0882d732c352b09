//! What groundwork remembers of an environment: the document, its journal, where it is kept, and who may write.
//!
//! The state is a journal and a cache; the cloud is the truth. Nothing here knows AWS.

mod document;
mod journal;
mod lock;
mod store;

pub use document::{Action, Damage, Entry, FORMAT, Outcome, Recorded, State, Transition};
pub use journal::{Journal, Stopped};
pub use lock::{Holder, Lock, LockError};
pub use store::{LocalStore, StoreError};
