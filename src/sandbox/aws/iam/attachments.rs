//! Managed policies attached to roles, groups and users, and their inline policies.

use super::{Kind, document, entities, limit_exceeded, no_such_entity, policies, render};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::world::World;

const MOST_ATTACHED: usize = 10;

pub(super) fn attach(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let arn = params.required("PolicyArn")?;
    let name = params.required(kind.name_member())?;
    let exists = policies::find(world, &arn).is_some();
    let entity = world.global.iam.entity_mut(kind, &name)?;
    if !exists {
        return Err(no_such_entity(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    if !entity.attached.contains(&arn) && entity.attached.len() >= MOST_ATTACHED {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for PoliciesPer{}: {MOST_ATTACHED}",
            kind.word()
        )));
    }
    entity.attached.insert(arn);
    Ok(Reply::empty())
}

pub(super) fn detach(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let arn = params.required("PolicyArn")?;
    let name = params.required(kind.name_member())?;
    match world
        .global
        .iam
        .entity_mut(kind, &name)?
        .attached
        .remove(&arn)
    {
        true => Ok(Reply::empty()),
        false => Err(no_such_entity(format!("Policy {arn} was not found."))),
    }
}

pub(super) fn list_attached(world: &World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let name = params.required(kind.name_member())?;
    let prefix = params.text("PathPrefix").unwrap_or_default();
    let attached = world
        .global
        .iam
        .entity(kind, &name)?
        .attached
        .iter()
        .filter(|arn| {
            policies::find(world, arn).is_some_and(|policy| policy.path.starts_with(&prefix))
        })
        .map(|arn| (arn.clone(), arn));
    let page = render::page(params, attached)?;
    Ok(Reply::Fields(render::listing(
        "AttachedPolicies",
        page,
        |arn| render::attached(arn),
    )))
}

pub(super) fn put_inline(world: &mut World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let policy = entities::name(params, "PolicyName", 128)?;
    let text = params.required("PolicyDocument")?;
    let name = params.required(kind.name_member())?;
    document::check_identity(&text)?;
    let entity = world.global.iam.entity_mut(kind, &name)?;
    let longest = match kind {
        Kind::Role => 10_240,
        Kind::Group => 5_120,
        Kind::User => 2_048,
    };
    let others = entity.inline.iter().filter(|(known, _)| **known != policy);
    let others: usize = others.map(|(_, text)| document::length(text)).sum();
    if others + document::length(&text) > longest {
        return Err(limit_exceeded(format!(
            "Maximum policy size of {longest} bytes exceeded for {} {name}",
            kind.noun()
        )));
    }
    entity.inline.insert(policy, text);
    Ok(Reply::empty())
}

fn no_such_inline(kind: Kind, policy: &str) -> Fault {
    no_such_entity(format!(
        "The {} policy with name {policy} cannot be found.",
        kind.noun()
    ))
}

pub(super) fn get_inline(world: &World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let policy = params.required("PolicyName")?;
    let name = params.required(kind.name_member())?;
    let entity = world.global.iam.entity(kind, &name)?;
    let text = entity
        .inline
        .get(&policy)
        .ok_or_else(|| no_such_inline(kind, &policy))?;
    Ok(Reply::Fields(vec![
        (kind.name_member(), name.into()),
        ("PolicyName", policy.into()),
        ("PolicyDocument", render::document(text)),
    ]))
}

pub(super) fn delete_inline(
    world: &mut World,
    kind: Kind,
    params: &Params,
) -> Result<Reply, Fault> {
    let policy = params.required("PolicyName")?;
    let name = params.required(kind.name_member())?;
    let entity = world.global.iam.entity_mut(kind, &name)?;
    entity
        .inline
        .remove(&policy)
        .map(|_| Reply::empty())
        .ok_or_else(|| no_such_inline(kind, &policy))
}

pub(super) fn list_inline(world: &World, kind: Kind, params: &Params) -> Result<Reply, Fault> {
    let name = params.required(kind.name_member())?;
    let names = world.global.iam.entity(kind, &name)?.inline.keys();
    let page = render::page(params, names.map(|name| (name.clone(), name)))?;
    Ok(Reply::Fields(render::listing(
        "PolicyNames",
        page,
        |name| name.into(),
    )))
}
