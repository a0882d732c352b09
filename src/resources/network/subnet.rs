//! `network.subnet`: a part of the VPC's block in one zone.

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Subnet as Found, SubnetState};
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, specification};
use super::inventory::subnets;
use super::{subnet, vpc};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::fresh;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, address_by_tag, has, outputs};
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Owner, Tags,
    Unseen, Wanted,
};

/// The kind `network.subnet`.
pub struct Subnet;

const KIND: &str = "network.subnet";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    vpc: Input,
    cidr: String,
    zone: String,
    /// Whether instances get public addresses by themselves. Nothing that we make needs one.
    map_public_ip: bool,
    tags: Tags,
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let spec = Spec {
        vpc: found.vpc_id().unwrap_or_default().into(),
        cidr: found.cidr_block().unwrap_or_default().to_owned(),
        zone: found.availability_zone().unwrap_or_default().to_owned(),
        map_public_ip: found.map_public_ip_on_launch().unwrap_or_default(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: found.name(),
        tags: Tagged::tags(found),
        condition: match found.state() {
            None | Some(SubnetState::Available) => Condition::Ready,
            Some(SubnetState::Pending) => Condition::Settling("pending".to_owned()),
            Some(other) => Condition::Failed(other.as_str().to_owned()),
        },
        outputs: outputs([
            ("id", found.subnet_id()),
            ("arn", found.subnet_arn()),
            ("zone", found.availability_zone()),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

/// Where a subnet stands. A subnet is known by its block, as others are by their name: one of ours stands where the
/// file asks for that block in that zone, whatever it was called when it was made.
fn address(wanted: &Wanted<'_>, found: &Found) -> Option<Address> {
    let tags = Tagged::tags(found);
    let known = address_by_tag(KIND, wanted, found.id(), &tags)?;
    let asks = |desired: &Desired| {
        let field = |name| desired.fields.get(name).and_then(|value| value.as_str());
        desired.kind == KIND
            && field("cidr") == found.cidr_block()
            && field("zone") == found.availability_zone()
    };
    if wanted.owner(&tags) != Owner::Ours || wanted.desired.get(&known).is_some_and(asks) {
        return Some(known);
    }
    let asking = wanted.desired.values().find(|desired| asks(desired));
    Some(asking.map_or(known, |desired| desired.address.clone()))
}

#[async_trait]
impl Kind for Subnet {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("vpc"),
                Field::replaces("cidr"),
                Field::replaces("zone"),
                Field::in_place("map_public_ip"),
                Field::in_place("tags"),
            ]
        }
    }

    fn create_is_idempotent(&self) -> bool {
        false
    }

    fn claims(&self, fields: &Fields, _name: &str) -> Vec<Claim> {
        let cidr = fields.get("cidr").and_then(|cidr| cidr.as_str());
        let block = cidr.and_then(|cidr| cidr.parse().ok());
        block.map(Claim::Block).into_iter().collect()
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let network = context.environment.network.iter();
        let asked = network.flat_map(|network| &network.subnets);
        asked
            .map(|(key, asked)| {
                let address = subnet(key);
                let mut tags = context.ownership.named(&address, &asked.name);
                tags.extend(asked.tags.clone());
                let spec = Spec {
                    vpc: Input::of(&vpc(), "id"),
                    cidr: asked.cidr.trunc().to_string(),
                    zone: asked.zone.clone(),
                    map_public_ip: false,
                    tags,
                };
                Desired::new(KIND, address, &asked.name, &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = inventory.network.subnets.as_ref();
        let found = found.map_err(Clone::clone)?.iter();
        let sightings =
            found.filter_map(|found| Some(observed(wanted, address(wanted, found)?, found)));
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.ec2.create_subnet().vpc_id(spec.vpc.text());
            let call = call.cidr_block(&spec.cidr).availability_zone(&spec.zone);
            let tags = specification(ResourceType::Subnet, &spec.tags);
            let answer = call.tag_specifications(tags).send().await;
            answer.map_err(fault("ec2", "CreateSubnet"))
        })
        .await?;
        let id = answer.subnet().and_then(|subnet| subnet.subnet_id());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::incomplete("ec2", "CreateSubnet", "SubnetId"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = subnets(cloud, filter("subnet-id", [id])).await?;
        let observed = |subnet| observed(&order.wanted, order.address.clone(), subnet);
        Ok(found.first().map(observed))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        if has(changed, "map_public_ip") {
            fresh(cloud, || async {
                let on = AttributeBooleanValue::builder().value(spec.map_public_ip);
                let call = cloud.aws.ec2.modify_subnet_attribute();
                let call = call.subnet_id(&observed.id);
                let answer = call.map_public_ip_on_launch(on.build()).send().await;
                answer.map_err(fault("ec2", "ModifySubnetAttribute"))
            })
            .await?;
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let answer = cloud.aws.ec2.delete_subnet().subnet_id(id).send().await;
        absent_is_done(answer.map_err(fault("ec2", "DeleteSubnet")))
    }
}
