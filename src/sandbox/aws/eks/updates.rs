//! Updates: one at a time for each cluster and each node group, and what they do when their time has come.

use super::state::{
    AddonStatus, Change, Cluster, ClusterStatus, Issue, NodegroupStatus, Token, Update,
};
use super::{
    Task, addons, auto, cluster_of, clusters, in_use, later, nodegroup_updates, not_found,
};
use crate::sandbox::aws::placement::{self, Subnets};
use crate::sandbox::aws::{Call, Fault, Fields, Reply, logs, page};
use crate::sandbox::durations::FAILS_AFTER;
use crate::sandbox::world::World;

/// What an update is about, as EKS writes it: type and value.
pub(super) type UpdateParams = Vec<(String, String)>;

/// Answers a request that came with the same token before.
pub(super) fn repeated(cluster: &Cluster, call: &Call) -> Option<Reply> {
    let token = Token::of(&call.params)?;
    let update = (cluster.updates.iter()).find(|update| update.token.as_ref() == Some(&token))?;
    Some(Fields::only("update", render(update)))
}

/// Refuses a change of a cluster that is not ACTIVE.
pub(super) fn check_free(cluster: &Cluster, operation: &str) -> Result<(), Fault> {
    let is_its_own = |update: &&Update| update.nodegroup.is_none() && update.addon.is_none();
    let running = (cluster.updates.iter()).find(|update| !update.done && is_its_own(update));
    match (cluster.status, running) {
        (ClusterStatus::Active, None) => Ok(()),
        (_, Some(update)) => Err(in_use(format!(
            "Cannot {operation} because cluster {} currently has update {} in progress",
            cluster.name, update.id
        ))),
        (status, None) => Err(in_use(format!(
            "Cannot {operation} because cluster {} has an operation in progress: its status is {}",
            cluster.name,
            status.word()
        ))),
    }
}

/// Begins an update of the request's cluster, or of one of its node groups.
pub(super) fn begin(
    world: &mut World,
    call: &Call,
    kind: &str,
    change: Change,
    params: UpdateParams,
    seconds: u64,
) -> Result<Reply, Fault> {
    let id = world.ids.uuid();
    let now = world.now;
    let cluster = cluster_of(world, call)?;
    let update = Update {
        id: id.clone(),
        kind: kind.to_owned(),
        params,
        created: now,
        done: false,
        errors: Vec::new(),
        token: Token::of(&call.params),
        nodegroup: call.params.text("nodegroupName"),
        addon: call.params.text("addonName"),
        change,
    };
    let group = (update.nodegroup.as_ref()).and_then(|name| cluster.nodegroups.get_mut(name));
    let addon = (update.addon.as_ref()).and_then(|name| cluster.addons.get_mut(name));
    match (group, addon) {
        (Some(group), _) => group.status = NodegroupStatus::Updating,
        (None, Some(addon)) => addon.status = AddonStatus::Updating,
        (None, None) => cluster.status = ClusterStatus::Updating,
    }
    let reply = Fields::only("update", render(&update));
    cluster.updates.push(update);
    later(world, &call.region, seconds, Task::FinishUpdate(id));
    Ok(reply)
}

/// What `call` has just begun will come to nothing. After an update its cluster or group stays as it is.
pub fn fail_later(world: &mut World, call: &Call) {
    let Ok(cluster) = cluster_of(world, call) else {
        return;
    };
    let name = call.params.text("nodegroupName").unwrap_or_default();
    if call.operation == "CreateCluster" {
        let task = Task::Fail(cluster.uid.clone());
        return later(world, &call.region, FAILS_AFTER, task);
    }
    if call.operation == "CreateNodegroup"
        && let Some(group) = cluster.nodegroups.get_mut(&name)
    {
        return group.issues.push(Issue {
            code: "InsufficientFreeAddresses".to_owned(),
            message: "The sandbox was told to have no addresses left".to_owned(),
            resource_ids: Vec::new(),
        });
    }
    if let Some(update) = cluster.updates.last_mut().filter(|update| !update.done) {
        update.errors.push(Issue {
            code: "OperationNotPermitted".to_owned(),
            message: "The sandbox was told to have this update fail".to_owned(),
            resource_ids: vec![cluster.name.clone()],
        });
    }
}

/// An update takes effect, or fails.
pub(super) fn finish(world: &mut World, region: &str, id: &str) {
    let clusters = world.region(region).eks.clusters.values_mut();
    let found = clusters
        .flat_map(|cluster| {
            cluster
                .updates
                .iter_mut()
                .map(|update| (&cluster.name, update))
        })
        .find(|(_, update)| update.id == id);
    let Some((name, update)) = found else {
        return;
    };
    update.done = true;
    let (name, update) = (name.clone(), update.clone());
    let failed = !update.errors.is_empty();
    if let Some(addon) = update.addon {
        let change = Some(update.change).filter(|_| !failed);
        return addons::apply(world, region, &name, &addon, change);
    }
    match update.nodegroup {
        Some(group) if failed => nodegroup_updates::give_up(world, region, &name, &group),
        Some(group) => nodegroup_updates::apply(world, region, &name, &group, update.change),
        None => {
            let Some(cluster) = world.region(region).eks.clusters.get_mut(&name) else {
                return;
            };
            cluster.status = ClusterStatus::Active;
            if !failed && let Err(issue) = apply(world, region, &name, update.change) {
                fail(world, region, id, issue);
            }
        }
    }
}

/// An update that is over came to nothing.
fn fail(world: &mut World, region: &str, id: &str, issue: Issue) {
    let clusters = world.region(region).eks.clusters.values_mut();
    let mut updates = clusters.flat_map(|cluster| cluster.updates.iter_mut());
    if let Some(update) = updates.find(|update| update.id == id) {
        update.errors.push(issue);
    }
}

fn apply(world: &mut World, region: &str, name: &str, change: Change) -> Result<(), Issue> {
    let Some(cluster) = world.region(region).eks.clusters.get_mut(name) else {
        return Ok(());
    };
    match change {
        Change::Version(version) => {
            cluster.version.clone_from(&version);
            let key = format!("{region}/{name}");
            if let Some(kubernetes) = world.clusters.get_mut(&key) {
                kubernetes.version = version;
            }
        }
        Change::Logging(logging) => {
            let logs = !logging.is_empty();
            cluster.logging = logging;
            if logs {
                logs::ensure(world, region, &clusters::log_group(name));
            }
        }
        Change::Access(access) => cluster.access = access,
        Change::Auto(asked) => {
            cluster.auto = asked;
            auto::settle(world, region, name);
        }
        Change::Network { subnets, group_ids } => {
            let before = cluster.clone();
            cluster.subnets = subnets;
            cluster.group_ids = group_ids;
            if let Err(issue) = rebuild_interfaces(world, region, name) {
                let clusters = &mut world.region(region).eks.clusters;
                clusters.insert(name.to_owned(), before);
                return Err(issue);
            }
        }
        Change::Authentication(mode) => cluster.authentication = mode,
        Change::Protection(protected) => cluster.protected = protected,
        Change::Support(support) => cluster.support = support,
        // These are a part's, and never stand in an update of a cluster.
        Change::Nodegroup(_) | Change::NodegroupVersion(_) | Change::Addon { .. } => {}
    }
    Ok(())
}

/// Puts the control plane's interfaces where the cluster wants them now, unless a subnet went or filled up meanwhile.
fn rebuild_interfaces(world: &mut World, region: &str, name: &str) -> Result<(), Issue> {
    let Some(cluster) = world.region(region).eks.clusters.get(name).cloned() else {
        return Ok(());
    };
    let found = Subnets::find(world, region, &cluster.subnets, "SubnetNotFound");
    let made = found.and_then(|subnets| clusters::attach(world, region, &cluster, &subnets));
    let made = made.map_err(|fault| Issue {
        code: fault.code,
        message: fault.message,
        resource_ids: cluster.subnets.clone(),
    })?;
    placement::detach(world, region, &cluster.interfaces);
    if let Some(cluster) = world.region(region).eks.clusters.get_mut(name) {
        cluster.interfaces = made;
    }
    Ok(())
}

/// Whether an update is about what a request asks for: a node group, an add-on, or the cluster.
fn concerns(call: &Call, update: &Update) -> bool {
    update.nodegroup == call.params.text("nodegroupName")
        && update.addon == call.params.text("addonName")
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.params.text("updateId").unwrap_or_default();
    let cluster = cluster_of(world, call)?;
    let mut updates = cluster.updates.iter();
    let found = updates.find(|update| update.id == id && concerns(call, update));
    found
        .map(|update| Fields::only("update", render(update)))
        .ok_or_else(|| not_found(format!("No update found for ID: {id}")))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let size = page::size(params, "maxResults", 100, 100, "InvalidParameterException")?;
    let cluster = cluster_of(world, call)?;
    let mut ids: Vec<String> = (cluster.updates.iter())
        .filter(|update| concerns(call, update))
        .map(|update| update.id.clone())
        .collect();
    ids.sort();
    let ids = ids.into_iter().map(|id| (id.clone(), id));
    let page = page::cut(ids, params.text("nextToken").as_deref(), size);
    Ok(Fields::new()
        .list("updateIds", "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}

fn render(update: &Update) -> Reply {
    // What will fail is not known before it has.
    let errors = update.errors.iter().filter(|_| update.done);
    let errors = errors.map(|issue| {
        Fields::new()
            .with("errorCode", &issue.code)
            .with("errorMessage", &issue.message)
            .list("resourceIds", "member", issue.resource_ids.clone())
    });
    let params = (update.params.iter())
        .map(|(kind, value)| Fields::new().with("type", kind).with("value", value));
    Fields::new()
        .with("id", &update.id)
        .with(
            "status",
            match (update.done, update.errors.is_empty()) {
                (false, _) => "InProgress",
                (true, true) => "Successful",
                (true, false) => "Failed",
            },
        )
        .with("type", &update.kind)
        .list("params", "member", params)
        .with("createdAt", update.created)
        .list("errors", "member", errors)
        .into()
}
