//! How an environment is, and what it gives.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Planned, Session};
use crate::address::Address;
use crate::environment::Environment;
use crate::plan::Verb;
use crate::resources::{Condition, Observed, Outputs, Owner};
use crate::state::{Outcome, State};

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
    /// Every resource that is wanted, remembered or there.
    pub resources: Vec<ResourceStatus>,
}

/// Tells how the environment is, out of a plan that was just made.
pub fn status(session: &Session, planned: &Planned) -> Status {
    let now = session.cloud.clock.now();
    let expires = planned.ownership.expires.clone();
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
        resources: resources.collect(),
    }
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

/// What the environment gives to those who use it, by name: endpoints, addresses, names of secrets.
pub fn outputs(environment: &Environment, state: &State) -> Outputs {
    let mut outputs = BTreeMap::new();
    let mut give = |name: String, address: Address, output: &str| {
        if let Some(value) = state
            .resources
            .get(&address)
            .and_then(|recorded| recorded.outputs.get(output))
        {
            outputs.insert(name, value.clone());
        }
    };
    give("vpc".to_owned(), Address::of(&["network", "vpc"]), "id");
    let control_plane = Address::of(&["cluster", "control-plane"]);
    give("cluster".to_owned(), control_plane.clone(), "cluster_name");
    give("cluster_endpoint".to_owned(), control_plane, "endpoint");
    for key in environment.databases.keys() {
        for (name, output) in [("endpoint", "endpoint"), ("port", "port")] {
            give(
                format!("database_{key}_{name}"),
                Address::of(&["database", key, "instance"]),
                output,
            );
        }
    }
    for key in environment.caches.keys() {
        give(
            format!("cache_{key}_endpoint"),
            Address::of(&["cache", key, "replication-group"]),
            "endpoint",
        );
    }
    for key in environment.registries.keys() {
        give(
            format!("registry_{key}_uri"),
            Address::of(&["registry", key]),
            "uri",
        );
    }
    for key in environment.secrets.keys() {
        give(
            format!("secret_{key}_arn"),
            Address::of(&["secret", key]),
            "arn",
        );
    }
    if let Some(bootstrap) = &environment.bootstrap {
        let service = Address::of(&["bootstrap", "ingress", "service", "traefik"]);
        give("load_balancer".to_owned(), service, "hostname");
        if let Some(agent) = &bootstrap.agent {
            let namespace = &agent.namespace;
            outputs.insert(
                "argocd".to_owned(),
                format!("kubectl -n {namespace} port-forward service/argocd-server 8443:443, then https://localhost:8443 as admin"),
            );
            outputs.insert(
                "argocd_password_secret".to_owned(),
                format!("{namespace}/argocd-initial-admin-secret (key password)"),
            );
        }
    }
    outputs
}
