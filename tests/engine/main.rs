//! The engine against the sandbox, on the virtual clock: life cycles, drift, teardown, the real input; and the layers.

mod bench;
mod common;
mod drift;
mod hands;
mod layers;
mod life_cycle;
mod staging_inventory;
mod teardown;
