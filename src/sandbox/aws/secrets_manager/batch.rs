//! `BatchGetSecretValue`: many current values in one request, by id or by filter.

use super::{invalid_parameter, list, not_found, values};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, page};
use crate::sandbox::world::World;

const MOST: usize = 20;

pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let ids = params.texts("SecretIdList");
    match (params.has("SecretIdList"), params.has("Filters")) {
        (true, false) => by_ids(world, call, &ids),
        (false, true) => by_filters(world, call),
        (true, true) | (false, false) => Err(invalid_parameter(
            "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        )),
    }
}

/// What can't be read is told beside the values, not instead of them.
fn by_ids(world: &World, call: &Call, ids: &[String]) -> Result<Reply, Fault> {
    if ids.len() > MOST {
        return Err(invalid_parameter(format!(
            "SecretIdList may name at most {MOST} secrets"
        )));
    }
    let region = world.regions.get(&call.region);
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let secret = region.and_then(|region| region.secrets_manager.find(id));
        match secret
            .ok_or_else(not_found)
            .and_then(|secret| values::read(secret, &Params::default()))
        {
            Ok(value) => found.push(value),
            Err(fault) => errors.push(
                Fields::new()
                    .with("SecretId", id)
                    .with("ErrorCode", fault.code)
                    .with("Message", fault.message),
            ),
        }
    }
    Ok(Fields::new()
        .list("SecretValues", "member", found)
        .list("Errors", "member", errors)
        .into())
}

fn by_filters(world: &World, call: &Call) -> Result<Reply, Fault> {
    let params = &call.params;
    let size = page::size(
        params,
        "MaxResults",
        MOST,
        MOST,
        "InvalidParameterException",
    )?;
    let secrets = list::filtered(world, call)?;
    let page = page::cut(secrets, params.text("NextToken").as_deref(), size);
    let values = page
        .items
        .iter()
        .filter_map(|secret| values::read(secret, &Params::default()).ok());
    Ok(Fields::new()
        .list("SecretValues", "member", values)
        .list("Errors", "member", Vec::<Reply>::new())
        .maybe("NextToken", page.next)
        .into())
}
