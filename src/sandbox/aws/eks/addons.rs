//! Add-ons: what EKS installs in a cluster and keeps.

use super::addon_versions::{self, default_version, is_offered};
use super::state::{Addon, AddonStatus, Change, Cluster, ClusterStatus, Issue, Token};
use super::updates;
use super::{Task, cluster_of, in_use, invalid, later, names_page, not_found};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, tag_operations};
use crate::sandbox::durations::{ADDON_CREATE, ADDON_DELETE, ADDON_UPDATE};
use crate::sandbox::kubernetes;
use crate::sandbox::world::World;

/// What a cluster has from the start unless it was made bare, so that an add-on of the name meets what is there.
pub(super) const SELF_MANAGED: [&str; 3] = ["coredns", "kube-proxy", "vpc-cni"];

/// What runs as a deployment, and so waits for nodes.
const ON_NODES: [&str; 2] = ["aws-ebs-csi-driver", "coredns"];

fn conflicts(params: &Params) -> Result<String, Fault> {
    let asked = params.text("resolveConflicts");
    let asked = asked.unwrap_or_else(|| "NONE".to_owned());
    match ["NONE", "OVERWRITE", "PRESERVE"].contains(&asked.as_str()) {
        true => Ok(asked),
        false => Err(invalid(format!("Invalid resolveConflicts: {asked}"))),
    }
}

fn configuration(params: &Params) -> Result<Option<String>, Fault> {
    let Some(text) = params.text("configurationValues") else {
        return Ok(None);
    };
    match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(serde_json::Value::Object(_)) => Ok(Some(text)),
        Ok(_) | Err(_) => Err(invalid(
            "ConfigurationValue is not in valid JSON or YAML format",
        )),
    }
}

/// The version that a request means, for this cluster.
fn version(params: &Params, cluster: &Cluster, name: &str) -> Result<String, Fault> {
    let unsupported = || invalid("Addon version specified is not supported");
    match params.text("addonVersion") {
        Some(asked) if is_offered(name, &cluster.version, &asked) => Ok(asked),
        Some(_) => Err(unsupported()),
        None => default_version(name, &cluster.version).ok_or_else(unsupported),
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let cluster = cluster_of(world, call)?.clone();
    let name = params.text("addonName").unwrap_or_default();
    let token = Token::of(params);
    if let Some(addon) = cluster.addons.get(&name) {
        // The same request again is answered with what it made.
        return match token.is_some() && addon.token == token {
            true => Ok(Fields::only("addon", render(&cluster, addon))),
            false => Err(in_use("Addon already exists.")),
        };
    }
    if !addon_versions::is_known(&name) {
        return Err(invalid(format!("Addon {name} specified is not supported")));
    }
    if !matches!(
        cluster.status,
        ClusterStatus::Active | ClusterStatus::Updating
    ) {
        return Err(Fault::new(
            "InvalidRequestException",
            format!("Cluster '{}' is not in ACTIVE status", cluster.name),
        ));
    }
    let uid = world.ids.uuid();
    let may_overwrite = conflicts(params)? == "OVERWRITE";
    let meets_others = SELF_MANAGED.contains(&name.as_str()) && !cluster.bare && !may_overwrite;
    let issue = meets_others.then(|| Issue {
        code: "ConfigurationConflict".to_owned(),
        message:
            "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode."
                .to_owned(),
        resource_ids: Vec::new(),
    });
    let addon = Addon {
        arn: format!(
            "arn:aws:eks:{region}:{}:addon/{}/{name}/{uid}",
            world.account, cluster.name
        ),
        version: version(params, &cluster, &name)?,
        configuration: configuration(params)?,
        status: AddonStatus::Creating,
        issues: issue.into_iter().collect(),
        created: world.now,
        modified: world.now,
        tags: tag_operations::from_map(params, "tags"),
        token,
        uid: uid.clone(),
        name: name.clone(),
    };
    let reply = Fields::only("addon", render(&cluster, &addon));
    later(world, region, ADDON_CREATE, Task::FinishAddon(uid));
    cluster_of(world, call)?.addons.insert(name, addon);
    Ok(reply)
}

/// CREATING → ACTIVE or CREATE_FAILED.
pub(super) fn finish(world: &mut World, region: &str, uid: &str) {
    let clusters = world.region(region).eks.clusters.values_mut();
    let mut addons = clusters.flat_map(|cluster| {
        let addons = cluster.addons.values_mut();
        addons.map(|addon| (&cluster.name, addon))
    });
    let Some((cluster, addon)) = addons.find(|(_, addon)| addon.uid == uid) else {
        return;
    };
    if addon.status != AddonStatus::Creating {
        return;
    }
    if !addon.issues.is_empty() {
        addon.status = AddonStatus::CreateFailed;
        return;
    }
    addon.status = AddonStatus::Active;
    let (cluster, addon) = (cluster.clone(), addon.name.clone());
    kubernetes::install(world, region, &cluster, &addon);
}

fn addon_of<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Addon, Fault> {
    let name = call.params.text("addonName").unwrap_or_default();
    let cluster = cluster_of(world, call)?;
    let missing = format!("No addon: {name} found in cluster: {}", cluster.name);
    let addon = cluster.addons.get_mut(&name);
    addon.ok_or_else(|| not_found(missing))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let addon = addon_of(world, call)?.clone();
    let cluster = cluster_of(world, call)?;
    Ok(Fields::only("addon", render(cluster, &addon)))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let names = cluster_of(world, call)?.addons.keys().cloned();
    let names = names.collect();
    names_page(&call.params, "addons", names)
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster_of(world, call)?.clone();
    if let Some(reply) = updates::repeated(&cluster, call) {
        return Ok(reply);
    }
    let addon = addon_of(world, call)?;
    if !matches!(addon.status, AddonStatus::Active) {
        return Err(in_use(format!(
            "Addon {} cannot be updated as it is currently in {} state",
            addon.name,
            addon.status.word()
        )));
    }
    let addon = addon.clone();
    let version = match call.params.has("addonVersion") {
        true => version(&call.params, &cluster, &addon.name)?,
        false => addon.version.clone(),
    };
    let configuration = configuration(&call.params)?.or(addon.configuration);
    conflicts(&call.params)?;
    let about = vec![("AddonVersion".to_owned(), version.clone())];
    let change = Change::Addon {
        version,
        configuration,
    };
    updates::begin(world, call, "AddonUpdate", change, about, ADDON_UPDATE)
}

/// UPDATING → ACTIVE, changed unless the update came to nothing.
pub(super) fn apply(
    world: &mut World,
    region: &str,
    cluster: &str,
    name: &str,
    change: Option<Change>,
) {
    let now = world.now;
    let clusters = &mut world.region(region).eks.clusters;
    let cluster = clusters.get_mut(cluster);
    let Some(addon) = cluster.and_then(|cluster| cluster.addons.get_mut(name)) else {
        return;
    };
    addon.status = AddonStatus::Active;
    if let Some(Change::Addon {
        version,
        configuration,
    }) = change
    {
        addon.version = version;
        addon.configuration = configuration;
        addon.modified = now;
    }
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let addon = addon_of(world, call)?;
    if matches!(addon.status, AddonStatus::Deleting | AddonStatus::Updating) {
        return Err(in_use(format!(
            "Addon {} has an operation in progress: its status is {}",
            addon.name,
            addon.status.word()
        )));
    }
    addon.status = AddonStatus::Deleting;
    let addon = addon.clone();
    let reply = Fields::only("addon", render(cluster_of(world, call)?, &addon));
    let task = Task::RemoveAddon(addon.uid);
    later(world, &call.region, ADDON_DELETE, task);
    Ok(reply)
}

/// DELETING → gone.
pub(super) fn remove(world: &mut World, region: &str, uid: &str) {
    for cluster in world.region(region).eks.clusters.values_mut() {
        cluster.addons.retain(|_, addon| addon.uid != uid);
    }
}

fn render(cluster: &Cluster, addon: &Addon) -> Reply {
    let nodes = cluster.nodegroups.values().map(|group| group.nodes.len());
    // A pool of Auto Mode brings nodes for whatever needs some.
    let no_pools = cluster
        .auto
        .as_ref()
        .is_none_or(|auto| auto.pools.is_empty());
    let waits = addon.status == AddonStatus::Active
        && ON_NODES.contains(&addon.name.as_str())
        && no_pools
        && nodes.sum::<usize>() == 0;
    let waiting = waits.then(|| Issue {
        code: "InsufficientNumberOfReplicas".to_owned(),
        message: "The add-on is unhealthy because it doesn't have the desired number of replicas."
            .to_owned(),
        resource_ids: Vec::new(),
    });
    let told = addon.status != AddonStatus::Creating;
    let issues = addon.issues.iter().filter(|_| told).chain(waiting.iter());
    let issues = issues.map(|issue| {
        Fields::new()
            .with("code", &issue.code)
            .with("message", &issue.message)
            .list("resourceIds", "member", &issue.resource_ids)
    });
    let status = match waits {
        true => "DEGRADED",
        false => addon.status.word(),
    };
    Fields::new()
        .with("addonName", &addon.name)
        .with("clusterName", &cluster.name)
        .with("status", status)
        .with("addonVersion", &addon.version)
        .with("health", Fields::new().list("issues", "member", issues))
        .with("addonArn", &addon.arn)
        .with("createdAt", addon.created)
        .with("modifiedAt", addon.modified)
        .with("tags", tag_operations::to_map(&addon.tags))
        .maybe("configurationValues", addon.configuration.as_ref())
        .into()
}
