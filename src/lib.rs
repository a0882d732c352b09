//! groundwork creates, bootstraps, keeps and tears down whole environments on AWS from one TOML file each.
//!
//! The modules are layers; `docs/architecture.md` tells what each is for and what it may import.

pub mod address;
pub mod apply;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod digest;
pub mod environment;
pub mod event;
pub mod graph;
pub mod observe;
pub mod ops;
pub mod permissions;
pub mod plan;
pub mod resources;
pub mod sandbox;
pub mod sensitive;
pub mod state;
pub mod ui;
