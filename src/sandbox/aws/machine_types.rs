//! The machines that AWS offers, as families and sizes: EC2 instances, database classes and cache nodes.

/// A family and the sizes that it comes in, such as `t3` and `["micro", "small"]`.
pub type Family = (&'static str, &'static [&'static str]);

const SMALL: &[&str] = &[
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge",
];
const SMALL_DATABASE: &[&str] = &["micro", "small", "medium", "large", "xlarge", "2xlarge"];
const SMALL_CACHE: &[&str] = &["micro", "small", "medium"];
const OLD: &[&str] = &["large", "xlarge", "2xlarge", "4xlarge", "10xlarge"];
const LARGE: &[&str] = &[
    "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge",
];
const LARGE_ARM: &[&str] = &[
    "large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge",
];

/// EC2 instances that can be worker nodes.
pub const INSTANCES: &[Family] = &[
    ("t3", SMALL),
    ("t3a", SMALL),
    ("t4g", SMALL),
    ("m5", LARGE),
    ("m6i", LARGE),
    ("m7i", LARGE),
    ("m6g", LARGE_ARM),
    ("m7g", LARGE_ARM),
    ("c5", LARGE),
    ("c6i", LARGE),
    ("c7i", LARGE),
    ("c6g", LARGE_ARM),
    ("c7g", LARGE_ARM),
    ("r5", LARGE),
    ("r6i", LARGE),
    ("r7i", LARGE),
    ("r6g", LARGE_ARM),
    ("r7g", LARGE_ARM),
];

/// Database classes, after `db.`.
pub const DATABASES: &[Family] = &[
    ("t3", SMALL_DATABASE),
    ("t4g", SMALL_DATABASE),
    ("m5", LARGE),
    ("m6i", LARGE),
    ("m7i", LARGE),
    ("m6g", LARGE_ARM),
    ("m7g", LARGE_ARM),
    ("r5", LARGE),
    ("r6i", LARGE),
    ("r7i", LARGE),
    ("r6g", LARGE_ARM),
    ("r7g", LARGE_ARM),
];

/// Cache nodes, after `cache.`.
pub const CACHES: &[Family] = &[
    ("t2", SMALL_CACHE),
    ("t3", SMALL_CACHE),
    ("t4g", SMALL_CACHE),
    ("m4", OLD),
    ("m5", LARGE),
    ("m6g", LARGE_ARM),
    ("m7g", LARGE_ARM),
    ("r5", LARGE),
    ("r6g", LARGE_ARM),
    ("r7g", LARGE_ARM),
];

/// Whether `name`, without the service's prefix, is one of `families`.
pub fn is_known(families: &[Family], name: &str) -> bool {
    name.split_once('.').is_some_and(|(family, size)| {
        families
            .iter()
            .any(|(known, sizes)| *known == family && sizes.contains(&size))
    })
}

/// Every name of `families`, each behind `prefix`.
pub fn names(families: &'static [Family], prefix: &str) -> impl Iterator<Item = String> {
    families.iter().flat_map(move |(family, sizes)| {
        sizes
            .iter()
            .map(move |size| format!("{prefix}{family}.{size}"))
    })
}

/// Whether the instances of a type have ARM processors: Graviton families end in `g` after their number.
pub fn is_arm(name: &str) -> bool {
    let family = name.split('.').next().unwrap_or_default();
    let generation = family.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    generation
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .starts_with('g')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_offered_sizes_are_known() {
        assert!(is_known(DATABASES, "t3.micro"));
        assert!(!is_known(DATABASES, "t3.nano"));
        assert!(!is_known(DATABASES, "t9.micro"));
        assert!(!is_known(DATABASES, "micro"));
        assert!(names(CACHES, "cache.").any(|name| name == "cache.t4g.micro"));
    }

    #[test]
    fn graviton_is_told_by_the_letter_after_the_number() {
        assert!(is_arm("t4g.small") && is_arm("m7g.large"));
        assert!(!is_arm("t3.medium") && !is_arm("m6i.large"));
    }
}
