//! What another lineage made under our names is neither adopted nor deleted.

use std::collections::BTreeSet;

use groundwork::ops::{self, Error, Session};
use groundwork::plan::{Goal, Refusal};
use groundwork::resources::{LEFTOVERS, WORKLOADS, kinds};
use groundwork::state::LocalStore;
use serde_json::json;

use crate::bench::{applied, session};
use crate::common::{Silence, World, never_stopped};
use crate::hands::Hands;

/// Kinds of which another lineage may have one of the same name: zones are told apart by their VPCs, and what stands
/// in a zone or in a cluster is only looked for in our own.
const NEVER_TAKEN: [&str; 9] = [
    "dns.zone",
    "dns.record",
    "bootstrap.namespace",
    "bootstrap.secret",
    "bootstrap.ingress",
    "bootstrap.agent",
    "bootstrap.application",
    WORKLOADS,
    LEFTOVERS,
];

/// Somebody else with the same file, who has never applied it.
fn stranger(world: &World) -> Session {
    let mut stranger = session(world);
    let root = world.folder.path().join("elsewhere");
    stranger.store = LocalStore::new(&root, "sandbox", &stranger.account, "staging");
    stranger
}

async fn refusals(session: &Session) -> Vec<Refusal> {
    match session.plan(Goal::Apply).await {
        Err(Error::Refused(refusals)) => refusals,
        Err(error) => panic!("{error:?}"),
        Ok(planned) => panic!("there is a plan: {:#?}", planned.plan.counts()),
    }
}

async fn is_untouched(session: &Session) {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let work: Vec<_> = planned.plan.work().collect();
    assert!(work.is_empty(), "{work:#?}");
}

#[tokio::test(start_paused = true)]
async fn another_lineages_resources_are_refused_by_name() {
    let world = applied();
    let ours = session(&world);
    let lineage = ours.store.load().unwrap().unwrap().lineage.to_string();
    let mut refused = BTreeSet::new();
    for refusal in refusals(&stranger(&world)).await {
        let text = refusal.to_string();
        let Refusal::Foreign {
            kind,
            name,
            lineage: theirs,
            ..
        } = refusal
        else {
            panic!("{text}");
        };
        assert_eq!(theirs.as_ref(), Some(&lineage), "{text}");
        assert!(text.contains(&name) && text.contains(&lineage), "{text}");
        refused.insert(kind);
    }
    let known = kinds().iter().map(|kind| kind.name().to_owned());
    let takeable = known.filter(|kind| !NEVER_TAKEN.contains(&kind.as_str()));
    assert_eq!(refused, takeable.collect());
    assert_eq!(world.sandbox.faults().changes(), 0);
    is_untouched(&ours).await;
}

#[tokio::test(start_paused = true)]
async fn another_lineages_resources_survive_our_destroy() {
    let world = applied();
    let stranger = stranger(&world);
    let planned = stranger.plan(Goal::Destroy).await.expect("a plan");
    let work: Vec<_> = planned.plan.work().collect();
    assert!(work.is_empty(), "{work:#?}");
    let teardown = ops::destroy(&stranger, &planned, &Silence, never_stopped());
    let teardown = teardown.await.expect("a run");
    assert_eq!(teardown.remains, Vec::new());
    assert_eq!(world.sandbox.faults().changes(), 0);
    is_untouched(&session(&world)).await;
}

/// What nobody's lineage is on may be anybody's.
#[tokio::test(start_paused = true)]
async fn what_was_made_by_hand_is_refused_as_well() {
    let world = applied();
    let ours = session(&world);
    let hands = Hands::on(&world, &ours);
    let (aws, registry) = (&hands.aws, hands.id("registry.flights"));
    let call = aws.ecr.delete_repository().repository_name(registry);
    call.send().await.unwrap();
    let call = aws.ecr.create_repository().repository_name(registry);
    call.send().await.unwrap();
    let path = "/api/v1/namespaces/microservices/secrets";
    hands.delete(&format!("{path}/mysql")).await;
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mysql"}});
    hands.create(path, secret).await;

    let before = world.sandbox.faults().changes();
    let mut refused: Vec<String> = refusals(&ours)
        .await
        .iter()
        .map(Refusal::to_string)
        .collect();
    refused.sort();
    let expected = [
        ("bootstrap.secret.mysql", "was not made by groundwork"),
        ("registry.flights", "was not made by groundwork"),
    ];
    assert_eq!(refused.len(), expected.len(), "{refused:#?}");
    for (text, (address, words)) in refused.iter().zip(expected) {
        assert!(text.starts_with(address) && text.contains(words), "{text}");
    }
    assert_eq!(world.sandbox.faults().changes(), before);
}
