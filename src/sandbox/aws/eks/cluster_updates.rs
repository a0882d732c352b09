//! UpdateClusterConfig and UpdateClusterVersion.

use super::clusters::{self, AUTHENTICATION_MODES};
use super::state::{Auto, Change, Cluster};
use super::updates::{self, UpdateParams};
use super::{auto, cluster_of, invalid, versions};
use crate::sandbox::aws::{Call, Fault, Params, Reply};
use crate::sandbox::durations::{EKS_CONFIG_UPDATE, EKS_VERSION_UPDATE};
use crate::sandbox::world::World;

/// One type of update, or none, that a request asks for.
type Asked = Option<(&'static str, Change, UpdateParams)>;

pub(super) fn config(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster_of(world, call)?.clone();
    if let Some(reply) = updates::repeated(&cluster, call) {
        return Ok(reply);
    }
    updates::check_free(&cluster, &call.operation)?;
    let params = &call.params;
    let asked = [
        logging(params, &cluster)?,
        access(params, &cluster)?,
        network(world, call, &cluster)?,
        auto_mode(world, params, &cluster)?,
        authentication(params, &cluster)?,
        protection(params, &cluster)?,
        support(params, &cluster)?,
    ];
    let mut asked = asked.into_iter().flatten();
    match (asked.next(), asked.next()) {
        (Some((kind, change, about)), None) => {
            updates::begin(world, call, kind, change, about, EKS_CONFIG_UPDATE)
        }
        (Some(_), Some(_)) => Err(invalid("Only one type of update can be allowed.")),
        (None, _) => Err(invalid(
            "No changes detected: one type of update must be given",
        )),
    }
}

/// An update, unless everything is as asked already.
fn changed(
    kind: &'static str,
    is_same: bool,
    change: Change,
    about: &[(&str, String)],
) -> Result<Asked, Fault> {
    if is_same {
        return Err(invalid(format!(
            "No changes detected: no changes needed for the {kind} asked for"
        )));
    }
    let about = about
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    Ok(Some((kind, change, about.collect())))
}

fn logging(params: &Params, cluster: &Cluster) -> Result<Asked, Fault> {
    if !params.has("logging") {
        return Ok(None);
    }
    let asked = params.nested("logging");
    let logging = clusters::logging(&asked, cluster.logging.clone())?;
    let about = [("ClusterLogging", asked.0.to_string())];
    let is_same = logging == cluster.logging;
    changed("LoggingUpdate", is_same, Change::Logging(logging), &about)
}

fn access(params: &Params, cluster: &Cluster) -> Result<Asked, Fault> {
    let asked = params.nested("resourcesVpcConfig");
    let members = [
        "endpointPublicAccess",
        "endpointPrivateAccess",
        "publicAccessCidrs",
    ];
    if !members.iter().any(|member| asked.has(member)) {
        return Ok(None);
    }
    let access = clusters::endpoint(&asked, Some(&cluster.access))?;
    let about = [
        ("EndpointPublicAccess", access.public.to_string()),
        ("EndpointPrivateAccess", access.private.to_string()),
        ("PublicAccessCidrs", format!("{:?}", access.public_cidrs)),
    ];
    let is_same = access == cluster.access;
    changed(
        "EndpointAccessUpdate",
        is_same,
        Change::Access(access),
        &about,
    )
}

fn network(world: &mut World, call: &Call, cluster: &Cluster) -> Result<Asked, Fault> {
    let asked = call.params.nested("resourcesVpcConfig");
    if !asked.has("subnetIds") && !asked.has("securityGroupIds") {
        return Ok(None);
    }
    let subnets = match asked.has("subnetIds") {
        true => asked.texts("subnetIds"),
        false => cluster.subnets.clone(),
    };
    let found = clusters::subnets(world, &call.region, &subnets)?;
    if found.vpc_id != cluster.vpc_id {
        return Err(invalid("Provided subnets must belong to the cluster's VPC"));
    }
    let group_ids = match asked.has("securityGroupIds") {
        true => asked.texts("securityGroupIds"),
        false => cluster.group_ids.clone(),
    };
    let group_ids = clusters::groups(world, &call.region, &cluster.vpc_id, group_ids)?;
    let about = [
        ("Subnets", format!("{subnets:?}")),
        ("SecurityGroups", format!("{group_ids:?}")),
    ];
    let is_same = (&subnets, &group_ids) == (&cluster.subnets, &cluster.group_ids);
    changed(
        "VpcConfigUpdate",
        is_same,
        Change::Network { subnets, group_ids },
        &about,
    )
}

fn auto_mode(world: &World, params: &Params, cluster: &Cluster) -> Result<Asked, Fault> {
    let Some(asked) = auto::asked(world, params, &cluster.role_arn)? else {
        return Ok(None);
    };
    let role = |auto: &Option<Auto>| auto.as_ref().and_then(|auto| auto.node_role.clone());
    let (before, after) = (role(&cluster.auto), role(&asked));
    if before.is_some() && after.is_some() && before != after {
        return Err(invalid(
            "nodeRoleArn can't be changed while EKS Auto Mode is enabled",
        ));
    }
    let about = [("ComputeConfig", asked.is_some().to_string())];
    let is_same = asked == cluster.auto;
    changed("AutoModeUpdate", is_same, Change::Auto(asked), &about)
}

/// The authentication mode goes one step down the list, never back.
fn authentication(params: &Params, cluster: &Cluster) -> Result<Asked, Fault> {
    let Some(mode) = params.nested("accessConfig").text("authenticationMode") else {
        return Ok(None);
    };
    let rank = |mode: &str| AUTHENTICATION_MODES.iter().position(|known| *known == mode);
    let (now, asked) = (rank(&cluster.authentication), rank(&mode));
    if asked != now && asked != now.map(|now| now + 1) {
        return Err(invalid(format!(
            "Unsupported authentication mode update from {} to {mode}",
            cluster.authentication
        )));
    }
    let about = [("AuthenticationMode", mode.clone())];
    changed(
        "AccessConfigUpdate",
        asked == now,
        Change::Authentication(mode),
        &about,
    )
}

fn protection(params: &Params, cluster: &Cluster) -> Result<Asked, Fault> {
    let Some(protected) = params.flag("deletionProtection") else {
        return Ok(None);
    };
    let about = [("DeletionProtection", protected.to_string())];
    let is_same = protected == cluster.protected;
    changed(
        "DeletionProtectionUpdate",
        is_same,
        Change::Protection(protected),
        &about,
    )
}

fn support(params: &Params, cluster: &Cluster) -> Result<Asked, Fault> {
    if !params.has("upgradePolicy") {
        return Ok(None);
    }
    let support = clusters::support(&params.nested("upgradePolicy"))?;
    let about = [("UpgradePolicy", support.clone())];
    let is_same = support == cluster.support;
    changed(
        "UpgradePolicyUpdate",
        is_same,
        Change::Support(support),
        &about,
    )
}

pub(super) fn version(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster_of(world, call)?.clone();
    if let Some(reply) = updates::repeated(&cluster, call) {
        return Ok(reply);
    }
    updates::check_free(&cluster, &call.operation)?;
    let asked = versions::resolve(call.params.text("version").as_deref())?;
    if versions::behind(&cluster.version, &asked) != 1 {
        return Err(invalid(format!(
            "Unsupported Kubernetes minor version update from {} to {asked}",
            cluster.version
        )));
    }
    let about = vec![
        ("Version".to_owned(), asked.clone()),
        (
            "PlatformVersion".to_owned(),
            versions::platform(&asked).to_owned(),
        ),
    ];
    updates::begin(
        world,
        call,
        "VersionUpdate",
        Change::Version(asked),
        about,
        EKS_VERSION_UPDATE,
    )
}
