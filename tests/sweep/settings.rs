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

/// The one seed to play again: `GROUNDWORK_SWEEP_SEED`.
pub fn seed() -> Option<u64> {
    number("GROUNDWORK_SWEEP_SEED")
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
