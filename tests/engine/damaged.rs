//! A document that somebody or something has changed: it is used if it holds, refused if not, and never overwritten.

use std::fs;

use futures::FutureExt;
use groundwork::plan::Goal;
use groundwork::state::{State, Store, StoreError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::bench::{applied, session};

const GOLDEN: &[u8] = include_bytes!("../fixtures/state-1.json");

/// One thing that happens to bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Flip(usize, u8),
    Repeat(usize, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = || 0..GOLDEN.len();
    let some = || 1..64usize;
    let text = prop::sample::select(vec![
        "{", "}", "[", "\"", ",", "null", "-1", "1e999", "\\u0000",
    ]);
    prop_oneof![
        at().prop_map(Mutation::Cut),
        (at(), some()).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (at(), prop::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(at, new)| Mutation::Insert(at, new)),
        (at(), text).prop_map(|(at, text)| Mutation::Insert(at, text.as_bytes().to_vec())),
        (at(), any::<u8>()).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        (at(), some()).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let last = bytes.len();
    let range = |at: &usize, count: &usize| (*at).min(last)..(at + count).min(last);
    match mutation {
        Mutation::Cut(at) => bytes.truncate(*at),
        Mutation::Remove(at, count) => drop(bytes.drain(range(at, count))),
        Mutation::Insert(at, new) => {
            let at = (*at).min(last);
            drop(bytes.splice(at..at, new.iter().copied()));
        }
        Mutation::Flip(at, bits) => {
            if let Some(byte) = bytes.get_mut(*at) {
                *byte ^= bits;
            }
        }
        Mutation::Repeat(at, count) => {
            let again = bytes[range(at, count)].to_vec();
            let at = (*at).min(last);
            drop(bytes.splice(at..at, again));
        }
    }
}

/// What never waits: a folder answers at once.
fn at_once<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("a folder answers at once")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn changed_bytes_are_refused_or_hold_and_stay(mutations in prop::collection::vec(mutation(), 1..4)) {
        let mut bytes = GOLDEN.to_vec();
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        let folder = tempfile::tempdir().unwrap();
        let store = Store::local(folder.path(), "sandbox", "123456789012", "staging");
        fs::create_dir_all(store.folder().unwrap()).unwrap();
        fs::write(store.file().unwrap(), &bytes).unwrap();
        match at_once(store.load()) {
            Ok(state) => {
                let state = state.expect("it is there");
                let written = state.to_bytes().expect("what was read can be written");
                prop_assert_eq!(State::from_bytes(&written, "staging"), Ok(state));
            }
            Err(StoreError::Damaged { aside, .. }) => {
                prop_assert_eq!(fs::read(aside).unwrap(), &bytes[..]);
                let anew = State { serial: 1, ..State::from_bytes(GOLDEN, "staging").unwrap() };
                prop_assert!(at_once(store.save(&anew)).is_err());
            }
            Err(StoreError::Newer { .. }) => {}
            Err(error) => prop_assert!(false, "{error}: {error:?}"),
        }
        prop_assert_eq!(fs::read(store.file().unwrap()).unwrap(), bytes);
    }
}

/// Copies of documents that were damaged one after the other are all kept, and each once.
#[test]
fn every_damaged_document_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path(), "sandbox", "123456789012", "staging");
    fs::create_dir_all(store.folder().unwrap()).unwrap();
    for (text, number) in [("{", 1), ("[", 2), ("{", 1), ("", 3)] {
        fs::write(store.file().unwrap(), text).unwrap();
        let Err(StoreError::Damaged { aside, .. }) = at_once(store.load()) else {
            panic!("`{text}` was used");
        };
        assert_eq!(fs::read_to_string(&aside).unwrap(), text);
        let name = format!("/staging.damaged-{number}.json");
        assert!(aside.ends_with(&name), "{aside}");
    }
}

/// Every value in `value` and below it, by its pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                pointers(field, &format!("{at}/{}", escaped(key)), found);
            }
        }
        Value::Array(elements) => {
            for (number, element) in elements.iter().enumerate() {
                pointers(element, &format!("{at}/{number}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whatever stands in a document that can still be read, planning with it ends, and writes nothing.
#[tokio::test(start_paused = true)]
async fn no_value_in_a_document_makes_planning_fall_over() {
    let world = applied();
    let session = session(&world);
    let path = session.store.file().unwrap();
    let good: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut all = Vec::new();
    pointers(&good["resources"], "/resources", &mut all);
    let strange = [
        json!("strange"),
        json!({}),
        json!(null),
        json!(["x"]),
        json!(-1),
    ];
    let step = all.len() / 60;
    let (mut planned, mut refused) = (0, 0);
    for (number, pointer) in all.iter().step_by(step.max(1)).enumerate() {
        let mut changed = good.clone();
        let value = changed.pointer_mut(pointer).expect("a value");
        *value = strange[number % strange.len()].clone();
        let text = changed.to_string();
        fs::write(&path, &text).unwrap();
        for goal in [Goal::Apply, Goal::Destroy] {
            match session.plan(goal).await {
                Ok(_) => planned += 1,
                Err(_) => refused += 1,
            }
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{pointer}");
    }
    assert!(
        planned > 20 && refused > 20,
        "{planned} planned, {refused} refused"
    );
    assert_eq!(world.sandbox.faults().changes(), 0);
}
