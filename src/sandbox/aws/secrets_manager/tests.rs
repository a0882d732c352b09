//! The service's refusals, tokens and deletions, row by row of FACTS.md §1 and the differences from moto.

use serde_json::{Value as Json, json};

use super::*;
use crate::sandbox::aws::testing::{Desk, REGION};

const NAME: &str = "staging/mysql-password";
const TOKEN: &str = "11111111-1111-1111-1111-111111111111";
const OTHER_TOKEN: &str = "22222222-2222-2222-2222-222222222222";
const DAY: u64 = 24 * 60 * 60;

fn ok(desk: &mut Desk, operation: &str, input: Json) -> Json {
    desk.ok("secretsmanager", operation, input)
}

fn refused(desk: &mut Desk, operation: &str, input: Json) -> String {
    desk.refused("secretsmanager", operation, input)
}

fn creation(token: &str, value: &str) -> Json {
    json!({
        "Name": NAME,
        "Description": "Password of the microservices MySQL account",
        "ClientRequestToken": token,
        "SecretString": value,
        "Tags": [{ "Key": "groundwork:environment", "Value": "staging" }],
    })
}

fn named() -> Json {
    json!({ "SecretId": NAME })
}

fn desk_with_secret() -> Desk {
    let mut desk = Desk::new();
    ok(&mut desk, "CreateSecret", creation(TOKEN, "one"));
    desk
}

#[test]
fn create_secret_name_taken() {
    let mut desk = desk_with_secret();
    assert_eq!(
        refused(&mut desk, "CreateSecret", creation(OTHER_TOKEN, "one")),
        "ResourceExistsException"
    );
}

#[test]
fn the_same_token_with_the_same_data_makes_nothing_new() {
    let mut desk = desk_with_secret();
    let told = ok(&mut desk, "DescribeSecret", named());
    let again = ok(&mut desk, "CreateSecret", creation(TOKEN, "one"));
    assert_eq!(
        (&again["ARN"], &again["VersionId"]),
        (&told["ARN"], &json!(TOKEN))
    );
    assert_eq!(
        refused(&mut desk, "CreateSecret", creation(TOKEN, "two")),
        "ResourceExistsException"
    );

    let put = |token, value| json!({ "SecretId": NAME, "ClientRequestToken": token, "SecretString": value });
    ok(&mut desk, "PutSecretValue", put(OTHER_TOKEN, "two"));
    ok(&mut desk, "PutSecretValue", put(OTHER_TOKEN, "two"));
    assert_eq!(
        refused(&mut desk, "PutSecretValue", put(OTHER_TOKEN, "three")),
        "ResourceExistsException"
    );
    let versions = ok(&mut desk, "ListSecretVersionIds", named());
    assert_eq!(versions["Versions"].as_array().map(Vec::len), Some(2));
}

#[test]
fn an_arn_ends_with_six_characters_of_its_own() {
    let mut desk = desk_with_secret();
    let told = ok(&mut desk, "DescribeSecret", named());
    let arn = told["ARN"].as_str().unwrap_or_default().to_owned();
    let prefix = format!("arn:aws:secretsmanager:{REGION}:123456789012:secret:{NAME}");
    assert_eq!(arn.strip_prefix(&prefix).map(str::len), Some(7));
    for id in [arn, prefix] {
        let value = ok(&mut desk, "GetSecretValue", json!({ "SecretId": id }));
        assert_eq!(value["SecretString"], "one");
    }
}

#[test]
fn labels_follow_the_value() {
    let mut desk = desk_with_secret();
    let put = json!({ "SecretId": NAME, "ClientRequestToken": OTHER_TOKEN, "SecretString": "two" });
    ok(&mut desk, "PutSecretValue", put);
    let at = |stage: &str| json!({ "SecretId": NAME, "VersionStage": stage });
    assert_eq!(
        ok(&mut desk, "GetSecretValue", named())["SecretString"],
        "two"
    );
    assert_eq!(
        ok(&mut desk, "GetSecretValue", at(PREVIOUS))["SecretString"],
        "one"
    );
    let told = ok(&mut desk, "DescribeSecret", named());
    assert_eq!(
        told["VersionIdsToStages"],
        json!({ TOKEN: [PREVIOUS], OTHER_TOKEN: [CURRENT] })
    );
    assert_eq!(
        refused(&mut desk, "GetSecretValue", at("NONE")),
        "ResourceNotFoundException"
    );
    let update = json!({ "SecretId": NAME, "Description": "new", "KmsKeyId": "alias/mine" });
    ok(&mut desk, "UpdateSecret", update);
    let told = ok(&mut desk, "DescribeSecret", named());
    assert_eq!(
        (&told["Description"], &told["KmsKeyId"]),
        (&json!("new"), &json!("alias/mine"))
    );
}

#[test]
fn a_scheduled_secret_keeps_its_name_for_the_whole_window() {
    let mut desk = desk_with_secret();
    let window = json!({ "SecretId": NAME, "RecoveryWindowInDays": 7 });
    ok(&mut desk, "DeleteSecret", window.clone());
    for (operation, input) in [
        ("CreateSecret", creation(OTHER_TOKEN, "two")),
        ("GetSecretValue", named()),
        (
            "PutSecretValue",
            json!({ "SecretId": NAME, "SecretString": "two" }),
        ),
        ("DeleteSecret", window),
    ] {
        assert_eq!(
            refused(&mut desk, operation, input),
            "InvalidRequestException",
            "{operation}"
        );
    }
    let listed = |desk: &mut Desk, planned: bool| {
        let input = json!({ "IncludePlannedDeletion": planned });
        let told = ok(desk, "ListSecrets", input);
        told["SecretList"].as_array().map(Vec::len)
    };
    assert_eq!(
        (listed(&mut desk, false), listed(&mut desk, true)),
        (Some(0), Some(1))
    );

    desk.pass(7 * DAY - 1);
    assert!(ok(&mut desk, "DescribeSecret", named())["DeletedDate"].is_string());
    desk.pass(1);
    assert_eq!(
        refused(&mut desk, "DescribeSecret", named()),
        "ResourceNotFoundException"
    );
    ok(&mut desk, "CreateSecret", creation(OTHER_TOKEN, "two"));
}

#[test]
fn a_restored_secret_outlives_its_old_window() {
    let mut desk = desk_with_secret();
    ok(&mut desk, "DeleteSecret", named());
    ok(&mut desk, "RestoreSecret", named());
    let put = json!({ "SecretId": NAME, "SecretString": "two" });
    ok(&mut desk, "PutSecretValue", put);
    desk.pass(31 * DAY);
    assert_eq!(
        ok(&mut desk, "GetSecretValue", named())["SecretString"],
        "two"
    );
}

#[test]
fn a_forced_deletion_is_through_a_moment_later() {
    let mut desk = desk_with_secret();
    let forced = json!({ "SecretId": NAME, "ForceDeleteWithoutRecovery": true });
    ok(&mut desk, "DeleteSecret", forced.clone());
    assert_eq!(
        refused(&mut desk, "CreateSecret", creation(OTHER_TOKEN, "two")),
        "InvalidRequestException"
    );
    assert_eq!(
        refused(&mut desk, "RestoreSecret", named()),
        "ResourceNotFoundException"
    );
    desk.pass(crate::sandbox::durations::SECRET_FORCE_DELETE);
    assert_eq!(
        refused(&mut desk, "DescribeSecret", named()),
        "ResourceNotFoundException"
    );
    ok(&mut desk, "DeleteSecret", forced);
    ok(&mut desk, "CreateSecret", creation(OTHER_TOKEN, "two"));
}

#[test]
fn windows_have_limits_and_exclude_force() {
    let mut desk = desk_with_secret();
    for input in [
        json!({ "SecretId": NAME, "RecoveryWindowInDays": 6 }),
        json!({ "SecretId": NAME, "RecoveryWindowInDays": 31 }),
        json!({ "SecretId": NAME, "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true }),
    ] {
        assert_eq!(
            refused(&mut desk, "DeleteSecret", input),
            "InvalidParameterException"
        );
    }
    assert_eq!(
        refused(&mut desk, "DeleteSecret", json!({ "SecretId": "other" })),
        "ResourceNotFoundException"
    );
}

#[test]
fn filters_are_prefixes_and_join() {
    let mut desk = desk_with_secret();
    ok(
        &mut desk,
        "CreateSecret",
        json!({ "Name": "demo/password", "SecretString": "x" }),
    );
    let mut names = |filters: Json| -> Vec<String> {
        let told = ok(&mut desk, "ListSecrets", json!({ "Filters": filters }));
        let list = told["SecretList"].as_array().cloned().unwrap_or_default();
        let names = list.iter().filter_map(|secret| secret["Name"].as_str());
        names.map(str::to_owned).collect()
    };
    let filter = |key: &str, value: &str| json!({ "Key": key, "Values": [value] });
    assert_eq!(names(json!([filter("name", "staging/")])), [NAME]);
    assert_eq!(
        names(json!([filter("name", "!staging/")])),
        ["demo/password"]
    );
    assert_eq!(names(json!([filter("tag-key", "groundwork:")])), [NAME]);
    assert_eq!(names(json!([filter("description", "password of")])), [NAME]);
    let both = json!([
        filter("tag-key", "groundwork:"),
        filter("tag-value", "demo")
    ]);
    assert!(names(both).is_empty());
    let unknown = json!({ "Filters": [filter("colour", "red")] });
    assert_eq!(
        refused(&mut desk, "ListSecrets", unknown),
        "ValidationException"
    );
}

#[test]
fn many_values_come_at_once_with_what_failed_beside_them() {
    let mut desk = desk_with_secret();
    let ids = json!({ "SecretIdList": [NAME, "none"] });
    let told = ok(&mut desk, "BatchGetSecretValue", ids);
    assert_eq!(told["SecretValues"][0]["SecretString"], "one");
    assert_eq!(told["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
    let filters =
        json!({ "Filters": [{ "Key": "tag-key", "Values": ["groundwork:environment"] }] });
    let told = ok(&mut desk, "BatchGetSecretValue", filters);
    assert_eq!(told["SecretValues"][0]["Name"], NAME);
    assert_eq!(
        refused(&mut desk, "BatchGetSecretValue", json!({})),
        "InvalidParameterException"
    );
}

#[test]
fn tags_come_and_go() {
    let mut desk = desk_with_secret();
    let new = json!({ "SecretId": NAME, "Tags": [{ "Key": "owner", "Value": "platform" }] });
    ok(&mut desk, "TagResource", new);
    let old = json!({ "SecretId": NAME, "TagKeys": ["groundwork:environment"] });
    ok(&mut desk, "UntagResource", old);
    let tagged = tagged_arns(&desk.world, REGION);
    assert_eq!(
        tagged[0].1,
        Tags::from([("owner".into(), "platform".into())])
    );
    let reserved = json!({ "SecretId": NAME, "Tags": [{ "Key": "aws:x", "Value": "" }] });
    assert_eq!(
        refused(&mut desk, "TagResource", reserved),
        "InvalidParameterException"
    );
}

#[test]
fn passwords_hold_every_class_and_nothing_excluded() {
    let mut desk = Desk::new();
    let wanted =
        json!({ "PasswordLength": 8, "ExcludePunctuation": true, "ExcludeCharacters": "aA0" });
    for _ in 0..50 {
        let told = ok(&mut desk, "GetRandomPassword", wanted.clone());
        let password = told["RandomPassword"].as_str().unwrap_or_default();
        assert_eq!(password.len(), 8);
        assert!(
            password
                .chars()
                .all(|c| c.is_ascii_alphanumeric() && !"aA0".contains(c))
        );
        assert!(
            password.contains(|c: char| c.is_ascii_digit()),
            "{password}"
        );
        assert!(
            password.contains(|c: char| c.is_ascii_lowercase()),
            "{password}"
        );
        assert!(
            password.contains(|c: char| c.is_ascii_uppercase()),
            "{password}"
        );
    }
}

#[test]
fn values_never_show_in_debug_output() {
    let mut desk = Desk::new();
    ok(&mut desk, "CreateSecret", creation(TOKEN, "s3cr3t-value"));
    assert!(!format!("{:?}", desk.world).contains("s3cr3t-value"));
}
