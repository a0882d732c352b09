//! `cluster.oidc-provider`: has IAM know the cluster as an OpenID Connect provider, so that roles can trust the tokens of its
//! service accounts.
//!
//! IAM fetches the thumbprint itself, and trusts EKS's certificates without it
//! (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>): it is nothing to ask for.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_iam::operation::get_open_id_connect_provider::GetOpenIdConnectProviderOutput as Answer;
use serde::{Deserialize, Serialize};

use super::{control_plane, oidc_provider};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::iam::role::written;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::{Sighting, address_by_tag, has, outputs, tags_from};
use crate::resources::tags::changes;
use crate::resources::{
    Condition, Context, Desired, Field, Input, Kind, OIDC_PROVIDER, Observed, Order, Tags, Unseen,
    Wanted,
};

/// The kind `cluster.oidc-provider`.
pub struct OidcProvider;

const KIND: &str = OIDC_PROVIDER;

/// For whom the tokens are that pods take to AWS.
pub const AUDIENCE: &str = "sts.amazonaws.com";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    /// The URL of who issues the tokens.
    issuer: Input,
    audiences: BTreeSet<String>,
    tags: Tags,
}

/// A provider as IAM has it.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its ARN.
    pub arn: String,
    /// Its issuer, without `https://`.
    url: String,
    audiences: BTreeSet<String>,
    tags: Tags,
}

impl Found {
    fn of(arn: &str, answer: &Answer) -> Self {
        Self {
            arn: arn.to_owned(),
            url: answer.url().unwrap_or_default().to_owned(),
            audiences: answer.client_id_list().iter().cloned().collect(),
            tags: tags_from(answer.tags(), |tag| (Some(tag.key()), Some(tag.value()))),
        }
    }
}

/// The providers of EKS clusters in our region. No index knows them, so they are looked at one by one: where one is wanted
/// or remembered, or where nothing is remembered that could tell.
pub(super) async fn list(cloud: &Cloud, wanted: &Wanted<'_>) -> Result<Vec<Found>, Fault> {
    let known = wanted.known().any(|(_, kind, ..)| kind == KIND);
    if !known && !wanted.recorded.is_empty() {
        return Ok(Vec::new());
    }
    let ours = format!(":oidc-provider/oidc.eks.{}.", wanted.ownership.region);
    let arns = arns(cloud).await?;
    let all = arns.iter().filter(|arn| arn.contains(&ours));
    let found = all.map(|arn| described(cloud, arn));
    let found = futures::future::try_join_all(found).await?;
    Ok(found.into_iter().flatten().collect())
}

async fn arns(cloud: &Cloud) -> Result<Vec<String>, Fault> {
    let answer = cloud.aws.iam.list_open_id_connect_providers().send().await;
    let answer = answer.map_err(fault("iam", "ListOpenIDConnectProviders"))?;
    let arns = answer.open_id_connect_provider_list().iter();
    Ok(arns
        .filter_map(|one| one.arn().map(str::to_owned))
        .collect())
}

async fn described(cloud: &Cloud, arn: &str) -> Result<Option<Found>, Fault> {
    let call = cloud.aws.iam.get_open_id_connect_provider();
    let answer = call.open_id_connect_provider_arn(arn).send().await;
    let found = present(answer.map_err(fault("iam", "GetOpenIDConnectProvider")))?;
    Ok(found.map(|found| Found::of(arn, &found)))
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let spec = Spec {
        issuer: format!("https://{}", found.url).into(),
        audiences: found.audiences.clone(),
        tags: Tags::new(),
    };
    let sighting = Sighting {
        kind: KIND,
        id: found.arn.clone(),
        name: found.tags.get("Name").unwrap_or(&found.url).clone(),
        tags: found.tags.clone(),
        condition: Condition::Ready,
        outputs: outputs([("id", Some(&found.arn)), ("arn", Some(&found.arn))]),
    };
    sighting.observed(wanted, address, &spec)
}

#[async_trait]
impl Kind for OidcProvider {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("issuer"),
                Field::in_place("audiences"),
                Field::in_place("tags"),
            ]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let cluster = context.environment.cluster.iter();
        let with_provider = cluster.filter(|cluster| cluster.oidc_provider);
        let desired = with_provider.map(|cluster| {
            let address = oidc_provider();
            let spec = Spec {
                issuer: Input::of(&control_plane(), "oidc_issuer"),
                audiences: BTreeSet::from([AUDIENCE.to_owned()]),
                tags: context.ownership.named(&address, &cluster.name),
            };
            Desired::new(KIND, address, &cluster.name, &spec)
        });
        desired.collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = inventory.clusters.providers.as_ref();
        let sightings = found.map_err(Clone::clone)?.iter().filter_map(|found| {
            let address = address_by_tag(KIND, wanted, &found.arn, &found.tags)?;
            Some(observed(wanted, address, found))
        });
        Ok(sightings.collect())
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let call = cloud.aws.iam.create_open_id_connect_provider();
        let call = call.url(spec.issuer.text());
        let call = call.set_client_id_list(Some(spec.audiences.iter().cloned().collect()));
        let answer = call.set_tags(Some(written(&spec.tags)?)).send().await;
        match answer.map_err(fault("iam", "CreateOpenIDConnectProvider")) {
            Ok(made) => made
                .open_id_connect_provider_arn
                .ok_or_else(|| Fault::incomplete("iam", "CreateOpenIDConnectProvider", "arn")),
            Err(fault) => {
                // Its issuer is its name.
                let name = spec.issuer.text().trim_start_matches("https://");
                let ends = format!(":oidc-provider/{name}");
                let arns = arns(cloud).await?.into_iter();
                let arn = arns.into_iter().find(|arn| arn.ends_with(&ends));
                made_already(self, cloud, order, arn.unwrap_or_default(), Err(fault)).await
            }
        }
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let found = described(cloud, id).await?;
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
        let (iam, arn) = (&cloud.aws.iam, observed.id.as_str());
        if has(changed, "audiences") {
            let now = observed
                .fields
                .get("audiences")
                .cloned()
                .unwrap_or_default();
            let now: BTreeSet<String> = serde_json::from_value(now).unwrap_or_default();
            for audience in spec.audiences.difference(&now) {
                fresh(cloud, || async {
                    let call = iam.add_client_id_to_open_id_connect_provider();
                    let call = call.open_id_connect_provider_arn(arn).client_id(audience);
                    let answer = call.send().await;
                    answer.map_err(fault("iam", "AddClientIDToOpenIDConnectProvider"))
                })
                .await?;
            }
            for audience in now.difference(&spec.audiences) {
                let call = iam.remove_client_id_from_open_id_connect_provider();
                let call = call.open_id_connect_provider_arn(arn).client_id(audience);
                let answer = call.send().await;
                let answer =
                    answer.map_err(fault("iam", "RemoveClientIDFromOpenIDConnectProvider"));
                absent_is_done(answer)?;
            }
        }
        if has(changed, "tags") {
            let (set, unset) = changes(observed.fields.get("tags"), &spec.tags);
            if !set.is_empty() {
                let tags = written(&set)?;
                fresh(cloud, || async {
                    let call = iam.tag_open_id_connect_provider();
                    let call = call.open_id_connect_provider_arn(arn);
                    let answer = call.set_tags(Some(tags.clone())).send().await;
                    answer.map_err(fault("iam", "TagOpenIDConnectProvider"))
                })
                .await?;
            }
            if !unset.is_empty() {
                let call = iam.untag_open_id_connect_provider();
                let call = call.open_id_connect_provider_arn(arn);
                let answer = call.set_tag_keys(Some(unset)).send().await;
                absent_is_done(answer.map_err(fault("iam", "UntagOpenIDConnectProvider")))?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud.aws.iam.delete_open_id_connect_provider();
        let answer = call.open_id_connect_provider_arn(id).send().await;
        absent_is_done(answer.map_err(fault("iam", "DeleteOpenIDConnectProvider")))
    }
}
