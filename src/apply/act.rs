//! One step of a plan, from its journal entry to its last durable word.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::converge::{converge, wait_gone};
use super::error::ActError;
use super::run::seconds_since;
use super::{Job, Known};
use crate::address::Address;
use crate::cloud::{Class, ClusterEndpoint, Retry, fenced_cluster, retry_change};
use crate::event::Event;
use crate::observe::{self, VISIBILITY};
use crate::plan::{Action, Phase, Step, Verb};
use crate::resources::inventory::cluster_endpoint;
use crate::resources::{
    CONTROL_PLANE, Fields, Kind, LEFTOVERS, Observed, Order, references, resolve,
};
use crate::state::{self, Entry, Recorded, Transition};

/// One resource at work.
pub(super) struct Work<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) kind: &'static dyn Kind,
    pub(super) action: &'a Action,
    pub(super) fields: Fields,
    pub(super) token: String,
    pub(super) cluster: Option<kube::Client>,
}

/// Clients of the described cluster, each made when it is first needed. A plan that replaces the cluster has two.
#[derive(Default)]
pub(super) struct Clusters {
    /// The one that the plan saw: what is removed is removed there.
    seen: OnceCell<kube::Client>,
    /// The one that is there when something is made.
    made: OnceCell<kube::Client>,
}

/// Carries out one step.
pub(super) async fn act(
    job: &Job<'_>,
    known: &RefCell<Known>,
    clusters: &Clusters,
    step: &Step,
) -> Result<(), ActError> {
    let action = job.plan.action(&step.address).ok_or(ActError::Unknown)?;
    let found = job.found(action);
    match (action.verb, step.phase) {
        (Verb::None, _) => {
            publish(known, &step.address, found);
            if action.surplus.is_empty() {
                return Ok(());
            }
        }
        (Verb::Forget, _) => {
            job.journal
                .note(Transition::Forget(step.address.clone(), None))?;
            job.listener.hear(&Event::Finished {
                address: step.address.clone(),
                verb: action.verb,
                seconds: 0,
            });
            return Ok(());
        }
        (Verb::Create | Verb::Update | Verb::Replace | Verb::Delete | Verb::Adopt, _) => {}
    }
    let kind = (job.basis.kind)(&action.kind).ok_or(ActError::Unknown)?;
    let work = Work {
        job,
        kind,
        action,
        fields: job.fields(known, action, step.phase)?,
        token: job.token(action),
        cluster: job.cluster(known, clusters, kind, step.phase).await?,
    };
    let begun = job.cloud.clock.passed();
    if action.verb != Verb::None {
        let (address, verb) = (step.address.clone(), action.verb);
        job.listener.hear(&Event::Started {
            address,
            verb,
            expected_seconds: job.plan.seconds(step),
        });
    }
    match (action.verb, step.phase) {
        (Verb::Create | Verb::Replace, Phase::Make) => work.create(known).await?,
        (Verb::Update | Verb::Adopt, _) => work.bring_in_line(known).await?,
        (Verb::Delete | Verb::Replace, Phase::Remove) => work.remove().await?,
        (Verb::Create | Verb::Delete | Verb::None | Verb::Forget, _) => {}
    }
    if !action.surplus.is_empty() {
        job.journal.settle().await?;
    }
    for id in &action.surplus {
        work.delete(id).await?;
    }
    let seconds = seconds_since(begun, job.cloud);
    let (address, verb) = (step.address.clone(), action.verb);
    let event = if verb == Verb::Replace && step.phase == Phase::Remove {
        Event::Removed { address, seconds }
    } else {
        Event::Finished {
            address,
            verb,
            seconds,
        }
    };
    job.listener.hear(&event);
    Ok(())
}

/// Lets dependents know what a resource gives.
fn publish(known: &RefCell<Known>, address: &Address, found: Option<&Observed>) {
    if let Some(found) = found {
        known
            .borrow_mut()
            .insert(address.clone(), found.outputs.clone());
    }
}

impl<'a> Job<'a> {
    /// What the plan saw of the resource that it acts on.
    fn found(&self, action: &Action) -> Option<&'a Observed> {
        let found = self.basis.observed.get(&action.address)?;
        found
            .iter()
            .find(|found| Some(&found.id) == action.id.as_ref())
    }

    /// The token of an action: that of the open entry when a create whose id never came is taken up again.
    fn token(&self, action: &Action) -> String {
        let open = self.basis.state.open.get(&action.address);
        open.filter(|entry| entry.action == state::Action::Create && entry.id.is_none())
            .filter(|_| action.verb == Verb::Create)
            .map_or_else(|| Uuid::new_v4().to_string(), |entry| entry.token.clone())
    }

    /// The fields to bring about, or when removing those that are there.
    fn fields(
        &self,
        known: &RefCell<Known>,
        action: &Action,
        phase: Phase,
    ) -> Result<Fields, ActError> {
        if phase == Phase::Remove || action.verb == Verb::None {
            let recorded = self
                .basis
                .state
                .resources
                .get(&action.address)
                .map(|recorded| recorded.fields.clone());
            return Ok(recorded
                .or_else(|| self.found(action).map(|found| found.fields.clone()))
                .unwrap_or_default());
        }
        let desired = self
            .basis
            .desired
            .get(&action.address)
            .ok_or(ActError::Unknown)?;
        let known = known.borrow();
        let lookup = |address: &Address, output: &str| known.get(address)?.get(output).cloned();
        let fields: Fields = desired
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), resolve(value, &lookup)))
            .collect();
        match fields.values().flat_map(references).next() {
            Some((resource, output)) => {
                Err(ActError::Unresolved(format!("the {output} of {resource}")))
            }
            None => Ok(fields),
        }
    }

    /// A client of the described cluster, connected once the control plane's endpoint is known.
    async fn cluster(
        &self,
        known: &RefCell<Known>,
        clusters: &Clusters,
        kind: &dyn Kind,
        phase: Phase,
    ) -> Result<Option<kube::Client>, ActError> {
        if !kind.lives_in_cluster() {
            return Ok(None);
        }
        let connect = || async {
            let seen = || cluster_endpoint(self.basis.observed);
            let endpoint = match phase {
                Phase::Remove => seen(),
                Phase::Make => {
                    let known = known.borrow();
                    let made = known.values().find_map(ClusterEndpoint::of);
                    made.or_else(seen)
                }
            };
            let endpoint = endpoint
                .ok_or_else(|| ActError::Unresolved("the cluster's endpoint".to_owned()))?;
            let connected = self.cloud.connector.connect(&endpoint).await;
            connected
                .map(|client| fenced_cluster(client, &self.cloud.fence))
                .map_err(|source| ActError::Cloud {
                    doing: "connecting",
                    source,
                })
        };
        let client = match phase {
            Phase::Remove => &clusters.seen,
            Phase::Make => &clusters.made,
        };
        client
            .get_or_try_init(connect)
            .await
            .map(|client| Some(client.clone()))
    }
}

impl Work<'_> {
    pub(super) fn order(&self) -> Order<'_> {
        Order {
            address: &self.action.address,
            name: &self.action.name,
            wanted: self.job.wanted,
            fields: &self.fields,
            token: &self.token,
            variables: self.job.wanted.variables,
            cluster: self.cluster.as_ref(),
        }
    }

    async fn begin(&self, action: state::Action, id: Option<String>) -> Result<(), ActError> {
        let desired = self.job.basis.desired.get(&self.action.address);
        let recorded = self.job.basis.state.resources.get(&self.action.address);
        let entry = Entry {
            action,
            kind: self.action.kind.clone(),
            name: self.action.name.clone(),
            token: self.token.clone(),
            begun: self.job.cloud.clock.now(),
            id,
            depends_on: desired
                .map(|desired| desired.depends_on.clone())
                .or_else(|| recorded.map(|recorded| recorded.depends_on.clone()))
                .unwrap_or_default(),
            fields: self.fields.clone(),
        };
        Ok(self
            .job
            .journal
            .record(Transition::Begin(self.action.address.clone(), entry))
            .await?)
    }

    /// Takes down that the resource is as observed, and lets dependents know: what they begin is durable after it.
    fn finish(
        &self,
        known: &RefCell<Known>,
        observed: &Observed,
        seconds: Option<u64>,
    ) -> Result<(), ActError> {
        let state = &self.job.basis.state;
        let kept = state
            .resources
            .get(&self.action.address)
            .filter(|recorded| recorded.id == observed.id);
        let desired = self.job.basis.desired.get(&self.action.address);
        let recorded = Recorded {
            kind: self.action.kind.clone(),
            id: observed.id.clone(),
            name: self.action.name.clone(),
            fields: self.fields.clone(),
            outputs: observed.outputs.clone(),
            depends_on: desired
                .map(|desired| desired.depends_on.clone())
                .unwrap_or_default(),
            since: kept.map_or_else(|| self.job.cloud.clock.now(), |recorded| recorded.since),
        };
        let address = self.action.address.clone();
        self.job
            .journal
            .note(Transition::Finish(address, recorded, seconds))?;
        publish(known, &self.action.address, Some(observed));
        Ok(())
    }

    async fn create(&self, known: &RefCell<Known>) -> Result<(), ActError> {
        let begun = self.job.cloud.clock.passed();
        self.begin(state::Action::Create, None).await?;
        let id = self.bring_into_being().await?;
        self.job.journal.note(Transition::Identify(
            self.action.address.clone(),
            id.clone(),
        ))?;
        let observed = converge(self, &id).await?;
        self.finish(known, &observed, Some(seconds_since(begun, self.job.cloud)))
    }

    /// Sends the create. When it is uncertain what became of it, looks before sending it again.
    async fn bring_into_being(&self) -> Result<String, ActError> {
        let policy = if self.kind.create_is_idempotent() {
            Retry::Idempotent
        } else {
            Retry::Certain
        };
        let clock = self.job.cloud.clock.as_ref();
        let attempt = || {
            retry_change(clock, policy, || async {
                self.kind.create(self.job.cloud, &self.order()).await
            })
        };
        let fault = match attempt().await {
            Ok(id) => return Ok(id),
            Err(fault) => fault,
        };
        if !matches!(fault.class, Class::Exists | Class::Uncertain) {
            return Err(ActError::Cloud {
                doing: "creating it",
                source: fault,
            });
        }
        if let Some(id) = self.look_for_it().await? {
            return Ok(id);
        }
        if fault.class == Class::Exists {
            return Err(ActError::Cloud {
                doing: "creating it",
                source: fault,
            });
        }
        attempt().await.map_err(|source| ActError::Cloud {
            doing: "creating it",
            source,
        })
    }

    /// Observes anew over the visibility window: also what exists by AWS's own word may be ours and not listed yet.
    async fn look_for_it(&self) -> Result<Option<String>, ActError> {
        let clock = &self.job.cloud.clock;
        let begun = clock.passed();
        loop {
            let found = observe::kind(self.job.cloud, &self.job.wanted, self.kind).await?;
            let ours = found
                .into_iter()
                .find(|found| found.is_ours_at(&self.action.address));
            if ours.is_some() {
                return Ok(ours.map(|found| found.id));
            }
            if clock.passed().saturating_sub(begun) >= VISIBILITY {
                return Ok(None);
            }
            clock.sleep(std::time::Duration::from_secs(5)).await;
        }
    }

    async fn bring_in_line(&self, known: &RefCell<Known>) -> Result<(), ActError> {
        let id = self.action.id.clone().ok_or(ActError::Unknown)?;
        let updating = self.action.verb == Verb::Update;
        if updating {
            self.begin(state::Action::Update, Some(id.clone())).await?;
        }
        let observed = converge(self, &id).await?;
        self.finish(known, &observed, None)
    }

    async fn remove(&self) -> Result<(), ActError> {
        let begun = self.job.cloud.clock.passed();
        let id = self.action.id.clone().ok_or(ActError::Unknown)?;
        if self.kind.name() == CONTROL_PLANE {
            self.owe_sweep()?;
        }
        self.begin(state::Action::Delete, Some(id.clone())).await?;
        self.delete(&id).await?;
        let seconds = seconds_since(begun, self.job.cloud);
        Ok(self.job.journal.note(Transition::Forget(
            self.action.address.clone(),
            Some(seconds),
        ))?)
    }

    /// Takes down that a cluster is to be swept up after, durable before its deletion begins: once it is gone nothing
    /// else tells.
    fn owe_sweep(&self) -> Result<(), ActError> {
        let sweeps = self.job.plan.actions.iter();
        let sweeps =
            sweeps.filter(|action| action.kind == LEFTOVERS && action.verb == Verb::Delete);
        for sweep in sweeps {
            let entry = Entry {
                action: state::Action::Delete,
                kind: sweep.kind.clone(),
                name: sweep.name.clone(),
                token: Uuid::new_v4().to_string(),
                begun: self.job.cloud.clock.now(),
                id: sweep.id.clone(),
                depends_on: BTreeSet::new(),
                fields: Fields::new(),
            };
            let owed = Transition::Begin(sweep.address.clone(), entry);
            self.job.journal.note(owed)?;
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), ActError> {
        self.send_delete(id).await?;
        wait_gone(self, id).await
    }

    /// Has it deleted, without waiting until it is gone.
    pub(super) async fn send_delete(&self, id: &str) -> Result<(), ActError> {
        let clock = self.job.cloud.clock.as_ref();
        let deleted = retry_change(clock, Retry::Idempotent, || async {
            self.kind.delete(self.job.cloud, &self.order(), id).await
        });
        match deleted.await {
            Ok(()) => Ok(()),
            Err(fault) if fault.is_absent() => Ok(()),
            Err(source) => Err(ActError::Cloud {
                doing: "deleting it",
                source,
            }),
        }
    }
}
