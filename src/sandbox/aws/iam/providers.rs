//! OpenID Connect providers: whose tokens roles may trust.

use super::{Provider, already_exists, no_such_entity};
use crate::sandbox::aws::call::{Fault, Params, Reply};
use crate::sandbox::aws::tags;
use crate::sandbox::world::World;

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
            Fault::new(
                "ValidationError",
                "Invalid Open ID Connect Provider URL: it must begin with https://",
            )
        })?
        .trim_end_matches('/')
        .to_owned();
    let tags = tags::read(params, "Tags", "InvalidInput")?;
    let arn = format!("arn:aws:iam::{}:oidc-provider/{url}", world.account);
    if world.global.iam.providers.contains_key(&arn) {
        return Err(already_exists(format!(
            "Provider with url {given} already exists."
        )));
    }
    let provider = Provider {
        url,
        client_ids: params.texts("ClientIDList").into_iter().collect(),
        thumbprints: params.texts("ThumbprintList"),
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

pub(super) fn delete(world: &mut World, params: &Params) -> Result<Reply, Fault> {
    let arn = named(params)?;
    world
        .global
        .iam
        .providers
        .remove(&arn)
        .map(|_| Reply::empty())
        .ok_or_else(|| not_found(&arn))
}
