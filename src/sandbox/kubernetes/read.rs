//! Get and list.

use serde_json::{Value, json};

use super::call::Call;
use super::cluster::Cluster;
use super::object::{namespace, set};
use super::refusal::Refusal;

/// The object that the URL names, in the version that was asked for.
pub fn get(cluster: &Cluster, call: &Call) -> Result<Value, Refusal> {
    Ok(in_version(call, call.live(cluster)?.clone()))
}

/// An object as the URL's version shows it.
pub fn in_version(call: &Call, mut object: Value) -> Value {
    set(&mut object, "/apiVersion", call.kind.api_version());
    object
}

/// Whether an object lies within the URL's namespace.
pub fn is_within(call: &Call, object: &Value) -> bool {
    call.namespace.is_empty() || namespace(object) == call.namespace
}

/// The objects that are asked for, page by page where a limit is given. A page goes on after the key that its
/// predecessor named.
pub fn list(cluster: &Cluster, call: &Call) -> Result<Value, Refusal> {
    let selection = call.query.selection()?;
    let limit = call.query.number("limit")?.filter(|limit| *limit > 0);
    let (snapshot, after) = match call.query.text("continue") {
        "" => (cluster.resource_version, None),
        token => {
            let (version, key) = read_token(token)?;
            if version < cluster.forgotten {
                return Err(Refusal::expired(
                    "The provided continue parameter is too old to display a consistent list result.",
                ));
            }
            (version, Some(key))
        }
    };
    let mut found: Vec<(&String, &Value)> = cluster
        .objects
        .get(&call.storage())
        .into_iter()
        .flatten()
        .filter(|(key, object)| {
            after.as_ref().is_none_or(|after| *key > after)
                && is_within(call, object)
                && selection.matches(object)
        })
        .collect();
    let mut metadata = json!({"resourceVersion": snapshot.to_string()});
    let page = limit.and_then(|limit| usize::try_from(limit).ok());
    if let Some(page) = page
        && found.len() > page
    {
        metadata["remainingItemCount"] = (found.len() - page).into();
        found.truncate(page);
        let last = found.last().map_or("", |(key, _)| key.as_str());
        metadata["continue"] = format!("{snapshot}:{last}").into();
    }
    let items: Vec<Value> = found
        .into_iter()
        .map(|(_, object)| in_version(call, object.clone()))
        .collect();
    Ok(json!({
        "apiVersion": call.kind.api_version(), "kind": format!("{}List", call.kind.kind),
        "metadata": metadata, "items": items,
    }))
}

fn read_token(token: &str) -> Result<(u64, String), Refusal> {
    token
        .split_once(':')
        .and_then(|(version, key)| Some((version.parse().ok()?, key.to_owned())))
        .ok_or_else(|| Refusal::bad_request("continue key is not valid"))
}
