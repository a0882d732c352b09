//! An embedded AWS and Kubernetes behind the real clients: deterministic, strict, and on a clock of its own.
//!
//! What AWS does is told in FACTS.md; where the sandbox and AWS differ, AWS is right. The sandbox hands over
//! an HTTP client for the AWS SDK and a Kubernetes client, and nothing but `cli` and the tests imports it.

pub mod aws;
pub mod durations;
pub mod ids;
pub mod kubernetes;
pub mod schedule;
pub mod store;
pub mod time;
pub mod world;
