//! The engine against the sandbox: drift, changes of the file, requests, order, ownership, and what can't be seen.

mod bench;
#[path = "../common/mod.rs"]
mod common;
mod drift;
mod hands;
