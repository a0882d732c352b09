//! Each difference between moto and AWS that concerns RDS, and FACTS' rows on it.

use serde_json::{Value, json};

use crate::sandbox::aws::ec2::security_groups;
use crate::sandbox::aws::testing::{Desk, REGION};

const CREATED: u64 = 270;
const DELETED: u64 = 300;
const MODIFIED: u64 = 180;

impl Desk {
    fn rds(&mut self, operation: &str, input: Value) -> Value {
        self.ok("rds", operation, input)
    }

    fn rds_refused(&mut self, operation: &str, input: Value) -> String {
        self.refused("rds", operation, input)
    }

    fn subnet_group(&mut self) {
        let subnets = [self.subnets[0], self.subnets[1]];
        self.rds("CreateDBSubnetGroup", group_input("Staging", &subnets));
    }

    /// The input for the instance `flights`, with other members put over it.
    fn input(&self, over: Value) -> Value {
        let mut input = json!({
            "DBInstanceIdentifier": "Flights", "DBInstanceClass": "db.t3.micro", "Engine": "mysql",
            "EngineVersion": "8.0", "AllocatedStorage": 20, "StorageType": "gp3",
            "MasterUsername": "microservices", "MasterUserPassword": "correct-horse",
            "DBName": "microservices_db", "DBSubnetGroupName": "staging",
            "VpcSecurityGroupIds": [self.group], "Tags": [{"Key": "a", "Value": "1"}],
        });
        let (Value::Object(input_fields), Value::Object(over)) = (&mut input, over) else {
            panic!("not a structure");
        };
        input_fields.extend(over);
        input
    }

    fn create(&mut self, over: Value) -> Value {
        let input = self.input(over);
        self.rds("CreateDBInstance", input)["DBInstance"].clone()
    }

    /// A world with the subnet group and an instance that is available.
    fn with_database() -> Self {
        let mut desk = Self::new();
        desk.subnet_group();
        desk.create(json!({}));
        desk.pass(CREATED);
        desk
    }

    fn database(&mut self) -> Value {
        let name = json!({"DBInstanceIdentifier": "flights"});
        self.rds("DescribeDBInstances", name)["DBInstances"][0].clone()
    }

    fn modify(&mut self, mut change: Value) -> Value {
        change["DBInstanceIdentifier"] = "flights".into();
        self.rds("ModifyDBInstance", change)["DBInstance"].clone()
    }

    fn modify_refused(&mut self, mut change: Value) -> String {
        change["DBInstanceIdentifier"] = "flights".into();
        self.rds_refused("ModifyDBInstance", change)
    }
}

fn group_input(name: &str, subnets: &[&str]) -> Value {
    json!({"DBSubnetGroupName": name, "DBSubnetGroupDescription": "d", "SubnetIds": subnets})
}

fn skip() -> Value {
    json!({"DBInstanceIdentifier": "flights", "SkipFinalSnapshot": true})
}

#[test]
fn create_db_subnet_group_name_taken() {
    let mut desk = Desk::new();
    desk.subnet_group();
    let again = group_input("STAGING", &["subnet-a", "subnet-b"]);
    assert_eq!(
        desk.rds_refused("CreateDBSubnetGroup", again),
        "DBSubnetGroupAlreadyExists"
    );
}

#[test]
fn create_db_subnet_group_in_one_zone() {
    let mut desk = Desk::new();
    let one_zone = group_input("g", &["subnet-a", "subnet-c"]);
    let code = desk.rds_refused("CreateDBSubnetGroup", one_zone);
    assert_eq!(code, "DBSubnetGroupDoesNotCoverEnoughAZs");
}

#[test]
fn create_db_subnet_group_with_unknown_or_foreign_subnets() {
    let mut desk = Desk::new();
    for other in ["subnet-none", "subnet-far"] {
        let input = group_input("g", &["subnet-a", other]);
        assert_eq!(
            desk.rds_refused("CreateDBSubnetGroup", input),
            "InvalidSubnet"
        );
    }
}

#[test]
fn db_subnet_groups_are_described_changed_and_deleted() {
    let mut desk = Desk::new();
    desk.subnet_group();
    let all = desk.rds("DescribeDBSubnetGroups", json!({}));
    let group = &all["DBSubnetGroups"][0];
    assert_eq!(group["DBSubnetGroupName"], "staging");
    assert_eq!(group["VpcId"], "vpc-1");
    assert_eq!(
        group["Subnets"][1]["SubnetAvailabilityZone"]["Name"],
        "eu-central-1b"
    );
    let other = json!({"DBSubnetGroupName": "staging", "SubnetIds": ["subnet-b", "subnet-c"]});
    let changed = desk.rds("ModifyDBSubnetGroup", other);
    assert_eq!(
        changed["DBSubnetGroup"]["Subnets"][1]["SubnetIdentifier"],
        "subnet-c"
    );
    let name = json!({"DBSubnetGroupName": "staging"});
    desk.rds("DeleteDBSubnetGroup", name.clone());
    let gone = "DBSubnetGroupNotFoundFault";
    assert_eq!(desk.rds_refused("DeleteDBSubnetGroup", name.clone()), gone);
    assert_eq!(desk.rds_refused("DescribeDBSubnetGroups", name), gone);
}

#[test]
fn delete_db_subnet_group_in_use() {
    let mut desk = Desk::with_database();
    let name = json!({"DBSubnetGroupName": "staging"});
    let code = desk.rds_refused("DeleteDBSubnetGroup", name.clone());
    assert_eq!(code, "InvalidDBSubnetGroupStateFault");
    let without = json!({"DBSubnetGroupName": "staging", "SubnetIds": ["subnet-b", "subnet-c"]});
    assert_eq!(
        desk.rds_refused("ModifyDBSubnetGroup", without),
        "SubnetAlreadyInUse"
    );
    desk.rds("DeleteDBInstance", skip());
    desk.pass(DELETED);
    desk.rds("DeleteDBSubnetGroup", name);
}

#[test]
fn create_db_instance_password_of_3_characters() {
    let mut desk = Desk::new();
    desk.subnet_group();
    for bad in ["abc", "has space in it", "has/slash", "has@sign!"] {
        let input = desk.input(json!({"MasterUserPassword": bad}));
        let refused = desk.send("rds", "CreateDBInstance", input).unwrap_err();
        assert_eq!(refused.code, "InvalidParameterValue", "{bad}");
        assert!(!refused.message.contains(bad));
    }
}

#[test]
fn create_db_instance_refuses_what_rds_does_not_offer() {
    let mut desk = Desk::new();
    desk.subnet_group();
    for (over, code) in [
        (
            json!({"DBInstanceClass": "db.t9.huge"}),
            "InvalidParameterValue",
        ),
        (json!({"Engine": "oracle"}), "InvalidParameterValue"),
        (
            json!({"EngineVersion": "5.5"}),
            "InvalidParameterCombination",
        ),
        (json!({"AllocatedStorage": 10}), "InvalidParameterValue"),
        (json!({"StorageType": "tape"}), "InvalidParameterValue"),
        (
            json!({"DBInstanceIdentifier": "1st"}),
            "InvalidParameterValue",
        ),
        (
            json!({"MasterUsername": "rdsadmin"}),
            "InvalidParameterValue",
        ),
        (json!({"DBName": "9lives"}), "InvalidParameterValue"),
        (
            json!({"BackupRetentionPeriod": 36}),
            "InvalidParameterValue",
        ),
        (
            json!({"VpcSecurityGroupIds": ["sg-none"]}),
            "InvalidParameterValue",
        ),
        (
            json!({"DBSubnetGroupName": "none"}),
            "DBSubnetGroupNotFoundFault",
        ),
        (
            json!({"DBParameterGroupName": "mine"}),
            "DBParameterGroupNotFound",
        ),
        (
            json!({"AvailabilityZone": "eu-central-1c"}),
            "InvalidVPCNetworkStateFault",
        ),
    ] {
        let input = desk.input(over.clone());
        assert_eq!(desk.rds_refused("CreateDBInstance", input), code, "{over}");
    }
    assert!(desk.world.region(REGION).ec2.interfaces.is_empty());
}

#[test]
fn create_db_instance_takes_its_time() {
    let mut desk = Desk::new();
    desk.subnet_group();
    assert_eq!(desk.create(json!({}))["DBInstanceStatus"], "creating");
    desk.pass(200);
    let young = desk.database();
    assert_eq!(young["DBInstanceStatus"], "creating");
    assert!(young.get("Endpoint").is_none());
    desk.pass(50);
    assert_eq!(desk.database()["DBInstanceStatus"], "backing-up");
    desk.pass(20);
    let database = desk.database();
    assert_eq!(database["DBInstanceStatus"], "available");
    let address = database["Endpoint"]["Address"].as_str().unwrap();
    assert!(
        address.starts_with("flights.") && address.ends_with(".eu-central-1.rds.amazonaws.com")
    );
    assert_eq!(database["Endpoint"]["Port"], json!(3306.0));
    assert_eq!(database["TagList"], json!([{"Key": "a", "Value": "1"}]));
}

#[test]
fn without_backups_an_instance_goes_from_creating_to_available() {
    let mut desk = Desk::new();
    desk.subnet_group();
    desk.create(json!({"BackupRetentionPeriod": 0}));
    desk.pass(CREATED - 1);
    assert_eq!(desk.database()["DBInstanceStatus"], "creating");
    desk.pass(1);
    assert_eq!(desk.database()["DBInstanceStatus"], "available");
    assert!(desk.database().get("Endpoint").is_some());
}

#[test]
fn describe_db_instances_engine_version_8_0_asked() {
    let mut desk = Desk::with_database();
    let version = desk.database()["EngineVersion"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(version.starts_with("8.0.") && version.len() > 4);
}

#[test]
fn describe_db_instances_parameter_group() {
    let mut desk = Desk::with_database();
    let group = &desk.database()["DBParameterGroups"][0]["DBParameterGroupName"];
    assert_eq!(group, "default.mysql8.0");
    desk.create(json!({
        "DBInstanceIdentifier": "book", "Engine": "postgres", "EngineVersion": "16",
    }));
    let all = desk.rds("DescribeDBInstances", json!({}));
    assert_eq!(
        all["DBInstances"][0]["DBParameterGroups"][0]["DBParameterGroupName"],
        "default.postgres16"
    );
}

#[test]
fn create_db_instance_name_taken() {
    let mut desk = Desk::with_database();
    let input = desk.input(json!({}));
    assert_eq!(
        desk.rds_refused("CreateDBInstance", input),
        "DBInstanceAlreadyExists"
    );
}

#[test]
fn delete_security_group_used_by_the_database() {
    let mut desk = Desk::with_database();
    let (group, other) = (desk.group.clone(), desk.other_group.clone());
    assert_eq!(desk.wearing(&group), ["RDSNetworkInterface"]);
    let refused = security_groups::delete(&mut desk.world, REGION, &group).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation");
    let changed = desk.modify(json!({"VpcSecurityGroupIds": [other]}));
    assert_eq!(
        changed["VpcSecurityGroups"][0]["VpcSecurityGroupId"],
        json!(other)
    );
    security_groups::delete(&mut desk.world, REGION, &group).unwrap();
    assert_eq!(desk.wearing(&other), ["RDSNetworkInterface"]);
}

#[test]
fn delete_db_instance_takes_minutes_and_frees_its_interface() {
    let mut desk = Desk::with_database();
    let deleting = desk.rds("DeleteDBInstance", skip());
    assert_eq!(deleting["DBInstance"]["DBInstanceStatus"], "deleting");
    let again = desk.send("rds", "DeleteDBInstance", skip()).unwrap_err();
    assert_eq!(again.code, "InvalidDBInstanceState");
    assert!(again.message.contains("is already being deleted"));
    desk.pass(DELETED - 1);
    assert_eq!(desk.database()["DBInstanceStatus"], "deleting");
    assert_eq!(desk.wearing(&desk.group.clone()).len(), 1);
    desk.pass(1);
    assert_eq!(
        desk.rds_refused("DeleteDBInstance", skip()),
        "DBInstanceNotFound"
    );
    assert!(desk.wearing(&desk.group.clone()).is_empty());
}

#[test]
fn an_instance_deleted_while_it_is_made_stays_deleted_and_its_namesake_is_another() {
    let mut desk = Desk::new();
    desk.subnet_group();
    desk.create(json!({}));
    desk.rds("DeleteDBInstance", skip());
    desk.pass(CREATED);
    assert_eq!(desk.database()["DBInstanceStatus"], "deleting");
    desk.pass(DELETED - CREATED);
    desk.create(json!({}));
    desk.pass(CREATED - 31);
    assert_eq!(desk.database()["DBInstanceStatus"], "creating");
}

#[test]
fn deletion_protection_and_final_snapshots() {
    let mut desk = Desk::with_database();
    desk.modify(json!({"DeletionProtection": true, "CopyTagsToSnapshot": true}));
    let protected = "InvalidParameterCombination";
    assert_eq!(desk.rds_refused("DeleteDBInstance", skip()), protected);
    desk.modify(json!({"DeletionProtection": false}));
    let undecided = json!({"DBInstanceIdentifier": "flights"});
    assert_eq!(desk.rds_refused("DeleteDBInstance", undecided), protected);
    let last = json!({"DBInstanceIdentifier": "flights", "FinalDBSnapshotIdentifier": "last"});
    desk.rds("DeleteDBInstance", last);
    let snapshot = desk.rds("DescribeDBSnapshots", json!({}))["DBSnapshots"][0].clone();
    assert_eq!(
        (&snapshot["Status"], &snapshot["TagList"][0]["Key"]),
        (&json!("creating"), &json!("a"))
    );
    desk.pass(DELETED);
    let name = json!({"DBSnapshotIdentifier": "last"});
    let kept = desk.rds("DescribeDBSnapshots", name.clone());
    assert_eq!(kept["DBSnapshots"][0]["Status"], "available");
    desk.rds("DeleteDBSnapshot", name.clone());
    assert_eq!(
        desk.rds_refused("DescribeDBSnapshots", name),
        "DBSnapshotNotFound"
    );
}

#[test]
fn changes_take_effect_after_their_time() {
    let mut desk = Desk::with_database();
    let change = json!({
        "ApplyImmediately": true, "DBInstanceClass": "db.t3.small", "AllocatedStorage": 30, "MultiAZ": true,
    });
    let modifying = desk.modify(change);
    assert_eq!(modifying["DBInstanceStatus"], "modifying");
    assert_eq!(modifying["DBInstanceClass"], "db.t3.micro");
    assert_eq!(
        modifying["PendingModifiedValues"]["DBInstanceClass"],
        "db.t3.small"
    );
    let busy = desk.modify_refused(json!({"DeletionProtection": true}));
    assert_eq!(busy, "InvalidDBInstanceState");
    desk.pass(MODIFIED);
    let database = desk.database();
    assert_eq!(database["DBInstanceStatus"], "available");
    assert_eq!(database["DBInstanceClass"], "db.t3.small");
    assert_eq!(database["AllocatedStorage"], json!(30.0));
    assert_eq!(database["SecondaryAvailabilityZone"], "eu-central-1b");
    assert_eq!(database["PendingModifiedValues"], json!({}));
    assert_eq!(desk.wearing(&desk.group.clone()).len(), 2);
}

#[test]
fn changes_that_do_not_apply_immediately_wait_for_the_window() {
    let mut desk = Desk::with_database();
    let waiting = desk.modify(json!({"DBInstanceClass": "db.t3.small"}));
    assert_eq!(waiting["DBInstanceStatus"], "available");
    desk.pass(24 * 3600);
    assert_eq!(desk.database()["DBInstanceClass"], "db.t3.micro");
    desk.pass(6 * 24 * 3600);
    assert_eq!(desk.database()["DBInstanceClass"], "db.t3.small");
}

#[test]
fn storage_and_versions_only_grow() {
    let mut desk = Desk::with_database();
    for (change, code) in [
        (
            json!({"AllocatedStorage": 21}),
            "InvalidParameterCombination",
        ),
        (
            json!({"EngineVersion": "8.0.40"}),
            "InvalidParameterCombination",
        ),
        (
            json!({"EngineVersion": "8.4"}),
            "InvalidParameterCombination",
        ),
        (
            json!({"DBInstanceClass": "db.none"}),
            "InvalidParameterValue",
        ),
        (
            json!({"MasterUserPassword": "short"}),
            "InvalidParameterValue",
        ),
    ] {
        assert_eq!(desk.modify_refused(change.clone()), code, "{change}");
    }
    let unchanged = desk.modify(json!({"AllocatedStorage": 20, "ApplyImmediately": true}));
    assert_eq!(unchanged["DBInstanceStatus"], "available");
    desk.modify(json!({
        "EngineVersion": "8.4", "AllowMajorVersionUpgrade": true, "ApplyImmediately": true,
    }));
    desk.pass(MODIFIED);
    let group = &desk.database()["DBParameterGroups"][0]["DBParameterGroupName"];
    assert_eq!(group, "default.mysql8.4");
}

#[test]
fn a_new_password_takes_effect_and_shows_nowhere() {
    let mut desk = Desk::with_database();
    let change = desk.modify(json!({"MasterUserPassword": "battery-staple"}));
    assert_eq!(change["DBInstanceStatus"], "resetting-master-credentials");
    desk.pass(MODIFIED);
    let rds = &desk.world.region(REGION).rds;
    assert_eq!(rds.instances["flights"].password.0, "battery-staple");
    let shown = format!("{rds:?} {change}");
    assert!(!shown.contains("battery-staple") && !shown.contains("correct-horse"));
}

#[test]
fn tags_come_and_go_by_arn() {
    let mut desk = Desk::with_database();
    let arn = desk.database()["DBInstanceArn"].clone();
    let tag = json!({"ResourceName": arn, "Tags": [{"Key": "b", "Value": "2"}]});
    desk.rds("AddTagsToResource", tag);
    desk.rds(
        "RemoveTagsFromResource",
        json!({"ResourceName": arn, "TagKeys": ["a"]}),
    );
    let listed = desk.rds("ListTagsForResource", json!({"ResourceName": arn}));
    assert_eq!(listed["TagList"], json!([{"Key": "b", "Value": "2"}]));
    let all = super::tagged_arns(&desk.world, REGION);
    assert!(
        all.iter()
            .any(|(found, tags)| json!(found) == arn && tags.len() == 1)
    );
    let none = json!({"ResourceName": "arn:aws:rds:eu-central-1:123456789012:db:none"});
    assert_eq!(
        desk.rds_refused("ListTagsForResource", none),
        "DBInstanceNotFound"
    );
}

#[test]
fn filters_choose_and_unknown_ones_are_refused() {
    let mut desk = Desk::with_database();
    let filter = |name: &str, value: &str| json!({"Filters": [{"Name": name, "Values": [value]}]});
    let found = desk.rds("DescribeDBInstances", filter("engine", "mysql"));
    assert_eq!(found["DBInstances"].as_array().unwrap().len(), 1);
    let none = desk.rds("DescribeDBInstances", filter("engine", "postgres"));
    assert!(none["DBInstances"].as_array().unwrap().is_empty());
    let unknown = desk.rds_refused("DescribeDBInstances", filter("colour", "red"));
    assert_eq!(unknown, "InvalidParameterValue");
}

#[test]
fn versions_and_classes_on_offer_are_listed() {
    let mut desk = Desk::new();
    let newest = json!({"Engine": "mysql", "EngineVersion": "8.0", "DefaultOnly": true});
    let newest = desk.rds("DescribeDBEngineVersions", newest);
    assert_eq!(newest["DBEngineVersions"].as_array().unwrap().len(), 1);
    let version = newest["DBEngineVersions"][0]["EngineVersion"].clone();
    assert_eq!(
        newest["DBEngineVersions"][0]["DBParameterGroupFamily"],
        "mysql8.0"
    );
    let options =
        json!({"Engine": "mysql", "EngineVersion": version, "DBInstanceClass": "db.t3.micro"});
    let options = desk.rds("DescribeOrderableDBInstanceOptions", options);
    assert_eq!(
        options["OrderableDBInstanceOptions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let many = desk.rds(
        "DescribeOrderableDBInstanceOptions",
        json!({"Engine": "mysql"}),
    );
    assert_eq!(
        many["OrderableDBInstanceOptions"].as_array().unwrap().len(),
        100
    );
    assert!(many["Marker"].is_string());
}
