//! Zones and records, row by row of FACTS.md §1 and the differences from moto.

use serde_json::{Value, json};

use super::*;
use crate::sandbox::aws::testing::{Desk, REGION};

fn ok(desk: &mut Desk, operation: &str, input: Value) -> Value {
    desk.ok("route53", operation, input)
}

fn refused(desk: &mut Desk, operation: &str, input: Value) -> String {
    desk.refused("route53", operation, input)
}

fn creation(reference: &str, name: &str, vpc: &str) -> Value {
    json!({
        "Name": name,
        "CallerReference": reference,
        "VPC": { "VPCRegion": REGION, "VPCId": vpc },
        "HostedZoneConfig": { "Comment": "names inside the VPC", "PrivateZone": true },
    })
}

fn desk_with_zone() -> (Desk, String) {
    let mut desk = Desk::new();
    let made = ok(
        &mut desk,
        "CreateHostedZone",
        creation("one", "staging.msur-vpc.com", "vpc-1"),
    );
    let id = made["HostedZone"]["Id"].as_str().unwrap_or_default();
    (desk, id.trim_start_matches("/hostedzone/").to_owned())
}

fn record(name: &str, kind: &str, value: &str) -> Value {
    json!({ "Name": name, "Type": kind, "TTL": "300", "ResourceRecords": [{ "Value": value }] })
}

/// A batch of changes to the zone `id`.
fn batch(id: &str, changes: &[(&str, Value)]) -> Value {
    let changes: Vec<Value> = changes
        .iter()
        .map(|(action, record)| json!({ "Action": action, "ResourceRecordSet": record }))
        .collect();
    json!({ "HostedZoneId": id, "ChangeBatch": { "Changes": changes } })
}

fn rds() -> Value {
    record("rds.staging.msur-vpc.com", "CNAME", "db.example.com")
}

fn change(desk: &mut Desk, id: &str, action: &str, record: Value) -> Result<Value, Fault> {
    let changes = batch(id, &[(action, record)]);
    desk.send("route53", "ChangeResourceRecordSets", changes)
}

/// The message of the refusal that a single change gets.
fn refusal(desk: &mut Desk, id: &str, action: &str, record: Value) -> String {
    match change(desk, id, action, record) {
        Err(fault) => fault.to_string(),
        Ok(answer) => panic!("accepted: {answer}"),
    }
}

fn listed(desk: &mut Desk, id: &str) -> Vec<String> {
    let told = ok(
        desk,
        "ListResourceRecordSets",
        json!({ "HostedZoneId": id }),
    );
    let sets = told["ResourceRecordSets"].as_array().cloned();
    let sets = sets.unwrap_or_default();
    sets.iter()
        .map(|set| {
            let text = |member: &str| set[member].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("Name"), text("Type"))
        })
        .collect()
}

#[test]
fn create_hosted_zone_with_a_vpc() {
    let (mut desk, id) = desk_with_zone();
    let told = ok(&mut desk, "GetHostedZone", json!({ "Id": id }));
    let zone = &told["HostedZone"];
    assert_eq!(zone["Name"], "staging.msur-vpc.com.");
    assert_eq!(
        zone["Config"],
        json!({ "Comment": "names inside the VPC", "PrivateZone": true })
    );
    assert_eq!(
        told["VPCs"],
        json!([{ "VPCRegion": REGION, "VPCId": "vpc-1" }])
    );
    assert_eq!(
        listed(&mut desk, &id),
        ["staging.msur-vpc.com. NS", "staging.msur-vpc.com. SOA"]
    );
}

#[test]
fn create_hosted_zone_again_same_caller_reference() {
    let (mut desk, _) = desk_with_zone();
    let again = creation("one", "other.com", "vpc-2");
    let fault = desk.send("route53", "CreateHostedZone", again).unwrap_err();
    assert_eq!(
        (fault.code.as_str(), fault.status),
        ("HostedZoneAlreadyExists", 409)
    );
}

#[test]
fn create_hosted_zone_again_same_name_and_vpc() {
    let (mut desk, _) = desk_with_zone();
    let again = creation("two", "STAGING.msur-vpc.com.", "vpc-1");
    assert_eq!(
        refused(&mut desk, "CreateHostedZone", again),
        "ConflictingDomainExists"
    );
    let elsewhere = creation("two", "staging.msur-vpc.com", "vpc-2");
    ok(&mut desk, "CreateHostedZone", elsewhere);
}

#[test]
fn a_private_zone_needs_a_vpc_that_exists_and_a_proper_name() {
    let mut desk = Desk::new();
    assert_eq!(
        refused(
            &mut desk,
            "CreateHostedZone",
            creation("one", "a.com", "vpc-9")
        ),
        "InvalidVPCId"
    );
    assert_eq!(
        refused(
            &mut desk,
            "CreateHostedZone",
            creation("one", "a..com", "vpc-1")
        ),
        "InvalidDomainName"
    );
    let without = json!({ "Name": "a.com", "CallerReference": "one", "HostedZoneConfig": { "PrivateZone": "true" } });
    assert_eq!(
        refused(&mut desk, "CreateHostedZone", without),
        "InvalidInput"
    );
}

#[test]
fn change_resource_record_sets_is_pending_for_a_minute() {
    let (mut desk, id) = desk_with_zone();
    let told = change(&mut desk, &id, "UPSERT", rds()).unwrap();
    assert_eq!(told["ChangeInfo"]["Status"], "PENDING");
    let query = json!({ "Id": told["ChangeInfo"]["Id"] });
    desk.pass(DNS_CHANGE - 1);
    let told = ok(&mut desk, "GetChange", query.clone());
    assert_eq!(told["ChangeInfo"]["Status"], "PENDING");
    desk.pass(1);
    let told = ok(&mut desk, "GetChange", query);
    assert_eq!(told["ChangeInfo"]["Status"], "INSYNC");
    assert_eq!(
        refused(&mut desk, "GetChange", json!({ "Id": "/change/C1" })),
        "NoSuchChange"
    );
}

#[test]
fn change_resource_record_sets_create_record_exists() {
    let (mut desk, id) = desk_with_zone();
    change(&mut desk, &id, "CREATE", rds()).unwrap();
    let again = refusal(&mut desk, &id, "CREATE", rds());
    assert_eq!(
        again,
        "InvalidChangeBatch: [Tried to create resource record set [name='rds.staging.msur-vpc.com.', type='CNAME'] but it already exists]"
    );
    change(&mut desk, &id, "UPSERT", rds()).unwrap();
}

#[test]
fn a_record_deletion_must_match_exactly() {
    let (mut desk, id) = desk_with_zone();
    let absent = refusal(&mut desk, &id, "DELETE", rds());
    assert!(absent.contains("it was not found"), "{absent}");
    change(&mut desk, &id, "CREATE", rds()).unwrap();
    let other = record("rds.staging.msur-vpc.com", "CNAME", "other.example.com");
    let differs = refusal(&mut desk, &id, "DELETE", other);
    assert!(
        differs.contains("do not match the current values"),
        "{differs}"
    );
    change(&mut desk, &id, "DELETE", rds()).unwrap();
    assert_eq!(listed(&mut desk, &id).len(), 2);
}

#[test]
fn a_batch_happens_wholly_or_not_at_all() {
    let (mut desk, id) = desk_with_zone();
    let faulty = batch(
        &id,
        &[
            ("CREATE", rds()),
            (
                "CREATE",
                record("a.staging.msur-vpc.com", "A", "10.0.0.300"),
            ),
        ],
    );
    assert_eq!(
        refused(&mut desk, "ChangeResourceRecordSets", faulty),
        "InvalidChangeBatch"
    );
    assert_eq!(listed(&mut desk, &id).len(), 2);

    change(&mut desk, &id, "CREATE", rds()).unwrap();
    let address = record("rds.staging.msur-vpc.com", "A", "10.0.0.3");
    let exchange = batch(&id, &[("DELETE", rds()), ("CREATE", address)]);
    ok(&mut desk, "ChangeResourceRecordSets", exchange);
    assert_eq!(listed(&mut desk, &id)[2], "rds.staging.msur-vpc.com. A");
}

#[test]
fn records_that_can_not_be_are_refused() {
    let (mut desk, id) = desk_with_zone();
    change(&mut desk, &id, "CREATE", rds()).unwrap();
    let apex = "staging.msur-vpc.com";
    let under = |label: &str| format!("{label}.{apex}");
    let alias = json!({
        "Name": under("alias"), "Type": "A",
        "AliasTarget": { "HostedZoneId": id, "DNSName": under("none"), "EvaluateTargetHealth": "false" },
    });
    let elsewhere = |zone: &str, name: &str| {
        json!({
            "Name": under("alias"), "Type": "A",
            "AliasTarget": { "HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": "false" },
        })
    };
    let balancer = "a.elb.us-east-1.amazonaws.com";
    for (record, expected) in [
        (
            elsewhere("Z26RNL4JYFTOTI", "a.example.com"),
            "does not lie within the target zone",
        ),
        (
            elsewhere("ZLMOA37VPKANP", balancer),
            "does not lie within the target zone",
        ),
        (elsewhere("Z0000000000000", balancer), "is not known"),
        (record(&under("rds"), "A", "10.0.0.1"), "conflicting RRSet"),
        (record(apex, "CNAME", "a.com"), "not permitted at apex"),
        (
            record("a.other.com", "A", "10.0.0.1"),
            "not permitted in zone",
        ),
        (record(&under("t"), "TXT", "bare"), "quotation marks"),
        (alias, "alias target name does not exist"),
        (
            json!({ "Name": under("x"), "Type": "A" }),
            "Expected exactly one of",
        ),
    ] {
        let answer = refusal(&mut desk, &id, "UPSERT", record);
        assert!(answer.contains(expected), "{answer} should say {expected}");
    }
    let soa = refusal(&mut desk, &id, "DELETE", record(apex, "SOA", "x"));
    assert!(soa.contains("InvalidChangeBatch"), "{soa}");
}

#[test]
fn delete_hosted_zone_with_records() {
    let (mut desk, id) = desk_with_zone();
    change(&mut desk, &id, "CREATE", rds()).unwrap();
    assert_eq!(
        refused(&mut desk, "DeleteHostedZone", json!({ "Id": id })),
        "HostedZoneNotEmpty"
    );
    change(&mut desk, &id, "DELETE", rds()).unwrap();
    ok(&mut desk, "DeleteHostedZone", json!({ "Id": id }));
    assert_eq!(
        refused(&mut desk, "GetHostedZone", json!({ "Id": id })),
        "NoSuchHostedZone"
    );
}

#[test]
fn records_are_listed_from_the_right_and_in_pages() {
    let (mut desk, id) = desk_with_zone();
    for name in ["z", "a", "x.a", "*"] {
        let name = format!("{name}.staging.msur-vpc.com");
        change(&mut desk, &id, "CREATE", record(&name, "A", "10.0.0.1")).unwrap();
    }
    let all = listed(&mut desk, &id);
    let expected = ["", "", "\\052.", "a.", "x.a.", "z."];
    for (line, prefix) in all.iter().zip(expected) {
        assert!(
            line.starts_with(&format!("{prefix}staging.msur-vpc.com.")),
            "{all:?}"
        );
    }
    let page = json!({ "HostedZoneId": id, "MaxItems": "4" });
    let first = ok(&mut desk, "ListResourceRecordSets", page);
    assert_eq!(first["IsTruncated"], true);
    let rest = json!({
        "HostedZoneId": id,
        "StartRecordName": first["NextRecordName"],
        "StartRecordType": first["NextRecordType"],
    });
    let second = ok(&mut desk, "ListResourceRecordSets", rest);
    assert_eq!(
        second["ResourceRecordSets"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        second["ResourceRecordSets"][0]["Name"],
        "x.a.staging.msur-vpc.com."
    );
}

#[test]
fn vpcs_come_and_go_but_one_stays() {
    let (mut desk, id) = desk_with_zone();
    let vpc =
        |vpc: &str| json!({ "HostedZoneId": id, "VPC": { "VPCRegion": REGION, "VPCId": vpc } });
    assert_eq!(
        refused(&mut desk, "DisassociateVPCFromHostedZone", vpc("vpc-2")),
        "VPCAssociationNotFound"
    );
    assert_eq!(
        refused(&mut desk, "DisassociateVPCFromHostedZone", vpc("vpc-1")),
        "LastVPCAssociation"
    );
    assert_eq!(
        refused(&mut desk, "AssociateVPCWithHostedZone", vpc("vpc-9")),
        "InvalidVPCId"
    );
    ok(&mut desk, "AssociateVPCWithHostedZone", vpc("vpc-2"));
    ok(&mut desk, "DisassociateVPCFromHostedZone", vpc("vpc-1"));
    let mut seen = |vpc: &str| {
        let query = json!({ "VPCId": vpc, "VPCRegion": REGION });
        ok(&mut desk, "ListHostedZonesByVPC", query)["HostedZoneSummaries"].clone()
    };
    assert_eq!(seen("vpc-1"), json!([]));
    assert_eq!(seen("vpc-2")[0]["HostedZoneId"], json!(id));
}

#[test]
fn zones_are_listed_by_id_and_by_name() {
    let (mut desk, _) = desk_with_zone();
    for name in ["b.com", "a.net"] {
        ok(&mut desk, "CreateHostedZone", creation(name, name, "vpc-1"));
    }
    let first = ok(&mut desk, "ListHostedZones", json!({ "MaxItems": "2" }));
    assert_eq!(first["HostedZones"].as_array().map(Vec::len), Some(2));
    let rest = json!({ "Marker": first["NextMarker"] });
    let second = ok(&mut desk, "ListHostedZones", rest);
    assert_eq!(second["HostedZones"].as_array().map(Vec::len), Some(1));
    let from = json!({ "DNSName": "b.com" });
    let told = ok(&mut desk, "ListHostedZonesByName", from);
    let zones = told["HostedZones"].as_array().cloned().unwrap_or_default();
    let names: Vec<_> = zones.iter().map(|zone| &zone["Name"]).collect();
    assert_eq!(names, ["b.com.", "staging.msur-vpc.com.", "a.net."]);
}

#[test]
fn zones_carry_comments_and_tags() {
    let (mut desk, id) = desk_with_zone();
    let comment = json!({ "Id": id, "Comment": "new" });
    let told = ok(&mut desk, "UpdateHostedZoneComment", comment);
    assert_eq!(told["HostedZone"]["Config"]["Comment"], "new");

    let change = json!({
        "ResourceType": "hostedzone", "ResourceId": id,
        "AddTags": [{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }],
    });
    ok(&mut desk, "ChangeTagsForResource", change);
    let change = json!({ "ResourceType": "hostedzone", "ResourceId": id, "RemoveTagKeys": ["a"] });
    ok(&mut desk, "ChangeTagsForResource", change);
    let many = json!({ "ResourceType": "hostedzone", "ResourceIds": [id] });
    let told = ok(&mut desk, "ListTagsForResources", many);
    assert_eq!(
        told["ResourceTagSets"][0]["Tags"],
        json!([{ "Key": "b", "Value": "2" }])
    );
    let unknown = json!({ "ResourceType": "hostedzone", "ResourceId": "Z1" });
    assert_eq!(
        refused(&mut desk, "ListTagsForResource", unknown),
        "NoSuchHostedZone"
    );
    assert_eq!(tagged_arns(&desk.world, "us-east-1").len(), 1);
}
