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
use groundwork::sandbox::faults::{Misbehaviour, Stop};
use jiff::{SignedDuration, Timestamp};

use crate::common::{World, destroy, example, never_stopped};

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
    let [took, usual] = [&session_here, &undisturbed].map(|session| {
        let state = session.store.load().expect("a state").expect("a state");
        state.durations
    });
    assert_eq!(took, usual);
    let again = session_here.plan(Goal::Apply).await.expect("a plan");
    assert!(
        again.plan.is_empty(),
        "{:#?}",
        again.plan.work().collect::<Vec<_>>()
    );
    destroy(&session_here).await;
}

/// A reply is lost, the process dies, and before the next run somebody sets the clock back: what was made, and can't be
/// seen yet, was begun in the future and is waited for.
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_between_runs_makes_nothing_twice() {
    for back in [-3 * HOUR, -30 * 24 * HOUR] {
        let world = World::new();
        let ahead = Arc::new(AtomicI64::new(0));
        let session = session(&world, &ahead);
        // The reply that tells of a VPC is lost, with everything after it.
        let mut change = 0;
        loop {
            change += 1;
            let stop = Some(Stop::After(change));
            world.sandbox.faults().set(Misbehaviour {
                stop,
                ..Misbehaviour::default()
            });
            assert!(!apply(&session, &crate::common::Silence).await);
            let vpcs = vpcs(&world, &session).await;
            if vpcs > 0 {
                break;
            }
        }
        ahead.store(back, Ordering::Relaxed);
        // Tags are late: for a while nobody sees it.
        let late = ["DescribeVpcs".to_owned()].into();
        world.sandbox.faults().set(Misbehaviour {
            late_reads: late,
            ..Misbehaviour::default()
        });
        let faults = world.sandbox.faults().clone();
        let settles = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            faults.set(Misbehaviour::default());
            std::future::pending::<()>().await;
        };
        let done = tokio::select! {
            done = apply(&session, &crate::common::Silence) => done,
            () = settles => unreachable!("it waits for ever"),
        };
        assert!(done);
        assert_eq!(vpcs(&world, &session).await, 1);
        destroy(&session).await;
    }
}

async fn vpcs(world: &World, session: &Session) -> usize {
    let before = world.sandbox.faults().clone();
    before.set(Misbehaviour::default());
    let vpcs = session.cloud.aws.ec2.describe_vpcs().send().await;
    vpcs.expect("a list").vpcs().len()
}
