//! The host's clock is set while a run is under way, and between two runs: nothing is made twice, nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use groundwork::clock::Clock;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Session};
use groundwork::plan::Goal;
use groundwork::sandbox::Sandbox;
use groundwork::sandbox::faults::Misbehaviour;
use jiff::{SignedDuration, Timestamp};

use crate::common::{World, after, destroy, example, never_stopped};

const HOUR: i64 = 60 * 60;

/// A clock that somebody sets, so many seconds ahead of the world's.
struct Jumping {
    world: Sandbox,
    ahead: Arc<AtomicI64>,
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        self.world.now() + ahead
    }

    fn passed(&self) -> Duration {
        self.world.passed()
    }

    async fn sleep(&self, duration: Duration) {
        self.world.sleep(duration).await;
    }
}

/// Sets the clock at every so many events, now to one side and now to the other.
struct Setting {
    ahead: Arc<AtomicI64>,
    heard: AtomicI64,
}

impl Listener for Setting {
    fn hear(&self, _: &Event) {
        let heard = self.heard.fetch_add(1, Ordering::Relaxed);
        let jumps = [3 * HOUR, -5 * HOUR, 26 * HOUR, 0];
        let jump = usize::try_from(heard / 7).expect("a count") % jumps.len();
        self.ahead.store(jumps[jump], Ordering::Relaxed);
    }
}

fn session(world: &World, ahead: &Arc<AtomicI64>) -> Session {
    let mut environment = example("demo");
    // When it expires is told from the moment at which it began, wherever the clock was then.
    environment.ttl = None;
    let mut session = world.session(environment);
    crate::shared::trim_agent(&mut session);
    session.cloud.clock = Arc::new(Jumping {
        world: world.sandbox.clone(),
        ahead: Arc::clone(ahead),
    });
    session
}

async fn apply(session: &Session, listener: &dyn Listener) -> bool {
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let nobody = Confirmed::default();
    let run = ops::apply(session, &planned, &nobody, listener, never_stopped());
    run.await.expect("a report").is_complete()
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_in_mid_run_hurries_nothing() {
    let (world, still) = (World::new(), World::new());
    let (ahead, stands) = (Arc::new(AtomicI64::new(0)), Arc::default());
    let setting = Setting {
        ahead: Arc::clone(&ahead),
        heard: AtomicI64::new(0),
    };
    let session_here = session(&world, &ahead);
    assert!(apply(&session_here, &setting).await);
    assert!(setting.heard.load(Ordering::Relaxed) > 100);
    let undisturbed = session(&still, &stands);
    assert!(apply(&undisturbed, &crate::common::Silence).await);
    let took = async |session: &Session| {
        let state = session.store.load().await.expect("a state");
        state.expect("a state").durations
    };
    assert_eq!(took(&session_here).await, took(&undisturbed).await);
    let again = session_here.plan(Goal::Apply).await.expect("a plan");
    assert!(
        again.plan.is_empty(),
        "{:#?}",
        again.plan.work().collect::<Vec<_>>()
    );
    destroy(&session_here).await;
}

/// Reads tell of a world that is past, as long as it has been remembered since this was set first.
fn outdated() -> Misbehaviour {
    Misbehaviour {
        lag: Duration::from_secs(60 * 60),
        ..Misbehaviour::default()
    }
}

/// Nobody hears of the VPC, the process dies, and before the next run somebody sets the clock back: what was made, and
/// can't be seen yet, was begun in the future and is waited for.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_between_runs_makes_nothing_twice() {
    for back in [-3 * HOUR, -30 * 24 * HOUR] {
        let world = World::new();
        let ahead = Arc::new(AtomicI64::new(0));
        let session = session(&world, &ahead);
        let faults = world.sandbox.faults();
        let planned = session.plan(Goal::Apply).await.expect("a plan");
        faults.set(Misbehaviour {
            unanswered: 1000,
            ..outdated()
        });
        let (nobody, silence) = (Confirmed::default(), crate::common::Silence);
        let run = ops::apply(&session, &planned, &nobody, &silence, never_stopped());
        let killed = tokio::time::timeout(Duration::from_secs(2), run).await;
        assert!(killed.is_err());
        faults.set(Misbehaviour::default());
        assert_eq!(vpcs(&session).await, 1);

        ahead.store(back, Ordering::Relaxed);
        faults.set(outdated());
        let done = tokio::select! {
            done = apply(&session, &silence) => done,
            () = after(20, || faults.set(Misbehaviour::default())) => false,
        };
        assert!(done);
        assert_eq!(vpcs(&session).await, 1);
        destroy(&session).await;
    }
}

/// A reply is lost, and while the run looks for what became of it somebody sets the clock ahead: it looks no less long.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_while_a_lost_reply_is_looked_for_makes_nothing_twice() {
    let world = World::new();
    let ahead = Arc::new(AtomicI64::new(0));
    let session = session(&world, &ahead);
    let faults = world.sandbox.faults();
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    faults.set(Misbehaviour {
        dropped_replies: 1000,
        ..outdated()
    });
    let (nobody, silence) = (Confirmed::default(), crate::common::Silence);
    let run = ops::apply(&session, &planned, &nobody, &silence, never_stopped());
    let set = || {
        ahead.store(3 * HOUR, Ordering::Relaxed);
        faults.set(outdated());
    };
    let report = tokio::select! {
        report = run => report.expect("a report"),
        () = after(2, set) => unreachable!("it waits for ever"),
        () = after(20, || faults.set(Misbehaviour::default())) => unreachable!("it waits for ever"),
    };
    assert_eq!(vpcs(&session).await, 1, "{:?}", report.failed);
    assert!(report.is_complete(), "{:?}", report.failed);
    destroy(&session).await;
}

async fn vpcs(session: &Session) -> usize {
    let vpcs = session.cloud.aws.ec2.describe_vpcs().send().await;
    vpcs.expect("a list").vpcs().len()
}
