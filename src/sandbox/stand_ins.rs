//! Small manifests in place of published ones that a sandbox without internet can't fetch.
//!
//! They have the same workloads and resource types, and a label that says what they are. Only the sandbox hands them
//! over, so that none can reach a real cluster.

use serde_json::{Value, json};

/// The label that every object of a stand-in carries.
pub const LABEL: &str = "groundwork.dev/stand-in";

/// A stand-in that can't be read: the program was built from a broken one.
#[derive(Debug, thiserror::Error)]
#[error("the stand-in for Argo CD's manifest can't be read")]
pub struct Unreadable(#[source] Box<serde_saphyr::Error>);

/// What stands in for Argo CD's install manifest.
///
/// # Errors
/// When the program was built from a broken one.
pub fn argocd() -> Result<Vec<Value>, Unreadable> {
    let text = include_str!("stand_ins/argocd.yaml");
    let mut objects: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| Unreadable(Box::new(error)))?;
    for object in &mut objects {
        object["metadata"]["labels"][LABEL] = json!("true");
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn it_has_the_objects_of_the_published_manifest() {
        let objects = argocd().unwrap();
        let mut kinds = BTreeMap::new();
        let mut names = BTreeSet::new();
        for object in &objects {
            let kind = object["kind"].as_str().unwrap();
            *kinds.entry(kind).or_insert(0) += 1;
            assert!(names.insert((kind, object["metadata"]["name"].as_str().unwrap())));
            assert_eq!(object["metadata"]["labels"][LABEL], "true");
            assert_eq!(object["metadata"].get("namespace"), None);
        }
        let expected = [
            ("ClusterRole", 3),
            ("ClusterRoleBinding", 3),
            ("ConfigMap", 7),
            ("CustomResourceDefinition", 3),
            ("Deployment", 6),
            ("NetworkPolicy", 7),
            ("Role", 6),
            ("RoleBinding", 6),
            ("Secret", 2),
            ("Service", 8),
            ("ServiceAccount", 7),
            ("StatefulSet", 1),
        ];
        assert_eq!(kinds, BTreeMap::from(expected));
    }
}
