//! Rows of the section `cluster`: roles, control plane and node groups.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_eks::types::{
    AccessScope, AccessScopeType, LogSetup, LogType, Logging, NodegroupScalingConfig, Taint,
    TaintEffect, UpdateLabelsPayload, UpdateTaintsPayload, VpcConfigRequest,
};
use aws_sdk_iam::types::Tag;
use futures::future::BoxFuture;
use groundwork::environment::Environment;
use groundwork::environment::model::{AutoMode, NodePool};
use serde_json::{Value, json};

use super::Rows;
use crate::hands::{Hands, region};

const ROLE: &str = "cluster.role.worker";
const CONTROL_PLANE: &str = "cluster.control-plane";
const NODES: &str = "cluster.node-group.microservices";
const PROVIDER: &str = "cluster.oidc-provider";

const CLUSTER_NAME: &str = "ms-cluster-staging";
const NODES_NAME: &str = "microservices";

pub fn rows() -> Vec<Rows> {
    vec![
        role(),
        log_group(),
        control_plane(),
        access_entry(),
        pod_identity(),
        oidc_provider(),
        pinned_addon(),
        addon(),
        node_group(),
    ]
}

fn role() -> Rows {
    Rows::of("iam.role", ROLE)
        .file("name", |environment| {
            let cluster = environment.cluster.as_mut().unwrap();
            "other-worker".clone_into(&mut cluster.worker_role);
        })
        .hand("trust", |h| {
            Box::pin(async move {
                let call = h.aws.iam.update_assume_role_policy();
                let trust = json!({
                    "Version": "2012-10-17",
                    "Statement": [{
                        "Effect": "Allow",
                        "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]},
                        "Action": "sts:AssumeRole",
                    }],
                });
                let call = call.role_name(h.id(ROLE));
                call.policy_document(trust.to_string())
                    .send()
                    .await
                    .unwrap();
            })
        })
        .hand("policies", |h| {
            Box::pin(async move {
                let call = h.aws.iam.attach_role_policy().role_name(h.id(ROLE));
                let call = call.policy_arn("arn:aws:iam::aws:policy/AmazonRDSFullAccess");
                call.send().await.unwrap();
            })
        })
        .hand("inline", |h| {
            Box::pin(async move {
                let call = h.aws.iam.put_role_policy().role_name(h.id(ROLE));
                let document = crate::bench::document("s3:*").to_string();
                let call = call.policy_name("back-door").policy_document(document);
                call.send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let tag = Tag::builder().key("groundwork:owner").value("mallory");
                let call = h.aws.iam.tag_role().role_name(h.id(ROLE));
                call.tags(tag.build().unwrap()).send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let (iam, name) = (&h.aws.iam, h.id(ROLE));
                let call = iam.list_attached_role_policies().role_name(name);
                for policy in call.send().await.unwrap().attached_policies() {
                    let call = iam.detach_role_policy().role_name(name);
                    let call = call.policy_arn(policy.policy_arn().unwrap());
                    call.send().await.unwrap();
                }
                iam.delete_role().role_name(name).send().await.unwrap();
            })
        })
}

fn tags() -> Option<HashMap<String, String>> {
    let tag = ("groundwork:owner".to_owned(), "mallory".to_owned());
    Some(HashMap::from([tag]))
}

fn retag<'h>(hands: &'h Hands, address: &'static str) -> BoxFuture<'h, ()> {
    Box::pin(async move {
        let call = hands.aws.eks.tag_resource().set_tags(tags());
        let call = call.resource_arn(hands.output(address, "arn"));
        call.send().await.unwrap();
    })
}

/// A member of the cluster in the world's document.
fn member(name: &str) -> String {
    region(&format!("eks/clusters/{CLUSTER_NAME}/{name}"))
}

/// Somebody changes where the API can be reached, or what the control plane stands in.
async fn reconfigure(
    hands: &Hands,
    change: fn(
        aws_sdk_eks::types::builders::VpcConfigRequestBuilder,
        &Hands,
    ) -> aws_sdk_eks::types::builders::VpcConfigRequestBuilder,
) {
    let call = hands.aws.eks.update_cluster_config().name(CLUSTER_NAME);
    let config = change(VpcConfigRequest::builder(), hands).build();
    call.resources_vpc_config(config).send().await.unwrap();
    hands.wait(1200).await;
}

fn control_plane() -> Rows {
    Rows::of("cluster.control-plane", CONTROL_PLANE)
        .file("name", |environment| {
            let cluster = environment.cluster.as_mut().unwrap();
            "other".clone_into(&mut cluster.name);
        })
        .one_way("version", "never goes back", |h| {
            Box::pin(async move {
                let call = h.aws.eks.update_cluster_version().name(CLUSTER_NAME);
                call.version("1.35").send().await.unwrap();
                h.wait(3600).await;
            })
        })
        .document("role", |h| {
            let other = json!("arn:aws:iam::123456789012:role/other");
            h.edit(&[(member("role_arn"), other)]);
        })
        .hand("subnets", |h| {
            Box::pin(reconfigure(h, |config, h| {
                config
                    .subnet_ids(h.id("network.subnet.private-a"))
                    .subnet_ids(h.id("network.subnet.private-b"))
            }))
        })
        .hand("security_groups", |h| {
            Box::pin(reconfigure(h, |config, h| {
                config
                    .security_group_ids(h.id("cluster.security-group"))
                    .security_group_ids(h.id("database.microservices.security-group"))
            }))
        })
        .hand("public_endpoint", |h| {
            Box::pin(reconfigure(h, |config, _| {
                config
                    .endpoint_public_access(false)
                    .endpoint_private_access(true)
            }))
        })
        .hand("private_endpoint", |h| {
            Box::pin(reconfigure(h, |config, _| {
                config
                    .endpoint_public_access(true)
                    .endpoint_private_access(false)
            }))
        })
        .hand("public_access_cidrs", |h| {
            Box::pin(reconfigure(h, |config, _| {
                config.public_access_cidrs("203.0.113.0/24")
            }))
        })
        .hand("logging", |h| {
            Box::pin(async move {
                let setup = LogSetup::builder().types(LogType::Audit).enabled(true);
                let logging = Logging::builder().cluster_logging(setup.build());
                let call = h.aws.eks.update_cluster_config().name(CLUSTER_NAME);
                call.logging(logging.build()).send().await.unwrap();
                h.wait(1200).await;
            })
        })
        // EKS goes only from the config map to access entries, which is where we are.
        .document("authentication_mode", |h| {
            h.edit(&[(member("authentication"), json!("API_AND_CONFIG_MAP"))]);
        })
        .document("auto_mode", |h| {
            h.edit(&[(member("auto"), json!({"pools": [], "node_role": null}))]);
        })
        .file("node_pools", switch_on)
        .file("node_role", switch_on)
        .hand("tags", |h| retag(h, CONTROL_PLANE))
        .deleted(|h| {
            Box::pin(async move {
                delete_nodes(h).await;
                let call = h.aws.eks.delete_cluster().name(CLUSTER_NAME);
                call.send().await.unwrap();
                h.wait(1800).await;
            })
        })
}

/// Why a part of a cluster is never in another.
const NEW_CLUSTER: &str = "another cluster begins without the parts of the one before";

const ACCESS: &str = "cluster.access.ops";
const PRINCIPAL: &str = "arn:aws:iam::123456789012:user/ops-account";

fn access_entry() -> Rows {
    Rows::of("cluster.access-entry", ACCESS)
        .nobody("cluster", NEW_CLUSTER)
        .file("principal", |environment| {
            let cluster = environment.cluster.as_mut().unwrap();
            let access = cluster.access.get_mut("ops").unwrap();
            "role/ms-cluster-staging-control".clone_into(&mut access.principal);
        })
        .hand("policies", |h| {
            Box::pin(async move {
                let scope = AccessScope::builder().r#type(AccessScopeType::Cluster);
                let call = h.aws.eks.associate_access_policy();
                let call = call.cluster_name(CLUSTER_NAME).principal_arn(PRINCIPAL);
                let admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
                let call = call.policy_arn(admin).access_scope(scope.build());
                call.send().await.unwrap();
            })
        })
        .hand("groups", |h| {
            Box::pin(async move {
                let call = h.aws.eks.update_access_entry();
                let call = call.cluster_name(CLUSTER_NAME).principal_arn(PRINCIPAL);
                call.kubernetes_groups("admins").send().await.unwrap();
            })
        })
        .hand("tags", |h| retag(h, ACCESS))
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.eks.delete_access_entry();
                let call = call.cluster_name(CLUSTER_NAME).principal_arn(PRINCIPAL);
                call.send().await.unwrap();
            })
        })
}

const LOGS: &str = "cluster.log-group";

fn log_group() -> Rows {
    Rows::of("cluster.log-group", LOGS)
        .file("name", |environment| {
            let cluster = environment.cluster.as_mut().unwrap();
            "other".clone_into(&mut cluster.name);
        })
        .hand("retention_days", |h| {
            Box::pin(async move {
                let call = h.aws.logs.delete_retention_policy();
                call.log_group_name(h.id(LOGS)).send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let call = h.aws.logs.tag_resource().set_tags(tags());
                let call = call.resource_arn(h.output(LOGS, "arn"));
                call.send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.logs.delete_log_group();
                call.log_group_name(h.id(LOGS)).send().await.unwrap();
            })
        })
}

const IDENTITY: &str = "cluster.identity.uploader";

/// Writes a member of the one association into the world's document.
fn write_association(hands: &Hands, name: &str, value: Value) {
    let id = hands.output(IDENTITY, "id");
    hands.edit(&[(member(&format!("associations/{id}/{name}")), value)]);
}

fn pod_identity() -> Rows {
    Rows::of("cluster.pod-identity", IDENTITY)
        .nobody("cluster", NEW_CLUSTER)
        .document("namespace", |h| {
            write_association(h, "namespace", json!("other"))
        })
        .document("service_account", |h| {
            write_association(h, "service_account", json!("other"));
        })
        .document("role", |h| {
            let other = json!("arn:aws:iam::123456789012:role/other");
            write_association(h, "role_arn", other);
        })
        .hand("tags", |h| retag(h, IDENTITY))
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.eks.delete_pod_identity_association();
                let call = call.cluster_name(CLUSTER_NAME);
                let call = call.association_id(h.output(IDENTITY, "id"));
                call.send().await.unwrap();
            })
        })
}

const AGENT: &str = "cluster.addon.eks-pod-identity-agent";
const PROXY: &str = "cluster.addon.kube-proxy";

async fn update_addon(
    hands: &Hands,
    name: &str,
    version: Option<&str>,
    configuration: Option<&str>,
) {
    let call = hands.aws.eks.update_addon().cluster_name(CLUSTER_NAME);
    let call = call
        .addon_name(name)
        .set_addon_version(version.map(str::to_owned));
    let call = call.set_configuration_values(configuration.map(str::to_owned));
    call.send().await.unwrap();
    hands.wait(600).await;
}

fn pinned_addon() -> Rows {
    Rows::of("cluster.addon", AGENT).hand("version", |h| {
        let older = Some("v1.3.8-eksbuild.2");
        Box::pin(update_addon(h, "eks-pod-identity-agent", older, None))
    })
}

fn addon() -> Rows {
    Rows::of("cluster.addon", PROXY)
        .nobody("cluster", NEW_CLUSTER)
        .hand("kubernetes", |h| {
            Box::pin(async move {
                let tag = ("groundwork:kubernetes".to_owned(), "1.33".to_owned());
                let call = h.aws.eks.tag_resource();
                let call = call.set_tags(Some(HashMap::from([tag])));
                let call = call.resource_arn(h.output(PROXY, "arn"));
                call.send().await.unwrap();
            })
        })
        .hand("configuration", |h| {
            let other = Some(r#"{"mode": "ipvs"}"#);
            Box::pin(update_addon(h, "kube-proxy", None, other))
        })
        .hand("tags", |h| retag(h, PROXY))
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.eks.delete_addon().cluster_name(CLUSTER_NAME);
                call.addon_name("kube-proxy").send().await.unwrap();
                h.wait(600).await;
            })
        })
}

fn switch_on(environment: &mut Environment) {
    let cluster = environment.cluster.as_mut().unwrap();
    cluster.auto_mode = Some(AutoMode {
        node_pools: BTreeSet::from([NodePool::System]),
        node_role: "ms-cluster-staging-auto".to_owned(),
    });
}

async fn delete_nodes(hands: &Hands) {
    let call = hands.aws.eks.delete_nodegroup().cluster_name(CLUSTER_NAME);
    call.nodegroup_name(NODES_NAME).send().await.unwrap();
    hands.wait(1800).await;
}

/// Writes a member of the node group into the world's document.
fn write(hands: &Hands, name: &str, value: Value) {
    hands.edit(&[(member(&format!("nodegroups/{NODES_NAME}/{name}")), value)]);
}

async fn scale(hands: &Hands, min: i32, desired: i32, max: i32) {
    let sizes = NodegroupScalingConfig::builder().min_size(min);
    let sizes = sizes.desired_size(desired).max_size(max).build();
    let call = hands.aws.eks.update_nodegroup_config();
    let call = call.cluster_name(CLUSTER_NAME).nodegroup_name(NODES_NAME);
    call.scaling_config(sizes).send().await.unwrap();
    hands.wait(1200).await;
}

fn oidc_provider() -> Rows {
    Rows::of("cluster.oidc-provider", PROVIDER)
        .nobody("issuer", NEW_CLUSTER)
        .hand("audiences", |h| {
            Box::pin(async move {
                let call = h.aws.iam.add_client_id_to_open_id_connect_provider();
                let call = call.open_id_connect_provider_arn(h.id(PROVIDER));
                call.client_id("mallory").send().await.unwrap();
            })
        })
        .hand("tags", |h| {
            Box::pin(async move {
                let tag = Tag::builder().key("groundwork:owner").value("mallory");
                let call = h.aws.iam.tag_open_id_connect_provider();
                let call = call.open_id_connect_provider_arn(h.id(PROVIDER));
                call.tags(tag.build().unwrap()).send().await.unwrap();
            })
        })
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.iam.delete_open_id_connect_provider();
                let call = call.open_id_connect_provider_arn(h.id(PROVIDER));
                call.send().await.unwrap();
            })
        })
}

fn node_group() -> Rows {
    Rows::of("cluster.node-group", NODES)
        .file("name", |environment| {
            let cluster = environment.cluster.as_mut().unwrap();
            let nodes = cluster.node_groups.get_mut("microservices").unwrap();
            "other".clone_into(&mut nodes.name);
        })
        .file("cluster", |environment| {
            let cluster = environment.cluster.as_mut().unwrap();
            "other".clone_into(&mut cluster.name);
        })
        .document("role", |h| {
            write(h, "role_arn", json!("arn:aws:iam::123456789012:role/other"));
        })
        .document("subnets", |h| {
            let only = json!([h.id("network.subnet.private-a")]);
            write(h, "subnets", only);
        })
        .document("instance_types", |h| {
            write(h, "instance_types", json!(["t3.large"]));
        })
        .document("disk_gib", |h| write(h, "disk_gib", json!(50)))
        .document("ami_type", |h| {
            write(h, "ami_type", json!("BOTTLEROCKET_x86_64"));
        })
        .document("capacity", |h| write(h, "capacity", json!("SPOT")))
        .hand("min", |h| Box::pin(scale(h, 0, 1, 5)))
        .hand("desired", |h| Box::pin(scale(h, 1, 3, 5)))
        .hand("max", |h| Box::pin(scale(h, 1, 1, 9)))
        .hand("labels", |h| {
            Box::pin(async move {
                let labels = UpdateLabelsPayload::builder().add_or_update_labels("team", "mallory");
                let call = h.aws.eks.update_nodegroup_config();
                let call = call.cluster_name(CLUSTER_NAME).nodegroup_name(NODES_NAME);
                call.labels(labels.build()).send().await.unwrap();
                h.wait(1200).await;
            })
        })
        .hand("taints", |h| {
            Box::pin(async move {
                let taint = Taint::builder().key("team").value("mallory");
                let taint = taint.effect(TaintEffect::PreferNoSchedule).build();
                let taints = UpdateTaintsPayload::builder().add_or_update_taints(taint);
                let call = h.aws.eks.update_nodegroup_config();
                let call = call.cluster_name(CLUSTER_NAME).nodegroup_name(NODES_NAME);
                call.taints(taints.build()).send().await.unwrap();
                h.wait(1200).await;
            })
        })
        // Nodes go no more back than their control plane does: these were left behind by an upgrade.
        .document("version", |h| write(h, "version", json!("1.33")))
        .hand("tags", |h| retag(h, NODES))
        .deleted(|h| Box::pin(delete_nodes(h)))
}
