//! The simulated Kubernetes: one API server and its controllers for each EKS cluster of the world.
//!
//! Objects are JSON documents, as they are on the wire. [`respond`] answers one HTTP request in one transaction of
//! the store; a watch is a body that looks at the store again and again. The controllers look at what is there, do
//! what is due, and ask to be woken when something falls due later.

mod base;
mod call;
mod client;
mod cluster;
mod controllers;
mod defaults;
mod delete;
mod discovery;
mod eks;
mod fields;
mod front;
mod kinds;
mod lifecycle;
mod managed;
mod merge;
mod object;
mod openapi;
mod patch;
mod protobuf;
mod query;
mod read;
mod refusal;
mod review;
mod routes;
mod scale;
mod schema;
mod server;
mod shapes;
mod strategic;
mod table;
#[cfg(test)]
mod tests;
mod validation;
mod watch;
pub mod web;
mod write;

use serde::{Deserialize, Serialize};

pub use client::{client, client_with};
pub use cluster::Cluster;
pub use eks::{
    NewNode, add_node, create_cluster, delete_cluster, install, remove_node, set_auto_mode,
};
pub use front::answer;
pub use server::{Body, respond};

use super::world::World;

/// What a controller does by itself at a set moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Looks at everything in the cluster and does what is due.
    Reconcile,
}

/// Does what fell due in the cluster `cluster` of `region`.
pub fn run(world: &mut World, region: &str, cluster: &str, task: Task) {
    match task {
        Task::Reconcile => controllers::run(world, region, cluster),
    }
}
