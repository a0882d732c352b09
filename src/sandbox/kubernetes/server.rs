//! One HTTP request to an API server, and its answer.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde_json::Value;

use super::call::Call;
use super::cluster::{Cluster, Editor};
use super::eks::world_key;
use super::query::Query;
use super::refusal::Refusal;
use super::routes::{self, Route};
use super::table::Form;
use super::{controllers, delete, discovery, openapi, read, review, scale, watch, write};
use crate::sandbox::store::{Effect, Store};
use crate::sandbox::world::World;

/// The body of an answer: whole, or a stream of watch events.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer that is known as a whole.
pub(super) enum Answer {
    /// A document with its status code.
    Document(StatusCode, Value),
    /// Text or bytes of another media type.
    Bytes(&'static str, Vec<u8>),
}

/// Answers one request to the API server of `cluster` in `region`: 503 where there is no such cluster.
/// Whoever asks may do everything.
pub fn respond(
    store: &Store,
    region: &str,
    cluster: &str,
    request: Request<Bytes>,
) -> Response<Body> {
    match attempt(store, region, cluster, request) {
        Ok(response) => response,
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    whole(Answer::Document(code, refusal.document()))
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn attempt(
    store: &Store,
    region: &str,
    cluster: &str,
    request: Request<Bytes>,
) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let accept = header(&parts.headers, &ACCEPT).to_owned();
    let media_type = header(&parts.headers, &CONTENT_TYPE);
    let content_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    let user_agent = header(&parts.headers, &USER_AGENT).to_owned();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        accept,
        query,
        content_type,
        user_agent,
        body,
    };
    let key = world_key(region, cluster);
    if asked.is_watch() {
        return watch::start(store, &key, &asked);
    }
    let answer = store
        .transact(asked.effect(), |world| asked.answer(world, &key))
        .map_err(|error| Refusal::new(500, "InternalError", error.to_string()))??;
    Ok(whole(answer))
}

fn whole(answer: Answer) -> Response<Body> {
    let (code, media_type, bytes) = match answer {
        Answer::Document(code, document) => {
            (code, "application/json", document.to_string().into_bytes())
        }
        Answer::Bytes(media_type, bytes) => (StatusCode::OK, media_type, bytes),
    };
    let mut response = Response::new(Full::new(Bytes::from(bytes)).boxed_unsync());
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A request, taken apart.
pub(super) struct Asked {
    pub method: Method,
    pub path: String,
    pub accept: String,
    pub query: Query,
    pub content_type: String,
    pub user_agent: String,
    pub body: Bytes,
}

impl Asked {
    fn is_watch(&self) -> bool {
        self.method == Method::GET && self.query.flag("watch")
    }

    /// Whether the world may change. Reviews are posted and change nothing.
    fn effect(&self) -> Effect {
        let reads = self.method == Method::GET
            || self.method == Method::HEAD
            || self.query.dry_run().unwrap_or(true)
            || review::is_one(&self.path);
        if reads {
            Effect::Reads
        } else {
            Effect::Changes
        }
    }

    /// The request as one to a resource of the cluster.
    pub fn call(&self, cluster: &Cluster, found: routes::Resource) -> Result<Call, Refusal> {
        Ok(Call {
            kind: super::kinds::find(cluster, &found.group, &found.version, &found.plural)
                .ok_or_else(Refusal::no_such_path)?,
            namespace: found.namespace,
            name: found.name,
            subresource: found.subresource,
            query: self.query.clone(),
            content_type: self.content_type.clone(),
            user_agent: self.user_agent.clone(),
            body: self.body.clone(),
        })
    }

    fn answer(&self, world: &mut World, key: &str) -> Result<Answer, Refusal> {
        let cluster = world.clusters.get_mut(key).ok_or_else(no_cluster)?;
        let before = cluster.resource_version;
        let mut editor = Editor {
            cluster,
            ids: &mut world.ids,
            now: world.now,
        };
        let answer = self.dispatch(&mut editor)?;
        if editor.cluster.resource_version != before {
            controllers::wake(world, key);
        }
        Ok(answer)
    }

    fn dispatch(&self, editor: &mut Editor<'_>) -> Result<Answer, Refusal> {
        let reads = self.method == Method::GET || self.method == Method::HEAD;
        match routes::find(&self.path) {
            Route::Resource(found) => {
                let call = self.call(editor.cluster, found)?;
                self.resource(editor, &call)
            }
            Route::Review if self.method == Method::POST => review::answer(&self.path, &self.body),
            _ if !reads => Err(Refusal::method_not_allowed()),
            Route::Healthy => Ok(Answer::Bytes("text/plain; charset=utf-8", b"ok".to_vec())),
            Route::Version => Ok(ok(discovery::version(editor.cluster))),
            Route::Discovery(path) => discovery::answer(editor.cluster, path, &self.accept),
            Route::OpenApi(path) => openapi::answer(editor.cluster, path, &self.accept),
            Route::Review | Route::Unknown => Err(Refusal::no_such_path()),
        }
    }

    fn resource(&self, editor: &mut Editor<'_>, call: &Call) -> Result<Answer, Refusal> {
        let form = Form::of(&self.accept, &call.query);
        // What is only tried out may use identifiers up, but not the world's.
        let mut ids = editor.ids.clone();
        let dry_run = call.query.dry_run()?;
        let editor = &mut Editor {
            cluster: &mut *editor.cluster,
            ids: if dry_run { &mut ids } else { &mut *editor.ids },
            now: editor.now,
        };
        let in_collection = call.name.is_empty();
        let method = self.method.as_str();
        match (call.subresource.as_str(), method) {
            ("scale", _) if scale::has(&call.kind) => scale::answer(editor, call, method).map(ok),
            ("", "POST") if in_collection => {
                let created = write::create(editor, call)?;
                let created = form.shown(&call.kind, created, editor.now);
                Ok(Answer::Document(StatusCode::CREATED, created))
            }
            ("", "GET" | "HEAD") if in_collection => {
                let list = read::list(editor.cluster, call)?;
                Ok(ok(form.shown(&call.kind, list, editor.now)))
            }
            ("", "DELETE") if in_collection => delete::delete_collection(editor, call).map(ok),
            ("", "DELETE") => delete::delete_one(editor, call).map(ok),
            (part, _) if in_collection || !has_subresource(call, part) => {
                Err(Refusal::no_such_path())
            }
            (_, "GET" | "HEAD") => {
                let object = read::get(editor.cluster, call)?;
                Ok(ok(form.shown(&call.kind, object, editor.now)))
            }
            (_, "PUT") => {
                let object = write::update(editor, call)?;
                Ok(ok(form.shown(&call.kind, object, editor.now)))
            }
            (_, "PATCH") => {
                let is_new = call.live(editor.cluster).is_err();
                let object = write::patch(editor, call)?;
                let code = if is_new {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                let object = form.shown(&call.kind, object, editor.now);
                Ok(Answer::Document(code, object))
            }
            _ => Err(Refusal::method_not_allowed()),
        }
    }
}

fn has_subresource(call: &Call, part: &str) -> bool {
    match part {
        "" => true,
        "status" => call.kind.status,
        "finalize" => call.storage() == "namespaces",
        _ => false,
    }
}

/// What is answered where no API server listens.
pub(super) fn no_cluster() -> Refusal {
    Refusal::new(
        503,
        "ServiceUnavailable",
        "the API server of this cluster does not answer: there is no such cluster, or it is not active",
    )
}

fn ok(document: Value) -> Answer {
    Answer::Document(StatusCode::OK, document)
}
