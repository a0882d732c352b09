//! Volumes that StatefulSets of ours claim. Kubernetes keeps the claims when the set goes. In a namespace of ours they go with
//! that; in one that somebody else keeps nobody would ever take them away, so there they go with their set.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::{Value, json};

use super::api;
use super::id::ObjectId;
use crate::cloud::{Class, Fault};
use crate::resources::{Fields, Wanted, cluster};

/// The member of an observed manifest that names them.
const CLAIMED: &str = "claimed";

/// What the names of the claims of some StatefulSets begin with, before a number, each with its namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(BTreeSet<(String, String)>);

impl Claims {
    /// Those of these StatefulSets; of anything else there are none.
    pub fn of<'a>(manifests: impl Iterator<Item = &'a Value>) -> Self {
        let sets = manifests.filter(|manifest| manifest["kind"] == "StatefulSet");
        let begins = sets.flat_map(|set| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (namespace, name) = (
                text(&set["metadata"]["namespace"]),
                text(&set["metadata"]["name"]),
            );
            let templates = set["spec"]["volumeClaimTemplates"].as_array();
            let templates = templates.into_iter().flatten();
            templates.map(move |claim| {
                let claim = text(&claim["metadata"]["name"]);
                (namespace.clone(), format!("{claim}-{name}-"))
            })
        });
        Self(begins.collect())
    }

    /// Whether `object` is one of them.
    pub fn include(&self, object: &Value) -> bool {
        let (namespace, name) = (
            &object["metadata"]["namespace"],
            &object["metadata"]["name"],
        );
        let name = name.as_str().unwrap_or_default();
        object["kind"] == "PersistentVolumeClaim"
            && self.0.iter().any(|(stands_in, begins)| {
                let number = name.strip_prefix(begins.as_str());
                let number = number.filter(|rest| rest.parse::<u32>().is_ok());
                namespace == stands_in && number.is_some()
            })
    }

    /// Those that are there; none where we may not list claims.
    ///
    /// # Errors
    /// The fault of the first call that failed.
    pub async fn made(&self, client: &Client) -> Result<Option<Vec<ObjectId>>, Fault> {
        let namespaces: BTreeSet<&str> = self.0.iter().map(|(namespace, _)| &**namespace).collect();
        let mut made = Vec::new();
        for namespace in namespaces {
            let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims");
            let listed =
                match api::list_at(client, &path, ["v1", "PersistentVolumeClaim"], "").await {
                    Err(fault) if fault.class == Class::Forbidden => return Ok(None),
                    listed => listed?.unwrap_or_default(),
                };
            let ours = listed.iter().filter(|claim| self.include(claim));
            made.extend(ours.filter_map(ObjectId::of));
        }
        Ok(Some(made))
    }
}

/// Whether the claims of what stands at `id` go with it: it is in a namespace that somebody else keeps.
pub fn go_along(wanted: &Wanted<'_>, id: &ObjectId) -> bool {
    let own = wanted.names(super::NAMESPACE.name);
    id.kind == "StatefulSet"
        && cluster::existing::is_used(wanted)
        && !own.contains_key(&id.namespace)
}

/// Takes down in the fields of a StatefulSet that goes which claims go with it.
pub fn take_down(fields: &mut Fields, claims: Option<&[ObjectId]>) {
    let named = claims.map(|claims| claims.iter().map(|claim| claim.name.clone()).collect());
    let named: Vec<String> =
        named.unwrap_or_else(|| vec!["any (which we may not list)".to_owned()]);
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
