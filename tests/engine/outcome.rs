//! A run whose last word can't be written down does not end as if it were.

use std::fs;
use std::path::PathBuf;

use groundwork::apply::RunError;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Error};
use groundwork::plan::{Goal, Verb};
use tokio::sync::watch;

use crate::bench::{applied, session_on, staging};
use crate::common::{carry_out, never_stopped};

/// Stops the run when its first action starts, and the disk when that is done.
struct Stops(Refuses, watch::Sender<bool>);

impl Listener for Stops {
    fn hear(&self, event: &Event) {
        if matches!(event, Event::Started { .. }) {
            self.1.send_replace(true);
        }
        self.0.hear(event);
    }
}

/// What was done before a stop and could not be written down is told, though the run was cut short anyway.
#[tokio::test(start_paused = true)]
async fn what_a_stopped_run_could_not_write_down_is_told() {
    let world = applied();
    let mut wanted = staging();
    let bootstrap = wanted.bootstrap.as_mut().expect("a bootstrap");
    bootstrap.namespaces.insert("more".to_owned());
    let mut secret = bootstrap.secrets["mysql"].clone();
    "more".clone_into(&mut secret.namespace);
    bootstrap.secrets.insert("more".to_owned(), secret);
    let session = session_on(&world, wanted);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let (stop, stopped) = watch::channel(false);
    let disk = Refuses(session.store.folder().unwrap().join("staging.json.next"));
    let (disk, confirmed) = (Stops(disk, stop), Confirmed::default());
    let ended = ops::apply(&session, &planned, &confirmed, &disk, stopped).await;
    let Err(Error::Run(RunError::Unwritten(_))) = ended else {
        panic!("nobody is told: {ended:?}");
    };
}

/// A disk that refuses to write once the only action is done: a folder stands where the next state would be.
struct Refuses(PathBuf);

impl Listener for Refuses {
    fn hear(&self, event: &Event) {
        if matches!(event, Event::Finished { .. }) {
            fs::create_dir_all(&self.0).expect("a folder");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_kept_is_a_failure() {
    let world = applied();
    let mut wanted = staging();
    wanted.registries.get_mut("flights").unwrap().immutable_tags ^= true;
    let session = session_on(&world, wanted);
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert_eq!(planned.plan.work().count(), 1);

    let disk = Refuses(session.store.folder().unwrap().join("staging.json.next"));
    let confirmed = Confirmed::default();
    let ended = ops::apply(&session, &planned, &confirmed, &disk, never_stopped()).await;
    let Err(Error::Run(RunError::Outcome(_))) = ended else {
        panic!("the run ended well");
    };

    fs::remove_dir(&disk.0).unwrap();
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let begun: Vec<_> = planned.plan.work().map(|action| action.verb).collect();
    assert_eq!(begun, [Verb::Adopt], "what was begun is on record");
    carry_out(&session, &planned).await;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert!(planned.plan.is_empty());
}
