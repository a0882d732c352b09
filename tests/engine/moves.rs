//! Subnets that the file calls otherwise stay where they are; what takes their place comes only once they are gone.

use groundwork::environment::Environment;
use groundwork::ops::{Confirmed, Planned, Session};
use groundwork::plan::{Danger, Goal, Verb};
use groundwork::state::Recorded;

use crate::bench::{applied, session, session_on, staging};
use crate::common::{World, carry_out_with, remembered};

fn lines(planned: &Planned) -> Vec<String> {
    let work = planned.plan.work();
    work.map(|action| format!("{:?} {}: {}", action.verb, action.address, action.reason))
        .collect()
}

/// Calls subnets by other keys, wherever the file speaks of them.
fn rename(environment: &mut Environment, renamed: &[(&str, &str)]) {
    let now = |key: &str| {
        let mut renamed = renamed.iter().filter(|(from, _)| *from == key);
        renamed.next().map_or(key, |(_, to)| to).to_owned()
    };
    let network = environment.network.as_mut().unwrap();
    let subnets = std::mem::take(&mut network.subnets).into_iter();
    network.subnets = subnets.map(|(key, it)| (now(&key), it)).collect();
    let gateways = network.nat_gateways.values_mut();
    let tables = network.route_tables.values_mut();
    let cluster = environment.cluster.as_mut().unwrap();
    let nodes = cluster.node_groups.values_mut();
    let databases = environment.databases.values_mut();
    let caches = environment.caches.values_mut();
    let keys = tables.flat_map(|table| &mut table.subnets);
    let keys = keys.chain(&mut cluster.subnets);
    let keys = keys.chain(nodes.flat_map(|nodes| &mut nodes.subnets));
    let keys = keys.chain(databases.flat_map(|database| &mut database.subnets));
    let keys = keys.chain(caches.flat_map(|cache| &mut cache.subnets));
    let keys = keys.chain(gateways.map(|gateway| &mut gateway.subnet));
    keys.for_each(|key| *key = now(key));
}

fn recorded(session: &Session, address: &str) -> Recorded {
    let state = remembered(session).unwrap();
    state.resources[&address.parse().unwrap()].clone()
}

async fn carry_out(session: &Session, planned: &Planned) {
    let lost = planned.plan.work();
    let lost = lost.filter(|action| action.danger == Some(Danger::LosesData));
    let data_loss = lost.map(|action| action.address.clone()).collect();
    carry_out_with(session, planned, &Confirmed { data_loss }).await;
    let again = session.plan(Goal::Apply).await.expect("a plan");
    assert_eq!(lines(&again), Vec::<String>::new());
}

/// Applies the file with subnets renamed, expecting these lines.
async fn renamed(world: &World, renamed: &[(&str, &str)], expected: &[&str]) {
    let mut environment = staging();
    rename(&mut environment, renamed);
    let edited = session_on(world, environment);
    let planned = edited.plan(Goal::Apply).await.expect("a plan");
    assert_eq!(lines(&planned), expected);
    let changes = world.sandbox.faults().changes();
    carry_out(&edited, &planned).await;
    // Of each only the tag that names it is written.
    let written = world.sandbox.faults().changes() - changes;
    assert_eq!(written, renamed.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_subnet_by_another_key_stays_and_so_does_all_that_stands_in_it() {
    let world = applied();
    let before = session(&world);
    let id = recorded(&before, "network.subnet.private-a").id;
    let there_and_back = [("private-a", "inner"), ("public-b", "outer")];
    let expected = [
        "Update network.subnet.inner: it was network.subnet.private-a; the file changes tags",
        "Update network.subnet.outer: it was network.subnet.public-b; the file changes tags",
        "Forget network.subnet.private-a: it goes on as network.subnet.inner",
        "Forget network.subnet.public-b: it goes on as network.subnet.outer",
    ];
    renamed(&world, &there_and_back, &expected).await;
    assert_eq!(recorded(&before, "network.subnet.inner").id, id);
    let planned = before.plan(Goal::Apply).await.expect("a plan");
    assert_eq!(planned.plan.work().count(), 4);
    carry_out(&before, &planned).await;
    assert_eq!(recorded(&before, "network.subnet.private-a").id, id);
}

/// Nothing is taken for surplus when each stands where another stood.
#[tokio::test(start_paused = true)]
async fn subnets_that_change_their_keys_around_stay() {
    let world = applied();
    let round = [
        ("private-a", "private-b"),
        ("private-b", "public-a"),
        ("public-a", "private-a"),
    ];
    let expected = [
        "Update network.subnet.private-a: it was network.subnet.public-a; the file changes tags",
        "Update network.subnet.private-b: it was network.subnet.private-a; the file changes tags",
        "Update network.subnet.public-a: it was network.subnet.private-b; the file changes tags",
    ];
    renamed(&world, &round, &expected).await;
}

/// A smaller block within that of a subnet that goes: AWS refuses it while the other stands. What stands in the
/// old one goes first, and its data only with consent.
#[tokio::test(start_paused = true)]
async fn a_block_within_another_is_taken_once_that_one_is_gone() {
    let world = applied();
    let mut environment = staging();
    rename(&mut environment, &[("private-a", "inner")]);
    let network = environment.network.as_mut().unwrap();
    let inner = network.subnets.get_mut("inner").unwrap();
    inner.cidr = format!("{}/19", inner.cidr.addr()).parse().unwrap();
    let edited = session_on(&world, environment);
    let planned = edited.plan(Goal::Apply).await.expect("a plan");
    for (address, verb, danger) in [
        ("network.subnet.private-a", Verb::Delete, None),
        ("network.subnet.inner", Verb::Create, None),
        (
            "database.microservices.instance",
            Verb::Replace,
            Some(Danger::LosesData),
        ),
        (
            "cache.microservices.replication-group",
            Verb::Replace,
            Some(Danger::LosesData),
        ),
    ] {
        let action = planned.plan.action(&address.parse().unwrap()).unwrap();
        assert_eq!((action.verb, action.danger), (verb, danger), "{action:#?}");
    }
    carry_out(&edited, &planned).await;
}
