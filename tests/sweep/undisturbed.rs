//! One run of each scenario that nobody disturbs: its points are where others crash, its end is where they must arrive.

use std::sync::Mutex;

use groundwork::ops::Session;
use groundwork::plan::Goal;

use crate::record::{Keeps, Kept, Place, Point, Recording};
use crate::resume::{Outcome, run};
use crate::scenario::{Scenario, session};

/// The environment as it is before it is changed, brought up once.
#[derive(Default)]
pub struct Before {
    keeps: Keeps,
    up: Mutex<Option<Kept>>,
}

impl Before {
    /// The same with its state in a bucket.
    pub fn in_a_bucket() -> Self {
        Self {
            keeps: Keeps::Bucket,
            up: Mutex::default(),
        }
    }
}

/// A scenario, and what an undisturbed run of it gives.
pub struct Undisturbed {
    pub scenario: Scenario,
    place: Place,
    recording: Recording,
    outcome: Outcome,
}

impl Undisturbed {
    pub async fn of(scenario: Scenario, before: &Before) -> Self {
        let name = &scenario.file.name;
        let place = match &scenario.before {
            None => Place::keeping(before.keeps),
            Some(environment) => {
                let up = before.up.lock().expect("nobody panicked").take();
                let up = match up {
                    Some(up) => up,
                    None => {
                        let place = Place::keeping(before.keeps);
                        let session = session(&place, environment);
                        run(&session, Goal::Apply).await.expect("it comes up");
                        place.keep(name)
                    }
                };
                let mut place = up.point.begin(name);
                place.looks_seldom = false;
                *before.up.lock().expect("nobody panicked") = Some(up);
                place
            }
        };
        let recording = place.record(name, None);
        let session = session(&place, &scenario.file);
        run(&session, scenario.goal).await.expect("it ends well");
        let outcome = Outcome::of(&place, &session).await.expect("a state");
        Self {
            scenario,
            place,
            recording,
            outcome,
        }
    }

    /// Everything that was on disk at some moment of the run.
    pub fn points(&self) -> Vec<Point> {
        self.recording.points()
    }

    /// Where it ran.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Insists that a run ended as this one did.
    pub async fn expect(&self, place: &Place, session: &Session) -> Result<(), String> {
        Outcome::of(place, session).await?.expect(&self.outcome)
    }
}
