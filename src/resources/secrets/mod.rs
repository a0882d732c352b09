//! Section `secrets`: Secrets Manager secrets. Their values pass through and never stay: no field, output, plan or
//! state holds one, nor anything that one could be guessed from.

pub mod inventory;
mod secret;
mod value;

pub use secret::{Secret, read_value};

#[cfg(test)]
mod tests;
