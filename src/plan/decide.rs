//! The decision for each resource.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Basis, Danger, FieldChange, Goal, Plan, Refusal, Verb, changes, steps};
use crate::address::Address;
use crate::graph::Graph;
use crate::resources::{Condition, Desired, Kind, Observed, Owner};
use crate::state::{self, Recorded};

/// Why an object is not deleted by itself.
const GOES_WITH_CLUSTER: &str = "it goes with the cluster";

/// Decides what is done with every resource.
///
/// # Errors
/// Every reason why nothing may be done.
pub fn plan(basis: &Basis<'_>) -> Result<Plan, Vec<Refusal>> {
    let mut planner = Planner {
        basis,
        actions: BTreeMap::new(),
        refusals: Vec::new(),
    };
    for address in planner.order()? {
        if let Some(action) = planner.decide(&address) {
            planner.actions.insert(address, action);
        }
    }
    if !planner.refusals.is_empty() {
        return Err(planner.refusals);
    }
    let state = basis.state;
    let mut plan = Plan {
        environment: state.environment.clone(),
        goal: basis.goal,
        actions: planner.actions.into_values().collect(),
        expected_seconds: 0,
    };
    let graph = steps(&plan, basis).map_err(|cycle| vec![Refusal::Ring(cycle)])?;
    let weights: BTreeMap<&Address, u64> = plan
        .actions
        .iter()
        .map(|a| (&a.address, a.expected_seconds))
        .collect();
    let remaining = graph
        .remaining(|step| weights.get(&step.address).copied().unwrap_or(0))
        .map_err(|cycle| vec![Refusal::Ring(cycle)])?;
    plan.expected_seconds = remaining.values().copied().max().unwrap_or(0);
    Ok(plan)
}

struct Planner<'a> {
    basis: &'a Basis<'a>,
    actions: BTreeMap<Address, Action>,
    refusals: Vec<Refusal>,
}

impl Planner<'_> {
    /// Every address, each after all that it depends on in the file: what a resource refers to is decided first.
    fn order(&self) -> Result<Vec<Address>, Vec<Refusal>> {
        let mut graph = Graph::default();
        for (address, desired) in self.basis.desired {
            graph.add(address.clone());
            for first in &desired.depends_on {
                graph.wait(address.clone(), first.clone());
            }
        }
        let state = self.basis.state;
        let known = state
            .resources
            .keys()
            .chain(state.open.keys())
            .chain(self.basis.observed.keys());
        known.for_each(|address| graph.add(address.clone()));
        graph.order().map_err(|cycle| vec![Refusal::Ring(cycle)])
    }

    fn decide(&mut self, address: &Address) -> Option<Action> {
        let basis = self.basis;
        let desired = basis.desired.get(address);
        let recorded = basis.state.resources.get(address);
        let found = basis
            .observed
            .get(address)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let kind_name = desired
            .map(|desired| desired.kind)
            .or_else(|| recorded.map(|recorded| recorded.kind.as_str()))
            .or_else(|| found.first().map(|found| found.kind))
            .or_else(|| {
                basis
                    .state
                    .open
                    .get(address)
                    .map(|entry| entry.kind.as_str())
            })?;
        let Some(kind) = (basis.kind)(kind_name) else {
            let (address, kind) = (address.clone(), kind_name.to_owned());
            self.refusals.push(Refusal::UnknownKind { address, kind });
            return None;
        };
        let (primary, surplus) = self.ours(address, found);
        let wanted = desired.filter(|_| basis.goal == Goal::Apply);
        if let (Some(desired), None) = (wanted, primary)
            && let Some(foreign) = found.iter().find(|found| found.owner != Owner::Ours)
        {
            self.refuse(desired, foreign);
            return None;
        }
        let mut action = match (wanted, primary) {
            (Some(desired), Some(found)) => self.keep(kind, desired, recorded, found),
            (Some(desired), None) => self.make(kind, desired, recorded),
            (None, Some(found)) => self.remove(kind, found),
            (None, None) => self.forget(kind, address, recorded)?,
        };
        action.surplus = surplus;
        Some(action)
    }

    /// Which of the found resources is the one, and the ids of the others that are ours, too: the recorded one
    /// stays, then the one that was begun, then the first by id.
    fn ours<'b>(
        &self,
        address: &Address,
        found: &'b [Observed],
    ) -> (Option<&'b Observed>, Vec<String>) {
        let state = self.basis.state;
        let recorded = state
            .resources
            .get(address)
            .map(|recorded| recorded.id.as_str());
        let begun = state
            .open
            .get(address)
            .and_then(|entry| entry.id.as_deref());
        let mut ours: Vec<&Observed> = found
            .iter()
            .filter(|found| found.owner == Owner::Ours)
            .collect();
        ours.sort_by_key(|found| {
            let id = Some(found.id.as_str());
            (
                id != recorded,
                id != begun,
                found.condition == Condition::Deleting,
                found.id.clone(),
            )
        });
        let mut ours = ours.into_iter();
        let primary = ours.next();
        let surplus = ours
            .filter(|found| found.condition != Condition::Deleting)
            .map(|found| found.id.clone());
        (primary, surplus.collect())
    }

    fn refuse(&mut self, desired: &Desired, foreign: &Observed) {
        let lineage = match &foreign.owner {
            Owner::Ours => None,
            Owner::Other { lineage } => lineage.clone(),
        };
        self.refusals.push(Refusal::Foreign {
            address: desired.address.clone(),
            kind: desired.kind.to_owned(),
            name: foreign.name.clone(),
            id: foreign.id.clone(),
            lineage,
        });
    }

    fn action(
        &self,
        kind: &dyn Kind,
        address: &Address,
        name: &str,
        verb: Verb,
        reason: String,
    ) -> Action {
        let usual = kind.usual();
        let expected = |action, usual: std::time::Duration| {
            self.basis
                .state
                .learned(kind.name(), action)
                .unwrap_or(usual.as_secs())
        };
        let expected_seconds = match verb {
            Verb::Create => expected(state::Action::Create, usual.create),
            Verb::Update => expected(state::Action::Update, usual.update),
            Verb::Delete => expected(state::Action::Delete, usual.delete),
            Verb::Replace => {
                expected(state::Action::Delete, usual.delete)
                    + expected(state::Action::Create, usual.create)
            }
            Verb::Adopt | Verb::Forget | Verb::None => 0,
        };
        let danger = match verb {
            Verb::Replace | Verb::Delete if kind.holds_data() => Some(Danger::LosesData),
            Verb::Replace => Some(Danger::Disrupts),
            Verb::Create
            | Verb::Update
            | Verb::Delete
            | Verb::Adopt
            | Verb::Forget
            | Verb::None => None,
        };
        Action {
            address: address.clone(),
            kind: kind.name().to_owned(),
            name: name.to_owned(),
            verb,
            id: None,
            reason,
            changes: Vec::new(),
            danger,
            expected_seconds,
            surplus: Vec::new(),
        }
    }

    fn make(&self, kind: &dyn Kind, desired: &Desired, recorded: Option<&Recorded>) -> Action {
        let reason = if recorded.is_some() {
            "it is gone, though nobody asked"
        } else {
            "the file asks for it"
        };
        self.action(
            kind,
            &desired.address,
            &desired.name,
            Verb::Create,
            reason.to_owned(),
        )
    }

    fn remove(&self, kind: &dyn Kind, found: &Observed) -> Action {
        let (verb, reason) = match self.basis.goal {
            Goal::Destroy if kind.goes_with_cluster(&found.fields) && self.cluster_goes() => {
                (Verb::Forget, GOES_WITH_CLUSTER)
            }
            Goal::Destroy => (Verb::Delete, "the environment is destroyed"),
            Goal::Apply => (Verb::Delete, "the file no longer asks for it"),
        };
        let parts = kind.parts(&found.fields);
        let reason = if parts.is_empty() {
            reason.to_owned()
        } else {
            format!("{reason}, and with it {}", parts.join(", "))
        };
        let mut action = self.action(kind, &found.address, &found.name, verb, reason);
        action.id = Some(found.id.clone());
        action
    }

    /// Whether a cluster that is ours is deleted by this plan: decided before what is in it.
    fn cluster_goes(&self) -> bool {
        self.basis.observed.values().flatten().any(|found| {
            found.kind == crate::resources::CONTROL_PLANE && found.owner == Owner::Ours
        })
    }

    fn forget(
        &self,
        kind: &dyn Kind,
        address: &Address,
        recorded: Option<&Recorded>,
    ) -> Option<Action> {
        let open = self.basis.state.open.get(address);
        let name = recorded
            .map(|recorded| &recorded.name)
            .or(open.map(|entry| &entry.name))?;
        // Objects of a cluster that is not looked into are not seen, and yet not gone.
        let goes = self.basis.goal == Goal::Destroy && kind.lives_in_cluster();
        let reason = if goes && self.cluster_goes() {
            GOES_WITH_CLUSTER
        } else {
            "it is gone"
        };
        let mut action = self.action(kind, address, name, Verb::Forget, reason.to_owned());
        action.id = recorded.map(|recorded| recorded.id.clone());
        Some(action)
    }

    fn keep(
        &self,
        kind: &dyn Kind,
        desired: &Desired,
        recorded: Option<&Recorded>,
        found: &Observed,
    ) -> Action {
        let changes = self.changes(kind, desired, recorded, found);
        let forced: Vec<&str> = changes
            .iter()
            .filter(|change| change.forces_replacement)
            .map(|change| change.field.as_str())
            .collect();
        let (verb, reason) = match &found.condition {
            Condition::Failed(why) => (
                Verb::Replace,
                format!("it failed and will not recover: {why}"),
            ),
            Condition::Deleting => (Verb::Replace, "it is being deleted".to_owned()),
            Condition::Ready | Condition::Settling(_) if !forced.is_empty() => (
                Verb::Replace,
                format!("{} can't be changed in place", forced.join(", ")),
            ),
            Condition::Ready | Condition::Settling(_) if !changes.is_empty() => {
                (Verb::Update, differs(&changes))
            }
            Condition::Settling(state) => (Verb::Update, format!("it is not ready yet ({state})")),
            Condition::Ready if recorded.is_none_or(|recorded| recorded.id != found.id) => (
                Verb::Adopt,
                "it is ours and there, and the state did not know".to_owned(),
            ),
            Condition::Ready if self.basis.state.open.contains_key(&desired.address) => {
                (Verb::Adopt, "what was begun is done".to_owned())
            }
            Condition::Ready => (Verb::None, String::new()),
        };
        let mut action = self.action(kind, &desired.address, &desired.name, verb, reason);
        action.id = Some(found.id.clone());
        action.changes = changes;
        action
    }

    fn changes(
        &self,
        kind: &dyn Kind,
        desired: &Desired,
        recorded: Option<&Recorded>,
        found: &Observed,
    ) -> Vec<FieldChange> {
        let lookup = |address: &Address, output: &str| self.output(address, output);
        let void = |address: &Address| {
            self.actions
                .get(address)
                .is_some_and(|action| matches!(action.verb, Verb::Replace | Verb::Delete))
        };
        changes(
            kind.fields(),
            &desired.fields,
            &found.fields,
            recorded.map(|r| &r.fields),
            &lookup,
            &void,
        )
    }

    /// The output of a resource that was decided before, unless it will be another after the plan.
    fn output(&self, address: &Address, output: &str) -> Option<String> {
        let action = self.actions.get(address)?;
        match action.verb {
            Verb::Create | Verb::Replace | Verb::Delete | Verb::Forget => None,
            Verb::Update => {
                let changed: Vec<String> = action
                    .changes
                    .iter()
                    .map(|change| change.field.clone())
                    .collect();
                let kind = (self.basis.kind)(&action.kind)?;
                let stays = !kind.outputs_changed_by(&changed).contains(&output);
                stays
                    .then(|| self.observed_output(address, action, output))
                    .flatten()
            }
            Verb::Adopt | Verb::None => self.observed_output(address, action, output),
        }
    }

    fn observed_output(&self, address: &Address, action: &Action, output: &str) -> Option<String> {
        let found = self
            .basis
            .observed
            .get(address)?
            .iter()
            .find(|found| Some(&found.id) == action.id.as_ref())?;
        found.outputs.get(output).cloned()
    }
}

/// Says which fields differ, and who changed them.
fn differs(changes: &[FieldChange]) -> String {
    let named = |drift: bool| -> Vec<&str> {
        let those = changes.iter().filter(|change| change.drift == drift);
        those
            .map(|change| change.field.as_str())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    };
    let (drifted, edited) = (named(true), named(false));
    match (drifted.is_empty(), edited.is_empty()) {
        (false, true) => format!("{} changed behind our back", drifted.join(", ")),
        (true, _) => format!("the file changes {}", edited.join(", ")),
        (false, false) => {
            format!(
                "the file changes {}; {} changed behind our back",
                edited.join(", "),
                drifted.join(", ")
            )
        }
    }
}
