//! Clusters and node groups as EKS answers them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::state::{Cluster, ClusterStatus, Issue, Nodegroup, NodegroupStatus, Taint, Unavailable};
use super::{clusters, versions};
use crate::sandbox::aws::tag_operations::to_map;
use crate::sandbox::aws::{Fields, Reply};

/// A certificate authority that signs nothing: its key was thrown away when it was made.
const AUTHORITY: &str = include_str!("ca.pem");

pub(super) fn cluster(region: &str, cluster: &Cluster) -> Reply {
    let uid = &cluster.uid;
    // An endpoint, its certificate, the issuer and the security group show once the cluster was ACTIVE.
    let ready = cluster.ready.then_some(());
    let endpoint = ready.map(|()| format!("https://{uid}.gr7.{region}.eks.amazonaws.com"));
    let authority = Fields::new().maybe("data", ready.map(|()| STANDARD.encode(AUTHORITY)));
    let issuer = format!("https://oidc.eks.{region}.amazonaws.com/id/{uid}");
    let identity = ready.map(|()| Fields::only("oidc", Fields::only("issuer", issuer)));
    let access_config = Fields::new()
        .with(
            "bootstrapClusterCreatorAdminPermissions",
            cluster.creator_is_admin,
        )
        .with("authenticationMode", &cluster.authentication);
    let network = Fields::new()
        .with("serviceIpv4Cidr", &cluster.service_cidr)
        .with("ipFamily", "ipv4")
        .with(
            "elasticLoadBalancing",
            Fields::only("enabled", cluster.auto.is_some()),
        );
    let storage = Fields::only("blockStorage", Fields::only("enabled", true));
    let storage = cluster.auto.as_ref().map(|_| storage);
    let compute = cluster.auto.as_ref().map(|auto| {
        Fields::new()
            .with("enabled", true)
            .list("nodePools", "member", &auto.pools)
            .maybe("nodeRoleArn", auto.node_role.as_ref())
    });
    Fields::new()
        .with("name", &cluster.name)
        .with("arn", &cluster.arn)
        .with("createdAt", cluster.created)
        .with("version", &cluster.version)
        .maybe("endpoint", endpoint)
        .with("roleArn", &cluster.role_arn)
        .with("resourcesVpcConfig", vpc_config(cluster))
        .with("kubernetesNetworkConfig", network)
        .with("logging", logging(cluster))
        .maybe("identity", identity)
        .with("status", cluster.status.word())
        .with("certificateAuthority", authority)
        .with("platformVersion", versions::platform(&cluster.version))
        .with("tags", to_map(&cluster.tags))
        .with("health", health(cluster))
        .with("accessConfig", access_config)
        .with(
            "upgradePolicy",
            Fields::only("supportType", &cluster.support),
        )
        .with("deletionProtection", cluster.protected)
        .maybe("computeConfig", compute)
        .maybe("storageConfig", storage)
        .into()
}

fn health(cluster: &Cluster) -> Fields {
    let failed = (cluster.status == ClusterStatus::Failed).then(|| Issue {
        code: "InternalFailure".to_owned(),
        message: "The control plane could not be made".to_owned(),
        resource_ids: Vec::new(),
    });
    Fields::new().list("issues", "member", failed.iter().map(issue))
}

fn issue(issue: &Issue) -> Reply {
    Fields::new()
        .with("code", &issue.code)
        .with("message", &issue.message)
        .list("resourceIds", "member", &issue.resource_ids)
        .into()
}

fn vpc_config(cluster: &Cluster) -> Fields {
    let group = cluster.ready.then_some(&cluster.cluster_group_id);
    Fields::new()
        .list("subnetIds", "member", &cluster.subnets)
        .list("securityGroupIds", "member", &cluster.group_ids)
        .maybe("clusterSecurityGroupId", group)
        .with("vpcId", &cluster.vpc_id)
        .with("endpointPublicAccess", cluster.access.public)
        .with("endpointPrivateAccess", cluster.access.private)
        .list("publicAccessCidrs", "member", &cluster.access.public_cidrs)
}

/// The log types that are on, if any are, and those that are off, likewise.
fn logging(cluster: &Cluster) -> Fields {
    let (on, off) = clusters::log_types(&cluster.logging);
    let setups = [(on, true), (off, false)].into_iter();
    let setups = setups.filter(|(types, _)| !types.is_empty());
    let setups = setups.map(|(types, enabled)| {
        Fields::new()
            .list("types", "member", types)
            .with("enabled", enabled)
    });
    Fields::new().list("clusterLogging", "member", setups)
}

pub(super) fn nodegroup(group: &Nodegroup) -> Reply {
    let scaling = group.settings.scaling;
    let scaling = Fields::new()
        .with("minSize", scaling.min)
        .with("maxSize", scaling.max)
        .with("desiredSize", scaling.desired);
    let unavailable = match group.settings.unavailable {
        Unavailable::Count(count) => Fields::only("maxUnavailable", count),
        Unavailable::Percent(percent) => Fields::only("maxUnavailablePercentage", percent),
    };
    let scaling_group = Fields::only("name", group.scaling_group());
    let resources = Fields::new().list("autoScalingGroups", "member", [scaling_group]);
    let taint = |taint: &Taint| {
        let value = Some(&taint.value).filter(|value| !value.is_empty());
        Fields::new()
            .with("key", &taint.key)
            .maybe("value", value)
            .with("effect", &taint.effect)
    };
    // What goes wrong with nodes shows once EKS has given up.
    let told = group.status != NodegroupStatus::Creating;
    let issues = group.issues.iter().filter(|_| told).map(issue);
    let health = Fields::new().list("issues", "member", issues);
    let taints = &group.settings.taints;
    let taints = (!taints.is_empty()).then(|| {
        let taints = taints.iter().map(|one| taint(one).into());
        Reply::List("member", taints.collect())
    });
    Fields::new()
        .with("nodegroupName", &group.name)
        .with("nodegroupArn", &group.arn)
        .with("clusterName", &group.cluster)
        .with("version", &group.version)
        .with("releaseVersion", versions::node_release(&group.version))
        .with("createdAt", group.created)
        .with("modifiedAt", group.modified)
        .with("status", group.status.word())
        .with("capacityType", &group.capacity)
        .with("scalingConfig", scaling)
        .list("instanceTypes", "member", &group.instance_types)
        .list("subnets", "member", &group.subnets)
        .with("amiType", &group.ami_type)
        .with("nodeRole", &group.role_arn)
        .with("labels", to_map(&group.settings.labels))
        .maybe("taints", taints)
        .with("resources", resources)
        .with("diskSize", group.disk_gib)
        .with("health", health)
        .with("updateConfig", unavailable)
        .with("tags", to_map(&group.tags))
        .into()
}
