//! A cluster that somebody else made.

use serde_json::{Value, json};

use super::Resolver;
use crate::environment::faults::Fault;
use crate::environment::model::ExistingCluster;
use crate::environment::raw;
use crate::environment::source::Path;

/// What may be said of such a cluster.
const SAID: [&str; 2] = ["existing", "name"];

impl Resolver<'_> {
    pub(super) fn existing_cluster(&mut self) -> Option<ExistingCluster> {
        let raw = self.file.cluster.as_ref().filter(|raw| raw.existing)?;
        let at = Path::of(["cluster"]);
        for key in ours_to_say(raw) {
            let fault = Fault::key(
                &at.to(&key),
                format!("`{key}` can't be said of a cluster that is not ours"),
            );
            let fault = fault.also(&at.to("existing"), "it exists without us");
            self.faults.add(fault.remedy(format!(
                "take `{key}` out; who made the cluster says it, or take `existing` out and groundwork makes one"
            )));
        }
        let name = self.cluster_name()?.to_owned();
        Some(ExistingCluster { name })
    }

    /// Whether anything that the file asks for is in AWS, or has to be looked up there.
    pub(super) fn asks_aws(&self) -> bool {
        let file = self.file;
        file.cluster.as_ref().is_some_and(|raw| !raw.existing)
            || file.network.is_some()
            || !file.databases.is_empty()
            || !file.caches.is_empty()
            || !file.iam.groups.is_empty()
            || !file.secrets.is_empty()
            || !file.registries.is_empty()
            || !file.dns.records.is_empty()
    }
}

/// What the file says, and only who makes a cluster can say. What equals the default says nothing.
fn ours_to_say(raw: &raw::Cluster) -> Vec<String> {
    let said = json!(raw);
    let silent = serde_json::from_value::<raw::Cluster>(json!({})).map(|silent| json!(silent));
    let silent = silent.unwrap_or_default();
    let said = said.as_object().into_iter().flatten();
    said.filter(|(key, value)| !SAID.contains(&key.as_str()) && silent.get(key) != Some(*value))
        .filter(|(_, value)| !value.is_null() && **value != Value::Bool(false))
        .map(|(key, _)| key.clone())
        .collect()
}
