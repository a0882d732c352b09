//! Who owns which field: server-side apply, and what every other write leaves in `managedFields`.

use serde_json::{Value, json};

use super::fields::FieldSet;
use super::merge::{difference, field_set, merged, prune, without_nulls};
use super::object::{list, remove, set, text, uid};
use super::refusal::Refusal;
use super::shapes::Shapes;

/// Fields that nobody owns.
const UNOWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "generateName"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// Who writes, and when.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The name of the field manager.
    pub manager: &'a str,
    /// `status` where the subresource is written, else empty.
    pub subresource: &'a str,
    /// The version in which it is written, such as `apps/v1`.
    pub api_version: &'a str,
    /// The present moment.
    pub now: &'a str,
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    manager: String,
    operation: String,
    api_version: String,
    subresource: String,
    time: String,
    fields: FieldSet,
}

impl Entry {
    fn read(value: &Value) -> Self {
        let owned = |pointer| text(value, pointer).to_owned();
        Self {
            manager: owned("/manager"),
            operation: owned("/operation"),
            api_version: owned("/apiVersion"),
            subresource: owned("/subresource"),
            time: owned("/time"),
            fields: FieldSet::from_v1(&value["fieldsV1"]),
        }
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "manager": self.manager, "operation": self.operation, "apiVersion": self.api_version,
            "time": self.time, "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_v1(),
        });
        if !self.subresource.is_empty() {
            document["subresource"] = self.subresource.clone().into();
        }
        document
    }

    fn is(&self, operation: &str, writer: Writer<'_>) -> bool {
        self.operation == operation
            && self.manager == writer.manager
            && self.subresource == writer.subresource
            && (operation == "Apply" || self.api_version == writer.api_version)
    }

    /// As conflicts name it.
    fn shown(&self) -> String {
        let mut shown = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            shown.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == "Update" {
            shown.push_str(&format!(" using {}", self.api_version));
        }
        shown
    }
}

fn entries(object: &Value) -> Vec<Entry> {
    list(object, "/metadata/managedFields")
        .iter()
        .map(Entry::read)
        .filter(|entry| !entry.fields.is_empty())
        .collect()
}

/// Gives the writer's entry `fields`; the others keep what they have, and entries without fields go.
fn write(
    object: &mut Value,
    mut entries: Vec<Entry>,
    operation: &str,
    writer: Writer<'_>,
    fields: FieldSet,
) {
    match entries.iter_mut().find(|entry| entry.is(operation, writer)) {
        Some(entry) if entry.fields == fields && entry.api_version == writer.api_version => {}
        Some(entry) => {
            entry.fields = fields;
            entry.time = writer.now.to_owned();
            entry.api_version = writer.api_version.to_owned();
        }
        None => entries.push(Entry {
            manager: writer.manager.to_owned(),
            operation: operation.to_owned(),
            api_version: writer.api_version.to_owned(),
            subresource: writer.subresource.to_owned(),
            time: writer.now.to_owned(),
            fields,
        }),
    }
    entries.retain(|entry| !entry.fields.is_empty());
    // Appliers come first, each group by time.
    entries.sort_by(|a, b| {
        (a.operation.as_str(), &a.time, &a.manager).cmp(&(
            b.operation.as_str(),
            &b.time,
            &b.manager,
        ))
    });
    if entries.is_empty() {
        remove(object, "/metadata/managedFields");
    } else {
        let documents: Vec<Value> = entries.iter().map(Entry::document).collect();
        set(object, "/metadata/managedFields", documents);
    }
}

fn strip(mut fields: FieldSet) -> FieldSet {
    for path in UNOWNED {
        fields.drop_path(path);
    }
    fields
}

/// Who has the fields of an object of which no account was kept, once it is applied to.
const NOBODY: &str = "before-first-apply";

/// Notes in `new` that the writer made it of `old`: what changed is the writer's now, whoever had it before. Of an object
/// of which no account is kept, none is begun by that.
pub fn note_update(shapes: Shapes<'_>, old: &Value, new: &mut Value, writer: Writer<'_>) {
    if !uid(old).is_empty() && entries(old).is_empty() && entries(new).is_empty() {
        remove(new, "/metadata/managedFields");
        return;
    }
    // A writer may hand over a history of its own, as kubectl does when it migrates; an absent one is the old one.
    let given = entries(new);
    let was_reset = !list(new, "/metadata/managedFields").is_empty() && given.is_empty();
    let mut entries = if given.is_empty() && !was_reset {
        entries(old)
    } else {
        given
    };
    let found = difference(shapes, &[], old, new);
    let (changed, removed) = (strip(found.changed), strip(found.removed));
    let mut own = FieldSet::default();
    for entry in &mut entries {
        if entry.is("Update", writer) {
            own = entry.fields.clone();
        } else {
            entry.fields = entry.fields.without(&changed).without(&removed);
        }
    }
    let own = own.union(&changed).without(&removed);
    write(new, entries, "Update", writer, own);
}

/// Applies a document to the live object: the object that results.
///
/// # Errors
/// When other managers own what the document would change and it isn't forced.
pub fn apply(
    shapes: Shapes<'_>,
    live: Option<&Value>,
    applied: &Value,
    writer: Writer<'_>,
    force: bool,
) -> Result<Value, Refusal> {
    if !list(applied, "/metadata/managedFields").is_empty() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    let applied = without_nulls(applied);
    let fields = strip(field_set(shapes, &[], &applied, false));
    let Some(live) = live else {
        let mut object = applied;
        write(&mut object, Vec::new(), "Apply", writer, fields);
        return Ok(object);
    };
    let mut before = live.clone();
    if entries(live).is_empty() {
        let nobody = Writer {
            manager: NOBODY,
            ..writer
        };
        note_update(shapes, &json!({}), &mut before, nobody);
    }
    let mut object = merged(shapes, &[], live, &applied);
    let mut entries = entries(&before);
    let (mut old, mut keep) = (FieldSet::default(), fields.clone());
    for entry in &entries {
        if entry.is("Apply", writer) {
            old = entry.fields.clone();
        } else {
            keep = keep.union(&entry.fields);
        }
    }
    prune(shapes, &[], &mut object, &old, &keep);
    let found = difference(shapes, &[], live, &object);
    let mut conflicts = Vec::new();
    for entry in &mut entries {
        if entry.is("Apply", writer) {
            continue;
        }
        let disputed = entry.fields.common(&found.changed);
        let shown = entry.shown();
        conflicts.extend(
            disputed
                .paths()
                .into_iter()
                .map(|path| (shown.clone(), path)),
        );
        entry.fields = entry.fields.without(&disputed).without(&found.removed);
    }
    if !force && !conflicts.is_empty() {
        return Err(Refusal::apply_conflicts(&conflicts));
    }
    write(&mut object, entries, "Apply", writer, fields);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPLOYMENT: Shapes<'static> = Shapes::built_in("Deployment");

    fn writer(manager: &'static str) -> Writer<'static> {
        Writer {
            manager,
            subresource: "",
            api_version: "apps/v1",
            now: "2026-01-01T00:00:00Z",
        }
    }

    fn deployment(image: &str, env: &[(&str, &str)]) -> Value {
        let env: Vec<Value> = env
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [
                {"name": "web", "image": image, "env": env, "ports": [{"containerPort": 80}]},
            ]}}},
        })
    }

    fn managers(object: &Value) -> Vec<String> {
        entries(object)
            .iter()
            .map(|entry| format!("{} {}", entry.operation, entry.manager))
            .collect()
    }

    #[test]
    fn applying_the_same_again_changes_nothing() {
        let document = deployment("web:1", &[("A", "1")]);
        let first = apply(DEPLOYMENT, None, &document, writer("gw"), false).unwrap();
        let later = Writer {
            now: "2026-02-02T00:00:00Z",
            ..writer("gw")
        };
        let second = apply(DEPLOYMENT, Some(&first), &document, later, false).unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn what_is_no_longer_applied_goes() {
        let first = deployment("web:1", &[("A", "1"), ("B", "2")]);
        let live = apply(DEPLOYMENT, None, &first, writer("gw"), false).unwrap();
        let mut second = deployment("web:1", &[("B", "2")]);
        remove(&mut second, "/metadata/labels");
        remove(&mut second, "/spec/replicas");
        let live = apply(DEPLOYMENT, Some(&live), &second, writer("gw"), false).unwrap();
        let container = &live["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["env"], json!([{"name": "B", "value": "2"}]));
        assert_eq!(live["metadata"].get("labels"), None);
        assert_eq!(live["spec"].get("replicas"), None);
    }

    #[test]
    fn a_shared_field_stays_while_one_manager_applies_it() {
        let document = deployment("web:1", &[]);
        let live = apply(DEPLOYMENT, None, &document, writer("a"), false).unwrap();
        let live = apply(DEPLOYMENT, Some(&live), &document, writer("b"), false).unwrap();
        assert_eq!(managers(&live), ["Apply a", "Apply b"]);
        let mut less = document.clone();
        remove(&mut less, "/spec/replicas");
        let live = apply(DEPLOYMENT, Some(&live), &less, writer("a"), false).unwrap();
        assert_eq!(live["spec"]["replicas"], 2);
        let live = apply(DEPLOYMENT, Some(&live), &less, writer("b"), false).unwrap();
        assert_eq!(live["spec"].get("replicas"), None);
    }

    #[test]
    fn another_managers_value_is_a_conflict_by_list_key() {
        let live = apply(
            DEPLOYMENT,
            None,
            &deployment("web:1", &[]),
            writer("gw"),
            false,
        )
        .unwrap();
        let mut edited = live.clone();
        edited["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
        note_update(DEPLOYMENT, &live, &mut edited, writer("kubectl-edit"));
        assert_eq!(managers(&edited), ["Apply gw", "Update kubectl-edit"]);
        let wanted = deployment("web:1", &[]);
        let refusal = apply(DEPLOYMENT, Some(&edited), &wanted, writer("gw"), false).unwrap_err();
        assert_eq!(refusal.code, 409);
        assert_eq!(
            refusal.message,
            "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using apps/v1: \
             .spec.template.spec.containers[name=\"web\"].image"
        );
        let forced = apply(DEPLOYMENT, Some(&edited), &wanted, writer("gw"), true).unwrap();
        assert_eq!(managers(&forced), ["Apply gw"]);
        assert_eq!(
            forced["spec"]["template"]["spec"]["containers"][0]["image"],
            "web:1"
        );
    }

    #[test]
    fn who_takes_over_an_updaters_history_keeps_the_object_whole() {
        let mut live = deployment("web:1", &[]);
        note_update(DEPLOYMENT, &json!({}), &mut live, writer("gw"));
        // What kubectl does when it turns client-side apply into server-side apply.
        live["metadata"]["managedFields"][0]["operation"] = "Apply".into();
        let mut less = deployment("web:1", &[]);
        remove(&mut less, "/metadata/labels");
        let live = apply(DEPLOYMENT, Some(&live), &less, writer("gw"), false).unwrap();
        assert_eq!(live["metadata"]["name"], "web");
        assert_eq!(live["metadata"].get("labels"), None);
    }

    #[test]
    fn a_port_is_another_one_when_its_protocol_differs() {
        let live = apply(
            DEPLOYMENT,
            None,
            &deployment("web:1", &[]),
            writer("gw"),
            false,
        )
        .unwrap();
        let mut other = deployment("web:1", &[]);
        other["spec"]["template"]["spec"]["containers"][0]["ports"] =
            json!([{"containerPort": 80, "protocol": "UDP"}]);
        let live = apply(DEPLOYMENT, Some(&live), &other, writer("other"), false).unwrap();
        assert_eq!(
            live["spec"]["template"]["spec"]["containers"][0]["ports"],
            json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}])
        );
    }
}
