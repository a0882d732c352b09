//! The add-ons that the sandbox offers, and their versions.

use super::versions;
use crate::sandbox::aws::{Fault, Fields, Params, Reply};

/// A version of an add-on, and the oldest and the newest Kubernetes that it goes with.
type Offer = (&'static str, &'static str, &'static str);

/// An add-on, and its versions, newest first: the first that goes with a Kubernetes is that one's default.
const OFFERED: [(&str, &[Offer]); 5] = [
    (
        "aws-ebs-csi-driver",
        &[
            ("v1.51.0-eksbuild.1", "1.30", "1.35"),
            ("v1.50.1-eksbuild.1", "1.30", "1.35"),
        ],
    ),
    (
        "coredns",
        &[
            ("v1.13.1-eksbuild.1", "1.35", "1.35"),
            ("v1.12.4-eksbuild.1", "1.34", "1.35"),
            ("v1.12.1-eksbuild.2", "1.33", "1.34"),
            ("v1.11.4-eksbuild.24", "1.30", "1.33"),
        ],
    ),
    (
        "eks-pod-identity-agent",
        &[
            ("v1.3.9-eksbuild.3", "1.30", "1.35"),
            ("v1.3.8-eksbuild.2", "1.30", "1.35"),
        ],
    ),
    (
        "kube-proxy",
        &[
            ("v1.35.0-eksbuild.2", "1.35", "1.35"),
            ("v1.34.1-eksbuild.2", "1.34", "1.35"),
            ("v1.33.5-eksbuild.2", "1.33", "1.35"),
            ("v1.32.9-eksbuild.2", "1.32", "1.34"),
            ("v1.31.13-eksbuild.2", "1.30", "1.33"),
        ],
    ),
    (
        "vpc-cni",
        &[
            ("v1.20.4-eksbuild.2", "1.30", "1.35"),
            ("v1.20.3-eksbuild.1", "1.30", "1.35"),
        ],
    ),
];

fn of(name: &str) -> &'static [Offer] {
    let found = OFFERED.iter().find(|(known, _)| *known == name);
    found.map_or(&[], |(_, versions)| versions)
}

fn goes_with(kubernetes: &str, oldest: &str, newest: &str) -> bool {
    versions::behind(oldest, kubernetes) >= 0 && versions::behind(kubernetes, newest) >= 0
}

/// Whether there is such an add-on.
pub(super) fn is_known(name: &str) -> bool {
    !of(name).is_empty()
}

/// Whether an add-on has this version for this Kubernetes.
pub(super) fn is_offered(name: &str, kubernetes: &str, version: &str) -> bool {
    let mut versions = of(name).iter();
    versions
        .any(|(known, oldest, newest)| *known == version && goes_with(kubernetes, oldest, newest))
}

/// The version of an add-on for this Kubernetes that is not told which.
pub(super) fn default_version(name: &str, kubernetes: &str) -> Option<String> {
    let mut versions = of(name).iter();
    let default = versions.find(|(_, oldest, newest)| goes_with(kubernetes, oldest, newest));
    default.map(|(version, ..)| (*version).to_owned())
}

pub(super) fn describe(params: &Params) -> Result<Reply, Fault> {
    let asked = params.text("addonName");
    let kubernetes = params.text("kubernetesVersion");
    let addons = OFFERED.iter();
    let addons = addons.filter(|(name, _)| asked.as_ref().is_none_or(|asked| asked == name));
    let addons = addons.map(|(name, offered)| {
        let offered = offered.iter().filter_map(|(version, oldest, newest)| {
            let compatible: Vec<Fields> = versions::all()
                .filter(|minor| goes_with(minor, oldest, newest))
                .filter(|minor| kubernetes.as_ref().is_none_or(|asked| asked == minor))
                .map(|minor| {
                    let default = default_version(name, minor);
                    Fields::new()
                        .with("clusterVersion", minor)
                        .list("platformVersions", "member", ["*"])
                        .with("defaultVersion", default.as_deref() == Some(*version))
                })
                .collect();
            (!compatible.is_empty()).then(|| {
                Fields::new()
                    .with("addonVersion", *version)
                    .list("architecture", "member", ["amd64", "arm64"])
                    .list("compatibilities", "member", compatible)
            })
        });
        Fields::new()
            .with("addonName", *name)
            .with("type", "networking")
            .list("addonVersions", "member", offered)
            .with("publisher", "eks")
            .with("owner", "aws")
    });
    Ok(Fields::new().list("addons", "member", addons).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kubernetes_has_a_default_of_each_addon() {
        for minor in versions::all() {
            for (name, _) in OFFERED {
                let default = default_version(name, minor).expect("a default");
                assert!(is_offered(name, minor, &default), "{name} {minor}");
            }
        }
        assert_eq!(
            default_version("kube-proxy", "1.34").as_deref(),
            Some("v1.34.1-eksbuild.2")
        );
        assert!(!is_offered("kube-proxy", "1.34", "v1.35.0-eksbuild.2"));
    }
}
