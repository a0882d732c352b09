//! Runs rows of the table: each in a world of its own.

use std::collections::BTreeSet;

use groundwork::address::Address;
use groundwork::ops::{Confirmed, Error, Planned, Session};
use groundwork::plan::{Action, After, Danger, Goal, Verb};
use groundwork::resources::{Change, LEFTOVERS, WORKLOADS, kind};

use super::{By, Row, What};
use crate::bench::{applied, session, session_on, staging};
use crate::common::carry_out_with;
use crate::hands::Hands;

/// Runs all of them, and then tells of every one that failed.
pub async fn all(rows: Vec<Row>) {
    let tasks = tokio::task::LocalSet::new();
    let failed = tasks.run_until(async {
        let mut failed = Vec::new();
        for row in rows {
            let name = row.name();
            if tokio::task::spawn_local(one(row)).await.is_err() {
                failed.push(name);
            }
        }
        failed
    });
    let failed = failed.await;
    assert!(failed.is_empty(), "see above: {failed:#?}");
}

impl Row {
    fn name(&self) -> String {
        match &self.what {
            What::Differs(field, _) => format!("{} {field}", self.address),
            What::Deleted(_) | What::Undeletable(..) => format!("{} deleted", self.address),
        }
    }
}

async fn one(row: Row) {
    let world = applied();
    let unchanged = session(&world);
    let hands = Hands::on(&world, &unchanged);
    match row.what {
        What::Differs(field, by) => {
            let session = match by {
                By::Hand(change) => {
                    change(&hands).await;
                    unchanged
                }
                By::Document(change) => {
                    change(&hands);
                    unchanged
                }
                By::File(change) => {
                    let mut environment = staging();
                    change(&mut environment);
                    let session = session_on(&world, environment);
                    let planned = differs(&session, row.kind, row.address, field).await;
                    return mend(&session, &planned).await;
                }
                By::OneWay(change, words) => {
                    change(&hands).await;
                    return refused(&unchanged, row.address, field, words).await;
                }
                By::Nobody(reason) => return assert!(!reason.is_empty()),
            };
            let planned = differs(&session, row.kind, row.address, field).await;
            only_what_needs_it(&planned, row.address);
            mend(&session, &planned).await;
        }
        What::Deleted(delete) => {
            delete(&hands).await;
            let planned = unchanged.plan(Goal::Apply).await.expect("a plan");
            let action = action(&planned, row.address);
            assert_eq!(action.verb, Verb::Create, "{action:#?}");
            only_what_needs_it(&planned, row.address);
            mend(&unchanged, &planned).await;
        }
        What::Undeletable(delete, code) => {
            assert_eq!(delete(&hands).await, code);
            let planned = unchanged.plan(Goal::Apply).await.expect("a plan");
            assert!(planned.plan.is_empty(), "nothing changed");
        }
    }
}

/// The plan shows that this field of this resource differs.
async fn differs(session: &Session, kind_name: &str, address: &str, name: &str) -> Planned {
    let fields = kind(kind_name).expect("the kind").fields();
    let field = fields.iter().find(|field| field.name == name);
    let change = field.expect("a field of the kind").change;
    let planned = session.plan(Goal::Apply).await.expect("a plan");
    let action = action(&planned, address);
    assert_eq!(action.kind, kind_name);
    let named = action.changes.iter().find(|change| change.field == name);
    let named = named.unwrap_or_else(|| panic!("{name} is not named: {action:#?}"));
    match change {
        Change::InPlace => assert_eq!(action.verb, Verb::Update, "{action:#?}"),
        Change::Replace => {
            assert_eq!(action.verb, Verb::Replace, "{action:#?}");
            assert!(named.forces_replacement);
            assert!(action.reason.contains(name), "{}", action.reason);
        }
    }
    planned
}

/// There is no way back: nothing is done, and the error says so.
async fn refused(session: &Session, address: &str, field: &str, words: &str) {
    let planned = session.look(Goal::Apply).await.expect("a plan");
    let action = action(&planned, address);
    assert!(
        action.changes.iter().any(|change| change.field == field),
        "{action:#?}"
    );
    match session.plan(Goal::Apply).await {
        Err(error @ Error::Impossible(_)) => {
            let text = error.to_string();
            assert!(text.contains(address) && text.contains(words), "{text}");
        }
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("there is a plan"),
    }
}

fn action<'a>(planned: &'a Planned, address: &str) -> &'a Action {
    let address: Address = address.parse().expect("an address");
    let action = planned.plan.action(&address);
    action.unwrap_or_else(|| panic!("the plan has no {address}"))
}

/// Nothing else is touched but what depends on it, and where it stays nothing but what follows from it.
fn only_what_needs_it(planned: &Planned, root: &str) {
    let mut needs = BTreeSet::from([root.parse().expect("an address")]);
    loop {
        let more: Vec<Address> = planned
            .desired
            .values()
            .filter(|desired| !needs.contains(&desired.address))
            .filter(|desired| desired.depends_on.iter().any(|first| needs.contains(first)))
            .map(|desired| desired.address.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        needs.extend(more);
    }
    let stays = action(planned, root).verb == Verb::Update;
    for other in planned.plan.work() {
        let sweeps = [WORKLOADS, LEFTOVERS].contains(&other.kind.as_str());
        assert!(
            needs.contains(&other.address) || sweeps,
            "touches {}",
            told(other)
        );
        let follows = other
            .changes
            .iter()
            .all(|change| change.after == After::KnownAfterApply);
        let is_root = other.address.as_str() == root;
        assert!(is_root || !stays || follows, "touches {}", told(other));
    }
}

/// Carries the plan out, agreeing to the loss of data, and insists that nothing is left to do.
async fn mend(session: &Session, planned: &Planned) {
    let lost = planned
        .plan
        .work()
        .filter(|action| action.danger == Some(Danger::LosesData));
    let confirmed = Confirmed {
        data_loss: lost.map(|action| action.address.clone()).collect(),
    };
    carry_out_with(session, planned, &confirmed).await;
    let again = session.plan(Goal::Apply).await.expect("a plan");
    let left: Vec<String> = again.plan.work().map(told).collect();
    assert!(left.is_empty(), "still to do: {left:#?}");
}

fn told(action: &Action) -> String {
    format!("{:?} {}: {}", action.verb, action.address, action.reason)
}
