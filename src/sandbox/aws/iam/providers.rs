//! OpenID Connect providers: whose tokens roles may trust.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Provider, already_exists, limit_exceeded, no_such_entity, render, validation};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::aws::tags;
use crate::sandbox::world::World;

/// The longest URL and client id.
const LONGEST: usize = 255;
const MOST_CLIENTS: usize = 100;
const MOST_THUMBPRINTS: usize = 5;
/// The digits of a thumbprint, a SHA-1.
const THUMBPRINT: usize = 40;

fn named(params: &Params) -> Result<String, Fault> {
    params.required("OpenIDConnectProviderArn")
}

fn not_found(arn: &str) -> Fault {
    no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}"))
}

pub(super) fn create(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let given = params.required("Url")?;
    let url = given
        .strip_prefix("https://")
        .filter(|host| !host.is_empty())
        .ok_or_else(|| {
            validation("Invalid Open ID Connect Provider URL: it must begin with https://")
        })?
        .trim_end_matches('/')
        .to_owned();
    if given.len() > LONGEST {
        return Err(validation(format!(
            "1 validation error detected: Value '{given}' at 'url' failed to satisfy constraint: Member must have length less than or equal to {LONGEST}"
        )));
    }
    let client_ids: BTreeSet<String> = params.texts("ClientIDList").into_iter().collect();
    check_client_ids(&client_ids)?;
    let tags = tags::read(params, "Tags", "InvalidInput")?;
    let arn = format!("arn:aws:iam::{}:oidc-provider/{url}", world.account);
    if world.global.iam.providers.contains_key(&arn) {
        return Err(already_exists(format!(
            "Provider with url {given} already exists."
        )));
    }
    let provider = Provider {
        thumbprints: thumbprints(params, &url)?,
        url,
        client_ids,
        created: world.now,
        tags,
    };
    world.global.iam.providers.insert(arn.clone(), provider);
    Ok(Reply::Fields(vec![(
        "OpenIDConnectProviderArn",
        arn.into(),
    )]))
}

pub(super) fn get(world: &World, params: &Params) -> Result<Reply, Fault> {
    let arn = named(params)?;
    let provider = world
        .global
        .iam
        .providers
        .get(&arn)
        .ok_or_else(|| not_found(&arn))?;
    Ok(Reply::Fields(vec![
        ("Url", (&provider.url).into()),
        ("ClientIDList", Reply::texts("member", &provider.client_ids)),
        (
            "ThumbprintList",
            Reply::texts("member", &provider.thumbprints),
        ),
        ("CreateDate", provider.created.into()),
        ("Tags", tags::reply("member", &provider.tags)),
    ]))
}

pub(super) fn list(world: &World) -> Reply {
    let arns = world.global.iam.providers.keys();
    let list = arns.map(|arn| Reply::Fields(vec![("Arn", arn.into())]));
    Reply::Fields(vec![(
        "OpenIDConnectProviderList",
        Reply::List("member", list.collect()),
    )])
}

/// One that is not there is gone: the operation is idempotent (IAM API reference, as are those on client ids).
pub(super) fn delete(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    world.global.iam.providers.remove(&named(params)?);
    Ok(Reply::empty())
}

fn provider<'w>(world: &'w mut World, params: &Params) -> Result<&'w mut Provider, Fault> {
    let arn = named(params)?;
    let providers = &mut world.global.iam.providers;
    providers.get_mut(&arn).ok_or_else(|| not_found(&arn))
}

pub(super) fn add_client(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let client = params.required("ClientID")?;
    let found = provider(world, params)?;
    let mut clients = found.client_ids.clone();
    clients.insert(client);
    check_client_ids(&clients)?;
    found.client_ids = clients;
    Ok(Reply::empty())
}

pub(super) fn remove_client(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let client = params.required("ClientID")?;
    provider(world, params)?.client_ids.remove(&client);
    Ok(Reply::empty())
}

pub(super) fn update_thumbprints(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let found = provider(world, params)?;
    found.thumbprints = thumbprints(params, &found.url)?;
    Ok(Reply::empty())
}

pub(super) fn tag(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let new = tags::read(params, "Tags", "InvalidInput")?;
    tags::add(&mut provider(world, params)?.tags, new, "LimitExceeded")?;
    Ok(Reply::empty())
}

pub(super) fn untag(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    tags::remove(&mut provider(world, params)?.tags, params, "TagKeys");
    Ok(Reply::empty())
}

pub(super) fn list_tags(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    Ok(render::all_tags(&provider(world, params)?.tags))
}

fn check_client_ids(clients: &BTreeSet<String>) -> Result<(), Fault> {
    let fits = |client: &String| (1..=LONGEST).contains(&client.len());
    if !clients.iter().all(fits) {
        return Err(validation(format!(
            "1 validation error detected: Value at 'clientIDList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to {LONGEST}, Member must have length greater than or equal to 1]"
        )));
    }
    match clients.len() > MOST_CLIENTS {
        true => Err(limit_exceeded(format!(
            "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENTS}"
        ))),
        false => Ok(()),
    }
}

/// The thumbprints of the request; without any, IAM takes that of the authority behind the issuer's certificate. Here
/// each issuer has one of its own.
fn thumbprints(params: &Params, url: &str) -> Result<Vec<String>, Fault> {
    let given = params.texts("ThumbprintList");
    if given.iter().any(|print| print.len() != THUMBPRINT) {
        return Err(validation(format!(
            "1 validation error detected: Value at 'thumbprintList' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to {THUMBPRINT}, Member must have length greater than or equal to {THUMBPRINT}]"
        )));
    }
    if given.len() > MOST_THUMBPRINTS {
        return Err(Fault::new(
            "InvalidInput",
            "Thumbprint list must contain fewer than 5 entries.",
        ));
    }
    if !given.is_empty() {
        return Ok(given);
    }
    let host = url.split('/').next().unwrap_or(url);
    let hex: String = Sha256::digest(host)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(vec![hex.chars().take(THUMBPRINT).collect()])
}
