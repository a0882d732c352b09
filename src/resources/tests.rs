//! The whole of staging through its kinds: everything that is AWS, up, seen, and down to nothing.

use std::collections::BTreeSet;

use super::Owner;
use super::network::vpc as vpc_address;
use super::testing::Bench;
use crate::address::Address;
use crate::sandbox::faults::Misbehaviour;

#[tokio::test(start_paused = true)]
async fn staging_goes_up_is_seen_in_25_requests_and_comes_down_to_nothing() {
    let mut bench = Bench::new(include_str!("../../environments/staging.toml"));
    bench.up().await;
    let before = bench.requests();
    let differences = bench.differences().await;
    let requests = bench.requests() - before;
    assert_eq!(differences, BTreeSet::new());
    assert!(requests <= 25, "{requests} requests");
    bench.down().await;
    assert_eq!(bench.observe().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_lost_state_is_found_again_by_tags_and_names() {
    let mut bench = Bench::new(include_str!("../../environments/staging.toml"));
    bench.up().await;
    let recorded = std::mem::take(&mut bench.recorded);
    let found = bench.observe().await;
    for (address, recorded) in &recorded {
        let found = found.iter().find(|found| found.address == *address);
        let found = found.unwrap_or_else(|| panic!("{address} is not found"));
        assert!(found.is_ours_at(address), "{address} is not ours");
        assert_eq!(found.id, recorded.id);
        assert_eq!(found.outputs, recorded.outputs, "{address}");
    }
    // Also with a file that asks for nothing: what nobody asks for is found, to be removed.
    bench.desired.clear();
    let found = bench.observe().await;
    let orphans: BTreeSet<&str> = found.iter().map(|found| found.kind).collect();
    for recorded in recorded.values() {
        // A record takes no tags: it is ours because somebody asks for it in our zone.
        let tagged = recorded.kind != "dns.record";
        assert!(
            !tagged || orphans.contains(recorded.kind.as_str()),
            "{}",
            recorded.kind
        );
    }
}

/// A run that is killed right after a create must find what it made, and must not think that it has to be replaced.
#[tokio::test(start_paused = true)]
async fn what_is_still_being_made_is_found_and_is_not_to_be_replaced() {
    let mut bench = Bench::new(include_str!("../../environments/staging.toml"));
    for address in bench.order() {
        let id = bench
            .create(&address)
            .await
            .unwrap_or_else(|fault| panic!("{address}: {fault}"));
        let found = bench.observe().await;
        let found = found.iter().find(|found| found.address == address);
        let found = found.unwrap_or_else(|| panic!("{address} is not found"));
        assert_eq!(found.id, id);
        assert_eq!(
            bench.replacing(&address, found),
            Vec::<&str>::new(),
            "{address}"
        );
        bench.converge(&address, &id).await;
    }
}

/// A run was killed in a create, and then the file no longer asks for what was begun, or asks for it elsewhere: it is
/// found by what the journal holds, although the index of tags does not tell of it yet.
#[tokio::test(start_paused = true)]
async fn what_was_begun_is_found_without_the_file_and_without_the_index_of_tags() {
    let mut bench = Bench::new(include_str!("../../environments/staging.toml"));
    bench.late(&["GetResources"]);
    bench.observe().await;
    for address in bench.order() {
        let id = bench
            .create(&address)
            .await
            .unwrap_or_else(|fault| panic!("{address}: {fault}"));
        bench.leave_open(&address, None);
        let desired = std::mem::take(&mut bench.desired);
        let found = bench.observe().await;
        let found = found.iter().find(|found| found.address == address);
        let found = found.unwrap_or_else(|| panic!("{address} is not found"));
        assert!(found.is_ours_at(&address), "{address} is not ours");
        assert_eq!(found.id, id);
        bench.desired = desired;
        bench.open.clear();
        bench.converge(&address, &id).await;
    }
}

/// What the cloud gave us an id for is ours, whether its tags can be seen or not; what only has a name like it is not.
#[tokio::test(start_paused = true)]
async fn what_was_begun_is_ours_by_its_id_and_not_by_its_name() {
    let mut bench = Bench::new(include_str!("../../environments/staging.toml"));
    let vpc = bench.cloud.aws.ec2.create_vpc().cidr_block("10.10.0.0/16");
    let made = vpc.send().await.expect("a VPC").vpc.expect("a VPC");
    let id = made.vpc_id().expect("an id");
    let address = vpc_address();
    bench.leave_open(&address, None);
    assert_eq!(bench.observe().await, []);
    bench.leave_open(&address, Some(id));
    let found = bench.observe().await;
    assert_eq!(found.len(), 1);
    assert!(found[0].is_ours_at(&address));
    let registry = Address::of(&["registry", "flights"]);
    let name = bench.desired[&registry].name.clone();
    let call = bench.cloud.aws.ecr.create_repository();
    call.repository_name(&name).send().await.expect("theirs");
    bench.leave_open(&registry, None);
    let found = bench.observe().await;
    let found = found.iter().find(|found| found.address == registry);
    let owner = &found.expect("it is seen").owner;
    assert_eq!(*owner, Owner::Other { lineage: None });
}

/// Each list call that fails leaves something unknown; nothing of ours is taken for absent.
#[tokio::test(start_paused = true)]
async fn a_list_call_that_fails_leaves_its_kinds_unknown() {
    let mut bench = Bench::new(include_str!("../../environments/staging.toml"));
    bench.up().await;
    let rows: [(&str, &[&str]); 14] = [
        ("DescribeVpcs", &["network.vpc"]),
        ("DescribeVpcAttribute", &["network.vpc"]),
        ("DescribeSubnets", &["network.subnet"]),
        ("DescribeInternetGateways", &["network.internet-gateway"]),
        ("DescribeAddresses", &["network.address"]),
        ("DescribeNatGateways", &["network.nat-gateway"]),
        ("DescribeRouteTables", &["network.route-table"]),
        (
            "DescribeSecurityGroups",
            &["network.security-group", "network.security-group-rule"],
        ),
        ("DescribeCluster", &["cluster.control-plane"]),
        ("DescribeNodegroup", &["cluster.node-group"]),
        ("DescribeDBInstances", &["database.instance"]),
        ("DescribeDBSubnetGroups", &["database.subnet-group"]),
        ("DescribeCacheClusters", &["cache.replication-group"]),
        ("GetAccountAuthorizationDetails", &["iam.role"]),
    ];
    for (operation, kinds) in rows {
        bench.sandbox.faults().set(Misbehaviour {
            failing_reads: [operation.to_owned()].into(),
            ..Misbehaviour::default()
        });
        let unseen = bench.unseen().await;
        for kind in kinds {
            assert!(unseen.contains(kind), "{kind} without {operation}");
        }
        assert!(
            unseen.iter().all(|kind| kinds.contains(kind)) || operation.starts_with("Get"),
            "{unseen:?} without {operation}"
        );
    }
}
