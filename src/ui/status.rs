//! Status and outputs as tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::format::{count, cut, duration};
use super::style::{BAD, CHANGE, FAINT, GOOD, STRONG, paint};
use crate::ops::{Remains, ResourceStatus, Status};
use crate::resources::Outputs;

/// How wide the column of ages is.
const AGE: usize = 5;

/// The status for a terminal of `width` columns.
pub fn status(status: &Status, width: usize) -> String {
    let mut text = String::new();
    let Status {
        environment,
        provider,
        account,
        region,
        ..
    } = status;
    let _ = writeln!(
        text,
        "{} on {provider}, account {account}, {region}",
        paint(STRONG, environment)
    );
    match (&status.expires, status.expires_in_seconds) {
        (Some(moment), Some(left)) if left >= 0 => {
            let _ = writeln!(
                text,
                "expires in {} ({moment})",
                duration(left.unsigned_abs())
            );
        }
        (Some(moment), Some(left)) => {
            let _ = writeln!(
                text,
                "{}",
                paint(
                    BAD,
                    format!("expired {} ago ({moment})", duration(left.unsigned_abs()))
                )
            );
        }
        (Some(_) | None, _) => {}
    }
    if status.protected {
        let _ = writeln!(text, "protected: destroy refuses");
    }
    if let Some(run) = &status.last_run {
        let how = if run.complete {
            "complete"
        } else {
            "incomplete: run it again"
        };
        let _ = writeln!(text, "last run: {} at {:.0}, {how}", run.operation, run.at);
    }
    if status.resources.is_empty() {
        text.push_str("nothing exists and nothing is asked for\n");
        return text;
    }
    let widest = |cell: fn(&ResourceStatus) -> &str| {
        status
            .resources
            .iter()
            .map(|r| cell(r).chars().count())
            .max()
            .unwrap_or(0)
    };
    let address = widest(|resource| resource.address.as_str())
        .max(7)
        .min(width * 3 / 5);
    let state = widest(|resource| &resource.state).clamp(5, 20);
    let _ = writeln!(
        text,
        "\n{}",
        paint(
            FAINT,
            format!(
                "{:<address$}  {:<state$}  {:<AGE$}  ID",
                "ADDRESS", "STATE", "AGE"
            )
        )
    );
    for resource in &status.resources {
        let style = match resource.state.as_str() {
            "ready" => GOOD,
            "absent" | "not in the file" => FAINT,
            state if state.starts_with("failed") => BAD,
            _ => CHANGE,
        };
        let age = resource
            .age_seconds
            .map_or_else(|| "-".to_owned(), short_age);
        let id = cut(
            resource.id.as_deref().unwrap_or("-"),
            width.saturating_sub(address + state + AGE + 6).max(8),
        );
        let word = paint(style, format!("{:<state$}", cut(&resource.state, state)));
        let _ = writeln!(
            text,
            "{:<address$}  {word}  {age:<AGE$}  {id}",
            cut(resource.address.as_str(), address)
        );
    }
    let ready = status
        .resources
        .iter()
        .filter(|resource| resource.state == "ready")
        .count();
    let _ = writeln!(
        text,
        "\n{} of {} ready",
        ready,
        count(status.resources.len(), "resource")
    );
    text
}

/// An age in one unit, as `kubectl` shows it.
fn short_age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What the environment gives, one line each.
///
/// On a terminal of `width` columns a long value stands on a line of its own, whole, so that it can be copied.
pub fn outputs(outputs: &Outputs, width: usize) -> String {
    let column = outputs.keys().map(String::len).max().unwrap_or(0);
    let line = |mut text: String, (name, value): (&String, &String)| {
        let _ = if 4 + column + value.chars().count() <= width {
            writeln!(
                text,
                "  {}  {value}",
                paint(STRONG, format!("{name:<column$}"))
            )
        } else {
            writeln!(text, "  {}\n    {value}", paint(STRONG, name))
        };
        text
    };
    outputs.iter().fold(String::new(), line)
}

/// What the last look after a teardown found.
pub fn remains(environment: &str, remains: &[Remains]) -> String {
    if remains.is_empty() {
        return format!("{} nothing of {environment} is left\n", paint(GOOD, "✓"));
    }
    let mut text = format!(
        "{}\n",
        paint(
            BAD,
            format!("still there: {}", count(remains.len(), "resource"))
        )
    );
    let mut found: BTreeMap<&str, Vec<&Remains>> = BTreeMap::new();
    for remains in remains {
        found.entry(remains.found_by).or_default().push(remains);
    }
    for (found_by, these) in found {
        let _ = writeln!(text, "  found by {found_by}:");
        let widest = |cell: fn(&Remains) -> &str| {
            let widths = these.iter().map(|remains| cell(remains).chars().count());
            widths.max().unwrap_or(0)
        };
        let kinds = widest(|remains| &remains.kind);
        // An ARN would push the other names out of sight.
        let ids = widest(|remains| &remains.id).min(24);
        for Remains { kind, id, name, .. } in these {
            let name = if name == id { "" } else { name };
            let line = format!("    {kind:<kinds$}  {id:<ids$}  {name}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}
