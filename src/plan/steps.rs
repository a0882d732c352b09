//! The order of a plan: what must be done before what.
//!
//! Every action has a step that removes and a step that makes. Making waits for what it depends on; removing
//! waits until everything that depended on it has let go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::json;

use super::holds::Holds;
use super::{Action, After, Basis, Plan, Verb};
use crate::address::Address;
use crate::graph::{Cycle, Graph};
use crate::resources::bootstrap::APPLICATION;
use crate::resources::cluster::{control_role, oidc_provider};
use crate::resources::{AUTO_MODE, CONTROL_PLANE, Claim, Kind, LEFTOVERS, NODE_GROUP, WORKLOADS};

/// Which half of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// What is there is deleted or forgotten.
    Remove,
    /// What is wanted is made, changed or adopted.
    Make,
}

/// One node of the order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// Which half.
    pub phase: Phase,
    /// Which resource.
    pub address: Address,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Remove => "remove",
            Phase::Make => "make",
        };
        write!(f, "{phase} {}", self.address)
    }
}

fn removes(verb: Verb) -> bool {
    matches!(verb, Verb::Delete | Verb::Replace | Verb::Forget)
}

fn makes(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Create | Verb::Update | Verb::Replace | Verb::Adopt | Verb::None
    )
}

/// The steps of a plan in their order.
pub(super) struct Ordered {
    /// Which step waits for which.
    pub graph: Graph<Step>,
    /// What can't let go of what it holds before that has to be gone: the cloud would refuse.
    pub stuck: BTreeSet<Address>,
}

/// The steps of `plan` in their order.
///
/// # Errors
/// When steps wait for each other in a ring.
pub fn steps(plan: &Plan, basis: &Basis<'_>) -> Result<Graph<Step>, Cycle> {
    order(plan, basis).map(|ordered| ordered.graph)
}

/// The same, and what is wrong with it.
///
/// # Errors
/// When steps wait for each other in a ring.
pub(super) fn order(plan: &Plan, basis: &Basis<'_>) -> Result<Ordered, Cycle> {
    let verbs: BTreeMap<&Address, Verb> =
        plan.actions.iter().map(|a| (&a.address, a.verb)).collect();
    let step = |phase, address: &Address| Step {
        phase,
        address: address.clone(),
    };
    let has = |address: &Address, phase| match phase {
        Phase::Remove => verbs.get(address).is_some_and(|verb| removes(*verb)),
        Phase::Make => verbs.get(address).is_some_and(|verb| makes(*verb)),
    };
    let mut graph = Graph::default();
    let mut lettings_go = Vec::new();
    let holds = Holds::seen(basis);
    for (address, verb) in &verbs {
        for phase in [Phase::Remove, Phase::Make]
            .into_iter()
            .filter(|phase| has(address, *phase))
        {
            graph.add(step(phase, address));
        }
        if *verb == Verb::Replace {
            graph.wait(step(Phase::Make, address), step(Phase::Remove, address));
        }
        for first in dependencies(basis, &holds, address) {
            if has(address, Phase::Make)
                && has(first, Phase::Make)
                && wanted(basis, address, first)
                && !outlives(plan, address, first)
            {
                graph.wait(step(Phase::Make, address), step(Phase::Make, first));
            }
            if !has(first, Phase::Remove) {
                continue;
            }
            if has(address, Phase::Remove) {
                graph.wait(step(Phase::Remove, first), step(Phase::Remove, address));
                continue;
            }
            let held = holds.of(address).any(|(_, held)| held == first);
            let given_up = !has(first, Phase::Make) || !wanted(basis, address, first);
            if has(address, Phase::Make) && (held || given_up) {
                // It stays and lets go of what is removed.
                lettings_go.push((step(Phase::Remove, first), step(Phase::Make, address)));
            }
        }
    }
    sweep_in_order(plan, &mut graph);
    auto_mode_ends(plan, basis, &mut graph);
    controllers_outlive_their_work(plan, basis, &holds, &mut graph);
    for (held, by) in contested(plan, basis) {
        graph.wait(step(Phase::Make, &by), step(Phase::Remove, &held));
    }
    effects_go_first(plan, basis, &mut graph);
    graph.order()?;
    let mut stuck = BTreeSet::new();
    for (removed, let_go) in lettings_go {
        let mut tried = graph.clone();
        tried.wait(removed, let_go.clone());
        match tried.order() {
            Ok(_) => graph = tried,
            Err(_) => drop(stuck.insert(let_go.address)),
        }
    }
    Ok(Ordered { graph, stuck })
}

/// What a cluster leaves behind is swept between its end and its next beginning; and an application, which would
/// bring back what is taken away from under it, goes before what else runs in the cluster.
fn sweep_in_order(plan: &Plan, graph: &mut Graph<Step>) {
    let steps = |kind: &'static str, phase, has: fn(Verb) -> bool| {
        let actions = plan.actions.iter();
        actions
            .filter(move |action| action.kind == kind && has(action.verb))
            .map(move |action| Step {
                phase,
                address: action.address.clone(),
            })
    };
    for leftovers in steps(LEFTOVERS, Phase::Remove, removes) {
        for cluster in steps(CONTROL_PLANE, Phase::Remove, removes) {
            graph.wait(leftovers.clone(), cluster);
        }
        for cluster in steps(CONTROL_PLANE, Phase::Make, makes) {
            graph.wait(cluster, leftovers.clone());
        }
    }
    for workloads in steps(WORKLOADS, Phase::Remove, removes) {
        for application in steps(APPLICATION.name, Phase::Remove, removes) {
            graph.wait(workloads.clone(), application);
        }
    }
}

/// The action by which Auto Mode goes off.
fn auto_mode_off(plan: &Plan) -> Option<&Action> {
    plan.actions.iter().find(|action| {
        let mut changes = action.changes.iter();
        action.kind == CONTROL_PLANE
            && action.verb == Verb::Update
            && changes.any(|change| {
                change.field == AUTO_MODE && change.after == After::Value(json!(false))
            })
    })
}

/// Whether `first` is the role whose rights `address` needs until Auto Mode is off.
fn outlives(plan: &Plan, address: &Address, first: &Address) -> bool {
    *first == control_role() && auto_mode_off(plan).is_some_and(|off| off.address == *address)
}

/// EKS Auto Mode clears up what it made: what goes in the cluster goes before, and the rights that it needs after.
fn auto_mode_ends(plan: &Plan, basis: &Basis<'_>, graph: &mut Graph<Step>) {
    let Some(off) = auto_mode_off(plan) else {
        return;
    };
    let step = |phase, address: &Address| Step {
        phase,
        address: address.clone(),
    };
    let off = step(Phase::Make, &off.address);
    for action in &plan.actions {
        let inside = (basis.kind)(&action.kind).is_some_and(|kind| kind.lives_in_cluster());
        if inside && removes(action.verb) {
            graph.wait(off.clone(), step(Phase::Remove, &action.address));
        }
    }
    let role = control_role();
    if plan.action(&role).is_some_and(|action| makes(action.verb)) {
        graph.wait(step(Phase::Make, &role), off);
    }
}

/// What is deleted in the cluster has effects outside, which only controllers undo; and these may run on the nodes
/// (FACTS §3: load balancers and volumes before node groups).
fn controllers_outlive_their_work(
    plan: &Plan,
    basis: &Basis<'_>,
    holds: &Holds<'_>,
    graph: &mut Graph<Step>,
) {
    let provider = &oidc_provider();
    let removed = |inside: bool| {
        let actions = plan.actions.iter();
        actions
            .filter(move |action| removes(action.verb))
            .filter(move |action| match (basis.kind)(&action.kind) {
                Some(kind) if inside => kind.lives_in_cluster(),
                Some(kind) if kind.name() == NODE_GROUP => true,
                // By what it vouches for they act in AWS.
                Some(_) => {
                    action.address == *provider
                        || dependencies(basis, holds, &action.address).contains(provider)
                }
                None => false,
            })
            .map(|action| Step {
                phase: Phase::Remove,
                address: action.address.clone(),
            })
    };
    for nodes in removed(false) {
        for work in removed(true) {
            graph.wait(nodes.clone(), work);
        }
    }
}

/// What is deleted in the cluster and has effects outside goes before all that need not go before it: only what undoes
/// those effects knows what that needs (FACTS §3).
fn effects_go_first(plan: &Plan, basis: &Basis<'_>, graph: &mut Graph<Step>) {
    let deleted = plan.actions.iter().filter(|action| {
        let kind = (basis.kind)(&action.kind);
        action.verb == Verb::Delete && kind.is_some_and(|kind| kind.lives_in_cluster())
    });
    let (mut effects, mut rest) = (Vec::new(), Vec::new());
    for action in deleted {
        let found = basis.observed.get(&action.address).into_iter().flatten();
        let mut found = found.filter(|found| Some(&found.id) == action.id.as_ref());
        let Some((found, kind)) = found.next().zip((basis.kind)(&action.kind)) else {
            continue;
        };
        let step = Step {
            phase: Phase::Remove,
            address: action.address.clone(),
        };
        if kind.goes_with_cluster(&found.fields) {
            rest.push(step);
        } else {
            effects.push(step);
        }
    }
    for effect in effects {
        let before: BTreeSet<Step> = graph.behind(&effect).into_iter().cloned().collect();
        for other in rest.iter().filter(|other| !before.contains(other)) {
            graph.wait(other.clone(), effect.clone());
        }
    }
}

/// Whether `address` depends on `first` as the file has it now, and not only as it was.
fn wanted(basis: &Basis<'_>, address: &Address, first: &Address) -> bool {
    basis
        .desired
        .get(address)
        .is_none_or(|desired| desired.depends_on.contains(first))
}

/// What `address` depends on in the file, or did when it was made, or holds on to now.
fn dependencies<'a>(
    basis: &'a Basis<'_>,
    holds: &Holds<'a>,
    address: &Address,
) -> BTreeSet<&'a Address> {
    let desired = basis
        .desired
        .get(address)
        .into_iter()
        .flat_map(|desired| &desired.depends_on);
    let recorded = basis
        .state
        .resources
        .get(address)
        .into_iter()
        .flat_map(|recorded| &recorded.depends_on);
    let open = basis
        .state
        .open
        .get(address)
        .into_iter()
        .flat_map(|entry| &entry.depends_on);
    let held = holds.of(address).map(|(_, held)| held);
    desired.chain(recorded).chain(open).chain(held).collect()
}

/// Pairs of a resource that is removed and another that is made and claims what only one of them can have.
fn contested(plan: &Plan, basis: &Basis<'_>) -> Vec<(Address, Address)> {
    let claims = |kind: &str, fields, name: &str| {
        (basis.kind)(kind)
            .map(|kind: &dyn Kind| kind.claims(fields, name))
            .unwrap_or_default()
    };
    let mut held: Vec<(Claim, &Address)> = Vec::new();
    for action in plan.actions.iter().filter(|action| removes(action.verb)) {
        let found = basis.observed.get(&action.address).into_iter().flatten();
        for found in found.filter(|found| Some(&found.id) == action.id.as_ref()) {
            let claims = claims(found.kind, &found.fields, &found.name);
            held.extend(claims.into_iter().map(|claim| (claim, &action.address)));
        }
    }
    let made = plan
        .actions
        .iter()
        .filter(|action| matches!(action.verb, Verb::Create | Verb::Replace));
    let mut contested = Vec::new();
    for desired in made.filter_map(|action| basis.desired.get(&action.address)) {
        for claim in claims(desired.kind, &desired.fields, &desired.name) {
            let excluding = held.iter().filter(|(held, _)| held.excludes(&claim));
            let others = excluding.filter(|(_, held)| **held != desired.address);
            contested.extend(others.map(|(_, held)| ((*held).clone(), desired.address.clone())));
        }
    }
    contested
}
