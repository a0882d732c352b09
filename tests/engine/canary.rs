//! No secret is at rest in our files, and none is in an event, an error, or what `Debug` shows of anything.

use std::fmt::Debug;
use std::fs;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use groundwork::cloud::{Clients, EksConnector};
use groundwork::environment::Environment;
use groundwork::event::{Event, Listener};
use groundwork::observe::Depth;
use groundwork::ops::{self, Confirmed, Planned, Session};
use groundwork::plan::{Goal, Verb};
use groundwork::sandbox::faults::{Misbehaviour, Stop};
use groundwork::sandbox::world::World as Simulated;
use groundwork::sensitive::Sensitive;
use groundwork::state::Fence;
use serde_json::Value;

use crate::bench::{session_on, staging};
use crate::canaries::Canaries;
use crate::common::{Silence, World, apply, destroy, example, never_stopped};

const PASSWORD: &str = "canary+of=the-variable?&<1";
const ROTATED: &str = "canary+of=another-variable?&<2";
const BY_HAND: &str = "canary-put-in-place-by-hand?+3";

/// Keeps everything that is said.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<String>>);

impl Listener for Ears {
    fn hear(&self, event: &Event) {
        let mut said = self.0.lock().expect("nobody panicked");
        *said += &format!(
            "{event:?}\n{}\n",
            serde_json::to_string(event).expect("JSON")
        );
    }
}

/// A session on `environment` whose variable is a canary.
fn secretive(world: &World, environment: Environment) -> Session {
    let mut session = session_on(world, environment);
    let variable = "MYSQL_PASSWORD".to_owned();
    session.variables.insert(variable, Sensitive::new(PASSWORD));
    session
}

/// The values that rest in the world, and those that we brought.
fn canaries(world: &World) -> Canaries {
    let mut canaries = Canaries::default();
    canaries.plant("the variable", PASSWORD);
    canaries.plant("the other variable", ROTATED);
    canaries.plant("what was put in place by hand", BY_HAND);
    let document = fs::read(world.folder.path().join("sandbox/world.json")).expect("a world");
    canaries.plant_all_of(&serde_json::from_slice::<Value>(&document).expect("a document"));
    canaries
}

/// Everything that can be shown of a session and its plan.
fn shown(session: &Session, planned: &Planned) -> Vec<(&'static str, String)> {
    fn show(what: &'static str, it: &dyn Debug) -> (&'static str, String) {
        (what, format!("{it:?}\n{it:#?}"))
    }
    let status = ops::status(session, planned, None);
    let outputs = ops::outputs(&session.environment, &planned.state);
    vec![
        show("the file", &session.environment),
        show("the clients", &session.cloud.aws),
        show("the variables", &session.variables),
        show("the store", &session.store),
        show("the state", &planned.state),
        show("what makes it ours", &planned.ownership),
        show("what is asked for", &planned.desired),
        show("what was found", &planned.observation.found),
        show("the inventory", &planned.observation.inventory),
        show("the plan", &planned.plan),
        show("the status", &status),
        show("the outputs", &outputs),
        (
            "the plan as JSON",
            serde_json::to_string(&planned.plan).expect("JSON"),
        ),
        (
            "the status as JSON",
            serde_json::to_string(&status).expect("JSON"),
        ),
    ]
}

/// Looks everywhere.
#[track_caller]
fn search(world: &World, session: &Session, planned: &Planned, ears: &Ears) {
    let canaries = canaries(world);
    for (what, text) in shown(session, planned) {
        canaries.are_not_in(what, text);
    }
    let simulated = fs::read(world.folder.path().join("sandbox/world.json")).expect("a world");
    let simulated: Simulated = serde_json::from_slice(&simulated).expect("a document");
    let simulated = format!("{simulated:?}\n{simulated:#?}");
    canaries.are_not_in("the simulated world", simulated);
    canaries.are_not_in(
        "what was said",
        ears.0.lock().expect("nobody panicked").as_str(),
    );
    canaries.are_in_no_file(world.folder.path(), &world.folder.path().join("sandbox"));
}

/// Plans and carries out while the world misbehaves; then everything that was said of it is searched.
async fn disturbed(world: &World, session: &Session, goal: Goal, misbehaviour: Misbehaviour) {
    let ears = Ears::default();
    let planned = session.plan(goal).await.expect("a plan");
    world.sandbox.faults().set(misbehaviour);
    let lost = planned.plan.work().map(|action| action.address.clone());
    let confirmed = Confirmed {
        data_loss: lost.collect(),
    };
    let said = match goal {
        Goal::Apply => {
            let report = ops::apply(session, &planned, &confirmed, &ears, never_stopped()).await;
            report.map(|report| format!("{report:?}"))
        }
        Goal::Destroy => {
            let teardown = ops::destroy(
                session,
                &planned,
                &Confirmed::default(),
                &ears,
                never_stopped(),
            )
            .await;
            teardown.map(|teardown| format!("{teardown:?}"))
        }
    };
    let said = said.unwrap_or_else(|error| format!("{error} {error:?}"));
    canaries(world).are_not_in("the report", said);
    // What can't even be planned is told as well.
    if let Err(error) = session.plan(goal).await {
        canaries(world).are_not_in("the refusal", format!("{error} {error:?}"));
    }
    world.sandbox.faults().set(Misbehaviour::default());
    search(world, session, &planned, &ears);
}

async fn stays_hidden(environment: Environment) {
    let world = World::new();
    let session = secretive(&world, environment);
    let stops = [5, 18, 33, 48];
    for (number, last) in stops.into_iter().enumerate() {
        let stop = if number % 2 == 0 {
            Stop::After(last)
        } else {
            Stop::Before(last)
        };
        let stop = Some(stop);
        disturbed(
            &world,
            &session,
            Goal::Apply,
            Misbehaviour {
                stop,
                ..Misbehaviour::default()
            },
        )
        .await;
    }
    let noise = Misbehaviour {
        seed: 1,
        throttled: 150,
        server_errors: 150,
        dropped_requests: 50,
        dropped_replies: 100,
        ..Misbehaviour::default()
    };
    disturbed(&world, &session, Goal::Apply, noise).await;
    let ears = Ears::default();
    apply(&session).await;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert!(planned.plan.is_empty());
    search(&world, &session, &planned, &ears);

    // Somebody else puts another value in place: a difference of which only the place is told.
    put_by_hand(&session).await;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    assert!(!planned.plan.is_empty(), "nobody noticed");
    search(&world, &session, &planned, &ears);
    let misbehaviour = Misbehaviour {
        stop: Some(Stop::After(2)),
        ..Misbehaviour::default()
    };
    disturbed(&world, &session, Goal::Apply, misbehaviour).await;
    apply(&session).await;

    let state = session.state().await.expect("a state");
    session.store.remove(&state).await.expect("a folder");
    let rebuilt = ops::rebuild(&session, None, Depth::Cluster)
        .await
        .expect("a state");
    canaries(&world).are_not_in("what was rebuilt", format!("{rebuilt:?}"));
    ops::take_over(&session, &rebuilt)
        .await
        .expect("it is written");
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    search(&world, &session, &planned, &ears);
    assert!(canaries(&world).count() > 5);

    let misbehaviour = Misbehaviour {
        stop: Some(Stop::After(12)),
        ..Misbehaviour::default()
    };
    disturbed(&world, &session, Goal::Destroy, misbehaviour).await;
    destroy(&session).await;
}

/// Puts another value into every secret of the environment, as a rotation that is not ours does.
async fn put_by_hand(session: &Session) {
    for secret in session.environment.secrets.values() {
        let call = session.cloud.aws.secrets.put_secret_value();
        let call = call.secret_id(&secret.name).secret_string(BY_HAND);
        call.send().await.expect("another value");
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_of_staging_are_nowhere() {
    stays_hidden(staging()).await;
}

#[tokio::test(start_paused = true)]
async fn secrets_of_demo_are_nowhere() {
    stays_hidden(example("demo")).await;
}

/// Nobody but the one who asked for them sees credentials of AWS and what is made of them.
#[tokio::test(start_paused = true)]
async fn credentials_are_not_shown() {
    let (key, token) = ("canary-of-the-secret-key", "canary-of-the-session-token");
    let mut canaries = Canaries::default();
    canaries.plant("the secret key", key);
    canaries.plant("the session token", token);
    let credentials = Credentials::new("AKIDCANARY", key, Some(token.to_owned()), None, "test");
    let credentials = SharedCredentialsProvider::new(credentials);
    let connector = EksConnector::new(credentials.clone(), Arc::new(World::new().sandbox));
    let made = connector.token("us-east-1", "demo").await.expect("a token");
    canaries.plant("the token of a cluster", made.value.expose());
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .credentials_provider(credentials)
        .build();
    let clients = Clients::new(&config, "us-east-1", &Fence::default());
    canaries.are_not_in("the clients", format!("{clients:?} {clients:#?}"));
    canaries.are_not_in("the token", format!("{made:?}"));
}

/// A new version of a made-up password, which only AWS knows, reaches the database and the cluster.
#[tokio::test(start_paused = true)]
async fn a_rotated_password_is_rolled_out() {
    let world = World::new();
    let session = secretive(&world, example("demo"));
    apply(&session).await;
    let before = version(&session).await;
    put_by_hand(&session).await;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let work = planned
        .plan
        .work()
        .map(|action| (action.verb, action.address.as_str()));
    assert_eq!(
        work.collect::<Vec<_>>(),
        [
            (Verb::Update, "bootstrap.secret.db-params"),
            (Verb::Update, "database.addressbook.instance"),
        ]
    );
    ops::apply(
        &session,
        &planned,
        &Confirmed::default(),
        &Silence,
        never_stopped(),
    )
    .await
    .expect("a run");
    assert_ne!(version(&session).await, before);
    let hands = crate::hands::Hands::on(&world, &session);
    let of_database = hands.read(&crate::hands::region(
        "rds/instances/demo-addressbook/password",
    ));
    assert_eq!(of_database, BY_HAND);
    let in_cluster = hands
        .get("/api/v1/namespaces/addressbook/secrets/db-params")
        .await;
    let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, BY_HAND);
    assert_eq!(in_cluster["data"]["password"], encoded);
    assert!(
        session
            .plan(Goal::Apply)
            .await
            .expect("a plan")
            .plan
            .is_empty()
    );
}

/// The version of demo's password that is in force.
async fn version(session: &Session) -> Option<String> {
    let secret = session.cloud.aws.secrets.get_secret_value();
    let secret = secret.secret_id("demo/addressbook-password").send().await;
    secret.expect("a value").version_id
}
