//! The engine against the sandbox, on the virtual clock: life cycles, drift, changes of the file, requests, order,
//! ownership, what can't be seen, what a killed run leaves, secrets on their way out, states that were lost, updates
//! that fail, names, smoke tests, objects that don't do as they are told, teardown, clusters that somebody else made, the
//! real input; and the layers.

mod auto_mode;
mod bench;
#[path = "../common/canaries.rs"]
mod canaries;
mod canary;
mod changes;
mod clock_jumps;
mod common;
mod damaged;
mod drift;
mod foreign;
mod golden;
mod guest;
mod guest_beside;
mod guest_consent;
mod hands;
mod joining;
mod killed;
mod layers;
mod life_cycle;
mod moves;
mod names;
mod oidc;
mod order;
mod outcome;
mod permissions;
mod preflight;
mod rebuild;
mod requests;
mod restarts;
mod secrets;
#[path = "../common/mod.rs"]
mod shared;
mod shared_state;
mod smoke;
mod staging_inventory;
mod stubborn;
mod sync;
mod teardown;
mod unseen;
mod updates;
