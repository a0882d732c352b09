//! The decision for each resource.

use std::collections::{BTreeMap, BTreeSet};

use super::foretold::foretold;
use super::reason::{differs, forces, unfinished};
use super::steps::order;
use super::whose::{goes_on_as, is_foreign, is_in_the_way, ours, was};
use super::{Action, Basis, Danger, FieldChange, Goal, Plan, Refusal, Step, Verb, changes};
use crate::address::Address;
use crate::graph::Graph;
use crate::resources::bootstrap::NAMESPACE;
use crate::resources::{
    CONTROL_PLANE, Condition, Desired, EXISTING_CLUSTER, Fields, Kind, LEFTOVERS, NODE_GROUP,
    Observed, Owner, WORKLOADS,
};
use crate::state::{self, Recorded};

/// Why an object is not deleted by itself.
const GOES_WITH_CLUSTER: &str = "it goes with the cluster";

/// Why what was there before us is only forgotten.
const STAYS: &str = "it is not ours, and stays";

/// Decides what is done with every resource.
///
/// # Errors
/// Every reason why nothing may be done.
pub fn plan(basis: &Basis<'_>) -> Result<Plan, Vec<Refusal>> {
    let mut stuck = BTreeSet::new();
    loop {
        let mut plan = decide_all(basis, &stuck)?;
        let order = order(&plan, basis).map_err(|cycle| vec![Refusal::Ring(cycle)])?;
        let known = stuck.len();
        stuck.extend(order.stuck);
        if stuck.len() == known {
            plan.expected_seconds = longest(&plan, &order.graph)?;
            return Ok(plan);
        }
    }
}

/// Decides, where what is `stuck` can't let go in time of what it holds, and goes with it.
fn decide_all(basis: &Basis<'_>, stuck: &BTreeSet<Address>) -> Result<Plan, Vec<Refusal>> {
    let mut planner = Planner {
        basis,
        stuck,
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
    Ok(Plan {
        environment: basis.state.environment.clone(),
        goal: basis.goal,
        actions: planner.actions.into_values().collect(),
        expected_seconds: 0,
    })
}

/// Seconds along the longest chain of the plan.
fn longest(plan: &Plan, graph: &Graph<Step>) -> Result<u64, Vec<Refusal>> {
    let remaining = graph
        .remaining(|step| plan.seconds(step))
        .map_err(|cycle| vec![Refusal::Ring(cycle)])?;
    Ok(remaining.values().copied().max().unwrap_or(0))
}

struct Planner<'a> {
    basis: &'a Basis<'a>,
    /// What can't let go of what it holds before that has to be gone.
    stuck: &'a BTreeSet<Address>,
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
        // What becomes of the cluster decides what becomes of everything in it.
        let (clusters, inside): (Vec<_>, Vec<_>) = graph
            .nodes()
            .filter(|address| self.is_cluster(address) || self.belongs_to_cluster(address))
            .cloned()
            .partition(|address| self.is_cluster(address));
        for object in inside {
            for cluster in &clusters {
                graph.wait(object.clone(), cluster.clone());
            }
        }
        graph.order().map_err(|cycle| vec![Refusal::Ring(cycle)])
    }

    /// The kind of what stands or should stand at `address`.
    fn kind_name(&self, address: &Address) -> Option<&str> {
        let basis = self.basis;
        let desired = basis.desired.get(address).map(|desired| desired.kind);
        let recorded = || Some(basis.state.resources.get(address)?.kind.as_str());
        let found = || Some(basis.observed.get(address)?.first()?.kind);
        let open = || Some(basis.state.open.get(address)?.kind.as_str());
        desired.or_else(recorded).or_else(found).or_else(open)
    }

    /// The kind of what the state says was made, or begun, at `address`.
    fn recorded_kind(&self, address: &Address) -> Option<&str> {
        let state = self.basis.state;
        let recorded = state.resources.get(address).map(|one| one.kind.as_str());
        recorded.or_else(|| Some(state.open.get(address)?.kind.as_str()))
    }

    fn is_cluster(&self, address: &Address) -> bool {
        [Some(CONTROL_PLANE), Some(EXISTING_CLUSTER)].contains(&self.kind_name(address))
    }

    fn belongs_to_cluster(&self, address: &Address) -> bool {
        let kind = self.kind_name(address).and_then(self.basis.kind);
        kind.is_some_and(belongs_to_cluster)
    }

    fn decide(&mut self, address: &Address) -> Option<Action> {
        let basis = self.basis;
        let desired = basis.desired.get(address);
        let recorded = basis.state.resources.get(address);
        let kind_name = self.kind_name(address)?;
        let Some(kind) = (basis.kind)(kind_name) else {
            let (address, kind) = (address.clone(), kind_name.to_owned());
            self.refusals.push(Refusal::UnknownKind { address, kind });
            return None;
        };
        let found = basis
            .observed
            .get(address)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let (primary, surplus) = ours(basis, address, found);
        if let Some(desired) = desired.filter(|_| self.is_cluster(address))
            && let Some(other) = self.recorded_kind(address)
            && other != desired.kind
        {
            self.refusals.push(Refusal::OtherSort {
                address: address.clone(),
                ours: other == CONTROL_PLANE,
            });
            return None;
        }
        if let (true, Some(was), Some(is)) = (kind.is_given(), recorded, primary)
            && was.id != is.id
        {
            self.refusals.push(Refusal::OtherCluster {
                address: address.clone(),
                name: is.name.clone(),
                was: was.id.clone(),
                is: is.id.clone(),
            });
            return None;
        }
        let wanted = desired.filter(|_| basis.goal == Goal::Apply && !is_sweep(kind));
        if let (Some(desired), None) = (desired, primary)
            && let Some(foreign) = found.iter().find(|found| is_in_the_way(basis, found))
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
        if let (Some(desired), Verb::Replace) = (wanted, action.verb)
            && let Some(foreign) = found
                .iter()
                .find(|found| is_foreign(basis, found) && found.name == desired.name)
        {
            self.refuse(desired, foreign);
            return None;
        }
        let holds_data = |found: &Observed| kind.holds_data(&found.fields);
        if !surplus.is_empty() && kind.lives_in_cluster() && self.is_guest() {
            // Somebody may have copied it, and our marks along.
            let told = [
                action.reason.as_str(),
                "of several at one address some may be copies",
            ];
            action.reason = told
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
            action.danger = Some(Danger::TakesOthers);
        } else if !surplus.is_empty() && found.iter().any(holds_data) {
            action.danger = Some(Danger::LosesData);
        }
        action.surplus = surplus;
        Some(action)
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
        found: Option<&Observed>,
    ) -> Action {
        let nothing = Fields::new();
        let fields = found.map_or(&nothing, |found| &found.fields);
        let usual = kind.usual(address);
        let expected = |action, usual: std::time::Duration| {
            foretold(usual, self.basis.state.learned(address, action))
        };
        let (makes, removes) = match verb {
            Verb::Create => (expected(state::Action::Create, usual.create), 0),
            Verb::Update => (expected(state::Action::Update, usual.update), 0),
            Verb::Delete => (0, expected(state::Action::Delete, usual.delete)),
            Verb::Replace => (
                expected(state::Action::Create, usual.create),
                expected(state::Action::Delete, usual.delete),
            ),
            Verb::Adopt | Verb::Forget | Verb::None => (0, 0),
        };
        let goes = matches!(verb, Verb::Replace | Verb::Delete);
        let unmarked = goes && found.is_some_and(|found| self.is_unmarked(kind, found));
        let danger = match verb {
            _ if unmarked => Some(Danger::TakesOthers),
            Verb::Replace | Verb::Delete if kind.takes_others(fields) => Some(Danger::TakesOthers),
            Verb::Replace | Verb::Delete
                if kind.holds_data(fields) && !self.never_worked(kind, address, found) =>
            {
                Some(Danger::LosesData)
            }
            Verb::Replace => Some(Danger::Disrupts),
            Verb::Create
            | Verb::Update
            | Verb::Delete
            | Verb::Adopt
            | Verb::Forget
            | Verb::None => None,
        };
        let lost = kind
            .data_elsewhere(fields)
            .filter(|_| self.basis.goal == Goal::Apply && danger == Some(Danger::LosesData));
        let reason = match unmarked {
            true => format!("{reason}; it no longer says that it is ours"),
            false => reason,
        };
        Action {
            address: address.clone(),
            kind: kind.name().to_owned(),
            name: name.to_owned(),
            verb,
            id: None,
            reason: lost.map_or(reason.clone(), |lost| {
                format!("{reason}, and with it {lost}")
            }),
            changes: Vec::new(),
            danger,
            expected_seconds: makes + removes,
            removal_seconds: removes,
            surplus: Vec::new(),
        }
    }

    /// Whether the cluster is others', who may have made what stands there by a name of ours.
    fn is_guest(&self) -> bool {
        let desired = self.basis.desired.values().map(|desired| desired.kind);
        let recorded = self.basis.state.resources.values();
        let mut kinds = desired.chain(recorded.map(|recorded| recorded.kind.as_str()));
        kinds.any(|kind| kind == EXISTING_CLUSTER)
    }

    /// Whether only its name says that it is ours, where that says little.
    fn is_unmarked(&self, kind: &dyn Kind, found: &Observed) -> bool {
        found.owner != Owner::Ours && kind.lives_in_cluster() && self.is_guest()
    }

    /// Whether its first creation never came to an end, so that nobody can have stored anything in it. That no run saw the end of
    /// it is not enough: one that was killed leaves what works a moment later. Nor are claims in a cluster ever empty for
    /// sure: what never got ready may have found them there.
    fn never_worked(&self, kind: &dyn Kind, address: &Address, found: Option<&Observed>) -> bool {
        let state = self.basis.state;
        let open = state.open.get(address);
        let is_begun = open.is_some_and(|entry| entry.action == state::Action::Create)
            && !state.resources.contains_key(address);
        let is_unfinished = found.is_none_or(|found| match &found.condition {
            Condition::Settling(word) => word == "creating",
            Condition::Failed(_) => true,
            Condition::Ready | Condition::Deleting => false,
        });
        is_begun && is_unfinished && !kind.lives_in_cluster()
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
            None,
        )
    }

    fn remove(&self, kind: &dyn Kind, found: &Observed) -> Action {
        let goes_along = kind.goes_with_cluster(&found.fields) && self.cluster_goes();
        let (verb, reason) = match self.basis.goal {
            _ if kind.is_given() => (Verb::Forget, STAYS),
            _ if goes_along => (Verb::Forget, GOES_WITH_CLUSTER),
            Goal::Destroy => (Verb::Delete, "the environment is destroyed"),
            Goal::Apply if is_sweep(kind) => (Verb::Delete, "its cluster goes"),
            Goal::Apply => (Verb::Delete, "the file no longer asks for it"),
        };
        let parts = kind.parts(&found.fields);
        let reason = if parts.is_empty() {
            reason.to_owned()
        } else {
            format!("{reason}, and with it {}", parts.join(", "))
        };
        let (address, name) = (&found.address, &found.name);
        let mut action = self.action(kind, address, name, verb, reason, Some(found));
        action.id = Some(found.id.clone());
        action
    }

    /// Whether the cluster is deleted by this plan, for good or to be made again: decided before what is in it.
    fn cluster_goes(&self) -> bool {
        self.actions.values().any(|action| {
            let goes = matches!(action.verb, Verb::Delete | Verb::Replace);
            action.kind == CONTROL_PLANE && goes
        })
    }

    /// Whether the namespace that `desired` stands in goes and is made again, which was decided before.
    fn namespace_is_renewed(&self, desired: &Desired) -> bool {
        let firsts = desired.depends_on.iter();
        let mut firsts = firsts.filter_map(|first| self.actions.get(first));
        firsts.any(|action| action.kind == NAMESPACE.name && action.verb == Verb::Replace)
    }

    /// Whether the machines that `desired` runs on are made anew, one by one or all at once.
    fn nodes_are_renewed(&self, desired: &Desired) -> bool {
        let firsts = desired.depends_on.iter();
        let mut nodes = firsts
            .filter_map(|first| self.actions.get(first))
            .filter(|action| action.kind == NODE_GROUP);
        nodes.any(|action| match action.verb {
            Verb::Create | Verb::Replace => true,
            Verb::Update => !self.outputs_changed_by(action).is_empty(),
            Verb::Delete | Verb::Adopt | Verb::Forget | Verb::None => false,
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
        let goes_on = recorded.and_then(|recorded| goes_on_as(self.basis, kind, &recorded.id));
        let reason = match goes_on {
            _ if belongs_to_cluster(kind) && self.cluster_goes() => GOES_WITH_CLUSTER.to_owned(),
            Some(other) => format!("it goes on as {other}"),
            None if kind.is_given() => STAYS.to_owned(),
            None if kind.lives_in_cluster() && self.cluster_is_passed_over() => {
                "its cluster is not looked into, and keeps it if it is there".to_owned()
            }
            None => "it is gone".to_owned(),
        };
        let mut action = self.action(kind, address, name, Verb::Forget, reason, None);
        action.id = recorded.map(|recorded| recorded.id.clone());
        Some(action)
    }

    /// Whether the cluster that others made is not looked into.
    fn cluster_is_passed_over(&self) -> bool {
        let mut recorded = self.basis.state.resources.iter();
        recorded.any(|(address, recorded)| {
            let kind = (self.basis.kind)(&recorded.kind);
            kind.is_some_and(|kind| kind.is_given()) && !self.basis.observed.contains_key(address)
        })
    }

    fn keep(
        &self,
        kind: &dyn Kind,
        desired: &Desired,
        recorded: Option<&Recorded>,
        found: &Observed,
    ) -> Action {
        if belongs_to_cluster(kind) && self.cluster_goes() {
            return self.follow_cluster(kind, desired, found);
        }
        if kind.lives_in_cluster() && self.namespace_is_renewed(desired) {
            let reason = "its namespace is made anew, and it went with the old one";
            let (address, name, reason) = (&desired.address, &desired.name, reason.to_owned());
            return self.action(kind, address, name, Verb::Create, reason, None);
        }
        let changes = self.changes(kind, desired, recorded, found);
        let forced = changes.iter().any(|change| change.forces_replacement);
        let (verb, reason) = match &found.condition {
            Condition::Failed(why) => (
                Verb::Replace,
                format!("it failed and will not recover: {why}"),
            ),
            Condition::Deleting => (Verb::Replace, "it is being deleted".to_owned()),
            Condition::Ready | Condition::Settling(_) if forced => {
                (Verb::Replace, forces(kind, &changes))
            }
            Condition::Ready | Condition::Settling(_) if !changes.is_empty() => {
                let begun = self.basis.state.open.contains_key(&desired.address);
                let why = if begun { unfinished } else { differs };
                let was = was(self.basis, kind, found).into_iter();
                let reasons = was.chain([why(&changes)]).collect::<Vec<_>>();
                (Verb::Update, reasons.join("; "))
            }
            Condition::Settling(state) => (Verb::Update, format!("it is not ready yet ({state})")),
            Condition::Ready if kind.lives_in_cluster() && self.nodes_are_renewed(desired) => {
                (Verb::Update, "its nodes are made anew".to_owned())
            }
            Condition::Ready if recorded.is_none_or(|recorded| recorded.id != found.id) => (
                Verb::Adopt,
                was(self.basis, kind, found).unwrap_or_else(|| {
                    let given = "it is there without us, and stays when the environment goes";
                    let ours = "it is ours and there, and the state did not know";
                    let words = if kind.is_given() { given } else { ours };
                    words.to_owned()
                }),
            ),
            Condition::Ready if self.basis.state.open.contains_key(&desired.address) => {
                (Verb::Adopt, "what was begun is done".to_owned())
            }
            Condition::Ready => (Verb::None, String::new()),
        };
        let (address, name) = (&desired.address, &desired.name);
        let mut action = self.action(kind, address, name, verb, reason, Some(found));
        action.id = Some(found.id.clone());
        let changed: Vec<String> = changes.iter().map(|it| it.field.clone()).collect();
        if verb == Verb::Update
            && let Some(disruption) = kind.disruption(&changed, &desired.fields)
        {
            action.danger = Some(Danger::Disrupts);
            action.reason = format!("{}: {disruption}", action.reason);
        }
        action.changes = changes;
        action
    }

    /// What becomes of an object whose cluster is replaced: it is made again in the new one. What has effects
    /// outside is deleted first, while the controllers live that undo them.
    fn follow_cluster(&self, kind: &dyn Kind, desired: &Desired, found: &Observed) -> Action {
        let verb = if kind.goes_with_cluster(&found.fields) {
            Verb::Create
        } else {
            Verb::Replace
        };
        let reason = "its cluster is replaced".to_owned();
        let (address, name) = (&desired.address, &desired.name);
        let mut action = self.action(kind, address, name, verb, reason, Some(found));
        action.id = (verb == Verb::Replace).then(|| found.id.clone());
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
        let (wanted, now) = (&desired.fields, &found.fields);
        let before = recorded.map(|recorded| &recorded.fields);
        let mut changes = changes(kind.fields(), wanted, now, before, &lookup, &void);
        // Nobody changed a field whose outputs are still those that we left: the version of a secret, say, whose
        // variable has another value now.
        for change in changes.iter_mut().filter(|change| change.drift) {
            let follow = kind.outputs_changed_by(std::slice::from_ref(&change.field));
            let as_left = |output: &&str| {
                recorded.is_some_and(|left| left.outputs.get(*output) == found.outputs.get(*output))
            };
            change.drift = follow.is_empty() || !follow.iter().all(as_left);
        }
        if self.stuck.contains(&desired.address) {
            let holding = kind.fields().iter().filter(|field| field.holds);
            let holding: BTreeSet<&str> = holding.map(|field| field.name).collect();
            let letting_go = changes
                .iter_mut()
                .filter(|change| holding.contains(change.field.as_str()));
            letting_go.for_each(|change| change.forces_replacement = true);
        }
        changes
    }

    /// The output of a resource that was decided before, unless it will be another after the plan.
    fn output(&self, address: &Address, output: &str) -> Option<String> {
        let action = self.actions.get(address)?;
        match action.verb {
            Verb::Create | Verb::Replace | Verb::Delete | Verb::Forget => None,
            Verb::Update if self.outputs_changed_by(action).contains(&output) => None,
            Verb::Update => self.observed_output(address, action, output),
            Verb::Adopt | Verb::None => self.observed_output(address, action, output),
        }
    }

    /// The outputs that the update `action` changes.
    fn outputs_changed_by(&self, action: &Action) -> &'static [&'static str] {
        let changed = action.changes.iter();
        let changed: Vec<String> = changed.map(|change| change.field.clone()).collect();
        let kind = (self.basis.kind)(&action.kind);
        kind.map_or(&[], |kind| kind.outputs_changed_by(&changed))
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

/// Whether it is an object in the cluster, or a part of it that AWS keeps.
fn belongs_to_cluster(kind: &dyn Kind) -> bool {
    kind.lives_in_cluster() || kind.goes_with_cluster(&Fields::new())
}

/// Whether the kind stands only for what a cluster leaves behind: the file never asks for it.
fn is_sweep(kind: &dyn Kind) -> bool {
    matches!(kind.name(), WORKLOADS | LEFTOVERS)
}
