//! The environment's TOML file: what it may say, what is wrong with it, and what it means.

pub mod model;

pub use model::{Environment, Provider};
