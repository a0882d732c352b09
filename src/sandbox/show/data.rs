//! Databases and caches.

use serde_json::json;

use super::item::{Form, Item};
use crate::sandbox::aws::Region;
use crate::sandbox::aws::elasticache::{Cluster, Group, Settings};
use crate::sandbox::aws::rds::{Instance, Snapshot};
use crate::sandbox::aws::subnet_groups::SubnetGroups;

/// What the part of an endpoint that AWS makes up is written as.
const MADE_UP: &str = "aaaaaaaaaa";

/// Everything in RDS and ElastiCache.
pub fn items(region: &Region) -> Vec<Item> {
    let (rds, cache) = (&region.rds, &region.elasticache);
    let mut items = subnet_groups("db_subnet_group", &rds.subnet_groups);
    items.extend(subnet_groups("cache_subnet_group", &cache.subnet_groups));
    items.extend(rds.instances.values().map(instance));
    items.extend(rds.snapshots.values().map(snapshot));
    items.extend(cache.groups.values().map(replication_group));
    items.extend(cache.clusters.values().map(cache_cluster));
    items
}

fn subnet_groups(kind: &str, groups: &SubnetGroups) -> Vec<Item> {
    (groups.values())
        .map(|group| {
            let subnets: Vec<&String> = group.subnets.zones.keys().collect();
            Item::new(kind, &group.name, json!({"subnets": subnets})).tags(&group.tags)
        })
        .collect()
}

fn instance(instance: &Instance) -> Item {
    let host = instance.address.split('.').nth(1).unwrap_or_default();
    Item::new(
        "db_instance",
        &instance.id,
        json!({
            "class": instance.class, "db": instance.db_name, "engine": instance.engine,
            "parameter_groups": [instance.parameter_group], "security_groups": instance.group_ids,
            "status": instance.status.word(), "storage": instance.gib, "storage_type": instance.storage_type,
            "subnet_group": format!("@db_subnet_group/{}", instance.subnet_group), "user": instance.username,
            "version": instance.version,
        }),
    )
    .id(&instance.resource_id)
    .written(host, Form::Text(MADE_UP.to_owned()))
    .maybe("max_storage", instance.max_gib)
    .maybe("iops", instance.iops)
    .unless("port", instance.port, usual_port(&instance.engine))
    .unless("encrypted", instance.encrypted, false)
    .unless("multi_az", instance.multi_az, false)
    .unless("public", instance.public, false)
    .unless("protected", instance.protected, false)
    .unless("iam_login", instance.iam_login, false)
    .unless("copy_tags", instance.copy_tags, false)
    .unless("auto_minor", instance.auto_minor, true)
    .unless("retention_days", instance.retention_days, 1)
    .tags(&instance.tags)
}

fn snapshot(snapshot: &Snapshot) -> Item {
    let of = format!("@db_instance/{}", snapshot.instance.id);
    Item::new("db_snapshot", &snapshot.id, json!({"of": of}))
        .unless("available", snapshot.available, true)
        .tags(&snapshot.tags)
}

fn replication_group(group: &Group) -> Item {
    let item = Item::new(
        "cache_replication_group",
        &group.id,
        json!({"description": group.description, "status": group.status.word()}),
    )
    .unless("failover", group.failover, false)
    .unless("multi_az", group.multi_az, false);
    settings(item, &group.settings).tags(&group.tags)
}

/// A node of a replication group repeats nothing of it but what the inventory of clusters shows.
fn cache_cluster(cluster: &Cluster) -> Item {
    let own = &cluster.settings;
    let item = Item::new(
        "cache_cluster",
        &cluster.id,
        json!({
            "engine": own.engine, "node": own.node_type, "nodes": cluster.nodes,
            "parameter_group": own.parameter_group,
            "security_groups": own.group_ids, "status": cluster.status.word(),
            "subnet_group": format!("@cache_subnet_group/{}", own.subnet_group),
            "version": own.version,
        }),
    );
    match &cluster.group {
        Some(group) => item.maybe("group", Some(format!("@cache_replication_group/{group}"))),
        None => settings(item, own),
    }
    .tags(&cluster.tags)
}

fn settings(item: Item, settings: &Settings) -> Item {
    item.unless("port", settings.port, usual_port(&settings.engine))
        .unless("encrypted_in_transit", settings.transit_encryption, false)
        .unless("encrypted_at_rest", settings.at_rest_encryption, false)
        .unless("password", settings.auth_token, false)
        .unless("auto_minor", settings.auto_minor, true)
        .unless("retention_days", settings.retention_days, 0)
}

/// The port that an engine gets where nobody asks for one.
fn usual_port(engine: &str) -> i64 {
    match engine {
        "mysql" => 3306,
        "postgres" => 5432,
        "memcached" => 11211,
        _ => 6379,
    }
}
