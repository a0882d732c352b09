//! Properties of the planner over a model of a cloud: carrying a plan out gives what is desired, without a step that
//! the cloud would refuse; destroying leaves nothing; the same inputs give the same bytes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Action, Basis, Goal, Phase, Plan, Step, Verb, plan, steps};
use crate::address::Address;
use crate::cloud::{Cloud, Fault};
use crate::resources::inventory::Inventory;
use crate::resources::{
    Condition, Context, Desired, Field, Fields, Input, Kind, Observed, Order, Outputs, Owner,
    Unseen, Wanted, references, resolve,
};
use crate::state::{Recorded, State};

/// How many addresses there are.
const SIZE: usize = 6;

/// A kind of the model; nothing of it reaches a cloud.
struct Thing;

const KIND: &str = "model.thing";

#[async_trait]
impl Kind for Thing {
    fn name(&self) -> &'static str {
        KIND
    }

    fn fields(&self) -> &'static [Field] {
        const {
            &[
                Field::replaces("name"),
                Field::replaces("shape"),
                Field::replaces("stands_in"),
                Field::in_place("holds").holding(),
                Field::in_place("knows"),
                Field::in_place("size"),
            ]
        }
    }

    fn desired(&self, _context: &Context<'_>) -> Vec<Desired> {
        Vec::new()
    }

    fn observe(
        &self,
        _inventory: &Inventory,
        _wanted: &Wanted<'_>,
    ) -> Result<Vec<Observed>, Unseen> {
        Ok(Vec::new())
    }

    async fn create(&self, _cloud: &Cloud, _order: &Order<'_>) -> Result<String, Fault> {
        Err(unreal())
    }

    async fn read(
        &self,
        _cloud: &Cloud,
        _order: &Order<'_>,
        _id: &str,
    ) -> Result<Option<Observed>, Fault> {
        Err(unreal())
    }

    async fn update(
        &self,
        _cloud: &Cloud,
        _order: &Order<'_>,
        _observed: &Observed,
        _changed: &[String],
    ) -> Result<(), Fault> {
        Err(unreal())
    }

    async fn delete(&self, _cloud: &Cloud, _order: &Order<'_>, _id: &str) -> Result<(), Fault> {
        Err(unreal())
    }
}

fn unreal() -> Fault {
    Fault::incomplete("model", "call", "cloud")
}

fn kind(name: &str) -> Option<&'static dyn Kind> {
    (name == KIND).then_some(&Thing as &dyn Kind)
}

fn address(index: usize) -> Address {
    Address::of(&["model", &index.to_string()])
}

/// What the file says of one address; numbers of others mean those before it.
#[derive(Clone, Debug)]
struct Spec {
    shape: u8,
    size: u8,
    stands_in: Option<prop::sample::Index>,
    holds: Option<prop::sample::Index>,
    knows: Option<prop::sample::Index>,
}

/// What a file says: what stands where, and by how much names are moved on.
#[derive(Clone, Debug)]
struct File {
    specs: Vec<Option<Spec>>,
    shift: usize,
}

/// What happened to a resource since it was made.
#[derive(Clone, Copy, Debug)]
enum Since {
    Nothing,
    Resized,
    Gone,
    Forgotten,
}

fn files() -> impl Strategy<Value = File> {
    let index = || prop::option::of(any::<prop::sample::Index>());
    let spec = (0..2u8, 0..3u8, index(), index(), index()).prop_map(
        |(shape, size, stands_in, holds, knows)| Spec {
            shape,
            size,
            stands_in,
            holds,
            knows,
        },
    );
    let specs = prop::collection::vec(prop::option::weighted(0.8, spec), SIZE);
    (specs, 0..SIZE).prop_map(|(specs, shift)| File { specs, shift })
}

fn since() -> impl Strategy<Value = Vec<Since>> {
    let one = prop_oneof![
        6 => Just(Since::Nothing),
        1 => Just(Since::Resized),
        1 => Just(Since::Gone),
        1 => Just(Since::Forgotten),
    ];
    prop::collection::vec(one, SIZE)
}

impl File {
    /// What the file asks for.
    fn desired(&self) -> BTreeMap<Address, Desired> {
        let there = |index: &usize| self.specs[*index].is_some();
        let mut desired = BTreeMap::new();
        for (index, spec) in self.specs.iter().enumerate() {
            let Some(spec) = spec else { continue };
            let before: Vec<usize> = (0..index).filter(there).collect();
            let other = |choice: &Option<prop::sample::Index>| {
                let choice = choice.filter(|_| !before.is_empty())?;
                let other = before[choice.index(before.len())];
                Some(json!(Input::of(&address(other), "id")))
            };
            let name = format!("name-{}", (index + self.shift) % SIZE);
            let spec = json!({
                "name": name,
                "shape": spec.shape,
                "size": spec.size,
                "stands_in": other(&spec.stands_in).unwrap_or(json!("nothing")),
                "holds": other(&spec.holds).unwrap_or(json!("nothing")),
                "knows": other(&spec.knows).unwrap_or(json!("nothing")),
            });
            let one = Desired::new(KIND, address(index), name, &spec);
            desired.insert(one.address.clone(), one);
        }
        desired
    }
}

/// One thing in the model of a cloud.
#[derive(Clone, Debug, PartialEq)]
struct There {
    id: String,
    fields: Fields,
}

/// A cloud that holds what it is told, and refuses what AWS would refuse.
#[derive(Clone, Debug, Default)]
struct Model {
    there: BTreeMap<Address, There>,
    made: u32,
}

impl Model {
    fn id(&self, address: &Address, output: &str) -> Option<String> {
        let there = self.there.get(address).filter(|_| output == "id")?;
        Some(there.id.clone())
    }

    fn resolved(&self, desired: &Desired) -> Fields {
        let fields = desired.fields.iter();
        fields
            .map(|(name, value)| {
                let value = resolve(value, &|address, output| self.id(address, output));
                assert!(references(&value).is_empty(), "{name} is not known");
                (name.clone(), value)
            })
            .collect()
    }

    fn observed(&self) -> BTreeMap<Address, Vec<Observed>> {
        let observed = self.there.iter().map(|(address, there)| {
            let one = Observed {
                address: address.clone(),
                kind: KIND,
                id: there.id.clone(),
                name: there.fields["name"].as_str().unwrap().to_owned(),
                owner: Owner::Ours,
                condition: Condition::Ready,
                fields: there.fields.clone(),
                outputs: Outputs::from([("id".to_owned(), there.id.clone())]),
            };
            (address.clone(), vec![one])
        });
        observed.collect()
    }

    fn carry_out(&mut self, plan: &Plan, basis: &Basis<'_>) {
        let order = steps(plan, basis).unwrap().order().unwrap();
        for step in order {
            self.step(plan.action(&step.address).unwrap(), &step, basis);
        }
    }

    fn step(&mut self, action: &Action, step: &Step, basis: &Basis<'_>) {
        let address = &step.address;
        match (action.verb, step.phase) {
            (Verb::Delete | Verb::Replace, Phase::Remove) => self.remove(address),
            (Verb::Create | Verb::Replace, Phase::Make) => {
                assert!(!self.there.contains_key(address), "{address} is made twice");
                let fields = self.resolved(&basis.desired[address]);
                let name = &fields["name"];
                let taken = self.there.values().any(|one| one.fields["name"] == *name);
                assert!(!taken, "{address}: the name {name} is taken");
                self.made += 1;
                let id = format!("id-{}", self.made);
                self.there.insert(address.clone(), There { id, fields });
            }
            (Verb::Update, _) => {
                let fields = self.resolved(&basis.desired[address]);
                let one = self.there.get_mut(address).unwrap();
                for change in &action.changes {
                    assert!(!change.forces_replacement);
                    let value = fields[&change.field].clone();
                    one.fields.insert(change.field.clone(), value);
                }
            }
            (Verb::Forget, _) => assert!(!self.there.contains_key(address)),
            (Verb::Adopt | Verb::None, _) => assert!(self.there.contains_key(address)),
            (Verb::Create | Verb::Delete, _) => panic!("{step} is no step of {action:?}"),
        }
    }

    fn remove(&mut self, address: &Address) {
        let gone = self.there.remove(address).unwrap();
        let id = json!(gone.id);
        for (other, one) in &self.there {
            let needs = ["stands_in", "holds"].map(|field| one.fields[field] == id);
            assert!(
                !needs.contains(&true),
                "{address} goes while {other} needs it"
            );
        }
    }

    /// What a state remembers of it.
    fn recorded(&self, desired: &BTreeMap<Address, Desired>) -> BTreeMap<Address, Recorded> {
        let recorded = self.there.iter().map(|(address, there)| {
            let one = Recorded {
                kind: KIND.to_owned(),
                id: there.id.clone(),
                name: there.fields["name"].as_str().unwrap().to_owned(),
                fields: there.fields.clone(),
                outputs: Outputs::from([("id".to_owned(), there.id.clone())]),
                depends_on: desired[address].depends_on.clone(),
                since: Timestamp::UNIX_EPOCH,
            };
            (address.clone(), one)
        });
        recorded.collect()
    }
}

fn state(resources: BTreeMap<Address, Recorded>) -> State {
    let now = Timestamp::UNIX_EPOCH;
    let mut state = State::new("model", "sandbox", "123456789012", "us-east-1", now);
    state.resources = resources;
    state
}

/// Plans, carries it out, and returns the plan.
fn run(goal: Goal, desired: &BTreeMap<Address, Desired>, state: &State, model: &mut Model) -> Plan {
    let observed = model.observed();
    let basis = Basis {
        goal,
        desired,
        state,
        observed: &observed,
        kind,
    };
    let planned = plan(&basis).unwrap();
    let bytes = serde_json::to_vec(&planned).unwrap();
    assert_eq!(serde_json::to_vec(&plan(&basis).unwrap()).unwrap(), bytes);
    model.carry_out(&planned, &basis);
    planned
}

/// A cloud as the first file has it, what has happened to it since, and what the state still knows.
fn lived(first: &File, since: &[Since]) -> (Model, State) {
    let desired = first.desired();
    let mut model = Model::default();
    run(Goal::Apply, &desired, &state(BTreeMap::new()), &mut model);
    let mut recorded = model.recorded(&desired);
    for (index, since) in since.iter().enumerate() {
        let address = address(index);
        match since {
            Since::Nothing => {}
            Since::Resized => {
                if let Some(one) = model.there.get_mut(&address) {
                    one.fields.insert("size".to_owned(), json!(99));
                }
            }
            Since::Gone => drop(model.there.remove(&address)),
            Since::Forgotten => drop(recorded.remove(&address)),
        }
    }
    (model, state(recorded))
}

proptest! {
    #[test]
    fn a_plan_carried_out_gives_what_is_desired(
        first in files(), second in files(), since in since(),
    ) {
        let (mut model, before) = lived(&first, &since);
        let desired = second.desired();
        run(Goal::Apply, &desired, &before, &mut model);
        let expected: BTreeMap<&Address, Fields> =
            desired.values().map(|one| (&one.address, model.resolved(one))).collect();
        let there: BTreeMap<&Address, Fields> =
            model.there.iter().map(|(address, one)| (address, one.fields.clone())).collect();
        prop_assert_eq!(there, expected);
        let after = state(model.recorded(&desired));
        let again = run(Goal::Apply, &desired, &after, &mut model);
        prop_assert!(again.is_empty(), "still to do: {:?}", again.work().collect::<Vec<_>>());
    }

    #[test]
    fn what_nobody_touched_is_left_alone(first in files()) {
        let (mut model, before) = lived(&first, &[]);
        let untouched = model.there.clone();
        let planned = run(Goal::Apply, &first.desired(), &before, &mut model);
        prop_assert!(planned.is_empty());
        prop_assert_eq!(model.there, untouched);
    }

    #[test]
    fn destroying_leaves_nothing(first in files(), second in files(), since in since()) {
        let (mut model, before) = lived(&first, &since);
        run(Goal::Destroy, &second.desired(), &before, &mut model);
        prop_assert!(model.there.is_empty(), "{:?}", model.there);
    }

    #[test]
    fn the_order_in_which_things_are_seen_changes_nothing(first in files(), twice in 0..SIZE) {
        let (model, before) = lived(&first, &[]);
        let desired = first.desired();
        let mut observed = model.observed();
        if let Some(found) = observed.get_mut(&address(twice)) {
            let mut second = found[0].clone();
            "id-0".clone_into(&mut second.id);
            found.push(second);
        }
        let planned = |observed: &BTreeMap<Address, Vec<Observed>>| {
            let basis = Basis { goal: Goal::Apply, desired: &desired, state: &before, observed, kind };
            serde_json::to_value(plan(&basis).unwrap()).unwrap()
        };
        let one = planned(&observed);
        observed.values_mut().for_each(|found| found.reverse());
        prop_assert_eq!(&one, &planned(&observed));
        let surplus: Vec<&Value> = one["actions"].as_array().unwrap().iter()
            .filter_map(|action| action.get("surplus")).collect();
        let expected = usize::from(observed.contains_key(&address(twice)));
        prop_assert_eq!(surplus.len(), expected);
    }
}
