//! `secrets.secret`: a Secrets Manager secret.

use async_trait::async_trait;
use aws_sdk_secretsmanager::types::Tag;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::inventory::{self, describe};
use super::value::Source;
use crate::address::Address;
use crate::cloud::{Class, Cloud, Fault, absent_is_done, fault};
use crate::resources::calls::present;
use crate::resources::inventory::Inventory;
use crate::resources::sighting::address_by_tag;
use crate::resources::tags::{changes, written};
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Kind, Observed, Order, Outputs, Owner, Tags,
    Unseen, Variables, Wanted,
};
use crate::sensitive::Sensitive;

/// The kind `secrets.secret`.
pub struct Secret;

/// The kind's name.
pub(super) const KIND: &str = "secrets.secret";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    description: Option<String>,
    value: Source,
    tags: Tags,
}

/// Where the value should come from, for the field that says whether it is as it should be.
fn source(wanted: &Wanted<'_>, address: &Address) -> Option<Source> {
    let desired = wanted.desired.get(address).map(|desired| &desired.fields);
    let recorded = wanted
        .recorded
        .get(address)
        .map(|recorded| &recorded.fields);
    let value = |fields: Option<&Fields>| Source::of(fields?.get("value"));
    value(desired).or_else(|| value(recorded))
}

fn observed(
    wanted: &Wanted<'_>,
    address: Address,
    name: &str,
    secret: &inventory::Secret,
    value: Option<&Sensitive>,
    source: Option<&Source>,
) -> Observed {
    let mut fields = Fields::new();
    if let Some(description) = &secret.description {
        fields.insert("description".to_owned(), json!(description));
    }
    if let Some(source) = source {
        let compared = source.compared(secret.version.is_some(), value, wanted.variables);
        fields.insert("value".to_owned(), compared);
    }
    fields.insert("tags".to_owned(), wanted.tags(&address, &secret.tags));
    let mut outputs = Outputs::from([
        ("arn".to_owned(), secret.arn.clone()),
        ("name".to_owned(), name.to_owned()),
    ]);
    if let Some(version) = &secret.version {
        outputs.insert("version".to_owned(), version.clone());
    }
    Observed {
        address,
        kind: KIND,
        id: secret.arn.clone(),
        name: name.to_owned(),
        owner: wanted.owner(&secret.tags),
        condition: Condition::Ready,
        fields,
        outputs,
    }
}

#[async_trait]
impl Kind for Secret {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::in_place("description"),
                Field::in_place("value"),
                Field::in_place("tags"),
            ]
        }
    }

    fn holds_data(&self, _fields: &Fields) -> bool {
        true
    }

    fn outputs_changed_by(&self, changed: &[String]) -> &'static [&'static str] {
        if changed.iter().any(|field| field == "value") {
            &["version"]
        } else {
            &[]
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let secrets = context.environment.secrets.iter();
        secrets
            .map(|(key, secret)| {
                let address = Address::of(&["secret", key]);
                let spec = Spec {
                    description: secret.description.clone(),
                    value: Source::from(&secret.source),
                    tags: context.ownership.named(&address, &secret.name),
                };
                Desired::new(KIND, address, secret.name.clone(), &spec)
            })
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let found = inventory.secrets.as_ref().map_err(Clone::clone)?;
        let names = wanted.names(KIND);
        let mut secrets = Vec::new();
        for (name, secret) in &found.secrets {
            let known = names.get(name).cloned();
            let address = known.or_else(|| address_by_tag(KIND, wanted, &secret.arn, &secret.tags));
            let Some(address) = address else {
                continue;
            };
            // One of ours that someone had deleted is made again by restoring it; where it is no longer needed, its
            // name is set free.
            let ours = wanted.owner(&secret.tags) == Owner::Ours;
            let needed = !wanted.teardown && wanted.desired.contains_key(&address);
            if secret.deleted && ours && needed {
                continue;
            }
            let value = found.values.get(&secret.arn);
            let source = source(wanted, &address);
            secrets.push(observed(
                wanted,
                address,
                name,
                secret,
                value,
                source.as_ref(),
            ));
        }
        Ok(secrets)
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let value = spec.value.make(order.variables)?;
        let call = cloud.aws.secrets.create_secret().name(order.name);
        let result = call
            .set_description(spec.description.clone())
            .secret_string(value.expose())
            .set_tags(Some(sdk_tags(&spec.tags)))
            .client_request_token(order.token)
            .send()
            .await
            .map_err(fault("secretsmanager", "CreateSecret"));
        match result {
            Ok(answer) => answer
                .arn()
                .map(str::to_owned)
                .ok_or_else(|| Fault::incomplete("secretsmanager", "CreateSecret", "ARN")),
            Err(refusal) => take_up(cloud, order, &value, refusal).await,
        }
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let Some((name, secret)) = present(describe(cloud, id).await)? else {
            return Ok(None);
        };
        let source = Source::of(order.fields.get("value"));
        let value = match &source {
            Some(source) if !secret.deleted => compared(cloud, id, source, order.variables).await?,
            Some(_) | None => None,
        };
        let mut observed = observed(
            &order.wanted,
            order.address.clone(),
            &name,
            &secret,
            value.as_ref(),
            source.as_ref(),
        );
        if secret.deleted {
            observed.condition = Condition::Deleting;
        }
        Ok(Some(observed))
    }

    async fn update(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        observed: &Observed,
        changed: &[String],
    ) -> Result<(), Fault> {
        let spec: Spec = order.spec()?;
        let secrets = &cloud.aws.secrets;
        let arn = observed.id.as_str();
        let differs = |field: &str| changed.iter().any(|name| name == field);
        if differs("description") {
            let call = secrets.update_secret().secret_id(arn);
            let description = spec.description.clone().unwrap_or_default();
            let result = call.description(description).send().await;
            result.map_err(fault("secretsmanager", "UpdateSecret"))?;
        }
        if differs("value") {
            let value = spec.value.make(order.variables)?;
            put(cloud, arn, &value, order.token).await?;
        }
        if differs("tags") {
            let (set, unset) = changes(observed.fields.get("tags"), &spec.tags);
            if !set.is_empty() {
                let call = secrets.tag_resource().secret_id(arn);
                let result = call.set_tags(Some(sdk_tags(&set))).send().await;
                result.map_err(fault("secretsmanager", "TagResource"))?;
            }
            if !unset.is_empty() {
                let call = secrets.untag_resource().secret_id(arn);
                let result = call.set_tag_keys(Some(unset)).send().await;
                result.map_err(fault("secretsmanager", "UntagResource"))?;
            }
        }
        Ok(())
    }

    async fn delete(&self, cloud: &Cloud, _order: &Order<'_>, id: &str) -> Result<(), Fault> {
        // Not scheduled for later: the name is needed again.
        let call = cloud.aws.secrets.delete_secret().secret_id(id);
        let result = call.force_delete_without_recovery(true).send().await;
        absent_is_done(result.map_err(fault("secretsmanager", "DeleteSecret")))
    }
}

/// Takes up a secret of ours that is in the way of its own creation: made by a call whose answer never came back, or
/// deleted by someone and waiting for its end.
async fn take_up(
    cloud: &Cloud,
    order: &Order<'_>,
    value: &Sensitive,
    refusal: Fault,
) -> Result<String, Fault> {
    let deleted = refusal.message.contains("scheduled for deletion");
    if !deleted && refusal.class != Class::Exists {
        return Err(refusal);
    }
    let Some((_, secret)) = present(describe(cloud, order.name).await)? else {
        // It went between the two calls.
        return Err(again(refusal));
    };
    if order.wanted.owner(&secret.tags) != Owner::Ours {
        return Err(Fault {
            class: Class::Exists,
            ..refusal
        });
    }
    if secret.deleted {
        let call = cloud.aws.secrets.restore_secret().secret_id(&secret.arn);
        let result = call.send().await;
        let restored = present(result.map_err(fault("secretsmanager", "RestoreSecret")))?;
        // One that was deleted for good is not restored, and its name is free in a moment.
        restored.ok_or_else(|| again(refusal))?;
        put(cloud, &secret.arn, value, order.token).await?;
    }
    Ok(secret.arn)
}

/// A refusal that passes by itself.
fn again(refusal: Fault) -> Fault {
    Fault {
        class: Class::Retry,
        ..refusal
    }
}

/// Makes a new current version. The token becomes its id, so that a second call with the same value changes nothing.
async fn put(cloud: &Cloud, arn: &str, value: &Sensitive, token: &str) -> Result<(), Fault> {
    let call = cloud.aws.secrets.put_secret_value().secret_id(arn);
    let result = call
        .secret_string(value.expose())
        .client_request_token(token)
        .send()
        .await;
    result
        .map(drop)
        .map_err(fault("secretsmanager", "PutSecretValue"))
}

/// The current value, if there is anything to compare it with.
async fn compared(
    cloud: &Cloud,
    id: &str,
    source: &Source,
    variables: &Variables,
) -> Result<Option<Sensitive>, Fault> {
    if source.variable(variables).is_none() {
        return Ok(None);
    }
    present(read_value(cloud, id).await)
}

/// The current value of a secret.
///
/// # Errors
/// The fault of the call.
pub async fn read_value(cloud: &Cloud, id: &str) -> Result<Sensitive, Fault> {
    let call = cloud.aws.secrets.get_secret_value().secret_id(id);
    let answer = call
        .send()
        .await
        .map_err(fault("secretsmanager", "GetSecretValue"))?;
    answer
        .secret_string()
        .map(Sensitive::new)
        .ok_or_else(|| Fault::incomplete("secretsmanager", "GetSecretValue", "SecretString"))
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    written(tags, |key, value| {
        Some(Tag::builder().key(key).value(value).build())
    })
}
