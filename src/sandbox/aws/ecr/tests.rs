//! The registry's refusals and answers, row by row of FACTS.md §1 and §6 and the differences from moto.

use serde_json::{Value, json};

use super::*;
use crate::sandbox::aws::testing::{Desk, REGION};

fn ok(desk: &mut Desk, operation: &str, input: Value) -> Value {
    desk.ok("ecr", operation, input)
}

fn refused(desk: &mut Desk, operation: &str, input: Value) -> String {
    desk.refused("ecr", operation, input)
}

fn desk_with_repository() -> Desk {
    let mut desk = Desk::new();
    let repository = json!({
        "repositoryName": "ms-flights",
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": { "scanOnPush": true },
        "tags": [{ "Key": "groundwork:environment", "Value": "staging" }],
    });
    let made = ok(&mut desk, "CreateRepository", repository);
    assert_eq!(made["repository"]["imageTagMutability"], "IMMUTABLE");
    desk
}

fn make_mutable(desk: &mut Desk) {
    let mutable = json!({ "repositoryName": "ms-flights", "imageTagMutability": "MUTABLE" });
    ok(desk, "PutImageTagMutability", mutable);
}

fn image(repository: &str, manifest: &str, tag: &str) -> Value {
    json!({ "repositoryName": repository, "imageManifest": manifest, "imageTag": tag })
}

#[test]
fn create_repository_name_taken() {
    let mut desk = desk_with_repository();
    let named = json!({ "repositoryName": "ms-flights" });
    assert_eq!(
        refused(&mut desk, "CreateRepository", named),
        "RepositoryAlreadyExistsException"
    );
    let misnamed = json!({ "repositoryName": "Upper" });
    assert_eq!(
        refused(&mut desk, "CreateRepository", misnamed),
        "InvalidParameterException"
    );
}

#[test]
fn a_repository_is_described_as_it_was_made_and_changed() {
    let mut desk = desk_with_repository();
    let named = json!({ "repositoryNames": ["ms-flights"] });
    let told = ok(&mut desk, "DescribeRepositories", named.clone());
    let repository = &told["repositories"][0];
    assert_eq!(
        repository["repositoryUri"],
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ms-flights"
    );
    assert_eq!(repository["imageScanningConfiguration"]["scanOnPush"], true);

    make_mutable(&mut desk);
    let unscanned = json!({ "repositoryName": "ms-flights", "imageScanningConfiguration": { "scanOnPush": false } });
    ok(&mut desk, "PutImageScanningConfiguration", unscanned);
    let told = ok(&mut desk, "DescribeRepositories", named);
    let repository = &told["repositories"][0];
    assert_eq!(repository["imageTagMutability"], "MUTABLE");
    assert_eq!(
        repository["imageScanningConfiguration"]["scanOnPush"],
        false
    );

    let absent = json!({ "repositoryNames": ["ms-flights", "other"] });
    assert_eq!(
        refused(&mut desk, "DescribeRepositories", absent),
        "RepositoryNotFoundException"
    );
}

#[test]
fn repositories_come_in_pages() {
    let mut desk = desk_with_repository();
    ok(
        &mut desk,
        "CreateRepository",
        json!({ "repositoryName": "a" .repeat(2) }),
    );
    let first = ok(
        &mut desk,
        "DescribeRepositories",
        json!({ "maxResults": 1 }),
    );
    assert_eq!(first["repositories"][0]["repositoryName"], "aa");
    let next = json!({ "maxResults": 1, "nextToken": first["nextToken"] });
    let second = ok(&mut desk, "DescribeRepositories", next);
    assert_eq!(second["repositories"][0]["repositoryName"], "ms-flights");
    assert!(second.get("nextToken").is_none());
}

#[test]
fn delete_repository_with_images_needs_force() {
    let mut desk = desk_with_repository();
    ok(&mut desk, "PutImage", image("ms-flights", "{}", "v1"));
    let named = json!({ "repositoryName": "ms-flights" });
    assert_eq!(
        refused(&mut desk, "DeleteRepository", named.clone()),
        "RepositoryNotEmptyException"
    );
    let forced = json!({ "repositoryName": "ms-flights", "force": true });
    ok(&mut desk, "DeleteRepository", forced);
    assert_eq!(
        refused(&mut desk, "DeleteRepository", named),
        "RepositoryNotFoundException"
    );
}

#[test]
fn an_immutable_tag_never_moves_and_the_same_image_is_told_apart() {
    let mut desk = desk_with_repository();
    let (one, two) = ("{\"a\":1}", "{\"a\":2}");
    ok(&mut desk, "PutImage", image("ms-flights", one, "v1"));
    assert_eq!(
        refused(&mut desk, "PutImage", image("ms-flights", one, "v1")),
        "ImageAlreadyExistsException"
    );
    assert_eq!(
        refused(&mut desk, "PutImage", image("ms-flights", two, "v1")),
        "ImageTagAlreadyExistsException"
    );
    ok(&mut desk, "PutImage", image("ms-flights", one, "v2"));

    make_mutable(&mut desk);
    let moved = ok(&mut desk, "PutImage", image("ms-flights", two, "v1"));
    let named = json!({ "repositoryName": "ms-flights", "imageIds": [{ "imageTag": "v1" }] });
    let told = ok(&mut desk, "DescribeImages", named);
    assert_eq!(
        told["imageDetails"][0]["imageDigest"],
        moved["image"]["imageId"]["imageDigest"]
    );
    assert_eq!(told["imageDetails"][0]["imageTags"], json!(["v1"]));
}

#[test]
fn a_missing_image_is_a_failure_not_an_error() {
    let mut desk = desk_with_repository();
    let manifest = "{ \"layers\": [{\"digest\": \"sha256:aa\"}] }";
    let pushed = ok(&mut desk, "PutImage", image("ms-flights", manifest, "v1"));
    let wanted = json!({ "repositoryName": "ms-flights", "imageIds": [{ "imageTag": "v1" }, { "imageTag": "v9" }] });
    let told = ok(&mut desk, "BatchGetImage", wanted);
    assert_eq!(told["images"][0]["imageManifest"], manifest);
    assert_eq!(told["images"][0]["imageId"], pushed["image"]["imageId"]);
    assert_eq!(told["failures"][0]["failureCode"], "ImageNotFound");
    let strict = json!({ "repositoryName": "ms-flights", "imageIds": [{ "imageTag": "v9" }] });
    assert_eq!(
        refused(&mut desk, "DescribeImages", strict),
        "ImageNotFoundException"
    );
}

#[test]
fn a_manifest_needs_its_own_digest_and_its_layers() {
    let mut desk = desk_with_repository();
    let manifest = "{\"layers\":[{\"digest\":\"sha256:aa\"}]}";
    ok(&mut desk, "PutImage", image("ms-flights", manifest, "v1"));
    let other = json!({ "repositoryName": "other" });
    ok(&mut desk, "CreateRepository", other);
    assert_eq!(
        refused(&mut desk, "PutImage", image("other", manifest, "v1")),
        "LayersNotFoundException"
    );
    let mismatch =
        json!({ "repositoryName": "other", "imageManifest": "{}", "imageDigest": "sha256:00" });
    assert_eq!(
        refused(&mut desk, "PutImage", mismatch),
        "ImageDigestDoesNotMatchException"
    );
}

#[test]
fn images_go_with_their_last_tag() {
    let mut desk = desk_with_repository();
    for tag in ["v1", "v2"] {
        ok(&mut desk, "PutImage", image("ms-flights", "{}", tag));
    }
    for (tag, left) in [("v1", 1), ("v2", 0)] {
        let ids = json!({ "repositoryName": "ms-flights", "imageIds": [{ "imageTag": tag }] });
        ok(&mut desk, "BatchDeleteImage", ids);
        let all = json!({ "repositoryName": "ms-flights" });
        let listed = ok(&mut desk, "ListImages", all);
        assert_eq!(listed["imageIds"].as_array().map(Vec::len), Some(left));
    }
}

#[test]
fn tags_come_and_go_by_arn() {
    let mut desk = desk_with_repository();
    let arn = "arn:aws:ecr:eu-central-1:123456789012:repository/ms-flights";
    let new = json!({ "resourceArn": arn, "tags": [{ "Key": "owner", "Value": "platform" }] });
    ok(&mut desk, "TagResource", new);
    let old = json!({ "resourceArn": arn, "tagKeys": ["groundwork:environment"] });
    ok(&mut desk, "UntagResource", old);
    let told = ok(
        &mut desk,
        "ListTagsForResource",
        json!({ "resourceArn": arn }),
    );
    assert_eq!(
        told["tags"],
        json!([{ "Key": "owner", "Value": "platform" }])
    );
    assert_eq!(
        tagged_arns(&desk.world, REGION),
        [(
            arn.to_owned(),
            Tags::from([("owner".into(), "platform".into())])
        )]
    );
    let unknown = json!({ "resourceArn": format!("{arn}x"), "tags": [] });
    assert_eq!(
        refused(&mut desk, "TagResource", unknown),
        "RepositoryNotFoundException"
    );
}

#[test]
fn a_lifecycle_policy_is_kept_as_it_was_given() {
    let mut desk = desk_with_repository();
    let named = json!({ "repositoryName": "ms-flights" });
    assert_eq!(
        refused(&mut desk, "GetLifecyclePolicy", named.clone()),
        "LifecyclePolicyNotFoundException"
    );
    let policy = |text| json!({ "repositoryName": "ms-flights", "lifecyclePolicyText": text });
    let text = "{\"rules\": []}";
    ok(&mut desk, "PutLifecyclePolicy", policy(text));
    let kept = ok(&mut desk, "GetLifecyclePolicy", named);
    assert_eq!(kept["lifecyclePolicyText"], text);
    assert_eq!(
        refused(&mut desk, "PutLifecyclePolicy", policy("[]")),
        "InvalidParameterException"
    );
}
