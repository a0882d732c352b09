//! `network.address`: the elastic IP address that a NAT gateway shows to the world.

use async_trait::async_trait;
use aws_sdk_ec2::types::{Address as Found, DomainType, ResourceType};
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, sightings, specification};
use super::inventory::elastic_ips;
use super::{elastic_ip, internet_gateway};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Tags, Unseen, Wanted,
};

/// The kind `network.address`.
pub struct ElasticIp;

const KIND: &str = "network.address";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    tags: Tags,
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: found.name(),
        tags: Tagged::tags(found),
        condition: Condition::Ready,
        outputs: outputs([("id", found.allocation_id()), ("ip", found.public_ip())]),
    };
    let spec = Spec { tags: Tags::new() };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for ElasticIp {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::in_place("tags")] }
    }

    fn create_is_idempotent(&self) -> bool {
        false
    }

    fn claims(&self, _fields: &Fields, _name: &str) -> Vec<Claim> {
        Vec::new()
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let network = context.environment.network.iter();
        let gateways = network.flat_map(|network| &network.nat_gateways);
        gateways
            .map(|(key, gateway)| {
                let (address, name) = (elastic_ip(key), &gateway.address_name);
                let tags = context.ownership.named(&address, name);
                // The internet gateway stays attached while public addresses are in use.
                Desired::new(KIND, address, name, &Spec { tags }).after(internet_gateway())
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        sightings(KIND, wanted, &inventory.network.elastic_ips, observed)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.ec2.allocate_address().domain(DomainType::Vpc);
        let tags = specification(ResourceType::ElasticIp, &spec.tags);
        let answer = call.tag_specifications(tags).send().await;
        let answer = answer.map_err(fault("ec2", "AllocateAddress"))?;
        answer
            .allocation_id
            .ok_or_else(|| Fault::incomplete("ec2", "AllocateAddress", "AllocationId"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = elastic_ips(cloud, filter("allocation-id", [id])).await?;
        let observed = |address| observed(&order.wanted, order.address.clone(), address);
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
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.ec2.release_address().allocation_id(id);
        absent_is_done(call.send().await.map_err(fault("ec2", "ReleaseAddress")))
    }
}
