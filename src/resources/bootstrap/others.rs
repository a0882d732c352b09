//! What others have in a cluster that is not ours: what goes with a namespace, or with a type of objects, when that is
//! deleted. It is never deleted without being named first.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use kube::Client;
use serde_json::{Value, json};

use super::claims::Claims;
use super::id::ObjectId;
use super::marks::Marks;
use super::ready::condition;
use super::{APPLICATION, api};
use crate::cloud::{Class, Fault};
use crate::resources::{Condition, Fields, Wanted};

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// The operation of what an API server should serve and does not.
pub const UNSERVED: &str = "look at what it serves";

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

/// What is in every namespace, of Kubernetes, of OpenShift and of Istio.
const IN_EVERY: [(&str, &str); 4] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ConfigMap", "openshift-service-ca.crt"),
    ("ConfigMap", "istio-ca-root-cert"),
    ("ServiceAccount", "default"),
];

/// What Argo CD makes for itself at run time (FACTS §5; the project in `server/server.go` of
/// <https://github.com/argoproj/argo-cd>).
const OF_THE_AGENT: [(&str, &str); 3] = [
    ("AppProject", "default"),
    ("Secret", "argocd-initial-admin-secret"),
    ("Secret", "argocd-redis"),
];

/// A type of objects that the cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    api_version: String,
    kind: String,
    plural: String,
    namespaced: bool,
    /// Whether a definition of ours says that it is there.
    defined: bool,
}

impl Type {
    /// The type that a definition of ours makes, in a version that it says is served.
    fn defined_by(definition: &Value) -> Option<Self> {
        let spec = &definition["spec"];
        let version = list(&spec["versions"]).find(|version| version["served"] == true)?;
        let (group, version) = (text(spec, "/group"), text(version, "/name"));
        Some(Self {
            api_version: format!("{group}/{version}"),
            kind: text(spec, "/names/kind").to_owned(),
            plural: text(spec, "/names/plural").to_owned(),
            namespaced: spec["scope"] == "Namespaced",
            defined: condition(definition) == Condition::Ready,
        })
    }

    /// What people call it: `books.ledger.example.com`.
    fn name(&self) -> String {
        match self.group() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        }
    }

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

    /// Its objects; none where we may not list them.
    async fn list(
        &self,
        client: &Client,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Option<Vec<Value>>, Fault> {
        let (path, of) = (self.path(namespace), [&*self.api_version, &*self.kind]);
        match api::list_at(client, &path, of, selector).await {
            Err(fault) if fault.class == Class::Forbidden => Ok(None),
            Ok(None) if self.defined => Err(unserved(
                &self.name(),
                "its definition is there, and it is not served",
                Class::Retry,
            )),
            listed => Ok(Some(listed?.unwrap_or_default())),
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

/// What the API server should tell of and does not.
fn unserved(what: &str, why: &str, class: Class) -> Fault {
    Fault {
        service: "kubernetes",
        operation: UNSERVED,
        code: "NotServed".to_owned(),
        message: format!(
            "{what} can't be looked at, so nobody knows what is there: {why}; mend what serves it, or take it away"
        ),
        class,
        source: None,
    }
}

/// Every type whose objects can be listed and deleted, each once: in the version that its group prefers, or else in
/// another that is served.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn types(client: &Client) -> Result<Vec<Type>, Fault> {
    let groups = api::told(client, "/apis").await?;
    let versions = list(&groups["groups"]).flat_map(|one| {
        let preferred = text(one, "/preferredVersion/groupVersion");
        let all = list(&one["versions"]).map(|version| text(version, "/groupVersion"));
        [preferred]
            .into_iter()
            .chain(all.filter(move |it| *it != preferred))
    });
    let versions: Vec<String> = ["v1"]
        .into_iter()
        .chain(versions)
        .map(str::to_owned)
        .collect();
    let asked = versions.into_iter().map(|version| async move {
        let root = if version.contains('/') { "apis" } else { "api" };
        match api::told(client, &format!("/{root}/{version}")).await {
            Ok(told) => Ok(types_in(&version, &told)),
            // It went a moment ago.
            Err(fault) if fault.class == Class::Absent => Ok(Vec::new()),
            // An API that somebody's pods serve is as dead as they are.
            Err(fault) => {
                let what = format!("the API group {version}");
                Err(unserved(&what, &fault.message, fault.class))
            }
        }
    });
    let told: Vec<Vec<Type>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let mut once = BTreeSet::new();
    let types = told.into_iter().flatten();
    let types = types.filter(|one| once.insert((one.name(), one.kind.clone())));
    Ok(types.collect())
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
            defined: false,
        })
        .filter(|one| !KEPT_ALONG.contains(&one.kind.as_str()))
        .collect()
}

/// Every object with the labels `selector` whose type is none of `known`, and that nothing else owns; and the types
/// that we may not list.
///
/// # Errors
/// The fault of the first call that failed.
pub async fn of_other_types(
    client: &Client,
    types: &[Type],
    known: &BTreeSet<(&str, &str)>,
    selector: &str,
) -> Result<(Vec<Value>, Vec<String>), Fault> {
    let others = types
        .iter()
        .filter(|one| !known.contains(&(one.group(), &one.kind)));
    let (objects, unlisted) = all_of(client, others, None, selector).await?;
    let objects = objects.into_iter().filter(|object| !is_owned(object));
    Ok((objects.collect(), unlisted))
}

/// The objects of all these types, and the names of those types that we may not list.
async fn all_of<'t>(
    client: &Client,
    types: impl Iterator<Item = &'t Type>,
    namespace: Option<&str>,
    selector: &str,
) -> Result<(Vec<Value>, Vec<String>), Fault> {
    let lists: Vec<_> =
        types
            .map(|one| async move {
                Ok::<_, Fault>((one, one.list(client, namespace, selector).await?))
            })
            .collect();
    let lists: Vec<(&Type, Option<Vec<Value>>)> =
        stream::iter(lists).buffered(AT_ONCE).try_collect().await?;
    let (mut objects, mut unlisted) = (Vec::new(), Vec::new());
    for (of_type, listed) in lists {
        match listed {
            Some(listed) => objects.extend(listed),
            None => unlisted.push(of_type.name()),
        }
    }
    Ok((objects, unlisted))
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
    types: &[Type],
    going: &Going<'_>,
    object: &Value,
) -> Result<Vec<String>, Fault> {
    let name = text(object, "/metadata/name");
    let defined = Type::defined_by(object);
    let (those, namespace): (Vec<&Type>, _) = match text(object, "/kind") {
        "Namespace" => (
            types.iter().filter(|one| one.namespaced).collect(),
            Some(name),
        ),
        "CustomResourceDefinition" => (defined.iter().collect(), None),
        _ => return Ok(Vec::new()),
    };
    let (objects, unlisted) = all_of(client, those.into_iter(), namespace, "").await?;
    let others = objects.iter().filter(|it| going.is_of_others(types, it));
    let mut named: BTreeSet<String> = others.map(|object| called(object, namespace)).collect();
    let unlisted = unlisted.iter();
    named.extend(unlisted.map(|of_type| format!("any {of_type} (which we may not list)")));
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

/// Whether something else brought it.
fn is_owned(object: &Value) -> bool {
    list(&object["metadata"]["ownerReferences"])
        .next()
        .is_some()
}

/// Whether the AWS Load Balancer Controller made it for a Service or an Ingress, which it does not name as the owner but by
/// labels (`pkg/deploy/tracking/provider.go` of <https://github.com/kubernetes-sigs/aws-load-balancer-controller>), and with
/// which it takes it away.
fn is_of_a_balancer(object: &Value) -> bool {
    let labels = object["metadata"]["labels"].as_object();
    let mut keys = labels.into_iter().flatten().map(|(key, _)| key);
    let tells = |key: &String| {
        key.split_once('/')
            .is_some_and(|(_, it)| it.starts_with("stack"))
    };
    text(object, "/kind") == "TargetGroupBinding" && keys.any(tells)
}

/// What goes, and what is ours though it does not carry our marks.
pub struct Going<'a> {
    marks: &'a Marks<'a>,
    /// What is deleted.
    ids: BTreeSet<&'a str>,
    /// The namespaces among it.
    namespaces: BTreeSet<&'a str>,
    /// The types that are defined by what is among it.
    types: BTreeSet<(&'a str, &'a str)>,
    /// Our applications, which take along what they deployed.
    applications: BTreeSet<String>,
    /// What StatefulSets of ours claimed.
    claims: Claims<'a>,
}

impl<'a> Going<'a> {
    /// What goes where `objects` are deleted.
    pub fn of(
        wanted: &Wanted<'a>,
        marks: &'a Marks<'a>,
        objects: impl Iterator<Item = &'a Value> + Clone,
    ) -> Self {
        let of_kind = |kind: &'static str| objects.clone().filter(move |it| it["kind"] == kind);
        let definitions = of_kind("CustomResourceDefinition");
        let applications = wanted.names(APPLICATION.name).into_keys().collect();
        let sets = wanted
            .known()
            .filter_map(|(.., fields)| fields.get("manifest"));
        Self {
            marks,
            ids: objects
                .clone()
                .map(|it| text(it, "/metadata/uid"))
                .collect(),
            namespaces: of_kind("Namespace")
                .map(|it| text(it, "/metadata/name"))
                .collect(),
            types: definitions
                .map(|it| (text(it, "/spec/group"), text(it, "/spec/names/kind")))
                .collect(),
            applications,
            claims: Claims::of(sets),
        }
    }

    fn is_of_others(&self, types: &[Type], object: &Value) -> bool {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        let going = !object["metadata"]["deletionTimestamp"].is_null();
        let of_kubernetes = IN_EVERY.contains(&(kind, name))
            || object["type"] == "kubernetes.io/service-account-token";
        let of_the_agent = OF_THE_AGENT.contains(&(kind, name)) && self.goes_with_namespace(object);
        !(self.marks.are_ours(object)
            || going
            || self.follows_its_owner(types, object)
            || of_kubernetes
            || of_the_agent
            || is_of_a_balancer(object)
            || self.is_deployed(object)
            || self.claims.include(object))
    }

    fn goes_with_namespace(&self, object: &Value) -> bool {
        let namespace = text(object, "/metadata/namespace");
        self.namespaces.contains(namespace)
    }

    /// Whether it goes with what owns it, which is ours, or named already.
    fn follows_its_owner(&self, types: &[Type], object: &Value) -> bool {
        let here = self.goes_with_namespace(object);
        list(&object["metadata"]["ownerReferences"]).any(|owner| {
            let of_type = (group(text(owner, "/apiVersion")), text(owner, "/kind"));
            let in_namespace = |one: &Type| one.namespaced && (one.group(), &*one.kind) == of_type;
            self.ids.contains(text(owner, "/uid"))
                || self.types.contains(&of_type)
                || here && types.iter().any(in_namespace)
        })
    }

    /// Whether an application of ours deployed it.
    fn is_deployed(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let tracked = metadata["annotations"]["argocd.argoproj.io/tracking-id"].as_str();
        let tracked = tracked.and_then(|id| id.split(':').next());
        tracked.is_some_and(|application| self.applications.contains(application))
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

#[cfg(test)]
mod tests;
