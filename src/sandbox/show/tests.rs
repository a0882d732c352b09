//! Worlds that hold the same print the same; what differs shows; secrets don't.

use serde_json::{Value, json};

use super::show;
use crate::sandbox::aws::{Call, Params, dispatch};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

/// A world that has given out `used` identifiers already.
fn world(used: usize) -> World {
    let mut world = World::new("123456789012", SimTime::EPOCH);
    for _ in 0..used {
        world.ids.hex(1);
    }
    world
}
