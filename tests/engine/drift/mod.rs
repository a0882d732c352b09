//! Drift: every settable field of every kind is changed behind our back, and one resource of every kind is deleted.
//! The next plan shows each, the next apply mends it, and the plan after that is empty.

mod cluster;
mod data;
mod identity;
mod inside;
mod network;
mod run;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use groundwork::environment::Environment;
use groundwork::resources::{LEFTOVERS, WORKLOADS, kinds};

use crate::hands::Hands;

/// Something that happens to the one resource at `address`.
pub struct Row {
    kind: &'static str,
    address: &'static str,
    what: What,
}

/// What happens.
enum What {
    /// This field comes to differ from the file.
    Differs(&'static str, By),
    /// It is deleted.
    Deleted(fn(&Hands) -> BoxFuture<'_, ()>),
    /// Nobody can delete it: AWS refuses with this code while what needs it is there.
    Undeletable(fn(&Hands) -> BoxFuture<'_, String>, &'static str),
}

/// How a field comes to differ from the file.
enum By {
    /// Somebody changes it in the cloud.
    Hand(fn(&Hands) -> BoxFuture<'_, ()>),
    /// Somebody changes it in the cloud, and AWS knows no way back, which the plan says in these words.
    OneWay(fn(&Hands) -> BoxFuture<'_, ()>, &'static str),
    /// AWS changes it in no call, so it is written into the world's document.
    Document(fn(&Hands)),
    /// It tells which resource it is, so that another value is another resource: only the file can change it.
    File(fn(&mut Environment)),
    /// No resource of the kind has it, for this reason.
    Nobody(&'static str),
}

/// The rows of one resource.
pub struct Rows {
    kind: &'static str,
    address: &'static str,
    rows: Vec<Row>,
}

impl Rows {
    fn of(kind: &'static str, address: &'static str) -> Self {
        Self {
            kind,
            address,
            rows: Vec::new(),
        }
    }

    fn row(mut self, what: What) -> Self {
        let (kind, address) = (self.kind, self.address);
        self.rows.push(Row {
            kind,
            address,
            what,
        });
        self
    }

    /// From here on the rows are of another resource of the kind.
    fn at(self, address: &'static str) -> Self {
        Self { address, ..self }
    }

    fn hand(self, field: &'static str, change: fn(&Hands) -> BoxFuture<'_, ()>) -> Self {
        self.row(What::Differs(field, By::Hand(change)))
    }

    fn one_way(
        self,
        field: &'static str,
        words: &'static str,
        change: fn(&Hands) -> BoxFuture<'_, ()>,
    ) -> Self {
        self.row(What::Differs(field, By::OneWay(change, words)))
    }

    fn document(self, field: &'static str, change: fn(&Hands)) -> Self {
        self.row(What::Differs(field, By::Document(change)))
    }

    fn file(self, field: &'static str, change: fn(&mut Environment)) -> Self {
        self.row(What::Differs(field, By::File(change)))
    }

    fn nobody(self, field: &'static str, reason: &'static str) -> Self {
        self.row(What::Differs(field, By::Nobody(reason)))
    }

    fn deleted(self, delete: fn(&Hands) -> BoxFuture<'_, ()>) -> Self {
        self.row(What::Deleted(delete))
    }

    fn undeletable(self, code: &'static str, delete: fn(&Hands) -> BoxFuture<'_, String>) -> Self {
        self.row(What::Undeletable(delete, code))
    }
}

/// All rows of a part of the table.
fn rows(part: Vec<Rows>) -> Vec<Row> {
    part.into_iter().flat_map(|rows| rows.rows).collect()
}

/// Every part of the table, each run by a test of its own.
fn parts() -> [Vec<Rows>; 5] {
    [
        network::rows(),
        cluster::rows(),
        data::rows(),
        identity::rows(),
        inside::rows(),
    ]
}

/// A new field of a kind, or a new kind, needs a row.
#[test]
fn the_table_has_every_field_of_every_kind() {
    let (mut fields, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    for row in parts().into_iter().flat_map(rows) {
        match row.what {
            What::Differs(field, _) => {
                let new = fields.insert((row.kind, field));
                assert!(new, "{} {field} stands twice in the table", row.kind);
            }
            What::Deleted(_) | What::Undeletable(..) => drop(deleted.insert(row.kind)),
        }
    }
    // What is there without us can neither differ nor be missed.
    let lasting = kinds()
        .iter()
        .filter(|kind| ![WORKLOADS, LEFTOVERS].contains(&kind.name()) && !kind.is_given());
    let known: BTreeSet<(&str, &str)> = lasting
        .clone()
        .flat_map(|kind| kind.fields().iter().map(|field| (kind.name(), field.name)))
        .collect();
    assert_eq!(fields, known);
    assert_eq!(deleted, lasting.map(|kind| kind.name()).collect());
}

#[tokio::test(start_paused = true)]
async fn the_network_is_kept() {
    run::all(rows(network::rows())).await;
}

#[tokio::test(start_paused = true)]
async fn the_cluster_is_kept() {
    run::all(rows(cluster::rows())).await;
}

#[tokio::test(start_paused = true)]
async fn databases_and_caches_are_kept() {
    run::all(rows(data::rows())).await;
}

#[tokio::test(start_paused = true)]
async fn names_secrets_and_rights_are_kept() {
    run::all(rows(identity::rows())).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_cluster_is_kept() {
    run::all(rows(inside::rows())).await;
}
