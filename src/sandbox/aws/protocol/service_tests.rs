//! The answers of IAM, Route 53, ECR and Secrets Manager as the official SDK clients read them.

use aws_sdk_iam::types::EntityType;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord, ResourceRecordSet, RrType,
    Tag, TagResourceType, Vpc, VpcRegion,
};

use super::tests::{code, fixture};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

#[tokio::test(start_paused = true)]
async fn iam_tells_the_accounts_details() {
    let fixture = fixture();
    let client = aws_sdk_iam::Client::new(&fixture.config());
    let tag = aws_sdk_iam::types::Tag::builder();
    let tag = tag.key("owner").value("platform").build().expect("a tag");
    let create = || {
        client
            .create_role()
            .role_name("control")
            .assume_role_policy_document(TRUST)
            .tags(tag.clone())
    };
    create().send().await.expect("a role");
    let again = create().send().await.expect_err("the name is taken");
    assert_eq!(code(&again), Some("EntityAlreadyExists"));
    client
        .attach_role_policy()
        .role_name("control")
        .policy_arn("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
        .send()
        .await
        .expect("an attached policy");
    let details = client
        .get_account_authorization_details()
        .filter(EntityType::Role)
        .filter(EntityType::User)
        .send()
        .await
        .expect("details");
    let role = &details.role_detail_list()[0];
    assert_eq!(role.tags()[0].value(), "platform");
    assert_eq!(
        role.attached_managed_policies()[0].policy_name(),
        Some("AmazonEKSClusterPolicy")
    );
    let trust = role.assume_role_policy_document().unwrap_or_default();
    let trust = percent_encoding::percent_decode_str(trust).decode_utf8();
    assert_eq!(trust.expect("text"), TRUST);
    assert_eq!(
        details.user_detail_list()[0].user_name(),
        Some("ops-account")
    );
    assert!(!details.is_truncated());
    assert!(details.policies().is_empty());
}

#[tokio::test(start_paused = true)]
async fn route_53_keeps_private_zones_and_their_records() {
    let fixture = fixture();
    let config = fixture.config();
    let vpc = aws_sdk_ec2::Client::new(&config)
        .create_vpc()
        .cidr_block("10.10.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let vpc = vpc.vpc().and_then(|vpc| vpc.vpc_id()).expect("its id");
    let client = aws_sdk_route53::Client::new(&config);
    let seen_by = Vpc::builder()
        .vpc_id(vpc)
        .vpc_region(VpcRegion::EuCentral1)
        .build();
    let made = client
        .create_hosted_zone()
        .name("staging.msur-vpc.com")
        .caller_reference("one")
        .vpc(seen_by)
        .send()
        .await
        .expect("a zone");
    assert!(made.location().contains("/hostedzone/Z"));
    let zone = made.hosted_zone().expect("it is described").id();

    let value = ResourceRecord::builder().value("db.example.com").build();
    let record = ResourceRecordSet::builder()
        .name("rds.staging.msur-vpc.com")
        .r#type(RrType::Cname)
        .ttl(300)
        .resource_records(value.expect("a value"))
        .build()
        .expect("a record");
    let change = |action| {
        let change = Change::builder()
            .action(action)
            .resource_record_set(record.clone())
            .build();
        let batch = ChangeBatch::builder().changes(change.expect("a change"));
        client
            .change_resource_record_sets()
            .hosted_zone_id(zone)
            .change_batch(batch.build().expect("a batch"))
            .send()
    };
    let told = change(ChangeAction::Create).await.expect("a change");
    let info = told.change_info().expect("it is described");
    assert_eq!(info.status(), &ChangeStatus::Pending);
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let told = client.get_change().id(info.id()).send().await;
    let told = told.expect("the change");
    assert_eq!(
        told.change_info().map(|info| info.status()),
        Some(&ChangeStatus::Insync)
    );
    let again = change(ChangeAction::Create).await;
    assert_eq!(
        code(&again.expect_err("the record exists")),
        Some("InvalidChangeBatch")
    );

    let listed = client.list_resource_record_sets().hosted_zone_id(zone);
    let listed = listed.send().await.expect("records");
    let record = &listed.resource_record_sets()[2];
    assert_eq!(record.name(), "rds.staging.msur-vpc.com.");
    assert_eq!(record.resource_records()[0].value(), "db.example.com");
    assert_eq!(record.ttl(), Some(300));

    let id = zone.trim_start_matches("/hostedzone/");
    client
        .change_tags_for_resource()
        .resource_type(TagResourceType::Hostedzone)
        .resource_id(id)
        .add_tags(Tag::builder().key("owner").value("platform").build())
        .send()
        .await
        .expect("a tag");
    let tags = client
        .list_tags_for_resources()
        .resource_type(TagResourceType::Hostedzone)
        .resource_ids(id)
        .send()
        .await
        .expect("tags");
    assert_eq!(
        tags.resource_tag_sets()[0].tags()[0].value(),
        Some("platform")
    );
    let by_vpc = client
        .list_hosted_zones_by_vpc()
        .vpc_id(vpc)
        .vpc_region(VpcRegion::EuCentral1)
        .send()
        .await
        .expect("zones");
    assert_eq!(by_vpc.hosted_zone_summaries()[0].hosted_zone_id(), id);
    let full = client.delete_hosted_zone().id(zone).send().await;
    let full = full.expect_err("it has a record");
    assert!(
        full.as_service_error()
            .is_some_and(|error| error.is_hosted_zone_not_empty()),
        "{full:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn ecr_keeps_repositories_and_manifests() {
    let fixture = fixture();
    let client = aws_sdk_ecr::Client::new(&fixture.config());
    let create = || client.create_repository().repository_name("ms-flights");
    create()
        .image_tag_mutability(aws_sdk_ecr::types::ImageTagMutability::Immutable)
        .send()
        .await
        .expect("a repository");
    let again = create().send().await.expect_err("the name is taken");
    assert!(
        again
            .as_service_error()
            .is_some_and(|error| error.is_repository_already_exists_exception()),
        "{again:?}"
    );
    let put = |manifest: &str| {
        client
            .put_image()
            .repository_name("ms-flights")
            .image_manifest(manifest)
            .image_tag("v1")
            .send()
    };
    put("{}").await.expect("an image");
    let moved = put("{ }").await.expect_err("the tag is immutable");
    assert!(
        moved
            .as_service_error()
            .is_some_and(|error| error.is_image_tag_already_exists_exception()),
        "{moved:?}"
    );
    let told = client.describe_repositories().send().await;
    let told = told.expect("repositories");
    assert_eq!(
        told.repositories()[0].created_at().map(|time| time.secs()),
        Some(1_767_225_600)
    );
}

#[tokio::test(start_paused = true)]
async fn secrets_manager_keeps_values_and_names() {
    let fixture = fixture();
    let client = aws_sdk_secretsmanager::Client::new(&fixture.config());
    let create = || {
        client
            .create_secret()
            .name("staging/mysql-password")
            .secret_string("hunter2")
            .send()
    };
    create().await.expect("a secret");
    let read = || {
        client
            .get_secret_value()
            .secret_id("staging/mysql-password")
            .send()
    };
    assert_eq!(
        read().await.expect("a value").secret_string(),
        Some("hunter2")
    );
    let listed = client.list_secrets().send().await.expect("secrets");
    let versions = listed.secret_list()[0].secret_versions_to_stages();
    let stages: Vec<_> = versions.into_iter().flat_map(|map| map.values()).collect();
    assert_eq!(stages, [&vec!["AWSCURRENT".to_owned()]]);

    client
        .delete_secret()
        .secret_id("staging/mysql-password")
        .force_delete_without_recovery(true)
        .send()
        .await
        .expect("a deletion");
    let early = create().await.expect_err("the name is still taken");
    assert_eq!(code(&early), Some("InvalidRequestException"));
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let gone = read().await.expect_err("it is gone");
    assert_eq!(code(&gone), Some("ResourceNotFoundException"));
    create().await.expect("the name is free again");
}
