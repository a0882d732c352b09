//! Older versions of a state as a table.

use std::fmt::Write;

use super::format::{count, cut};
use super::style::{FAINT, paint};
use crate::state::{State, version_name};

/// The versions for a terminal of `width` columns; nothing is cut where there is none.
pub fn versions(versions: &[State], width: Option<usize>) -> String {
    if versions.is_empty() {
        return "no older version is kept\n".to_owned();
    }
    let names: Vec<String> = versions.iter().map(version_name).collect();
    let column = names.iter().map(String::len).max().unwrap_or(0).max(7);
    let mut text = format!(
        "{}\n",
        paint(FAINT, format!("{:<column$}  HOLDS", "VERSION"))
    );
    for (name, state) in names.iter().zip(versions) {
        let resources = count(state.resources.len(), "resource");
        let after = match &state.outcome {
            Some(run) if run.complete => format!("after {} at {:.0}", run.operation, run.at),
            Some(run) => format!("after an incomplete {} at {:.0}", run.operation, run.at),
            None => "before the first run ended".to_owned(),
        };
        let unfinished = match state.open.len() {
            0 => String::new(),
            open => format!(", {} unfinished", count(open, "action")),
        };
        let line = format!("{name:<column$}  {resources}{unfinished}, {after}");
        let line = width.map_or_else(|| line.clone(), |width| cut(&line, width));
        let _ = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::state::Outcome;

    #[test]
    fn a_version_tells_what_it_holds_and_when_it_was() {
        let mut state = State::new("demo", "sandbox", "1", "us-east-1", Timestamp::UNIX_EPOCH);
        state.serial = 7;
        state.outcome = Some(Outcome {
            operation: "apply".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            complete: false,
        });
        let text = anstream::adapter::strip_str(&versions(&[state.clone()], None)).to_string();
        let name = version_name(&state);
        assert_eq!(
            text,
            format!(
                "VERSION     HOLDS\n{name}  0 resources, after an incomplete apply at 1970-01-01T00:00:00Z\n"
            )
        );
        assert_eq!(versions(&[], None), "no older version is kept\n");
    }
}
