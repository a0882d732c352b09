//! What RDS says can't be: versions and classes that it does not have, and storage that would shrink.

use aws_sdk_rds::types::DbInstance;

use crate::cloud::{Cloud, Fault, fault};
use crate::resources::sighting::{is_older, is_patch_of};
use crate::resources::{Desired, Problem};

/// Everything that is wrong with `desired`, given the instance as it is `now`.
///
/// # Errors
/// When RDS does not answer.
pub(super) async fn problems(
    cloud: &Cloud,
    desired: &Desired,
    now: Option<&DbInstance>,
) -> Result<Vec<Problem>, Fault> {
    let text = |field: &str| desired.fields.get(field).and_then(|value| value.as_str());
    let engine = text("engine").unwrap_or_default();
    let version = text("version").unwrap_or_default();
    let class = text("class").unwrap_or_default();
    let runs = now.and_then(|now| now.engine_version());
    let mut messages = Vec::new();
    if let Some(runs) = runs.filter(|runs| is_older(version, runs)) {
        let back = "RDS never goes back to an older version: it runs";
        messages.push(format!("{back} {runs}, and {version} is asked for"));
    } else if runs.is_none_or(|runs| !is_patch_of(runs, version)) {
        messages.extend(version_problem(cloud, engine, version).await?);
    }
    if messages.is_empty() && now.is_none_or(|now| now.db_instance_class() != Some(class)) {
        messages.extend(class_problem(cloud, engine, class).await?);
    }
    let asked = desired
        .fields
        .get("storage_gib")
        .and_then(|gib| gib.as_i64());
    let has = now.and_then(|now| now.allocated_storage()).map(i64::from);
    messages.extend(
        asked
            .zip(has)
            .and_then(|(asked, has)| storage_problem(asked, has)),
    );
    let problem = |message| Problem {
        address: desired.address.clone(),
        message,
    };
    Ok(messages.into_iter().map(problem).collect())
}

async fn version_problem(
    cloud: &Cloud,
    engine: &str,
    version: &str,
) -> Result<Option<String>, Fault> {
    let call = cloud.aws.rds.describe_db_engine_versions().engine(engine);
    let listed = call.into_paginator().items().send().try_collect().await;
    let listed = listed.map_err(fault("rds", "DescribeDBEngineVersions"))?;
    let mut known: Vec<&str> = listed.iter().filter_map(|v| v.engine_version()).collect();
    if known.iter().any(|known| is_patch_of(known, version)) {
        return Ok(None);
    }
    known.dedup();
    let known = known.join(", ");
    Ok(Some(format!(
        "RDS has no {engine} {version}; it has {known}"
    )))
}

async fn class_problem(cloud: &Cloud, engine: &str, class: &str) -> Result<Option<String>, Fault> {
    let call = cloud.aws.rds.describe_orderable_db_instance_options();
    let call = call.engine(engine).db_instance_class(class);
    // One offer is enough to know.
    let answer = call.max_records(20).send().await;
    let offers = answer.map_err(fault("rds", "DescribeOrderableDBInstanceOptions"))?;
    let none = offers.orderable_db_instance_options().is_empty();
    Ok(none.then(|| format!("RDS offers no {engine} on {class} in this region")))
}

/// Storage only grows, and by a tenth at least.
fn storage_problem(asked: i64, has: i64) -> Option<String> {
    let least = has + (has + 9) / 10;
    if asked < has {
        let message = "RDS never shrinks storage: it is";
        Some(format!(
            "{message} {has} GiB now, and {asked} GiB are asked for"
        ))
    } else if asked > has && asked < least {
        let message = "RDS grows storage by a tenth at least: from";
        Some(format!(
            "{message} {has} GiB to {least} GiB or more, not to {asked} GiB"
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_grows_by_a_tenth_and_never_shrinks() {
        assert_eq!(storage_problem(20, 20), None);
        assert_eq!(storage_problem(22, 20), None);
        assert!(storage_problem(21, 20).is_some_and(|m| m.contains("22 GiB")));
        assert!(storage_problem(19, 20).is_some_and(|m| m.contains("never shrinks")));
    }
}
