//! How an environment is, and what it gives.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Planned, Session};
use crate::address::Address;
use crate::environment::Environment;
use crate::plan::Verb;
use crate::resources::bootstrap::entered;
use crate::resources::{Condition, Observed, Outputs, Owner};
use crate::state::{Holder, Outcome, State};

/// How one resource is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResourceStatus {
    /// Which.
    pub address: Address,
    /// Its kind.
    pub kind: String,
    /// Its id; null while there is none.
    pub id: Option<String>,
    /// `ready`, `drifted`, `absent`, `failed: …`, or the cloud's own word while it settles.
    pub state: String,
    /// How long it has been ours, in seconds; null where nobody remembers.
    pub age_seconds: Option<u64>,
}

/// How an environment is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Its name.
    pub environment: String,
    /// The provider that it lives in.
    pub provider: String,
    /// Its account.
    pub account: String,
    /// Its region.
    pub region: String,
    /// When it expires, if it does.
    pub expires: Option<String>,
    /// Seconds until then; negative once it has passed.
    pub expires_in_seconds: Option<i64>,
    /// Whether destroy refuses.
    pub protected: bool,
    /// How the last run ended.
    pub last_run: Option<Outcome>,
    /// The host name of the ingress load balancer, once there is one.
    pub ingress: Option<String>,
    /// Who is at work now.
    pub running: Option<Holder>,
    /// How many actions were begun and not finished.
    pub unfinished: usize,
    /// Every resource that is wanted, remembered or there.
    pub resources: Vec<ResourceStatus>,
}

/// Tells how the environment is, out of a plan that was just made.
///
/// `running` is who is at work.
pub fn status(session: &Session, planned: &Planned, running: Option<Holder>) -> Status {
    let now = session.cloud.clock.now();
    // What was never applied has no beginning from which its time runs.
    let applied = planned.state.serial > 0;
    let expires = planned.ownership.expires.clone().filter(|_| applied);
    let expires_in_seconds = expires
        .as_ref()
        .and_then(|text| text.parse::<Timestamp>().ok())
        .map(|moment| moment.duration_since(now).as_secs());
    let resources = planned.plan.actions.iter().map(|action| {
        let found = planned
            .observation
            .found
            .get(&action.address)
            .into_iter()
            .flatten();
        let found = found
            .filter(|found| found.owner == Owner::Ours)
            .find(|found| Some(&found.id) == action.id.as_ref());
        let recorded = planned.state.resources.get(&action.address);
        let age = recorded.map(|recorded| now.duration_since(recorded.since).as_secs());
        ResourceStatus {
            address: action.address.clone(),
            kind: action.kind.clone(),
            id: found.map(|found| found.id.clone()),
            state: state_word(action.verb, found),
            age_seconds: age.and_then(|age| u64::try_from(age).ok()),
        }
    });
    Status {
        environment: planned.state.environment.clone(),
        provider: planned.state.provider.clone(),
        account: planned.state.account.clone(),
        region: planned.state.region.clone(),
        expires,
        expires_in_seconds,
        protected: session.environment.protect,
        last_run: planned.state.outcome.clone(),
        ingress: ingress(&planned.state),
        running,
        unfinished: planned.state.open.len(),
        resources: resources.collect(),
    }
}

fn ingress(state: &State) -> Option<String> {
    entered(&state.resources)?.outputs.get("hostname").cloned()
}

fn state_word(verb: Verb, found: Option<&Observed>) -> String {
    let Some(found) = found else {
        return "absent".to_owned();
    };
    match (&found.condition, verb) {
        (Condition::Failed(why), _) => format!("failed: {why}"),
        (Condition::Deleting, _) => "deleting".to_owned(),
        (Condition::Settling(word), _) => word.clone(),
        (Condition::Ready, Verb::Update | Verb::Replace) => "drifted".to_owned(),
        (Condition::Ready, Verb::Delete) => "not in the file".to_owned(),
        (Condition::Ready, Verb::Create | Verb::Adopt | Verb::Forget | Verb::None) => {
            "ready".to_owned()
        }
    }
}

/// What the environment gives to those who use it: endpoints, addresses, names of secrets. Names are made of sections
/// and keys as the file calls them, with dots between; each value is of use to a script as it is.
pub fn outputs(environment: &Environment, state: &State) -> Outputs {
    let mut outputs = BTreeMap::new();
    let mut give = |name: String, address: Address, output: &str| {
        let recorded = state.resources.get(&address);
        if let Some(value) = recorded.and_then(|recorded| recorded.outputs.get(output)) {
            outputs.insert(name, value.clone());
        }
    };
    give("vpc.id".to_owned(), Address::of(&["network", "vpc"]), "id");
    for (name, output) in [("name", "cluster_name"), ("endpoint", "endpoint")] {
        let control_plane = Address::of(&["cluster", "control-plane"]);
        give(format!("cluster.{name}"), control_plane, output);
    }
    let provider = Address::of(&["cluster", "oidc-provider"]);
    give("cluster.oidc_provider".to_owned(), provider, "arn");
    let cluster = environment.cluster.iter();
    for key in cluster.flat_map(|cluster| cluster.identities.keys()) {
        let role = Address::of(&["cluster", "role", "identity", key]);
        give(format!("identity.{key}.role"), role, "arn");
    }
    for key in environment.databases.keys() {
        for output in ["endpoint", "port"] {
            let instance = Address::of(&["database", key, "instance"]);
            give(format!("database.{key}.{output}"), instance, output);
        }
    }
    for key in environment.caches.keys() {
        let group = Address::of(&["cache", key, "replication-group"]);
        give(format!("cache.{key}.endpoint"), group, "endpoint");
    }
    for key in environment.registries.keys() {
        let registry = Address::of(&["registry", key]);
        give(format!("registry.{key}.uri"), registry, "uri");
    }
    for key in environment.secrets.keys() {
        let secret = Address::of(&["secret", key]);
        give(format!("secret.{key}.arn"), secret, "arn");
    }
    let bootstrap = environment.bootstrap.as_ref();
    if let Some(hostname) = ingress(state).filter(|_| bootstrap.is_some()) {
        outputs.insert("ingress.hostname".to_owned(), hostname);
    }
    if let Some(agent) = bootstrap.and_then(|bootstrap| bootstrap.agent.as_ref()) {
        outputs.extend(argocd(&agent.namespace));
    }
    outputs
}

/// How to reach Argo CD: while the first runs, at the second, as the third, with the password in the secret.
fn argocd(namespace: &str) -> impl Iterator<Item = (String, String)> {
    let forward = format!("kubectl -n {namespace} port-forward service/argocd-server 8443:443");
    let given = [
        ("port_forward", forward.as_str()),
        ("url", "https://localhost:8443"),
        ("user", "admin"),
        ("password.namespace", namespace),
        ("password.secret", "argocd-initial-admin-secret"),
        ("password.key", "password"),
    ];
    given
        .map(|(name, value)| (format!("argocd.{name}"), value.to_owned()))
        .into_iter()
}
