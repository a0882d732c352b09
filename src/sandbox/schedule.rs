//! What the world will do by itself, and when: the state changes that AWS makes minutes after a call.

use serde::{Deserialize, Serialize};

use super::time::SimTime;
use super::{aws, kubernetes};

/// One thing that the world does by itself at a set moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Task {
    /// Something in AWS, in one region (global services use `aws-global`).
    Aws {
        /// The region whose service acts.
        region: String,
        /// What it does.
        task: aws::Task,
    },
    /// Something in the Kubernetes cluster of this name in this region.
    Kubernetes {
        /// The region of the EKS cluster.
        region: String,
        /// The name of the EKS cluster.
        cluster: String,
        /// What its controllers do.
        task: kubernetes::Task,
    },
}

/// Tasks in the order in which they fall due; equal moments keep the order in which they were added.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Schedule {
    entries: Vec<(SimTime, Task)>,
}

impl Schedule {
    /// Adds a task that falls due at `due`.
    pub fn add(&mut self, due: SimTime, task: Task) {
        let position = self.entries.partition_point(|(other, _)| *other <= due);
        self.entries.insert(position, (due, task));
    }

    /// Drops what the controllers of a cluster meant to do.
    pub fn forget_cluster(&mut self, gone_region: &str, gone: &str) {
        self.entries.retain(|(_, task)| {
            !matches!(task, Task::Kubernetes { region, cluster, .. } if region == gone_region && cluster == gone)
        });
    }

    /// Takes the first task that is due at or before `now`.
    pub fn pop_due(&mut self, now: SimTime) -> Option<(SimTime, Task)> {
        (self.entries.first()?.0 <= now).then(|| self.entries.remove(0))
    }
}
