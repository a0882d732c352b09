//! What a cluster of the same name left elsewhere, and disks that only look like ours, stay; disks that our cluster
//! speaks of go.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::ResourceType;
use groundwork::cloud::Cloud;

use super::planted::{ec2_tags, elb_tags, volume, volumes_and_logs};
use super::*;

/// A VPC of somebody else's, with one subnet.
async fn elsewhere(cloud: &Cloud) -> (String, String) {
    let ec2 = &cloud.aws.ec2;
    let made = ec2.create_vpc().cidr_block("10.99.0.0/16").send().await;
    let vpc = made.unwrap().vpc.unwrap().vpc_id.unwrap();
    world_waits(cloud).await;
    let call = ec2.create_subnet().vpc_id(&vpc).cidr_block("10.99.0.0/24");
    let made = call.send().await.unwrap().subnet.unwrap();
    let gateway = ec2.create_internet_gateway().send().await.unwrap();
    let gateway = gateway.internet_gateway.unwrap().internet_gateway_id;
    let call = ec2.attach_internet_gateway().vpc_id(&vpc);
    call.set_internet_gateway_id(gateway).send().await.unwrap();
    (vpc, made.subnet_id.unwrap())
}

async fn world_waits(cloud: &Cloud) {
    cloud.clock.sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_cluster_of_the_same_name_left_in_another_vpc_stays() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    let (ec2, elb) = (&session.cloud.aws.ec2, &session.cloud.aws.load_balancers);
    let (vpc, subnet) = elsewhere(&session.cloud).await;
    let owned = [("kubernetes.io/cluster/tear", "owned")];
    let mut groups = Vec::new();
    for (name, tags) in [
        ("k8s-elb-old", &[][..]),
        ("eks-cluster-sg-tear-1", &[]),
        ("web", &owned),
    ] {
        let call = ec2.create_security_group().group_name(name).vpc_id(&vpc);
        let call = call.description("planted");
        let tags = ec2_tags(ResourceType::SecurityGroup, tags);
        let made = call.tag_specifications(tags).send().await.unwrap();
        groups.push(made.group_id.unwrap());
    }
    let call = ec2.create_network_interface().subnet_id(&subnet);
    let call = call.description("aws-K8S-i-0123456789abcdef0");
    let tags = ec2_tags(ResourceType::NetworkInterface, &owned);
    call.tag_specifications(tags).send().await.unwrap();
    let call = elb.create_load_balancer().name("old").subnets(&subnet);
    let call = call.set_tags(Some(elb_tags(&owned)));
    let network = aws_sdk_elasticloadbalancingv2::types::LoadBalancerTypeEnum::Network;
    call.r#type(network).send().await.unwrap();
    let call = elb.create_target_group().name("old-targets").vpc_id(&vpc);
    let tcp = aws_sdk_elasticloadbalancingv2::types::ProtocolEnum::Tcp;
    let call = call.protocol(tcp).port(80).set_tags(Some(elb_tags(&owned)));
    call.send().await.unwrap();
    world_waits(&session.cloud).await;

    destroy(&session).await;
    let all = ec2.describe_security_groups().set_group_ids(Some(groups));
    assert_eq!(all.send().await.unwrap().security_groups().len(), 3);
    // Its own, and that of the load balancer.
    let all = ec2.describe_network_interfaces().send().await.unwrap();
    assert!(!all.network_interfaces().is_empty());
    let all = elb.describe_load_balancers().send().await.unwrap();
    assert_eq!(all.load_balancers().len(), 1);
    let all = elb.describe_target_groups().send().await.unwrap();
    assert_eq!(all.target_groups().len(), 1);
}

/// A volume in the cluster that stands for this disk and outlives its claim.
fn kept(name: &str, disk: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "8Gi"}, "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "",
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": disk},
        },
    })
}

#[tokio::test(start_paused = true)]
async fn disks_go_only_if_the_cluster_speaks_of_them_as_its_own() {
    let world = World::new();
    let session = world.session(environment(&world, ""));
    apply(&session).await;
    let cloud = &session.cloud;
    let made_for = |name| [("ebs.csi.aws.com/cluster", "true"), ("CSIVolumeName", name)];
    let ours = volume(cloud, &made_for("pvc-1")).await;
    let lent = volume(cloud, &made_for("pvc-of-another")).await;
    let plain = volume(cloud, &[("Name", "archive")]).await;
    let unknown = volume(cloud, &made_for("pvc-9")).await;
    let mut named = made_for("pvc-2").to_vec();
    named.push(("kubernetes.io/cluster/other", "owned"));
    let named = volume(cloud, &named).await;
    for (name, disk) in [
        ("pvc-1", &ours),
        ("lent", &lent),
        ("plain", &plain),
        ("pvc-2", &named),
    ] {
        let path = "/api/v1/persistentvolumes";
        kubernetes(&world, "POST", path, kept(name, disk)).await;
    }
    destroy(&session).await;
    let left: BTreeSet<String> = volumes_and_logs(cloud).await.into_iter().collect();
    assert_eq!(left, BTreeSet::from([lent, plain, unknown, named]));
}
