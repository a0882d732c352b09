#![expect(
    clippy::disallowed_methods,
    reason = "the one place that reads variables and the calendar: what is not swept today is another day"
)]
//! What the one who runs the sweep may ask for.

use std::env;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Into so many parts a large sweep is split; a plain run does one of them.
pub const PARTS: u64 = 8;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// Whether everything is swept: `GROUNDWORK_SWEEP=all`.
pub fn everything() -> bool {
    env::var("GROUNDWORK_SWEEP").is_ok_and(|wanted| wanted == "all")
}

/// Which part is swept: `GROUNDWORK_SWEEP_PART`, or else another one each day.
pub fn part() -> u64 {
    let today = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_secs() / SECONDS_A_DAY
    };
    number("GROUNDWORK_SWEEP_PART").unwrap_or_else(today) % PARTS
}

/// Which seeds are played: that of `GROUNDWORK_SWEEP_SEED`, or those as in `40..60`; or else `all` where everything is
/// swept, and `some` of today's part where not.
pub fn seeds(some: u64, all: u64) -> Vec<u64> {
    let asked = env::var("GROUNDWORK_SWEEP_SEED").ok();
    match asked {
        Some(asked) => read_seeds(&asked)
            .unwrap_or_else(|| panic!("GROUNDWORK_SWEEP_SEED is no seed and no range: {asked}")),
        None if everything() => (0..all).collect(),
        None => (part() * some..).take(some as usize).collect(),
    }
}

fn read_seeds(text: &str) -> Option<Vec<u64>> {
    match text.split_once("..") {
        Some((first, end)) => Some((first.parse().ok()?..end.parse().ok()?).collect()),
        None => Some(vec![text.parse().ok()?]),
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is not a number: {text}")))
}

/// Says what was done; unlike `println!` also when the test passes.
pub fn tell(text: &str) {
    // Where nobody can be told, the assertions still hold.
    drop(writeln!(std::io::stdout(), "{text}"));
}
