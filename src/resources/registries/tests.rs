//! Repositories in the sandbox: made, changed, changed behind our back, and deleted.

use std::collections::BTreeSet;

use serde_json::json;

use crate::address::Address;
use crate::cloud::Class;
use crate::resources::Owner;
use crate::resources::testing::Bench;

const REGISTRY: &str = r#"
[environment]
name = "demo"
region = "us-east-1"
[cloud]
provider = "sandbox"
[registries.flights]
name = "ms-flights"
immutable_tags = true
"#;

fn flights() -> Address {
    Address::of(&["registry", "flights"])
}

#[tokio::test(start_paused = true)]
async fn a_repository_lives_changes_and_goes_with_its_images() {
    let mut bench = Bench::new(REGISTRY);
    bench.up().await;
    assert_eq!(bench.differences().await, BTreeSet::new());
    let outputs = &bench.recorded[&flights()].outputs;
    assert!(outputs["uri"].ends_with("/ms-flights"), "{outputs:?}");
    let asked = bench.fields(&flights());
    let other = |field: &str| json!(!asked[field].as_bool().unwrap());
    for field in ["immutable_tags", "scan_on_push"] {
        bench.edits(&flights(), field, other(field)).await;
    }
    let tags = bench.one_more_tag(&flights());
    bench.edits(&flights(), "tags", tags).await;
    let put = bench
        .cloud
        .aws
        .ecr
        .put_image()
        .repository_name("ms-flights");
    let manifest =
        r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}"#;
    put.image_manifest(manifest)
        .image_tag("v1")
        .send()
        .await
        .unwrap();
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn anothers_repository_of_our_name_is_seen_as_anothers() {
    let bench = Bench::new(REGISTRY);
    let call = bench.cloud.aws.ecr.create_repository();
    call.repository_name("ms-flights").send().await.unwrap();
    let found = bench.observe().await;
    assert_eq!(found[0].owner, Owner::Other { lineage: None });
    let refused = bench.create(&flights()).await.unwrap_err();
    assert_eq!(refused.class, Class::Exists);
}
