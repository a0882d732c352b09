//! What belongs to a cluster and has a name in it: node groups, access entries.

use std::collections::BTreeSet;

use crate::address::Address;
use crate::resources::sighting::address_by_tag;
use crate::resources::{Fields, Owner, Tags, Wanted, references};

/// The names of a cluster and of a part of it.
pub(super) type PartName = (String, String);

/// The names of the cluster and of the part in it, which together are unique.
pub(super) fn id(cluster: &str, name: &str) -> String {
    format!("{cluster}:{name}")
}

/// The two names again: that of a cluster has no colon.
pub(super) fn names(id: &str) -> (&str, &str) {
    id.split_once(':').unwrap_or(("", id))
}

/// The parts of this kind that the file asks for, that were begun, or that the state remembers.
pub(super) fn wanted(wanted: &Wanted<'_>, kind: &str) -> BTreeSet<PartName> {
    let known = wanted.known().filter(|(_, known, ..)| *known == kind);
    known
        .filter_map(|(.., name, fields)| Some((cluster_of(wanted, fields)?, name.to_owned())))
        .collect()
}

/// The name of the cluster that a part belongs to: the id of a control plane is its name.
pub(super) fn cluster_of(wanted: &Wanted<'_>, fields: &Fields) -> Option<String> {
    let cluster = fields.get("cluster")?;
    if let Some(name) = cluster.as_str() {
        return Some(name.to_owned());
    }
    let (resource, _) = references(cluster).pop_first()?;
    let desired = wanted.desired.get(&resource);
    desired.map(|control_plane| control_plane.name.clone())
}

/// The address that wants a part of this name in this cluster, or what its tags say.
pub(super) fn address(
    wanted: &Wanted<'_>,
    kind: &str,
    (cluster, name): (&str, &str),
    tags: &Tags,
) -> Option<Address> {
    let known = wanted.known().filter(|(_, known, ..)| *known == kind);
    let named = known.filter(|(.., known, fields)| {
        *known == name && cluster_of(wanted, fields).as_deref() == Some(cluster)
    });
    match named.last() {
        Some((address, ..)) => Some(address.clone()),
        None => address_by_tag(kind, wanted, &id(cluster, name), tags),
    }
}

/// Whose a part is that EKS itself may have made: without a lineage it is whose its cluster is.
pub(super) fn owner(of_its_own: Owner, of_its_cluster: &Owner) -> Owner {
    match of_its_own {
        Owner::Other { lineage: None } => of_its_cluster.clone(),
        Owner::Ours | Owner::Other { .. } => of_its_own,
    }
}
