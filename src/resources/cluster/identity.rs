//! `cluster.pod-identity`: lets the pods of a service account act with a role of IAM, by EKS Pod Identity.

use async_trait::async_trait;
use aws_sdk_eks::types::PodIdentityAssociation as Found;
use serde::{Deserialize, Serialize};

use super::inventory::describe_identity;
use super::{control_plane, identity, identity_role, part, retag};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::{IdentityBy, PodIdentity as Asked};
use crate::resources::calls::{fresh, made_already};
use crate::resources::iam::role;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, has, outputs};
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, POD_IDENTITY, Tags,
    Unseen, Wanted,
};

/// The kind `cluster.pod-identity`.
pub struct PodIdentity;

const KIND: &str = POD_IDENTITY;

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    cluster: Input,
    namespace: String,
    service_account: String,
    /// The ARN of the role.
    role: Input,
    tags: Tags,
}

fn desired(context: &Context<'_>, key: &str, asked: &Asked) -> Desired {
    let address = identity(key);
    let name = format!("{}/{}", asked.namespace, asked.service_account);
    let spec = Spec {
        cluster: Input::of(&control_plane(), "id"),
        namespace: asked.namespace.clone(),
        service_account: asked.service_account.clone(),
        role: role::arn(context, &asked.role),
        tags: context.ownership.tags(&address),
    };
    Desired::new(KIND, address, name, &spec).after(identity_role(key))
}

fn tags(found: &Found) -> Tags {
    let tags = found.tags().into_iter().flatten();
    tags.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What tells associations of a cluster apart: a service account has one at most.
pub(super) fn name(namespace: Option<&str>, service_account: Option<&str>) -> String {
    let (namespace, account) = (
        namespace.unwrap_or_default(),
        service_account.unwrap_or_default(),
    );
    format!("{namespace}/{account}")
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let cluster = found.cluster_name().unwrap_or_default();
    let id = found.association_id().unwrap_or_default();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let spec = Spec {
        cluster: cluster.into(),
        namespace: text(found.namespace()),
        service_account: text(found.service_account()),
        role: found.role_arn().unwrap_or_default().into(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: part::id(cluster, id),
        name: name(found.namespace(), found.service_account()),
        tags: tags(found),
        condition: Condition::Ready,
        outputs: outputs([
            ("id", found.association_id()),
            ("arn", found.association_arn()),
        ]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for PodIdentity {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("cluster"),
                Field::replaces("namespace"),
                Field::replaces("service_account"),
                Field::in_place("role"),
                Field::in_place("tags"),
            ]
        }
    }

    /// Controllers need it as long as they undo what they did.
    fn goes_with_cluster(&self, _fields: &Fields) -> bool {
        true
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        let identities = cluster.flat_map(|cluster| &cluster.identities);
        identities
            .filter(|(_, asked)| asked.by == IdentityBy::PodIdentity)
            .map(|(key, asked)| desired(context, key, asked))
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = inventory.clusters.identities.as_ref();
        let sightings = found.map_err(Clone::clone)?.iter().filter_map(|found| {
            let name = name(found.namespace(), found.service_account());
            let names = (found.cluster_name()?, name.as_str());
            let address = part::address(wanted, KIND, names, &tags(found))?;
            Some(observed(wanted, address, found))
        });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let answer = fresh(cloud, || async {
            let call = cloud.aws.eks.create_pod_identity_association();
            let call = call.cluster_name(spec.cluster.text());
            let call = call.namespace(&spec.namespace);
            let call = call.service_account(&spec.service_account);
            let call = call.role_arn(spec.role.text());
            let call = call.set_tags(Some(spec.tags.clone().into_iter().collect()));
            let answer = call.client_request_token(order.token).send().await;
            answer.map_err(fault("eks", "CreatePodIdentityAssociation"))
        })
        .await;
        let made = match answer {
            Ok(answer) => answer.association.and_then(|made| made.association_id),
            Err(fault) => {
                // Its id is EKS's to choose, so that an earlier one is found by what it is for.
                let name = name(Some(&spec.namespace), Some(&spec.service_account));
                let cluster = spec.cluster.text().to_owned();
                let found = describe_identity(cloud, &(cluster, name)).await?;
                let id = found.and_then(|found| found.association_id);
                let id = part::id(spec.cluster.text(), id.as_deref().unwrap_or_default());
                return made_already(self, cloud, order, id, Err(fault)).await;
            }
        };
        let made = made.ok_or_else(|| {
            Fault::incomplete("eks", "CreatePodIdentityAssociation", "associationId")
        })?;
        Ok(part::id(spec.cluster.text(), &made))
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let (cluster, id) = part::names(id);
        let found = super::inventory::describe_identity_by_id(cloud, cluster, id).await?;
        Ok(found.map(|found| observed(&order.wanted, order.address.clone(), &found)))
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
        if has(changed, "role") {
            let (cluster, id) = part::names(&observed.id);
            fresh(cloud, || async {
                let call = cloud.aws.eks.update_pod_identity_association();
                let call = call.cluster_name(cluster).association_id(id);
                let answer = call.role_arn(spec.role.text()).send().await;
                answer.map_err(fault("eks", "UpdatePodIdentityAssociation"))
            })
            .await?;
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let (cluster, id) = part::names(id);
        let call = cloud.aws.eks.delete_pod_identity_association();
        let answer = call.cluster_name(cluster).association_id(id).send().await;
        absent_is_done(answer.map_err(fault("eks", "DeletePodIdentityAssociation")))
    }
}
