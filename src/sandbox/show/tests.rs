//! What differs shows, what AWS only lists for a while doesn't, and secrets are digests.

use serde_json::{Value, json};

use super::show;
use crate::sandbox::aws::testing::{Desk, REGION};
use crate::sandbox::kubernetes;
use crate::sandbox::time::SimTime;
use crate::sandbox::world::World;

fn names(document: &Value, kind: &str) -> Vec<String> {
    let list = document["resources"][kind].as_array();
    (list.into_iter().flatten())
        .map(|each| each["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_new_world_holds_the_seeded_user_and_nothing_else() {
    let document = show(&World::new("123456789012", SimTime::EPOCH));
    assert_eq!(document["counts"], json!({"iam_user": 1}));
    assert_eq!(names(&document, "iam_user"), ["ops-account"]);
    assert_eq!(document["implicit"], json!({}));
    assert_eq!(document["kubernetes"], json!({}));
}

#[test]
fn what_came_with_a_network_is_counted_until_somebody_changes_it() {
    let mut desk = Desk::new();
    desk.world = World::new("123456789012", SimTime::EPOCH);
    let made = desk.ok("ec2", "CreateVpc", json!({"CidrBlock": "10.99.0.0/16"}));
    let vpc = made["vpc"]["vpcId"].as_str().unwrap().to_owned();
    let document = show(&desk.world);
    assert_eq!(document["implicit"]["main route_table"], 1);
    assert_eq!(document["implicit"]["default security_group"], 1);
    assert!(!names(&document, "security_group").contains(&"default".to_owned()));

    let ec2 = &mut desk.world.region(REGION).ec2;
    let (id, _) = (ec2.security_groups.iter_mut())
        .find(|(_, group)| group.vpc_id == vpc)
        .unwrap();
    let id = id.clone();
    let input = json!({"GroupId": id, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ]});
    desk.ok("ec2", "AuthorizeSecurityGroupIngress", input);
    let document = show(&desk.world);
    assert_eq!(document["implicit"]["default security_group"], Value::Null);
    assert!(names(&document, "security_group").contains(&"default".to_owned()));
}

#[test]
fn what_is_gone_is_left_out_though_aws_lists_it() {
    let mut desk = Desk::new();
    let input = json!({"SubnetId": "subnet-a", "ConnectivityType": "private"});
    let made = desk.ok("ec2", "CreateNatGateway", input);
    let id = made["natGateway"]["natGatewayId"].clone();
    assert_eq!(show(&desk.world)["counts"]["nat_gateway"], 1);
    desk.pass(300);
    desk.ok("ec2", "DeleteNatGateway", json!({"NatGatewayId": id}));
    desk.pass(300);
    assert_eq!(desk.world.region(REGION).ec2.nat_gateways.len(), 1);
    assert_eq!(show(&desk.world)["counts"]["nat_gateway"], Value::Null);
}

#[test]
fn a_secret_is_its_digest_and_gone_once_its_deletion_is_final() {
    let mut desk = Desk::new();
    let input = json!({
        "Name": "one", "SecretString": "swordfish", "ClientRequestToken": "a".repeat(32),
    });
    desk.ok("secretsmanager", "CreateSecret", input);
    let document = show(&desk.world);
    assert!(!document.to_string().contains("swordfish"));
    // printf swordfish | sha256sum
    let digest = "b9f195c5cc7ef6afadbfbc42892ad47d3b24c6bc94bb510c4564a90a14e8b799";
    assert_eq!(document["resources"]["secret"][0]["value_sha256"], digest);
    let input = json!({"SecretId": "one", "ForceDeleteWithoutRecovery": true});
    desk.ok("secretsmanager", "DeleteSecret", input);
    assert_eq!(names(&show(&desk.world), "secret"), Vec::<String>::new());
}

#[test]
fn resources_of_several_regions_tell_theirs() {
    let mut desk = Desk::new();
    assert_eq!(
        show(&desk.world)["resources"]["vpc"][0]["region"],
        Value::Null
    );
    let vpc = desk.world.region(REGION).ec2.vpcs["vpc-1"].clone();
    let other = &mut desk.world.region("us-east-1").ec2.vpcs;
    other.insert("vpc-9".to_owned(), vpc);
    let document = show(&desk.world);
    let regions: Vec<&Value> = (document["resources"]["vpc"].as_array().unwrap().iter())
        .map(|vpc| &vpc["region"])
        .collect();
    assert_eq!(regions.len(), 3);
    assert!(
        regions.iter().all(|region| region.is_string()),
        "{regions:?}"
    );
}

#[test]
fn a_cluster_shows_objects_without_what_its_server_adds() {
    let mut world = World::new("123456789012", SimTime::EPOCH);
    kubernetes::create_cluster(&mut world, REGION, "one", "1.35");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "data": {"password": "c3dvcmRmaXNo"},
        "metadata": {
            "name": "db", "namespace": "default", "uid": "0b0c", "resourceVersion": "7",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "c3dvcmRmaXNo"},
        },
    });
    let objects = &mut world.clusters.values_mut().next().unwrap().objects;
    let secrets = objects.entry("secrets".to_owned()).or_default();
    secrets.insert("default/db".to_owned(), secret);
    let document = show(&world);
    let shown = document["kubernetes"]["one"].as_array().unwrap();
    let secret = shown
        .iter()
        .find(|object| object["kind"] == "Secret")
        .unwrap();
    let digest = "b9f195c5cc7ef6afadbfbc42892ad47d3b24c6bc94bb510c4564a90a14e8b799";
    let expected = json!({
        "apiVersion": "v1", "kind": "Secret", "data": {"value_sha256": {"password": digest}},
        "metadata": {"name": "db", "namespace": "default", "annotations": {}},
    });
    assert_eq!(*secret, expected);
    for word in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    ] {
        assert!(
            !document.to_string().contains(&format!("\"{word}\"")),
            "{word}"
        );
    }
}
