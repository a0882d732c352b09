//! Objects that others publish, as they were read: from a manifest, or from what helm made of a chart. What is secret
//! in them is taken out before anything else sees them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::difference::differences;
use super::id::ObjectId;
use super::namespace::ANNOTATION_PUBLISHED;
use super::object::Spec;
use super::{AGENT, INGRESS, NAMESPACE, RELEASE};
use crate::address::Address;
use crate::digest;
use crate::environment::model::Hook;
use crate::resources::Variables;
use crate::sensitive::Sensitive;
use crate::state::Recorded;

/// The annotation by which Helm knows a hook.
const HOOK: &str = "helm.sh/hook";

/// Everything that is published elsewhere and put into the cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Published {
    /// The deploy agent.
    pub agent: Vec<Rendered>,
    /// The ingress controller, where it is its makers'.
    pub ingress: Vec<Rendered>,
    /// Namespaces that were published, where only what exists is looked at.
    pub namespaces: Vec<Rendered>,
    /// The releases by their keys.
    pub releases: BTreeMap<String, Vec<Rendered>>,
}

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The object without anything secret.
    pub manifest: Value,
    /// Of a Secret, the names under which its values are known to a run, by key.
    pub data: BTreeMap<String, String>,
    /// Those values, as the API server takes them, by these names.
    values: Variables,
    /// Of a Job, what tells this run of it from others.
    pub run: Option<String>,
}

/// Why published objects can't be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not YAML.
    #[error("it is not YAML: {0}")]
    NotYaml(String),
    /// It is not an object of Kubernetes.
    #[error(
        "its document {0} is no object of Kubernetes: it lacks apiVersion, kind or metadata.name"
    )]
    NoObject(usize),
    /// One object twice.
    #[error("it has {0} twice")]
    Twice(ObjectId),
    /// A value of a Secret that is not base64.
    #[error("the value `{key}` in {object} is not base64")]
    NotBase64 {
        /// The Secret.
        object: ObjectId,
        /// Its key.
        key: String,
    },
    /// A hook that we can't honour.
    #[error("{object} is a hook of the sort {hook}, which groundwork does not run")]
    Hook {
        /// Which object.
        object: ObjectId,
        /// Its sorts, as the chart says them.
        hook: String,
    },
}

/// The objects that `text` holds.
///
/// # Errors
/// When it is not YAML. Nothing of the text is repeated, which may be secret.
pub fn documents(text: &str) -> Result<Vec<Value>, Unusable> {
    let options = serde_saphyr::options! {
        // What is written for Kubernetes means YAML 1.1, where `defaultMode: 0644` is octal.
        legacy_octal_numbers: true,
        with_snippet: false,
    };
    let found: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| Unusable::NotYaml(error.to_string()))?;
    let mut objects = Vec::new();
    for mut document in found.into_iter().filter(|document| !document.is_null()) {
        match document.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) if is_list(&document) => objects.extend(items),
            Some(items) => {
                document["items"] = items;
                objects.push(document);
            }
            None => objects.push(document),
        }
    }
    Ok(objects)
}

fn is_list(document: &Value) -> bool {
    document["apiVersion"] == "v1"
        && document["kind"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("List"))
}

/// Makes `objects` of `part`, which names what published them, fit to be managed. Hooks of the sorts `skipped` and
/// tests are left out.
///
/// # Errors
/// What can't be used.
pub fn rendered(
    part: &str,
    objects: Vec<Value>,
    skipped: &BTreeSet<Hook>,
) -> Result<Vec<Rendered>, Unusable> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for (at, mut object) in objects.into_iter().enumerate() {
        let id = ObjectId::of(&object).ok_or(Unusable::NoObject(at + 1))?;
        if !is_wanted(&object, &id, skipped)? {
            continue;
        }
        let (data, values) = take_secrets(part, &id, &mut object)?;
        if !seen.insert(id.clone()) {
            return Err(Unusable::Twice(id));
        }
        kept.push(Rendered {
            manifest: object,
            data,
            values,
            run: None,
        });
    }
    let all: Vec<&Value> = kept.iter().map(|object| &object.manifest).collect();
    let all = digest::of(json!(all).to_string().as_bytes());
    for object in &mut kept {
        if object.manifest["kind"] == "Job" {
            object.run = Some(run_of(&mut object.manifest, &all));
        }
    }
    Ok(kept)
}

/// The sorts of hooks that an object is one of; none for what is no hook.
pub fn hooks(manifest: &Value) -> Vec<&str> {
    let text = manifest["metadata"]["annotations"][HOOK].as_str();
    let sorts = text.into_iter().flat_map(|text| text.split(','));
    sorts.map(str::trim).filter(|s| !s.is_empty()).collect()
}

/// Whether an object is there beside others, unless it is a hook that nobody could honour.
fn is_wanted(object: &Value, id: &ObjectId, skipped: &BTreeSet<Hook>) -> Result<bool, Unusable> {
    let sorts = hooks(object);
    if sorts.is_empty() {
        return Ok(true);
    }
    let left: Vec<&str> = sorts
        .iter()
        .copied()
        .filter(|sort| !is_left_out(sort, skipped))
        .collect();
    if left.is_empty() {
        return Ok(false);
    }
    // What is also done when nothing of it was there yet has a place in the order of a first apply.
    if left
        .iter()
        .any(|sort| ["pre-install", "post-install"].contains(sort))
    {
        return Ok(true);
    }
    Err(Unusable::Hook {
        object: id.clone(),
        hook: left.join(", "),
    })
}

/// Whether hooks of this sort never run: nothing is ever rolled back here, and nobody tests.
fn is_left_out(sort: &str, skipped: &BTreeSet<Hook>) -> bool {
    let never = [
        "test",
        "test-success",
        "test-failure",
        "pre-rollback",
        "post-rollback",
    ];
    never.contains(&sort) || skipped.iter().any(|hook| json!(hook) == json!(sort))
}

type Taken = (BTreeMap<String, String>, Variables);

/// Takes the values out of a Secret, and gives each a name.
fn take_secrets(part: &str, id: &ObjectId, object: &mut Value) -> Result<Taken, Unusable> {
    let (mut names, mut values) = (BTreeMap::new(), Variables::new());
    if id.kind != "Secret" || id.api_version != "v1" {
        return Ok((names, values));
    }
    let mut take = |member: &str| match object.as_object_mut().and_then(|all| all.remove(member)) {
        Some(Value::Object(entries)) => entries,
        Some(_) | None => serde_json::Map::new(),
    };
    let encoded = take("data").into_iter().map(|(key, value)| {
        let text = value.as_str().unwrap_or_default().replace(['\n', ' '], "");
        match BASE64_STANDARD.decode(&text) {
            Ok(_) => Ok((key, text)),
            Err(_) => Err(Unusable::NotBase64 {
                object: id.clone(),
                key,
            }),
        }
    });
    let mut entries = encoded.collect::<Result<BTreeMap<_, _>, _>>()?;
    // As the API server does, plain texts go before.
    entries.extend(take("stringData").into_iter().map(|(key, value)| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        (key, BASE64_STANDARD.encode(text))
    }));
    for (key, text) in entries {
        let name = format!("{part}/{id}/{key}");
        values.insert(name.clone(), Sensitive::new(text));
        names.insert(key, name);
    }
    Ok((names, values))
}

/// What tells this run of a Job from another one: what it runs, and of one that runs at every upgrade all that the
/// release consists of. A Job can't be changed, only run anew.
fn run_of(job: &mut Value, all: &str) -> String {
    // The Job is the record of its run: one that cleared itself away would be run again by every apply.
    if let Some(spec) = job["spec"].as_object_mut() {
        spec.remove("ttlSecondsAfterFinished");
    }
    let upgrades = ["pre-upgrade", "post-upgrade"];
    let upgrades = hooks(job).iter().any(|sort| upgrades.contains(sort));
    let rest = if upgrades { all } else { "" };
    let mut digest = digest::of(format!("{}{rest}", job["spec"]).as_bytes());
    digest.truncate(16);
    digest
}

impl Rendered {
    /// An object in which nothing is secret.
    pub fn plain(manifest: Value) -> Self {
        Self {
            manifest,
            data: BTreeMap::new(),
            values: Variables::new(),
            run: None,
        }
    }

    /// The first place where this is not as `other`, without what stands there.
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        let id = ObjectId::of(&self.manifest)?;
        let mut places = differences(&self.manifest, &other.manifest);
        let mut keys = self.values.iter();
        let secret = || {
            let (name, _) = keys.find(|(name, value)| other.values.get(*name) != Some(*value))?;
            Some(format!("data.{}", name.rsplit('/').next().unwrap_or(name)))
        };
        let place = places.pop().map(|(path, _)| path.join(".")).or_else(secret);
        place.map(|place| format!("{place} of {id}"))
    }
}

impl Published {
    /// The objects of every part.
    pub fn all(&self) -> impl Iterator<Item = &Rendered> {
        let releases = self.releases.values().flatten();
        self.agent.iter().chain(&self.ingress).chain(releases)
    }

    /// The values of all Secrets, by the names under which they are fetched.
    pub fn values(&self) -> Variables {
        let values = self.all().flat_map(|object| &object.values);
        values.map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// What was applied, for those who have no use for what is published. Of a Secret's values, which are kept
    /// nowhere, nothing is asked.
    pub fn remembered(recorded: &BTreeMap<Address, Recorded>) -> Self {
        let mut published = Self::default();
        for (address, recorded) in recorded {
            let fields = serde_json::from_value::<Spec>(Value::Object(recorded.fields.clone()));
            let Ok(Spec { manifest, run, .. }) = fields else {
                continue;
            };
            let object = Rendered {
                run,
                ..Rendered::plain(manifest)
            };
            let mut names = address.as_str().split('.').skip(2);
            let marks = &object.manifest["metadata"]["annotations"];
            if recorded.kind == NAMESPACE.name && marks.get(ANNOTATION_PUBLISHED).is_some() {
                published.namespaces.push(object);
            } else if recorded.kind == AGENT.name {
                published.agent.push(object);
            } else if recorded.kind == INGRESS.name {
                published.ingress.push(object);
            } else if recorded.kind == RELEASE.name
                && let Some(key) = names.next()
            {
                let release = published.releases.entry(key.to_owned());
                release.or_default().push(object);
            }
        }
        published
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, skipped: &[Hook]) -> Result<Vec<Rendered>, Unusable> {
        rendered("web", documents(text)?, &skipped.iter().copied().collect())
    }

    fn job(name: &str, hook: &str) -> String {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: \"{hook}\"}}}}\n\
             spec: {{ttlSecondsAfterFinished: 5, template: {{}}}}\n"
        )
    }

    #[test]
    fn what_is_written_for_kubernetes_means_what_kubernetes_reads() {
        let text = "# nothing\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, mode: 0644, on: yes}\n";
        let objects = documents(text).unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(objects[0]["mode"], 420);
        assert_eq!(objects[0]["on"], true);
    }

    #[test]
    fn a_secret_loses_its_values_before_anyone_sees_it() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {a: Y2FuYXJ5}\nstringData: {b: canary}\n";
        let objects = of(secret, &[]).unwrap();
        let shown = format!("{objects:?}");
        assert!(
            !shown.contains("canary") && !shown.contains("Y2FuYXJ5"),
            "{shown}"
        );
        assert_eq!(objects[0].manifest.get("data"), None);
        assert_eq!(objects[0].manifest.get("stringData"), None);
        let published = Published {
            ingress: objects,
            ..Published::default()
        };
        let values = published.values();
        for key in ["a", "b"] {
            let name = &published.ingress[0].data[key];
            assert_eq!(values[name].expose(), "Y2FuYXJ5", "{name}");
        }
        let broken = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {a: canary!}\n";
        let told = of(broken, &[]).unwrap_err().to_string();
        assert_eq!(told, "the value `a` in v1/Secret//db is not base64");
        let told = documents("kind: Secret\ndata: {canary: [}\n").unwrap_err();
        assert!(!told.to_string().contains("canary"), "{told}");
    }

    #[test]
    fn hooks_are_honoured_skipped_or_refused_by_their_sort() {
        let names = |text: &str, skipped: &[Hook]| -> Vec<String> {
            let objects = of(text, skipped).unwrap();
            let name = |object: &Rendered| {
                object.manifest["metadata"]["name"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            objects.iter().map(name).collect()
        };
        let kept = job("a", "pre-install,pre-upgrade") + &job("b", "post-install");
        let dropped = job("c", "test") + &job("d", "pre-rollback") + &job("e", "test-success");
        assert_eq!(names(&(kept + &dropped), &[]), ["a", "b"]);
        for sort in ["pre-delete", "post-delete", "pre-upgrade", "somewhen"] {
            let told = of(&job("x", sort), &[]).unwrap_err().to_string();
            assert!(
                told.contains(sort) && told.contains("batch/v1/Job//x"),
                "{told}"
            );
        }
        assert_eq!(names(&job("x", "pre-delete"), &[Hook::PreDelete]), [""; 0]);
    }

    #[test]
    fn a_job_runs_anew_when_what_it_runs_changes_and_at_upgrades_when_anything_does() {
        let other = |n: u32| {
            format!(
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{n: \"{n}\"}}\n"
            )
        };
        let run = |text: String| of(&text, &[]).unwrap()[0].run.clone().unwrap();
        let once = |n| run(job("a", "pre-install") + &other(n));
        let always = |n| run(job("a", "pre-install,pre-upgrade") + &other(n));
        assert_eq!(once(1), once(2));
        assert_ne!(always(1), always(2));
        let changed = job("a", "pre-install").replace("template: {}", "template: {x: 1}");
        assert_ne!(run(changed), once(1));
        let objects = of(&job("a", "pre-install"), &[]).unwrap();
        let clears = objects[0].manifest["spec"].get("ttlSecondsAfterFinished");
        assert_eq!(clears, None);
    }

    #[test]
    fn one_object_is_published_once() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
        let told = of(&format!("{text}---\n{text}"), &[]).unwrap_err();
        assert_eq!(told.to_string(), "it has v1/ConfigMap//a twice");
        let told = of("kind: ConfigMap\n", &[]).unwrap_err();
        assert_eq!(told, Unusable::NoObject(1));
    }
}
