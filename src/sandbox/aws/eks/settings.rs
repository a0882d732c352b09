//! What of a node group changes in place: scaling, labels, taints, and how many nodes may be away at once.

use super::invalid;
use super::state::{Scaling, Settings, Taint, Unavailable};
use crate::sandbox::aws::{Fault, Params, tag_operations};

/// The settings of a new node group.
pub(super) fn of_new(params: &Params) -> Result<Settings, Fault> {
    let default = Scaling {
        min: 1,
        max: 2,
        desired: 2,
    };
    Ok(Settings {
        scaling: scaling(&params.nested("scalingConfig"), default)?,
        labels: tag_operations::from_map(params, "labels"),
        taints: taints(params, "taints")?,
        unavailable: unavailable(&params.nested("updateConfig"), Unavailable::Count(1))?,
    })
}

/// The settings after an UpdateNodegroupConfig.
pub(super) fn after(params: &Params, before: &Settings) -> Result<Settings, Fault> {
    let mut labels = before.labels.clone();
    let asked = params.nested("labels");
    labels.extend(tag_operations::from_map(&asked, "addOrUpdateLabels"));
    for key in asked.texts("removeLabels") {
        labels.remove(&key);
    }
    let mut taints_after = before.taints.clone();
    let asked = params.nested("taints");
    for new in taints(&asked, "addOrUpdateTaints")? {
        taints_after.retain(|taint| (&taint.key, &taint.effect) != (&new.key, &new.effect));
        taints_after.push(new);
    }
    let gone = taints(&asked, "removeTaints")?;
    taints_after.retain(|taint| {
        let is = |gone: &Taint| (&gone.key, &gone.effect) == (&taint.key, &taint.effect);
        !gone.iter().any(is)
    });
    Ok(Settings {
        scaling: scaling(&params.nested("scalingConfig"), before.scaling)?,
        labels,
        taints: taints_after,
        unavailable: unavailable(&params.nested("updateConfig"), before.unavailable)?,
    })
}

fn scaling(asked: &Params, before: Scaling) -> Result<Scaling, Fault> {
    let scaling = Scaling {
        min: asked.int("minSize")?.unwrap_or(before.min),
        max: asked.int("maxSize")?.unwrap_or(before.max),
        desired: asked.int("desiredSize")?.unwrap_or(before.desired),
    };
    let Scaling { min, max, desired } = scaling;
    if min < 0 || max < 1 {
        return Err(invalid("minSize must be at least 0 and maxSize at least 1"));
    }
    if min > desired {
        return Err(invalid(format!(
            "Minimum capacity {min} can't be greater than desired size {desired}"
        )));
    }
    if desired > max {
        return Err(invalid(format!(
            "desired capacity {desired} can't be greater than max size {max}"
        )));
    }
    Ok(scaling)
}

fn taints(params: &Params, name: &str) -> Result<Vec<Taint>, Fault> {
    let read = |taint: Params| {
        let effect = taint.text("effect").unwrap_or_default();
        match to_kubernetes(&effect) {
            Some(_) => Ok(Taint {
                key: taint.text("key").unwrap_or_default(),
                value: taint.text("value").unwrap_or_default(),
                effect,
            }),
            None => Err(invalid(format!("Invalid taint effect: {effect}"))),
        }
    };
    params.list(name).into_iter().map(read).collect()
}

/// A taint's effect as Kubernetes writes it.
pub(super) fn to_kubernetes(effect: &str) -> Option<&'static str> {
    match effect {
        "NO_SCHEDULE" => Some("NoSchedule"),
        "NO_EXECUTE" => Some("NoExecute"),
        "PREFER_NO_SCHEDULE" => Some("PreferNoSchedule"),
        _ => None,
    }
}

fn unavailable(asked: &Params, before: Unavailable) -> Result<Unavailable, Fault> {
    let percent = asked.int("maxUnavailablePercentage")?;
    match (asked.int("maxUnavailable")?, percent) {
        (None, None) => Ok(before),
        (Some(count), None) if (1..=100).contains(&count) => Ok(Unavailable::Count(count)),
        (None, Some(percent)) if (1..=100).contains(&percent) => Ok(Unavailable::Percent(percent)),
        _ => Err(invalid(
            "updateConfig takes either maxUnavailable or maxUnavailablePercentage, from 1 to 100",
        )),
    }
}
