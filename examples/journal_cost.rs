//! What the journal on disk costs: as many writes as an apply of staging makes, next to the same transitions in memory.
//!
//! CPU time of the one thread that all of it runs on, as Linux counts it; medians of several runs in turn.
#![expect(
    clippy::disallowed_macros,
    reason = "a table for whoever runs the benchmark"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use futures::future::try_join_all;
use groundwork::environment::model::Flavour;
use groundwork::event::{Event, Listener};
use groundwork::ops::{self, Confirmed, Session};
use groundwork::plan::Goal;
use groundwork::resources::bootstrap::Published;
use groundwork::sandbox::{Sandbox, stand_ins, time::ClockSource};
use groundwork::sensitive::Sensitive;
use groundwork::state::{Action, Entry, Journal, State, Store, Transition};
use tokio::sync::watch;

/// How often each is measured.
const RUNS: usize = 21;

/// How often the transitions are made in memory for one measure: once is too short to be measured.
const TIMES: u16 = 50;

/// What the journal on disk may cost more than one in memory, in seconds of CPU.
const LIMIT: f64 = 0.1;

struct Silence;

impl Listener for Silence {
    fn hear(&self, _event: &Event) {}
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let applied = applied(folder.path()).await?;
    let groups = groups(&applied);
    let fresh = State {
        resources: BTreeMap::new(),
        open: BTreeMap::new(),
        durations: BTreeMap::new(),
        outcome: None,
        serial: 0,
        ..applied.clone()
    };
    let (mut on_disk, mut in_memory) = (Vec::new(), Vec::new());
    for run in 0..RUNS {
        let store = Store::local(
            &folder.path().join(run.to_string()),
            "sandbox",
            "1",
            "staging",
        );
        let begun = cpu_seconds()?;
        let journal = Journal::open(store, fresh.clone()).await?;
        for group in &groups {
            try_join_all(group.iter().map(|step| journal.record(step.clone()))).await?;
        }
        on_disk.push(cpu_seconds()? - begun);
        let (kept, writes) = (journal.state().resources, journal.state().serial);
        if kept != applied.resources || writes != applied.serial {
            return Err(format!("{writes} writes instead of {}", applied.serial).into());
        }
        let begun = cpu_seconds()?;
        for _ in 0..TIMES {
            let mut state = fresh.clone();
            for step in groups.iter().flatten() {
                state.record(step.clone())?;
            }
        }
        in_memory.push((cpu_seconds()? - begun) / f64::from(TIMES));
    }
    let (disk, memory) = (median(on_disk), median(in_memory));
    println!(
        "journal of staging, {} resources, {} writes, median of {RUNS}: {:.1} ms CPU on disk, {:.1} ms in memory, \
         {:.1} ms more",
        applied.resources.len(),
        applied.serial,
        disk * 1000.0,
        memory * 1000.0,
        (disk - memory) * 1000.0,
    );
    // The limit is for what users run, which is optimised.
    if disk - memory > LIMIT && !cfg!(debug_assertions) {
        return Err(format!("the limit is {:.0} ms", LIMIT * 1000.0).into());
    }
    Ok(())
}

/// The state after an apply of staging, whose serial is the number of writes.
async fn applied(folder: &Path) -> Result<State, Box<dyn Error>> {
    let sandbox = Sandbox::open(folder.join("sandbox"), ClockSource::Virtual);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/staging.toml");
    let environment = groundwork::environment::load(&file, None)?;
    let account = "123456789012".to_owned();
    let password = Sensitive::new("benchmark-password");
    let session = Session {
        cloud: sandbox.cloud(&environment.region),
        store: Store::local(folder, "sandbox", &account, "staging"),
        account,
        variables: BTreeMap::from([("MYSQL_PASSWORD".to_owned(), password)]),
        published: Some(Published {
            agent: stand_ins::argocd(Flavour::Full)?,
            ..Published::default()
        }),
        environment,
    };
    let (_stop, never) = watch::channel(false);
    let planned = session.plan(Goal::Apply).await?;
    let report = ops::apply(&session, &planned, &Confirmed::default(), &Silence, never).await?;
    if !report.is_complete() {
        return Err("apply of staging did not come to its end".into());
    }
    session
        .store
        .load()
        .await?
        .ok_or_else(|| "there is no state".into())
}

/// The transitions that lead to `applied`, three for each resource, in as many groups as were written.
fn groups(applied: &State) -> Vec<Vec<Transition>> {
    let steps = applied.resources.iter().flat_map(|(address, recorded)| {
        let entry = Entry {
            action: Action::Create,
            kind: recorded.kind.clone(),
            name: recorded.name.clone(),
            token: applied.lineage.to_string(),
            begun: applied.since,
            id: None,
            depends_on: recorded.depends_on.clone(),
            fields: recorded.fields.clone(),
        };
        [
            Transition::Begin(address.clone(), entry),
            Transition::Identify(address.clone(), recorded.id.clone()),
            Transition::Finish(address.clone(), recorded.clone(), Some(60)),
        ]
    });
    let steps: Vec<Transition> = steps.collect();
    // The first write makes the lineage durable, before there is any transition.
    let writes = usize::try_from(applied.serial - 1).unwrap_or(1).max(1);
    let bounds = (0..=writes).map(|part| part * steps.len() / writes);
    let bounds: Vec<usize> = bounds.collect();
    bounds
        .windows(2)
        .map(|part| steps[part[0]..part[1]].to_vec())
        .collect()
}

/// Seconds that this thread was on a CPU, to the nanosecond.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().ok_or("no schedstat")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
