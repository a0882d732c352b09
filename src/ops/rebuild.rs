//! The state anew, from nothing but the file and the cloud: for a state that was lost, or is damaged.
//!
//! What carries the environment's name tells its lineage, and what carries that lineage is remembered again as it is
//! found. Nothing in the cloud is changed; the next plan says what differs from the file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{Error, Session};
use crate::address::Address;
use crate::graph::Graph;
use crate::observe::{self, Depth, Observation, VISIBILITY};
use crate::resources::bootstrap::LABEL_ENVIRONMENT;
use crate::resources::{
    self, CONTROL_PLANE, Condition, Desired, EXISTING_CLUSTER, LOG_GROUP, Observed, Owner,
    TAG_ENVIRONMENT, TAG_EXPIRES, TAG_LINEAGE, Wanted, iam, references, resolve,
};
use crate::state::{Recorded, State, StoreError};

/// A history of the environment that the cloud tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What its resources carry.
    pub lineage: Uuid,
    /// How many there are outside the cluster.
    pub resources: usize,
    /// One of them: its address and id.
    pub example: Option<(Address, String)>,
}

/// What is kept in the place of which the rebuilt state is written.
#[derive(Debug)]
pub enum Previous {
    /// Nothing.
    None,
    /// A state that can be read.
    Readable(Box<State>),
    /// A state that can't be used; the error says where its copy is.
    Damaged(StoreError),
}

/// A state that was put together and not yet written.
#[derive(Debug)]
pub struct Rebuilt {
    /// The state.
    pub state: State,
    /// What it would replace.
    pub previous: Previous,
}

/// Finds out what the state of the environment has to remember. Changes nothing, here or in the cloud.
///
/// # Errors
/// When the cloud tells of no lineage or of several and none is `chosen`, or when not everything can be seen.
pub async fn rebuild(
    session: &Session,
    chosen: Option<Uuid>,
    depth: Depth,
) -> Result<Rebuilt, Error> {
    let previous = match session.store.load().await {
        Ok(None) => Previous::None,
        Ok(Some(state)) => Previous::Readable(Box::new(state)),
        Err(error @ StoreError::Damaged { .. }) => Previous::Damaged(error),
        Err(error) => return Err(error.into()),
    };
    // Who made what is there may have been killed a moment ago, and what it made last not be visible yet.
    session.cloud.clock.sleep(VISIBILITY).await;
    // Where nothing else tells, what was put into the cluster does.
    let outside = match session.environment.existing_cluster {
        Some(_) => depth,
        None => Depth::Aws,
    };
    let anyones = look(session, &begin(session, Uuid::nil()), outside).await?;
    let lineage = one_lineage(session, &anyones, chosen, outside).await?;
    let mut state = begin(session, lineage);
    if let Some(since) = since(session, &anyones, lineage) {
        state.since = since;
    }
    let seen = look(session, &state, depth).await?;
    let ownership = session.ownership(&state);
    let desired = session.desired(&ownership, &state);
    remember(&mut state, &desired, &seen, session.cloud.clock.now());
    // That a cluster is there which somebody else made says nothing of the environment.
    if state
        .resources
        .values()
        .all(|one| one.kind == EXISTING_CLUSTER)
    {
        return Err(Error::NothingToRebuild(state.environment));
    }
    state.serial = match &previous {
        Previous::Readable(previous) => previous.serial + 1,
        Previous::None | Previous::Damaged(_) => 1,
    };
    Ok(Rebuilt { state, previous })
}

/// Writes a rebuilt state. The caller holds the lock since before it was put together, and has asked. What was readable
/// is kept aside; says where.
///
/// # Errors
/// When the store refuses; what was there is whole then.
pub async fn take_over(session: &Session, rebuilt: &Rebuilt) -> Result<Option<String>, Error> {
    session.cloud.fence.check()?;
    let store = &session.store;
    let kept = match &rebuilt.previous {
        Previous::None => {
            store.save(&rebuilt.state).await?;
            return Ok(None);
        }
        Previous::Readable(_) => store.keep_aside().await?,
        // Reading it has put a copy aside.
        Previous::Damaged(_) => None,
    };
    store.replace(&rebuilt.state).await?;
    Ok(kept)
}

/// An empty state of this lineage.
fn begin(session: &Session, lineage: Uuid) -> State {
    State {
        lineage,
        ..session.fresh_state()
    }
}

/// Everything that is there, seen as one who owns what has the lineage of `state`.
async fn look(session: &Session, state: &State, depth: Depth) -> Result<Observation, Error> {
    let ownership = session.ownership(state);
    let desired = session.desired(&ownership, state);
    let wanted = Wanted {
        ownership: &ownership,
        desired: &desired,
        recorded: &state.resources,
        open: &state.open,
        variables: &session.variables,
        teardown: false,
    };
    let seen = observe::observe(&session.cloud, &wanted, Some(state), depth).await;
    seen.map_err(Error::unseen_in_rebuild)
}

/// The one lineage under the environment's name, or the chosen one of several.
async fn one_lineage(
    session: &Session,
    anyones: &Observation,
    chosen: Option<Uuid>,
    depth: Depth,
) -> Result<Uuid, Error> {
    let environment = session.environment.name.clone();
    let mut found = Vec::new();
    for lineage in candidates(anyones)? {
        // The index of tags also tells of what is gone, and names are taken by others: what counts is seen as our own.
        let state = begin(session, lineage);
        let seen = look(session, &state, depth).await?;
        let path = iam::path(&session.ownership(&state));
        let ours = seen.found.values().flatten();
        let ours = ours.filter(|one| says_to_be_of(&environment, &path, one));
        let ours: Vec<_> = ours.collect();
        if !ours.is_empty() {
            found.push(History {
                lineage,
                resources: ours.len(),
                example: ours
                    .first()
                    .map(|one| (one.address.clone(), one.id.clone())),
            });
        }
    }
    if let Some(chosen) = chosen {
        found.retain(|history| history.lineage == chosen);
    }
    match &found[..] {
        [] => Err(Error::NothingToRebuild(environment)),
        [one] => Ok(one.lineage),
        _ => Err(Error::SeveralLineages { environment, found }),
    }
}

/// Every lineage that something with our name or our names carries.
fn candidates(anyones: &Observation) -> Result<BTreeSet<Uuid>, Error> {
    let owners = anyones.found.values().flatten().map(|one| &one.owner);
    let owners = owners.filter_map(|owner| match owner {
        Owner::Other { lineage } => lineage.clone(),
        Owner::Ours => None,
    });
    let tagged = anyones.inventory.tagged.as_ref();
    let tagged = tagged.map_err(|unseen| Error::Unseen(unseen.clone()))?;
    let tagged = tagged.values().filter_map(|tags| tags.get(TAG_LINEAGE));
    let lineages = owners.chain(tagged.cloned());
    Ok(lineages.filter_map(|text| text.parse().ok()).collect())
}

/// Whether it is ours and itself tells that it is of this environment, by its tags or its path in IAM. What tells it by
/// its parent, or by a name that we want, is no proof.
fn says_to_be_of(environment: &str, path: &str, one: &Observed) -> bool {
    let under = one.outputs.get("arn").is_some_and(|arn| arn.contains(path));
    one.owner == Owner::Ours && (under || named(one) == Some(environment))
}

/// Whether it is ours, and of this environment as far as it says.
fn is_of(environment: &str, one: &Observed) -> bool {
    let named = named(one);
    one.owner == Owner::Ours && named.is_none_or(|named| named == environment)
}

/// The environment that its tags name, or its labels.
fn named(one: &Observed) -> Option<&str> {
    let labels = || one.fields.get("manifest")?.pointer("/metadata/labels");
    tag(one, TAG_ENVIRONMENT).or_else(|| labels()?.get(LABEL_ENVIRONMENT)?.as_str())
}

fn tag<'a>(one: &'a Observed, key: &str) -> Option<&'a str> {
    one.fields.get("tags")?.get(key)?.as_str()
}

/// When the first apply began, for an environment whose resources say when it ends.
fn since(session: &Session, anyones: &Observation, lineage: Uuid) -> Option<Timestamp> {
    let ttl = session.environment.ttl?;
    let ttl = SignedDuration::try_from(ttl.duration()).ok()?;
    let (lineage, found) = (lineage.to_string(), anyones.found.values().flatten());
    let theirs = found.filter(|one| tag(one, TAG_LINEAGE) == Some(&lineage));
    let ends = theirs.filter_map(|one| tag(one, TAG_EXPIRES)?.parse::<Timestamp>().ok());
    ends.min()?.checked_sub(ttl).ok()
}

/// Remembers what was seen as if it had just been finished.
fn remember(
    state: &mut State,
    desired: &BTreeMap<Address, Desired>,
    seen: &Observation,
    now: Timestamp,
) {
    let ours: Vec<&Observed> = seen
        .found
        .values()
        .flatten()
        .filter(|one| is_of(&state.environment, one))
        .collect();
    let chosen = one_each(&ours);
    let lookup =
        |address: &Address, output: &str| chosen.get(address)?.outputs.get(output).cloned();
    let mut order = Graph::default();
    for (address, desired) in desired {
        for first in &desired.depends_on {
            order.wait(address.clone(), first.clone());
        }
    }
    for (address, one) in &chosen {
        let asked = desired.get(*address);
        let mut fields = one.fields.clone();
        for (name, value) in asked.into_iter().flat_map(|asked| &asked.fields) {
            // What the cloud does not tell is remembered as the file has it.
            let value = resolve(value, &lookup);
            if !fields.contains_key(name) && references(&value).is_empty() {
                fields.insert(name.clone(), value);
            }
        }
        let depends_on = match asked {
            Some(asked) => asked.depends_on.clone(),
            None => made_after(&mut order, one, &chosen),
        };
        let recorded = Recorded {
            kind: one.kind.to_owned(),
            id: one.id.clone(),
            name: one.name.clone(),
            fields,
            outputs: one.outputs.clone(),
            depends_on,
            since: now,
        };
        state.resources.insert((*address).clone(), recorded);
    }
}

/// The one at each address that stays: that which others stand in, before what nobody uses.
fn one_each<'a>(ours: &[&'a Observed]) -> BTreeMap<&'a Address, &'a Observed> {
    let stays = |one: &Observed| {
        let used = ours.iter().filter(|other| refers(other, one)).count();
        let going = one.condition == Condition::Deleting;
        (going, Reverse(used), one.id.clone())
    };
    let mut chosen: BTreeMap<&Address, &Observed> = BTreeMap::new();
    for one in ours {
        let standing = chosen.entry(&one.address).or_insert(one);
        if stays(one) < stays(standing) {
            *standing = one;
        }
    }
    chosen
}

/// What a resource that the file does not ask for was made after, as far as its fields tell, and without a ring.
fn made_after(
    order: &mut Graph<Address>,
    one: &Observed,
    chosen: &BTreeMap<&Address, &Observed>,
) -> BTreeSet<Address> {
    let inside = resources::kind(one.kind).is_some_and(|kind| kind.lives_in_cluster());
    let mut firsts = BTreeSet::new();
    for first in chosen.values() {
        let houses = inside && [CONTROL_PLANE, EXISTING_CLUSTER].contains(&first.kind);
        // A cluster names its log group nowhere, and makes another if it goes first.
        let logs_to = one.kind == CONTROL_PLANE && first.kind == LOG_GROUP;
        if first.address == one.address || !(houses || logs_to || refers(one, first)) {
            continue;
        }
        let mut tried = order.clone();
        tried.wait(one.address.clone(), first.address.clone());
        if tried.order().is_ok() {
            *order = tried;
            firsts.insert(first.address.clone());
        }
    }
    firsts
}

/// Whether an id of `first` stands in the fields of `one`: one that the cloud made up anywhere, a name, which others may
/// have as well, only in a field that is called as its kind.
fn refers(one: &Observed, first: &Observed) -> bool {
    let outputs = ["id", "arn"].map(|name| first.outputs.get(name));
    let ids = outputs.into_iter().flatten().chain([&first.id]);
    let (made_up, named): (Vec<_>, Vec<_>) = ids.partition(|id| **id != first.name);
    one.fields.iter().any(|(field, value)| {
        made_up.iter().any(|id| holds(value, id))
            || calls(field, first.kind) && named.iter().any(|name| holds(value, name))
    })
}

/// Whether the field is called as the kind, `subnet_group` say as `databases.subnet-group`, or as its section.
fn calls(field: &str, kind: &str) -> bool {
    kind.split('.').any(|part| part.replace('-', "_") == field)
}

/// Whether `text` is one of the texts in `value`.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Array(elements) => elements.iter().any(|element| holds(element, text)),
        Value::Object(fields) => fields.values().any(|field| holds(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources::{Fields, Outputs};

    fn seen(address: &str, kind: &'static str, id: &str, fields: Value) -> Observed {
        let Value::Object(fields) = fields else {
            panic!("no object");
        };
        Observed {
            address: address.parse().unwrap(),
            kind,
            id: id.to_owned(),
            name: address.to_owned(),
            owner: Owner::Ours,
            condition: Condition::Ready,
            fields: Fields::from_iter(fields),
            outputs: Outputs::from([("id".to_owned(), id.to_owned())]),
        }
    }

    #[test]
    fn what_another_environment_says_it_is_of_is_not_ours() {
        let tagged = |name: &str| {
            let tags = json!({"tags": {TAG_ENVIRONMENT: name}});
            seen("network.vpc", "network.vpc", "vpc-1", tags)
        };
        let says = |one: &Observed| says_to_be_of("demo", "/groundwork/demo/", one);
        assert!(is_of("demo", &tagged("demo")) && says(&tagged("demo")));
        assert!(!is_of("demo", &tagged("staging")) && !says(&tagged("staging")));
        let record = seen("database.a.record", "dns.record", "a", json!({}));
        assert!(is_of("demo", &record) && !says(&record));
        let mut group = seen("iam.group.a", "iam.group", "a", json!({}));
        let arn = "arn:aws:iam::1:group/groundwork/demo/a".to_owned();
        group.outputs.insert("arn".to_owned(), arn);
        assert!(says(&group));
    }

    #[test]
    fn of_two_at_one_address_the_used_one_stays_whatever_their_ids() {
        let vpc = |id: &str| seen("network.vpc", "network.vpc", id, json!({}));
        for used in ["vpc-1", "vpc-2", "vpc-3"] {
            let subnet = seen("a.b", "network.subnet", "subnet-1", json!({"vpc": used}));
            let vpcs = ["vpc-1", "vpc-2", "vpc-3"].map(vpc);
            let all = [&vpcs[0], &subnet, &vpcs[1], &vpcs[2]];
            let chosen = one_each(&all);
            assert_eq!(chosen[&vpcs[0].address].id, used);
            let going = Observed {
                condition: Condition::Deleting,
                ..vpc(used)
            };
            let stays = vpc("vpc-4");
            let chosen = one_each(&[&going, &subnet, &stays]);
            assert_eq!(chosen[&stays.address].id, "vpc-4");
        }
    }

    #[test]
    fn a_name_tells_what_is_meant_only_in_a_field_for_it() {
        let mut cluster = seen("cluster.control-plane", CONTROL_PLANE, "shop", json!({}));
        "shop".clone_into(&mut cluster.name);
        let fields = |fields| seen("a.b", "c.d", "x", fields);
        assert!(refers(&fields(json!({"cluster": "shop"})), &cluster));
        assert!(!refers(&fields(json!({"database": "shop"})), &cluster));
        assert!(calls("subnet_group", "databases.subnet-group"));
    }

    #[test]
    fn what_the_file_does_not_ask_for_goes_before_what_it_stands_in_and_never_in_a_ring() {
        let vpc = seen("network.vpc", "network.vpc", "vpc-1", json!({}));
        let one = json!({"vpc": "vpc-1", "ingress": [{"from": "sg-2"}]});
        let one = seen("a.one", "network.security-group", "sg-1", one);
        let two = json!({"vpc": "vpc-1", "ingress": [{"from": "sg-1"}]});
        let two = seen("a.two", "network.security-group", "sg-2", two);
        let all = [&vpc, &one, &two];
        let chosen = all.map(|one| (&one.address, one)).into();
        let mut order = Graph::default();
        let [of_one, of_two] = [&one, &two].map(|one| made_after(&mut order, one, &chosen));
        let (vpc, two) = (vpc.address.clone(), two.address.clone());
        assert_eq!(of_one, BTreeSet::from([two, vpc.clone()]));
        assert_eq!(of_two, BTreeSet::from([vpc]));
    }
}
