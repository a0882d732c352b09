//! An error as people read it: what failed, the causes below it, and what to do.

use std::error::Error as StdError;
use std::fmt::Write;

use super::style::{BAD, STRONG, paint};

/// The error with its causes, and the hint if there is one.
pub fn failure(error: &(dyn StdError + 'static), hint: Option<&str>) -> String {
    let mut text = format!(
        "{} {}\n",
        paint(BAD, "error:"),
        indented(&error.to_string())
    );
    let mut cause = error.source();
    let mut last = error.to_string();
    while let Some(error) = cause {
        let said = error.to_string();
        // A transparent wrapper says what its cause says.
        if said != last {
            let _ = writeln!(text, "  because {}", indented(&said));
        }
        last = said;
        cause = error.source();
    }
    if let Some(hint) = hint {
        let _ = writeln!(text, "{} {hint}", paint(STRONG, "hint:"));
    }
    text
}

/// Lines after the first stand below it.
fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Failed {
        said: &'static str,
        source: Option<Box<Failed>>,
    }

    #[test]
    fn causes_stand_below_what_failed_and_none_is_said_twice() {
        let chain = |said, source: Option<Failed>| Failed {
            said,
            source: source.map(Box::new),
        };
        let inner = chain("the disk is full", None);
        let error = chain(
            "two\nlines",
            Some(chain("same", Some(chain("same", Some(inner))))),
        );
        let text = anstream::adapter::strip_str(&failure(&error, Some("buy a disk"))).to_string();
        assert_eq!(
            text,
            "error: two\n  lines\n  because same\n  because the disk is full\nhint: buy a disk\n"
        );
    }
}
