//! What is swept: an environment that comes up, is changed in place, is replaced in part, and goes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use groundwork::clock::Clock;
use groundwork::environment::Environment;
use groundwork::ops::Session;
use groundwork::plan::Goal;
use jiff::Timestamp;

use crate::record::Place;
use crate::shared::{self, example, trim_agent};

/// One command on one environment, as it was before and as it is to be.
#[derive(Clone)]
pub struct Scenario {
    pub name: &'static str,
    /// What was applied before; nothing where this is where it begins.
    pub before: Option<Environment>,
    /// What the file says now.
    pub file: Environment,
    pub goal: Goal,
}

/// The four commands on the example of this name.
pub fn scenarios(name: &str) -> [Scenario; 4] {
    let plain = example(name);
    let edited = |edit: fn(&mut Environment)| {
        let mut environment = plain.clone();
        edit(&mut environment);
        environment
    };
    let scenario = |name, before: Option<&Environment>, file: Environment, goal| Scenario {
        name,
        before: before.cloned(),
        file,
        goal,
    };
    [
        scenario("apply", None, plain.clone(), Goal::Apply),
        scenario("change", Some(&plain), edited(change), Goal::Apply),
        scenario("replace", Some(&plain), edited(replace), Goal::Apply),
        scenario("destroy", Some(&plain), plain.clone(), Goal::Destroy),
    ]
}

/// What AWS and Kubernetes can change in place, in every section that the environment has.
fn change(environment: &mut Environment) {
    environment.owner = Some("flights".to_owned());
    let cluster = environment.cluster.as_mut().expect("a cluster");
    for nodes in cluster.node_groups.values_mut() {
        nodes.max += 2;
        nodes.labels.insert("team".to_owned(), "flights".to_owned());
    }
    for database in environment.databases.values_mut() {
        "db.t3.small".clone_into(&mut database.class);
        database
            .allow
            .insert("198.51.100.0/24".parse().expect("a block"));
    }
    for cache in environment.caches.values_mut() {
        cache.nodes = 2;
    }
    for registry in environment.registries.values_mut() {
        registry.immutable_tags = !registry.immutable_tags;
    }
    let bootstrap = environment.bootstrap.as_mut().expect("a bootstrap");
    bootstrap.namespaces.insert("added".to_owned());
}

/// What can only be made anew.
fn replace(environment: &mut Environment) {
    let cluster = environment.cluster.as_mut().expect("a cluster");
    for nodes in cluster.node_groups.values_mut() {
        nodes.instance_types = vec!["t3.large".to_owned()];
    }
    for database in environment.databases.values_mut() {
        database.username += "2";
    }
    for cache in environment.caches.values_mut() {
        cache.encryption = !cache.encryption;
    }
}

/// A session as a new process opens it.
pub fn session(place: &Place, environment: &Environment) -> Session {
    let mut session = shared::session(place.path(), &place.sandbox, environment.clone());
    trim_agent(&mut session);
    if place.looks_seldom {
        session.cloud.clock = Arc::new(Seldom(session.cloud.clock));
    }
    if let Some(store) = place.bucket(&session.environment.name) {
        session.store = store;
    }
    session
}

/// The least time between two looks at what is waited for.
const BETWEEN_LOOKS: Duration = Duration::from_secs(20);

/// A clock on which every pause is at least that long.
struct Seldom(Arc<dyn Clock>);

#[async_trait]
impl Clock for Seldom {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn passed(&self) -> Duration {
        self.0.passed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration.max(BETWEEN_LOOKS)).await;
    }
}
