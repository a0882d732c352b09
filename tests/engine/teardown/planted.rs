//! What a cluster's controllers, or anyone else, make in AWS.

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerTypeEnum, ProtocolEnum, TargetTypeEnum};
use groundwork::cloud::Cloud;

type Tags<'a> = [(&'a str, &'a str)];

pub fn ec2_tags(resource: ResourceType, tags: &Tags<'_>) -> TagSpecification {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build());
    let specification = TagSpecification::builder().resource_type(resource);
    specification.set_tags(Some(tags.collect())).build()
}

pub fn elb_tags(tags: &Tags<'_>) -> Vec<aws_sdk_elasticloadbalancingv2::types::Tag> {
    let tag = |(key, value): &(&str, &str)| {
        let tag = aws_sdk_elasticloadbalancingv2::types::Tag::builder();
        tag.key(*key).value(*value).build()
    };
    tags.iter().map(tag).collect()
}

async fn vpc(cloud: &Cloud) -> String {
    let tag = Filter::builder()
        .name("tag:groundwork:environment")
        .values("tear");
    let call = cloud.aws.ec2.describe_vpcs().filters(tag.build());
    let found = call.send().await.unwrap();
    found.vpcs()[0].vpc_id().unwrap().to_owned()
}

async fn subnets(cloud: &Cloud) -> Vec<String> {
    let public = Filter::builder()
        .name("tag:kubernetes.io/role/elb")
        .values("1");
    let call = cloud.aws.ec2.describe_subnets().filters(public.build());
    let found = call.send().await.unwrap();
    let ids = found.subnets().iter();
    ids.map(|subnet| subnet.subnet_id().unwrap().to_owned())
        .collect()
}

pub async fn security_group(cloud: &Cloud, name: &str, tags: &Tags<'_>) -> String {
    let call = cloud.aws.ec2.create_security_group();
    let call = call.group_name(name).description("planted");
    let call = call.vpc_id(vpc(cloud).await);
    let made = call
        .tag_specifications(ec2_tags(ResourceType::SecurityGroup, tags))
        .send();
    made.await.unwrap().group_id().unwrap().to_owned()
}

/// Lets `peer` in to `group`.
pub async fn admit(cloud: &Cloud, group: &str, peer: &str) {
    let pair = aws_sdk_ec2::types::UserIdGroupPair::builder().group_id(peer);
    let rule = aws_sdk_ec2::types::IpPermission::builder().ip_protocol("tcp");
    let rule = rule.from_port(80).to_port(80);
    let rule = rule.user_id_group_pairs(pair.build()).build();
    let call = cloud.aws.ec2.authorize_security_group_ingress();
    let call = call.group_id(group).ip_permissions(rule);
    call.send().await.unwrap();
}

/// A network load balancer that wears `group`, with a target group that it forwards to.
pub async fn load_balancer(cloud: &Cloud, name: &str, group: &str, tags: &Tags<'_>) {
    let elb = &cloud.aws.load_balancers;
    let call = elb.create_load_balancer().name(name).security_groups(group);
    let call = call
        .r#type(LoadBalancerTypeEnum::Network)
        .set_tags(Some(elb_tags(tags)));
    let made = call.set_subnets(Some(subnets(cloud).await)).send().await;
    let made = made.unwrap();
    let call = elb.create_target_group().name(format!("{name}-targets"));
    let call = call.protocol(ProtocolEnum::Tcp).port(80);
    let call = call
        .vpc_id(vpc(cloud).await)
        .target_type(TargetTypeEnum::Ip);
    let targets = call.set_tags(Some(elb_tags(tags))).send().await.unwrap();
    let action = aws_sdk_elasticloadbalancingv2::types::Action::builder()
        .r#type(aws_sdk_elasticloadbalancingv2::types::ActionTypeEnum::Forward)
        .set_target_group_arn(
            targets.target_groups()[0]
                .target_group_arn()
                .map(str::to_owned),
        );
    let call = elb.create_listener().protocol(ProtocolEnum::Tcp).port(80);
    let arn = made.load_balancers()[0].load_balancer_arn().unwrap();
    let call = call.load_balancer_arn(arn).default_actions(action.build());
    call.send().await.unwrap();
}

pub async fn interface(cloud: &Cloud, description: &str, tags: &Tags<'_>) -> String {
    let call = cloud.aws.ec2.create_network_interface();
    let call = call
        .subnet_id(&subnets(cloud).await[0])
        .description(description);
    let tags = ec2_tags(ResourceType::NetworkInterface, tags);
    let made = call.tag_specifications(tags).send().await.unwrap();
    let made = made.network_interface().unwrap();
    made.network_interface_id().unwrap().to_owned()
}

pub async fn volume(cloud: &Cloud, tags: &Tags<'_>) -> String {
    let call = cloud.aws.ec2.create_volume().size(8);
    let call = call.availability_zone("us-east-1a");
    let tags = ec2_tags(ResourceType::Volume, tags);
    let made = call.tag_specifications(tags).send().await.unwrap();
    made.volume_id().unwrap().to_owned()
}

pub async fn log_group(cloud: &Cloud, name: &str) {
    let call = cloud.aws.logs.create_log_group().log_group_name(name);
    call.send().await.unwrap();
}

/// Names of all volumes and log groups there are.
pub async fn volumes_and_logs(cloud: &Cloud) -> Vec<String> {
    let volumes = cloud.aws.ec2.describe_volumes().send().await.unwrap();
    let volumes = volumes
        .volumes()
        .iter()
        .filter_map(|volume| volume.volume_id());
    let logs = cloud.aws.logs.describe_log_groups().send().await.unwrap();
    let logs = logs
        .log_groups()
        .iter()
        .filter_map(|group| group.log_group_name());
    volumes.chain(logs).map(str::to_owned).collect()
}
