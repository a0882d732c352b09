//! `cluster.control-plane`: the EKS cluster itself.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_eks::types::{
    AuthenticationMode, BlockStorage, Cluster as Found, ClusterStatus, ComputeConfigRequest,
    CreateAccessConfigRequest, ElasticLoadBalancing, KubernetesNetworkConfigRequest, LogSetup,
    LogType, Logging, StorageConfigRequest, UpdateAccessConfigRequest, VpcConfigRequest,
};
use serde::{Deserialize, Serialize};

use super::inventory::describe_cluster;
use super::{auto_role, control_plane, control_role, identity_role, log_group, retag, updates};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::{Cluster as Asked, IdentityBy, PodIdentity};
use crate::resources::calls::{fresh, made_already};
use crate::resources::iam::role;
use crate::resources::inventory::Inventory;
use crate::resources::network::{security_group, subnet_ids};
use crate::resources::sighting::{Sighting, address_by_name, has, outputs};
use crate::resources::{
    AUTO_MODE, CONTROL_PLANE, Condition, Context, Desired, Field, Fields, Input, Kind, Observed,
    Order, Outcome, Owner, Problem, Tags, Unseen, Usual, Wanted,
};

/// The kind `cluster.control-plane`.
pub struct ControlPlane;

const KIND: &str = CONTROL_PLANE;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    /// None: EKS's default when it is made, and not ours to change later.
    version: Option<String>,
    /// The ARN of its role.
    role: Input,
    subnets: Vec<Input>,
    security_groups: Vec<Input>,
    public_endpoint: bool,
    private_endpoint: bool,
    /// None while the endpoint is not public.
    public_access_cidrs: Option<BTreeSet<String>>,
    /// The kinds of log that are on.
    logging: BTreeSet<String>,
    authentication_mode: String,
    /// Whether EKS brings nodes, load balancers and disks itself: three switches, which are on or off together.
    auto_mode: bool,
    /// EKS's own node pools; none while it does not.
    node_pools: Option<BTreeSet<String>>,
    /// The ARN of the role of their nodes; none without pools.
    node_role: Option<Input>,
    tags: Tags,
}

fn desired(context: &Context<'_>, asked: &Asked) -> Desired {
    let address = control_plane();
    let cidrs = asked.public_access_cidrs.iter();
    let cidrs = cidrs.map(|cidr| cidr.trunc().to_string()).collect();
    let logging = asked.logging.iter();
    let spec = Spec {
        name: asked.name.clone(),
        version: asked.version.clone(),
        role: role::arn(context, &asked.control_role),
        subnets: subnet_ids(&asked.subnets),
        security_groups: vec![Input::of(&security_group(&["cluster"]), "id")],
        public_endpoint: asked.public_endpoint,
        private_endpoint: asked.private_endpoint,
        public_access_cidrs: asked.public_endpoint.then_some(cidrs),
        logging: logging.map(|log| log.as_str().to_owned()).collect(),
        authentication_mode: AuthenticationMode::Api.as_str().to_owned(),
        auto_mode: asked.auto_mode.is_some(),
        node_pools: asked.auto_mode.as_ref().map(|auto| {
            let pools = auto.node_pools.iter();
            pools.map(|pool| pool.as_str().to_owned()).collect()
        }),
        node_role: asked.pool_role().map(|name| role::arn(context, name)),
        tags: context.ownership.named(&address, &asked.name),
    };
    let desired = Desired::new(KIND, address, &asked.name, &spec).after(control_role());
    // EKS makes a log group that keeps everything for ever, unless there is one.
    let logs = (!asked.logging.is_empty()).then(log_group);
    let desired = logs.into_iter().fold(desired, Desired::after);
    // The rights of what runs in the cluster last as long as it does.
    let by_eks = |(_, identity): &(&String, &PodIdentity)| identity.by == IdentityBy::PodIdentity;
    let roles = asked.identities.iter().filter(by_eks);
    let roles = roles.map(|(key, _)| identity_role(key));
    let desired = roles.fold(desired, Desired::after);
    let auto = asked.pool_role().map(|_| auto_role());
    auto.into_iter().fold(desired, Desired::after)
}

fn condition(found: &Found) -> Condition {
    match found.status() {
        None | Some(ClusterStatus::Active) => Condition::Ready,
        Some(ClusterStatus::Deleting) => Condition::Deleting,
        Some(ClusterStatus::Failed) => {
            let issues = found.health().map(|health| health.issues()).unwrap_or(&[]);
            let issues = issues.iter().filter_map(|issue| issue.message());
            let issues: Vec<&str> = issues.collect();
            Condition::Failed(format!("FAILED: {}", issues.join("; ")))
        }
        Some(other) => Condition::Settling(other.as_str().to_owned()),
    }
}

fn sorted(ids: &[String]) -> Vec<Input> {
    let mut ids: Vec<Input> = ids.iter().map(|id| id.as_str().into()).collect();
    ids.sort();
    ids
}

fn logs_on(found: &Found) -> BTreeSet<String> {
    let setups = found.logging().map(|logging| logging.cluster_logging());
    let setups = setups.unwrap_or(&[]).iter();
    setups
        .filter(|setup| setup.enabled() == Some(true))
        .flat_map(|setup| setup.types())
        .map(|log| log.as_str().to_owned())
        .collect()
}

fn tags(found: &Found) -> Tags {
    let tags = found.tags().into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Whose a found cluster is.
pub(super) fn owner(wanted: &Wanted<'_>, found: &Found) -> Owner {
    wanted.owner(&tags(found))
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let name = found.name().unwrap_or_default();
    let network = found.resources_vpc_config();
    let public = network.is_some_and(|network| network.endpoint_public_access());
    let cidrs = network.map(|network| network.public_access_cidrs());
    let access = found.access_config();
    let mode = access.and_then(|access| access.authentication_mode());
    let identity = found.identity().and_then(|identity| identity.oidc());
    let authority = found.certificate_authority();
    let compute = found.compute_config();
    let compute = compute.filter(|compute| compute.enabled() == Some(true));
    // One switch that somebody turned is enough to be told of.
    let balances = found.kubernetes_network_config();
    let balances = balances.and_then(|network| network.elastic_load_balancing());
    let stores = found
        .storage_config()
        .and_then(|storage| storage.block_storage());
    let is_auto = compute.is_some()
        || balances.is_some_and(|balances| balances.enabled() == Some(true))
        || stores.is_some_and(|stores| stores.enabled() == Some(true));
    let spec = Spec {
        name: name.to_owned(),
        version: found.version().map(str::to_owned),
        role: found.role_arn().unwrap_or_default().into(),
        subnets: sorted(network.map_or(&[], |network| network.subnet_ids())),
        security_groups: sorted(network.map_or(&[], |network| network.security_group_ids())),
        public_endpoint: public,
        private_endpoint: network.is_some_and(|network| network.endpoint_private_access()),
        public_access_cidrs: public.then(|| cidrs.unwrap_or(&[]).iter().cloned().collect()),
        logging: logs_on(found),
        authentication_mode: mode.map_or_else(String::new, |mode| mode.as_str().to_owned()),
        auto_mode: is_auto,
        node_pools: compute.map(|compute| compute.node_pools().iter().cloned().collect()),
        node_role: compute
            .filter(|compute| !compute.node_pools().is_empty())
            .and_then(|compute| compute.node_role_arn())
            .map(Input::from),
        tags: Tags::new(),
    };
    let group = network.and_then(|network| network.cluster_security_group_id());
    let sighting = Sighting {
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        tags: tags(found),
        condition: condition(found),
        outputs: outputs([
            ("id", found.name()),
            ("arn", found.arn()),
            ("cluster_name", found.name()),
            ("region", Some(wanted.ownership.region.as_str())),
            ("endpoint", found.endpoint()),
            (
                "certificate_authority",
                authority.and_then(|authority| authority.data()),
            ),
            ("cluster_security_group", group),
            ("oidc_issuer", identity.and_then(|oidc| oidc.issuer())),
            ("version", found.version()),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

/// The minor version of the cluster called `name`, or that of a new one for which nobody asks for another.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn version(cloud: &Cloud, name: &str) -> Result<Option<String>, Fault> {
    if let Some(found) = describe_cluster(cloud, name).await? {
        return Ok(found.version);
    }
    let call = cloud.aws.eks.describe_cluster_versions().default_only(true);
    let told = call.send().await;
    let told = told.map_err(fault("eks", "DescribeClusterVersions"))?;
    let mut versions = told.cluster_versions.into_iter().flatten();
    Ok(versions.find_map(|one| one.cluster_version.filter(|_| one.default_version)))
}

#[async_trait]
impl Kind for ControlPlane {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::in_place("version"),
                Field::replaces("role"),
                Field::in_place("subnets").holding(),
                Field::in_place("security_groups").holding(),
                Field::in_place("public_endpoint"),
                Field::in_place("private_endpoint"),
                Field::in_place("public_access_cidrs"),
                Field::in_place("logging"),
                Field::in_place("authentication_mode"),
                Field::in_place(AUTO_MODE),
                Field::in_place("node_pools"),
                Field::in_place("node_role"),
                Field::in_place("tags"),
            ]
        }
    }

    fn holds_data(&self, _fields: &Fields) -> bool {
        true
    }

    fn data_elsewhere(&self, _fields: &Fields) -> Option<&'static str> {
        Some("every volume that is claimed in it")
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(600, 60, 150)
    }

    fn disruption(&self, changed: &[String], wanted: &Fields) -> Option<&'static str> {
        // EKS user guide, "Disable EKS Auto Mode".
        let goes_off = has(changed, AUTO_MODE) && wanted.get(AUTO_MODE) == Some(&false.into());
        goes_off.then_some(
            "with Auto Mode its nodes go and all that runs on them, and its load balancers",
        )
    }

    fn outputs_changed_by(&self, changed: &[String]) -> &'static [&'static str] {
        match has(changed, "version") {
            true => &["version"],
            false => &[],
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        cluster.map(|asked| desired(context, asked)).collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let clusters = &inventory.clusters.clusters;
        let clusters = clusters.as_ref().map_err(Clone::clone)?.iter();
        let sightings = clusters.filter_map(|found| {
            let address = address_by_name(KIND, wanted, found.name()?, &tags(found))?;
            Some(observed(wanted, address, found))
        });
        Ok(sightings.collect())
    }

    async fn check(
        &self,
        cloud: &Cloud,
        inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let problem = |message: String| {
            vec![Problem {
                address: desired.address.clone(),
                message,
            }]
        };
        let clusters = inventory.clusters.clusters.as_deref().unwrap_or(&[]);
        let found = clusters
            .iter()
            .find(|cluster| cluster.name() == Some(&desired.name));
        let role = |role: Option<&str>| role.map(str::to_owned);
        let wanted = role(
            desired
                .fields
                .get("node_role")
                .and_then(|role| role.as_str()),
        );
        let given = role(found.and_then(|found| found.compute_config()?.node_role_arn()));
        if let (Some(wanted), Some(given)) = (wanted, given)
            && wanted != given
        {
            // EKS API, ComputeConfigRequest, `nodeRoleArn`.
            return Ok(problem(format!(
                "EKS never changes the role of Auto Mode's nodes while Auto Mode is on: it is {given}, and {wanted} is asked for; take `[cluster.auto_mode]` out once, and put it in again"
            )));
        }
        let Some(asked) = desired.fields.get("version").and_then(|v| v.as_str()) else {
            return Ok(Vec::new());
        };
        let now = found.and_then(|cluster| cluster.version());
        if let Some(now) = now.filter(|now| minor(now) > minor(asked)) {
            return Ok(problem(format!(
                "EKS never goes back to an older Kubernetes: the cluster runs {now}, and {asked} is asked for"
            )));
        }
        if let Some(next) = now.and_then(|now| beyond_next(now, asked)) {
            return Ok(problem(format!(
                "EKS goes up one minor version at a time: {next} is the next, and {asked} is asked for"
            )));
        }
        let call = cloud.aws.eks.describe_cluster_versions().into_paginator();
        let listed = call.items().send().try_collect().await;
        let listed = listed.map_err(fault("eks", "DescribeClusterVersions"))?;
        let mut known: Vec<&str> = listed.iter().filter_map(|v| v.cluster_version()).collect();
        known.sort_by_key(|version| minor(version));
        if known.contains(&asked) || now == Some(asked) {
            return Ok(Vec::new());
        }
        let known = known.join(", ");
        Ok(problem(format!(
            "EKS has no Kubernetes {asked}; it has {known}"
        )))
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let access = CreateAccessConfigRequest::builder()
            .set_authentication_mode(Some(spec.authentication_mode.as_str().into()))
            .bootstrap_cluster_creator_admin_permissions(true)
            .build();
        let network = endpoint(&spec)
            .set_subnet_ids(Some(texts(&spec.subnets)))
            .set_security_group_ids(Some(texts(&spec.security_groups)))
            .build();
        // EKS asks for a moment of patience after the role was made.
        let answer = fresh(cloud, || async {
            let call = cloud.aws.eks.create_cluster().name(&spec.name);
            let call = call.role_arn(spec.role.text());
            let call = call.set_version(spec.version.clone());
            let call = call.resources_vpc_config(network.clone());
            let call = call.access_config(access.clone());
            // What every cluster has without being asked needs no word.
            let call = match spec.auto_mode {
                true => call
                    .compute_config(compute(&spec))
                    .kubernetes_network_config(balancing(&spec))
                    .storage_config(storage(&spec))
                    .bootstrap_self_managed_addons(false),
                false => call,
            };
            let call = call.logging(logging(&spec.logging, &BTreeSet::new()));
            let call = call.set_tags(Some(spec.tags.clone().into_iter().collect()));
            let answer = call.client_request_token(order.token).send().await;
            answer.map_err(fault("eks", "CreateCluster"))
        })
        .await;
        made_already(self, cloud, order, spec.name.clone(), answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = describe_cluster(cloud, id).await?;
        Ok(found.map(|found| observed(&order.wanted, order.address.clone(), &found)))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let begun = self.begin_update(cloud, order, observed, changed).await;
        begun.map(drop)
    }

    /// EKS makes one change of a cluster at a time: one is begun, and the others follow when it is done.
    async fn begin_update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<Option<String>, Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        let call = cloud.aws.eks.update_cluster_config().name(&spec.name);
        let any = |fields: &[&str]| fields.iter().any(|field| has(changed, field));
        let call = if any(&["public_endpoint", "private_endpoint", "public_access_cidrs"]) {
            call.resources_vpc_config(endpoint(&spec).build())
        } else if any(&["subnets", "security_groups"]) {
            let network = VpcConfigRequest::builder()
                .set_subnet_ids(Some(texts(&spec.subnets)))
                .set_security_group_ids(Some(texts(&spec.security_groups)));
            call.resources_vpc_config(network.build())
        } else if has(changed, "logging") {
            let now = observed.fields.get("logging").cloned().unwrap_or_default();
            let now = serde_json::from_value(now).unwrap_or_default();
            call.logging(logging(&spec.logging, &now))
        } else if has(changed, "authentication_mode") {
            let mode = next_mode(observed, &spec.authentication_mode);
            let access = UpdateAccessConfigRequest::builder().authentication_mode(mode);
            call.access_config(access.build())
        } else if any(&["auto_mode", "node_pools", "node_role"]) {
            // After the access entries count: by one of them its nodes are let in.
            call.compute_config(compute(&spec))
                .kubernetes_network_config(balancing(&spec))
                .storage_config(storage(&spec))
        } else if has(changed, "version") {
            return upgrade(cloud, &spec).await;
        } else {
            return Ok(None);
        };
        let answer = call.send().await;
        let answer = answer.map_err(fault("eks", "UpdateClusterConfig"));
        updates::begun(answer.map(|answer| answer.update))
    }

    async fn outcome(&self, cloud: &Cloud, id: &str, update: &str) -> Result<Outcome, Fault> {
        updates::outcome(cloud, id, updates::Of::Cluster, update).await
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let answer = cloud.aws.eks.delete_cluster().name(id).send().await;
        absent_is_done(answer.map_err(fault("eks", "DeleteCluster")))
    }
}

fn texts(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|id| id.text().to_owned()).collect()
}

/// The first switch of Auto Mode: nodes.
fn compute(spec: &Spec) -> ComputeConfigRequest {
    let compute = ComputeConfigRequest::builder().enabled(spec.auto_mode);
    let pools = spec.node_pools.iter().flatten().cloned().collect();
    let role = spec.node_role.as_ref().map(|role| role.text().to_owned());
    match spec.auto_mode {
        true => compute.set_node_pools(Some(pools)).set_node_role_arn(role),
        false => compute,
    }
    .build()
}

/// The second: load balancers.
fn balancing(spec: &Spec) -> KubernetesNetworkConfigRequest {
    let balancing = ElasticLoadBalancing::builder().enabled(spec.auto_mode);
    KubernetesNetworkConfigRequest::builder()
        .elastic_load_balancing(balancing.build())
        .build()
}

/// The third: disks.
fn storage(spec: &Spec) -> StorageConfigRequest {
    let disks = BlockStorage::builder().enabled(spec.auto_mode);
    StorageConfigRequest::builder()
        .block_storage(disks.build())
        .build()
}

/// From where the API can be reached.
fn endpoint(spec: &Spec) -> aws_sdk_eks::types::builders::VpcConfigRequestBuilder {
    let cidrs = spec.public_access_cidrs.iter().flatten().cloned().collect();
    VpcConfigRequest::builder()
        .endpoint_public_access(spec.public_endpoint)
        .endpoint_private_access(spec.private_endpoint)
        .set_public_access_cidrs(spec.public_endpoint.then_some(cidrs))
}

/// The logs to switch on, and those that are on `now` to switch off.
fn logging(on: &BTreeSet<String>, now: &BTreeSet<String>) -> Logging {
    let setup = |types: Vec<LogType>, enabled| {
        let types = Some(types).filter(|types| !types.is_empty())?;
        let setup = LogSetup::builder().set_types(Some(types)).enabled(enabled);
        Some(setup.build())
    };
    let off = now.difference(on);
    let setups = [
        setup(on.iter().map(|log| log.as_str().into()).collect(), true),
        setup(off.map(|log| log.as_str().into()).collect(), false),
    ];
    let setups = setups.into_iter().flatten().collect();
    Logging::builder().set_cluster_logging(Some(setups)).build()
}

/// From the config map EKS goes to access entries only through both.
fn next_mode(observed: &Observed, wanted: &str) -> AuthenticationMode {
    let now = observed.fields.get("authentication_mode");
    match now.and_then(|mode| mode.as_str()) {
        Some("CONFIG_MAP") => AuthenticationMode::ApiAndConfigMap,
        Some(_) | None => wanted.into(),
    }
}

/// Goes up to the version that is asked for: a plan that skips one is refused.
async fn upgrade(cloud: &Cloud, spec: &Spec) -> Result<Option<String>, Fault> {
    let Some(wanted) = spec.version.as_deref() else {
        return Ok(None);
    };
    let call = cloud.aws.eks.update_cluster_version().name(&spec.name);
    let answer = call.version(wanted).send().await;
    let answer = answer.map_err(fault("eks", "UpdateClusterVersion"));
    updates::begun(answer.map(|answer| answer.update))
}

/// The number behind the dot of a Kubernetes version.
fn minor(version: &str) -> Option<u32> {
    version.split_once('.')?.1.parse().ok()
}

/// The next version on the way from `now`, where `wanted` is further.
fn beyond_next(now: &str, wanted: &str) -> Option<String> {
    let (from, to) = (minor(now)?, minor(wanted)?);
    (to > from + 1).then(|| format!("1.{}", from + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upgrades_go_one_minor_version_at_a_time() {
        assert_eq!(beyond_next("1.33", "1.35").as_deref(), Some("1.34"));
        assert_eq!(beyond_next("1.34", "1.35"), None);
        assert_eq!(beyond_next("1.9", "1.10"), None);
        assert!(minor("1.9") < minor("1.10"));
    }

    #[test]
    fn logs_that_are_on_and_unwanted_are_switched_off() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let logging = logging(&names(&["api"]), &names(&["api", "audit"]));
        let setups = logging.cluster_logging();
        assert_eq!(setups.len(), 2);
        assert_eq!(setups[0].types(), [LogType::Api]);
        assert_eq!(setups[0].enabled(), Some(true));
        assert_eq!(setups[1].types(), [LogType::Audit]);
        assert_eq!(setups[1].enabled(), Some(false));
    }
}
