//! What others have in a cluster that is not ours: what goes with a namespace, or with a type of objects, when that is
//! deleted. It is never deleted without being named first.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use serde_json::{Value, json};

use super::id::ObjectId;
use super::object::owner;
use super::{APPLICATION, api};
use crate::cloud::{Class, Fault};
use crate::resources::{Fields, Owner, Wanted};

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// The member of an observed manifest that names them.
const OTHERS: &str = "others";

/// What Kubernetes keeps of its own accord beside what people make.
const KEPT_ALONG: [&str; 6] = [
    "ControllerRevision",
    "EndpointSlice",
    "Endpoints",
    "Event",
    "Lease",
    "PodMetrics",
];

/// What is in every namespace.
const IN_EVERY: [(&str, &str); 2] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
];

/// What Argo CD makes for itself at run time (FACTS §5).
const OF_THE_AGENT: [&str; 2] = ["argocd-initial-admin-secret", "argocd-redis"];

/// A type of objects that the cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    api_version: String,
    kind: String,
    plural: String,
    namespaced: bool,
}

impl Type {
    fn group(&self) -> &str {
        group(&self.api_version)
    }

    fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group().is_empty() {
            "api"
        } else {
            "apis"
        };
        let (version, plural) = (&self.api_version, &self.plural);
        match namespace {
            Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("/{root}/{version}/{plural}"),
        }
    }

    /// Its objects. One whose objects we may not list is none of those that we put there.
    async fn list(
        &self,
        client: &Client,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, Fault> {
        let (path, of) = (self.path(namespace), [&*self.api_version, &*self.kind]);
        match api::list_at(client, &path, of, selector).await {
            Err(fault) if fault.class == Class::Forbidden => Ok(Vec::new()),
            listed => listed,
        }
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Every type whose objects can be listed and deleted, each once: in the version that its group prefers.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn types(client: &Client) -> Result<Vec<Type>, Fault> {
    let groups = api::told(client, "/apis").await?;
    let versions = list(&groups["groups"]).map(|one| text(one, "/preferredVersion/groupVersion"));
    let versions: Vec<String> = ["v1"]
        .into_iter()
        .chain(versions)
        .map(str::to_owned)
        .collect();
    let asked = versions.into_iter().map(|version| async move {
        let root = if version.contains('/') { "apis" } else { "api" };
        let told = api::told(client, &format!("/{root}/{version}")).await?;
        Ok::<_, Fault>(types_in(&version, &told))
    });
    let told: Vec<Vec<Type>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(told.into_iter().flatten().collect())
}

fn types_in(version: &str, told: &Value) -> Vec<Type> {
    let can = |one: &Value, verb: &str| list(&one["verbs"]).any(|able| able == verb);
    let whole = list(&told["resources"]).filter(|one| !text(one, "/name").contains('/'));
    whole
        .filter(|one| can(one, "list") && can(one, "delete"))
        .map(|one| Type {
            api_version: version.to_owned(),
            kind: text(one, "/kind").to_owned(),
            plural: text(one, "/name").to_owned(),
            namespaced: one["namespaced"] == true,
        })
        .filter(|one| !KEPT_ALONG.contains(&one.kind.as_str()))
        .collect()
}

/// Every object with the labels `selector` whose type is none of `known`, and that nothing else owns.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn of_other_types(
    client: &Client,
    types: &[Type],
    known: &BTreeSet<(&str, &str)>,
    selector: &str,
) -> Result<Vec<Value>, Fault> {
    let others = types
        .iter()
        .filter(|one| !known.contains(&(one.group(), &one.kind)));
    let lists: Vec<_> = others.map(|one| one.list(client, None, selector)).collect();
    let lists: Vec<Vec<Value>> = stream::iter(lists)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let objects = lists.into_iter().flatten();
    Ok(objects.filter(|object| !is_owned(object)).collect())
}

/// The group and kind of what has this id, by which its type is known whatever its version.
pub fn type_of(id: &ObjectId) -> (&str, &str) {
    (group(&id.api_version), &id.kind)
}

/// Names what others have that goes with `object`, a namespace or a type of ours that is to be deleted.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn taken_along(
    client: &Client,
    wanted: &Wanted<'_>,
    types: &[Type],
    object: &Value,
) -> Result<Vec<String>, Fault> {
    let name = text(object, "/metadata/name");
    let (those, namespace): (Vec<&Type>, _) = match text(object, "/kind") {
        "Namespace" => (
            types.iter().filter(|one| one.namespaced).collect(),
            Some(name),
        ),
        "CustomResourceDefinition" => {
            let (group, kind) = (
                text(object, "/spec/group"),
                text(object, "/spec/names/kind"),
            );
            let same = |one: &&Type| one.group() == group && one.kind == kind;
            (types.iter().filter(same).collect(), None)
        }
        _ => return Ok(Vec::new()),
    };
    let lists: Vec<_> = those
        .iter()
        .map(|one| one.list(client, namespace, ""))
        .collect();
    let lists: Vec<Vec<Value>> = stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
    let own = Own::of(wanted);
    let objects = lists.into_iter().flatten();
    let others = objects.filter(|object| own.is_of_others(wanted, object));
    let named: BTreeSet<String> = others.map(|object| called(&object, namespace)).collect();
    Ok(named.into_iter().collect())
}

/// `deployment/web`, and the namespace where that is not said already.
fn called(object: &Value, told: Option<&str>) -> String {
    let kind = text(object, "/kind").to_ascii_lowercase();
    let (namespace, name) = (
        text(object, "/metadata/namespace"),
        text(object, "/metadata/name"),
    );
    match namespace {
        "" => format!("{kind}/{name}"),
        _ if told == Some(namespace) => format!("{kind}/{name}"),
        namespace => format!("{kind}/{namespace}/{name}"),
    }
}

/// Whether something else brought it, and takes it along.
fn is_owned(object: &Value) -> bool {
    list(&object["metadata"]["ownerReferences"])
        .next()
        .is_some()
}

/// What is ours though it does not carry our marks.
struct Own {
    /// Our applications, which take along what they deployed.
    applications: BTreeSet<String>,
    /// What the names of claims begin with that StatefulSets of ours made, each with its namespace.
    claims: BTreeSet<(String, String)>,
}

impl Own {
    fn of(wanted: &Wanted<'_>) -> Self {
        let applications = wanted.names(APPLICATION.name).into_keys().collect();
        let sets = wanted
            .known()
            .filter_map(|(.., fields)| fields.get("manifest"));
        let sets = sets.filter(|manifest| manifest["kind"] == "StatefulSet");
        let claims = sets.flat_map(|set| {
            let (namespace, name) = (
                text(set, "/metadata/namespace"),
                text(set, "/metadata/name"),
            );
            list(&set["spec"]["volumeClaimTemplates"]).map(move |claim| {
                let claim = text(claim, "/metadata/name");
                (namespace.to_owned(), format!("{claim}-{name}-"))
            })
        });
        Self {
            applications,
            claims: claims.collect(),
        }
    }

    fn is_of_others(&self, wanted: &Wanted<'_>, object: &Value) -> bool {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        let going = !object["metadata"]["deletionTimestamp"].is_null();
        let of_kubernetes = IN_EVERY.contains(&(kind, name))
            || object["type"] == "kubernetes.io/service-account-token";
        let of_the_agent = kind == "Secret" && OF_THE_AGENT.contains(&name);
        let ours = owner(wanted.ownership, object) == Owner::Ours;
        !(ours
            || going
            || is_owned(object)
            || of_kubernetes
            || of_the_agent
            || self.is_deployed(object)
            || self.is_claimed(object))
    }

    /// Whether an application of ours deployed it.
    fn is_deployed(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let tracked = metadata["annotations"]["argocd.argoproj.io/tracking-id"].as_str();
        let tracked = tracked.and_then(|id| id.split(':').next());
        tracked.is_some_and(|application| self.applications.contains(application))
    }

    fn is_claimed(&self, object: &Value) -> bool {
        let (namespace, name) = (
            text(object, "/metadata/namespace"),
            text(object, "/metadata/name"),
        );
        object["kind"] == "PersistentVolumeClaim"
            && self.claims.iter().any(|(stands_in, begins)| {
                let number = name.strip_prefix(begins.as_str());
                let number = number.filter(|rest| rest.parse::<u32>().is_ok());
                stands_in == namespace && number.is_some()
            })
    }
}

/// Takes down in the fields of an object what others have that goes with it.
pub fn take_down(fields: &mut Fields, others: &[String]) {
    if let Some(manifest) = fields.get_mut("manifest").filter(|_| !others.is_empty()) {
        manifest[OTHERS] = json!(others);
    }
}

/// What was taken down so.
pub fn taken_down(fields: &Fields) -> Vec<String> {
    let others = fields.get("manifest").map(|manifest| &manifest[OTHERS]);
    let others = others.into_iter().flat_map(list).filter_map(Value::as_str);
    others.map(str::to_owned).collect()
}
