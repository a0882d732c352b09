//! Carries out a plan, and nothing else: everything whose turn has come runs at once, critical path first.

mod act;
mod converge;
mod error;
mod run;

use std::collections::BTreeMap;

use crate::address::Address;
use crate::cloud::Cloud;
use crate::event::Listener;
use crate::plan::{Basis, Plan};
use crate::resources::Wanted;
use crate::state::Journal;

pub use error::{ActError, NO_ROOM, RunError, hint};
pub use run::{Report, run};

/// Everything that carrying out a plan needs.
pub struct Job<'a> {
    /// Both clouds.
    pub cloud: &'a Cloud,
    /// What to do.
    pub plan: &'a Plan,
    /// What the plan was made from.
    pub basis: Basis<'a>,
    /// What makes resources ours, and what the file asks.
    pub wanted: Wanted<'a>,
    /// Where every step is made durable.
    pub journal: &'a Journal,
    /// Who hears of it.
    pub listener: &'a dyn Listener,
    /// Turns true when nothing new may start.
    pub stop: tokio::sync::watch::Receiver<bool>,
}

/// The outputs of each resource that is there, as they become known.
type Known = BTreeMap<Address, crate::resources::Outputs>;
