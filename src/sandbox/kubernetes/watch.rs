//! Watch: a stream of changes, one JSON document per line.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::call::Call;
use super::cluster::{Change, Cluster, Event};
use super::object::{labels, set};
use super::query::Selection;
use super::read::{in_version, is_within, list};
use super::refusal::Refusal;
use super::routes::{self, Route};
use super::server::{Asked, Body, no_cluster};
use super::table::Form;
use crate::sandbox::store::{Effect, Store};
use crate::sandbox::time::SimTime;

/// How often a watch looks at the world.
const LOOK: Duration = Duration::from_millis(250);
/// How long a watch lasts that names no time.
const LASTS_SECONDS: u64 = 1800;

struct Watch {
    store: Store,
    world_key: String,
    call: Call,
    selection: Selection,
    form: Form,
    /// The number of the last change that was told.
    since: u64,
    ready: VecDeque<Bytes>,
    ends: Instant,
    is_over: bool,
}

/// Begins to watch. A first answer that can't be given is refused as a whole.
pub fn start(store: &Store, world_key: &str, asked: &Asked) -> Result<Response<Body>, Refusal> {
    let Route::Resource(found) = routes::find(&asked.path) else {
        return Err(Refusal::no_such_path());
    };
    let read = |world: &mut crate::sandbox::world::World| {
        let cluster = world.clusters.get(world_key).ok_or_else(no_cluster)?;
        let mut call = asked.call(cluster, found)?;
        let selection = named_selection(&mut call)?;
        let initial = initial(cluster, &call)?;
        Ok((call, selection, initial, world.now))
    };
    let (call, selection, (since, objects), now) = store
        .transact(Effect::Reads, read)
        .map_err(|error| Refusal::new(500, "InternalError", error.to_string()))??;
    let seconds = call.query.number("timeoutSeconds")?;
    let mut watch = Watch {
        store: store.clone(),
        world_key: world_key.to_owned(),
        form: Form::of(&asked.accept, &call.query),
        selection,
        since,
        ready: VecDeque::new(),
        ends: Instant::now() + Duration::from_secs(seconds.unwrap_or(LASTS_SECONDS)),
        is_over: false,
        call,
    };
    for object in objects {
        watch.tell("ADDED", object, now);
    }
    if watch.call.query.flag("sendInitialEvents") {
        watch.tell_that_initial_events_end();
    }
    let chunks = stream::unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(chunk)), watch))
    });
    let mut response = Response::new(StreamBody::new(chunks).boxed_unsync());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The selection; a watch on one object's own URL selects it by name.
fn named_selection(call: &mut Call) -> Result<Selection, Refusal> {
    if call.name.is_empty() {
        return call.query.selection();
    }
    let name = std::mem::take(&mut call.name);
    super::query::Query::parse(&format!("fieldSelector=metadata.name%3D{name}")).selection()
}

/// Where the watch begins, and what is there already if it begins without a version.
fn initial(cluster: &Cluster, call: &Call) -> Result<(u64, Vec<Value>), Refusal> {
    let version = call.query.text("resourceVersion");
    let wants_all = version.is_empty() || version == "0" || call.query.flag("sendInitialEvents");
    if !wants_all {
        let since = version
            .parse()
            .map_err(|_| Refusal::bad_request(format!("invalid resource version {version:?}")))?;
        return Ok((since, Vec::new()));
    }
    let mut found = list(cluster, call)?;
    let objects = match found["items"].take() {
        Value::Array(objects) => objects,
        _ => Vec::new(),
    };
    Ok((cluster.resource_version, objects))
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if self.is_over || Instant::now() >= self.ends {
                return None;
            }
            self.look();
            if self.ready.is_empty() && !self.is_over {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Sees what changed since the last look. The watch is over when the cluster is, or its moment is forgotten.
    fn look(&mut self) {
        let (since, key) = (self.since, self.world_key.clone());
        let read = |world: &mut crate::sandbox::world::World| {
            let cluster = world.clusters.get(&key)?;
            let news = if since < cluster.forgotten {
                Err(Refusal::expired(format!(
                    "too old resource version: {since} ({})",
                    cluster.forgotten
                )))
            } else {
                Ok(news(cluster, &self.call, &self.selection, since))
            };
            Some((cluster.resource_version, news, world.now))
        };
        match self.store.clone().transact(Effect::Reads, read) {
            Ok(Some((version, Ok(news), now))) => {
                self.since = version;
                for (event, object) in news {
                    self.tell(event, object, now);
                }
            }
            Ok(Some((_, Err(refusal), _))) => {
                self.push(&json!({"type": "ERROR", "object": refusal.document()}));
                self.is_over = true;
            }
            Ok(None) | Err(_) => self.is_over = true,
        }
    }

    fn tell(&mut self, event: &str, object: Value, now: SimTime) {
        let object = in_version(&self.call, object);
        let object = self.form.shown(&self.call.kind, object, now);
        self.push(&json!({"type": event, "object": object}));
    }

    fn tell_that_initial_events_end(&mut self) {
        let object = json!({
            "apiVersion": self.call.kind.api_version(), "kind": self.call.kind.kind,
            "metadata": {
                "resourceVersion": self.since.to_string(),
                "annotations": {"k8s.io/initial-events-end": "true"},
            },
        });
        self.push(&json!({"type": "BOOKMARK", "object": object}));
    }

    fn push(&mut self, event: &Value) {
        let mut line = event.to_string().into_bytes();
        line.push(b'\n');
        self.ready.push_back(line.into());
    }
}

/// What happened after `since`, in order. Changes of one object between two looks are told as one.
fn news(
    cluster: &Cluster,
    call: &Call,
    selection: &Selection,
    since: u64,
) -> Vec<(&'static str, Value)> {
    let storage = call.storage();
    let mut by_key: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in &cluster.changes {
        if change.version > since && change.resource == storage {
            by_key.entry(&change.key).or_default().push(change);
        }
    }
    let mut told: Vec<(u64, &'static str, Value)> = Vec::new();
    for (key, changes) in by_key {
        for life in changes.split_inclusive(|change| change.event == Event::Deleted) {
            let stored = cluster.objects.get(&storage).and_then(|all| all.get(key));
            let Some(last) = life.last() else { continue };
            let Some(object) = last.last.as_ref().or(stored) else {
                continue;
            };
            if is_within(call, object) {
                tell_life(selection, life, last, object, &mut told);
            }
        }
    }
    told.sort_by_key(|(version, _, _)| *version);
    told.into_iter()
        .map(|(_, event, object)| (event, object))
        .collect()
}

/// Tells the changes of one object from its creation, or before, until its deletion, or now.
fn tell_life(
    selection: &Selection,
    life: &[&Change],
    last: &Change,
    object: &Value,
    told: &mut Vec<(u64, &'static str, Value)>,
) {
    let is_new = life.iter().any(|change| change.event == Event::Added);
    let labels_before = life
        .iter()
        .find_map(|change| change.labels_before.clone())
        .unwrap_or_else(|| labels(object));
    let was_meant = !is_new && selection.matches_labels(&labels_before);
    let is_meant = selection.matches(object);
    if is_meant && !was_meant {
        told.push((last.version, "ADDED", object.clone()));
    }
    if last.event == Event::Deleted {
        if is_meant || was_meant {
            told.push((last.version, "DELETED", object.clone()));
        }
    } else if was_meant {
        let event = if is_meant { "MODIFIED" } else { "DELETED" };
        let mut object = object.clone();
        set(
            &mut object,
            "/metadata/resourceVersion",
            last.version.to_string(),
        );
        told.push((last.version, event, object));
    }
}
