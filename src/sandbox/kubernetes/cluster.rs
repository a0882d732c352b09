//! A cluster as stored: its objects, and its latest changes for those who watch.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::{labels, name, namespace, set};
use super::{defaults, kinds};
use crate::sandbox::ids::IdSource;
use crate::sandbox::time::SimTime;

/// How many changes are remembered; a watch from before them is told to list again.
const REMEMBERED: usize = 500;

/// One cluster: its objects and what its controllers remember.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Cluster {
    /// The name of the EKS cluster.
    pub name: String,
    /// Its region.
    pub region: String,
    /// The Kubernetes version, such as `1.35`.
    pub version: String,
    /// Whether EKS Auto Mode is on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_mode: bool,
    /// The number of the last change.
    pub resource_version: u64,
    /// Objects by `resource.group` (`deployments.apps`, `pods`), then by `namespace/name` (`/name` without a namespace).
    pub objects: BTreeMap<String, BTreeMap<String, Value>>,
    /// The latest changes, oldest first.
    pub(super) changes: Vec<Change>,
    /// The number of the last change that is no longer remembered.
    pub(super) forgotten: u64,
    /// When what the controllers wait for falls due, by what it is.
    pub(super) timers: BTreeMap<String, SimTime>,
    /// When the controllers will look again.
    pub(super) wakes: BTreeSet<SimTime>,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Event {
    Added,
    Modified,
    Deleted,
}

/// One change, as a watch needs to know it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Change {
    pub version: u64,
    pub resource: String,
    pub key: String,
    pub event: Event,
    /// The labels before, where a change touched them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_before: Option<BTreeMap<String, String>>,
    /// The last state of a deleted object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Value>,
}

impl fmt::Debug for Cluster {
    /// Counts only: the objects hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.objects.values().map(BTreeMap::len).sum();
        formatter
            .debug_struct("Cluster")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("resource_version", &self.resource_version)
            .field("objects", &count)
            .finish_non_exhaustive()
    }
}

/// How an object is found within its resource.
pub(super) fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// The key of an object.
pub(super) fn key_of(object: &Value) -> String {
    key(namespace(object), name(object))
}

impl Cluster {
    /// One object; `namespace` is empty for a cluster-wide one.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(resource)?.get(&key(namespace, name))
    }

    /// All objects of a resource, by namespace and name.
    pub fn all(&self, resource: &str) -> impl Iterator<Item = &Value> {
        self.objects
            .get(resource)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Clones of all objects of a resource, for a controller that changes some of them.
    pub(super) fn snapshot(&self, resource: &str) -> Vec<Value> {
        self.all(resource).cloned().collect()
    }

    /// The objects of a resource in one namespace.
    pub(super) fn within<'a>(
        &'a self,
        resource: &str,
        wanted: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        self.all(resource)
            .filter(move |object| namespace(object) == wanted)
    }

    /// Stores an object under the next version number, unless nothing about it is new. Returns it as stored.
    pub(super) fn put(&mut self, resource: &str, mut object: Value) -> Value {
        let key = key_of(&object);
        let before = self.objects.get(resource).and_then(|all| all.get(&key));
        if let Some(before) = before {
            set(
                &mut object,
                "/metadata/resourceVersion",
                before["metadata"]["resourceVersion"].clone(),
            );
            if *before == object {
                return object;
            }
        }
        let labels_before = before
            .map(labels)
            .filter(|before| *before != labels(&object));
        let event = if before.is_some() {
            Event::Modified
        } else {
            Event::Added
        };
        self.resource_version += 1;
        set(
            &mut object,
            "/metadata/resourceVersion",
            self.resource_version.to_string(),
        );
        self.record(resource, &key, event, labels_before, None);
        self.objects
            .entry(resource.to_owned())
            .or_default()
            .insert(key, object.clone());
        object
    }

    /// Takes an object out of the store.
    pub(super) fn take(&mut self, resource: &str, key: &str) -> Option<Value> {
        let all = self.objects.get_mut(resource)?;
        let mut object = all.remove(key)?;
        if all.is_empty() {
            self.objects.remove(resource);
        }
        self.resource_version += 1;
        set(
            &mut object,
            "/metadata/resourceVersion",
            self.resource_version.to_string(),
        );
        self.record(resource, key, Event::Deleted, None, Some(object.clone()));
        Some(object)
    }

    fn record(
        &mut self,
        resource: &str,
        key: &str,
        event: Event,
        labels_before: Option<BTreeMap<String, String>>,
        last: Option<Value>,
    ) {
        self.changes.push(Change {
            version: self.resource_version,
            resource: resource.to_owned(),
            key: key.to_owned(),
            event,
            labels_before,
            last,
        });
        if self.changes.len() > REMEMBERED {
            let dropped = self.changes.remove(0);
            self.forgotten = dropped.version;
        }
    }

    /// Whether `seconds` have passed since this was first asked about `what`. The first question starts the timer.
    pub(super) fn has_passed(&mut self, what: String, seconds: u64, now: SimTime) -> bool {
        let due = *self
            .timers
            .entry(what)
            .or_insert_with(|| now.after_secs(seconds));
        due <= now
    }

    /// Forgets a timer, so that the next question starts it anew.
    pub(super) fn forget_timer(&mut self, what: &str) {
        self.timers.remove(what);
    }
}

/// A cluster that is being changed, with what new objects need.
pub(super) struct Editor<'a> {
    pub cluster: &'a mut Cluster,
    pub ids: &'a mut IdSource,
    pub now: SimTime,
}

impl Editor<'_> {
    /// The present moment as objects write it.
    pub fn time(&self) -> String {
        self.now.to_rfc3339()
    }

    /// Gives a new object what the API server gives each one.
    pub fn stamp(&mut self, object: &mut Value) {
        set(object, "/metadata/uid", self.ids.uuid());
        set(object, "/metadata/creationTimestamp", self.time());
    }

    /// Creates an object on a controller's behalf; one that exists stays as it is.
    pub fn create(&mut self, resource: &str, mut object: Value) -> Value {
        if let Some(existing) = self
            .cluster
            .get(resource, namespace(&object), name(&object))
        {
            return existing.clone();
        }
        self.stamp(&mut object);
        if let Some(kind) = kinds::stored(self.cluster, resource) {
            if kind.counts_generations() {
                set(&mut object, "/metadata/generation", 1);
            }
            defaults::complete(&kind, &mut object, None, self.cluster);
        }
        self.cluster.put(resource, object)
    }

    /// Changes an object on a controller's behalf; one that is gone is passed over.
    pub fn edit(&mut self, resource: &str, key: &str, change: impl FnOnce(&mut Value)) {
        let found = self
            .cluster
            .objects
            .get(resource)
            .and_then(|all| all.get(key));
        if let Some(mut object) = found.cloned() {
            change(&mut object);
            self.cluster.put(resource, object);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(value: &str) -> Value {
        json!({"metadata": {"name": "a", "namespace": "n"}, "data": {"password": value}})
    }

    #[test]
    fn storing_the_same_again_is_no_change() {
        let mut cluster = Cluster::default();
        let first = cluster.put("secrets", secret("eA=="));
        let second = cluster.put("secrets", secret("eA=="));
        assert_eq!(first, second);
        assert_eq!((cluster.resource_version, cluster.changes.len()), (1, 1));
        cluster.put("secrets", secret("eQ=="));
        assert_eq!(cluster.changes[1].event, Event::Modified);
        cluster.take("secrets", "n/a");
        assert_eq!(cluster.resource_version, 3);
        assert!(cluster.objects.is_empty());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let mut cluster = Cluster::default();
        cluster.put("secrets", secret("c2VjcmV0"));
        assert!(!format!("{cluster:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn old_changes_are_forgotten() {
        let mut cluster = Cluster::default();
        for round in 0..REMEMBERED + 10 {
            cluster.put("secrets", secret(&round.to_string()));
        }
        assert_eq!((cluster.changes.len(), cluster.forgotten), (REMEMBERED, 10));
    }
}
