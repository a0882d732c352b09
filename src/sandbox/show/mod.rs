//! The world as a document to read and to compare: what exists, without what differs from run to run.
//!
//! Resources stand by kind, sorted; identifiers are written as `@kind/name`, and there are no times. So two worlds
//! that hold the same print the same bytes, in whatever order things were made. Members that AWS fills in by itself
//! are written where they differ from what it fills in. Secret values appear as their SHA-256 only.

mod data;
mod ec2;
mod eks;
mod iam;
mod item;
mod kubernetes;
mod names;
mod services;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::aws;
use super::world::World;
use crate::resources::{TAG_ENVIRONMENT, TAG_LINEAGE};
use item::Item;
use names::Names;

/// What is made with something else and never asked for, by what the document calls it.
type Implicit = BTreeMap<&'static str, usize>;

/// The world as a document.
pub fn show(world: &World) -> Value {
    let mut implicit = Implicit::new();
    let mut items = iam::items(&world.global.iam);
    items.extend(services::zones(&world.global.route53, &mut implicit));
    let regional: Vec<(&str, Vec<Item>)> = (world.regions.iter())
        .map(|(name, region)| (name.as_str(), of_region(region, &mut implicit)))
        .filter(|(_, items)| !items.is_empty())
        .collect();
    let several = regional.len() > 1;
    for (region, found) in regional {
        items.extend(found.into_iter().map(|mut item| {
            if several {
                item.body.insert("region".to_owned(), region.into());
            }
            item
        }));
    }
    let clusters: Vec<(&String, Vec<Item>)> = (world.clusters.iter())
        .map(|(key, cluster)| (key, kubernetes::items(key, cluster)))
        .collect();
    let environments = environments(&items);
    let objects = clusters.iter().flat_map(|(_, objects)| objects);
    let names = Names::of(items.iter().chain(&environments).chain(objects), world);

    let mut resources: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for item in items {
        let (kind, body) = (item.kind.clone(), names.resource(item));
        resources.entry(kind).or_default().push(body);
    }
    for list in resources.values_mut() {
        list.sort_by_cached_key(Value::to_string);
    }
    let counts: BTreeMap<&String, usize> = (resources.iter())
        .map(|(kind, list)| (kind, list.len()))
        .collect();
    let kubernetes: BTreeMap<&str, Vec<Value>> = (clusters.into_iter())
        .map(|(key, objects)| {
            let name = key.split_once('/').map_or(key.as_str(), |(_, name)| name);
            let key = if several { key.as_str() } else { name };
            (key, kubernetes::print(objects, &names))
        })
        .collect();
    json!({
        "counts": counts, "implicit": implicit, "resources": resources, "kubernetes": kubernetes,
    })
}

/// The environments whose lineages the tags tell: a lineage is drawn at random, and stands for its environment.
fn environments(items: &[Item]) -> Vec<Item> {
    let tags = items.iter().filter_map(|item| item.body.get("tags"));
    let lineages: BTreeMap<&str, &str> = tags
        .filter_map(|tags| Some((tags[TAG_LINEAGE].as_str()?, tags[TAG_ENVIRONMENT].as_str()?)))
        .collect();
    (lineages.into_iter())
        .map(|(lineage, name)| Item::new("environment", name, json!({})).id(lineage))
        .collect()
}

fn of_region(region: &aws::Region, implicit: &mut Implicit) -> Vec<Item> {
    let mut items = ec2::items(region, implicit);
    items.extend(eks::items(&region.eks));
    items.extend(data::items(region));
    items.extend(services::items(region));
    items
}

/// The SHA-256 of a secret value, in hexadecimal digits.
fn sha256(value: &[u8]) -> String {
    Sha256::digest(value)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
