//! Create, update and patch.

use serde_json::{Value, json};

use super::call::{Call, parse};
use super::cluster::{Editor, key_of};
use super::managed::{Writer, apply, note_update};
use super::merge::duplicate;
use super::object::{is_going, name, remove, set, text, texts};
use super::patch::{json_patch, merge_patch};
use super::refusal::{Cause, Refusal};
use super::strategic::strategic_patch;
use super::{defaults, lifecycle, schema, validation};

const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// What the client can't set: the server keeps it.
const KEPT: [&str; 6] = [
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "uid",
];

/// Who owns what a write changes.
enum Ownership {
    /// The writer, noted now.
    Note,
    /// Noted already, by server-side apply.
    Noted,
}

/// Creates the object of the body.
pub fn create(editor: &mut Editor<'_>, call: &Call) -> Result<Value, Refusal> {
    let mut object = call.document()?;
    let prefix = text(&object, "/metadata/generateName").to_owned();
    if name(&object).is_empty() && !prefix.is_empty() {
        let generated = format!("{prefix}{}", editor.ids.hex(5));
        set(&mut object, "/metadata/name", generated);
    }
    remove(&mut object, "/metadata/managedFields");
    add(editor, call, object, Ownership::Note)
}

/// Whether unknown fields shall be refused.
fn is_strict(call: &Call) -> bool {
    call.query.text("fieldValidation") == "Strict"
}

fn writer<'a>(call: &'a Call, api_version: &'a str, now: &'a str) -> Writer<'a> {
    Writer {
        manager: call.manager(),
        subresource: &call.subresource,
        api_version,
        now,
    }
}

fn add(
    editor: &mut Editor<'_>,
    call: &Call,
    mut object: Value,
    ownership: Ownership,
) -> Result<Value, Refusal> {
    check_namespace(editor, call, name(&object))?;
    validation::check_types(&call.kind, &object, is_strict(call))?;
    if call.kind.status {
        remove(&mut object, "/status");
    }
    for field in KEPT {
        remove(&mut object, &format!("/metadata/{field}"));
    }
    let storage = call.storage();
    if editor
        .cluster
        .get(&storage, &call.namespace, name(&object))
        .is_some()
    {
        return Err(Refusal::already_exists(&call.kind, name(&object)));
    }
    editor.stamp(&mut object);
    if call.kind.counts_generations() {
        set(&mut object, "/metadata/generation", 1);
    }
    complete(editor, call, &mut object, None)?;
    validation::check(&call.kind, &object, None)?;
    if matches!(ownership, Ownership::Note) {
        let (definition, version, now) = (
            call.definition(editor.cluster),
            call.kind.api_version(),
            editor.time(),
        );
        let empty = json!({});
        let shapes = call.shapes(definition.as_ref());
        note_update(shapes, &empty, &mut object, writer(call, &version, &now));
    }
    if call.query.dry_run()? {
        return Ok(object);
    }
    Ok(editor.cluster.put(&storage, object))
}

/// Fills in what the object leaves open, and holds a custom one to its schema.
fn complete(
    editor: &Editor<'_>,
    call: &Call,
    object: &mut Value,
    before: Option<&Value>,
) -> Result<(), Refusal> {
    defaults::complete(&call.kind, object, before, editor.cluster);
    let definition = call.definition(editor.cluster);
    let Some(schema) = call.schema(definition.as_ref()) else {
        return Ok(());
    };
    schema::complete(schema, object);
    let causes = schema::causes(schema, "", object);
    if causes.is_empty() {
        Ok(())
    } else {
        Err(Refusal::invalid(&call.kind, name(object), &causes))
    }
}

fn check_namespace(editor: &Editor<'_>, call: &Call, name: &str) -> Result<(), Refusal> {
    if !call.kind.namespaced {
        return Ok(());
    }
    let namespace = editor.cluster.get("namespaces", "", &call.namespace);
    match namespace {
        None => {
            let mut refusal = Refusal::no_such_path();
            refusal.message = format!("namespaces {:?} not found", call.namespace);
            refusal.details = Some(json!({"name": call.namespace, "kind": "namespaces"}));
            Err(refusal)
        }
        Some(namespace) if is_going(namespace) => Err(Refusal::namespace_terminating(
            &call.kind,
            name,
            &call.namespace,
        )),
        Some(_) => Ok(()),
    }
}

/// Replaces the object that the URL names by the body's.
pub fn update(editor: &mut Editor<'_>, call: &Call) -> Result<Value, Refusal> {
    let object = call.document()?;
    let live = call.live(editor.cluster)?.clone();
    replace(editor, call, &live, object, Ownership::Note)
}

/// Patches the object that the URL names; server-side apply creates it where there is none.
pub fn patch(editor: &mut Editor<'_>, call: &Call) -> Result<Value, Refusal> {
    if call.content_type == APPLY {
        return server_side_apply(editor, call);
    }
    if !call.query.text("force").is_empty() {
        return Err(Refusal::new(
            422,
            "Invalid",
            "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch",
        ));
    }
    let live = call.live(editor.cluster)?.clone();
    let patch = parse("application/json", &call.body)?;
    let mut object = live.clone();
    match call.content_type.as_str() {
        JSON_PATCH => json_patch(&mut object, &patch)?,
        MERGE_PATCH => merge_patch(&mut object, &patch),
        STRATEGIC if !call.kind.custom => strategic_patch(&mut object, &patch),
        _ if call.kind.custom => {
            return Err(Refusal::unsupported_media_type(&[
                JSON_PATCH,
                MERGE_PATCH,
                APPLY,
            ]));
        }
        _ => {
            return Err(Refusal::unsupported_media_type(&[
                JSON_PATCH,
                MERGE_PATCH,
                STRATEGIC,
                APPLY,
            ]));
        }
    }
    call.place(&mut object)?;
    replace(editor, call, &live, object, Ownership::Note)
}

fn server_side_apply(editor: &mut Editor<'_>, call: &Call) -> Result<Value, Refusal> {
    if call.query.text("fieldManager").is_empty() {
        return Err(Refusal::new(
            422,
            "Invalid",
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let mut document = parse("application/yaml", &call.body)?;
    if text(&document, "/apiVersion").is_empty() || text(&document, "/kind").is_empty() {
        return Err(Refusal::bad_request(
            "an applied document must name its apiVersion and kind",
        ));
    }
    call.place(&mut document)?;
    validation::check_applied(&call.kind, &document)?;
    if !call.kind.custom {
        defaults::quantities_as_text(&mut document);
    }
    let live = editor
        .cluster
        .get(&call.storage(), &call.namespace, &call.name)
        .cloned();
    check_version(call, &document, live.as_ref())?;
    match call.subresource.as_str() {
        "status" => document = only(&document, "status"),
        _ if call.kind.status => drop(remove(&mut document, "/status")),
        _ => {}
    }
    let (definition, version, now) = (
        call.definition(editor.cluster),
        call.kind.api_version(),
        editor.time(),
    );
    let shapes = call.shapes(definition.as_ref());
    let schema = call.schema(definition.as_ref());
    let unfit = schema.and_then(|schema| schema::unfit(schema, "", &document));
    if let Some(why) = unfit.or_else(|| duplicate(shapes, &[], &document)) {
        return Err(Refusal::unfit(&call.kind, &document, &why));
    }
    let object = apply(
        shapes,
        live.as_ref(),
        &document,
        writer(call, &version, &now),
        call.query.flag("force"),
    )?;
    match live {
        Some(live) => replace(editor, call, &live, object, Ownership::Noted),
        None if call.subresource.is_empty() => add(editor, call, object, Ownership::Noted),
        None => Err(Refusal::not_found(&call.kind, &call.name)),
    }
}

/// The document's identity and one of its parts.
fn only(document: &Value, part: &str) -> Value {
    let mut rest = json!({
        "apiVersion": document["apiVersion"], "kind": document["kind"], "metadata": document["metadata"],
    });
    if let Some(value) = document.get(part) {
        rest[part] = value.clone();
    }
    rest
}

/// Refuses a document that was read before the last change, or of another object of this name.
fn check_version(call: &Call, document: &Value, live: Option<&Value>) -> Result<(), Refusal> {
    let (version, uid) = (
        text(document, "/metadata/resourceVersion"),
        text(document, "/metadata/uid"),
    );
    let (live_version, live_uid) = live.map_or(("", ""), |live| {
        (
            text(live, "/metadata/resourceVersion"),
            text(live, "/metadata/uid"),
        )
    });
    if !uid.is_empty() && uid != live_uid {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {live_uid}"
        );
        return Err(Refusal::conflict(&call.kind, &call.name, &why));
    }
    if !version.is_empty() && version != live_version {
        return Err(Refusal::conflict(
            &call.kind,
            &call.name,
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    Ok(())
}

/// Puts `object` in the place of `live`, as far as that is allowed.
fn replace(
    editor: &mut Editor<'_>,
    call: &Call,
    live: &Value,
    mut object: Value,
    ownership: Ownership,
) -> Result<Value, Refusal> {
    check_version(call, &object, Some(live))?;
    let managed = object["metadata"]["managedFields"].clone();
    match call.subresource.as_str() {
        "status" => object = with_part(live, &object, "/status"),
        "finalize" => object = with_part(live, &object, "/spec/finalizers"),
        _ if call.kind.status => object = with_part(&object, live, "/status"),
        _ => {}
    }
    if !managed.is_null() {
        set(&mut object, "/metadata/managedFields", managed);
    }
    for field in KEPT {
        let path = format!("/metadata/{field}");
        match live.pointer(&path) {
            Some(kept) => set(&mut object, &path, kept.clone()),
            None => drop(remove(&mut object, &path)),
        }
    }
    // An object that is stored in another version of its group is written in the one that was asked for.
    set(&mut object, "/apiVersion", call.kind.api_version());
    validation::check_types(&call.kind, &object, is_strict(call))?;
    complete(editor, call, &mut object, Some(live))?;
    check_finalizers(call, live, &object)?;
    validation::check(&call.kind, &object, Some(live))?;
    if call.kind.counts_generations() && is_new_specification(live, &object) {
        let generation = live["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
        set(&mut object, "/metadata/generation", generation);
    }
    if matches!(ownership, Ownership::Note) {
        let (definition, version, now) = (
            call.definition(editor.cluster),
            call.kind.api_version(),
            editor.time(),
        );
        let shapes = call.shapes(definition.as_ref());
        note_update(shapes, live, &mut object, writer(call, &version, &now));
    }
    if call.query.dry_run()? {
        return Ok(object);
    }
    let (storage, key) = (call.storage(), key_of(&object));
    let stored = editor.cluster.put(&storage, object);
    if lifecycle::is_finished(&stored) {
        editor.cluster.take(&storage, &key);
    }
    Ok(stored)
}

/// `base` with one part taken from `other`.
fn with_part(base: &Value, other: &Value, pointer: &str) -> Value {
    let mut result = base.clone();
    match other.pointer(pointer) {
        Some(part) => set(&mut result, pointer, part.clone()),
        None => drop(remove(&mut result, pointer)),
    }
    result
}

/// Everything but metadata and status.
fn is_new_specification(live: &Value, object: &Value) -> bool {
    let rest = |object: &Value| {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        for outside in ["apiVersion", "metadata", "status"] {
            fields.remove(outside);
        }
        fields
    };
    rest(live) != rest(object)
}

/// An object that is going takes no new finalizers.
fn check_finalizers(call: &Call, live: &Value, object: &Value) -> Result<(), Refusal> {
    let before = texts(live, "/metadata/finalizers");
    let added: Vec<&str> = texts(object, "/metadata/finalizers")
        .into_iter()
        .filter(|finalizer| !before.contains(finalizer))
        .collect();
    if !is_going(live) || added.is_empty() {
        return Ok(());
    }
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers {added:?}"
    );
    Err(Refusal::invalid(
        &call.kind,
        &call.name,
        &[Cause::forbidden("metadata.finalizers", &why)],
    ))
}
