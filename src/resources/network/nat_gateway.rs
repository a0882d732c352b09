//! `network.nat-gateway`: the way from private subnets to the internet.

use async_trait::async_trait;
use aws_sdk_ec2::types::{NatGateway as Found, NatGatewayState, ResourceType};
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, sightings, specification};
use super::inventory::nat_gateways;
use super::{elastic_ip, internet_gateway, nat_gateway, subnet};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::fresh;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Tags, Unseen,
    Usual, Wanted,
};

/// The kind `network.nat-gateway`.
pub struct NatGateway;

const KIND: &str = "network.nat-gateway";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    subnet: Input,
    /// The allocation id of its address.
    allocation: Input,
    tags: Tags,
}

fn condition(found: &Found) -> Condition {
    match found.state() {
        None | Some(NatGatewayState::Available) => Condition::Ready,
        Some(NatGatewayState::Deleting | NatGatewayState::Deleted) => Condition::Deleting,
        Some(NatGatewayState::Failed) => {
            let code = found.failure_code().unwrap_or("failed");
            let message = found.failure_message().unwrap_or("EC2 gives no reason");
            Condition::Failed(format!("{code}: {message}"))
        }
        Some(other) => Condition::Settling(other.as_str().to_owned()),
    }
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let addresses = found.nat_gateway_addresses();
    let primary = addresses
        .iter()
        .find(|address| address.is_primary() == Some(true))
        .or(addresses.first());
    let allocation = primary.and_then(|address| address.allocation_id());
    let spec = Spec {
        subnet: found.subnet_id().unwrap_or_default().into(),
        allocation: allocation.unwrap_or_default().into(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: found.name(),
        tags: Tagged::tags(found),
        condition: condition(found),
        outputs: outputs([
            ("id", found.nat_gateway_id()),
            ("ip", primary.and_then(|address| address.public_ip())),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for NatGateway {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("subnet"),
                Field::replaces("allocation"),
                Field::in_place("tags"),
            ]
        }
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(105, 1, 60)
    }

    fn claims(&self, _fields: &Fields, _name: &str) -> Vec<Claim> {
        Vec::new()
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let network = context.environment.network.iter();
        let gateways = network.flat_map(|network| &network.nat_gateways);
        gateways
            .map(|(key, asked)| {
                let address = nat_gateway(key);
                let spec = Spec {
                    subnet: Input::of(&subnet(&asked.subnet), "id"),
                    allocation: Input::of(&elastic_ip(key), "id"),
                    tags: context.ownership.named(&address, &asked.name),
                };
                // Without an attached internet gateway it fails.
                Desired::new(KIND, address, &asked.name, &spec).after(internet_gateway())
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        sightings(KIND, wanted, &inventory.network.nat_gateways, observed)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.ec2.create_nat_gateway();
            let call = call.subnet_id(spec.subnet.text());
            let call = call.allocation_id(spec.allocation.text());
            let tags = specification(ResourceType::Natgateway, &spec.tags);
            let call = call.tag_specifications(tags).client_token(order.token);
            let answer = call.send().await;
            answer.map_err(fault("ec2", "CreateNatGateway"))
        })
        .await?;
        let id = answer
            .nat_gateway()
            .and_then(|gateway| gateway.nat_gateway_id());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::incomplete("ec2", "CreateNatGateway", "NatGatewayId"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = nat_gateways(cloud, filter("nat-gateway-id", [id])).await?;
        let observed = |gateway| observed(&order.wanted, order.address.clone(), gateway);
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
        let call = cloud.aws.ec2.delete_nat_gateway().nat_gateway_id(id);
        absent_is_done(call.send().await.map_err(fault("ec2", "DeleteNatGateway")))
    }
}
