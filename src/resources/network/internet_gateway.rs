//! `network.internet-gateway`: the VPC's door to the internet. The VPC that it is attached to is a property.

use async_trait::async_trait;
use aws_sdk_ec2::types::{InternetGateway as Found, ResourceType};
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, sightings, specification};
use super::inventory::internet_gateways;
use super::{internet_gateway, vpc};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::fresh;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Tags, Unseen,
    Wanted,
};

/// The kind `network.internet-gateway`.
pub struct InternetGateway;

const KIND: &str = "network.internet-gateway";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    /// None where it is attached to nothing.
    vpc: Option<Input>,
    tags: Tags,
}

fn attached(found: &Found) -> Option<&str> {
    found.attachments().iter().find_map(|to| to.vpc_id())
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let spec = Spec {
        vpc: attached(found).map(Input::from),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: found.name(),
        tags: Tagged::tags(found),
        condition: Condition::Ready,
        outputs: outputs([("id", found.internet_gateway_id())]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for InternetGateway {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const { &[Field::in_place("vpc").holding(), Field::in_place("tags")] }
    }

    fn create_is_idempotent(&self) -> bool {
        false
    }

    fn claims(&self, _fields: &Fields, _name: &str) -> Vec<Claim> {
        Vec::new()
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let network = context.environment.network.as_ref();
        let Some(name) = network.and_then(|network| network.internet_gateway.as_ref()) else {
            return Vec::new();
        };
        let address = internet_gateway();
        let spec = Spec {
            vpc: Some(Input::of(&vpc(), "id")),
            tags: context.ownership.named(&address, name),
        };
        vec![Desired::new(KIND, address, name, &spec)]
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = &inventory.network.internet_gateways;
        sightings(KIND, wanted, found, observed)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let tags = specification(ResourceType::InternetGateway, &spec.tags);
        let call = cloud.aws.ec2.create_internet_gateway();
        let answer = call.tag_specifications(tags).send().await;
        let answer = answer.map_err(fault("ec2", "CreateInternetGateway"))?;
        let id = answer
            .internet_gateway()
            .and_then(|gateway| gateway.internet_gateway_id());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::incomplete("ec2", "CreateInternetGateway", "InternetGatewayId"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = internet_gateways(cloud, filter("internet-gateway-id", [id])).await?;
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
        if has(changed, "vpc") {
            let now = observed.fields.get("vpc").and_then(|vpc| vpc.as_str());
            if let Some(other) = now {
                detach(cloud, &observed.id, other).await?;
            }
            if let Some(vpc) = &spec.vpc {
                attach(cloud, &observed.id, vpc.text()).await?;
            }
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let found = internet_gateways(cloud, filter("internet-gateway-id", [id])).await?;
        if let Some(vpc) = found.first().and_then(attached) {
            detach(cloud, id, vpc).await?;
        }
        let call = cloud.aws.ec2.delete_internet_gateway();
        let answer = call.internet_gateway_id(id).send().await;
        absent_is_done(answer.map_err(fault("ec2", "DeleteInternetGateway")))
    }
}

/// Attaches the gateway. When EC2 says that it is attached to this network already, it was so by a call whose reply
/// was lost; to look again would ask copies that may not have heard of it.
async fn attach(cloud: &Cloud, gateway: &str, vpc: &str) -> Result<(), Fault> {
    let answer = fresh(cloud, || async {
        let call = cloud.aws.ec2.attach_internet_gateway();
        let answer = call.internet_gateway_id(gateway).vpc_id(vpc).send().await;
        answer.map_err(fault("ec2", "AttachInternetGateway"))
    });
    match answer.await {
        Err(fault)
            if fault.code == "Resource.AlreadyAssociated"
                && fault.message.contains(gateway)
                && fault.message.contains(vpc) =>
        {
            Ok(())
        }
        answer => answer.map(drop),
    }
}

/// Detaches it. "Not attached" is as good.
async fn detach(cloud: &Cloud, gateway: &str, vpc: &str) -> Result<(), Fault> {
    let call = cloud.aws.ec2.detach_internet_gateway();
    let answer = call.internet_gateway_id(gateway).vpc_id(vpc).send().await;
    match answer.map_err(fault("ec2", "DetachInternetGateway")) {
        Err(fault) if fault.code == "Gateway.NotAttached" => Ok(()),
        answer => absent_is_done(answer),
    }
}
