//! Crashes, faults and blindness, in process and on the virtual clock: whatever happens, running the same command again
//! arrives where an undisturbed run does.
//!
//! `scripts/sweep` visits every point; a plain `cargo test` visits every point of demo and an eighth of staging.

mod blind;
mod crashes;
mod failed;
mod faults;
mod pool;
mod record;
mod resume;
mod scenario;
mod settings;
#[path = "../common/mod.rs"]
mod shared;
mod undisturbed;
