//! What a run that is killed leaves on record, and what the next one makes of it: the token of what was begun, the id of
//! what was answered, and what is not listed yet.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use groundwork::address::Address;
use groundwork::environment::Environment;
use groundwork::environment::model::Policy;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Session};
use groundwork::plan::{Danger, Goal, Verb};
use groundwork::sandbox::faults::{Misbehaviour, Stop};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::bench::{applied, document, session_on, staging};
use crate::common::{
    Silence, World, after, apply, carry_out, destroy, example, never_stopped, remembered,
};

/// A network with one gateway, and nothing in it.
fn network() -> Environment {
    let mut environment = example("demo");
    environment.cluster = None;
    environment.bootstrap = None;
    environment.databases.clear();
    environment
}

/// Acts when work on one resource begins.
struct When<'a> {
    address: &'a Address,
    act: &'a (dyn Fn() + Send + Sync),
}

impl Listener for When<'_> {
    fn hear(&self, event: &Event) {
        if matches!(event, Event::Started { address, .. } if address == self.address) {
            (self.act)();
        }
    }
}

/// How often a run of `session` asked for `operation`.
fn asked(world: &World, operation: &str) -> u64 {
    let requests = world.sandbox.faults().requests().into_iter();
    let same = requests.filter(|(_, asked, _)| asked == operation);
    same.map(|(_, _, count)| count).sum()
}

async fn vpcs(session: &Session) -> Vec<String> {
    let vpcs = session.cloud.aws.ec2.describe_vpcs().send().await;
    let vpcs = vpcs.expect("a list");
    let ids = vpcs.vpcs().iter().filter_map(|vpc| vpc.vpc_id());
    ids.map(str::to_owned).collect()
}

/// The call never arrived, and nobody can know: it is sent once more with the token under which it was begun.
#[tokio::test(start_paused = true)]
async fn what_was_begun_is_made_with_the_token_on_record() {
    let world = World::new();
    let session = world.session(network());
    let gateway: Address = "network.nat-gateway.a".parse().expect("an address");
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let begun = Notify::new();
    let cut_off = || {
        world.sandbox.faults().set(Misbehaviour {
            stop: Some(Stop::Before(1)),
            ..Misbehaviour::default()
        });
        begun.notify_one();
    };
    let listener = When {
        address: &gateway,
        act: &cut_off,
    };
    let nothing = Confirmed::default();
    tokio::select! {
        ended = ops::apply(&session, &planned, &nothing, &listener, never_stopped()) => {
            panic!("it ended: {ended:?}")
        }
        () = async { begun.notified().await; sleep(Duration::from_secs(2)).await } => {}
    }
    world.sandbox.faults().set(Misbehaviour::default());
    let state = remembered(&session).expect("a state");
    let entry = &state.open[&gateway];
    assert_eq!(entry.id, None);
    let made = || fs::read_to_string(world.folder.path().join("sandbox/world.json"));
    assert!(!made().expect("a world").contains(&entry.token));
    apply(&session).await;
    assert!(made().expect("a world").contains(&entry.token));
}

/// The cloud gave an id for it, and before the next run its tags are gone: it is ours by its id.
#[tokio::test(start_paused = true)]
async fn what_was_answered_is_gone_on_with_by_its_id() {
    let world = World::new();
    let session = world.session(network());
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    world.sandbox.faults().set(Misbehaviour {
        latency: Duration::from_secs(3),
        ..Misbehaviour::default()
    });
    let looks = asked(&world, "DescribeVpcs");
    let nothing = Confirmed::default();
    let answered = async {
        while asked(&world, "DescribeVpcs") == looks {
            sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = ops::apply(&session, &planned, &nothing, &Silence, never_stopped()) => {
            panic!("it ended: {ended:?}")
        }
        () = answered => {}
    }
    world.sandbox.faults().set(Misbehaviour::default());
    let made = vpcs(&session).await;
    assert_eq!(made.len(), 1);
    let untag = session.cloud.aws.ec2.delete_tags().resources(&made[0]);
    untag.send().await.expect("no tags");
    apply(&session).await;
    assert_eq!(vpcs(&session).await, made);
    destroy(&session).await;
}

/// It was made and recorded; the next run asks a copy that has not heard of it.
#[tokio::test(start_paused = true)]
async fn what_was_made_a_moment_ago_and_is_not_listed_yet_is_not_gone() {
    let world = applied();
    let mut wanted = staging();
    let policy = Policy {
        name: "topic-readers".to_owned(),
        path: "policies/topic-readers.json".to_owned(),
        document: document("sns:ListTopics"),
    };
    wanted.policies.insert("topic-readers".to_owned(), policy);
    let session = session_on(&world, wanted);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let faults = world.sandbox.faults();
    faults.set(Misbehaviour {
        late_reads: BTreeSet::from(["GetAccountAuthorizationDetails".to_owned()]),
        ..Misbehaviour::default()
    });
    carry_out(&session, &planned).await;
    let again = tokio::select! {
        again = session.plan(Goal::Apply) => again.expect("a plan"),
        () = after(20, || faults.set(Misbehaviour::default())) => unreachable!("it waits for ever"),
    };
    let work: Vec<_> = again.plan.work().collect();
    assert!(work.is_empty(), "{work:#?}");
}

/// A gateway that failed is deleted; for a while a copy goes on telling that it failed.
#[tokio::test(start_paused = true)]
async fn what_still_reads_as_failed_is_on_its_way_out() {
    let world = World::new();
    let session = world.session(network());
    let gateway: Address = "network.nat-gateway.a".parse().expect("an address");
    let faults = world.sandbox.faults();
    faults.set(Misbehaviour {
        failing_later: BTreeSet::from(["CreateNatGateway".to_owned()]),
        ..Misbehaviour::default()
    });
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let nothing = Confirmed::default();
    let failed = ops::apply(&session, &planned, &nothing, &Silence, never_stopped()).await;
    let failed = failed.expect("a run").failed;
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert_eq!(failed[0].0, gateway);
    faults.set(Misbehaviour::default());
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    faults.set(Misbehaviour {
        late_reads: BTreeSet::from(["DescribeNatGateways".to_owned()]),
        ..Misbehaviour::default()
    });
    tokio::select! {
        report = carry_out(&session, &planned) => assert!(report.is_complete()),
        () = after(20, || faults.set(Misbehaviour::default())) => unreachable!("it waits for ever"),
    }
    destroy(&session).await;
}

/// The reply to a create is lost while something else can't be seen: that the name is taken by ours is enough to go on.
#[tokio::test(start_paused = true)]
async fn what_has_a_name_is_known_by_it_whatever_else_can_not_be_seen() {
    let world = World::new();
    let mut environment = network();
    environment.databases = example("demo").databases;
    environment.groups.clear();
    let session = world.session(environment);
    let group: Address = "database.addressbook.subnet-group"
        .parse()
        .expect("an address");
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let (faults, begun) = (world.sandbox.faults(), Notify::new());
    let blind = |dropped_replies| {
        faults.set(Misbehaviour {
            dropped_replies,
            failing_reads: BTreeSet::from(["GetAccountAuthorizationDetails".to_owned()]),
            ..Misbehaviour::default()
        });
    };
    let replies_get_lost = || {
        blind(1000);
        begun.notify_one();
    };
    let listener = When {
        address: &group,
        act: &replies_get_lost,
    };
    let nothing = Confirmed::default();
    let report = tokio::select! {
        report = ops::apply(&session, &planned, &nothing, &listener, never_stopped()) => report,
        () = async { begun.notified().await; after(2, || blind(0)).await } => unreachable!(),
    };
    let report = report.expect("a run");
    assert!(report.is_complete(), "{:#?}", report.failed);
}

/// Nobody stored anything in what is still being made. What a killed run left to become ready may be in use ever since.
#[tokio::test(start_paused = true)]
async fn a_database_that_came_up_after_its_run_was_killed_goes_only_with_consent() {
    let world = World::new();
    let mut environment = example("demo");
    environment.cluster = None;
    environment.bootstrap = None;
    let session = world.session(environment.clone());
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let nothing = Confirmed::default();
    let run = ops::apply(&session, &planned, &nothing, &Silence, never_stopped());
    let killed = tokio::time::timeout(Duration::from_secs(90), run).await;
    assert!(killed.is_err());
    let database = environment.databases.get_mut("addressbook");
    "other".clone_into(&mut database.expect("a database").username);
    let edited = world.session(environment);
    let address = "database.addressbook.instance".parse().expect("an address");
    let danger = async || {
        let planned = edited.plan(Goal::Apply).await.expect("a plan");
        let action = planned.plan.action(&address).expect("an action");
        (action.verb, action.danger)
    };
    assert_eq!(danger().await, (Verb::Replace, Some(Danger::Disrupts)));
    sleep(Duration::from_secs(1800)).await;
    assert_eq!(danger().await, (Verb::Replace, Some(Danger::LosesData)));
}
