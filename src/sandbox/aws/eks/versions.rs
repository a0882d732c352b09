//! The Kubernetes versions that EKS offers.

use super::invalid;
use crate::sandbox::aws::{Fault, Fields, Params, Reply};
use crate::sandbox::time::SimTime;

/// How EKS supports a version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Support {
    None,
    Extended,
    Standard,
}

/// One version: minor and patch, the build of EKS's own part, support, and the days on which it was
/// released and its standard and extended support end.
struct Version {
    minor: &'static str,
    patch: &'static str,
    platform: &'static str,
    support: Support,
    days: [&'static str; 3],
}

/// The version of a cluster that asks for none.
const DEFAULT: &str = "1.35";

/// Oldest first.
const VERSIONS: [Version; 6] = [
    Version {
        minor: "1.30",
        patch: "1.30.14",
        platform: "eks.55",
        support: Support::None,
        days: ["2024-05-23", "2025-07-23", "2026-07-23"],
    },
    Version {
        minor: "1.31",
        patch: "1.31.14",
        platform: "eks.51",
        support: Support::Extended,
        days: ["2024-09-26", "2025-11-26", "2026-11-26"],
    },
    Version {
        minor: "1.32",
        patch: "1.32.13",
        platform: "eks.44",
        support: Support::Extended,
        days: ["2025-01-23", "2026-03-23", "2027-03-23"],
    },
    Version {
        minor: "1.33",
        patch: "1.33.10",
        platform: "eks.37",
        support: Support::Standard,
        days: ["2025-05-29", "2026-12-29", "2027-12-29"],
    },
    Version {
        minor: "1.34",
        patch: "1.34.6",
        platform: "eks.24",
        support: Support::Standard,
        days: ["2025-10-02", "2027-02-02", "2028-02-02"],
    },
    Version {
        minor: "1.35",
        patch: "1.35.3",
        platform: "eks.12",
        support: Support::Standard,
        days: ["2026-01-27", "2027-05-27", "2028-05-27"],
    },
];

fn find(minor: &str) -> Option<&'static Version> {
    VERSIONS.iter().find(|version| version.minor == minor)
}

/// The version that a request means; one that EKS does not offer is refused.
pub(super) fn resolve(asked: Option<&str>) -> Result<String, Fault> {
    let asked = asked.filter(|asked| !asked.is_empty()).unwrap_or(DEFAULT);
    match find(asked) {
        Some(version) if version.support != Support::None => Ok(asked.to_owned()),
        Some(_) | None => Err(invalid(format!("unsupported Kubernetes version {asked}"))),
    }
}

/// How far a version stands behind another: 2 for 1.33 behind 1.35.
pub(super) fn behind(version: &str, other: &str) -> i64 {
    let minor = |version: &str| {
        let minor = version.rsplit('.').next().unwrap_or_default();
        minor.parse::<i64>().unwrap_or_default()
    };
    minor(other) - minor(version)
}

/// Every version, oldest first.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    VERSIONS.iter().map(|version| version.minor)
}

/// The build of EKS's own part.
pub(super) fn platform(minor: &str) -> &'static str {
    find(minor).map_or("eks.1", |version| version.platform)
}

/// The newest image for the nodes of a version.
pub(super) fn node_release(minor: &str) -> String {
    let patch = find(minor).map_or(minor, |version| version.patch);
    format!("{patch}-20261105")
}

pub(super) fn describe(params: &Params) -> Result<Reply, Fault> {
    let asked = params.texts("clusterVersions");
    let default_only = params.flag("defaultOnly") == Some(true);
    let all = params.flag("includeAll") == Some(true) || !asked.is_empty();
    let status = params
        .text("status")
        .or_else(|| params.text("versionStatus"));
    let status = status.map(|status| status.to_uppercase().replace('-', "_"));
    let wanted = |version: &&Version| {
        let (_, word) = words(version.support);
        (asked.is_empty() || asked.iter().any(|asked| asked == version.minor))
            && (!default_only || version.minor == DEFAULT)
            && (all || status.is_some() || version.support != Support::None)
            && status.as_ref().is_none_or(|status| status == word)
    };
    let found = VERSIONS.iter().rev().filter(wanted).map(render);
    Ok(Fields::new()
        .list("clusterVersions", "member", found)
        .into())
}

/// `status` and `versionStatus` of a version.
fn words(support: Support) -> (&'static str, &'static str) {
    match support {
        Support::None => ("unsupported", "UNSUPPORTED"),
        Support::Extended => ("extended-support", "EXTENDED_SUPPORT"),
        Support::Standard => ("standard-support", "STANDARD_SUPPORT"),
    }
}

fn render(version: &Version) -> Reply {
    let (status, version_status) = words(version.support);
    let [released, standard, extended] = version.days.map(midnight);
    Fields::new()
        .with("clusterVersion", version.minor)
        .with("clusterType", "eks")
        .with("defaultPlatformVersion", version.platform)
        .with("defaultVersion", version.minor == DEFAULT)
        .maybe("releaseDate", released)
        .maybe("endOfStandardSupportDate", standard)
        .maybe("endOfExtendedSupportDate", extended)
        .with("status", status)
        .with("versionStatus", version_status)
        .with("kubernetesPatchVersion", version.patch)
        .into()
}

fn midnight(day: &str) -> Option<SimTime> {
    let time: jiff::Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
    u64::try_from(time.as_millisecond()).ok().map(SimTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_together() {
        assert!(find(DEFAULT).is_some_and(|version| version.support == Support::Standard));
        for pair in VERSIONS.windows(2) {
            assert_eq!(behind(pair[0].minor, pair[1].minor), 1);
        }
        for version in &VERSIONS {
            assert!(version.patch.starts_with(version.minor));
            assert!(version.days.iter().all(|day| midnight(day).is_some()));
        }
    }

    #[test]
    fn only_supported_versions_are_taken() {
        assert_eq!(resolve(None), Ok("1.35".to_owned()));
        assert_eq!(resolve(Some("1.31")), Ok("1.31".to_owned()));
        assert!(resolve(Some("1.30")).is_err());
        assert!(resolve(Some("1.19")).is_err());
    }
}
