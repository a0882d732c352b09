//! `database.subnet-group` and `cache.subnet-group`: the subnets that a database or a cache may stand in. RDS and
//! ElastiCache have the same thing under different names, so there is one kind over two services.

use std::marker::PhantomData;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::calls::{fresh, made_already, present};
use super::inventory::{Inventory, Seen};
use super::network::subnet_ids;
use super::sighting::{Sighting, address_by_name, has, outputs};
use super::{
    Condition, Context, Desired, Field, Input, Kind, Observed, Order, Tags, Unseen, Wanted,
};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done};
use crate::environment::Environment;

/// The settable properties of a subnet group.
#[derive(Debug, Serialize, Deserialize)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The ids of its subnets, sorted.
    pub subnets: Vec<Input>,
    /// Its tags.
    pub tags: Tags,
}

impl Spec {
    /// The ids of its subnets.
    pub fn subnet_ids(&self) -> Vec<String> {
        self.subnets.iter().map(|id| id.text().to_owned()).collect()
    }
}

/// A subnet group as its service reported it.
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its description.
    pub description: String,
    /// The ids of its subnets.
    pub subnets: Vec<String>,
}

/// What the file asks for: the key of the database or cache, the group's name, and the keys of its subnets.
pub type Asked<'a> = (&'a str, &'a str, &'a [String]);

/// The calls of one service.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// The kind's name.
    const KIND: &'static str;
    /// How addresses begin.
    const OWNER: &'static str;

    /// All groups that the file asks for.
    fn asked(environment: &Environment) -> Vec<Asked<'_>>;

    /// The groups in the inventory, with their tags.
    fn listed(inventory: &Inventory) -> Seen<Vec<(Found, Tags)>>;

    /// Makes a group.
    async fn create(cloud: &Cloud, spec: &Spec) -> Result<(), Fault>;

    /// The group of this name; a fault that says "absent" when there is none.
    async fn describe(cloud: &Cloud, name: &str) -> Result<Found, Fault>;

    /// Its tags.
    async fn tags(cloud: &Cloud, arn: &str) -> Result<Tags, Fault>;

    /// Gives it this description and these subnets.
    async fn modify(cloud: &Cloud, spec: &Spec) -> Result<(), Fault>;

    /// Brings its tags in line.
    async fn retag(cloud: &Cloud, observed: &Observed, desired: &Tags) -> Result<(), Fault>;

    /// Deletes the group of this name.
    async fn delete(cloud: &Cloud, name: &str) -> Result<(), Fault>;
}

/// The kind over one service.
pub struct SubnetGroup<S>(PhantomData<S>);

impl<S> SubnetGroup<S> {
    /// The kind.
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// Where the subnet group of one concern stands, such as `database.flights`.
pub(super) fn subnet_group(owner: &[&str]) -> Address {
    Address::of(&[owner, &["subnet-group"]].concat())
}

fn observed<S: Service>(
    wanted: &Wanted<'_>,
    address: Address,
    found: Found,
    tags: Tags,
) -> Observed {
    let mut subnets: Vec<Input> = found.subnets.into_iter().map(Input::from).collect();
    subnets.sort();
    let sighting = Sighting {
        kind: S::KIND,
        id: found.name.clone(),
        name: found.name.clone(),
        tags,
        condition: Condition::Ready,
        outputs: outputs([("id", Some(&found.name)), ("arn", Some(&found.arn))]),
    };
    let spec = Spec {
        name: found.name,
        description: found.description,
        subnets,
        tags: Tags::new(),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl<S: Service> Kind for SubnetGroup<S> {
    fn name(&self) -> &'static str {
        S::KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::in_place("description"),
                // A subnet of it can't go while interfaces stand in it.
                Field::in_place("subnets").holding(),
                Field::in_place("tags"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let asked = S::asked(context.environment).into_iter();
        let desired = asked.map(|(key, name, subnets)| {
            let address = subnet_group(&[S::OWNER, key]);
            let spec = Spec {
                name: name.to_owned(),
                description: format!("Private subnets of {}", context.environment.name),
                subnets: subnet_ids(subnets),
                tags: context.ownership.named(&address, name),
            };
            Desired::new(S::KIND, address, name, &spec)
        });
        desired.collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let sightings = S::listed(inventory)?
            .into_iter()
            .filter_map(|(found, tags)| {
                let address = address_by_name(S::KIND, wanted, &found.name, &tags)?;
                Some(observed::<S>(wanted, address, found, tags))
            });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || S::create(cloud, &spec)).await;
        made_already(self, cloud, order, spec.name.clone(), answer).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some(found) = present(S::describe(cloud, id).await)? else {
            return Ok(None);
        };
        let tags = present(S::tags(cloud, &found.arn).await)?;
        let address = order.address.clone();
        Ok(tags.map(|tags| observed::<S>(&order.wanted, address, found, tags)))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "subnets") || has(changed, "description") {
            S::modify(cloud, &spec).await?;
        }
        if has(changed, "tags") {
            S::retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        absent_is_done(S::delete(cloud, id).await)
    }
}
