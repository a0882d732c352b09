//! What every kind can do. The engine knows resources only through this trait.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bootstrap::Published;
use super::claim::Claim;
use super::field::fields_of;
use super::inventory::Inventory;
use super::reference::references;
use super::{Field, Fields, Outputs, Ownership};
use crate::address::Address;
use crate::cloud::{Cloud, Fault};
use crate::environment::Environment;
use crate::sensitive::Sensitive;
use crate::state::{Action, Entry, Recorded};

/// What the file asks of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Its stable name.
    pub address: Address,
    /// The kind's name.
    pub kind: &'static str,
    /// The name in AWS or Kubernetes: unique where the service makes it so, the `Name` tag otherwise.
    pub name: String,
    /// The settable properties, with references to other resources' outputs.
    pub fields: Fields,
    /// What must be there first; references are added by [`Desired::new`].
    pub depends_on: BTreeSet<Address>,
}

impl Desired {
    /// A resource of `kind` whose properties are `spec`, which serialises to an object.
    pub fn new(
        kind: &'static str,
        address: Address,
        name: impl Into<String>,
        spec: &impl Serialize,
    ) -> Self {
        let fields = fields_of(spec);
        let depends_on = fields
            .values()
            .flat_map(references)
            .map(|(resource, _)| resource)
            .collect();
        Self {
            address,
            kind,
            name: name.into(),
            fields,
            depends_on,
        }
    }

    /// The same, waiting also for `address`.
    pub fn after(mut self, address: Address) -> Self {
        self.depends_on.insert(address);
        self
    }
}

/// Whose a found resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// It carries our lineage.
    Ours,
    /// It carries another lineage, or none: never adopted, never deleted.
    Other {
        /// The lineage it carries.
        lineage: Option<String>,
    },
}

/// How a found resource is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Settled and usable.
    Ready,
    /// On its way; the text is the service's own word, such as `CREATING`.
    Settling(String),
    /// On its way out.
    Deleting,
    /// It will not become ready by itself; the text says why.
    Failed(String),
}

/// One resource as the cloud reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Its stable name: by its tag, or by its unique name.
    pub address: Address,
    /// The kind's name.
    pub kind: &'static str,
    /// The id that AWS gave.
    pub id: String,
    /// The name in AWS or Kubernetes.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// How it is.
    pub condition: Condition,
    /// The settable properties, in the same form as [`Desired::fields`]; lists sorted.
    pub fields: Fields,
    /// What it gives to others.
    pub outputs: Outputs,
}

impl Observed {
    /// Whether it is ours and stands at `address`.
    pub fn is_ours_at(&self, address: &Address) -> bool {
        self.owner == Owner::Ours && self.address == *address
    }
}

/// Why a kind could not be seen: the plan stops there, and nothing is made, forgotten or deleted.
#[derive(Clone, Debug, thiserror::Error)]
#[error("can't tell what exists")]
pub struct Unseen(#[source] pub Arc<Fault>);

/// What the file asks that the cloud says can't be: an unknown version, class or member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Which resource asks.
    pub address: Address,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What is secret and known when a run begins, read by `cli`: the values of the environment variables that the file
/// names, and those in published Secrets, whose names are no variable's.
pub type Variables = BTreeMap<String, Sensitive>;

/// What desired resources are made from.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The file.
    pub environment: &'a Environment,
    /// What makes a resource ours.
    pub ownership: &'a Ownership,
    /// The twelve digits of the account.
    pub account: &'a str,
    /// The variables that the file names.
    pub variables: &'a Variables,
    /// The objects of what others publish, for a file that asks for it.
    pub published: &'a Published,
}

/// What an observation looks for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// What makes a resource ours.
    pub ownership: &'a Ownership,
    /// What the file asks for.
    pub desired: &'a BTreeMap<Address, Desired>,
    /// What the state remembers.
    pub recorded: &'a BTreeMap<Address, Recorded>,
    /// What the state says was begun and not finished.
    pub open: &'a BTreeMap<Address, Entry>,
    /// The variables that the file names.
    pub variables: &'a Variables,
    /// Whether everything is to go, so that nothing found will be needed again.
    pub teardown: bool,
}

impl<'a> Wanted<'a> {
    /// Every resource that the state remembers, that was begun, or that the file asks for, in this order: its
    /// address, kind, name and fields.
    pub fn known(&self) -> impl Iterator<Item = (&'a Address, &'a str, &'a str, &'a Fields)> {
        let recorded = self.recorded.iter();
        let recorded = recorded.map(|(a, r)| (a, r.kind.as_str(), r.name.as_str(), &r.fields));
        let open = self.open.iter();
        let open = open.map(|(a, e)| (a, e.kind.as_str(), e.name.as_str(), &e.fields));
        let desired = self.desired.iter();
        let desired = desired.map(|(a, d)| (a, d.kind, d.name.as_str(), &d.fields));
        recorded.chain(open).chain(desired)
    }

    /// Names of `kind` that the file asks for, that were begun, or that the state remembers, with their addresses.
    pub fn names(&self, kind: &str) -> BTreeMap<String, Address> {
        self.known()
            .filter(|(_, known, ..)| *known == kind)
            .map(|(address, _, name, _)| (name.to_owned(), address.clone()))
            .collect()
    }

    /// Ids of `kind` that the state remembers, of what is finished and of what was begun, with their addresses.
    pub fn ids(&self, kind: &str) -> BTreeMap<&'a str, &'a Address> {
        let open = self.open.iter().filter(|(_, entry)| entry.kind == kind);
        let open = open.filter_map(|(address, entry)| Some((entry.id.as_deref()?, address)));
        let recorded = self.recorded.iter().filter(|(_, r)| r.kind == kind);
        open.chain(recorded.map(|(address, r)| (r.id.as_str(), address)))
            .collect()
    }

    /// Whose a resource of `kind` with this id and these tags is. What the cloud gave us that id for is ours, although
    /// its tags can't be seen yet.
    pub fn owner_of(&self, kind: &str, id: &str, tags: &super::Tags) -> Owner {
        match self.owner(tags) {
            Owner::Other { lineage: None } if self.made(kind, id) => Owner::Ours,
            owner => owner,
        }
    }

    /// Whether a create of ours that is not finished was answered with this id.
    fn made(&self, kind: &str, id: &str) -> bool {
        self.open.values().any(|entry| {
            entry.action == Action::Create && entry.kind == kind && entry.id.as_deref() == Some(id)
        })
    }

    /// Whose a resource with these tags is.
    pub fn owner(&self, tags: &super::Tags) -> Owner {
        match tags.get(super::TAG_LINEAGE) {
            Some(lineage) if *lineage == self.ownership.lineage => Owner::Ours,
            other => Owner::Other {
                lineage: other.cloned(),
            },
        }
    }

    /// The observed tags in the form that is compared with the desired field `tags`.
    pub fn tags(&self, address: &Address, observed: &super::Tags) -> serde_json::Value {
        let desired = self
            .desired
            .get(address)
            .and_then(|desired| desired.fields.get("tags"));
        let recorded = self
            .recorded
            .get(address)
            .and_then(|recorded| recorded.fields.get("tags"));
        super::tags::comparable(observed, desired, recorded)
    }
}

/// One thing to be done to one resource, handed to its kind. Everything in it is settled.
pub struct Order<'a> {
    /// Where the resource stands.
    pub address: &'a Address,
    /// Its name in AWS or Kubernetes.
    pub name: &'a str,
    /// What makes it ours.
    pub wanted: Wanted<'a>,
    /// Its properties, references resolved. When deleting: as they were recorded.
    pub fields: &'a Fields,
    /// The idempotency token of this action, the same when it is taken up again.
    pub token: &'a str,
    /// The variables that the file names.
    pub variables: &'a Variables,
    /// The described cluster, for kinds that live in it.
    pub cluster: Option<&'a kube::Client>,
}

impl Order<'_> {
    /// The properties as the kind's own type.
    ///
    /// # Errors
    /// When they do not fit it: the state was written by something else.
    pub fn spec<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_value(serde_json::Value::Object(self.fields.clone())).map_err(|error| {
            Fault {
                service: "groundwork",
                operation: "read the specification",
                code: "BadSpecification".to_owned(),
                message: format!("{}: {error}", self.address),
                class: crate::cloud::Class::Stop,
                source: None,
            }
        })
    }
}

/// What became of an update with which a service went on after it had answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is under way.
    UnderWay,
    /// It took effect.
    Done,
    /// It came to nothing; the text says why.
    Failed(String),
}

/// A kind of resource: how it is asked for, recognised, made, changed and removed.
///
/// `create` only brings the thing into being and returns its id, which the journal makes durable before
/// anything is waited for. Whatever else the thing needs (attributes, rules, members) is brought in line by
/// `update`, so that a half-configured resource is completed exactly as a drifted one is mended.
#[async_trait]
pub trait Kind: Send + Sync {
    /// `section.kind`, such as `network.subnet`.
    fn name(&self) -> &'static str;

    /// The settable properties and what a change of each means.
    fn fields(&self) -> &'static [Field];

    /// Whether it is there without us: it is never made, changed or deleted, only remembered and forgotten.
    fn is_given(&self) -> bool {
        false
    }

    /// Whether removing one that is found with these fields loses what people stored in it.
    fn holds_data(&self, _fields: &Fields) -> bool {
        false
    }

    /// Where the data is that is lost with it, if that is not in itself: what the plan says beside its reason.
    fn data_elsewhere(&self, _fields: &Fields) -> Option<&'static str> {
        None
    }

    /// Whether removing one that is found with these fields takes along what others made.
    fn takes_others(&self, _fields: &Fields) -> bool {
        false
    }

    /// Whether a create that is sent twice makes only one: by a token or a unique name.
    fn create_is_idempotent(&self) -> bool {
        true
    }

    /// Whether it is a Kubernetes object, reached through the cluster's API server.
    fn lives_in_cluster(&self) -> bool {
        false
    }

    /// Whether it takes a change before it is ready. What waits for a change to ever get ready, an image that isn't
    /// there say, must get it at once.
    fn changes_unready(&self) -> bool {
        false
    }

    /// Whether deleting the cluster is enough to be rid of it: true for Kubernetes objects without effects
    /// outside their cluster, and for what EKS keeps with the cluster.
    fn goes_with_cluster(&self, _fields: &Fields) -> bool {
        false
    }

    /// What it stands for, by name, where that is more than itself: what a plan to delete it names.
    fn parts(&self, _fields: &Fields) -> Vec<String> {
        Vec::new()
    }

    /// Whether one delete takes away only what can go now, so that it is sent again as long as
    /// [`Kind::read`] finds something that is [`Condition::Ready`] to go.
    fn goes_in_waves(&self) -> bool {
        false
    }

    /// How long a create, an update and a delete of what stands at an address usually take, until a run has measured
    /// them.
    fn usual(&self, _address: &Address) -> Usual {
        Usual::default()
    }

    /// What no two resources can have at once: what claims it is made only after what held it is gone.
    fn claims(&self, _fields: &Fields, name: &str) -> Vec<Claim> {
        vec![Claim::Name(format!("{} {name}", self.name()))]
    }

    /// What an update of the fields `changed` to those that are wanted interrupts, in words.
    fn disruption(&self, _changed: &[String], _wanted: &Fields) -> Option<&'static str> {
        None
    }

    /// The outputs that an update of the fields `changed` changes.
    fn outputs_changed_by(&self, _changed: &[String]) -> &'static [&'static str] {
        &[]
    }

    /// What the file asks for.
    fn desired(&self, context: &Context<'_>) -> Vec<Desired>;

    /// What is there, out of the one inventory: ours by tag, and whatever has a name that we want.
    ///
    /// # Errors
    /// When the part of the inventory that it needs could not be read.
    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen>;

    /// What the cloud says can't be, before the first change.
    ///
    /// # Errors
    /// When the cloud does not answer.
    async fn check(
        &self,
        _cloud: &Cloud,
        _inventory: &Inventory,
        _desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        Ok(Vec::new())
    }

    /// Brings it into being; returns its id. Waits for nothing.
    ///
    /// # Errors
    /// The fault of the call.
    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault>;

    /// The one resource with this id, or none.
    ///
    /// # Errors
    /// The fault of the call; absence is not one.
    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault>;

    /// What keeps the resource from getting ready, in words that say what to do about it, where that can be told before
    /// its service does. Asked only of what takes longer than it should.
    ///
    /// # Errors
    /// The fault of a call.
    async fn hindrance(
        &self,
        _cloud: &Cloud,
        _order: &Order<'_>,
        _id: &str,
    ) -> Result<Option<String>, Fault> {
        Ok(None)
    }

    /// Brings the fields named in `changed` in line with the order. Waits for nothing.
    ///
    /// # Errors
    /// The fault of the call.
    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault>;

    /// [`Kind::update`], where the service goes on after it has answered and may fail then: gives the id of what it
    /// goes on with.
    ///
    /// # Errors
    /// The fault of the call.
    async fn begin_update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<Option<String>, Fault> {
        let updated = self.update(cloud, order, observed, changed).await;
        updated.map(|()| None)
    }

    /// What became of an update of the resource `id` that [`Kind::begin_update`] named.
    ///
    /// # Errors
    /// The fault of the call.
    async fn outcome(&self, _cloud: &Cloud, _id: &str, _update: &str) -> Result<Outcome, Fault> {
        Ok(Outcome::Done)
    }

    /// Has it deleted. Absence is success. Waits for nothing.
    ///
    /// # Errors
    /// The fault of the call.
    async fn delete(&self, cloud: &Cloud, order: &Order<'_>, id: &str) -> Result<(), Fault>;
}

/// How long a kind's actions usually take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// A create, until ready.
    pub create: Duration,
    /// An update, until ready.
    pub update: Duration,
    /// A delete, until gone.
    pub delete: Duration,
}

impl Default for Usual {
    fn default() -> Self {
        Self::secs(1, 1, 1)
    }
}

impl Usual {
    /// The three in seconds.
    pub const fn secs(create: u64, update: u64, delete: u64) -> Self {
        Self {
            create: Duration::from_secs(create),
            update: Duration::from_secs(update),
            delete: Duration::from_secs(delete),
        }
    }
}
