//! What is in the cluster: our objects by their labels, and whatever has the name of one that we want.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use serde_json::Value;

use super::api;
use super::claims::{self, Claims};
use super::id::ObjectId;
use super::marks::Marks;
use super::object::{
    LABEL_ENVIRONMENT, LABEL_MANAGED, Spec, compared, essence, going, namespaces, observed, owner,
};
use super::others::{self, Going, Type, type_of};
use super::secret::Values;
use crate::address::Address;
use crate::cloud::Fault;
use crate::resources::{Condition, Fields, Observed, Owner, Wanted, cluster, kind, resolve};

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// What is in the cluster.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The objects of ours and those with names that we want.
    pub objects: Vec<Observed>,
    /// The types that we may not list, among which our marks were looked for in vain.
    pub unlisted: Vec<String>,
    /// The namespaces in another's cluster that the file takes to be there, and that are not.
    pub absent: BTreeSet<String>,
}

/// The objects of ours and those with names that we want, each compared by the API server.
///
/// # Errors
/// The fault of the first call that failed: a part of the cluster is never taken for the whole.
pub async fn sweep(
    client: &Client,
    wanted: &Wanted<'_>,
    values: &Values,
    lookup: &(impl Fn(&Address, &str) -> Option<String> + Sync),
) -> Result<Sight, Fault> {
    let known = known(wanted);
    let marks = Marks::of(wanted.ownership, &known);
    // What is in a cluster of ours goes with it.
    let guest = cluster::existing::is_used(wanted);
    let mut types = match guest && goes(wanted, &known) {
        true => others::types(client).await?,
        false => Vec::new(),
    };
    let (mut live, mut unlisted) = labelled(client, wanted, known.keys(), &types).await?;
    let missing: Vec<&ObjectId> = known.keys().filter(|id| !live.contains_key(*id)).collect();
    let gets = missing.into_iter().map(|id| async move {
        let object = api::get(client, id).await?;
        Ok::<_, Fault>(object.map(|object| (id.clone(), object)))
    });
    let unlabelled: Vec<Option<(ObjectId, Value)>> = stream::iter(gets)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    live.extend(unlabelled.into_iter().flatten());
    let views = live.iter().filter_map(|(id, object)| {
        let address = match known.get(id) {
            Some(address) => address.clone(),
            None => marks.address(object)?,
        };
        Some(view(client, wanted, values, lookup, address, id, object))
    });
    let views: Vec<_> = views.collect();
    let seen: Vec<Option<Observed>> = stream::iter(views).buffered(AT_ONCE).try_collect().await?;
    let mut seen: Vec<Observed> = seen.into_iter().flatten().collect();
    if guest {
        let unasked = seen.iter_mut().filter(|one| is_going(wanted, one));
        let unasked: Vec<(&mut Observed, &Value)> = unasked
            .filter_map(|one| {
                let id: ObjectId = one.id.parse().ok()?;
                Some((one, live.get(&id)?))
            })
            .collect();
        if types.is_empty() && !unasked.is_empty() {
            types = others::types(client).await?;
        }
        let along = Going::of(wanted, &marks, unasked.iter().map(|(_, object)| *object));
        for (one, object) in unasked {
            let others = others::taken_along(client, &types, &along, object).await?;
            others::take_down(&mut one.fields, &others);
            let stands = ObjectId::of(object).filter(|id| claims::go_along(wanted, id));
            if stands.is_some() {
                let claimed = Claims::of([object].into_iter()).made(client).await?;
                claims::take_down(&mut one.fields, claimed.as_deref());
            }
        }
    }
    match outlived(client, wanted, &live).await? {
        Some(outlived) => seen.extend(outlived),
        None => unlisted.push("persistentvolumeclaims".to_owned()),
    }
    // What goes needs none.
    let absent = match guest && !wanted.teardown {
        true => absent_namespaces(client, wanted).await?,
        false => BTreeSet::new(),
    };
    Ok(Sight {
        objects: seen,
        unlisted,
        absent,
    })
}

/// StatefulSets that went and whose claims are still there: they are on their way out as long as these are. None where we may
/// not list claims.
async fn outlived(
    client: &Client,
    wanted: &Wanted<'_>,
    live: &BTreeMap<ObjectId, Value>,
) -> Result<Option<Vec<Observed>>, Fault> {
    let mut outlived = BTreeMap::new();
    for (address, .., fields) in wanted.known() {
        let Some((id, manifest)) = object_id(fields).zip(fields.get("manifest")) else {
            continue;
        };
        if live.contains_key(&id) || !claims::go_for_good(wanted, address, &id) {
            continue;
        }
        let Some(claimed) = Claims::of([manifest].into_iter()).made(client).await? else {
            return Ok(None);
        };
        if let Some(kind) = kind_of(address).filter(|_| !claimed.is_empty()) {
            let gone = going(kind, wanted, address.clone(), &id, manifest, &claimed);
            outlived.insert(id, gone);
        }
    }
    Ok(Some(outlived.into_values().collect()))
}

/// The namespaces that the file puts something into, does not make, and that are not there.
async fn absent_namespaces(
    client: &Client,
    wanted: &Wanted<'_>,
) -> Result<BTreeSet<String>, Fault> {
    let made = wanted.names(super::NAMESPACE.name);
    let asked = wanted.desired.values();
    let asked: BTreeSet<&str> = asked.flat_map(|it| namespaces(&it.fields)).collect();
    let others = asked.into_iter().filter(|name| !made.contains_key(*name));
    let looked = others.map(|name| async move {
        let there = api::get(client, &ObjectId::of_namespace(name)).await?;
        Ok::<_, Fault>(there.is_none().then(|| name.to_owned()))
    });
    let absent: Vec<Option<String>> = stream::iter(looked)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(absent.into_iter().flatten().collect())
}

/// Whether what was found may be deleted: it is ours, or was, and nobody asks for it.
fn is_going(wanted: &Wanted<'_>, found: &Observed) -> bool {
    let recorded = wanted.recorded.get(&found.address);
    let ours = match &found.owner {
        Owner::Ours => true,
        Owner::Other { lineage: None } => recorded.is_some_and(|it| it.id == found.id),
        Owner::Other { lineage: Some(_) } => false,
    };
    let asked = wanted.desired.get(&found.address);
    let asked = asked.and_then(|desired| object_id(&desired.fields));
    ours && (wanted.teardown || asked.is_none_or(|id| id.to_string() != found.id))
}

/// Whether anything of ours is to be deleted: only then does it matter what others have.
fn goes(wanted: &Wanted<'_>, known: &BTreeMap<ObjectId, Address>) -> bool {
    let unasked = |address: &Address| !wanted.desired.contains_key(address);
    wanted.teardown || known.values().any(unasked)
}

/// The objects that the file asks for, that were begun, or that the state remembers.
fn known(wanted: &Wanted<'_>) -> BTreeMap<ObjectId, Address> {
    let lives_there = |name: &str| kind(name).is_some_and(|kind| kind.lives_in_cluster());
    let known = wanted.known().filter(|(_, kind, ..)| lives_there(kind));
    known
        .filter_map(|(address, .., fields)| Some((object_id(fields)?, address.clone())))
        .collect()
}

fn object_id(fields: &Fields) -> Option<ObjectId> {
    fields.get("object")?.as_str()?.parse().ok()
}

/// Every object of the types of `known`, and of `types` beside them, that carries our labels; and which of these we may
/// not list.
async fn labelled(
    client: &Client,
    wanted: &Wanted<'_>,
    known: impl Iterator<Item = &ObjectId> + Clone,
    types: &[Type],
) -> Result<(BTreeMap<ObjectId, Value>, Vec<String>), Fault> {
    let selector = format!(
        "{LABEL_MANAGED}={},{LABEL_ENVIRONMENT}={}",
        api::MANAGER,
        wanted.ownership.environment
    );
    let others = known.clone().map(type_of).collect();
    let (others, unlisted) = others::of_other_types(client, types, &others, &selector).await?;
    let mut once = BTreeSet::new();
    let one_of_each = known.filter(|id| once.insert((&id.api_version, &id.kind)));
    let lists: Vec<_> = one_of_each
        .map(|id| api::list(client, id, &selector))
        .collect();
    let lists: Vec<Vec<Value>> = stream::iter(lists)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let objects = lists.into_iter().flatten().chain(others);
    let objects = objects.filter_map(|object| Some((ObjectId::of(&object)?, object)));
    Ok((objects.collect(), unlisted))
}

/// The kind of what stands at `address`: the first two names of it.
fn kind_of(address: &Address) -> Option<&'static str> {
    let names: Vec<&str> = address.as_str().split('.').take(2).collect();
    kind(&names.join(".")).map(|kind| kind.name())
}

async fn view(
    client: &Client,
    wanted: &Wanted<'_>,
    values: &Values,
    lookup: &(impl Fn(&Address, &str) -> Option<String> + Sync),
    address: Address,
    id: &ObjectId,
    object: &Value,
) -> Result<Option<Observed>, Fault> {
    let Some(kind) = kind_of(&address) else {
        return Ok(None);
    };
    let ours = owner(wanted.ownership, object) == Owner::Ours;
    let going = object.pointer("/metadata/deletionTimestamp").is_some();
    // What goes is not held against the file: that would ask the cluster to allow it.
    let compares = ours && !going && !wanted.teardown;
    let asked = wanted.desired.get(&address).filter(|_| compares);
    let asked = asked.filter(|desired| object_id(&desired.fields).as_ref() == Some(id));
    let spec = asked.and_then(|desired| {
        let fields = resolve(&Value::Object(desired.fields.clone()), lookup);
        serde_json::from_value::<Spec>(fields).ok()
    });
    let fields = match spec {
        Some(spec) => {
            let fields = compared(client, id, &spec, values, object).await;
            fields.map_err(|fault| Fault {
                message: format!("{id}: {}", fault.message),
                ..fault
            })?
        }
        None => essence(id, object),
    };
    let mut seen = observed(kind, wanted, address, id, object, fields);
    // A Job that failed is over: it is only run anew.
    if id.kind != "Job" {
        seen.condition = recoverable(seen.condition);
    }
    Ok(Some(seen))
}

/// What got no further goes on once it is changed, or what it waited for is there: it is not made anew, which would
/// take its last good pods as well.
fn recoverable(condition: Condition) -> Condition {
    match condition {
        Condition::Failed(why) => Condition::Settling(why),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_got_stuck_is_not_made_anew() {
        let stuck = recoverable(Condition::Failed("no image".to_owned()));
        assert_eq!(stuck, Condition::Settling("no image".to_owned()));
        assert_eq!(recoverable(Condition::Deleting), Condition::Deleting);
    }
}
