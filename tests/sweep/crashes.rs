//! The sweep: at every moment of an undisturbed run the process dies, and the same command is run again.

use std::time::Duration;

use groundwork::plan::Goal;

use crate::pool::{each, each_seed, on_a_clock, random};
use crate::record::Point;
use crate::resume::{destroy, half_written, run};
use crate::scenario::{Scenario, scenarios, session};
use crate::settings::{self, tell};
use crate::undisturbed::{Before, Undisturbed};

/// How long the dead process is not missed, in turn.
const LATER: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(20),
    Duration::from_secs(15 * 60),
    Duration::from_secs(26 * 60 * 60),
];

/// Of so many resumed runs of apply one is torn down as well.
const TORN_DOWN: usize = 4;

/// How often a process dies, is run again, and dies again.
const PAIRS: u64 = 200;

/// Runs the command again after the process died at `point`, so much later, and insists that it ends as it would have.
async fn resumed(undisturbed: &Undisturbed, point: &Point, later: Duration) -> Result<(), String> {
    let Scenario { file, goal, .. } = &undisturbed.scenario;
    let place = point.begin(&file.name);
    let session = session(&place, file);
    session.state().await.map_err(|error| error.to_string())?;
    tokio::time::advance(later).await;
    if point.journal {
        half_written(&session);
    }
    run(&session, *goal).await?;
    undisturbed.expect(&place, &session).await?;
    if *goal == Goal::Apply && point.number.is_multiple_of(TORN_DOWN) {
        destroy(&place, file).await?;
    }
    Ok(())
}

/// Visits the points of every scenario, all or those of one part.
fn sweep(name: &str, part: Option<u64>, before: &Before) {
    let mut failures = Vec::new();
    for (index, scenario) in scenarios(name).into_iter().enumerate() {
        let undisturbed = on_a_clock(Undisturbed::of(scenario, before));
        let label = undisturbed.scenario.name;
        let points = undisturbed.points();
        let all = points.len();
        let visited: Vec<Point> = points
            .into_iter()
            .filter(|point| {
                let number = point.number as u64 + index as u64;
                part.is_none_or(|part| number % settings::PARTS == part)
            })
            .collect();
        let failed = each(&visited, async |point| {
            let later = LATER[(point.number / TORN_DOWN) % LATER.len()];
            resumed(&undisturbed, point, later).await
        });
        tell(&format!(
            "{name}, {label}: {} of {all} crash points visited, {} failed",
            visited.len(),
            failed.len()
        ));
        for (number, why) in failed {
            let number = visited[number].number;
            failures.push(format!("{name}, {label}, point {number}: {why}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn demo_survives_a_crash_at_every_point() {
    sweep("demo", None, &Before::default());
}

/// Which part of `what` is swept, unless all of it is.
fn part_of(what: &str) -> Option<u64> {
    let part = (!settings::everything()).then(settings::part)?;
    let all = settings::PARTS;
    tell(&format!(
        "{what}: part {part} of {all} (GROUNDWORK_SWEEP_PART={part})"
    ));
    Some(part)
}

#[test]
fn demo_survives_a_crash_with_its_state_in_a_bucket() {
    let part = part_of("demo with its state in a bucket");
    sweep("demo", part, &Before::in_a_bucket());
}

#[test]
fn staging_survives_a_crash_at_every_point() {
    let part = part_of("staging");
    sweep("staging", part, &Before::default());
}

/// Dies at a random point, is run again and dies at a random point of that, and is run a third time.
async fn crashed_twice(all: &[Undisturbed], seed: u64) -> Result<(), String> {
    let mut dice = seed;
    let mut choose = |count: usize| usize::try_from(random(&mut dice) % count as u64).unwrap_or(0);
    let undisturbed = &all[choose(all.len())];
    let points = undisturbed.points();
    let first = &points[choose(points.len())];
    let Scenario {
        name, file, goal, ..
    } = &undisturbed.scenario;
    let ends = choose(points.len() - first.number + 1) + 1;
    let later = LATER[choose(LATER.len())];
    let again = async {
        let place = first.begin(&file.name);
        let recording = place.record(&file.name, Some(ends));
        let session = session(&place, file);
        tokio::select! {
            () = recording.full() => {}
            ended = run(&session, *goal) => ended?,
        }
        let last = recording.points().into_iter().last();
        let last = last.ok_or("nothing happened")?;
        resumed(undisturbed, &last, later).await
    };
    again.await.map_err(|why| {
        let (file, first) = (&file.name, first.number);
        format!("seed {seed}, {name} of {file}, point {first} and then {ends}: {why}")
    })
}

#[test]
fn two_crashes_in_a_row_are_survived() {
    let before = Before::default();
    let all: Vec<Undisturbed> = scenarios("demo")
        .into_iter()
        .map(|scenario| on_a_clock(Undisturbed::of(scenario, &before)))
        .collect();
    let seeds = settings::seeds(PAIRS, PAIRS);
    each_seed("pairs of crashes", &seeds, async |seed| {
        crashed_twice(&all, *seed).await
    });
}
