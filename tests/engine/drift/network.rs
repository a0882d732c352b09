//! Rows of the section `network` and of all security groups.

use aws_sdk_ec2::types::{AttributeBooleanValue, IpPermission, Tag, UserIdGroupPair};
use futures::future::BoxFuture;
use serde_json::json;

use super::Rows;
use crate::hands::{Hands, refusal};

/// Somebody writes another owner into the tags.
fn retag<'h>(hands: &'h Hands, address: &'static str) -> BoxFuture<'h, ()> {
    Box::pin(async move {
        let tag = Tag::builder().key("groundwork:owner").value("mallory");
        let call = hands.aws.ec2.create_tags().resources(hands.id(address));
        call.tags(tag.build()).send().await.unwrap();
    })
}

fn switch(on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(on).build()
}

const VPC: &str = "network.vpc";
const SUBNET: &str = "network.subnet.private-a";
const GATEWAY: &str = "network.internet-gateway";
const ADDRESS: &str = "network.address.a";
const NAT: &str = "network.nat-gateway.a";
const TABLE: &str = "network.route-table.private-a";
const GROUP: &str = "database.microservices.security-group";
const RULE: &str = "database.microservices.access";

pub fn rows() -> Vec<Rows> {
    vec![
        vpc(),
        subnet(),
        internet_gateway(),
        elastic_ip(),
        nat_gateway(),
        route_table(),
        security_group(),
        clusters_security_group(),
        rule(),
    ]
}

fn vpc() -> Rows {
    Rows::of("network.vpc", VPC)
        .document("cidr", |h| {
            h.edit(&[(h.ec2("vpcs", VPC) + "/cidr", json!("10.11.0.0/16"))]);
        })
        .hand("dns_support", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.modify_vpc_attribute().vpc_id(h.id(VPC));
                call.enable_dns_support(switch(false)).send().await.unwrap();
            })
        })
        .hand("dns_hostnames", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.modify_vpc_attribute().vpc_id(h.id(VPC));
                let call = call.enable_dns_hostnames(switch(false));
                call.send().await.unwrap();
            })
        })
        .hand("tags", |h| retag(h, VPC))
        .undeletable("DependencyViolation", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.delete_vpc().vpc_id(h.id(VPC));
                refusal(call.send().await)
            })
        })
}

fn subnet() -> Rows {
    Rows::of("network.subnet", SUBNET)
        .document("vpc", |h| {
            let other = json!("vpc-0123456789abcdef0");
            h.edit(&[(h.ec2("subnets", SUBNET) + "/vpc_id", other)]);
        })
        .document("cidr", |h| {
            h.edit(&[(h.ec2("subnets", SUBNET) + "/cidr", json!("10.10.250.0/24"))]);
        })
        .document("zone", |h| {
            h.edit(&[(h.ec2("subnets", SUBNET) + "/zone", json!("us-east-1c"))]);
        })
        .hand("map_public_ip", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.modify_subnet_attribute();
                let call = call.subnet_id(h.id(SUBNET));
                let call = call.map_public_ip_on_launch(switch(true));
                call.send().await.unwrap();
            })
        })
        .hand("tags", |h| retag(h, SUBNET))
        .undeletable("DependencyViolation", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.delete_subnet().subnet_id(h.id(SUBNET));
                refusal(call.send().await)
            })
        })
}

fn internet_gateway() -> Rows {
    Rows::of("network.internet-gateway", GATEWAY)
        // AWS refuses to detach it while public addresses are in use.
        .document("vpc", |h| {
            h.edit(&[(h.ec2("internet_gateways", GATEWAY) + "/vpc_id", json!(null))]);
        })
        .hand("tags", |h| retag(h, GATEWAY))
        .undeletable("DependencyViolation", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.delete_internet_gateway();
                let call = call.internet_gateway_id(h.id(GATEWAY));
                refusal(call.send().await)
            })
        })
}

fn elastic_ip() -> Rows {
    Rows::of("network.address", ADDRESS)
        .hand("tags", |h| retag(h, ADDRESS))
        .undeletable("InvalidIPAddress.InUse", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.release_address().allocation_id(h.id(ADDRESS));
                refusal(call.send().await)
            })
        })
}

fn nat_gateway() -> Rows {
    Rows::of("network.nat-gateway", NAT)
        .document("subnet", |h| {
            let other = json!(h.id("network.subnet.public-b"));
            h.edit(&[(h.ec2("nat_gateways", NAT) + "/subnet_id", other)]);
        })
        .document("allocation", |h| {
            let other = json!("eipalloc-0123456789abcdef0");
            h.edit(&[(h.ec2("nat_gateways", NAT) + "/allocation_id", other)]);
        })
        .hand("tags", |h| retag(h, NAT))
        .deleted(|h| {
            Box::pin(async move {
                let call = h.aws.ec2.delete_nat_gateway();
                call.nat_gateway_id(h.id(NAT)).send().await.unwrap();
                h.wait(300).await;
            })
        })
}

fn route_table() -> Rows {
    Rows::of("network.route-table", TABLE)
        .document("vpc", |h| {
            let other = json!("vpc-0123456789abcdef0");
            h.edit(&[(h.ec2("route_tables", TABLE) + "/vpc_id", other)]);
        })
        .hand("routes", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.create_route().route_table_id(h.id(TABLE));
                let call = call.destination_cidr_block("203.0.113.0/24");
                let call = call.nat_gateway_id(h.id(NAT));
                call.send().await.unwrap();
            })
        })
        .hand("subnets", |h| Box::pin(disassociate(h)))
        .hand("tags", |h| retag(h, TABLE))
        .deleted(|h| {
            Box::pin(async move {
                disassociate(h).await;
                let call = h.aws.ec2.delete_route_table();
                call.route_table_id(h.id(TABLE)).send().await.unwrap();
            })
        })
}

async fn disassociate(hands: &Hands) {
    let ec2 = &hands.aws.ec2;
    let call = ec2.describe_route_tables().route_table_ids(hands.id(TABLE));
    let found = call.send().await.unwrap();
    for association in found.route_tables()[0].associations() {
        let id = association.route_table_association_id().unwrap();
        let call = ec2.disassociate_route_table().association_id(id);
        call.send().await.unwrap();
    }
}

fn security_group() -> Rows {
    Rows::of("network.security-group", GROUP)
        .document("name", |h| {
            h.edit(&[(h.ec2("security_groups", GROUP) + "/name", json!("other"))]);
        })
        .document("description", |h| {
            let pointer = h.ec2("security_groups", GROUP) + "/description";
            h.edit(&[(pointer, json!("somebody's"))]);
        })
        .hand("ingress", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.authorize_security_group_ingress();
                let call = call.group_id(h.id(GROUP)).ip_protocol("tcp");
                let call = call.from_port(22).to_port(22).cidr_ip("0.0.0.0/0");
                call.send().await.unwrap();
            })
        })
        .hand("egress", |h| {
            Box::pin(async move {
                let everywhere = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0");
                let rule = IpPermission::builder().ip_protocol("-1");
                let rule = rule.ip_ranges(everywhere.build()).build();
                let call = h.aws.ec2.authorize_security_group_egress();
                let call = call.group_id(h.id(GROUP)).ip_permissions(rule);
                call.send().await.unwrap();
            })
        })
        .hand("tags", |h| retag(h, GROUP))
        .undeletable("DependencyViolation", |h| {
            Box::pin(async move {
                let call = h.aws.ec2.delete_security_group().group_id(h.id(GROUP));
                refusal(call.send().await)
            })
        })
}

fn clusters_security_group() -> Rows {
    const GROUP: &str = "cluster.security-group";
    // It has no rules that refer to groups in its own VPC.
    Rows::of("network.security-group", GROUP).document("vpc", |h| {
        let other = json!("vpc-0123456789abcdef0");
        h.edit(&[(h.ec2("security_groups", GROUP) + "/vpc_id", other)]);
    })
}

fn rule() -> Rows {
    Rows::of("network.security-group-rule", RULE)
        .hand("group", |h| {
            Box::pin(async move {
                let other = h.id("cache.microservices.security-group");
                instead(h, other, source(h), "tcp", (3306, 3306)).await;
            })
        })
        .hand("source", |h| {
            Box::pin(async move {
                let other = h.id("cluster.security-group");
                instead(h, h.id(GROUP), other, "tcp", (3306, 3306)).await;
            })
        })
        .hand("protocol", |h| {
            Box::pin(async move {
                instead(h, h.id(GROUP), source(h), "udp", (3306, 3306)).await;
            })
        })
        .hand("from", |h| {
            Box::pin(async move {
                instead(h, h.id(GROUP), source(h), "tcp", (3000, 3306)).await;
            })
        })
        .hand("to", |h| {
            Box::pin(async move {
                instead(h, h.id(GROUP), source(h), "tcp", (3306, 4000)).await;
            })
        })
        .deleted(|h| Box::pin(async move { revoke(h).await }))
}

/// The group that EKS made for the cluster.
fn source(hands: &Hands) -> &str {
    hands.output("cluster.control-plane", "cluster_security_group")
}

fn permission(source: &str, protocol: &str, (from, to): (i32, i32)) -> IpPermission {
    let pair = UserIdGroupPair::builder().group_id(source);
    let pair = pair.description(format!("groundwork: {RULE}"));
    let permission = IpPermission::builder().ip_protocol(protocol);
    let permission = permission.from_port(from).to_port(to);
    permission.user_id_group_pairs(pair.build()).build()
}

async fn revoke(hands: &Hands) {
    let call = hands.aws.ec2.revoke_security_group_ingress();
    let call = call.group_id(hands.id(GROUP));
    let ours = permission(source(hands), "tcp", (3306, 3306));
    call.ip_permissions(ours).send().await.unwrap();
}

/// Puts another rule in the place of ours, with our description.
async fn instead(hands: &Hands, group: &str, source: &str, protocol: &str, ports: (i32, i32)) {
    revoke(hands).await;
    let call = hands.aws.ec2.authorize_security_group_ingress();
    let other = permission(source, protocol, ports);
    let call = call.group_id(group).ip_permissions(other);
    call.send().await.unwrap();
}
