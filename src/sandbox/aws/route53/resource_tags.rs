//! The tags of hosted zones.

use super::{Zone, invalid_input, no_such_zone};
use crate::sandbox::aws::{Fault, Fields, Params, Reply, tags};
use crate::sandbox::world::World;

/// Health checks have tags too, but there are none in the sandbox.
fn check_type(params: &Params, id: &str) -> Result<(), Fault> {
    match params.required("ResourceType")?.as_str() {
        "hostedzone" => Ok(()),
        "healthcheck" => Err(Fault::new(
            "NoSuchHealthCheck",
            format!("The specified health check does not exist: {id}"),
        )
        .status(404)),
        other => Err(invalid_input(format!("Unknown resource type {other}"))),
    }
}

fn tagged<'a>(world: &'a mut World, params: &Params, id: &str) -> Result<&'a mut Zone, Fault> {
    check_type(params, id)?;
    let id = id.trim_start_matches("/hostedzone/");
    let found = world.global.route53.zones.get_mut(id);
    found.ok_or_else(|| no_such_zone(id))
}

fn tag_set(zone: &Zone) -> Fields {
    Fields::new()
        .with("ResourceType", "hostedzone")
        .with("ResourceId", &zone.id)
        .with("Tags", tags::reply("Tag", &zone.tags))
}

pub(super) fn change(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let new = tags::read(params, "AddTags", "InvalidInput")?;
    let zone = tagged(world, params, &params.required("ResourceId")?)?;
    tags::remove(&mut zone.tags, params, "RemoveTagKeys");
    tags::add(&mut zone.tags, new, "InvalidInput")?;
    Ok(Reply::empty())
}

pub(super) fn list(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let zone = tagged(world, params, &params.required("ResourceId")?)?;
    Ok(Fields::new().with("ResourceTagSet", tag_set(zone)).into())
}

pub(super) fn list_many(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let ids = params.texts("ResourceIds");
    if ids.is_empty() || ids.len() > 10 {
        return Err(invalid_input("ResourceIds must name 1 to 10 resources"));
    }
    let sets: Vec<Fields> = ids
        .iter()
        .map(|id| Ok(tag_set(tagged(world, params, id)?)))
        .collect::<Result<_, Fault>>()?;
    Ok(Fields::new()
        .list("ResourceTagSets", "ResourceTagSet", sets)
        .into())
}
