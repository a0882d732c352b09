//! Which cluster a thing in AWS says that it belongs to.

use crate::resources::{TAG_LINEAGE, Tags};

/// Tags whose value is a cluster's name: the Load Balancer Controller's, EKS Auto Mode's, EKS's own, the VPC CNI's
/// and that of older controllers.
const NAMING: [&str; 6] = [
    "elbv2.k8s.aws/cluster",
    "eks:eks-cluster-name",
    "eks:cluster-name",
    "aws:eks:cluster-name",
    "cluster.k8s.amazonaws.com/name",
    "KubernetesCluster",
];

/// Begins the tag that carries a cluster's name in its key.
const OWNED: &str = "kubernetes.io/cluster/";

/// Whose a thing is, by its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It names the cluster.
    Cluster,
    /// It names another one, or is a resource of an environment and not a leftover.
    Other,
    /// It names none.
    None,
}

/// Reads the mark in `tags`.
pub fn mark(tags: &Tags, cluster: &str) -> Mark {
    if tags.contains_key(TAG_LINEAGE) {
        return Mark::Other;
    }
    let named = NAMING.iter().filter_map(|key| tags.get(*key));
    let owned = tags
        .iter()
        .filter(|(_, value)| *value == "owned")
        .filter_map(|(key, _)| key.strip_prefix(OWNED));
    let mut names = named.map(String::as_str).chain(owned).peekable();
    if names.peek().is_none() {
        Mark::None
    } else if names.any(|name| name == cluster) {
        Mark::Cluster
    } else {
        Mark::Other
    }
}

/// The keys of all tags that can name `cluster`.
pub fn keys(cluster: &str) -> Vec<String> {
    let naming = NAMING.into_iter().map(str::to_owned);
    naming.chain([owned(cluster).0]).collect()
}

/// The key and value of the tag that makes a thing the cluster's.
pub fn owned(cluster: &str) -> (String, &'static str) {
    (format!("{OWNED}{cluster}"), "owned")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(pairs: &[(&str, &str)]) -> Mark {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        mark(&pairs.collect(), "ms")
    }

    #[test]
    fn a_thing_is_the_clusters_only_if_it_names_it() {
        assert_eq!(
            marked(&[("kubernetes.io/cluster/ms", "owned")]),
            Mark::Cluster
        );
        assert_eq!(marked(&[("elbv2.k8s.aws/cluster", "ms")]), Mark::Cluster);
        assert_eq!(marked(&[("eks:eks-cluster-name", "ms")]), Mark::Cluster);
        assert_eq!(marked(&[("eks:eks-cluster-name", "ms2")]), Mark::Other);
        assert_eq!(
            marked(&[("kubernetes.io/cluster/ms2", "owned")]),
            Mark::Other
        );
        // A subnet that the cluster may use is not the cluster's.
        assert_eq!(
            marked(&[("kubernetes.io/cluster/ms", "shared")]),
            Mark::None
        );
        assert_eq!(marked(&[("Name", "ms")]), Mark::None);
    }

    #[test]
    fn a_resource_is_no_leftover() {
        let tags = [("kubernetes.io/cluster/ms", "owned"), (TAG_LINEAGE, "x")];
        assert_eq!(marked(&tags), Mark::Other);
    }
}
