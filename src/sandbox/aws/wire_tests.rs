//! The official SDK, with its own waiters, reads what EKS, RDS, ElastiCache and CloudWatch Logs answer.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_eks::client::Waiters as _;
use aws_sdk_eks::types::{
    AuthenticationMode, ClusterStatus, LogSetup, LogType, Logging, NodegroupScalingConfig,
    NodegroupStatus, Taint, TaintEffect, UpdateAccessConfigRequest, UpdateLabelsPayload,
    UpdateStatus, UpdateTaintsPayload, VersionStatus, VpcConfigRequest,
};
use aws_sdk_elasticache::client::Waiters as _;
use aws_sdk_rds::client::Waiters as _;
use aws_sdk_rds::error::ProvideErrorMetadata;

use super::testing::REGION;
use crate::sandbox::Sandbox;
use crate::sandbox::time::ClockSource;

const HOUR: Duration = Duration::from_secs(3600);

/// A sandbox with a network: its SDK configuration, two subnets in two zones, and a security group.
struct Account {
    config: SdkConfig,
    subnets: Vec<String>,
    group: String,
    _folder: tempfile::TempDir,
}

async fn account() -> Account {
    let folder = tempfile::tempdir().expect("a folder");
    let sandbox = Sandbox::open(folder.path(), ClockSource::Virtual);
    let credentials = Credentials::new("AKIDSANDBOX", "secret", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(sandbox.aws_http_client())
        .build();
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let vpc = ec2.create_vpc().cidr_block("10.10.0.0/16").send().await;
    let vpc = vpc.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id);
    let vpc = vpc.expect("its id");
    let gateway = ec2
        .create_internet_gateway()
        .send()
        .await
        .expect("a gateway");
    let gateway = gateway
        .internet_gateway
        .and_then(|made| made.internet_gateway_id);
    let gateway = gateway.expect("its id");
    let attached = ec2.attach_internet_gateway().vpc_id(&vpc);
    let attached = attached.internet_gateway_id(&gateway).send().await;
    attached.expect("it is attached");
    let tables = ec2.describe_route_tables().send().await.expect("tables");
    let main = tables.route_tables()[0].route_table_id().expect("its id");
    let out = ec2.create_route().route_table_id(main).gateway_id(gateway);
    let out = out.destination_cidr_block("0.0.0.0/0").send().await;
    out.expect("a way out");
    let mut subnets = Vec::new();
    for (block, zone) in [("10.10.0.0/24", "a"), ("10.10.1.0/24", "b")] {
        let subnet = ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block(block)
            .availability_zone(format!("{REGION}{zone}"));
        let subnet = subnet.send().await.expect("a subnet").subnet;
        subnets.extend(subnet.and_then(|subnet| subnet.subnet_id));
    }
    let group = ec2
        .create_security_group()
        .vpc_id(&vpc)
        .group_name("data")
        .description("data");
    let group = group.send().await.expect("a group").group_id;
    Account {
        config,
        subnets,
        group: group.expect("its id"),
        _folder: folder,
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_lives_and_dies_before_the_sdk() {
    let account = account().await;
    let rds = aws_sdk_rds::Client::new(&account.config);
    let tag = aws_sdk_rds::types::Tag::builder()
        .key("groundwork:environment")
        .value("staging")
        .build();
    rds.create_db_subnet_group()
        .db_subnet_group_name("data")
        .db_subnet_group_description("d")
        .set_subnet_ids(Some(account.subnets.clone()))
        .tags(tag.clone())
        .send()
        .await
        .expect("a subnet group");
    let created = rds
        .create_db_instance()
        .db_instance_identifier("flights")
        .db_instance_class("db.t3.micro")
        .engine("mysql")
        .engine_version("8.0")
        .allocated_storage(20)
        .master_username("microservices")
        .master_user_password("correct-horse")
        .db_subnet_group_name("data")
        .vpc_security_group_ids(&account.group)
        .tags(tag)
        .send()
        .await
        .expect("an instance")
        .db_instance
        .expect("it is answered");
    assert_eq!(created.db_instance_status(), Some("creating"));
    rds.wait_until_db_instance_available()
        .db_instance_identifier("flights")
        .wait(HOUR)
        .await
        .expect("it becomes available");
    let all = rds.describe_db_instances().send().await.expect("a list");
    let [instance] = all.db_instances() else {
        panic!("one instance is expected: {all:?}");
    };
    let endpoint = instance.endpoint().expect("an endpoint");
    assert_eq!(endpoint.port(), Some(3306));
    assert_eq!(instance.tag_list()[0].key(), Some("groundwork:environment"));
    let groups = instance.vpc_security_groups();
    assert_eq!(
        groups[0].vpc_security_group_id(),
        Some(account.group.as_str())
    );
    let subnet_group = instance.db_subnet_group().expect("a subnet group");
    assert_eq!(subnet_group.subnets().len(), 2);
    assert!(
        instance.db_parameter_groups()[0]
            .db_parameter_group_name()
            .is_some()
    );
    assert!(instance.instance_create_time().is_some());

    let modified = rds
        .modify_db_instance()
        .db_instance_identifier("flights")
        .allocated_storage(30)
        .apply_immediately(true)
        .send()
        .await
        .expect("it is modified")
        .db_instance
        .expect("it is answered");
    let pending = modified.pending_modified_values().expect("pending values");
    assert_eq!(pending.allocated_storage(), Some(30));
    let busy = rds
        .modify_db_instance()
        .db_instance_identifier("flights")
        .multi_az(true)
        .send()
        .await
        .expect_err("it is busy");
    assert_eq!(busy.code(), Some("InvalidDBInstanceState"));
    rds.wait_until_db_instance_available()
        .db_instance_identifier("flights")
        .wait(HOUR)
        .await
        .expect("it becomes available again");

    rds.delete_db_instance()
        .db_instance_identifier("flights")
        .final_db_snapshot_identifier("last")
        .send()
        .await
        .expect("it is deleted");
    rds.wait_until_db_instance_deleted()
        .db_instance_identifier("flights")
        .wait(HOUR)
        .await
        .expect("it goes");
    let kept = rds.describe_db_snapshots().send().await.expect("a list");
    assert_eq!(kept.db_snapshots()[0].status(), Some("available"));
    let versions = rds.describe_db_engine_versions().engine("postgres");
    let versions = versions.send().await.expect("versions");
    assert!(
        !versions.db_engine_versions()[0]
            .valid_upgrade_target()
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_cache_lives_and_dies_before_the_sdk() {
    let account = account().await;
    let cache = aws_sdk_elasticache::Client::new(&account.config);
    cache
        .create_cache_subnet_group()
        .cache_subnet_group_name("data")
        .cache_subnet_group_description("d")
        .set_subnet_ids(Some(account.subnets.clone()))
        .send()
        .await
        .expect("a subnet group");
    cache
        .create_replication_group()
        .replication_group_id("Reservations")
        .replication_group_description("d")
        .engine("redis")
        .engine_version("7.1")
        .cache_node_type("cache.t4g.micro")
        .num_cache_clusters(2)
        .automatic_failover_enabled(true)
        .cache_subnet_group_name("data")
        .security_group_ids(&account.group)
        .tags(
            aws_sdk_elasticache::types::Tag::builder()
                .key("a")
                .value("1")
                .build(),
        )
        .send()
        .await
        .expect("a group");
    cache
        .wait_until_replication_group_available()
        .replication_group_id("reservations")
        .wait(HOUR)
        .await
        .expect("it becomes available");
    let groups = cache.describe_replication_groups().send().await;
    let groups = groups.expect("a list");
    let group = &groups.replication_groups()[0];
    assert_eq!(group.member_clusters().len(), 2);
    let shard = &group.node_groups()[0];
    assert_eq!(shard.node_group_members().len(), 2);
    let endpoint = shard.primary_endpoint().expect("an endpoint");
    assert_eq!(endpoint.port(), Some(6379));
    let nodes = cache.describe_cache_clusters().show_cache_node_info(true);
    let nodes = nodes.send().await.expect("nodes");
    let node = &nodes.cache_clusters()[1];
    assert_eq!(
        node.security_groups()[0].security_group_id(),
        Some(account.group.as_str())
    );
    let parameters = node.cache_parameter_group().expect("a parameter group");
    assert_eq!(
        parameters.cache_parameter_group_name(),
        Some("default.redis7")
    );
    assert!(node.cache_nodes()[0].endpoint().is_some());
    let tags = cache.list_tags_for_resource();
    let tags = tags
        .resource_name(group.arn().expect("an ARN"))
        .send()
        .await;
    assert_eq!(tags.expect("tags").tag_list()[0].key(), Some("a"));
    cache
        .delete_replication_group()
        .replication_group_id("reservations")
        .send()
        .await
        .expect("it is deleted");
    cache
        .wait_until_replication_group_deleted()
        .replication_group_id("reservations")
        .wait(HOUR)
        .await
        .expect("it goes");
    let groups = cache.describe_cache_subnet_groups().send().await;
    let groups = groups.expect("subnet groups");
    assert_eq!(groups.cache_subnet_groups()[0].subnets().len(), 2);
}

async fn role(config: &SdkConfig, name: &str, service: &str, policies: &[&str]) -> String {
    let iam = aws_sdk_iam::Client::new(config);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"Service":"{service}"}}}}]}}"#
    );
    let role = iam
        .create_role()
        .role_name(name)
        .assume_role_policy_document(trust);
    let role = role
        .send()
        .await
        .expect("a role")
        .role
        .expect("it is answered");
    for policy in policies {
        iam.attach_role_policy()
            .role_name(name)
            .policy_arn(format!("arn:aws:iam::aws:policy/{policy}"))
            .send()
            .await
            .expect("an attached policy");
    }
    role.arn
}

#[tokio::test(start_paused = true)]
async fn a_cluster_lives_and_dies_before_the_sdk() {
    let account = account().await;
    let eks = aws_sdk_eks::Client::new(&account.config);
    let control = role(&account.config, "control", "eks.amazonaws.com", &[]).await;
    let policies = [
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEKS_CNI_Policy",
    ];
    let worker = role(&account.config, "worker", "ec2.amazonaws.com", &policies).await;
    let versions = eks
        .describe_cluster_versions()
        .cluster_versions("1.33")
        .cluster_versions("1.35");
    let versions = versions.send().await.expect("versions");
    assert_eq!(versions.cluster_versions().len(), 2);
    let newest = &versions.cluster_versions()[0];
    assert_eq!(
        newest.version_status(),
        Some(&VersionStatus::StandardSupport)
    );
    assert!(newest.default_version() && newest.release_date().is_some());

    let logging = LogSetup::builder()
        .types(LogType::Api)
        .enabled(true)
        .build();
    eks.create_cluster()
        .name("main")
        .role_arn(control)
        .resources_vpc_config(
            VpcConfigRequest::builder()
                .set_subnet_ids(Some(account.subnets.clone()))
                .security_group_ids(&account.group)
                .build(),
        )
        .logging(Logging::builder().cluster_logging(logging).build())
        .tags("a", "1")
        .send()
        .await
        .expect("a cluster");
    eks.wait_until_cluster_active()
        .name("main")
        .wait(HOUR)
        .await
        .expect("it becomes active");
    let cluster = eks
        .describe_cluster()
        .name("main")
        .send()
        .await
        .expect("a cluster");
    let cluster = cluster.cluster.expect("it is answered");
    assert_eq!(cluster.status(), Some(&ClusterStatus::Active));
    let network = cluster.resources_vpc_config().expect("a network");
    assert!(network.cluster_security_group_id().is_some());
    assert!(network.endpoint_public_access());
    let oidc = cluster.identity().and_then(|identity| identity.oidc());
    assert!(oidc.and_then(|oidc| oidc.issuer()).is_some());
    assert!(
        cluster
            .certificate_authority()
            .and_then(|ca| ca.data())
            .is_some()
    );
    assert!(cluster.created_at().is_some());
    let logs = aws_sdk_cloudwatchlogs::Client::new(&account.config);
    let groups = logs
        .describe_log_groups()
        .log_group_name_prefix("/aws/eks/");
    let groups = groups.send().await.expect("log groups");
    assert_eq!(
        groups.log_groups()[0].log_group_name(),
        Some("/aws/eks/main/cluster")
    );

    let update = eks
        .update_cluster_config()
        .name("main")
        .access_config(
            UpdateAccessConfigRequest::builder()
                .authentication_mode(AuthenticationMode::ApiAndConfigMap)
                .build(),
        )
        .send()
        .await
        .expect("an update")
        .update
        .expect("it is answered");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let found = eks
        .describe_update()
        .name("main")
        .update_id(update.id().expect("an id"));
    let found = found
        .send()
        .await
        .expect("the update")
        .update
        .expect("it is answered");
    assert_eq!(found.status(), Some(&UpdateStatus::Successful));

    eks.create_nodegroup()
        .cluster_name("main")
        .nodegroup_name("default")
        .node_role(worker)
        .set_subnets(Some(account.subnets.clone()))
        .instance_types("t3.medium")
        .scaling_config(
            NodegroupScalingConfig::builder()
                .min_size(1)
                .max_size(5)
                .desired_size(2)
                .build(),
        )
        .send()
        .await
        .expect("a node group");
    eks.wait_until_nodegroup_active()
        .cluster_name("main")
        .nodegroup_name("default")
        .wait(HOUR)
        .await
        .expect("it becomes active");
    let taint = Taint::builder()
        .key("k")
        .value("v")
        .effect(TaintEffect::NoSchedule)
        .build();
    let update = eks
        .update_nodegroup_config()
        .cluster_name("main")
        .nodegroup_name("default")
        .labels(
            UpdateLabelsPayload::builder()
                .add_or_update_labels("tier", "web")
                .build(),
        )
        .taints(
            UpdateTaintsPayload::builder()
                .add_or_update_taints(taint)
                .build(),
        )
        .send()
        .await
        .expect("an update")
        .update
        .expect("it is answered");
    let found = eks
        .describe_update()
        .name("main")
        .nodegroup_name("default")
        .update_id(update.id().expect("an id"))
        .send()
        .await;
    assert!(found.is_ok());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let group = eks
        .describe_nodegroup()
        .cluster_name("main")
        .nodegroup_name("default");
    let group = group
        .send()
        .await
        .expect("a group")
        .nodegroup
        .expect("it is answered");
    assert_eq!(group.status(), Some(&NodegroupStatus::Active));
    assert_eq!(group.taints().len(), 1);
    assert_eq!(group.labels().expect("labels")["tier"], "web");
    assert_eq!(group.disk_size(), Some(20));

    let refused = eks
        .delete_cluster()
        .name("main")
        .send()
        .await
        .expect_err("it has nodes");
    assert!(refused.into_service_error().is_resource_in_use_exception());
    eks.delete_nodegroup()
        .cluster_name("main")
        .nodegroup_name("default")
        .send()
        .await
        .expect("it is deleted");
    eks.wait_until_nodegroup_deleted()
        .cluster_name("main")
        .nodegroup_name("default")
        .wait(HOUR)
        .await
        .expect("it goes");
    eks.delete_cluster()
        .name("main")
        .send()
        .await
        .expect("it is deleted");
    eks.wait_until_cluster_deleted()
        .name("main")
        .wait(HOUR)
        .await
        .expect("it goes");
}
