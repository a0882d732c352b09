//! Rows of databases and caches.

use aws_sdk_elasticache::types::Tag as CacheTag;
use aws_sdk_rds::types::Tag as RdsTag;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::Rows;
use crate::hands::{Hands, refusal, region};

const DB_GROUP: &str = "database.microservices.subnet-group";
const DB: &str = "database.microservices.instance";
const CACHE_GROUP: &str = "cache.microservices.subnet-group";
const CACHE: &str = "cache.microservices.replication-group";

pub fn rows() -> Vec<Rows> {
    vec![db_subnet_group(), instance(), cache_subnet_group(), cache()]
}

/// All four subnets, where we want the private ones.
fn all_subnets(hands: &Hands) -> Option<Vec<String>> {
    let keys = ["public-a", "public-b", "private-a", "private-b"];
    let ids = keys.map(|key| hands.id(&format!("network.subnet.{key}")).to_owned());
    Some(ids.to_vec())
}

async fn tag_rds(hands: &Hands, address: &str, key: &str) {
    let tag = RdsTag::builder().key(key).value("mallory").build();
    let call = hands.aws.rds.add_tags_to_resource().tags(tag);
    let call = call.resource_name(hands.output(address, "arn"));
    call.send().await.unwrap();
}

async fn tag_cache(hands: &Hands, address: &str) {
    let tag = CacheTag::builder().key("groundwork:owner").value("mallory");
    let call = hands
        .aws
        .elasticache
        .add_tags_to_resource()
        .tags(tag.build());
    let call = call.resource_name(hands.output(address, "arn"));
    call.send().await.unwrap();
}

fn db_subnet_group() -> Rows {
    Rows::of("database.subnet-group", DB_GROUP)
        .file("name", |environment| {
            let database = environment.databases.get_mut("microservices").unwrap();
            "other".clone_into(&mut database.subnet_group);
        })
        .hand("description", |h| {
            Box::pin(async move {
                let private = all_subnets(h).unwrap().split_off(2);
                let call = h.aws.rds.modify_db_subnet_group();
                let call = call.db_subnet_group_name(h.id(DB_GROUP));
                let call = call.db_subnet_group_description("somebody's");
                call.set_subnet_ids(Some(private)).send().await.unwrap();
            })
        })
        .hand("subnets", |h| {
            Box::pin(async move {
                let call = h.aws.rds.modify_db_subnet_group();
                let call = call.db_subnet_group_name(h.id(DB_GROUP));
                call.set_subnet_ids(all_subnets(h)).send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(tag_rds(h, DB_GROUP, "groundwork:owner"))
        })
        .undeletable("InvalidDBSubnetGroupStateFault", |h| {
            Box::pin(async move {
                let call = h.aws.rds.delete_db_subnet_group();
                let call = call.db_subnet_group_name(h.id(DB_GROUP));
                refusal(call.send().await)
            })
        })
}

type Modify = aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;

/// Somebody modifies the database, at once.
fn modify<'h>(hands: &'h Hands, change: fn(Modify) -> Modify) -> BoxFuture<'h, ()> {
    Box::pin(async move {
        let call = hands.aws.rds.modify_db_instance().apply_immediately(true);
        let call = change(call.db_instance_identifier(hands.id(DB)));
        call.send().await.unwrap();
        hands.wait(7200).await;
    })
}

/// Writes a member of the database into the world's document.
fn write(hands: &Hands, name: &str, value: Value) {
    let instance = format!("rds/instances/{}/{name}", hands.id(DB));
    hands.edit(&[(region(&instance), value)]);
}

fn instance() -> Rows {
    Rows::of("database.instance", DB)
        .file("name", |environment| {
            let database = environment.databases.get_mut("microservices").unwrap();
            "other".clone_into(&mut database.name);
        })
        .document("engine", |h| write(h, "engine", json!("mariadb")))
        // RDS goes up only, so that only an instance restored from an old snapshot is behind.
        .document("version", |h| write(h, "version", json!("8.0.44")))
        .hand("class", |h| {
            modify(h, |call| call.db_instance_class("db.t3.small"))
        })
        // RDS never shrinks storage.
        .document("storage_gib", |h| write(h, "gib", json!(10)))
        .hand("storage_type", |h| {
            modify(h, |call| call.storage_type("gp2"))
        })
        .document("encryption", |h| write(h, "encrypted", json!(false)))
        .document("database", |h| write(h, "db_name", json!("other")))
        .document("username", |h| write(h, "username", json!("other")))
        .hand("password_secret", |h| {
            Box::pin(tag_rds(h, DB, "groundwork:password-secret"))
        })
        .hand("password", |h| {
            Box::pin(tag_rds(h, DB, "groundwork:password-version"))
        })
        .hand("port", |h| modify(h, |call| call.db_port_number(3307)))
        .hand("multi_az", |h| modify(h, |call| call.multi_az(true)))
        .hand("publicly_accessible", |h| {
            modify(h, |call| call.publicly_accessible(true))
        })
        .hand("backup_retention_days", |h| {
            modify(h, |call| call.backup_retention_period(3))
        })
        .hand("deletion_protection", |h| {
            modify(h, |call| call.deletion_protection(true))
        })
        .document("subnet_group", |h| write(h, "subnet_group", json!("other")))
        .hand("security_groups", |h| {
            Box::pin(async move {
                let call = h.aws.rds.modify_db_instance().apply_immediately(true);
                let call = call.db_instance_identifier(h.id(DB));
                let call = call.vpc_security_group_ids(h.id("cluster.security-group"));
                call.send().await.unwrap();
                h.wait(7200).await;
            })
        })
        .hand("tags", |h| Box::pin(tag_rds(h, DB, "groundwork:owner")))
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.rds.delete_db_instance().skip_final_snapshot(true);
                let call = call.db_instance_identifier(h.id(DB));
                call.send().await.unwrap();
                h.wait(7200).await;
            })
        })
}

fn cache_subnet_group() -> Rows {
    Rows::of("cache.subnet-group", CACHE_GROUP)
        .file("name", |environment| {
            let cache = environment.caches.get_mut("microservices").unwrap();
            "other".clone_into(&mut cache.subnet_group);
        })
        .hand("description", |h| {
            Box::pin(async move {
                let call = h.aws.elasticache.modify_cache_subnet_group();
                let call = call.cache_subnet_group_name(h.id(CACHE_GROUP));
                let call = call.cache_subnet_group_description("somebody's");
                call.send().await.unwrap();
            })
        })
        .hand("subnets", |h| {
            Box::pin(async move {
                let call = h.aws.elasticache.modify_cache_subnet_group();
                let call = call.cache_subnet_group_name(h.id(CACHE_GROUP));
                call.set_subnet_ids(all_subnets(h)).send().await.unwrap();
            })
        })
        .hand("tags", |h| Box::pin(tag_cache(h, CACHE_GROUP)))
        .undeletable("CacheSubnetGroupInUse", |h| {
            Box::pin(async move {
                let call = h.aws.elasticache.delete_cache_subnet_group();
                let call = call.cache_subnet_group_name(h.id(CACHE_GROUP));
                refusal(call.send().await)
            })
        })
}

type Regroup = aws_sdk_elasticache::operation::modify_replication_group::builders::ModifyReplicationGroupFluentBuilder;

/// Somebody modifies the cache, at once.
fn regroup<'h>(hands: &'h Hands, change: fn(Regroup, &Hands) -> Regroup) -> BoxFuture<'h, ()> {
    Box::pin(async move {
        let call = hands.aws.elasticache.modify_replication_group();
        let call = call.apply_immediately(true);
        let call = call.replication_group_id(hands.id(CACHE));
        change(call, hands).send().await.unwrap();
        hands.wait(7200).await;
    })
}

/// Writes a setting of the cache and of its one node into the world's document.
fn set(hands: &Hands, name: &str, value: &Value) {
    let id = hands.id(CACHE);
    let group = format!("elasticache/groups/{id}/settings/{name}");
    let node = format!("elasticache/clusters/{id}-001/settings/{name}");
    let both = [group, node].map(|member| (region(&member), value.clone()));
    hands.edit(&both);
}

fn cache() -> Rows {
    Rows::of("cache.replication-group", CACHE)
        .file("name", |environment| {
            let cache = environment.caches.get_mut("microservices").unwrap();
            "other".clone_into(&mut cache.name);
        })
        .hand("description", |h| {
            regroup(h, |call, _| {
                call.replication_group_description("somebody's")
            })
        })
        .document("engine", |h| set(h, "engine", &json!("valkey")))
        // ElastiCache goes up only.
        .document("version", |h| set(h, "version", &json!("6.2.6")))
        .hand("node_type", |h| {
            regroup(h, |call, _| call.cache_node_type("cache.m4.xlarge"))
        })
        .hand("nodes", |h| {
            Box::pin(async move {
                let call = h.aws.elasticache.increase_replica_count();
                let call = call.replication_group_id(h.id(CACHE)).new_replica_count(1);
                call.apply_immediately(true).send().await.unwrap();
                h.wait(7200).await;
            })
        })
        // With one node there is nothing to fail over to, and ElastiCache refuses.
        .document("automatic_failover", |h| {
            let member = format!("elasticache/groups/{}/failover", h.id(CACHE));
            h.edit(&[(region(&member), json!(true))]);
        })
        .document("multi_az", |h| {
            let member = format!("elasticache/groups/{}/multi_az", h.id(CACHE));
            h.edit(&[(region(&member), json!(true))]);
        })
        .document("encryption_at_rest", |h| {
            set(h, "at_rest_encryption", &json!(true));
        })
        .document("encryption_in_transit", |h| {
            set(h, "transit_encryption", &json!(true));
        })
        .document("port", |h| set(h, "port", &json!(6380)))
        .document("subnet_group", |h| set(h, "subnet_group", &json!("other")))
        .hand("security_groups", |h| {
            regroup(h, |call, h| {
                call.security_group_ids(h.id("cluster.security-group"))
            })
        })
        .hand("tags", |h| Box::pin(tag_cache(h, CACHE)))
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.elasticache.delete_replication_group();
                let call = call.replication_group_id(h.id(CACHE));
                call.retain_primary_cluster(false).send().await.unwrap();
                h.wait(7200).await;
            })
        })
}
