//! An error as people read it: what failed, the causes below it, and what to do.

use std::error::Error as StdError;
use std::fmt::Write;

use super::style::{BAD, STRONG, paint};

/// The error with its causes, and the hint if there is one.
pub fn failure(error: &(dyn StdError + 'static), hint: Option<&str>) -> String {
    let mut text = format!("{} {error}\n", paint(BAD, "error:"));
    let mut cause = error.source();
    let mut last = error.to_string();
    while let Some(error) = cause {
        let said = error.to_string();
        // A transparent wrapper says what its cause says.
        if said != last {
            let _ = writeln!(text, "  because {said}");
        }
        last = said;
        cause = error.source();
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "{} {hint}", paint(STRONG, "hint:"));
    }
    text
}
