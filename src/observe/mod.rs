//! What is there: one sweep of both clouds, matched to addresses.
//!
//! Present, absent or unknown: a failed call gives unknown, and nothing may be decided on unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::address::Address;
use crate::cloud::{Class, Cloud, ClusterEndpoint, Fault, Retry, retry};
use crate::resources::inventory::Inventory;
use crate::resources::{CONTROL_PLANE, Condition, Desired, Observed, Owner, Problem, Unseen, Wanted, kind, kinds};
use crate::state::{Action, Entry};
