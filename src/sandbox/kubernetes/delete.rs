//! Delete, one object or a collection.

use serde_json::{Value, json};

use super::call::{Call, parse};
use super::cluster::{Editor, key_of};
use super::lifecycle::{Propagation, delete};
use super::object::{name, text, texts, uid};
use super::read::is_within;
use super::refusal::Refusal;

/// What a deletion may ask for, in the body or in the URL.
struct Options {
    propagation: Propagation,
    dry_run: bool,
    uid: String,
    resource_version: String,
}

fn options(call: &Call) -> Result<Options, Refusal> {
    let body = if call.body.is_empty() {
        json!({})
    } else {
        parse(&call.content_type, &call.body)?
    };
    let policy = match text(&body, "/propagationPolicy") {
        "" => call.query.text("propagationPolicy"),
        policy => policy,
    };
    let orphans = body["orphanDependents"] == true || call.query.flag("orphanDependents");
    let propagation = match policy {
        "" if orphans => Propagation::Orphan,
        "" | "Background" => Propagation::Background,
        "Foreground" => Propagation::Foreground,
        "Orphan" => Propagation::Orphan,
        other => {
            return Err(Refusal::bad_request(format!(
                "invalid propagationPolicy: {other:?}"
            )));
        }
    };
    Ok(Options {
        propagation,
        dry_run: call.query.dry_run()? || texts(&body, "/dryRun").contains(&"All"),
        uid: text(&body, "/preconditions/uid").to_owned(),
        resource_version: text(&body, "/preconditions/resourceVersion").to_owned(),
    })
}

/// Deletes the object that the URL names; answers it where finalizers hold it back, else a success.
pub fn delete_one(editor: &mut Editor<'_>, call: &Call) -> Result<Value, Refusal> {
    let options = options(call)?;
    let live = call.live(editor.cluster)?;
    for (what, wanted, found) in [
        ("UID", &options.uid, uid(live)),
        (
            "ResourceVersion",
            &options.resource_version,
            text(live, "/metadata/resourceVersion"),
        ),
    ] {
        if !wanted.is_empty() && wanted != found {
            let why = format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
            );
            return Err(Refusal::conflict(&call.kind, &call.name, &why));
        }
    }
    let protected = ["default", "kube-system", "kube-public", "kube-node-lease"];
    if call.storage() == "namespaces" && protected.contains(&call.name.as_str()) {
        return Err(Refusal::forbidden(
            &call.kind,
            &call.name,
            "this namespace may not be deleted",
        ));
    }
    let success = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": name(live), "group": call.kind.group, "kind": call.kind.plural, "uid": uid(live)},
    });
    if options.dry_run {
        return Ok(success);
    }
    Ok(delete(editor, &call.storage(), &call.key(), options.propagation).unwrap_or(success))
}

/// Deletes everything that the URL selects; answers what was there.
pub fn delete_collection(editor: &mut Editor<'_>, call: &Call) -> Result<Value, Refusal> {
    let options = options(call)?;
    let selection = call.query.selection()?;
    let meant: Vec<Value> = editor
        .cluster
        .all(&call.storage())
        .filter(|object| is_within(call, object) && selection.matches(object))
        .cloned()
        .collect();
    if !options.dry_run {
        for object in &meant {
            delete(
                editor,
                &call.storage(),
                &key_of(object),
                options.propagation,
            );
        }
    }
    Ok(json!({
        "apiVersion": call.kind.api_version(), "kind": format!("{}List", call.kind.kind),
        "metadata": {"resourceVersion": editor.cluster.resource_version.to_string()}, "items": meant,
    }))
}
