//! `registries.repository`: an ECR repository.

use async_trait::async_trait;
use aws_sdk_ecr::types::{ImageScanningConfiguration, ImageTagMutability, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::inventory::{Repository, read};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::present;
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::address_by_name;
use crate::resources::tags::{changes, written};
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Outputs, Tags, Unseen,
    Wanted,
};

/// The kind `registries.repository`.
pub struct EcrRepository;

/// The kind's name.
pub(super) const KIND: &str = "registries.repository";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    immutable_tags: bool,
    scan_on_push: bool,
    tags: Tags,
}

impl Spec {
    fn mutability(&self) -> ImageTagMutability {
        if self.immutable_tags {
            ImageTagMutability::Immutable
        } else {
            ImageTagMutability::Mutable
        }
    }

    fn scanning(&self) -> ImageScanningConfiguration {
        ImageScanningConfiguration::builder()
            .scan_on_push(self.scan_on_push)
            .build()
    }
}

fn observed(wanted: &Wanted<'_>, address: Address, name: &str, found: &Repository) -> Observed {
    let immutable = match found.mutability.as_str() {
        "IMMUTABLE" => Value::Bool(true),
        "MUTABLE" => Value::Bool(false),
        // With exclusions: neither of what the file can ask for.
        other => Value::String(other.to_owned()),
    };
    let fields = json!({
        "immutable_tags": immutable,
        "scan_on_push": found.scan_on_push,
        "tags": wanted.tags(&address, &found.tags),
    });
    Observed {
        address,
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        owner: wanted.owner(&found.tags),
        condition: Condition::Ready,
        fields: fields_of(&fields),
        outputs: Outputs::from([
            ("arn".to_owned(), found.arn.clone()),
            ("uri".to_owned(), found.uri.clone()),
        ]),
    }
}

#[async_trait]
impl Kind for EcrRepository {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::in_place("immutable_tags"),
                Field::in_place("scan_on_push"),
                Field::in_place("tags"),
            ]
        }
    }

    fn holds_data(&self, _fields: &Fields) -> bool {
        true
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let registries = context.environment.registries.iter();
        registries
            .map(|(key, registry)| {
                let address = Address::of(&["registry", key]);
                let spec = Spec {
                    immutable_tags: registry.immutable_tags,
                    scan_on_push: registry.scan_on_push,
                    tags: context.ownership.named(&address, &registry.name),
                };
                Desired::new(KIND, address, registry.name.clone(), &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let registries = inventory.registries.as_ref().map_err(Clone::clone)?;
        let found = registries.repositories.iter();
        Ok(found
            .filter_map(|(name, found)| {
                let address = address_by_name(KIND, wanted, name, &found.tags)?;
                Some(observed(wanted, address, name, found))
            })
            .collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.ecr.create_repository();
        call.repository_name(order.name)
            .image_tag_mutability(spec.mutability())
            .image_scanning_configuration(spec.scanning())
            .set_tags(Some(sdk_tags(&spec.tags)))
            .send()
            .await
            .map_err(fault("ecr", "CreateRepository"))?;
        Ok(order.name.to_owned())
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = present(read(cloud, id).await)?;
        Ok(found.map(|found| observed(&order.wanted, order.address.clone(), id, &found)))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let ecr = &cloud.aws.ecr;
        let name = observed.id.as_str();
        let differs = |field: &str| changed.iter().any(|name| name == field);
        if differs("immutable_tags") {
            let call = ecr.put_image_tag_mutability().repository_name(name);
            let result = call.image_tag_mutability(spec.mutability()).send().await;
            result.map_err(fault("ecr", "PutImageTagMutability"))?;
        }
        if differs("scan_on_push") {
            let call = ecr.put_image_scanning_configuration().repository_name(name);
            let call = call.image_scanning_configuration(spec.scanning());
            let result = call.send().await;
            result.map_err(fault("ecr", "PutImageScanningConfiguration"))?;
        }
        if differs("tags") {
            let arn = observed.outputs.get("arn").cloned().unwrap_or_default();
            let (set, unset) = changes(observed.fields.get("tags"), &spec.tags);
            if !set.is_empty() {
                let call = ecr.tag_resource().resource_arn(&arn);
                let result = call.set_tags(Some(sdk_tags(&set))).send().await;
                result.map_err(fault("ecr", "TagResource"))?;
            }
            if !unset.is_empty() {
                let call = ecr.untag_resource().resource_arn(&arn);
                let result = call.set_tag_keys(Some(unset)).send().await;
                result.map_err(fault("ecr", "UntagResource"))?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        // With its images: that they go was confirmed, because the kind holds data.
        let call = cloud.aws.ecr.delete_repository().repository_name(id);
        let result = call.force(true).send().await;
        absent_is_done(result.map_err(fault("ecr", "DeleteRepository")))
    }
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    written(tags, |key, value| {
        Tag::builder().key(key).value(value).build().ok()
    })
}
