//! The environment's TOML file: what it may say, what is wrong with it, and what it means.
//!
//! [`load`] reads a file and gives the [`model`], or everything that is wrong with the file at once. A file goes through four
//! steps: it is parsed with the place of everything kept (`source`); held against the schema (`walk`), which is made from the
//! types that it decodes into (`raw`, `forms`); and resolved to the model (`resolve`), where all that a schema cannot see is
//! checked. Nothing here reads environment variables: a secret's value is only named.

mod carve;
mod diagnostics;
mod faults;
mod file;
mod forms;
pub mod model;
mod parse;
mod raw;
mod resolve;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod walk;

pub use diagnostics::{Diagnostic, Diagnostics, Mark};
pub use file::{Error, listed, load, locate};
pub use model::{Environment, Provider};
pub use parse::parse;
pub use resolve::Documents;
pub use schema::schema;
pub use walk::nearest;
