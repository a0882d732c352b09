//! What subnet groups of databases and caches have in common: a name, a description and subnets.

use serde::{Deserialize, Serialize};

use super::network::subnet_ids;
use super::sighting::{Sighting, outputs};
use super::{Condition, Context, Desired, Field, Input, Observed, Tags, Wanted};
use crate::address::Address;

/// The settable properties of a subnet group.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The ids of its subnets, sorted.
    pub subnets: Vec<Input>,
    /// Its tags.
    pub tags: Tags,
}

/// Its fields. A subnet of it can't go while interfaces stand in it.
pub(super) const FIELDS: &[Field] = &[
    Field::replaces("name"),
    Field::in_place("description"),
    Field::in_place("subnets").holding(),
    Field::in_place("tags"),
];

impl Spec {
    /// The ids of its subnets.
    pub(super) fn subnet_ids(&self) -> Vec<String> {
        self.subnets.iter().map(|id| id.text().to_owned()).collect()
    }
}

/// Where the subnet group of one concern stands, such as `database.flights`.
pub(super) fn subnet_group(owner: &[&str]) -> Address {
    Address::of(&[owner, &["subnet-group"]].concat())
}

/// What the file asks for.
pub(super) fn desired(
    kind: &'static str,
    context: &Context<'_>,
    owner: &[&str],
    name: &str,
    subnets: &[String],
) -> Desired {
    let address = subnet_group(owner);
    let environment = &context.environment.name;
    let spec = Spec {
        name: name.to_owned(),
        description: format!("Private subnets of {environment}"),
        subnets: subnet_ids(subnets),
        tags: context.ownership.named(&address, name),
    };
    Desired::new(kind, address, name, &spec)
}

/// A subnet group as its service reported it.
pub(super) struct Found<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its ARN.
    pub arn: Option<&'a str>,
    /// Its description.
    pub description: &'a str,
    /// The ids of its subnets.
    pub subnets: Vec<&'a str>,
    /// Its tags.
    pub tags: Tags,
}

/// What was observed at `address`.
pub(super) fn observed(
    kind: &'static str,
    wanted: &Wanted<'_>,
    address: Address,
    found: Found<'_>,
) -> Observed {
    let mut subnets: Vec<Input> = found.subnets.into_iter().map(Input::from).collect();
    subnets.sort();
    let spec = Spec {
        name: found.name.to_owned(),
        description: found.description.to_owned(),
        subnets,
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind,
        id: found.name.to_owned(),
        name: found.name.to_owned(),
        tags: found.tags,
        condition: Condition::Ready,
        outputs: outputs([("id", Some(found.name)), ("arn", found.arn)]),
    };
    sighting.observed(wanted, address, &spec)
}
