//! A state that was lost is put together again from the file and the cloud: the next plan is empty.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use groundwork::address::Address;
use groundwork::environment::Environment;
use groundwork::observe::Depth;
use groundwork::ops::{self, Confirmed, Error, Previous, Rebuilt, Session};
use groundwork::plan::{Goal, Verb};
use groundwork::resources::{TAG_ADDRESS, TAG_ENVIRONMENT, TAG_LINEAGE};
use groundwork::sandbox::faults::{Misbehaviour, Stop};
use groundwork::sandbox::{show, store::Effect};
use groundwork::state::{State, StoreError};
use uuid::Uuid;

use crate::bench::{applied, session, session_on, staging};
use crate::common::{Silence, World, apply, destroy, example, never_stopped, remembered};

/// What a load balancer needs to come, and what was deleted to be no longer listed.
const SETTLES: Duration = Duration::from_secs(60 * 60);

async fn document(world: &World) -> String {
    tokio::time::advance(SETTLES).await;
    let shown = world
        .sandbox
        .store()
        .transact(Effect::Reads, |world| show(world));
    serde_json::to_string_pretty(&shown.expect("a world")).expect("JSON")
}

/// Loses the state; gives what it was.
fn lose(session: &Session) -> State {
    let state = remembered(session);
    let file = session.store.file().expect("a folder");
    fs::remove_file(file).expect("a folder that can be written");
    state.expect("a state")
}

async fn put_together(session: &Session) -> Rebuilt {
    let rebuilt = ops::rebuild(session, None, Depth::Cluster).await;
    rebuilt.unwrap_or_else(|error| panic!("{error}: {error:?}"))
}

/// Rebuilds the state and writes it.
async fn rebuild(session: &Session) {
    let rebuilt = put_together(session).await;
    let kept = ops::take_over(session, &rebuilt)
        .await
        .expect("it is written");
    assert_eq!(kept, None);
}

async fn is_in_line(session: &Session) {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let work: Vec<_> = planned.plan.work().collect();
    assert!(work.is_empty(), "{work:#?}");
}

/// What a state says of every resource, but for when and as what its fields were applied.
fn told(state: &State) -> BTreeMap<&Address, (&str, &str, &BTreeMap<String, String>)> {
    let told = state.resources.iter();
    told.map(|(address, one)| (address, (one.id.as_str(), one.name.as_str(), &one.outputs)))
        .collect()
}

/// Loses the state of an environment in line with its file, rebuilds it, and tears the environment down by it.
async fn is_found_again(world: &World, session: &Session) {
    let lost = lose(session);
    let changes = world.sandbox.faults().changes();
    rebuild(session).await;
    assert_eq!(world.sandbox.faults().changes(), changes);
    let state = session.store.load().await.unwrap().expect("a state");
    assert_eq!(state.lineage, lost.lineage);
    assert_eq!(told(&state), told(&lost));
    for (address, one) in &state.resources {
        assert_eq!(
            one.depends_on, lost.resources[address].depends_on,
            "{address}"
        );
    }
    assert_eq!(session.ownership(&state), session.ownership(&lost));
    is_in_line(session).await;
    destroy(session).await;
    assert_eq!(document(world).await, document(&World::new()).await);
}

#[tokio::test(start_paused = true)]
async fn staging_is_found_again() {
    let world = World::new();
    let session = world.session(example("staging"));
    apply(&session).await;
    is_found_again(&world, &session).await;
}

/// Demo ends eight hours after it began, which only its tags tell once the state is gone.
#[tokio::test(start_paused = true)]
async fn demo_is_found_again() {
    let world = World::new();
    let session = world.session(example("demo"));
    apply(&session).await;
    tokio::time::advance(Duration::from_secs(3 * 60 * 60)).await;
    is_found_again(&world, &session).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_in_place_is_found_again() {
    let world = applied();
    let mut environment = staging();
    environment.owner = Some("flights".to_owned());
    let cluster = environment.cluster.as_mut().expect("a cluster");
    for nodes in cluster.node_groups.values_mut() {
        nodes.max += 2;
        nodes.labels.insert("team".to_owned(), "flights".to_owned());
    }
    for database in environment.databases.values_mut() {
        "db.t3.small".clone_into(&mut database.class);
        database.allow.insert("198.51.100.0/24".parse().unwrap());
    }
    let bootstrap = environment.bootstrap.as_mut().expect("a bootstrap");
    bootstrap.namespaces.insert("added".to_owned());
    let edited = session_on(&world, environment);
    apply(&edited).await;
    is_found_again(&world, &edited).await;
}

/// What the file no longer asks for is remembered as well, and goes; but for records, which tell of nobody.
#[tokio::test(start_paused = true)]
async fn what_the_file_forgot_is_found_again_and_goes() {
    let world = applied();
    let mut environment = staging();
    environment.load_balancer_names.clear();
    environment.smoke.clear();
    apply(&session_on(&world, environment.clone())).await;
    (environment.cluster, environment.bootstrap) = (None, None);
    environment.caches.clear();
    (environment.groups, environment.policies) = (BTreeMap::new(), BTreeMap::new());
    environment.registries.clear();
    let edited = session_on(&world, environment);
    lose(&edited);
    rebuild(&edited).await;
    let planned = edited.plan(Goal::Apply).await.expect("a plan");
    let verbs = planned.plan.counts();
    // What EKS keeps with a cluster goes with it.
    let verbs: Vec<_> = verbs.keys().collect();
    assert_eq!(verbs, [&Verb::Delete, &Verb::Forget]);
    destroy(&edited).await;
    assert_eq!(document(&world).await, document(&World::new()).await);
}

/// Brings the environment up until the world falls silent at this change; then nobody knows of anything.
async fn break_off(world: &World, session: &Session, stop: Stop) {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    world.sandbox.faults().set(Misbehaviour {
        stop: Some(stop),
        ..Misbehaviour::default()
    });
    let (confirmed, silence) = (Confirmed::default(), Silence);
    let run = ops::apply(session, &planned, &confirmed, &silence, never_stopped()).await;
    assert!(
        !run.expect("a report").is_complete(),
        "{stop:?} is too late"
    );
    lose(session);
    world.sandbox.faults().set(Misbehaviour::default());
}

/// Everything that is left when a run breaks off anywhere is found again, finished, and taken down.
#[tokio::test(start_paused = true)]
async fn what_is_half_made_is_found_again_and_finished() {
    let file = || {
        let mut environment = example("demo");
        let bootstrap = environment.bootstrap.as_mut().expect("a bootstrap");
        bootstrap.agent = None;
        environment
    };
    let undisturbed = World::new();
    let session = undisturbed.session(file());
    apply(&session).await;
    let changes = undisturbed.sandbox.faults().changes();
    let expected = names(&session);
    assert!(changes > 40, "{changes} changes");
    for last in (1..changes).step_by(3) {
        let stop = if last % 2 == 0 {
            Stop::Before(last)
        } else {
            Stop::After(last)
        };
        let world = World::new();
        let session = world.session(file());
        break_off(&world, &session, stop).await;
        match ops::rebuild(&session, None, Depth::Cluster).await {
            Ok(rebuilt) => drop(
                ops::take_over(&session, &rebuilt)
                    .await
                    .expect("it is written"),
            ),
            // Before the first change there is nothing to rebuild a state from.
            Err(Error::NothingToRebuild(_)) if last <= 2 => {}
            Err(error) => panic!("{stop:?}: {error}: {error:?}"),
        }
        apply(&session).await;
        is_in_line(&session).await;
        assert_eq!(names(&session), expected, "{stop:?}");
        destroy(&session).await;
        assert_eq!(
            document(&world).await,
            document(&World::new()).await,
            "{stop:?}"
        );
    }
}

/// A run was killed a moment ago, and for a while nobody sees what it made.
#[tokio::test(start_paused = true)]
async fn what_was_made_a_moment_ago_is_waited_for() {
    let world = World::new();
    let session = session_on(&world, staging());
    let faults = world.sandbox.faults();
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    faults.set(Misbehaviour {
        unanswered: 1000,
        lag: SETTLES,
        ..Misbehaviour::default()
    });
    let (confirmed, silence) = (Confirmed::default(), Silence);
    let run = ops::apply(&session, &planned, &confirmed, &silence, never_stopped());
    let killed = tokio::time::timeout(Duration::from_secs(2), run).await;
    assert!(killed.is_err());
    lose(&session);
    faults.set(Misbehaviour {
        lag: SETTLES,
        ..Misbehaviour::default()
    });
    let settles = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        faults.set(Misbehaviour::default());
        std::future::pending::<()>().await;
    };
    let rebuilt = tokio::select! {
        rebuilt = put_together(&session) => rebuilt,
        () = settles => unreachable!("it waits for ever"),
    };
    let found = rebuilt.state.resources.keys();
    assert!(
        found
            .clone()
            .any(|address| address.as_str() == "network.vpc"),
        "{:?}",
        found.collect::<Vec<_>>()
    );
}

fn names(session: &Session) -> Vec<(Address, String)> {
    let state = remembered(session).expect("a state");
    let named = state.resources.into_iter();
    named.map(|(address, one)| (address, one.name)).collect()
}

/// Makes a VPC that says whose it is, and gives its id.
async fn plant(session: &Session, environment: &str, lineage: &str) -> String {
    use aws_sdk_ec2::types::{ResourceType, Tag, TagSpecification};
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let tags = TagSpecification::builder()
        .resource_type(ResourceType::Vpc)
        .tags(tag(TAG_ENVIRONMENT, environment))
        .tags(tag(TAG_ADDRESS, "network.vpc"))
        .tags(tag(TAG_LINEAGE, lineage))
        .tags(tag("Name", "staging-vpc"));
    let call = session
        .cloud
        .aws
        .ec2
        .create_vpc()
        .cidr_block("10.10.0.0/16");
    let made = call.tag_specifications(tags.build()).send().await;
    let vpc = made.expect("a VPC").vpc;
    vpc.and_then(|vpc| vpc.vpc_id).expect("an id")
}

#[tokio::test(start_paused = true)]
async fn of_several_lineages_none_is_taken_unless_it_is_named() {
    let world = applied();
    let session = session(&world);
    let lost = lose(&session);
    let other = Uuid::from_u128(7);
    let vpc = plant(&session, "staging", &other.to_string()).await;
    let refused = ops::rebuild(&session, None, Depth::Cluster).await;
    let Err(error @ Error::SeveralLineages { .. }) = refused else {
        panic!("{refused:?}");
    };
    let text = error.to_string();
    for named in [&lost.lineage.to_string(), &other.to_string(), &vpc] {
        assert!(text.contains(named.as_str()), "{text}");
    }
    assert_eq!(session.store.load().await.unwrap(), None);
    let none = ops::rebuild(&session, Some(Uuid::from_u128(8)), Depth::Cluster).await;
    assert!(matches!(none, Err(Error::NothingToRebuild(_))), "{none:?}");
    let chosen = ops::rebuild(&session, Some(lost.lineage), Depth::Cluster).await;
    assert_eq!(told(&chosen.unwrap().state), told(&lost));
}

/// Another environment may have anything, also under names that we want.
#[tokio::test(start_paused = true)]
async fn what_is_of_another_environment_is_nobodys_history_of_this_one() {
    let world = applied();
    let session = session(&world);
    let lost = lose(&session);
    plant(&session, "production", &Uuid::from_u128(7).to_string()).await;
    let rebuilt = put_together(&session).await;
    assert_eq!(told(&rebuilt.state), told(&lost));
    let mut elsewhere: Environment = staging();
    "development".clone_into(&mut elsewhere.name);
    let elsewhere = session_on(&world, elsewhere);
    let none = ops::rebuild(&elsewhere, None, Depth::Cluster).await;
    assert!(matches!(none, Err(Error::NothingToRebuild(_))), "{none:?}");
}

/// Of what a lost reply made twice the one that others stand in is ours, and the other goes.
#[tokio::test(start_paused = true)]
async fn of_two_the_one_in_use_stays() {
    let world = applied();
    let session = session(&world);
    let lost = lose(&session);
    for _ in 0..3 {
        plant(&session, "staging", &lost.lineage.to_string()).await;
    }
    rebuild(&session).await;
    let state = session.store.load().await.unwrap().expect("a state");
    assert_eq!(told(&state), told(&lost));
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let surplus = planned.plan.work().map(|action| action.surplus.len());
    assert_eq!(surplus.collect::<Vec<_>>(), [3]);
    apply(&session).await;
    is_in_line(&session).await;
}

#[tokio::test(start_paused = true)]
async fn a_state_that_is_there_is_kept_aside() {
    let world = applied();
    let session = session(&world);
    let before = fs::read(session.store.file().unwrap()).unwrap();
    let rebuilt = put_together(&session).await;
    let Previous::Readable(previous) = &rebuilt.previous else {
        panic!("{:?}", rebuilt.previous);
    };
    assert_eq!(rebuilt.state.serial, previous.serial + 1);
    assert_eq!(
        fs::read(session.store.file().unwrap()).unwrap(),
        before,
        "nobody has agreed yet"
    );
    let kept = ops::take_over(&session, &rebuilt)
        .await
        .unwrap()
        .expect("a copy");
    assert_eq!(fs::read(kept).unwrap(), before);
    is_in_line(&session).await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_state_is_replaced_and_kept_and_a_newer_one_is_not_touched() {
    let world = applied();
    let session = session(&world);
    let path = session.store.file().unwrap();
    let good = fs::read_to_string(&path).unwrap();
    let newer = good.replacen("\"format\": 1", "\"format\": 2", 1);
    fs::write(&path, &newer).unwrap();
    let refused = ops::rebuild(&session, None, Depth::Cluster).await;
    assert!(
        matches!(refused, Err(Error::Store(StoreError::Newer { .. }))),
        "{refused:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    let half = &good[..good.len() / 2];
    fs::write(&path, half).unwrap();
    let rebuilt = put_together(&session).await;
    let Previous::Damaged(StoreError::Damaged { aside, .. }) = &rebuilt.previous else {
        panic!("{:?}", rebuilt.previous);
    };
    assert_eq!(fs::read_to_string(aside).unwrap(), half);
    ops::take_over(&session, &rebuilt).await.unwrap();
    assert_eq!(fs::read_to_string(aside).unwrap(), half);
    is_in_line(&session).await;
}

/// What can't be seen is neither there nor not there: no state says so.
#[tokio::test(start_paused = true)]
async fn nothing_is_rebuilt_from_half_a_look() {
    let world = applied();
    let session = session(&world);
    let lost = lose(&session);
    for operation in [
        "GetResources",
        "DescribeSubnets",
        "DescribeDBInstances",
        "GetAccountAuthorizationDetails",
        "ListResourceRecordSets",
        "GET /api/v1/secrets",
    ] {
        world.sandbox.faults().set(Misbehaviour {
            failing_reads: [operation.to_owned()].into(),
            ..Misbehaviour::default()
        });
        let refused = ops::rebuild(&session, None, Depth::Cluster).await;
        let unseen = matches!(
            refused,
            Err(Error::Unseen(_) | Error::ClusterUnseenInRebuild(_))
        );
        assert!(unseen, "{operation}: {refused:?}");
        assert_eq!(session.store.load().await.unwrap(), None);
    }
    let outside = ops::rebuild(&session, None, Depth::Aws).await.unwrap();
    let inside = |address: &&Address| address.section() == "bootstrap";
    let missing = lost
        .resources
        .keys()
        .filter(|address| !outside.state.resources.contains_key(*address));
    assert!(missing.clone().all(|address| inside(&address)));
    assert_eq!(
        missing.count(),
        lost.resources.keys().filter(inside).count()
    );
    world.sandbox.faults().set(Misbehaviour::default());
    ops::take_over(&session, &outside).await.unwrap();
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let verbs = planned.plan.counts();
    assert_eq!(verbs.keys().collect::<Vec<_>>(), [&Verb::Adopt]);
    apply(&session).await;
    is_in_line(&session).await;
}
