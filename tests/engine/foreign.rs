//! What another lineage made under our names is neither adopted nor deleted.

use std::collections::BTreeSet;

use groundwork::ops::{Error, Session};
use groundwork::plan::{Goal, Refusal};
use groundwork::resources::{EXISTING_CLUSTER, LEFTOVERS, WORKLOADS, kinds};
use groundwork::state::Store;
use serde_json::json;

use crate::bench::{applied, session, session_on, staging};
use crate::common::World;
use crate::hands::Hands;

/// Kinds of which another lineage may have one of the same name: zones are told apart by their VPCs, and what stands
/// in a zone or in a cluster is only looked for in our own.
const NEVER_TAKEN: [&str; 14] = [
    EXISTING_CLUSTER,
    "dns.zone",
    "dns.record",
    "dns.alias",
    "bootstrap.namespace",
    "bootstrap.secret",
    "bootstrap.ingress",
    "bootstrap.agent",
    "bootstrap.application",
    "bootstrap.project",
    "bootstrap.release",
    "bootstrap.repository",
    WORKLOADS,
    LEFTOVERS,
];

/// Somebody else with the same file, who has never applied it.
fn stranger(world: &World) -> Session {
    let mut stranger = session(world);
    let root = world.folder.path().join("elsewhere");
    stranger.store = Store::local(&root, "sandbox", &stranger.account, "staging");
    stranger
}

async fn refusals(session: &Session) -> Vec<Refusal> {
    match session.plan(Goal::Apply).await {
        Err(Error::Refused { refusals, .. }) => refusals,
        Err(error) => panic!("{error:?}"),
        Ok(planned) => panic!("there is a plan: {:#?}", planned.plan.counts()),
    }
}

async fn is_untouched(session: &Session) {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let work: Vec<_> = planned.plan.work().collect();
    assert!(work.is_empty(), "{work:#?}");
}

async fn lineage(session: &Session) -> String {
    let state = session.store.load().await.unwrap().unwrap();
    state.lineage.to_string()
}

#[tokio::test(start_paused = true)]
async fn another_lineages_resources_are_refused_by_name() {
    let world = applied();
    let ours = session(&world);
    let lineage = lineage(&ours).await;
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

/// Without a state, destroy can't know whether these were ours; it touches none and sends to who does.
#[tokio::test(start_paused = true)]
async fn another_lineages_resources_survive_our_destroy() {
    let world = applied();
    let ours = session(&world);
    let lineage = lineage(&ours).await;
    let planned = stranger(&world).plan(Goal::Destroy).await;
    let Err(Error::Refused { refusals, .. }) = planned else {
        panic!("there is a plan");
    };
    assert!(refusals.len() > 20, "{refusals:#?}");
    for refusal in refusals {
        assert!(refusal.to_string().contains(&lineage), "{refusal}");
    }
    assert_eq!(world.sandbox.faults().changes(), 0);
    is_untouched(&ours).await;
}

/// What nobody's lineage is on may be anybody's.
#[tokio::test(start_paused = true)]
async fn what_was_made_by_hand_is_refused_as_well() {
    let world = applied();
    let hands = Hands::on(&world, &session(&world));
    let call = hands.aws.ecr.create_repository().repository_name("queue");
    call.send().await.unwrap();
    let path = "/api/v1/namespaces/microservices/secrets";
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "queue"}});
    hands.create(path, secret).await;

    let mut wanted = staging();
    let mut registry = wanted.registries["flights"].clone();
    registry.name = "queue".to_owned();
    wanted.registries.insert("queue".to_owned(), registry);
    let bootstrap = wanted.bootstrap.as_mut().unwrap();
    let mut secret = bootstrap.secrets["mysql"].clone();
    secret.name = "queue".to_owned();
    bootstrap.secrets.insert("queue".to_owned(), secret);

    let before = world.sandbox.faults().changes();
    let refusals = refusals(&session_on(&world, wanted)).await;
    let refused: Vec<String> = refusals.iter().map(Refusal::to_string).collect();
    assert_eq!(refused.len(), 2, "{refused:#?}");
    for address in ["bootstrap.secret.queue", "registry.queue"] {
        let mut of_this = refused.iter().filter(|text| text.starts_with(address));
        let text = of_this.next().expect(address);
        assert!(text.contains("was not made by groundwork"), "{text}");
    }
    assert_eq!(world.sandbox.faults().changes(), before);
}
