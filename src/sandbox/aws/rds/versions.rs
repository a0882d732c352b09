//! What RDS offers: engine versions, and the classes in which each can be ordered.

use super::engines::{self, Family};
use crate::sandbox::aws::machine_types::{self, DATABASES};
use crate::sandbox::aws::subnet_groups::marker_page;
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply};

/// Every version on offer that the request's `Engine` and `EngineVersion` admit.
fn offered(params: &Params) -> Result<Vec<(&'static Family, &'static str)>, Fault> {
    let engines = match params.text("Engine") {
        Some(engine) => vec![engines::engine(&engine)?.name],
        None => vec!["mysql", "postgres"],
    };
    let asked = params.text("EngineVersion");
    let admits = |family: &Family, version: &str| {
        (asked.as_deref()).is_none_or(|asked| asked == version || asked == family.major)
    };
    let all = engines.into_iter().flat_map(engines::families);
    Ok(all
        .flat_map(|family| {
            family
                .versions
                .iter()
                .map(move |version| (family, *version))
        })
        .filter(|(family, version)| admits(family, version))
        .collect())
}

pub(super) fn describe_engine_versions(call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let default_only = params.flag("DefaultOnly") == Some(true);
    let asked_family = params.text("DBParameterGroupFamily");
    let mut offered = offered(params)?;
    offered.retain(|(family, version)| {
        (asked_family.as_deref()).is_none_or(|asked| asked == family.parameters)
            && (!default_only || is_default(params, family, version))
    });
    let described = offered
        .into_iter()
        .map(|(family, version)| (sort_key(family, version), describe(family, version)));
    marker_page(params, "DBEngineVersions", "DBEngineVersion", described)
}

/// The default is the newest of the engine, or of the major version where one is asked for.
fn is_default(params: &Params, family: &Family, version: &str) -> bool {
    let asked = params.text("EngineVersion");
    engines::resolve(family.engine, asked.as_deref()).is_ok_and(|(_, newest)| newest == version)
}

/// Pages go by keys, and versions sort by number.
fn sort_key(family: &Family, version: &str) -> String {
    let rank = engines::rank(family.engine, version).unwrap_or_default();
    format!("{} {rank:03}", family.engine)
}

fn describe(family: &Family, version: &str) -> Reply {
    let engine = engines::engine(family.engine)
        .map(|engine| engine.description)
        .ok();
    let description = format!("{} {version}", engine.unwrap_or_default());
    let current = engines::rank(family.engine, version);
    let targets = engines::families(family.engine).flat_map(|target| {
        let newer = target.versions.iter();
        newer
            .filter(|version| engines::rank(target.engine, version) > current)
            .map(move |version| (target, *version))
    });
    let target = |(target, version): (&Family, &str)| {
        Fields::new()
            .with("Engine", target.engine)
            .with("EngineVersion", version)
            .with("AutoUpgrade", false)
            .with("IsMajorVersionUpgrade", target.major != family.major)
            .into()
    };
    Fields::new()
        .with("Engine", family.engine)
        .with("MajorEngineVersion", family.major)
        .with("EngineVersion", version)
        .with("DBParameterGroupFamily", family.parameters)
        .maybe("DBEngineDescription", engine)
        .with("DBEngineVersionDescription", description)
        .with(
            "ValidUpgradeTarget",
            Reply::List("UpgradeTarget", targets.map(target).collect()),
        )
        .with("Status", "available")
        .into()
}

pub(super) fn describe_orderable_options(call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    params.required("Engine")?;
    let asked_class = params.text("DBInstanceClass");
    let classes: Vec<String> = machine_types::names(DATABASES, "db.")
        .filter(|class| asked_class.as_ref().is_none_or(|asked| asked == class))
        .collect();
    let offered = offered(params)?;
    let options = offered.iter().flat_map(|(family, version)| {
        classes.iter().map(move |class| {
            let key = format!("{} {class}", sort_key(family, version));
            (key, orderable(family, version, class))
        })
    });
    let mut options: Vec<(String, Reply)> = options.collect();
    options.sort_by(|(one, _), (other, _)| one.cmp(other));
    marker_page(
        params,
        "OrderableDBInstanceOptions",
        "OrderableDBInstanceOption",
        options,
    )
}

fn orderable(family: &Family, version: &str, class: &str) -> Reply {
    let license = engines::engine(family.engine).map(|engine| engine.license);
    Fields::new()
        .with("Engine", family.engine)
        .with("EngineVersion", version)
        .with("DBInstanceClass", class)
        .maybe("LicenseModel", license.ok())
        .with("MultiAZCapable", true)
        .with("Vpc", true)
        .with("SupportsStorageEncryption", true)
        .with("StorageType", "gp3")
        .with("MinStorageSize", 20)
        .with("MaxStorageSize", 65_536)
        .into()
}
