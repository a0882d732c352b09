//! The whole of staging through its kinds: everything that is AWS, up, seen, and down to nothing.

use std::collections::BTreeSet;

use super::testing::Bench;
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
