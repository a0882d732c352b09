//! CreateCluster, DescribeCluster, DeleteCluster, and what happens between them.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;

use super::addons::SELF_MANAGED;
use super::state::{Access, Cluster, ClusterStatus, Token};
use super::{
    Task, access, auto, checked_name, cluster_of, in_use, invalid, later, render, roles, versions,
};
use crate::sandbox::aws::ec2::{self, Peer, security_groups};
use crate::sandbox::aws::placement::{self, Subnets};
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, logs, tag_operations};
use crate::sandbox::durations::{EKS_CLUSTER_CREATE, EKS_CLUSTER_DELETE};
use crate::sandbox::kubernetes;
use crate::sandbox::world::World;

/// The service that the control plane's interfaces belong to.
const REQUESTER: &str = "amazon-eks";

/// What a control plane can log.
const LOG_TYPES: [&str; 5] = [
    "api",
    "audit",
    "authenticator",
    "controllerManager",
    "scheduler",
];

/// How users are recognised; one can only go down this list.
pub(super) const AUTHENTICATION_MODES: [&str; 3] = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"];

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let name = checked_name(params, "name", 100)?;
    let token = Token::of(params);
    if let Some(cluster) = world.region(region).eks.clusters.get(&name) {
        // The same request again is answered with what it made.
        return match token.is_some() && cluster.token == token {
            true => Ok(Fields::only("cluster", render::cluster(region, cluster))),
            false => Err(in_use(format!("Cluster already exists with name: {name}"))),
        };
    }
    let role_arn = params.text("roleArn").unwrap_or_default();
    roles::check(world, &role_arn, "eks.amazonaws.com")?;
    let auto = auto::asked(world, params, &role_arn)?.flatten();
    if auto.is_some() && params.flag("bootstrapSelfManagedAddons") != Some(false) {
        return Err(invalid(
            "When EKS Auto Mode is enabled, bootstrapSelfManagedAddons must be set to false",
        ));
    }
    let network = params.nested("resourcesVpcConfig");
    let subnet_ids = network.texts("subnetIds");
    let subnets = subnets(world, region, &subnet_ids)?;
    let group_ids = groups(
        world,
        region,
        &subnets.vpc_id,
        network.texts("securityGroupIds"),
    )?;
    let mut cluster = Cluster {
        uid: world.ids.upper("", 32),
        arn: format!("arn:aws:eks:{region}:{}:cluster/{name}", world.account),
        created: world.now,
        token,
        status: ClusterStatus::Creating,
        ready: false,
        version: versions::resolve(params.text("version").as_deref())?,
        role_arn,
        subnets: subnet_ids,
        group_ids,
        cluster_group_id: String::new(),
        interfaces: Vec::new(),
        access: endpoint(&network, None)?,
        service_cidr: service_cidr(world, region, &subnets.vpc_id, params)?,
        vpc_id: subnets.vpc_id.clone(),
        logging: logging(&params.nested("logging"), BTreeSet::new())?,
        authentication: authentication(&params.nested("accessConfig"))?,
        creator_is_admin: (params.nested("accessConfig"))
            .flag("bootstrapClusterCreatorAdminPermissions")
            .unwrap_or(true),
        bare: params.flag("bootstrapSelfManagedAddons") == Some(false),
        support: support(&params.nested("upgradePolicy"))?,
        protected: params.flag("deletionProtection").unwrap_or(false),
        tags: tag_operations::from_map(params, "tags"),
        updates: Vec::new(),
        nodegroups: BTreeMap::new(),
        access_entries: BTreeMap::new(),
        auto,
        auto_nodes: BTreeMap::new(),
        addons: BTreeMap::new(),
        associations: BTreeMap::new(),
        name,
    };
    access::of_creator(world, region, &mut cluster);
    cluster.cluster_group_id = make_group(world, region, &cluster)?;
    cluster.interfaces = match attach(world, region, &cluster, &subnets) {
        Ok(interfaces) => interfaces,
        Err(fault) => {
            // Nothing wears the new group, so it goes.
            security_groups::delete(world, region, &cluster.cluster_group_id)?;
            return Err(fault);
        }
    };
    let reply = Fields::only("cluster", render::cluster(region, &cluster));
    later(
        world,
        region,
        EKS_CLUSTER_CREATE,
        Task::Activate(cluster.uid.clone()),
    );
    let clusters = &mut world.region(region).eks.clusters;
    clusters.insert(cluster.name.clone(), cluster);
    Ok(reply)
}

pub(super) fn subnets(world: &mut World, region: &str, ids: &[String]) -> Result<Subnets, Fault> {
    let subnets = Subnets::find(world, region, ids, "InvalidParameterException")?;
    match subnets.by_zone().len() {
        0 | 1 => Err(invalid(
            "Subnets specified must be in at least two different AZs",
        )),
        _ => Ok(subnets),
    }
}

/// The security groups that were asked for; none is fine.
pub(super) fn groups(
    world: &mut World,
    region: &str,
    vpc_id: &str,
    asked: Vec<String>,
) -> Result<Vec<String>, Fault> {
    match asked.is_empty() {
        true => Ok(asked),
        false => {
            placement::security_groups(world, region, vpc_id, asked, "InvalidParameterException")
        }
    }
}

/// How the API server shall be reached, where nothing is said as before.
pub(super) fn endpoint(network: &Params, before: Option<&Access>) -> Result<Access, Fault> {
    let cidrs = network.texts("publicAccessCidrs");
    let access = Access {
        public: (network.flag("endpointPublicAccess"))
            .unwrap_or(before.is_none_or(|before| before.public)),
        private: (network.flag("endpointPrivateAccess"))
            .unwrap_or(before.is_some_and(|before| before.private)),
        public_cidrs: match (cidrs.is_empty(), before) {
            (false, _) => cidrs,
            (true, Some(before)) => before.public_cidrs.clone(),
            (true, None) => vec!["0.0.0.0/0".to_owned()],
        },
    };
    if !access.public && !access.private {
        return Err(invalid(
            "Private and public endpoint access cannot be false",
        ));
    }
    match access
        .public_cidrs
        .iter()
        .find(|cidr| cidr.parse::<ipnet::IpNet>().is_err())
    {
        Some(cidr) => Err(invalid(format!(
            "The following CIDRs are invalid in publicAccessCidrs: [{cidr}]"
        ))),
        None => Ok(access),
    }
}

/// The block for services: one that the network does not touch.
fn service_cidr(
    world: &mut World,
    region: &str,
    vpc_id: &str,
    params: &Params,
) -> Result<String, Fault> {
    let vpc = world.region(region).ec2.vpc(vpc_id)?.cidr;
    let asked = params.nested("kubernetesNetworkConfig");
    if asked
        .text("ipFamily")
        .is_some_and(|family| family != "ipv4")
    {
        return Err(invalid(
            "The sandbox offers clusters with ipFamily ipv4 only",
        ));
    }
    let Some(asked) = asked.text("serviceIpv4Cidr") else {
        let in_ten = vpc.network().octets()[0] == 10;
        return Ok(if in_ten {
            "172.20.0.0/16"
        } else {
            "10.100.0.0/16"
        }
        .to_owned());
    };
    let fits = asked.parse::<Ipv4Net>().is_ok_and(|cidr| {
        cidr.network().is_private()
            && (12..=24).contains(&cidr.prefix_len())
            && !cidr.contains(&vpc.network())
            && !vpc.contains(&cidr.network())
    });
    match fits {
        true => Ok(asked),
        false => Err(invalid(format!(
            "serviceIpv4Cidr must be a private block between /12 and /24 that doesn't overlap the VPC: {asked}"
        ))),
    }
}

/// The log types after a request: each setup turns its types on or off.
pub(super) fn logging(
    asked: &Params,
    mut enabled: BTreeSet<String>,
) -> Result<BTreeSet<String>, Fault> {
    for setup in asked.list("clusterLogging") {
        for kind in setup.texts("types") {
            if !LOG_TYPES.contains(&kind.as_str()) {
                return Err(invalid(format!("Invalid log type: {kind}")));
            }
            match setup.flag("enabled") {
                Some(true) => enabled.insert(kind),
                Some(false) | None => enabled.remove(&kind),
            };
        }
    }
    Ok(enabled)
}

/// All log types, those that a cluster writes and the others.
pub(super) fn log_types(enabled: &BTreeSet<String>) -> (Vec<&'static str>, Vec<&'static str>) {
    LOG_TYPES.iter().partition(|kind| enabled.contains(**kind))
}

fn authentication(asked: &Params) -> Result<String, Fault> {
    let mode = asked.text("authenticationMode");
    let mode = mode.unwrap_or_else(|| "CONFIG_MAP".to_owned());
    match AUTHENTICATION_MODES.contains(&mode.as_str()) {
        true => Ok(mode),
        false => Err(invalid(format!("Invalid authenticationMode: {mode}"))),
    }
}

pub(super) fn support(asked: &Params) -> Result<String, Fault> {
    match asked.text("supportType") {
        None => Ok("EXTENDED".to_owned()),
        Some(support) if ["EXTENDED", "STANDARD"].contains(&support.as_str()) => Ok(support),
        Some(support) => Err(invalid(format!("Invalid supportType: {support}"))),
    }
}

/// The security group that the control plane and managed nodes wear, and that lets them talk to each other.
fn make_group(world: &mut World, region: &str, cluster: &Cluster) -> Result<String, Fault> {
    let number = u32::from_str_radix(&world.ids.hex(7), 16).unwrap_or_default();
    let name = format!("eks-cluster-sg-{}-{number}", cluster.name);
    let tags = Tags::from([
        ("Name".to_owned(), name.clone()),
        (ec2::CLUSTER_NAME_TAG.to_owned(), cluster.name.clone()),
        (
            format!("kubernetes.io/cluster/{}", cluster.name),
            "owned".to_owned(),
        ),
    ]);
    let description = "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.";
    let id = security_groups::create(world, region, &cluster.vpc_id, &name, description, tags)?;
    let own = security_groups::all_traffic(false, Peer::Group(id.clone()));
    security_groups::add_rule(world, region, &id, own, None)?;
    Ok(id)
}

/// One interface in each zone, wearing the cluster's group and those that were given.
pub(super) fn attach(
    world: &mut World,
    region: &str,
    cluster: &Cluster,
    subnets: &Subnets,
) -> Result<Vec<String>, Fault> {
    let mut worn = vec![cluster.cluster_group_id.clone()];
    worn.extend(cluster.group_ids.iter().cloned());
    let description = format!("Amazon EKS {}", cluster.name);
    let mut made = Vec::new();
    for subnet in subnets.by_zone().into_values() {
        match placement::attach(world, region, REQUESTER, &description, subnet, &worn) {
            Ok(interface) => made.push(interface),
            Err(fault) => {
                placement::detach(world, region, &made);
                return Err(invalid(fault.message));
            }
        }
    }
    Ok(made)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster_of(world, call)?;
    Ok(Fields::only(
        "cluster",
        render::cluster(&call.region, cluster),
    ))
}

/// CREATING → ACTIVE: the API server is up.
pub(super) fn activate(world: &mut World, region: &str, uid: &str) {
    let Some(cluster) = world.region(region).eks.cluster_by_uid(uid) else {
        return;
    };
    if cluster.status != ClusterStatus::Creating {
        return;
    }
    cluster.status = ClusterStatus::Active;
    cluster.ready = true;
    let (name, version) = (cluster.name.clone(), cluster.version.clone());
    let (logs, bare) = (!cluster.logging.is_empty(), cluster.bare);
    kubernetes::create_cluster(world, region, &name, &version);
    for addon in SELF_MANAGED.iter().filter(|_| !bare) {
        kubernetes::install(world, region, &name, addon);
    }
    auto::settle(world, region, &name);
    if logs {
        logs::ensure(world, region, &log_group(&name));
    }
}

/// CREATING → FAILED: there never was an API server.
pub(super) fn fail(world: &mut World, region: &str, uid: &str) {
    if let Some(cluster) = world.region(region).eks.cluster_by_uid(uid)
        && cluster.status == ClusterStatus::Creating
    {
        cluster.status = ClusterStatus::Failed;
    }
}

/// Where a control plane logs.
pub(super) fn log_group(cluster: &str) -> String {
    format!("/aws/eks/{cluster}/cluster")
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster_of(world, call)?;
    if !cluster.nodegroups.is_empty() {
        return Err(in_use("Cluster has nodegroups attached"));
    }
    if cluster.protected {
        return Err(in_use(format!(
            "Cluster {} has deletion protection enabled. Disable it before deleting the cluster.",
            cluster.name
        )));
    }
    if !matches!(
        cluster.status,
        ClusterStatus::Active | ClusterStatus::Failed
    ) {
        return Err(in_use(format!(
            "Cannot delete because cluster {} currently has an operation in progress: its status is {}",
            cluster.name,
            cluster.status.word()
        )));
    }
    cluster.status = ClusterStatus::Deleting;
    let uid = cluster.uid.clone();
    let reply = Fields::only("cluster", render::cluster(&call.region, cluster));
    let going = cluster.clone();
    auto::retire(world, &call.region, &going, |_| true);
    later(world, &call.region, EKS_CLUSTER_DELETE, Task::Remove(uid));
    Ok(reply)
}

/// DELETING → gone, with its interfaces and its security group. Its log group stays; a control plane that
/// logs to its end makes it anew if somebody removed it before.
pub(super) fn remove(world: &mut World, region: &str, uid: &str) {
    let eks = &mut world.region(region).eks;
    let Some(cluster) = eks.cluster_by_uid(uid).cloned() else {
        return;
    };
    eks.clusters.remove(&cluster.name);
    kubernetes::delete_cluster(world, region, &cluster.name);
    placement::detach(world, region, &cluster.interfaces);
    // A group that something else still wears or names stays behind, as in AWS.
    let _ = security_groups::delete(world, region, &cluster.cluster_group_id);
    if !cluster.logging.is_empty() {
        logs::ensure(world, region, &log_group(&cluster.name));
    }
}
