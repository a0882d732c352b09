//! The whole embedded world as one document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::IdSource;
use super::schedule::{Schedule, Task};
use super::time::SimTime;
use super::{aws, kubernetes};

/// The only format this version reads and writes.
pub const FORMAT: u32 = 1;

/// The account number of a new world, the one that AWS's own documentation uses.
pub const DEFAULT_ACCOUNT: &str = "123456789012";

/// Everything that exists in the embedded AWS and its Kubernetes clusters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// Version of this document.
    pub format: u32,
    /// The moment up to which the world has lived.
    pub now: SimTime,
    /// The twelve digits of the one AWS account.
    pub account: String,
    /// Source of identifiers.
    pub ids: IdSource,
    /// What the world will do by itself.
    pub schedule: Schedule,
    /// Services without a region: IAM and Route 53.
    pub global: aws::Global,
    /// Services of each region that was used.
    pub regions: BTreeMap<String, aws::Region>,
    /// The Kubernetes of each EKS cluster, by `region/name`.
    pub clusters: BTreeMap<String, kubernetes::Cluster>,
}

impl World {
    /// A new world: nothing in it but what every AWS account has, and the documented seed.
    pub fn new(account: &str, now: SimTime) -> Self {
        let mut world = Self {
            format: FORMAT,
            now,
            account: account.to_owned(),
            ids: IdSource::default(),
            schedule: Schedule::default(),
            global: aws::Global::default(),
            regions: BTreeMap::new(),
            clusters: BTreeMap::new(),
        };
        aws::seed(&mut world);
        world
    }

    /// The services of `region`, made on first use.
    pub fn region(&mut self, region: &str) -> &mut aws::Region {
        self.regions.entry(region.to_owned()).or_default()
    }

    /// Has `task` done after `seconds` of simulated time.
    pub fn in_secs(&mut self, seconds: u64, task: Task) {
        self.schedule.add(self.now.after_secs(seconds), task);
    }

    /// Lives on until `now`: everything that fell due happens, in order, each at its own moment. Tells whether anything did.
    pub fn advance(&mut self, now: SimTime) -> bool {
        let mut happened = false;
        while let Some((due, task)) = self.schedule.pop_due(now) {
            happened = true;
            self.now = self.now.max(due);
            match task {
                Task::Aws { region, task } => aws::run(self, &region, task),
                Task::Kubernetes {
                    region,
                    cluster,
                    task,
                } => kubernetes::run(self, &region, &cluster, task),
            }
        }
        self.now = self.now.max(now);
        happened
    }
}
