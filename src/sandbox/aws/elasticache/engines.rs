//! The engines and versions that ElastiCache offers.

use crate::sandbox::aws::subnet_groups::marker_page;
use crate::sandbox::aws::{Call, Fault, Fields, Reply};

/// One version on offer: engine, version as it is asked for, version as clusters show it, parameter family.
type Version = (&'static str, &'static str, &'static str, &'static str);

/// Oldest first; the newest of an engine is its default.
const VERSIONS: [Version; 9] = [
    ("memcached", "1.6.22", "1.6.22", "memcached1.6"),
    ("redis", "5.0.6", "5.0.6", "redis5.0"),
    ("redis", "6.0", "6.0.5", "redis6.x"),
    ("redis", "6.2", "6.2.6", "redis6.x"),
    ("redis", "7.0", "7.0.7", "redis7"),
    ("redis", "7.1", "7.1.0", "redis7"),
    ("valkey", "7.2", "7.2.6", "valkey7"),
    ("valkey", "8.0", "8.0.1", "valkey8"),
    ("valkey", "8.1", "8.1.0", "valkey8"),
];

/// The full version that an asked one means; none asked means the newest of the engine.
pub(super) fn resolve(engine: &str, asked: Option<&str>) -> Result<&'static str, Fault> {
    let mut offered = VERSIONS.iter().rev().filter(|(name, ..)| *name == engine);
    let found = match asked {
        None => offered.next(),
        Some(asked) => offered.find(|(_, short, full, _)| *short == asked || *full == asked),
    };
    found.map(|(_, _, full, _)| *full).ok_or_else(|| {
        Fault::new(
            "InvalidParameterValue",
            format!(
                "{engine} version {} is not supported",
                asked.unwrap_or_default()
            ),
        )
    })
}

/// Where a version stands among all, oldest first. Valkey stands above redis, from which one can go to it.
pub(super) fn rank(engine: &str, full: &str) -> Option<usize> {
    VERSIONS
        .iter()
        .position(|(name, _, version, _)| *name == engine && *version == full)
}

/// The default parameter group of a version.
pub(super) fn parameter_group(engine: &str, full: &str) -> String {
    let version = rank(engine, full).and_then(|rank| VERSIONS.get(rank));
    format!(
        "default.{}",
        version.map_or(engine, |(_, _, _, family)| family)
    )
}

pub(super) fn describe(call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let default_only = params.flag("DefaultOnly") == Some(true);
    let admits = |member: &str, value: &str| {
        let asked = params.text(member);
        asked.is_none_or(|asked| asked.is_empty() || asked == value)
    };
    let offered = VERSIONS
        .iter()
        .enumerate()
        .filter(|(_, (engine, short, full, family))| {
            admits("Engine", engine)
                && admits("EngineVersion", short)
                && admits("CacheParameterGroupFamily", family)
                && (!default_only || resolve(engine, None).is_ok_and(|newest| newest == *full))
        });
    let described = offered.map(|(rank, (engine, short, full, family))| {
        let reply = Fields::new()
            .with("Engine", *engine)
            .with("EngineVersion", *short)
            .with("CacheParameterGroupFamily", *family)
            .with("CacheEngineDescription", *engine)
            .with(
                "CacheEngineVersionDescription",
                format!("{engine} version {full}"),
            );
        (format!("{rank:03}"), reply.into())
    });
    marker_page(
        params,
        "CacheEngineVersions",
        "CacheEngineVersion",
        described,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_version_means_its_full_one() {
        assert_eq!(resolve("redis", Some("7.1")), Ok("7.1.0"));
        assert_eq!(resolve("redis", None), Ok("7.1.0"));
        assert_eq!(resolve("valkey", Some("8.0.1")), Ok("8.0.1"));
        assert!(resolve("redis", Some("9.9")).is_err());
        assert_eq!(parameter_group("redis", "7.0.7"), "default.redis7");
    }
}
