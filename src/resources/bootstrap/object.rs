//! What all Kubernetes objects have in common: each is a resource, applied on the server's side and compared by the
//! server.

use async_trait::async_trait;
use kube::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::api::{self, Immutable, Mode};
use super::claims::{self, Claims};
use super::difference::{differences, overlay};
use super::holders::holders;
use super::id::ObjectId;
use super::others::taken_down;
use super::ready::{condition, outputs};
use super::secret::{Data, Values};
use super::service::{balancer, no_balancer};
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, UNFIT};
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Owner, Ownership,
    Problem, Unseen, Usual, Wanted, references,
};

/// The label that says who manages an object.
pub const LABEL_MANAGED: &str = "app.kubernetes.io/managed-by";
/// The label that names the environment.
pub const LABEL_ENVIRONMENT: &str = "groundwork.dev/environment";
/// The annotation that names the address within the environment.
pub const ANNOTATION_ADDRESS: &str = "groundwork.dev/address";
/// The annotation that names the one history of the environment that owns the object.
pub const ANNOTATION_LINEAGE: &str = "groundwork.dev/lineage";

/// The annotation that tells one run of a Job from another.
const ANNOTATION_RUN: &str = "groundwork.dev/run";

/// The properties of a Kubernetes object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// Which object: [`ObjectId`] as text. Another one can only be made anew.
    pub object: String,
    /// What is applied, without anything secret.
    pub manifest: Value,
    /// Where the values of a Secret come from.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
    /// Of a published Job, what tells this run of it from others: another one is another Job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of a Service with a load balancer, who makes it and of what sort: changed on a living Service, that would leave
    /// the old one behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balancer: Option<String>,
}

impl Spec {
    /// The object that `manifest` describes, carrying the marks by which it is found again.
    pub fn new(ownership: &Ownership, address: &Address, mut manifest: Value) -> Self {
        let labels = [
            (LABEL_MANAGED, api::MANAGER),
            (LABEL_ENVIRONMENT, ownership.environment.as_str()),
        ];
        let annotations = [
            (ANNOTATION_ADDRESS, address.as_str()),
            (ANNOTATION_LINEAGE, ownership.lineage.as_str()),
        ];
        for (key, value) in labels {
            manifest["metadata"]["labels"][key] = json!(value);
        }
        for (key, value) in annotations {
            manifest["metadata"]["annotations"][key] = json!(value);
        }
        let object = ObjectId::of(&manifest).map(|id| id.to_string());
        Self {
            object: object.unwrap_or_default(),
            balancer: balancer(&manifest),
            manifest,
            data: Data::default(),
            run: None,
        }
    }

    /// The same as this run of a Job, by which it is found again.
    pub fn run_as(mut self, run: Option<String>) -> Self {
        if let Some(run) = &run {
            self.manifest["metadata"]["annotations"][ANNOTATION_RUN] = json!(run);
        }
        self.run = run;
        self
    }

    /// What is sent to the API server; none while a value in it is not known.
    pub fn complete(&self, values: &Values) -> Option<Value> {
        if !references(&self.manifest).is_empty() {
            return None;
        }
        let mut manifest = self.manifest.clone();
        for (key, source) in &self.data {
            manifest["data"][key] = json!(source.encoded(values)?);
        }
        Some(manifest)
    }
}

/// A kind of Kubernetes object. All live alike; they differ in what the file makes of them.
pub struct ObjectKind {
    /// The kind's name, which begins the addresses of its objects.
    pub name: &'static str,
    /// What the file asks for.
    pub desired: fn(&Context<'_>) -> Vec<Desired>,
    /// How long its slowest objects usually take.
    pub usual: Usual,
}

impl ObjectKind {
    /// An object of this kind at `address`.
    pub fn object(&self, ownership: &Ownership, address: Address, manifest: Value) -> Desired {
        self.described(&Spec::new(ownership, &address, manifest), address)
    }

    /// The same with properties of its own.
    pub fn described(&self, spec: &Spec, address: Address) -> Desired {
        let name = spec.manifest.pointer("/metadata/name");
        let name = name.and_then(Value::as_str).unwrap_or_default();
        Desired::new(self.name, address, name, spec).after(super::control_plane())
    }
}

/// Whose an object is, by its marks.
pub fn owner(ownership: &Ownership, object: &Value) -> Owner {
    let managed = object["metadata"]["labels"][LABEL_MANAGED] == api::MANAGER;
    let lineage = object["metadata"]["annotations"][ANNOTATION_LINEAGE].as_str();
    match lineage {
        Some(lineage) if managed && lineage == ownership.lineage => Owner::Ours,
        lineage => Owner::Other {
            lineage: lineage.map(str::to_owned),
        },
    }
}

/// An object as it is, with the fields `fields`.
pub fn observed(
    kind: &'static str,
    wanted: &Wanted<'_>,
    address: Address,
    id: &ObjectId,
    object: &Value,
    fields: Fields,
) -> Observed {
    Observed {
        address,
        kind,
        id: id.to_string(),
        name: id.name.clone(),
        owner: owner(wanted.ownership, object),
        condition: condition(object),
        fields,
        outputs: outputs(object),
    }
}

/// The fields of an object that is not compared: which one it is, and what tells whether it has effects outside.
pub fn essence(id: &ObjectId, object: &Value) -> Fields {
    let mut manifest = json!({
        "apiVersion": id.api_version,
        "kind": id.kind,
        "metadata": {"name": id.name},
    });
    if !id.namespace.is_empty() {
        manifest["metadata"]["namespace"] = json!(id.namespace);
    }
    if let Some(service_type) = object
        .pointer("/spec/type")
        .filter(|_| id.kind == "Service")
    {
        manifest["spec"] = json!({ "type": service_type });
    }
    let environment = &object["metadata"]["labels"][LABEL_ENVIRONMENT];
    if environment.is_string() {
        manifest["metadata"]["labels"][LABEL_ENVIRONMENT] = environment.clone();
    }
    let kept = &object["spec"]["persistentVolumeClaimRetentionPolicy"];
    if kept.is_object() {
        manifest["spec"]["persistentVolumeClaimRetentionPolicy"] = kept.clone();
    }
    let held = holders(object);
    if !held.is_empty() {
        manifest["held"] = json!(held);
    }
    Fields::from_iter([
        ("object".to_owned(), json!(id.to_string())),
        ("manifest".to_owned(), manifest),
    ])
}

/// The fields of an object that is compared with `spec`: they equal it where applying it would change nothing.
///
/// # Errors
/// The fault of the dry run.
pub async fn compared(
    client: &Client,
    id: &ObjectId,
    spec: &Spec,
    values: &Values,
    object: &Value,
) -> Result<Fields, Fault> {
    let mut shown = spec.clone();
    if spec.run.is_some() {
        let run = object["metadata"]["annotations"][ANNOTATION_RUN].as_str();
        shown.run = Some(run.unwrap_or_default().to_owned());
    }
    shown.balancer = balancer(object);
    let Some(manifest) = spec.complete(values) else {
        // A value that is not there yet will change the object.
        shown.data.hide_all();
        if !references(&spec.manifest).is_empty() {
            shown.manifest["differs"] = json!("it is made of what is not there yet");
        }
        return Ok(fields_of(&shown));
    };
    let applied = match api::apply(client, id, &manifest, Mode::DryRun).await {
        Ok(applied) => applied,
        // The API server will not change the object like that: applying will say so again.
        Err(fault) if is_of_the_object(&fault) => {
            if let Some(fields) = unchangeable(&fault).filter(|_| is_replaceable(id, object)) {
                shown.object = format!("{id} with another {fields}");
                return Ok(fields_of(&shown));
            }
            // Of a secret the API server's words might repeat a value.
            let told = if id.kind == "Secret" {
                "it can't be changed like that"
            } else {
                &fault.message
            };
            shown.manifest["differs"] = json!(told);
            return Ok(fields_of(&shown));
        }
        Err(fault) => return Err(fault),
    };
    let (secret, open): (Vec<_>, Vec<_>) = differences(object, &applied)
        .into_iter()
        .partition(|(path, _)| id.kind == "Secret" && path.first().is_some_and(|p| p == "data"));
    if !open.is_empty() {
        shown.manifest = overlay(&spec.manifest, &open);
    }
    for (path, _) in secret {
        shown.data.hide(path.get(1).map(String::as_str));
    }
    Ok(fields_of(&shown))
}

/// Whether the object itself is refused as the file asks for it, which says nothing about any other.
fn is_of_the_object(fault: &Fault) -> bool {
    ["Invalid", UNFIT].contains(&fault.code.as_str()) || fault.is_denied()
}

/// The fields that the API server never changes, where that is why it refuses.
fn unchangeable(fault: &Fault) -> Option<&str> {
    let source = fault.source.as_ref()?;
    let Immutable(fields) = source.downcast_ref()?;
    Some(fields)
}

/// Whether an object may be made anew to change what can't be changed: nothing that anyone keeps in it goes with it.
fn is_replaceable(id: &ObjectId, object: &Value) -> bool {
    match id.kind.as_str() {
        "ClusterRoleBinding" | "ConfigMap" | "DaemonSet" | "Deployment" | "IngressClass"
        | "Job" | "RoleBinding" | "Service" | "StorageClass" => true,
        "StatefulSet" => !takes_claims(object),
        _ => false,
    }
}

/// Whether a StatefulSet takes the volumes along that it claimed.
fn takes_claims(object: &Value) -> bool {
    let claims = object.pointer("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted");
    claims.and_then(Value::as_str) == Some("Delete")
}

impl ObjectKind {
    /// What is gone, as long as what it claimed and takes along is there.
    async fn outlived(
        &self,
        client: &Client,
        order: &Order<'_>,
        id: &ObjectId,
    ) -> Result<Option<Observed>, Fault> {
        let manifest = order.fields.get("manifest");
        let manifest = manifest.filter(|_| claims::go_for_good(&order.wanted, order.address, id));
        let Some(manifest) = manifest else {
            return Ok(None);
        };
        let claimed = Claims::of([manifest].into_iter()).made(client).await?;
        let claimed = claimed.filter(|claimed| !claimed.is_empty());
        Ok(claimed.map(|claimed| {
            let address = order.address.clone();
            going(self.name, &order.wanted, address, id, manifest, &claimed)
        }))
    }
}

#[async_trait]
impl Kind for ObjectKind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("object"),
                Field::in_place("manifest"),
                Field::in_place("data"),
                Field::replaces("run"),
                Field::replaces("balancer"),
            ]
        }
    }

    /// Whether volumes are claimed in a namespace is not asked: somebody may claim one until the moment it goes.
    fn holds_data(&self, fields: &Fields) -> bool {
        self.data_elsewhere(fields).is_some() || !claims::taken_down(fields).is_empty()
    }

    fn data_elsewhere(&self, fields: &Fields) -> Option<&'static str> {
        let manifest = fields.get("manifest").unwrap_or(&Value::Null);
        match manifest["kind"].as_str() {
            _ if self.name == super::NAMESPACE.name => Some("every volume that is claimed in it"),
            Some("PersistentVolumeClaim") => Some("the volume that it claims"),
            Some("StatefulSet") if takes_claims(manifest) => Some("the volumes that it claims"),
            Some(_) | None => None,
        }
    }

    fn takes_others(&self, fields: &Fields) -> bool {
        !taken_down(fields).is_empty()
    }

    fn lives_in_cluster(&self) -> bool {
        true
    }

    fn changes_unready(&self) -> bool {
        true
    }

    fn goes_with_cluster(&self, fields: &Fields) -> bool {
        let at = |pointer: &str| {
            fields
                .get("manifest")
                .and_then(|m| m.pointer(pointer)?.as_str())
        };
        match at("/kind") {
            // What an application made goes only while the agent lives; load balancers and disks are AWS's.
            Some("Application" | "Ingress" | "Gateway" | "PersistentVolumeClaim") => false,
            Some("Service") => at("/spec/type") != Some("LoadBalancer"),
            Some(_) | None => true,
        }
    }

    /// Of the objects of the agent and the ingress controller only those that run pods or get a load balancer take
    /// their time; their addresses say what they are.
    fn usual(&self, address: &Address) -> Usual {
        let slow = ["daemonset", "deployment", "job", "service", "statefulset"];
        let object = match address.as_str().split('.').collect::<Vec<_>>()[..] {
            [_, "release", _, object, _, ..] | [_, "agent" | "ingress", object, _, ..] => object,
            _ => return self.usual,
        };
        if slow.contains(&object) {
            self.usual
        } else {
            Usual::default()
        }
    }

    fn parts(&self, fields: &Fields) -> Vec<String> {
        let held = fields.get("manifest").and_then(|m| m["held"].as_array());
        let held = held.into_iter().flatten().filter_map(Value::as_str);
        let others = taken_down(fields);
        let others =
            (!others.is_empty()).then(|| format!("what others made: {}", others.join(", ")));
        let claimed = claims::taken_down(fields);
        let claimed = (!claimed.is_empty())
            .then(|| format!("the volumes of its claims: {}", claimed.join(", ")));
        (held.map(str::to_owned))
            .chain(others)
            .chain(claimed)
            .collect()
    }

    fn claims(&self, fields: &Fields, name: &str) -> Vec<Claim> {
        let object = fields.get("object").and_then(Value::as_str);
        vec![Claim::Name(object.unwrap_or(name).to_owned())]
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        (self.desired)(context)
    }

    fn observe(
        &self,
        inventory: &Inventory,
        _wanted: &Wanted<'_>,
    ) -> Result<Vec<Observed>, Unseen> {
        let objects = inventory.objects.as_ref().map_err(Clone::clone)?;
        let of_kind = objects.iter().filter(|object| object.kind == self.name);
        Ok(of_kind.cloned().collect())
    }

    async fn check(
        &self,
        _cloud: &Cloud,
        inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let absent = &inventory.absent_namespaces;
        let absent = namespaces(&desired.fields).filter(|name| absent.contains(*name));
        let problems = absent.map(|name| Problem {
            // Of everything that waits for it only it is told of.
            address: super::namespace::address(name),
            message: format!(
                "there is no namespace `{name}` in the cluster: make it, or let groundwork make it, by `namespaces` in \
                 `[bootstrap]` instead of `existing_namespaces`; those of the ingress controller, the agent and \
                 releases are made without being listed"
            ),
        });
        Ok(problems.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let (client, spec) = (client(order)?, order.spec::<Spec>()?);
        let id = parse(&spec.object)?;
        // Applying would quietly merge into someone else's object of the same name.
        if let Some(object) = api::get(client, &id).await?
            && owner(order.wanted.ownership, &object) != Owner::Ours
        {
            let message = format!("{id} is there already and is not ours");
            return Err(stopped("create", "AlreadyExists", Class::Exists, message));
        }
        apply(cloud, order, client, &id, &spec).await?;
        Ok(id.to_string())
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let (client, id) = (client(order)?, parse(id)?);
        let Some(object) = api::get(client, &id).await? else {
            return self.outlived(client, order, &id).await;
        };
        let is_going = condition(&object) == Condition::Deleting;
        let fields = match order.spec::<Spec>() {
            Ok(spec) if !is_going && spec.object == id.to_string() => {
                let values = Values::read(cloud, &spec.data, order.variables).await?;
                compared(client, &id, &spec, &values, &object).await?
            }
            Ok(_) | Err(_) => essence(&id, &object),
        };
        let address = order.address.clone();
        Ok(Some(observed(
            self.name,
            &order.wanted,
            address,
            &id,
            &object,
            fields,
        )))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        let (client, id) = (client(order)?, parse(&observed.id)?);
        apply(cloud, order, client, &id, &order.spec()?).await
    }

    async fn delete(&self, _cloud: &Cloud, order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let (client, id) = (client(order)?, parse(id)?);
        if claims::go_for_good(&order.wanted, order.address, &id) {
            let live = api::get(client, &id).await?;
            let set = live.as_ref().or(order.fields.get("manifest"));
            // They wait for its pods.
            let claims = Claims::of(set.into_iter()).made(client).await?;
            for claim in claims.unwrap_or_default() {
                api::delete(client, &claim).await?;
            }
        }
        api::delete(client, &id).await
    }

    async fn hindrance(
        &self,
        _cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<String>, Fault> {
        let (client, id) = (client(order)?, parse(id)?);
        match id.kind.as_str() {
            "Service" => no_balancer(client, &id).await,
            _ => Ok(None),
        }
    }
}

/// What is gone, and on its way out as long as what it claimed is there.
pub fn going(
    kind: &'static str,
    wanted: &Wanted<'_>,
    address: Address,
    id: &ObjectId,
    manifest: &Value,
    claimed: &[ObjectId],
) -> Observed {
    let mut fields = essence(id, manifest);
    claims::take_down(&mut fields, Some(claimed));
    Observed {
        condition: Condition::Deleting,
        ..observed(kind, wanted, address, id, manifest, fields)
    }
}

/// The namespaces that have to be there for what has these fields: where it stands, and where an application leads.
pub fn namespaces(fields: &Fields) -> impl Iterator<Item = &str> {
    let manifest = fields.get("manifest").unwrap_or(&Value::Null);
    let leads = &manifest["spec"]["destination"]["namespace"];
    let leads = leads.as_str().filter(|_| manifest["kind"] == "Application");
    let stands = manifest["metadata"]["namespace"].as_str();
    stands.into_iter().chain(leads)
}

async fn apply(
    cloud: &Cloud,
    order: &Order<'_>,
    client: &Client,
    id: &ObjectId,
    spec: &Spec,
) -> Result<(), Fault> {
    let values = Values::read(cloud, &spec.data, order.variables).await?;
    let manifest = spec.complete(&values).ok_or_else(|| {
        let message = format!("{id} lacks a value that it is made of");
        stopped("apply", "MissingValue", Class::Stop, message)
    })?;
    api::apply(client, id, &manifest, Mode::Apply)
        .await
        .map(drop)
}

fn client<'a>(order: &Order<'a>) -> Result<&'a Client, Fault> {
    order.cluster.ok_or_else(|| {
        let message = format!("{} has no cluster to live in", order.address);
        stopped("connect", "NoCluster", Class::Stop, message)
    })
}

fn parse(id: &str) -> Result<ObjectId, Fault> {
    id.parse().map_err(|error| Fault {
        source: Some(Box::new(error)),
        ..stopped(
            "read an id",
            "BadId",
            Class::Stop,
            "the state was written by something else".to_owned(),
        )
    })
}

fn stopped(operation: &'static str, code: &str, class: Class, message: String) -> Fault {
    Fault {
        service: "kubernetes",
        operation,
        code: code.to_owned(),
        message,
        class,
        source: None,
    }
}
