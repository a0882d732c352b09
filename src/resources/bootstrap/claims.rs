//! Volumes that StatefulSets of ours claim. Kubernetes keeps the claims when the set goes. In a namespace of ours they go with
//! that; in one that somebody else keeps nobody would ever take them away, so there they go with their set.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::{Map, Value, json};

use super::api;
use super::id::ObjectId;
use crate::address::Address;
use crate::cloud::{Class, Fault};
use crate::resources::{Fields, Wanted, cluster};

/// The member of an observed manifest that names them.
const CLAIMED: &str = "claimed";

/// The claims of some StatefulSets.
#[derive(Clone, Debug, Default)]
pub struct Claims<'a>(Vec<Claimed<'a>>);

/// What one StatefulSet makes of one of its templates.
#[derive(Clone, Debug)]
struct Claimed<'a> {
    namespace: &'a str,
    /// What their names begin with, before a number.
    begins: String,
    /// What the set's controller labels them with (k8s.io/kubernetes: `getPersistentVolumeClaims`). What has the name and not
    /// these, somebody made.
    labels: Option<&'a Map<String, Value>>,
}

impl<'a> Claims<'a> {
    /// Those of these StatefulSets; of anything else there are none.
    pub fn of(manifests: impl Iterator<Item = &'a Value>) -> Self {
        let sets = manifests.filter(|manifest| manifest["kind"] == "StatefulSet");
        let claimed = sets.flat_map(|set| {
            let namespace = set["metadata"]["namespace"].as_str().unwrap_or_default();
            let name = set["metadata"]["name"].as_str().unwrap_or_default();
            let labels = set.pointer("/spec/selector/matchLabels");
            let templates = set["spec"]["volumeClaimTemplates"].as_array();
            let templates = templates.into_iter().flatten();
            templates.map(move |claim| Claimed {
                namespace,
                begins: format!(
                    "{}-{name}-",
                    claim["metadata"]["name"].as_str().unwrap_or_default()
                ),
                labels: labels.and_then(Value::as_object),
            })
        });
        Self(claimed.collect())
    }

    /// Whether `object` is one of them.
    pub fn include(&self, object: &Value) -> bool {
        object["kind"] == "PersistentVolumeClaim" && self.0.iter().any(|one| one.includes(object))
    }

    /// Those that are there; none where we may not list claims.
    ///
    /// # Errors
    /// The fault of the first call that failed.
    pub async fn made(&self, client: &Client) -> Result<Option<Vec<ObjectId>>, Fault> {
        let namespaces: BTreeSet<&str> = self.0.iter().map(|one| one.namespace).collect();
        let of_type = ["v1", "PersistentVolumeClaim"];
        let mut made = Vec::new();
        for namespace in namespaces {
            let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims");
            let listed = match api::list_at(client, &path, of_type, "").await {
                Err(fault) if fault.class == Class::Forbidden => return Ok(None),
                listed => listed?.unwrap_or_default(),
            };
            let ours = listed.iter().filter(|claim| self.include(claim));
            made.extend(ours.filter_map(ObjectId::of));
        }
        Ok(Some(made))
    }
}

impl Claimed<'_> {
    fn includes(&self, claim: &Value) -> bool {
        let metadata = &claim["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default();
        let number = name.strip_prefix(self.begins.as_str());
        let mut labels = self.labels.into_iter().flatten();
        metadata["namespace"] == self.namespace
            && number.is_some_and(|rest| rest.parse::<u32>().is_ok())
            && labels.all(|(key, value)| metadata["labels"][key] == *value)
    }
}

/// Whether the claims of what stands at `id` go with it: it is in a namespace that somebody else keeps.
pub fn go_along(wanted: &Wanted<'_>, id: &ObjectId) -> bool {
    let is_ours = || {
        let own = wanted.names(super::NAMESPACE.name);
        own.contains_key(&id.namespace)
    };
    id.kind == "StatefulSet" && cluster::existing::is_used(wanted) && !is_ours()
}

/// Whether they do now: the set at `address` is not to stay, nor to be made anew at once, which takes its claims over.
pub fn go_for_good(wanted: &Wanted<'_>, address: &Address, id: &ObjectId) -> bool {
    let asked = wanted.desired.get(address);
    let asked = asked.and_then(|desired| desired.fields.get("object"));
    let stays = asked.is_some_and(|object| *object == id.to_string());
    go_along(wanted, id) && (wanted.teardown || !stays)
}

/// Takes down in the fields of a StatefulSet that goes which claims go with it.
pub fn take_down(fields: &mut Fields, claims: Option<&[ObjectId]>) {
    let named = claims.map(|claims| claims.iter().map(|claim| claim.name.clone()).collect());
    let unlisted = || vec!["any, which stay, since we may not list them".to_owned()];
    let named: Vec<String> = named.unwrap_or_else(unlisted);
    if let Some(manifest) = fields.get_mut("manifest").filter(|_| !named.is_empty()) {
        manifest[CLAIMED] = json!(named);
    }
}

/// What was taken down so.
pub fn taken_down(fields: &Fields) -> Vec<String> {
    let claimed = fields.get("manifest").and_then(|it| it[CLAIMED].as_array());
    let claimed = claimed.into_iter().flatten().filter_map(Value::as_str);
    claimed.map(str::to_owned).collect()
}
