//! Which users are in which groups.

use super::{Group, Iam, Kind, entities, limit_exceeded, render};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::world::World;

const MOST_GROUPS_OF_A_USER: usize = 10;

/// The group and the user that a request names, both of which must exist.
fn named<'a>(iam: &'a mut Iam, params: &Params) -> Result<(&'a mut Group, String), Fault> {
    let group = params.required("GroupName")?;
    let user = params.required("UserName")?;
    iam.entity(Kind::User, &user)?;
    let found = iam.groups.get_mut(&group);
    Ok((
        found.ok_or_else(|| entities::not_found(Kind::Group, &group))?,
        user,
    ))
}

pub(super) fn add(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let iam = &mut world.global.iam;
    let user = params.required("UserName")?;
    let others = iam
        .groups
        .values()
        .filter(|group| group.members.contains(&user))
        .filter(|group| Some(&group.entity.name) != params.text("GroupName").as_ref())
        .count();
    let (group, user) = named(iam, params)?;
    if others >= MOST_GROUPS_OF_A_USER {
        return Err(limit_exceeded(format!(
            "Cannot exceed quota for GroupsPerUser: {MOST_GROUPS_OF_A_USER}"
        )));
    }
    group.members.insert(user);
    Ok(Reply::empty())
}

pub(super) fn remove(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let (group, user) = named(&mut world.global.iam, params)?;
    group.members.remove(&user);
    Ok(Reply::empty())
}

pub(super) fn groups_of(world: &World, params: &Params) -> Result<Reply, Fault> {
    let iam = &world.global.iam;
    let user = params.required("UserName")?;
    iam.entity(Kind::User, &user)?;
    let groups = iam
        .groups
        .values()
        .filter(|group| group.members.contains(&user))
        .map(|group| (group.entity.name.clone(), &group.entity));
    let page = render::page(params, groups)?;
    Ok(Reply::Fields(render::listing("Groups", page, |group| {
        Reply::Fields(render::entity(Kind::Group, group, false))
    })))
}
