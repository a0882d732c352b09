//! A state in a bucket: how often it is written, that the life of an environment is the same with it, and that who has
//! lost the lease changes nothing more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use groundwork::address::Address;
use groundwork::cloud::{OVERTAKEN, fault, fenced_cluster};
use groundwork::environment::model::Policy;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Planned};
use groundwork::plan::Goal;
use groundwork::sandbox::faults::Misbehaviour;
use groundwork::state::{Claim, Fence, Holder, Store, Terms};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, PostParams};
use object_store::memory::InMemory;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use tokio::sync::mpsc;

use crate::bench::{applied, document, session, session_on, staging};
use crate::common::{World, carry_out, destroy, example, never_stopped};

/// How long S3 takes for a write.
const TAKES: Duration = Duration::from_millis(80);

/// The longest chain of resources each of which waits for the one before.
fn levels(planned: &Planned) -> usize {
    let mut levels: BTreeMap<&Address, usize> = BTreeMap::new();
    let mut waiting: BTreeSet<&Address> = planned.desired.keys().collect();
    while !waiting.is_empty() {
        let free: Vec<&Address> = waiting
            .iter()
            .filter(|address| {
                let mut firsts = planned.desired[**address].depends_on.iter();
                firsts.all(|first| !waiting.contains(first))
            })
            .copied()
            .collect();
        for address in free {
            let firsts = planned.desired[address].depends_on.iter();
            let below = firsts.filter_map(|first| levels.get(first)).max();
            let level = below.map_or(1, |below| below + 1);
            levels.insert(address, level);
            waiting.remove(address);
        }
    }
    levels.into_values().max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn staging_is_written_at_most_three_times_for_each_level() {
    let world = World::new();
    let mut session = session_on(&world, example("staging"));
    let takes = ThrottleConfig {
        wait_get_per_call: TAKES,
        wait_put_per_call: TAKES,
        wait_list_per_call: TAKES,
        wait_delete_per_call: TAKES,
        ..ThrottleConfig::default()
    };
    let objects = Arc::new(ThrottledStore::new(InMemory::new(), takes));
    let whose = ["sandbox", "123456789012", "staging"];
    session.store = Store::shared(objects, "s3://memory", "environments", whose);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let levels = levels(&planned);
    let report = carry_out(&session, &planned).await;
    let writes = usize::try_from(report.state_writes).expect("a number");
    let resources = planned.desired.len();
    let told = format!(
        "staging: {writes} writes of its state for {levels} levels of {resources} resources"
    );
    // Unlike `println!` also where the test passes; where nobody can be told, what is asserted still holds.
    drop(writeln!(std::io::stdout(), "{told}"));
    assert!(writes <= 3 * levels, "{told}");
    let again = session.plan(Goal::Apply).await.expect("a plan");
    assert!(again.plan.is_empty());
    destroy(&session).await;
    assert_eq!(session.store.load().await.expect("a bucket"), None);
}

/// A lease in a bucket of its own; given back it closes `fence`, as it does when it runs out.
async fn claim(fence: &Fence) -> (Store, Claim) {
    let whose = ["sandbox", "123456789012", "staging"];
    let store = Store::shared(Arc::new(InMemory::new()), "s3://memory", "", whose).within(fence);
    let holder = Holder {
        pid: 1,
        machine: None,
        operation: "apply".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    let claimed = store.claim(&holder, Terms::default(), false, |_| {}).await;
    (store, claimed.expect("a lease that nobody has"))
}

#[tokio::test(start_paused = true)]
async fn who_has_lost_the_lease_calls_neither_cloud() {
    let world = applied();
    let session = session(&world);
    let fence = &session.cloud.fence;
    let environment = &session.environment;
    let name = &environment.cluster.as_ref().expect("a cluster").name;
    let cluster = world.sandbox.kubernetes_client(&environment.region, name);
    let namespaces: Api<Namespace> = Api::all(fenced_cluster(cluster, fence));
    let (_, claim) = claim(fence).await;
    let mut wanted = Namespace::default();
    let mut named = async |name: &str| {
        wanted.metadata.name = Some(name.to_owned());
        let made = namespaces.create(&PostParams::default(), &wanted).await;
        made.is_ok()
    };
    let vpc = async || {
        let call = session.cloud.aws.ec2.create_vpc().cidr_block("10.9.0.0/16");
        let made = call.send().await.map_err(fault("ec2", "CreateVpc"));
        made.map(drop).map_err(|fault| fault.code)
    };
    assert!(named("one").await);
    assert_eq!(vpc().await, Ok(()));
    let faults = world.sandbox.faults();
    assert_eq!(faults.changes(), 2);
    claim.release().await;
    assert!(!named("two").await);
    assert_eq!(vpc().await, Err(OVERTAKEN.to_owned()));
    assert_eq!(faults.changes(), 2);
}

/// Counts what is begun and what is done.
#[derive(Default)]
struct Counts {
    started: AtomicUsize,
    finished: AtomicUsize,
}

impl Listener for Counts {
    fn hear(&self, event: &Event) {
        match event {
            Event::Started { .. } => self.started.fetch_add(1, Ordering::Relaxed),
            Event::Finished { .. } => self.finished.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

/// More is ready than runs at once when the lease is lost, and stays where it is.
#[tokio::test(start_paused = true)]
async fn who_has_lost_the_lease_begins_nothing_more() {
    let world = World::new();
    let mut wanted = staging();
    for number in 0..30 {
        let policy = Policy {
            name: format!("readers-{number}"),
            path: format!("policies/readers-{number}.json"),
            document: document("sqs:ReceiveMessage"),
        };
        wanted.policies.insert(policy.name.clone(), policy);
    }
    let mut session = session_on(&world, wanted);
    let (store, claim) = claim(&session.cloud.fence).await;
    session.store = store;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let (counts, faults) = (Counts::default(), world.sandbox.faults());
    faults.set(Misbehaviour {
        latency: Duration::from_secs(3),
        ..Misbehaviour::default()
    });
    let nothing = Confirmed::default();
    let lost = async {
        while counts.finished.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        claim.release().await;
        let then = (counts.started.load(Ordering::Relaxed), faults.changes());
        (then, session.store.load().await.expect("a state"))
    };
    let run = ops::apply(&session, &planned, &nothing, &counts, never_stopped());
    let (report, (then, state)) = tokio::join!(run, lost);
    let report = report.expect("a report");
    assert!(!report.skipped.is_empty());
    let now = (counts.started.load(Ordering::Relaxed), faults.changes());
    assert_eq!(now, then);
    assert_eq!(session.store.load().await.expect("a state"), state);
}

/// Hears what is waited for.
struct Waits(mpsc::UnboundedSender<Address>);

impl Listener for Waits {
    fn hear(&self, event: &Event) {
        if let Event::Waiting { address, .. } = event {
            // Whoever has heard enough is gone.
            drop(self.0.send(address.clone()));
        }
    }
}

/// What nobody waits for is kept back to share a write, but not the id of what is waited for itself.
#[tokio::test(start_paused = true)]
async fn an_id_is_durable_before_its_resource_is_waited_for() {
    let world = World::new();
    let mut session = session_on(&world, example("staging"));
    let whose = ["sandbox", "123456789012", "staging"];
    session.store = Store::shared(Arc::new(InMemory::new()), "s3://memory", "", whose);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let (listener, mut waits) = mpsc::unbounded_channel();
    let (listener, nothing) = (Waits(listener), Confirmed::default());
    let vpc: Address = "network.vpc".parse().expect("an address");
    let id = async {
        while waits.recv().await.as_ref() != Some(&vpc) {}
        // Longer than requests gather, and shorter than the VPC takes.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let state = session.store.load().await.expect("a bucket");
        state.expect("a state").open[&vpc].id.clone()
    };
    let run = ops::apply(&session, &planned, &nothing, &listener, never_stopped());
    tokio::select! {
        _ = run => panic!("nothing was waited for"),
        id = id => assert!(id.is_some()),
    }
}
