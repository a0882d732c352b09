//! The state of one environment as a document, and the only function that changes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::address::Address;
use crate::graph::Graph;

/// The format that this version writes; an older one is read, a newer one refused.
pub const FORMAT: u32 = 1;

/// Everything that is remembered of one environment. Holds no secret, and no digest of one.
///
/// Its invariants, which are checked after it was read and before it is written, and named by number in [`Damage`]:
///
/// 1. A recorded resource has an id and a kind.
/// 2. What was recorded to be made after one another forms no ring.
/// 3. An action that creates is open only for what isn't recorded.
/// 4. No two recorded resources of one kind have the same id.
/// 5. An id arrives only after its action began.
/// 6. The document is of the environment that it is kept for.
/// 7. An open action has a kind and a name, and an id of what it changes or deletes.
/// 8. The document has a format and a lineage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Version of this document.
    pub format: u32,
    /// The environment's name.
    pub environment: String,
    /// The provider that it lives in.
    pub provider: String,
    /// The account that it lives in.
    pub account: String,
    /// The region that it lives in.
    pub region: String,
    /// The one history that owns the environment's resources. Durable before the first call.
    pub lineage: Uuid,
    /// Grows with every write.
    pub serial: u64,
    /// When the first apply began.
    pub since: Timestamp,
    /// What exists, as far as finished actions told.
    #[serde(default)]
    pub resources: BTreeMap<Address, Recorded>,
    /// What was begun and not finished.
    #[serde(default)]
    pub open: BTreeMap<Address, Entry>,
    /// How many seconds actions took, by `address action`: what progress is foretold from.
    #[serde(default)]
    pub durations: BTreeMap<String, u64>,
    /// How the last run ended.
    #[serde(default)]
    pub outcome: Option<Outcome>,
}

/// What the state remembers of one resource. Holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The kind's name.
    pub kind: String,
    /// The id that AWS gave, or the name where that is the id.
    pub id: String,
    /// The name in AWS or Kubernetes.
    pub name: String,
    /// The properties as they were last applied, references resolved.
    pub fields: Map<String, Value>,
    /// What it gives to others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// What it was made after, and must go before.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Address>,
    /// When we made or adopted it.
    pub since: Timestamp,
}

/// What is being done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is brought into being.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed.
    Delete,
}

/// An action that was begun and has not finished: settled by observing, with no questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What was begun.
    pub action: Action,
    /// The kind's name.
    pub kind: String,
    /// The name in AWS or Kubernetes.
    pub name: String,
    /// The idempotency token of the call.
    pub token: String,
    /// When.
    pub begun: Timestamp,
    /// The id, once the cloud gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the resource was to be made after.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<Address>,
    /// The properties as they were asked for, references resolved: what is known only by its name within another
    /// resource is found again by them. Holds no secret.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// `apply` or `destroy`.
    pub operation: String,
    /// When.
    pub at: Timestamp,
    /// Whether everything was done.
    pub complete: bool,
}

/// One step of the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// An action begins; durable before its first call.
    Begin(Address, Entry),
    /// The cloud gave an id; durable before anything is waited for.
    Identify(Address, String),
    /// The resource is as recorded; durable before a dependent starts. Carries the seconds that it took.
    Finish(Address, Recorded, Option<u64>),
    /// The resource is gone, or no longer ours to remember.
    Forget(Address, Option<u64>),
    /// A run ended.
    End(Outcome),
}

/// Why a document is not used, or a transition not made. The number is that of the invariant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The document is not JSON of the expected form.
    #[error("the document can't be read: {0}")]
    Unreadable(String),
    /// It was written by a later groundwork.
    #[error(
        "the document has format {found}, and this groundwork writes format {FORMAT}: use the groundwork that wrote it, or a later one"
    )]
    Newer {
        /// Its format.
        found: u32,
    },
    /// Invariant 1: a recorded resource has an id and a kind.
    #[error("invariant 1: {0} is recorded without an id or a kind")]
    Nameless(Address),
    /// Invariant 2: recorded dependencies form no ring.
    #[error("invariant 2: recorded dependencies form a ring: {0}")]
    Ring(String),
    /// Invariant 3: an action that creates is open only for what isn't recorded.
    #[error("invariant 3: {0} is recorded and being created at once")]
    TwiceCreated(Address),
    /// Invariant 4: no two recorded resources of one kind have the same id.
    #[error("invariant 4: {0} and {1} are recorded with the same id")]
    SameId(Address, Address),
    /// Invariant 5: an id arrives only after its action began.
    #[error("invariant 5: an id came for {0}, on which no action began")]
    NeverBegun(Address),
    /// Invariant 6: the document is of the environment that it is kept for.
    #[error("invariant 6: the document is of environment `{found}`, kept as `{expected}`")]
    OtherEnvironment {
        /// The name in the document.
        found: String,
        /// The name that it is kept under.
        expected: String,
    },
    /// Invariant 7: an open action has a kind and a name, and an id of what it changes or deletes.
    #[error("invariant 7: what was begun on {0} does not say on what")]
    Aimless(Address),
    /// Invariant 8: the document has a format and a lineage.
    #[error("invariant 8: the document has no lineage, or a format that never was")]
    Nobodys,
}

impl State {
    /// The state of an environment that was never applied.
    pub fn new(
        environment: &str,
        provider: &str,
        account: &str,
        region: &str,
        since: Timestamp,
    ) -> Self {
        Self {
            format: FORMAT,
            environment: environment.to_owned(),
            provider: provider.to_owned(),
            account: account.to_owned(),
            region: region.to_owned(),
            lineage: Uuid::new_v4(),
            serial: 0,
            since,
            resources: BTreeMap::new(),
            open: BTreeMap::new(),
            durations: BTreeMap::new(),
            outcome: None,
        }
    }

    /// Reads a document and verifies it.
    ///
    /// # Errors
    /// When it is damaged, or newer than this version.
    pub fn from_bytes(bytes: &[u8], environment: &str) -> Result<Self, Damage> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |error: serde_json::Error| Damage::Unreadable(error.to_string());
        let Version { format } = serde_json::from_slice(bytes).map_err(unreadable)?;
        if format > FORMAT {
            return Err(Damage::Newer { found: format });
        }
        let state: Self = serde_json::from_slice(bytes).map_err(unreadable)?;
        if state.environment != environment {
            return Err(Damage::OtherEnvironment {
                found: state.environment,
                expected: environment.to_owned(),
            });
        }
        state.verify()?;
        Ok(state)
    }

    /// The document as it is written: JSON that people can read.
    ///
    /// # Errors
    /// When an invariant does not hold; nothing damaged is ever written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Damage> {
        if self.format > FORMAT {
            return Err(Damage::Newer { found: self.format });
        }
        self.verify()?;
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| Damage::Unreadable(error.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Checks the numbered invariants.
    ///
    /// # Errors
    /// The first that does not hold.
    pub fn verify(&self) -> Result<(), Damage> {
        if self.lineage.is_nil() || self.format == 0 {
            return Err(Damage::Nobodys);
        }
        let mut graph = Graph::default();
        let mut ids: BTreeMap<(&str, &str), &Address> = BTreeMap::new();
        for (address, recorded) in &self.resources {
            if recorded.id.is_empty() || recorded.kind.is_empty() {
                return Err(Damage::Nameless(address.clone()));
            }
            if let Some(other) = ids.insert((&recorded.kind, &recorded.id), address) {
                return Err(Damage::SameId(other.clone(), address.clone()));
            }
            for first in &recorded.depends_on {
                graph.wait(address, first);
            }
        }
        graph
            .order()
            .map_err(|cycle| Damage::Ring(cycle.0.join(" → ")))?;
        let aimless = self.open.iter().find(|(_, entry)| {
            let on_nothing = entry.action != Action::Create && entry.id.is_none();
            entry.kind.is_empty() || entry.name.is_empty() || on_nothing
        });
        if let Some((address, _)) = aimless {
            return Err(Damage::Aimless(address.clone()));
        }
        let twice = self.open.iter().find(|(address, entry)| {
            entry.action == Action::Create && self.resources.contains_key(*address)
        });
        match twice {
            Some((address, _)) => Err(Damage::TwiceCreated(address.clone())),
            None => Ok(()),
        }
    }

    /// Makes one step of the journal. This is the only way in which a state changes.
    ///
    /// # Errors
    /// When the step does not follow from what was recorded before; the state is unchanged then.
    pub fn record(&mut self, transition: Transition) -> Result<(), Damage> {
        match transition {
            Transition::Begin(address, entry) => {
                if entry.action == Action::Create {
                    // What is created anew was found absent: what was remembered of it is void.
                    self.resources.remove(&address);
                }
                self.open.insert(address, entry);
            }
            Transition::Identify(address, id) => {
                let entry = self
                    .open
                    .get_mut(&address)
                    .ok_or(Damage::NeverBegun(address))?;
                entry.id = Some(id);
            }
            Transition::Finish(address, recorded, seconds) => {
                self.close(&address, seconds);
                // A resource whose key in the file was renamed is at its new address only.
                self.resources
                    .retain(|_, other| (&other.kind, &other.id) != (&recorded.kind, &recorded.id));
                self.resources.insert(address, recorded);
            }
            Transition::Forget(address, seconds) => {
                self.close(&address, seconds);
                self.resources.remove(&address);
            }
            Transition::End(outcome) => self.outcome = Some(outcome),
        }
        Ok(())
    }

    /// Whether nothing of the environment is remembered any more.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.open.is_empty()
    }

    /// Ends the open entry of `address` and learns from it how long such an action takes.
    fn close(&mut self, address: &Address, seconds: Option<u64>) {
        if let (Some(entry), Some(seconds)) = (self.open.remove(address), seconds) {
            let key = duration_key(address, entry.action);
            self.durations.extend(key.map(|key| (key, seconds)));
        }
    }

    /// How many seconds this action took here the last time.
    pub fn learned(&self, address: &Address, action: Action) -> Option<u64> {
        let key = duration_key(address, action)?;
        self.durations.get(&key).copied()
    }
}

/// Under which key a duration is kept. An update's says nothing about the next, which may change something else.
fn duration_key(address: &Address, action: Action) -> Option<String> {
    match action {
        Action::Create => Some(format!("{address} create")),
        Action::Delete => Some(format!("{address} delete")),
        Action::Update => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn recorded(id: &str, after: &[&str]) -> Recorded {
        Recorded {
            kind: "network.vpc".into(),
            id: id.into(),
            name: id.into(),
            fields: Map::new(),
            outputs: BTreeMap::new(),
            depends_on: after.iter().map(|text| address(text)).collect(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    fn state() -> State {
        State::new(
            "demo",
            "sandbox",
            "123456789012",
            "us-east-1",
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn reads_back_what_it_writes() {
        let mut state = state();
        state
            .record(Transition::Finish(
                address("network.vpc"),
                recorded("vpc-1", &[]),
                None,
            ))
            .unwrap();
        let bytes = state.to_bytes().unwrap();
        assert_eq!(State::from_bytes(&bytes, "demo"), Ok(state));
    }

    #[test]
    fn refuses_a_newer_format_and_another_environment() {
        let mut state = state();
        let bytes = state.to_bytes().unwrap();
        assert!(matches!(
            State::from_bytes(&bytes, "staging"),
            Err(Damage::OtherEnvironment { .. })
        ));
        state.format = FORMAT + 1;
        let bytes = serde_json::to_vec(&state).unwrap();
        assert_eq!(
            State::from_bytes(&bytes, "demo"),
            Err(Damage::Newer { found: FORMAT + 1 })
        );
        assert!(matches!(
            State::from_bytes(b"{\"format\": 1,", "demo"),
            Err(Damage::Unreadable(_))
        ));
    }

    fn entry(action: Action) -> Entry {
        Entry {
            action,
            kind: "network.vpc".into(),
            name: "vpc".into(),
            token: "token".into(),
            begun: Timestamp::UNIX_EPOCH,
            id: None,
            depends_on: BTreeSet::new(),
            fields: Map::new(),
        }
    }

    /// What breaks an invariant is neither written nor, once it was written all the same, read.
    #[test]
    fn each_invariant_holds_or_the_document_is_damaged() {
        let with = |resources: &[(&str, Recorded)], open: &[(&str, Entry)]| {
            let mut state = state();
            for (at, recorded) in resources {
                state.resources.insert(address(at), recorded.clone());
            }
            for (at, entry) in open {
                state.open.insert(address(at), entry.clone());
            }
            state
        };
        let no_kind = Recorded {
            kind: String::new(),
            ..recorded("1", &[])
        };
        let no_name = Entry {
            name: String::new(),
            ..entry(Action::Create)
        };
        let ring = [
            ("a.b", recorded("1", &["a.c"])),
            ("a.c", recorded("2", &["a.b"])),
        ];
        let same = [("a.b", recorded("1", &[])), ("a.c", recorded("1", &[]))];
        let create = [("a.b", entry(Action::Create))];
        let nobodys = State {
            lineage: Uuid::nil(),
            ..state()
        };
        let formless = State {
            format: 0,
            ..state()
        };
        let b = || address("a.b");
        for (state, damage) in [
            (
                with(&[("a.b", recorded("", &[]))], &[]),
                Damage::Nameless(b()),
            ),
            (with(&[("a.b", no_kind)], &[]), Damage::Nameless(b())),
            (with(&ring, &[]), Damage::Ring("a.b → a.c → a.b".into())),
            (
                with(&[("a.b", recorded("1", &[]))], &create),
                Damage::TwiceCreated(b()),
            ),
            (with(&same, &[]), Damage::SameId(b(), address("a.c"))),
            (
                with(&[], &[("a.b", entry(Action::Update))]),
                Damage::Aimless(b()),
            ),
            (
                with(&[], &[("a.b", entry(Action::Delete))]),
                Damage::Aimless(b()),
            ),
            (with(&[], &[("a.b", no_name)]), Damage::Aimless(b())),
            (nobodys, Damage::Nobodys),
            (formless, Damage::Nobodys),
        ] {
            let bytes = serde_json::to_vec(&state).unwrap();
            let read = State::from_bytes(&bytes, "demo").unwrap_err();
            assert_eq!(state.to_bytes(), Err(damage));
            assert_eq!(state.to_bytes(), Err(read));
        }
        let whole = with(&[("a.c", recorded("1", &[]))], &create);
        assert_eq!(
            State::from_bytes(&whole.to_bytes().unwrap(), "demo"),
            Ok(whole)
        );
    }

    #[test]
    fn a_newer_document_is_not_written_by_an_older_groundwork() {
        let newer = State {
            format: FORMAT + 1,
            ..state()
        };
        assert_eq!(newer.to_bytes(), Err(Damage::Newer { found: FORMAT + 1 }));
    }

    #[test]
    fn an_id_arrives_only_after_the_action_began() {
        let mut state = state();
        let early = Transition::Identify(address("network.vpc"), "vpc-1".into());
        assert_eq!(
            state.record(early),
            Err(Damage::NeverBegun(address("network.vpc")))
        );
    }
}
