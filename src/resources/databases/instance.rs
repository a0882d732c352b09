//! `database.instance`: a MySQL or PostgreSQL server on RDS.

use async_trait::async_trait;
use aws_sdk_rds::types::DbInstance as Found;
use serde::{Deserialize, Serialize};

use super::inventory::tags;
use super::{arn, check, instance, password, retag, tag, written};
use crate::address::Address;
use crate::cloud::{Cloud, Fault, absent_is_done, fault};
use crate::environment::model::Database as Asked;
use crate::resources::calls::{fresh, made_already, present};
use crate::resources::field::fields_of;
use crate::resources::inventory::Inventory;
use crate::resources::network::security_group;
use crate::resources::sighting::{
    Sighting, address_by_name, has, outputs, port_or_asked, version_as_asked,
};
use crate::resources::subnet_group::subnet_group;
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Problem, Tags,
    Unseen, Usual, Wanted,
};

/// The kind `database.instance`.
pub struct Instance;

const KIND: &str = "database.instance";

/// Set where a last snapshot is to be taken when the instance is deleted.
const TAG_FINAL_SNAPSHOT: &str = "groundwork:final-snapshot";

#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    name: String,
    engine: String,
    version: String,
    class: String,
    storage_gib: i32,
    storage_type: String,
    encryption: bool,
    /// The database that is made in it at first.
    database: String,
    username: String,
    /// The ARN of the secret that holds the password.
    password_secret: Option<Input>,
    /// The version of that secret.
    password: Option<Input>,
    port: i32,
    multi_az: bool,
    publicly_accessible: bool,
    backup_retention_days: i32,
    deletion_protection: bool,
    /// The name of its subnet group.
    subnet_group: Input,
    security_groups: Vec<Input>,
    tags: Tags,
}

fn desired(context: &Context<'_>, key: &str, asked: &Asked) -> Desired {
    let address = instance(key);
    let secret = Address::of(&["secret", &asked.password]);
    let mut tags = context.ownership.named(&address, &asked.name);
    if asked.final_snapshot {
        tags.insert(TAG_FINAL_SNAPSHOT.to_owned(), "true".to_owned());
    }
    let spec = Spec {
        name: asked.name.clone(),
        engine: asked.engine.as_str().to_owned(),
        version: asked.version.clone(),
        class: asked.class.clone(),
        storage_gib: int(asked.storage_gib),
        storage_type: "gp3".to_owned(),
        encryption: asked.encryption,
        database: asked.database.clone(),
        username: asked.username.clone(),
        password_secret: Some(Input::of(&secret, "arn")),
        password: Some(Input::of(&secret, "version")),
        port: asked.port.into(),
        multi_az: asked.multi_az,
        publicly_accessible: false,
        backup_retention_days: int(asked.backup_retention_days),
        deletion_protection: asked.deletion_protection,
        subnet_group: Input::of(&subnet_group(&["database", key]), "id"),
        security_groups: vec![Input::of(&security_group(&["database", key]), "id")],
        tags,
    };
    Desired::new(KIND, address, &asked.name, &spec)
}

/// The file's numbers are checked to be small.
fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn condition(found: &Found) -> Condition {
    match found.db_instance_status().unwrap_or("available") {
        // The instance is usable while its storage is being spread out, which takes hours.
        "available" | "storage-optimization" => Condition::Ready,
        "deleting" => Condition::Deleting,
        bad if bad == "failed" || bad.starts_with("incompatible-") || bad == "restore-error" => {
            Condition::Failed(bad.to_owned())
        }
        other => Condition::Settling(other.to_owned()),
    }
}

fn spec_of(wanted: &Wanted<'_>, address: &Address, found: &Found, tags: &mut Tags) -> Spec {
    let (password_secret, password) = password::take_marks(tags);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let group = found
        .db_subnet_group()
        .and_then(|group| group.db_subnet_group_name());
    let port = found.endpoint().and_then(|endpoint| endpoint.port());
    let memberships = found.vpc_security_groups().iter();
    let memberships = memberships.filter(|group| group.status() != Some("removing"));
    let mut security_groups: Vec<Input> = memberships
        .filter_map(|group| group.vpc_security_group_id().map(Input::from))
        .collect();
    security_groups.sort();
    let version = found.engine_version().unwrap_or_default();
    Spec {
        name: text(found.db_instance_identifier()),
        engine: text(found.engine()),
        version: version_as_asked(wanted, address, version),
        class: text(found.db_instance_class()),
        storage_gib: found.allocated_storage().unwrap_or_default(),
        storage_type: text(found.storage_type()),
        encryption: found.storage_encrypted().unwrap_or_default(),
        database: text(found.db_name()),
        username: text(found.master_username()),
        password_secret,
        password,
        port: port_or_asked(wanted, address, port.or(found.db_instance_port())),
        multi_az: found.multi_az().unwrap_or_default(),
        publicly_accessible: found.publicly_accessible().unwrap_or_default(),
        backup_retention_days: found.backup_retention_period().unwrap_or_default(),
        deletion_protection: found.deletion_protection().unwrap_or_default(),
        subnet_group: group.unwrap_or_default().into(),
        security_groups,
        tags: Tags::new(),
    }
}

/// The properties as they will be when what RDS has accepted has taken effect.
fn with_pending(wanted: &Wanted<'_>, address: &Address, found: &Found, now: &Fields) -> Fields {
    let mut fields = now.clone();
    let Some(pending) = found.pending_modified_values() else {
        return fields;
    };
    let version = pending.engine_version();
    let version = version.map(|version| version_as_asked(wanted, address, version).into());
    let changes: [(&str, Option<serde_json::Value>); 7] = [
        ("class", pending.db_instance_class().map(Into::into)),
        ("storage_gib", pending.allocated_storage().map(Into::into)),
        ("storage_type", pending.storage_type().map(Into::into)),
        ("port", pending.port().map(Into::into)),
        ("multi_az", pending.multi_az().map(Into::into)),
        (
            "backup_retention_days",
            pending.backup_retention_period().map(Into::into),
        ),
        ("version", version),
    ];
    let changes = changes
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    fields.extend(changes);
    fields
}

fn observed(wanted: &Wanted<'_>, address: Address, found: &Found) -> Observed {
    let name = found.db_instance_identifier().unwrap_or_default();
    let endpoint = found.endpoint();
    let mut tags = tags(found.tag_list());
    let spec = spec_of(wanted, &address, found, &mut tags);
    let port = spec.port.to_string();
    let ending = with_pending(wanted, &address, found, &fields_of(&spec));
    let sighting = Sighting {
        kind: KIND,
        id: name.to_owned(),
        name: name.to_owned(),
        tags,
        condition: condition(found),
        outputs: outputs([
            ("id", Some(name)),
            ("arn", found.db_instance_arn()),
            ("endpoint", endpoint.and_then(|endpoint| endpoint.address())),
            ("port", endpoint.map(|_| port.as_str())),
        ]),
    };
    let observed = sighting.observed(wanted, address, &spec);
    settling_towards(wanted, observed, ending)
}

/// A change that RDS has accepted and that is what we want is waited for; one that we do not want shows as a
/// difference, though it would only take effect in the next maintenance window.
fn settling_towards(wanted: &Wanted<'_>, mut observed: Observed, ending: Fields) -> Observed {
    let desired = wanted.desired.get(&observed.address);
    let coming = ending
        .iter()
        .filter(|(name, value)| *name != "tags" && observed.fields.get(*name) != Some(value));
    let mut unwanted = Fields::new();
    let mut awaited = false;
    for (name, value) in coming {
        if desired.is_some_and(|desired| desired.fields.get(name) == Some(value)) {
            awaited = true;
        } else {
            unwanted.insert(name.clone(), value.clone());
        }
    }
    observed.fields.extend(unwanted);
    if awaited && observed.condition == Condition::Ready {
        observed.condition = Condition::Settling("modifying".to_owned());
    }
    observed
}

#[async_trait]
impl Kind for Instance {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::replaces("engine"),
                Field::in_place("version"),
                Field::in_place("class"),
                Field::in_place("storage_gib"),
                Field::in_place("storage_type"),
                Field::replaces("encryption"),
                Field::replaces("database"),
                Field::replaces("username"),
                Field::in_place("password_secret"),
                Field::in_place("password"),
                Field::in_place("port"),
                Field::in_place("multi_az"),
                Field::in_place("publicly_accessible"),
                Field::in_place("backup_retention_days"),
                Field::in_place("deletion_protection"),
                Field::replaces("subnet_group"),
                Field::in_place("security_groups").holding(),
                Field::in_place("tags"),
            ]
        }
    }

    fn holds_data(&self, _fields: &Fields) -> bool {
        true
    }

    fn usual(&self, _address: &Address) -> Usual {
        Usual::secs(270, 180, 300)
    }

    fn outputs_changed_by(&self, changed: &[String]) -> &'static [&'static str] {
        match has(changed, "port") {
            true => &["port"],
            false => &[],
        }
    }

    fn desired(&self, context: &Context<'_>) -> Vec<Desired> {
        let databases = context.environment.databases.iter();
        databases
            .map(|(key, asked)| desired(context, key, asked))
            .collect()
    }

    fn observe(&self, inventory: &Inventory, wanted: &Wanted<'_>) -> Result<Vec<Observed>, Unseen> {
        let instances = &inventory.databases.instances;
        let instances = instances.as_ref().map_err(Clone::clone)?.iter();
        let sightings = instances.filter_map(|found| {
            let name = found.db_instance_identifier()?;
            let address = address_by_name(KIND, wanted, name, &tags(found.tag_list()))?;
            Some(observed(wanted, address, found))
        });
        Ok(sightings.collect())
    }

    async fn check(
        &self,
        cloud: &Cloud,
        inventory: &Inventory,
        desired: &Desired,
    ) -> Result<Vec<Problem>, Fault> {
        let instances = inventory.databases.instances.as_deref().unwrap_or(&[]);
        // One with another engine is replaced, and says nothing about what the new one may be.
        let engine = desired.fields.get("engine").and_then(|e| e.as_str());
        let now = instances
            .iter()
            .filter(|found| found.engine() == engine)
            .find(|found| found.db_instance_identifier() == Some(&desired.name));
        check::problems(cloud, desired, now).await
    }

    async fn create(&self, cloud: &Cloud, order: &Order<'_>) -> Result<String, Fault> {
        let spec: Spec = order.spec()?;
        let (secret, version) = secret_of(&spec)?;
        let password = password::value(cloud, secret, version).await?;
        let mut tags = spec.tags.clone();
        tags.extend(password::marks(secret, version));
        let answer = fresh(cloud, || async {
            let call = cloud.aws.rds.create_db_instance();
            let call = call.db_instance_identifier(&spec.name).engine(&spec.engine);
            let call = call
                .engine_version(&spec.version)
                .db_instance_class(&spec.class);
            let call = call
                .allocated_storage(spec.storage_gib)
                .storage_type(&spec.storage_type);
            let call = call
                .storage_encrypted(spec.encryption)
                .db_name(&spec.database);
            let call = call.master_username(&spec.username);
            let call = call.master_user_password(password.expose());
            let call = call.port(spec.port).multi_az(spec.multi_az);
            let call = call.publicly_accessible(spec.publicly_accessible);
            let call = call.backup_retention_period(spec.backup_retention_days);
            let call = call.deletion_protection(spec.deletion_protection);
            let call = call.db_subnet_group_name(spec.subnet_group.text());
            let call = call.set_vpc_security_group_ids(Some(groups(&spec)));
            let answer = call.set_tags(Some(written(&tags))).send().await;
            answer.map_err(fault("rds", "CreateDBInstance"))
        })
        .await;
        made_already(self, cloud, order, spec.name.clone(), answer.map(drop)).await
    }

    async fn read(
        &self,
        cloud: &Cloud,
        order: &Order<'_>,
        id: &str,
    ) -> Result<Option<Observed>, Fault> {
        let call = cloud.aws.rds.describe_db_instances();
        let answer = call.db_instance_identifier(id).send().await;
        let answer = present(answer.map_err(fault("rds", "DescribeDBInstances")))?;
        let found = answer.and_then(|answer| answer.db_instances?.into_iter().next());
        Ok(found.map(|found| observed(&order.wanted, order.address.clone(), &found)))
    }

    /// RDS takes all changes in one call.
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
        if changed.iter().all(|field| field == "tags") {
            return Ok(());
        }
        let call = cloud.aws.rds.modify_db_instance().apply_immediately(true);
        let mut call = call.db_instance_identifier(&observed.id);
        for field in changed {
            call = match field.as_str() {
                "version" => call
                    .engine_version(&spec.version)
                    .allow_major_version_upgrade(true),
                "class" => call.db_instance_class(&spec.class),
                "storage_gib" => call.allocated_storage(spec.storage_gib),
                "storage_type" => call.storage_type(&spec.storage_type),
                "port" => call.db_port_number(spec.port),
                "multi_az" => call.multi_az(spec.multi_az),
                "publicly_accessible" => call.publicly_accessible(spec.publicly_accessible),
                "backup_retention_days" => call.backup_retention_period(spec.backup_retention_days),
                "deletion_protection" => call.deletion_protection(spec.deletion_protection),
                "security_groups" => call.set_vpc_security_group_ids(Some(groups(&spec))),
                _ => call,
            };
        }
        let new_password = has(changed, "password") || has(changed, "password_secret");
        if !new_password {
            let answer = call.send().await;
            return answer.map(drop).map_err(fault("rds", "ModifyDBInstance"));
        }
        let (secret, version) = secret_of(&spec)?;
        let password = password::value(cloud, secret, version).await?;
        let answer = call.master_user_password(password.expose()).send().await;
        answer.map_err(fault("rds", "ModifyDBInstance"))?;
        // Last, so that a password of which it is not certain that it was set is set again.
        tag(cloud, arn(observed)?, &password::marks(secret, version)).await
    }

    async fn delete(&self, cloud: &Cloud, order: &Order<'_>, id: &str) -> Result<(), Fault> {
        let call = cloud
            .aws
            .rds
            .delete_db_instance()
            .db_instance_identifier(id);
        let call = match wants_snapshot(order) {
            true => call
                .skip_final_snapshot(false)
                .final_db_snapshot_identifier(snapshot_name(id, order.token)),
            false => call.skip_final_snapshot(true),
        };
        absent_is_done(call.send().await.map_err(fault("rds", "DeleteDBInstance")))
    }
}

/// As the file says, or as it said last.
fn wants_snapshot(order: &Order<'_>) -> bool {
    let desired = order.wanted.desired.get(order.address);
    let fields = desired.map_or(order.fields, |desired| &desired.fields);
    let tags = fields.get("tags");
    tags.and_then(|tags| tags.get(TAG_FINAL_SNAPSHOT)).is_some()
}

/// Snapshots outlive what they were taken of, so each needs a name of its own.
fn snapshot_name(id: &str, token: &str) -> String {
    let token: String = token
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    format!("{id}-final-{token}")
}

fn secret_of(spec: &Spec) -> Result<(&Input, &Input), Fault> {
    let both = spec.password_secret.as_ref().zip(spec.password.as_ref());
    both.ok_or_else(|| Fault::incomplete("rds", "CreateDBInstance", "password"))
}

fn groups(spec: &Spec) -> Vec<String> {
    let groups = spec.security_groups.iter();
    groups.map(|id| id.text().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_after_its_instance_and_the_action() {
        assert_eq!(
            snapshot_name("flights", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
            "flights-final-0a1b2c3d"
        );
    }

    #[test]
    fn only_an_instance_that_will_not_mend_itself_has_failed() {
        let found = |status: &str| condition(&Found::builder().db_instance_status(status).build());
        assert_eq!(found("available"), Condition::Ready);
        assert_eq!(found("storage-optimization"), Condition::Ready);
        assert_eq!(
            found("backing-up"),
            Condition::Settling("backing-up".into())
        );
        assert_eq!(found("deleting"), Condition::Deleting);
        assert_eq!(
            found("incompatible-network"),
            Condition::Failed("incompatible-network".into())
        );
    }
}
