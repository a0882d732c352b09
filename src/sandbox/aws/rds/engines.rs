//! The engines and versions that RDS offers, and what each engine demands.

use crate::sandbox::aws::Fault;

/// A version family: what RDS calls a major version.
pub struct Family {
    /// `mysql` or `postgres`.
    pub engine: &'static str,
    /// The major version.
    pub major: &'static str,
    /// The family of its parameter groups.
    pub parameters: &'static str,
    /// Its versions, oldest first.
    pub versions: &'static [&'static str],
}

/// Oldest first. The newest of an engine is its default.
const FAMILIES: [Family; 6] = [
    Family {
        engine: "mysql",
        major: "8.0",
        parameters: "mysql8.0",
        versions: &["8.0.40", "8.0.41", "8.0.42", "8.0.43", "8.0.44"],
    },
    Family {
        engine: "mysql",
        major: "8.4",
        parameters: "mysql8.4",
        versions: &["8.4.5", "8.4.6", "8.4.7"],
    },
    Family {
        engine: "postgres",
        major: "14",
        parameters: "postgres14",
        versions: &["14.18", "14.19", "14.20"],
    },
    Family {
        engine: "postgres",
        major: "15",
        parameters: "postgres15",
        versions: &["15.13", "15.14", "15.15"],
    },
    Family {
        engine: "postgres",
        major: "16",
        parameters: "postgres16",
        versions: &["16.9", "16.10", "16.11"],
    },
    Family {
        engine: "postgres",
        major: "17",
        parameters: "postgres17",
        versions: &["17.5", "17.6", "17.7"],
    },
];

/// What an engine demands of its users.
pub struct Engine {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub description: &'static str,
    /// The port where none is asked.
    pub port: i64,
    /// The licence.
    pub license: &'static str,
    /// The longest name of a master user.
    pub longest_username: usize,
    /// The longest master password.
    pub longest_password: usize,
    /// Names that a master user can't have.
    pub reserved_usernames: &'static [&'static str],
}

const ENGINES: [Engine; 2] = [
    Engine {
        name: "mysql",
        description: "MySQL Community Edition",
        port: 3306,
        license: "general-public-license",
        longest_username: 16,
        longest_password: 41,
        reserved_usernames: &["rdsadmin", "rdsrepladmin", "mysql"],
    },
    Engine {
        name: "postgres",
        description: "PostgreSQL",
        port: 5432,
        license: "postgresql-license",
        longest_username: 63,
        longest_password: 128,
        reserved_usernames: &["rdsadmin", "rdsrepladmin", "admin", "user"],
    },
];

/// The engine of this name.
pub fn engine(name: &str) -> Result<&'static Engine, Fault> {
    ENGINES
        .iter()
        .find(|engine| engine.name == name)
        .ok_or_else(|| {
            Fault::new(
                "InvalidParameterValue",
                format!("Invalid DB engine: {name}"),
            )
        })
}

/// The families of an engine, oldest first.
pub fn families(engine: &str) -> impl Iterator<Item = &'static Family> {
    let engine = engine.to_owned();
    FAMILIES
        .iter()
        .filter(move |family| family.engine == engine)
}

/// The newest version of a family.
pub fn newest(family: &Family) -> &'static str {
    family.versions.last().copied().unwrap_or(family.major)
}

/// The family and the version that an asked one means: itself, or the newest of its major version. None asked
/// means the newest of all.
pub fn resolve(
    engine: &str,
    asked: Option<&str>,
) -> Result<(&'static Family, &'static str), Fault> {
    let found = match asked {
        None => families(engine)
            .last()
            .map(|family| (family, newest(family))),
        Some(asked) => families(engine).find_map(|family| {
            let exact = family.versions.iter().find(|version| **version == asked);
            match exact {
                Some(version) => Some((family, *version)),
                None => (family.major == asked).then(|| (family, newest(family))),
            }
        }),
    };
    found.ok_or_else(|| {
        Fault::new(
            "InvalidParameterCombination",
            format!(
                "Cannot find version {} for {engine}",
                asked.unwrap_or_default()
            ),
        )
    })
}

/// Where a version stands among all of its engine, oldest first.
pub fn rank(engine: &str, version: &str) -> Option<usize> {
    families(engine)
        .flat_map(|family| family.versions)
        .position(|known| *known == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_major_version_means_its_newest() {
        assert_eq!(resolve("mysql", Some("8.0")).unwrap().1, "8.0.44");
        assert_eq!(resolve("mysql", Some("8.0.40")).unwrap().1, "8.0.40");
        assert_eq!(resolve("postgres", None).unwrap().1, "17.7");
        assert!(resolve("mysql", Some("5.6")).is_err());
        assert!(rank("postgres", "16.9") < rank("postgres", "16.10"));
    }
}
