//! groundwork creates, bootstraps, keeps and tears down whole environments on AWS from one TOML file each.
//!
//! The modules are layers; `docs/architecture.md` tells what each is for and what it may import.

pub mod environment;
pub mod sandbox;
