//! IAM. AWS's own policies are no part of the account's world and stay out.

use serde_json::{Value, json};

use super::item::Item;
use crate::sandbox::aws::iam::{CALLER, Entity, Iam, Policy};

/// How long a role's session lasts at most where nobody says otherwise, in seconds.
const USUAL_SESSION: i64 = 3600;

/// Everything in IAM.
pub fn items(iam: &Iam) -> Vec<Item> {
    let mut items = Vec::new();
    items.extend((iam.groups.values()).map(|group| {
        entity("iam_group", &group.entity).maybe("users", Some(json!(group.members)))
    }));
    items.extend((iam.roles.values()).map(|role| {
        entity("iam_role", &role.entity)
            .maybe("trust", Some(document(&role.trust)))
            .maybe("description", role.description.as_deref())
            .unless("session", role.max_session, USUAL_SESSION)
    }));
    // Who looks is no part of what there is to see.
    let users = iam.users.values().filter(|user| user.entity.name != CALLER);
    items.extend(users.map(|user| entity("iam_user", &user.entity)));
    items.extend(iam.policies.values().map(policy));
    items.extend((iam.providers.values()).map(|provider| {
        let body = json!({"audiences": provider.client_ids, "thumbprints": provider.thumbprints});
        Item::new("iam_oidc_provider", &provider.url, body).tags(&provider.tags)
    }));
    items
}

fn entity(kind: &str, entity: &Entity) -> Item {
    let inline: serde_json::Map<String, Value> = (entity.inline.iter())
        .map(|(name, text)| (name.clone(), document(text)))
        .collect();
    Item::new(kind, &entity.name, json!({"policies": entity.attached}))
        .unless("path", entity.path.as_str(), "/")
        .maybe("inline", (!inline.is_empty()).then_some(inline))
        .tags(&entity.tags)
}

fn policy(policy: &Policy) -> Item {
    let version = policy.versions.get(&policy.default_version);
    let current = version.map_or(Value::Null, |version| document(&version.document));
    Item::new("iam_policy", &policy.name, json!({"document": current}))
        .unless("path", policy.path.as_str(), "/")
        .maybe("description", policy.description.as_deref())
        .tags(&policy.tags)
}

/// A policy document as what it says, not as it is spaced.
fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}
