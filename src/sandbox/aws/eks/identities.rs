//! Pod Identity associations: as whom the pods of a service account act in AWS.

use super::state::{Association, Token};
use super::{cluster_of, in_use, invalid, not_found, roles};
use crate::sandbox::aws::{Call, Fault, Fields, Reply, page, tag_operations};
use crate::sandbox::world::World;

/// The service that acts with the roles.
const PRINCIPAL: &str = "pods.eks.amazonaws.com";

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let cluster = cluster_of(world, call)?.clone();
    let text = |member: &str| params.text(member).unwrap_or_default();
    let (namespace, service_account) = (text("namespace"), text("serviceAccount"));
    let token = Token::of(params);
    let mut known = cluster.associations.values();
    let same =
        |one: &&Association| one.namespace == namespace && one.service_account == service_account;
    if let Some(association) = known.find(same) {
        // The same request again is answered with what it made.
        return match token.is_some() && association.token == token {
            true => Ok(Fields::only(
                "association",
                render(&cluster.name, association),
            )),
            false => Err(in_use(format!(
                "Association already exists: {}",
                association.id
            ))),
        };
    }
    if namespace.is_empty() || service_account.is_empty() {
        return Err(invalid("namespace and serviceAccount are required"));
    }
    let role_arn = text("roleArn");
    roles::check(world, &role_arn, PRINCIPAL)?;
    roles::check_tags_session(world, &role_arn)?;
    let id = format!("a-{}", world.ids.hex(17));
    let association = Association {
        arn: format!(
            "arn:aws:eks:{region}:{}:podidentityassociation/{}/{id}",
            world.account, cluster.name
        ),
        id: id.clone(),
        namespace,
        service_account,
        role_arn,
        created: world.now,
        modified: world.now,
        tags: tag_operations::from_map(params, "tags"),
        token,
    };
    let reply = Fields::only("association", render(&cluster.name, &association));
    let associations = &mut cluster_of(world, call)?.associations;
    associations.insert(id, association);
    Ok(reply)
}

fn found<'w>(world: &'w mut World, call: &Call) -> Result<(String, &'w mut Association), Fault> {
    let id = call.params.text("associationId").unwrap_or_default();
    let cluster = cluster_of(world, call)?;
    let name = cluster.name.clone();
    let association = cluster.associations.get_mut(&id);
    association
        .map(|association| (name, association))
        .ok_or_else(|| not_found(format!("No association found for id: {id}")))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (cluster, association) = found(world, call)?;
    Ok(Fields::only("association", render(&cluster, association)))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let size = page::size(params, "maxResults", 100, 100, "InvalidParameterException")?;
    let (namespace, account) = (params.text("namespace"), params.text("serviceAccount"));
    let cluster = cluster_of(world, call)?;
    let asked =
        |asked: &Option<String>, is: &String| asked.as_ref().is_none_or(|asked| asked == is);
    let found = cluster
        .associations
        .values()
        .filter(|one| asked(&namespace, &one.namespace) && asked(&account, &one.service_account));
    let found = found.map(|one| {
        let summary = Fields::new()
            .with("clusterName", &cluster.name)
            .with("namespace", &one.namespace)
            .with("serviceAccount", &one.service_account)
            .with("associationArn", &one.arn)
            .with("associationId", &one.id);
        (one.id.clone(), summary)
    });
    let page = page::cut(found, params.text("nextToken").as_deref(), size);
    Ok(Fields::new()
        .list("associations", "member", page.items)
        .maybe("nextToken", page.next)
        .into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    if let Some(role_arn) = call.params.text("roleArn") {
        roles::check(world, &role_arn, PRINCIPAL)?;
        roles::check_tags_session(world, &role_arn)?;
        found(world, call)?.1.role_arn = role_arn;
    }
    let (cluster, association) = found(world, call)?;
    association.modified = now;
    Ok(Fields::only("association", render(&cluster, association)))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (cluster, association) = found(world, call)?;
    let reply = Fields::only("association", render(&cluster, association));
    let id = association.id.clone();
    cluster_of(world, call)?.associations.remove(&id);
    Ok(reply)
}

fn render(cluster: &str, association: &Association) -> Reply {
    Fields::new()
        .with("clusterName", cluster)
        .with("namespace", &association.namespace)
        .with("serviceAccount", &association.service_account)
        .with("roleArn", &association.role_arn)
        .with("associationArn", &association.arn)
        .with("associationId", &association.id)
        .with("tags", tag_operations::to_map(&association.tags))
        .with("createdAt", association.created)
        .with("modifiedAt", association.modified)
        .into()
}
