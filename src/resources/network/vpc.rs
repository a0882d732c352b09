//! `network.vpc`: the network that everything else stands in.

use async_trait::async_trait;
use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcState};
use serde::{Deserialize, Serialize};

use super::ec2::{Tagged, filter, retag, sightings, specification};
use super::inventory::{FoundVpc, vpcs};
use super::vpc;
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::fresh;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Claim, Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Tags, Unseen, Wanted,
};

/// The kind `network.vpc`.
pub struct Vpc;

const KIND: &str = "network.vpc";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    cidr: String,
    dns_support: bool,
    dns_hostnames: bool,
    tags: Tags,
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &FoundVpc) -> Observed {
    let vpc = &found.vpc;
    let spec = Spec {
        cidr: vpc.cidr_block().unwrap_or_default().to_owned(),
        dns_support: found.dns_support,
        dns_hostnames: found.dns_hostnames,
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.id().to_owned(),
        name: found.name(),
        tags: found.tags(),
        condition: match vpc.state() {
            Some(VpcState::Pending) => Condition::Settling("pending".to_owned()),
            _ => Condition::Ready,
        },
        outputs: outputs([("id", vpc.vpc_id()), ("cidr", vpc.cidr_block())]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for Vpc {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("cidr"),
                Field::in_place("dns_support"),
                Field::in_place("dns_hostnames"),
                Field::in_place("tags"),
            ]
        }
    }

    fn create_is_idempotent(&self) -> bool {
        false
    }

    fn claims(&self, _fields: &Fields, _name: &str) -> Vec<Claim> {
        Vec::new()
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let Some(network) = &context.environment.network else {
            return Vec::new();
        };
        let address = vpc();
        let mut tags = context.ownership.named(&address, &network.name);
        tags.extend(network.tags.clone());
        let spec = Spec {
            cidr: network.cidr.trunc().to_string(),
            dns_support: true,
            dns_hostnames: true,
            tags,
        };
        vec![Desired::new(KIND, address, &network.name, &spec)]
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        sightings(KIND, wanted, &inventory.network.vpcs, observed)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.ec2.create_vpc().cidr_block(&spec.cidr);
        let answer = call
            .tag_specifications(specification(ResourceType::Vpc, &spec.tags))
            .send()
            .await
            .map_err(fault("ec2", "CreateVpc"))?;
        let id = answer.vpc().and_then(|vpc| vpc.vpc_id());
        id.map(str::to_owned)
            .ok_or_else(|| Fault::incomplete("ec2", "CreateVpc", "VpcId"))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = vpcs(cloud, filter("vpc-id", [id])).await?;
        let observed = |vpc| observed(&order.wanted, order.address.clone(), vpc);
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
        let id = observed.id.as_str();
        let on = |value| AttributeBooleanValue::builder().value(value).build();
        // Each call takes one attribute; host names need the resolver.
        if has(changed, "dns_support") {
            fresh(cloud, || async {
                let call = cloud.aws.ec2.modify_vpc_attribute().vpc_id(id);
                let answer = call.enable_dns_support(on(spec.dns_support)).send().await;
                answer.map_err(fault("ec2", "ModifyVpcAttribute"))
            })
            .await?;
        }
        if has(changed, "dns_hostnames") {
            fresh(cloud, || async {
                let call = cloud.aws.ec2.modify_vpc_attribute().vpc_id(id);
                let call = call.enable_dns_hostnames(on(spec.dns_hostnames));
                let answer = call.send().await;
                answer.map_err(fault("ec2", "ModifyVpcAttribute"))
            })
            .await?;
        }
        if has(changed, "tags") {
            retag(cloud, observed, &spec.tags).await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let answer = cloud.aws.ec2.delete_vpc().vpc_id(id).send().await;
        absent_is_done(answer.map_err(fault("ec2", "DeleteVpc")))
    }
}
